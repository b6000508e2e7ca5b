import Digests
import FoundationEssentials
import GRDB

/// Hashes of the log's tree from what is stored of it.
extension CurrencyRows {
    /// Hashes side by side in one row of the tree, all within one tile.
    func hashes(level: Int, from start: UInt64, count: Int) throws -> [Hash32] {
        let width = UInt64(LogTree.tileHashes)
        if let bytes = try Data.fetchOne(
            db, sql: "SELECT hashes FROM tile WHERE currency = ? AND level = ? AND place = ?",
            arguments: [currency, level, Int64(start / width)])
        {
            let first = Int(start % width)
            return try (first..<first + count).map { place in
                guard let hash = Hash32(bytes.dropFirst(place * 32).prefix(32)) else {
                    throw MalformedMessage(what: "a tile of the log is cut off")
                }
                return hash
            }
        }
        if level == 0 {
            let leaves = try finals(from: start, limit: count).map { LogTree.leaf($0.bytes) }
            guard leaves.count == count else { throw MalformedMessage(what: "entries of the log are missing") }
            return leaves
        }
        return try (0..<UInt64(count)).map { place in
            LogTree.root(of: try tile(level: level - 1, Int64(start + place))[...])
        }
    }

    /// The hash of the full subtree of 2^level entries that begins at entry `index << level`.
    func subtree(_ level: Int, _ index: UInt64) throws -> Hash32 {
        let span = level % 8
        return LogTree.root(of: try hashes(level: level / 8, from: index << UInt64(span), count: 1 << span)[...])
    }

    /// The root of the log when it had so many entries.
    func root(size: UInt64) throws -> Hash32 {
        guard size > 0 else { return SHA256.hash([]) }
        var (rest, start, roots) = (size, UInt64(0), [Hash32]())
        while rest > 0 {
            let level = UInt64.bitWidth - 1 - rest.leadingZeroBitCount
            roots.append(try subtree(level, start >> UInt64(level)))
            start += 1 << UInt64(level)
            rest -= 1 << UInt64(level)
        }
        var hash = roots.removeLast()
        while let left = roots.popLast() { hash = LogTree.node(left, hash) }
        return hash
    }
}
