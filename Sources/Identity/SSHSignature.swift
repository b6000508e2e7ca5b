public import Digests
import FoundationEssentials

/// Signatures and keys as OpenSSH reads them (PROTOCOL.sshsig; ed25519 keys as in RFC 8709).
///
/// What is signed begins with `SSHSIG` and holds the namespace, so it is neither a login nor a post.
public enum SSHSignature {
    /// Names what these signatures mean: the file is one of a release that the signer stands for.
    public static let namespace = "waggle-release@v1"

    private static let keyType = "ssh-ed25519"
    private static let magic = Array("SSHSIG".utf8)

    /// The armored signature of a file, as `ssh-keygen -Y verify -s` takes it.
    ///
    /// - Parameter sha512: SHA-512 of the file, 64 bytes.
    public static func armored(sha512: [UInt8], by key: SigningKey) -> String {
        let hash = Array("sha512".utf8)
        let space = Array(namespace.utf8)
        let signed = magic + string(space) + string([]) + string(hash) + string(sha512)
        let signature = string(Array(keyType.utf8)) + string(key.sign(signed))
        let blob =
            magic + integer(1) + string(publicKey(key.publicKey)) + string(space) + string([]) + string(hash)
            + string(signature)
        // The armor breaks its lines; OpenSSH itself breaks them after 70 characters.
        let text = Array(Data(blob).base64EncodedString().utf8)
        let lines = stride(from: 0, to: text.count, by: 70).map {
            String(decoding: text[$0..<min($0 + 70, text.count)], as: UTF8.self)
        }
        return "-----BEGIN SSH SIGNATURE-----\n\(lines.joined(separator: "\n"))\n-----END SSH SIGNATURE-----\n"
    }

    /// The line of an allowed-signers file (ssh-keygen(1), ALLOWED SIGNERS) that lets this key sign releases, and nothing
    /// else, as `author`.
    public static func allowedSigner(_ key: Hash32, author: Hash32) -> String {
        let text = Data(publicKey(key)).base64EncodedString()
        return "\(AuthorID.text(author)) namespaces=\"\(namespace)\" \(keyType) \(text)\n"
    }

    static func publicKey(_ key: Hash32) -> [UInt8] {
        string(Array(keyType.utf8)) + string(key.bytes)
    }

    /// The key as a line of an authorized-keys file or a `.pub` file has it.
    public static func publicKeyLine(_ key: Hash32, comment: String) -> String {
        let word = String(String.UnicodeScalarView(comment.unicodeScalars.filter { (0x21...0x7e).contains($0.value) }))
        return "\(keyType) \(Data(publicKey(key)).base64EncodedString()) \(word)\n"
    }

    /// RFC 4251 section 5: a length of four bytes, then the bytes.
    private static func string(_ bytes: [UInt8]) -> [UInt8] {
        integer(UInt32(bytes.count)) + bytes
    }

    private static func integer(_ value: UInt32) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}
