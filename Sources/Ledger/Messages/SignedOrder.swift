public import Digests
import FoundationEssentials
public import Identity

/// A client's signature.
public struct KeySignature: Hashable, Sendable {
    public let key: Hash32
    /// 64 bytes.
    public let signature: [UInt8]

    public init(key: Hash32, signature: [UInt8]) {
        self.key = key
        self.signature = signature
    }
}

/// An order with the signatures of those who may fill its slot.
///
/// A signature counts when it is looked for: one that is missing and one that is wrong are the same thing.
public struct SignedOrder: Hashable, Sendable {
    public let order: Order
    public let signatures: [KeySignature]
    /// Which signatures were found good as an order's, where somebody looked before.
    private var checked: [Bool]?

    public init(_ order: Order, signatures: [KeySignature] = []) {
        self.order = order
        self.signatures = signatures
    }

    /// - Parameter newKey: of a rotation, the key that takes over.
    public init(_ order: Order, signedBy keys: [SigningKey], newKey: SigningKey? = nil) {
        let bytes = SignedBytes.order(order)
        var signatures = keys.map { KeySignature(key: $0.publicKey, signature: $0.sign(bytes)) }
        if let newKey {
            signatures.append(KeySignature(key: newKey.publicKey, signature: newKey.sign(SignedBytes.rotate(order))))
        }
        self.init(order, signatures: signatures)
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.order == right.order && left.signatures == right.signatures
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(order)
        hasher.combine(signatures)
    }

    /// Looks at all signatures now. The one writer is spared it later, and several cores can do it at once.
    func checkingSignatures() -> SignedOrder {
        let bytes = SignedBytes.order(order)
        var checked = self
        checked.checked = signatures.map { Ed25519.verify($0.signature, message: bytes, key: $0.key) }
        return checked
    }

    func isSigned(by key: Hash32) -> Bool {
        if let checked { return zip(signatures, checked).contains { $0.key == key && $1 } }
        return signatures.isSigned(by: key, SignedBytes.order(order))
    }

    /// Whether the new key of a rotation agrees.
    func isAccepted(by newKey: Hash32) -> Bool {
        signatures.isSigned(by: newKey, SignedBytes.rotate(order))
    }

    /// How many of `keys` signed.
    func count(of keys: [Hash32]) -> Int {
        Set(keys).count { isSigned(by: $0) }
    }
}

/// A client's wish to have a slot's votes released in favour of round `round`.
public struct UnlockRequest: Hashable, Sendable {
    public let slot: Slot
    /// From 1.
    public let round: UInt32
    public let signatures: [KeySignature]

    public init(slot: Slot, round: UInt32, signatures: [KeySignature]) {
        self.slot = slot
        self.round = round
        self.signatures = signatures
    }

    public init(slot: Slot, round: UInt32, currency: Hash32, signedBy keys: [SigningKey]) {
        let bytes = SignedBytes.unlock(charter: currency, slot: slot.id, round: round)
        self.init(
            slot: slot, round: round,
            signatures: keys.map { KeySignature(key: $0.publicKey, signature: $0.sign(bytes)) })
    }

    func isSigned(by key: Hash32, _ charter: Charter) -> Bool {
        signatures.isSigned(by: key, SignedBytes.unlock(charter: charter.currency, slot: slot.id, round: round))
    }

    func count(of keys: [Hash32], _ charter: Charter) -> Int {
        signatures.count(of: keys, SignedBytes.unlock(charter: charter.currency, slot: slot.id, round: round))
    }
}

extension [KeySignature] {
    fileprivate func isSigned(by key: Hash32, _ bytes: @autoclosure () -> [UInt8]) -> Bool {
        let signatures = filter { $0.key == key }
        guard !signatures.isEmpty else { return false }
        let bytes = bytes()
        return signatures.contains { Ed25519.verify($0.signature, message: bytes, key: key) }
    }

    fileprivate func count(of keys: [Hash32], _ bytes: [UInt8]) -> Int {
        Set(keys).count { isSigned(by: $0, bytes) }
    }
}
