public import Digests
import WaggleProtocol

/// Why an authority does not do what it was asked. The raw value is the name in the .proto file and in the API.
public enum RefusalCode: String, CaseIterable, Sendable {
    case malformed = "MALFORMED"
    case unauthorized = "UNAUTHORIZED"
    case slotUsed = "SLOT_USED"
    case conflict = "CONFLICT"
    case missingEarlier = "MISSING_EARLIER"
    case insufficient = "INSUFFICIENT"
    case frozen = "FROZEN"
    case cap = "CAP"
    case recipientCap = "RECIPIENT_CAP"
    case badEpoch = "BAD_EPOCH"
    case badExpiry = "BAD_EXPIRY"
    case expired = "EXPIRED"
    case notExpired = "NOT_EXPIRED"
    case exceedsHold = "EXCEEDS_HOLD"
    case badPayee = "BAD_PAYEE"
    case notGranter = "NOT_GRANTER"
    case notWarden = "NOT_WARDEN"
    case notFrozen = "NOT_FROZEN"
    case promised = "PROMISED"
    case rate = "RATE"
    case notReady = "NOT_READY"

    /// The number on the wire: the place in this list, from 1.
    var wire: WireRefusalCode {
        WireRefusalCode(rawValue: (Self.allCases.firstIndex(of: self) ?? 0) + 1) ?? .unspecified
    }

    /// Nil for a number that is not known here.
    init?(_ wire: WireRefusalCode) {
        guard Self.allCases.indices.contains(wire.rawValue - 1) else { return nil }
        self = Self.allCases[wire.rawValue - 1]
    }
}

/// An authority's no, with what the asker needs to go on.
public struct Refusal: Hashable, Sendable {
    public let slot: Hash32
    public let code: RefusalCode
    /// The next place in the account's chain, as this authority has it; 0 for a hold.
    public var nextSeq: UInt64 = 0
    /// The account's balance, as this authority has it.
    public var balance: Int64 = 0
    /// The order that has the vote, where another was asked for.
    public var conflicting: SignedOrder?
    /// The round below which the authority promised not to act.
    public var promised: UInt32 = 0
}
