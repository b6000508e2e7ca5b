import Digests
import Testing
import WaggleProtocol

@testable import Identity

@Suite("Recovery words")
struct RecoveryWordsTests {
    struct Vectors: Codable, Equatable {
        var description =
            "Recovery words (spec/identity.md): 32 bytes, their 24 words, and the keys and author ids that they "
            + "make."
        var cases: [Case]
    }

    struct Case: Codable, Equatable {
        let entropy: String
        let words: String
        /// Public root keys of a person's generations 0, 1 and 2, and of a node's 0.
        let personRoots: [Hash32]
        let nodeRoot: Hash32
        /// Seed of the person's root of generation 0.
        let personSeed: String
        /// Author ids of the genesis documents that the words alone make.
        let personAuthor: String
        let nodeAuthor: String
    }

    static let file = VectorFile(name: "recovery-words.json") {
        let secrets = [
            [UInt8](repeating: 0, count: 32), [UInt8](repeating: 0x7f, count: 32), [UInt8](repeating: 0x80, count: 32),
            [UInt8](repeating: 0xff, count: 32), SHA256.hash(Array("entropy".utf8)).bytes,
        ]
        return Vectors(
            cases: try secrets.map { entropy in
                let secret = RecoverySecret(bytes: entropy)!
                return Case(
                    entropy: Hex.encode(entropy), words: secret.words,
                    personRoots: (0..<3).map { secret.root(.person, generation: $0).publicKey },
                    nodeRoot: secret.root(.node, generation: 0).publicKey,
                    personSeed: Hex.encode(secret.root(.person, generation: 0).seed),
                    personAuthor: AuthorID.text(try secret.genesis(.person).id),
                    nodeAuthor: AuthorID.text(try secret.genesis(.node).id))
            })
    }

    @Test("words, roots and author ids come from the secret alone")
    func vectors() throws {
        for vector in try Self.file.read().cases {
            let secret = try RecoverySecret(words: vector.words)
            #expect(Hex.encode(secret.bytes) == vector.entropy)
            #expect(secret.words == vector.words)
            #expect((0..<3).map { secret.root(.person, generation: $0).publicKey } == vector.personRoots)
            #expect(secret.root(.node, generation: 0).publicKey == vector.nodeRoot)
            #expect(AuthorID.text(try secret.genesis(.person).id) == vector.personAuthor)
        }
    }

    @Test(
        "the words are those that BIP 39 publishes",
        arguments: [
            (0x00, String(repeating: "abandon ", count: 23) + "art"),
            (
                0x7f,
                String(repeating: "legal winner thank year wave sausage worth useful ", count: 2)
                    + "legal winner thank year wave sausage worth title"
            ),
            (
                0x80,
                String(repeating: "letter advice cage absurd amount doctor acoustic avoid ", count: 2)
                    + "letter advice cage absurd amount doctor acoustic bless"
            ),
            (0xff, String(repeating: "zoo ", count: 23) + "vote"),
        ] as [(UInt8, String)])
    func published(_ byte: UInt8, _ words: String) {
        #expect(RecoverySecret(bytes: [UInt8](repeating: byte, count: 32))?.words == words)
    }

    @Test("words are read in any case and with any white space between them")
    func lenient() throws {
        let secret = RecoverySecret.random()
        let text = "\n " + secret.words.uppercased().split(separator: " ").joined(separator: " \t\n") + " "
        #expect(try RecoverySecret(words: text) == secret)
    }

    @Test("wrong words are refused with what is wrong")
    func refused() throws {
        let words = RecoverySecret(bytes: SHA256.hash([1]).bytes)!.words.split(separator: " ").map(String.init)
        #expect(throws: RecoveryWordsError.wrongCount(23)) {
            try RecoverySecret(words: words.dropLast().joined(separator: " "))
        }
        #expect(throws: RecoveryWordsError.wrongCount(0)) { try RecoverySecret(words: "") }
        #expect(throws: RecoveryWordsError.unknownWord("waggle")) {
            try RecoverySecret(words: (words.dropLast() + ["waggle"]).joined(separator: " "))
        }
        #expect(throws: RecoveryWordsError.checksum) {
            try RecoverySecret(words: ([words[1], words[0]] + words.dropFirst(2)).joined(separator: " "))
        }
    }

    @Test("the genesis of the words is a valid chain whose commitment the next generation reveals", arguments: 0..<20)
    func genesis(_ seed: UInt64) throws {
        var random = Seeded(seed: seed)
        let secret = RecoverySecret(bytes: random.bytes(32))!
        var chain = try KeyChain(genesis: secret.genesis(.person))
        var document = chain.current
        document.version = 2
        document.previous = chain.author.data
        document.roots = [secret.root(.person, generation: 1).publicKey.data]
        document.nextRoots = [SHA256.hash(secret.root(.person, generation: 2).publicKey.bytes).data]
        let rotation = try PostSigning.byRoots(
            .keyDocument(document), author: chain.author, created: 5, roots: [secret.root(.person, generation: 1)])
        try chain.add(rotation)
        #expect(chain.currentID == rotation.id)
    }
}
