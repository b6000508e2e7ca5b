public import FoundationEssentials
import Identity
import SwiftProtobuf
import WaggleProtocol

/// The JSON form of a DSSE envelope, as other people's tools read it.
public struct DSSEDocument: Codable, Sendable {
    struct Signature: Codable, Sendable {
        let keyid: String
        let sig: String
    }

    let payload: String
    let payloadType: String
    let signatures: [Signature]

    /// Nil when the bytes are no envelope.
    public init?(envelope bytes: Data) {
        guard let envelope = try? WireEnvelope(serializedBytes: bytes) else { return nil }
        payload = envelope.payload.base64EncodedString()
        payloadType = DSSE.postType
        // The hint that securesystemslib and others look keys up by is free text: the key itself, in hexadecimal.
        signatures = envelope.signatures.map { signature in
            Signature(
                keyid: signature.key.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }
                    .joined(),
                sig: signature.sig.base64EncodedString())
        }
    }

    /// Sorted keys, indented.
    public var json: Data? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try? encoder.encode(self)
    }
}
