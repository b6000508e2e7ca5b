public import Digests

/// Proofs about a log (RFC 6962 sections 2.1.1 and 2.1.2), made from hashes of full subtrees and checked with nothing but
/// roots.
public enum LogProof {
    /// The hash of the full subtree of 2^level entries that begins at entry `index << level`.
    public typealias Subtree = (_ level: Int, _ index: UInt64) throws -> Hash32

    /// That the entry `index` is in the tree of `size` entries. `index` is below `size`.
    public static func inclusion(_ index: UInt64, size: UInt64, subtree: Subtree) throws -> [Hash32] {
        precondition(index < size, "an entry of the tree")
        return try path(index, 0, size, subtree)
    }

    /// That the tree of `old` entries is the beginning of that of `size`. `old` is at most `size`.
    public static func consistency(old: UInt64, size: UInt64, subtree: Subtree) throws -> [Hash32] {
        precondition(old <= size, "an earlier tree")
        guard old > 0, old < size else { return [] }
        return try subproof(old, 0, size, true, subtree)
    }

    private static func path(_ index: UInt64, _ start: UInt64, _ size: UInt64, _ subtree: Subtree) throws -> [Hash32] {
        guard size > 1 else { return [] }
        let left = split(size)
        if index < left {
            return try path(index, start, left, subtree) + [root(start + left, size - left, subtree)]
        }
        return try path(index - left, start + left, size - left, subtree) + [root(start, left, subtree)]
    }

    private static func subproof(
        _ old: UInt64, _ start: UInt64, _ size: UInt64, _ isWhole: Bool, _ subtree: Subtree
    ) throws -> [Hash32] {
        if old == size { return isWhole ? [] : [try root(start, size, subtree)] }
        let left = split(size)
        if old <= left {
            return try subproof(old, start, left, isWhole, subtree) + [root(start + left, size - left, subtree)]
        }
        return try subproof(old - left, start + left, size - left, false, subtree) + [root(start, left, subtree)]
    }

    /// The root over `size` entries from `start`, which a subtree of that size may begin at.
    private static func root(_ start: UInt64, _ size: UInt64, _ subtree: Subtree) throws -> Hash32 {
        if size & (size - 1) == 0 {
            let level = size.trailingZeroBitCount
            return try subtree(level, start >> UInt64(level))
        }
        let left = split(size)
        return LogTree.node(try root(start, left, subtree), try root(start + left, size - left, subtree))
    }

    /// The largest power of two below `size`.
    private static func split(_ size: UInt64) -> UInt64 {
        1 << UInt64(UInt64.bitWidth - 1 - (size - 1).leadingZeroBitCount)
    }

    // MARK: Checking

    /// The root that a proof leads to; nil when it has not the length that it must have. RFC 9162 section 2.1.3.2.
    public static func root(of leaf: Hash32, at index: UInt64, size: UInt64, _ proof: [Hash32]) -> Hash32? {
        guard index < size else { return nil }
        var (position, last) = (index, size - 1)
        var hash = leaf
        for sibling in proof {
            guard last > 0 else { return nil }
            if position & 1 == 1 || position == last {
                hash = LogTree.node(sibling, hash)
                while position & 1 == 0, position > 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                hash = LogTree.node(hash, sibling)
            }
            position >>= 1
            last >>= 1
        }
        return last == 0 ? hash : nil
    }

    /// Whether a tree of `size` entries with `root` begins with that of `old` entries and `oldRoot`. RFC 9162 section
    /// 2.1.4.2.
    public static func isConsistent(
        old: UInt64, _ oldRoot: Hash32, size: UInt64, _ root: Hash32, _ proof: [Hash32]
    ) -> Bool {
        guard old <= size else { return false }
        if old == size { return proof.isEmpty && oldRoot == root }
        if old == 0 { return proof.isEmpty }
        let path = old & (old - 1) == 0 ? [oldRoot] + proof : proof
        return roots(prefix: old, size: size, path).map { $0.prefix == oldRoot && $0.whole == root } ?? false
    }

    /// The hashes from which the roots of a tree and of its first `old` entries follow, whatever anybody says these are.
    /// `old` is from 1 to below `size`.
    public static func prefix(_ old: UInt64, size: UInt64, subtree: Subtree) throws -> [Hash32] {
        let path = try consistency(old: old, size: size, subtree: subtree)
        // A proof of consistency leaves out what whoever has the old root knows.
        return old & (old - 1) == 0 ? [try root(0, old, subtree)] + path : path
    }

    /// What such hashes lead to: the root of the first `old` entries, and that of all. Nil when they are not as many as they
    /// must be.
    public static func roots(prefix old: UInt64, size: UInt64, _ proof: [Hash32]) -> (prefix: Hash32, whole: Hash32)? {
        var path = proof[...]
        guard old > 0, old < size, let first = path.popFirst() else { return nil }
        var (position, last) = (old - 1, size - 1)
        while position & 1 == 1 {
            position >>= 1
            last >>= 1
        }
        var (before, after) = (first, first)
        for sibling in path {
            guard last > 0 else { return nil }
            if position & 1 == 1 || position == last {
                before = LogTree.node(sibling, before)
                after = LogTree.node(sibling, after)
                while position & 1 == 0, position > 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                after = LogTree.node(after, sibling)
            }
            position >>= 1
            last >>= 1
        }
        return last == 0 ? (before, after) : nil
    }
}
