public import Digests
public import Identity
import WaggleProtocol

/// What all node-to-node signatures share.
enum SignatureProfile {
    static let label = "w"
    static let tag = "waggle-1"
    static let algorithm = "ed25519"
    static let digestField = "content-digest"

    /// Covered components in the order in which they are written.
    static func components(hasBody: Bool) -> [String] {
        ["@method", "@target-uri"] + (hasBody ? [digestField] : [])
    }
}

/// Signs requests to other nodes (RFC 9421, label `w`, tag `waggle-1`).
public struct RequestSigner: Sendable {
    private let key: SigningKey
    private let keyID: String

    /// - Parameters:
    ///   - key: a key that the node's key document lists for the scope *node*.
    ///   - keyID: the node id as text.
    public init(key: SigningKey, keyID: String) {
        self.key = key
        self.keyID = keyID
    }

    /// The fields to add to a request: `signature-input`, `signature` and, with a body, `content-digest`.
    ///
    /// - Parameters:
    ///   - method: in upper case.
    ///   - targetURI: the URL as it is dialled: `PeerURL.appending` of the route.
    ///   - bodyDigest: the SHA-256 of the body; nil when there is none.
    ///   - now: unix seconds; the signature holds for 60 s.
    ///   - nonce: a fresh random number.
    /// - Throws: `malformedField` for characters that cannot be signed.
    public func fields(
        method: String, targetURI: String, bodyDigest: Hash32?, now: UInt64,
        nonce: UInt128 = .random(in: .min ... .max)
    ) throws(SignatureError) -> [(name: String, value: String)] {
        var request = SignableRequest(method: method, targetURI: targetURI, fields: [])
        if let bodyDigest {
            request.fields.append((SignatureProfile.digestField, ContentDigest.field(for: bodyDigest)))
        }
        let created = Int(clamping: now)
        var parameters = FieldParameters()
        parameters.append("created", .integer(created))
        parameters.append("expires", .integer(created + Int(Limits.Wire.signatureSeconds)))
        parameters.append("nonce", .string(withUnsafeBytes(of: nonce.bigEndian) { Hex.encode($0) }))
        parameters.append("keyid", .string(keyID))
        parameters.append("alg", .string(SignatureProfile.algorithm))
        parameters.append("tag", .string(SignatureProfile.tag))
        let components = SignatureProfile.components(hasBody: bodyDigest != nil)
        let input = FieldInnerList(
            items: components.map { FieldItem(value: .string($0)) }, parameters: parameters)
        let signature = key.sign(try SignatureBase.text(of: request, input))
        return request.fields + [
            ("signature-input", "\(SignatureProfile.label)=\(input.serialized)"),
            ("signature", "\(SignatureProfile.label)=\(BareItem.bytes(signature).serialized)"),
        ]
    }
}
