import Digests
import FoundationEssentials
import WaggleProtocol

/// The tiles of a log, as its signed root shows them: fetched from anybody, checked from the root down, so that nothing has to
/// be believed, or kept, before it is known to be what was signed.
///
/// The tiles that are not full, one for each level, make the root. A full tile is right when its own root is the hash that the
/// tile above has for it.
struct SignedTiles {
    typealias Fetch = @Sendable (LogTilePath) async throws(LedgerError) -> Data

    let size: UInt64
    private let fetch: Fetch
    /// Of each level, from the entries up, the hashes of the tile that is not full.
    private var edges: [[Hash32]] = []
    /// The full tile of each level that was asked for last.
    private var last: [Int: (index: UInt64, hashes: [Hash32])] = [:]

    /// Fetches the tiles that make the root: one for each level, eight at most.
    /// - Throws: `untrusted` when they make another one.
    init(size: UInt64, root: Hash32, fetch: @escaping Fetch) async throws(LedgerError) {
        (self.size, self.fetch) = (size, fetch)
        var rest = size
        while rest > 0 {
            let width = Int(rest % Self.width)
            let path = LogTilePath(level: edges.count, index: rest / Self.width, width: width)
            edges.append(width == 0 ? [] : try await hashes(path))
            rest /= Self.width
        }
        let (made, edges) = (size, edges)
        guard LogTree(size: made, row: { level, _ in edges[level] }).root == root else {
            throw .untrusted("the tiles that are served do not come to the root that was signed")
        }
    }

    /// Whether this log begins with another one.
    mutating func begins(with tree: LogTree) async throws(LedgerError) -> Bool {
        guard tree.size <= size else { return false }
        var (rest, level) = (tree.size, 0)
        while rest > 0 {
            let own = tree.row(level)
            if !own.isEmpty, try await !tile(level, rest / Self.width).starts(with: own) { return false }
            rest /= Self.width
            level += 1
        }
        return true
    }

    /// How many entries the bundle of this index has.
    func entries(in index: UInt64) -> Int { Int(min(Self.width, size - min(size, index * Self.width))) }

    /// Whether these are the entries of a bundle.
    mutating func has(_ entries: [Data], in index: UInt64) async throws(LedgerError) -> Bool {
        let leaves = entries.map { LogTree.leaf($0) }
        guard leaves.count == LogTree.tileHashes else { return edges.first == leaves && index == size / Self.width }
        return try await tile(1, index / Self.width)[Int(index % Self.width)] == LogTree.root(of: leaves[...])
    }

    /// The hashes of the first entries, for whoever makes a proof of them; nil when they are more than `limit`.
    mutating func leaves(upTo count: UInt64, limit: UInt64) async throws(LedgerError) -> [Hash32]? {
        guard count <= min(limit, size) else { return nil }
        var leaves: [Hash32] = []
        while UInt64(leaves.count) < count { leaves += try await tile(0, UInt64(leaves.count) / Self.width) }
        return Array(leaves.prefix(Int(count)))
    }

    /// The hashes of a tile that is there.
    private mutating func tile(_ level: Int, _ index: UInt64) async throws(LedgerError) -> [Hash32] {
        let full = (0...level).reduce(size) { count, _ in count / Self.width }
        guard index < full else { return edges[level] }
        if let last = last[level], last.index == index { return last.hashes }
        let above = try await tile(level + 1, index / Self.width)
        let found = try await hashes(LogTilePath(level: level, index: index))
        guard LogTree.root(of: found[...]) == above[Int(index % Self.width)] else {
            throw .untrusted("a tile that is served is not the one that was signed")
        }
        last[level] = (index, found)
        return found
    }

    private func hashes(_ path: LogTilePath) async throws(LedgerError) -> [Hash32] {
        let bytes = try await fetch(path)
        guard bytes.count == 32 * path.width else { throw .untrusted("what is served as a tile is none") }
        return stride(from: 0, to: bytes.count, by: 32).compactMap { Hash32(bytes.dropFirst($0).prefix(32)) }
    }

    private static let width = UInt64(LogTree.tileHashes)
}
