public import Digests
import FoundationEssentials

/// An ed25519 public key as OpenSSL and most libraries read it.
public enum PublicKeyPEM {
    /// `SubjectPublicKeyInfo` of an ed25519 key up to the key itself (RFC 8410 section 4).
    static let prefix: [UInt8] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]

    /// The PEM text (RFC 7468) of a key.
    public static func text(_ key: Hash32) -> String {
        let body = Data(prefix + key.bytes).base64EncodedString()
        return "-----BEGIN PUBLIC KEY-----\n\(body)\n-----END PUBLIC KEY-----\n"
    }
}
