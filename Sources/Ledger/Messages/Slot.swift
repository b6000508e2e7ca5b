public import Digests
import FoundationEssentials
import WaggleProtocol

/// An account is named by the first key that controlled it, for ever.
public typealias AccountID = Hash32

/// What an order fills: the next place in an account's chain, or a hold, which is resolved once. At most one value is ever
/// final for a slot.
public enum Slot: Hashable, Sendable {
    /// `seq` counts from 1.
    case account(AccountID, seq: UInt64)
    /// The name of the order that opened the hold.
    case hold(Hash32)

    /// What signatures and look-ups name the slot by: SHA-256 of `"A" ‖ account ‖ u64be seq`, or the hold's own name.
    public var id: Hash32 {
        switch self {
        case .hold(let hold): return hold
        case .account(let account, let seq):
            var bytes: [UInt8] = [0x41]
            bytes.reserveCapacity(41)
            account.withUnsafeBytes { bytes.append(contentsOf: $0) }
            withUnsafeBytes(of: seq.bigEndian) { bytes.append(contentsOf: $0) }
            return SHA256.hash(bytes)
        }
    }

    var wire: WireSlot {
        var wire = WireSlot()
        switch self {
        case .account(let account, let seq):
            wire.account.account = account.data
            wire.account.seq = seq
        case .hold(let hold): wire.hold = hold.data
        }
        return wire
    }

    init?(_ wire: WireSlot) {
        switch wire.of {
        case .account(let slot)?: self.init(slot)
        case .hold(let bytes)?: self.init(hold: bytes)
        case nil: return nil
        }
    }

    /// Reads an account's slot of an order whose shape was checked.
    init(account bytes: ArraySlice<UInt8>) throws(MalformedMessage) {
        var (account, seq) = (Hash32?.none, UInt64(0))
        var fields = CheckedFields(bytes)
        while let field = try fields.next() {
            if field.number == 1 { account = field.name } else { seq = field.value }
        }
        guard let account, seq > 0 else { throw MalformedMessage(what: "the order names no slot") }
        self = .account(account, seq: seq)
    }

    init?(_ wire: WireAccountSlot) {
        guard let account = Hash32(wire.account), wire.seq > 0 else { return nil }
        self = .account(account, seq: wire.seq)
    }

    init?(hold bytes: Data) {
        guard let hold = Hash32(bytes) else { return nil }
        self = .hold(hold)
    }
}
