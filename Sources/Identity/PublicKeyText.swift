public import Digests
import FoundationEssentials

/// Why a text is no ed25519 public key.
public struct PublicKeyTextError: Error, Equatable, Sendable {
    public let message: String
}

/// Reads an ed25519 public key in any form that people have one in: 64 hexadecimal digits, PEM (RFC 7468), a minisign key or
/// key file, an OpenSSH line.
public enum PublicKeyText {
    /// Longer texts are no key.
    private static let limit = 4096

    public static func parse(_ text: String) throws(PublicKeyTextError) -> Hash32 {
        guard text.utf8.count <= limit else {
            throw PublicKeyTextError(message: "the text is too long for a public key")
        }
        let words = text.split(whereSeparator: \.isWhitespace)
        if words.count == 1, let key = Hash32(hex: words[0]) { return key }
        if let key = pem(text) ?? openSSH(words) ?? minisign(text) { return key }
        throw PublicKeyTextError(
            message:
                "that is no ed25519 public key: give 64 hexadecimal digits, a PEM, a minisign key or an ssh-ed25519 line"
        )
    }

    private static func pem(_ text: String) -> Hash32? {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingWhitespace }
        guard let first = lines.firstIndex(of: "-----BEGIN PUBLIC KEY-----"),
            let last = lines.firstIndex(of: "-----END PUBLIC KEY-----"), first < last,
            let bytes = Data(base64Encoded: lines[(first + 1)..<last].joined()),
            bytes.count == PublicKeyPEM.prefix.count + 32, bytes.starts(with: PublicKeyPEM.prefix)
        else { return nil }
        return Hash32(bytes.suffix(32))
    }

    private static func openSSH(_ words: [Substring]) -> Hash32? {
        guard let type = words.firstIndex(of: "ssh-ed25519"), words.indices.contains(type + 1),
            let bytes = Data(base64Encoded: String(words[type + 1])),
            let key = Hash32(bytes.suffix(32)), [UInt8](bytes) == SSHSignature.publicKey(key)
        else { return nil }
        return key
    }

    private static func minisign(_ text: String) -> Hash32? {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingWhitespace }
            .filter { !$0.hasPrefix("untrusted comment:") && !$0.isEmpty }
        guard lines.count == 1, let bytes = Data(base64Encoded: lines[0]), bytes.count == 42,
            bytes.starts(with: Array("Ed".utf8))
        else { return nil }
        return Hash32(bytes.suffix(32))
    }
}

extension Substring {
    fileprivate var trimmingWhitespace: String {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
