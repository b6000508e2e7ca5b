public import Digests
public import FoundationEssentials
public import Identity
import WaggleProtocol

/// Taking back what a frozen account has, on its way from warden to warden: a document that is passed on as a file until as
/// many have signed as the charter asks for.
public struct ClawbackDraft: Codable, Hashable, Sendable {
    private var version = 1
    /// Base 64: the order, in the place that the account's chain had next.
    private let order: Data
    public private(set) var signatures: [Signature] = []

    public struct Signature: Codable, Hashable, Sendable {
        /// 64 hexadecimal digits.
        public let key: String
        /// 128 hexadecimal digits over the order.
        public let signature: String
        /// As many over the unlock of its place to round 1, 2 and so on: should an order of before the freeze be in the way,
        /// whoever sends the file has nobody's key but their own. Nil in files of before.
        public let unlocks: [String]?
    }

    /// What it asks for.
    public struct Wish: Hashable, Sendable {
        public let currency: Hash32
        public let account: AccountID
        public let to: AccountID
        public let amount: Int64
        public let reference: Hash32?
    }

    init(_ order: Order) {
        self.order = order.bytes
    }

    /// - Throws: `malformed` for anything that takes nothing back.
    public init(json: Data) throws(LedgerError) {
        guard json.count <= Limits.Ledger.charterBytes, let read = try? JSONDecoder().decode(Self.self, from: json),
            read.version == 1, read.signatures.count <= Limits.Ledger.wardens
        else { throw .malformed("the file takes nothing back; `waggle buzz clawback draft` begins one") }
        self = read
        _ = try wish()
    }

    public var json: Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return ((try? encoder.encode(self)) ?? Data()) + Data("\n".utf8)
    }

    func read() throws(LedgerError) -> Order {
        do throws(MalformedMessage) {
            return try Order(bytes: order)
        } catch {
            throw .malformed("the file has no order: \(error.what)")
        }
    }

    /// What wardens agree to.
    public func wish() throws(LedgerError) -> Wish {
        let order = try read()
        guard case .account(let account, _) = order.slot, case .clawback(let to, let amount) = order.operation else {
            throw .malformed("the order of the file takes nothing back")
        }
        return Wish(currency: order.currency, account: account, to: to, amount: amount, reference: order.reference)
    }

    /// Signs for a warden.
    public mutating func sign(_ key: SigningKey) throws(LedgerError) {
        let (name, order) = (key.publicKey.hex, try read())
        signatures.removeAll { $0.key == name }
        let unlocks = (1...Limits.Ledger.clawbackRounds).map { round in
            Hex.encode(key.sign(SignedBytes.unlock(charter: order.currency, slot: order.slotID, round: round)))
        }
        signatures.append(
            Signature(key: name, signature: Hex.encode(key.sign(SignedBytes.order(order))), unlocks: unlocks))
    }

    /// By round, what enough wardens signed to unlock the place to it.
    func unlocks(_ charter: Charter) throws(LedgerError) -> [UInt32: [KeySignature]] {
        let order = try read()
        var rounds: [UInt32: [KeySignature]] = [:]
        for one in signatures {
            guard let key = Hash32(hex: one.key), charter.wardens.contains(key) else { continue }
            for (round, text) in zip(1...Limits.Ledger.clawbackRounds, one.unlocks ?? []) {
                let bytes = SignedBytes.unlock(charter: order.currency, slot: order.slotID, round: round)
                guard let signature = Hex.decode(text, count: Ed25519.signatureBytes),
                    Ed25519.verify(signature, message: bytes, key: key)
                else { continue }
                rounds[round, default: []].append(KeySignature(key: key, signature: signature))
            }
        }
        return rounds.filter { Set($0.value.map(\.key)).count >= charter.wardenThreshold }
    }

    /// The order with the signatures of wardens that are right; what else is in the file is nobody's.
    func signed(_ charter: Charter) throws(LedgerError) -> SignedOrder {
        let order = try read()
        let given = signatures.compactMap { one -> KeySignature? in
            guard let key = Hash32(hex: one.key), charter.wardens.contains(key),
                let signature = Hex.decode(one.signature, count: Ed25519.signatureBytes),
                Ed25519.verify(signature, message: SignedBytes.order(order), key: key)
            else { return nil }
            return KeySignature(key: key, signature: signature)
        }
        return SignedOrder(order, signatures: given)
    }

    /// The wardens who signed it.
    public func signers(_ charter: Charter) throws(LedgerError) -> [Hash32] {
        try signed(charter).signatures.map(\.key)
    }
}
