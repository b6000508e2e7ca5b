public import Digests

/// The root over all accounts and open holds, kept up to date as they change.
///
/// A binary tree over the bits of names, shortened: nothing is 32 zero bytes, one entry is its own hash wherever it is
/// alone, more are SHA-256 of a one byte and both halves. So the root depends on what there is and not on the order in which
/// it came. The entry of an account is SHA-256 of `"A" ‖ id ‖ key ‖ u64be next ‖ i64be balance ‖ i64be frozen until`, of a
/// hold `"H" ‖ name ‖ payer ‖ i64be amount ‖ resolver ‖ i64be expiry ‖ payees`; accounts nothing happened to have none.
public struct StateTree: Sendable {
    /// Buckets are made smaller when there are more entries than this for each, so that a change costs its own path.
    private static let entriesPerBucket = 4
    private static let bitsAtFirst = 8
    private static let bitsAtMost = 24

    /// Names are told apart by so many first bits; the rest of each bucket is sorted by name.
    private var bits: Int
    private var buckets: [[Entry]]
    private var count = 0
    /// Roots of buckets (from 2^bits on) and of what is above them; nil where something below changed.
    private var nodes: [Node?]

    private struct Entry {
        let name: Hash32
        var hash: Hash32
    }

    private struct Node {
        var count: Int
        var hash: Hash32
    }

    public init(_ state: LedgerState) {
        let expected = state.accounts.count + state.holds.count
        bits = Self.bitsAtFirst
        while bits < Self.bitsAtMost, expected > Self.entriesPerBucket << bits { bits += 2 }
        buckets = Array(repeating: [], count: 1 << bits)
        nodes = Array(repeating: nil, count: 2 << bits)
        for (id, account) in state.accounts { put(id, Self.entry(id, account)) }
        for (name, hold) in state.holds { put(name, Self.entry(name, hold)) }
    }

    /// Takes over what changed.
    mutating func update(_ changes: LedgerState.Changes, from state: LedgerState) {
        for id in changes.accounts { put(id, state.accounts[id].map { Self.entry(id, $0) }) }
        for name in changes.holds { put(name, state.holds[name].map { Self.entry(name, $0) }) }
    }

    private mutating func put(_ name: Hash32, _ entry: Hash32?) {
        if bits < Self.bitsAtMost, count >= Self.entriesPerBucket << bits { makeSmallerBuckets() }
        let bucket = self.bucket(name)
        let at = buckets[bucket][...].partitioningIndex { !($0.name < name) }
        let isThere = at < buckets[bucket].endIndex && buckets[bucket][at].name == name
        switch (entry, isThere) {
        case (let entry?, true): buckets[bucket][at].hash = entry
        case (let entry?, false): buckets[bucket].insert(Entry(name: name, hash: entry), at: at)
        case (nil, true): buckets[bucket].remove(at: at)
        case (nil, false): return
        }
        count += (entry == nil ? 0 : 1) - (isThere ? 1 : 0)
        var node = bucket + 1 << bits
        while node > 0, nodes[node] != nil {
            nodes[node] = nil
            node /= 2
        }
    }

    private func bucket(_ name: Hash32) -> Int {
        Int(name.words.0 >> UInt64(64 - bits))
    }

    private mutating func makeSmallerBuckets() {
        let before = buckets
        bits += 2
        buckets = Array(repeating: [], count: 1 << bits)
        nodes = Array(repeating: nil, count: 2 << bits)
        // In the order of names, so that each bucket is sorted as the one was that it came from.
        for entry in before.joined() { buckets[bucket(entry.name)].append(entry) }
    }

    public mutating func root() -> Hash32 { node(1).hash }

    private mutating func node(_ index: Int) -> Node {
        if let known = nodes[index] { return known }
        let made: Node
        if index >= 1 << bits {
            let bucket = buckets[index - 1 << bits]
            made = Node(count: bucket.count, hash: Self.root(bucket[...], bit: bits))
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

    private static func root(_ sorted: ArraySlice<Entry>, bit: Int) -> Hash32 {
        guard let first = sorted.first else { return .zero }
        guard sorted.count > 1, bit < 256 else { return first.hash }
        let middle = sorted.partitioningIndex { $0.name.bit(bit) }
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
