public import Digests

/// The root over all accounts and open holds, kept up to date as they change.
///
/// A binary tree over the bits of names, shortened: nothing is 32 zero bytes, one entry is its own hash wherever it is
/// alone, more are SHA-256 of a one byte and both halves. So the root depends on what there is and not on the order in which
/// it came. The entry of an account is SHA-256 of `"A" ‖ id ‖ key ‖ u64be next ‖ i64be balance ‖ i64be frozen until`, of a
/// hold `"H" ‖ name ‖ payer ‖ i64be amount ‖ resolver ‖ i64be expiry ‖ payees`; accounts nothing happened to have none.
public struct StateTree: Sendable {
    /// Names are told apart by their first bits before they are sorted.
    private static let bucketBits = 12

    private var entries: [[Hash32: Hash32]]
    /// Roots of buckets (from 2^bucketBits on) and of what is above them; nil where something below changed.
    private var nodes: [Node?]

    private struct Node {
        var count: Int
        var hash: Hash32
    }

    public init(_ state: LedgerState) {
        entries = Array(repeating: [:], count: 1 << Self.bucketBits)
        nodes = Array(repeating: nil, count: 2 << Self.bucketBits)
        for (id, account) in state.accounts { put(id, Self.entry(id, account)) }
        for (name, hold) in state.holds { put(name, Self.entry(name, hold)) }
    }

    /// Takes over what changed.
    mutating func update(_ changes: LedgerState.Changes, from state: LedgerState) {
        for id in changes.accounts { put(id, state.accounts[id].map { Self.entry(id, $0) }) }
        for name in changes.holds { put(name, state.holds[name].map { Self.entry(name, $0) }) }
    }

    private mutating func put(_ name: Hash32, _ entry: Hash32?) {
        let bucket = Int(name.words.0 >> UInt64(64 - Self.bucketBits))
        entries[bucket][name] = entry
        var node = bucket + 1 << Self.bucketBits
        while node > 0, nodes[node] != nil {
            nodes[node] = nil
            node /= 2
        }
    }

    public mutating func root() -> Hash32 { node(1).hash }

    private mutating func node(_ index: Int) -> Node {
        if let known = nodes[index] { return known }
        let made: Node
        if index >= 1 << Self.bucketBits {
            let bucket = entries[index - 1 << Self.bucketBits]
            let sorted = bucket.sorted { $0.key < $1.key }
            made = Node(count: sorted.count, hash: Self.root(sorted[...], bit: Self.bucketBits))
        } else {
            let (left, right) = (node(2 * index), node(2 * index + 1))
            made = Node(
                count: left.count + right.count,
                hash: left.count + right.count < 2
                    ? (left.count == 1 ? left.hash : right.hash) : LogTree.node(left.hash, right.hash))
        }
        nodes[index] = made
        return made
    }

    private static func root(_ sorted: ArraySlice<(key: Hash32, value: Hash32)>, bit: Int) -> Hash32 {
        guard let first = sorted.first else { return .zero }
        guard sorted.count > 1, bit < 256 else { return first.value }
        let middle = sorted.partitioningIndex { $0.key.bit(bit) }
        let (left, right) = (sorted[..<middle], sorted[middle...])
        return LogTree.node(root(left, bit: bit + 1), root(right, bit: bit + 1))
    }

    private static func entry(_ id: AccountID, _ account: LedgerState.Account) -> Hash32 {
        var bytes: [UInt8] = [0x41] + id.bytes + account.key.bytes
        append(account.nextSeq, to: &bytes)
        append(UInt64(bitPattern: account.balance), to: &bytes)
        append(UInt64(bitPattern: account.frozenUntil), to: &bytes)
        return SHA256.hash(bytes)
    }

    private static func entry(_ name: Hash32, _ hold: LedgerState.Hold) -> Hash32 {
        var bytes: [UInt8] = [0x48] + name.bytes + hold.payer.bytes
        append(UInt64(bitPattern: hold.amount), to: &bytes)
        bytes += hold.resolver.bytes
        append(UInt64(bitPattern: hold.expiry), to: &bytes)
        for payee in hold.payees { bytes += payee.bytes }
        return SHA256.hash(bytes)
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }
}

extension Hash32 {
    /// Bit `index`, from the most significant of the first byte.
    fileprivate func bit(_ index: Int) -> Bool {
        let word =
            switch index >> 6 {
            case 0: words.0
            case 1: words.1
            case 2: words.2
            default: words.3
            }
        return word >> UInt64(63 - index & 63) & 1 == 1
    }
}

extension ArraySlice {
    /// The first index whose element, and every one after it, is on the other side.
    fileprivate func partitioningIndex(_ isOnOtherSide: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if isOnOtherSide(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
