import Digests
import FoundationEssentials
import Identity

/// JSON that a node signed, as the text of a DSSE envelope: what pictures carry, and what quotes are.
enum SignedText {
    private struct Envelope: Codable {
        struct Signature: Codable {
            var keyid: String
            var sig: String
        }

        var payloadType: String
        var payload: String
        var signatures: [Signature]
    }

    static func write(_ statement: some Encodable, type: String, by key: SigningKey) throws(GenerationError) -> String {
        do {
            let payload = try encoder.encode(statement)
            let signed = DSSE.preAuthenticationEncoding(type: type, payload: payload)
            let envelope = Envelope(
                payloadType: type, payload: payload.base64EncodedString(),
                signatures: [
                    .init(keyid: key.publicKey.hex, sig: Data(key.sign(signed)).base64EncodedString())
                ])
            return String(decoding: try encoder.encode(envelope), as: UTF8.self)
        } catch {
            throw .badReply("a statement cannot be written: \(error)")
        }
    }

    /// - Returns: nil for what is no such envelope, or whose signature does not hold. Whose key it is, is for others to say.
    static func read<Statement: Decodable>(
        _ text: String, as statement: Statement.Type, type: String
    ) -> (statement: Statement, key: Hash32)? {
        guard let envelope = try? JSONDecoder().decode(Envelope.self, from: Data(text.utf8)),
            envelope.payloadType == type, envelope.signatures.count == 1,
            let payload = Data(base64Encoded: envelope.payload),
            let key = Hash32(canonicalHex: envelope.signatures[0].keyid),
            let signature = Data(base64Encoded: envelope.signatures[0].sig),
            signature.count == Ed25519.signatureBytes
        else { return nil }
        let signed = DSSE.preAuthenticationEncoding(type: type, payload: payload)
        guard Ed25519.verify([UInt8](signature), message: signed, key: key),
            let found = try? JSONDecoder().decode(statement, from: payload)
        else { return nil }
        return (found, key)
    }

    /// The same value gives the same bytes.
    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
