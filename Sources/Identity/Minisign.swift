public import Digests
import FoundationEssentials

/// Signatures and public keys as `minisign` reads them (https://jedisct1.github.io/minisign/, *Signature format*).
///
/// Only the prehashed form is written: the signature is over the BLAKE2b-512 of the file, so a file of any size is read
/// once and never held. Its 64 bytes cannot be mistaken for a post, whose signed bytes begin with the 47 of
/// `DSSEv1 39 application/vnd.waggle.post.v1+protobuf`.
public enum Minisign {
    /// A public key as `minisign -P` takes it: base64 of `Ed`, the key's number and the key.
    public static func publicKey(_ key: Hash32) -> String {
        base64([UInt8]("Ed".utf8) + number(of: key) + key.bytes)
    }

    /// A public key file, as `minisign -p` takes it.
    public static func publicKeyFile(_ key: Hash32, comment: String) -> String {
        "untrusted comment: \(printable(comment))\n\(publicKey(key))\n"
    }

    /// The text of a `.minisig` file: a signature of the file's digest, and one of both that signature and the comment.
    ///
    /// - Parameters:
    ///   - blake2b: BLAKE2b-512 of the file, 64 bytes.
    ///   - trusted: one line that is signed with the file. Bytes that are not printable ASCII, and `%`, become `%xx`:
    ///     not every version of minisign takes them. Tabs stay.
    public static func signature(blake2b: [UInt8], trusted: String, by key: SigningKey) -> String {
        let comment = printable(trusted)
        let signature = key.sign(blake2b)
        return """
            untrusted comment: signature by the key \(publicKey(key.publicKey))
            \(base64([UInt8]("ED".utf8) + number(of: key.publicKey) + signature))
            trusted comment: \(comment)
            \(base64(key.sign(signature + Array(comment.utf8))))

            """
    }

    /// A hint by which minisign tells whether a key and a signature belong together; the key's own beginning serves.
    private static func number(of key: Hash32) -> [UInt8] {
        Array(key.bytes.prefix(8))
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString()
    }

    /// One line of printable ASCII and tabs, at most as long as every version reads.
    private static func printable(_ text: String) -> String {
        var line = ""
        for byte in text.utf8 {
            let isPlain = (0x20...0x7e).contains(byte) && byte != UInt8(ascii: "%") || byte == 0x09
            let next = isPlain ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte])
            // minisign reads trusted comments of up to 8192 bytes, and others of up to 1024.
            guard line.utf8.count + next.utf8.count <= 1000 else { break }
            line += next
        }
        return line
    }
}
