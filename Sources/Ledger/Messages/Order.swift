public import Digests
public import FoundationEssentials
import SwiftProtobuf
import WaggleProtocol

/// Who gets how much.
public struct Output: Hashable, Sendable {
    public let account: AccountID
    /// 1 to 2⁶³ − 1.
    public let amount: Int64

    public init(account: AccountID, amount: Int64) {
        self.account = account
        self.amount = amount
    }
}

/// What an order does to its slot. Amounts are positive; epochs count from the charter's genesis.
public enum OrderOperation: Hashable, Sendable {
    case transfer([Output])
    /// Issues within the granter's cap for `epoch`.
    case grant(epoch: Int64, [Output])
    case burn(Int64)
    /// Sets an amount aside until the resolver pays it out or the hold expires. No payees: anybody may be paid.
    case hold(amount: Int64, resolver: Hash32, payees: [AccountID], expiry: Int64)
    /// Gives the account another key, which signs too.
    case rotate(Hash32)
    /// On a warden's own chain: no votes for the account through the epoch `until`.
    case freeze(AccountID, until: Int64)
    /// In the chain of a frozen account, signed by wardens.
    case clawback(to: AccountID, amount: Int64)
    /// Pays a hold out; what is not paid goes back to the payer.
    case resolve([Output])
    /// Gives an expired hold back to its payer.
    case expire
    /// Decided by an unlock alone: the place in the chain is used up, or the hold goes back to its payer.
    case `default`
}

/// An order: bytes that are hashed and signed as they arrived, and what they say.
public struct Order: Sendable {
    /// The canonical encoding.
    public let bytes: Data
    /// SHA-256 of `"waggle/buzz/order\0" ‖ bytes`: the *value* that votes are about, and the name of a hold it opens.
    public let id: Hash32
    public let currency: Hash32
    public let slot: Slot
    public let slotID: Hash32
    public let operation: OrderOperation
    /// What the order is about: a post, a job, an invoice, evidence. Means nothing to the ledger.
    public let reference: Hash32?

    /// Reads the canonical encoding of a well-formed order: every rule that needs no state.
    public init(bytes: Data) throws(MalformedMessage) {
        guard bytes.count <= Limits.Ledger.orderBytes else {
            throw MalformedMessage(what: "the order has \(bytes.count) bytes, at most \(Limits.Ledger.orderBytes)")
        }
        let raw = ArraySlice(bytes)
        try MessageShape.order.check(raw)
        var (currency, slot, operation, reference) = (Hash32?.none, Slot?.none, OrderOperation?.none, Hash32?.none)
        var fields = CheckedFields(raw)
        while let field = try fields.next() {
            switch field.number {
            case 1: currency = field.name
            case 2: slot = try Slot(account: field.bytes)
            case 3: slot = field.name.map { .hold($0) }
            case 15: reference = field.name
            default: operation = try OrderOperation(field)
            }
        }
        guard let currency else { throw MalformedMessage(what: "the order names no currency") }
        guard let slot else { throw MalformedMessage(what: "the order names no slot") }
        guard let operation else { throw MalformedMessage(what: "the order does nothing") }
        self.bytes = bytes
        self.currency = currency
        self.slot = slot
        self.operation = operation
        self.reference = reference
        slotID = slot.id
        id = Self.id(of: bytes)
    }

    /// Writes an order.
    public init(currency: Hash32, slot: Slot, _ operation: OrderOperation, reference: Hash32? = nil)
        throws(MalformedMessage)
    {
        var wire = WireOrder()
        wire.currency = currency.data
        switch slot.wire.of {
        case .account(let account)?: wire.slot = .account(account)
        case .hold(let hold)?: wire.slot = .hold(hold)
        case nil: break
        }
        wire.op = operation.wire
        wire.ref = reference?.data ?? Data()
        do {
            try self.init(bytes: wire.serializedBytes())
        } catch let error as MalformedMessage {
            throw error
        } catch {
            throw MalformedMessage(what: "the order cannot be written")
        }
    }

    private static let prefix = Array("waggle/buzz/order\0".utf8)

    public static func id(of bytes: Data) -> Hash32 { SHA256.hash(prefix, bytes) }
}

extension Order: Hashable {
    public static func == (left: Order, right: Order) -> Bool { left.id == right.id }
    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
