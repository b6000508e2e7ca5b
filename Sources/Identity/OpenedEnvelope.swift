public import Digests
public import FoundationEssentials
import WaggleProtocol

/// An envelope taken apart, with its payload not read yet: enough to know the name of the post and whether it is here.
///
/// An envelope has one encoding (Protocol/spec/envelope.md): payload, type, signatures in the order of their keys,
/// nothing else. So nobody on the way can change the bytes that are stored and passed on, except by leaving out a
/// signature.
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
        let parts = envelope.withUnsafeBytes { bytes in Result { () throws(PostError) in try Parts(bytes) } }
        let (payload, signatures) = try (parts.get().payload, parts.get().signatures)
        self.envelope = envelope
        self.payload = payload
        self.signatures = signatures
        signedBytes = DSSE.preAuthenticationEncoding(type: DSSE.postType, payload: payload)
        id = SHA256.hash(signedBytes)
    }

    /// `created` as the payload states it where the canonical form has it; nil where it does not stand there. Nobody has
    /// checked it: good for looking up a post that was checked before.
    public var statedCreated: UInt64? {
        payload.withUnsafeBytes { bytes in
            guard bytes.count > 2, bytes[0] == 0x08, bytes[1] == 0x01 else { return nil }
            var at = 2
            // The author and the device, of 32 bytes; a genesis has neither.
            for tag in [0x12, 0x1a] as [UInt8] where at + 34 <= bytes.count && bytes[at] == tag && bytes[at + 1] == 32 {
                at += 34
            }
            guard at < bytes.count, bytes[at] == 0x20 else { return nil }
            var value: UInt64 = 0
            for (index, byte) in bytes[(at + 1)...].prefix(9).enumerated() {
                value |= UInt64(byte & 0x7f) << (7 * index)
                if byte < 0x80 { return value }
            }
            return nil
        }
    }

    /// Where the payload begins in `signedBytes`.
    var payloadStart: Int { signedBytes.count - payload.count }

    /// What stands in the bytes of an envelope.
    private struct Parts {
        let payload: Data
        let signatures: [Signature]

        private static let signatureFieldBytes = 102

        init(_ bytes: UnsafeRawBufferPointer) throws(PostError) {
            var at = 0
            guard Self.byte(bytes, &at) == 0x0a, let length = Self.number(bytes, &at), length > 0,
                length <= bytes.count - at
            else { throw .malformed("the envelope does not begin with a payload") }
            guard length <= Limits.Post.payloadBytes else {
                throw .tooLarge(bytes: length, limit: Limits.Post.payloadBytes)
            }
            payload = Data(bytes[at..<at + length])
            at += length
            guard Self.byte(bytes, &at) == 0x10, let type = Self.number(bytes, &at) else {
                throw .malformed("the envelope has no type behind its payload")
            }
            guard type == 1 else { throw .unknownEnvelopeType(UInt32(clamping: type)) }
            signatures = try Self.signatures(UnsafeRawBufferPointer(rebasing: bytes[at...]))
        }

        private static func signatures(_ bytes: UnsafeRawBufferPointer) throws(PostError) -> [Signature] {
            guard bytes.count > 0 else { throw .wrongSigners("there is no signature") }
            let (count, remainder) = bytes.count.quotientAndRemainder(dividingBy: signatureFieldBytes)
            guard count <= Limits.Post.signatures else {
                throw .limit("\(count) signatures, at most \(Limits.Post.signatures)")
            }
            guard remainder == 0 else { throw .malformed("a signature is not 64 bytes by a key of 32") }
            var signatures: [Signature] = []
            signatures.reserveCapacity(count)
            for index in 0..<count {
                let field = UnsafeRawBufferPointer(
                    rebasing: bytes[index * signatureFieldBytes..<(index + 1) * signatureFieldBytes])
                // Field 3 of 100 bytes: field 1 of 32 bytes, field 2 of 64 bytes.
                guard field[0] == 0x1a, field[1] == 100, field[2] == 0x0a, field[3] == 32, field[36] == 0x12,
                    field[37] == 64
                else { throw .malformed("a signature is not 64 bytes by a key of 32") }
                let key = Hash32(copying: UnsafeRawBufferPointer(rebasing: field[4..<36]))
                if let last = signatures.last {
                    guard last.key != key else { throw .wrongSigners("key \(key.hex) signs twice") }
                    guard last.key < key else { throw .malformed("the signatures are not in the order of their keys") }
                }
                signatures.append(Signature(key: key, bytes: Data(field[38...])))
            }
            return signatures
        }

        private static func byte(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> UInt8? {
            guard at < bytes.count else { return nil }
            defer { at += 1 }
            return bytes[at]
        }

        /// A number in its shortest form, below 2^32; nil for anything else.
        private static func number(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> Int? {
            var value = 0
            for shift in stride(from: 0, to: 35, by: 7) {
                guard let byte = byte(bytes, &at) else { return nil }
                value |= Int(byte & 0x7f) << shift
                if byte < 0x80 { return shift > 0 && byte == 0 || value > UInt32.max ? nil : value }
            }
            return nil
        }
    }
}

extension Hash32 {
    /// The 32 bytes of a field; nil for another length. What every post passes through several times, so without the
    /// detour over a collection of any kind.
    package init?(field data: Data) {
        guard data.count == 32 else { return nil }
        self = data.withUnsafeBytes { Hash32(copying: $0) }
    }
}
