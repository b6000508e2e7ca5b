public import Digests
public import FoundationEssentials

/// The Merkle tree of a log (RFC 6962 section 2.1), kept as the rows of its tiles (C2SP tlog-tiles): 256 hashes in a tile,
/// and the root of each full tile is a hash of the row above.
///
/// Only rows that are not full are kept here, at most 255 hashes each; full tiles are handed out as they fill up.
public struct LogTree: Equatable, Sendable {
    /// One full tile.
    public struct Tile: Equatable, Sendable {
        /// 0 for hashes of entries.
        public let level: Int
        public let index: UInt64
        public let hashes: [Hash32]
    }

    public static let tileHashes = 256

    public private(set) var size: UInt64 = 0
    /// From the entries up.
    private var rows: [[Hash32]] = []

    public init() {}

    /// A tree whose tiles are stored: `row` gives the hashes of the last, not full, tile of a level.
    public init(size: UInt64, row: (_ level: Int, _ count: Int) throws -> [Hash32]) rethrows {
        self.size = size
        var rest = size
        var level = 0
        while rest > 0 {
            rows.append(try row(level, Int(rest % UInt64(Self.tileHashes))))
            rest /= UInt64(Self.tileHashes)
            level += 1
        }
    }

    /// The hashes of a level's last tile, which is not full.
    func row(_ level: Int) -> [Hash32] { rows.indices.contains(level) ? rows[level] : [] }

    /// The hash of an entry: SHA-256 of a zero byte and its bytes.
    public static func leaf(_ entry: some ContiguousBytes) -> Hash32 { SHA256.hash([0], entry) }

    /// The hash over two subtrees: SHA-256 of a one byte and both.
    public static func node(_ left: Hash32, _ right: Hash32) -> Hash32 {
        var bytes: [UInt8] = [1]
        bytes.reserveCapacity(65)
        left.withUnsafeBytes { bytes.append(contentsOf: $0) }
        right.withUnsafeBytes { bytes.append(contentsOf: $0) }
        return SHA256.hash(bytes)
    }

    /// Appends an entry's hash; returns the tiles that are full now.
    public mutating func append(_ leaf: Hash32) -> [Tile] {
        var full: [Tile] = []
        var hash = leaf
        var count = size
        size += 1
        for level in 0... {
            if rows.count == level { rows.append([]) }
            rows[level].append(hash)
            guard rows[level].count == Self.tileHashes else { break }
            full.append(Tile(level: level, index: count / UInt64(Self.tileHashes), hashes: rows[level]))
            hash = Self.root(of: rows[level][...])
            rows[level] = []
            count /= UInt64(Self.tileHashes)
        }
        return full
    }

    /// The root: the hash of nothing for an empty tree.
    public var root: Hash32 {
        guard size > 0 else { return SHA256.hash([]) }
        // Full subtrees from left to right, each smaller than the one before.
        var subtrees: [Hash32] = []
        for row in rows.reversed() {
            var rest = row[...]
            while !rest.isEmpty {
                let width = Self.largestPower(upTo: rest.count)
                subtrees.append(Self.root(of: rest.prefix(width)))
                rest = rest.dropFirst(width)
            }
        }
        var hash = subtrees.removeLast()
        while let left = subtrees.popLast() { hash = Self.node(left, hash) }
        return hash
    }

    /// The root over a list of hashes whose count is a power of two.
    static func root(of hashes: ArraySlice<Hash32>) -> Hash32 {
        var level = Array(hashes)
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map { node(level[$0], level[$0 + 1]) }
        }
        return level[0]
    }

    static func largestPower(upTo count: Int) -> Int {
        1 << (Int.bitWidth - 1 - count.leadingZeroBitCount)
    }
}
