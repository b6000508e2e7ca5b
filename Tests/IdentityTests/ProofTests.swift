import Digests
import Foundation
import Identity
import Testing

/// What stock tools wrote for one message, with the seeds of their keys.
private struct ProofVectors: Decodable {
    struct Minisign: Decodable {
        let seed: String
        let publicKey: String
        let signature: String
    }

    struct SSH: Decodable {
        let seed: String
        let publicKey: String
        let pem: String
        let namespace: String
        let signature: String
    }

    let message: String
    let blake2b512: String
    let sha512: String
    let minisign: Minisign
    let ssh: SSH
}

@Suite("Proofs for other people's tools")
struct ProofTests {
    private let vectors: ProofVectors

    init() throws {
        vectors = try publishedVectors("proofs.json")
    }

    private func key(_ seed: String) throws -> SigningKey {
        let bytes = try #require(Hex.decode(seed))
        return try #require(SigningKey(seed: bytes))
    }

    /// The bytes of a line of base64.
    private func line(_ number: Int, of text: String) throws -> [UInt8] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let line = try #require(lines.dropFirst(number).first)
        return [UInt8](try #require(Data(base64Encoded: String(line))))
    }

    @Test("digests are those that openssl prints, in one piece and byte by byte")
    func digests() {
        let message = Array(vectors.message.utf8)
        for (algorithm, expected) in [
            (LongDigest.Algorithm.blake2b, vectors.blake2b512), (.sha512, vectors.sha512),
        ] {
            #expect(Hex.encode(LongDigest.hash(message, algorithm)) == expected)
            let stream = LongDigest(algorithm)
            for byte in message { [byte].withUnsafeBytes { stream.update($0) } }
            #expect(Hex.encode(stream.finalize()) == expected)
        }
    }

    @Test("a .minisig has the signatures that minisign makes with the same key")
    func minisig() throws {
        let key = try key(vectors.minisign.seed)
        let digest = try #require(Hex.decode(vectors.blake2b512))
        let theirs = vectors.minisign.signature
        let comment = try #require(theirs.split(separator: "\n").dropFirst(2).first).dropFirst(
            "trusted comment: ".count)
        let ours = Minisign.signature(blake2b: digest, trusted: String(comment), by: key)
        // Behind two bytes of algorithm stand eight of the key's number, which is each writer's own.
        let (a, b) = (try line(1, of: ours), try line(1, of: theirs))
        #expect(a.count == 74 && a.prefix(2) == b.prefix(2) && a.dropFirst(10) == b.dropFirst(10))
        #expect(try line(3, of: ours) == line(3, of: theirs))
        #expect(ours.split(separator: "\n")[2] == theirs.split(separator: "\n")[2])
        let theirKey = try line(0, of: vectors.minisign.publicKey)
        let ourKey = try line(0, of: Minisign.publicKey(key.publicKey))
        #expect(ourKey.prefix(2) == theirKey.prefix(2) && ourKey.dropFirst(10) == theirKey.dropFirst(10))
        #expect(ourKey[2..<10] == a[2..<10], "key and signature have one number")
    }

    @Test("an SSH signature, a public key and a PEM key are those of OpenSSH and OpenSSL, byte for byte")
    func ssh() throws {
        let key = try key(vectors.ssh.seed)
        let digest = try #require(Hex.decode(vectors.sha512))
        #expect(SSHSignature.namespace == vectors.ssh.namespace)
        #expect(SSHSignature.armored(sha512: digest, by: key) == vectors.ssh.signature)
        let author = SHA256.hash([UInt8]("somebody".utf8))
        #expect(
            SSHSignature.allowedSigner(key.publicKey, author: author)
                == "\(AuthorID.text(author)) namespaces=\"waggle-release@v1\" \(vectors.ssh.publicKey)\n")
        #expect(PublicKeyPEM.text(key.publicKey) == vectors.ssh.pem)
    }

    @Test("a stranger's file name stays in its line, and is printable ASCII")
    func comments() throws {
        let key = try key(vectors.minisign.seed)
        let digest = [UInt8](repeating: 1, count: 64)
        let hostile = "a\nb\r\u{1b}[2J%\u{202e}ü\0" + String(repeating: "x", count: 100_000)
        let text = Minisign.signature(blake2b: digest, trusted: hostile, by: key)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 5 && lines[4].isEmpty)
        #expect(lines[2].hasPrefix("trusted comment: a%0ab%0d%1b[2J%25%e2%80%ae%c3%bc%00xxx"))
        #expect(lines.allSatisfy { $0.utf8.count <= 1024 })
        let key64 = Minisign.publicKeyFile(key.publicKey, comment: hostile).split(separator: "\n")
        #expect(key64.count == 2)
    }

    @Test("no flipped bit of a file's digest, of the signature or of the comment is accepted")
    func flipped() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed: seed)
        let key = try #require(SigningKey(seed: random.bytes(32)))
        let digest = random.bytes(64)
        let text = Minisign.signature(blake2b: digest, trusted: "file:x", by: key)
        let signature = Array(try line(1, of: text).dropFirst(10))
        let global = try line(3, of: text)
        let comment = signature + Array("file:x".utf8)
        #expect(Ed25519.verify(signature, message: digest, key: key.publicKey), "seed \(seed)")
        #expect(Ed25519.verify(global, message: comment, key: key.publicKey), "seed \(seed)")
        func flip(_ bytes: [UInt8], _ bit: Int) -> [UInt8] {
            var bytes = bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            return bytes
        }
        for bit in 0..<512 {
            #expect(!Ed25519.verify(signature, message: flip(digest, bit), key: key.publicKey), "seed \(seed)")
            #expect(!Ed25519.verify(flip(signature, bit), message: digest, key: key.publicKey), "seed \(seed)")
        }
        for bit in 0..<comment.count * 8 {
            #expect(!Ed25519.verify(global, message: flip(comment, bit), key: key.publicKey), "seed \(seed)")
        }
    }
}
