import Digests
import Identity
import Testing

@Suite("Ed25519")
struct Ed25519Tests {
    struct Vectors: Decodable {
        let cases: [Case]
    }

    struct Case: Decodable, CustomTestStringConvertible {
        let name: String
        let seed: String?
        let publicKey: String
        let message: String
        let signature: String
        let valid: Bool

        var testDescription: String { name }
    }

    static var cases: [Case] {
        get throws { try (publishedVectors("ed25519.json") as Vectors).cases }
    }

    @Test("a signature is valid exactly where libsodium says so", arguments: try cases)
    func verdict(_ vector: Case) throws {
        let key = try #require(Hash32(hex: vector.publicKey))
        let message = try #require(Hex.decode(vector.message))
        let signature = try #require(Hex.decode(vector.signature, count: 64))
        #expect(Ed25519.verify(signature, message: message, key: key) == vector.valid)
    }

    @Test("a seed makes the published key and signature", arguments: try cases.filter { $0.seed != nil })
    func signing(_ vector: Case) throws {
        let seed = try #require(Hex.decode(vector.seed ?? ""))
        let key = try #require(SigningKey(seed: seed))
        #expect(key.publicKey.hex == vector.publicKey)
        let message = try #require(Hex.decode(vector.message))
        #expect(Hex.encode(key.sign(message)) == vector.signature)
    }

    @Test("the vectors hold the five of RFC 8032 and the twelve published edge cases")
    func complete() throws {
        let names = try Self.cases.map(\.name)
        #expect(names.count { $0.hasPrefix("RFC 8032") } == 5)
        #expect(names.count { $0.hasPrefix("edge case") } == 12)
    }

    @Test("a signature of another length is not valid", arguments: [0, 63, 65])
    func length(_ count: Int) {
        let key = testKey("any")
        let signature = Array((key.sign([1, 2, 3]) + [0]).prefix(count))
        #expect(!Ed25519.verify(signature, message: [1, 2, 3], key: key.publicKey))
    }

    @Test("the secret of a key shows in no description")
    func secrecy() {
        let seed = [UInt8](repeating: 0xab, count: 32)
        let key = SigningKey(seed: seed)!
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] {
            #expect(!text.contains("abab") && !text.contains("171"))
        }
    }

    @Test("a seed of another length makes no key", arguments: [0, 31, 33, 64])
    func seedLength(_ count: Int) {
        #expect(SigningKey(seed: [UInt8](repeating: 1, count: count)) == nil)
    }
}
