public import Digests
public import FoundationEssentials
import WaggleProtocol

/// An envelope taken apart, with its payload not read yet: enough to know the name of the post and whether it is here.
///
/// An envelope has one encoding (Protocol/spec/envelope.md): payload, type, signatures in the order of their keys, nothing
/// else. So nobody on the way can change the bytes that are stored and passed on, except by leaving out a signature.
public struct OpenedEnvelope: Sendable {
    /// SHA-256 of the pre-authentication encoding: the post's id.
    public let id: Hash32
    /// The serialized `Envelope`, as it arrived.
    public let envelope: Data
    public let payload: Data
    let signatures: [Signature]
    /// The pre-authentication encoding; the payload is at its end.
    let signedBytes: [UInt8]

    struct Signature: Sendable {
        let key: Hash32
        let bytes: Data
    }

    /// Takes an envelope apart. Nothing is verified.
    public init(_ envelope: Data) throws(PostError) {
        guard envelope.count <= Limits.Post.envelopeBytes else {
            throw .tooLarge(bytes: envelope.count, limit: Limits.Post.envelopeBytes)
        }
        var rest = envelope[...]
        guard rest.popFirst() == 0x0a, let length = Self.number(&rest), length > 0, length <= UInt64(rest.count) else {
            throw .malformed("the envelope does not begin with a payload")
        }
        guard length <= UInt64(Limits.Post.payloadBytes) else {
            throw .tooLarge(bytes: Int(length), limit: Limits.Post.payloadBytes)
        }
        payload = Data(rest.prefix(Int(length)))
        rest = rest.dropFirst(Int(length))
        guard rest.popFirst() == 0x10, let type = Self.number(&rest) else {
            throw .malformed("the envelope has no type behind its payload")
        }
        guard type == 1 else { throw .unknownEnvelopeType(UInt32(clamping: type)) }
        signatures = try Self.signatures(rest)
        self.envelope = envelope
        signedBytes = DSSE.preAuthenticationEncoding(type: DSSE.postType, payload: payload)
        id = SHA256.hash(signedBytes)
    }

    /// Where the payload begins in `signedBytes`.
    var payloadStart: Int { signedBytes.count - payload.count }

    private static let signatureFieldBytes = 102

    private static func signatures(_ bytes: Data) throws(PostError) -> [Signature] {
        guard !bytes.isEmpty else { throw .wrongSigners("there is no signature") }
        let (count, remainder) = bytes.count.quotientAndRemainder(dividingBy: signatureFieldBytes)
        guard count <= Limits.Post.signatures else {
            throw .limit("\(count) signatures, at most \(Limits.Post.signatures)")
        }
        guard remainder == 0 else { throw .malformed("a signature is not 64 bytes by a key of 32") }
        var signatures: [Signature] = []
        signatures.reserveCapacity(count)
        var at = bytes.startIndex
        for _ in 0..<count {
            // Field 3 of 100 bytes: field 1 of 32 bytes, field 2 of 64 bytes.
            guard bytes[at] == 0x1a, bytes[at + 1] == 100, bytes[at + 2] == 0x0a, bytes[at + 3] == 32,
                bytes[at + 36] == 0x12, bytes[at + 37] == 64, let key = Hash32(bytes[at + 4..<at + 36])
            else { throw .malformed("a signature is not 64 bytes by a key of 32") }
            if let last = signatures.last {
                guard last.key != key else { throw .wrongSigners("key \(key.hex) signs twice") }
                guard last.key < key else { throw .malformed("the signatures are not in the order of their keys") }
            }
            signatures.append(Signature(key: key, bytes: Data(bytes[at + 38..<at + signatureFieldBytes])))
            at += signatureFieldBytes
        }
        return signatures
    }

    /// A number in its shortest form, below 2^32; nil for anything else.
    private static func number(_ bytes: inout Data) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 35, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return shift > 0 && byte == 0 || value > UInt64(UInt32.max) ? nil : value }
        }
        return nil
    }
}
