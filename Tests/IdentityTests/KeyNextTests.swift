import Digests
import Foundation
import Testing
import WaggleProtocol

@testable import Identity

@Suite("The next key documents of an author")
struct KeyNextTests {
    private let words = RecoverySecret(bytes: SHA256.hash([7]).bytes)!

    private func chain() throws -> KeyChain { try KeyChain(genesis: words.genesis(.person)) }

    @Test("a device is listed by the words, and by nothing else")
    func listing() throws {
        var chain = try chain()
        let post = try chain.listing(device("laptop", [.post, .release]), by: .words(words), now: 100)
        try chain.add(post)
        #expect(chain.devices[testKey("laptop").publicKey]?.scopes == [.post, .release])
        #expect(throws: KeyChangeError.isDevice(testKey("laptop").publicKey)) {
            try chain.listing(device("laptop"), by: .words(words), now: 101)
        }
        #expect(throws: KeyChangeError.notTheRoots(author: chain.author, generation: 0)) {
            try chain.listing(device("other"), by: .words(.random()), now: 101)
        }
        #expect(throws: KeyChangeError.noScopes) { try chain.listing(device("other", []), by: .words(words), now: 101) }
        let root = words.root(.person, generation: 0)
        #expect(throws: Never.self) { try chain.listing(device("other"), by: .key(root), now: 101) }
    }

    @Test("a document is never dated before the one that it follows")
    func clock() throws {
        var chain = try chain()
        try chain.add(chain.listing(device("a"), by: .words(words), now: 1000))
        let post = try chain.listing(device("b"), by: .words(words), now: 10)
        #expect(post.post.created == 1000)
        try chain.add(post)
    }

    @Test("a rotation with new words makes the old ones useless, and the new ones enough for all that follows")
    func rotating() throws {
        var chain = try chain()
        try chain.add(chain.listing(device("a"), by: .words(words), now: 10))
        let next = RecoverySecret(bytes: SHA256.hash([8]).bytes)!
        let posts = try chain.rotating(from: words, to: next, now: 20)
        #expect(posts.count == 2)
        for post in posts { try chain.add(post) }
        #expect(chain.generation == 2 && !chain.isDisputed)
        #expect(chain.current.devices.map(\.label) == ["a"])
        #expect(throws: KeyChangeError.notTheRoots(author: chain.author, generation: 2)) {
            try chain.listing(device("thief"), by: .words(words), now: 30)
        }
        #expect(throws: KeyChangeError.notTheNextRoots(author: chain.author)) {
            try chain.rotating(from: words, to: nil, now: 30)
        }
        try chain.add(chain.listing(device("b"), by: .words(next), now: 30))
        let again = RecoverySecret(bytes: SHA256.hash([9]).bytes)!
        for post in try chain.rotating(from: next, to: again, now: 40) { try chain.add(post) }
        #expect(chain.generation == 4)
        #expect(chain.devices.count == 2)
    }

    struct Vectors: Codable, Equatable {
        var description =
            "Words that are replaced (spec/identity.md): the documents of a person with old words, who lists a device and "
            + "rotates to new words, and of the checkpoint and revocation that follow. Envelopes in base 64."
        var oldWords: String
        var newWords: String
        var author: String
        /// Genesis, device, first and second rotation, checkpoint, revocation.
        var documents: [Data]
        /// Post ids of the key documents in force at the end.
        var inForce: [Hash32]
        /// The root key in force at the end, and that to which it commits.
        var root: Hash32
        var next: Hash32
    }

    static let file = VectorFile(name: "words-rotation.json") {
        let old = RecoverySecret(bytes: SHA256.hash([7]).bytes)!
        let new = RecoverySecret(bytes: SHA256.hash([8]).bytes)!
        var chain = try KeyChain(genesis: old.genesis(.person))
        var posts = [try old.genesis(.person)]
        func take(_ more: [SignedPost]) throws {
            for post in more where post.kind == .keyDocument { try chain.add(post) }
            posts += more
        }
        try take([chain.listing(device("laptop", [.post, .release]), by: .words(old), now: 1_700_000_000)])
        try take(chain.rotating(from: old, to: new, now: 1_700_000_100))
        let key = testKey("laptop").publicKey
        let ids = SHA256.hash([1]).bytes + SHA256.hash([2]).bytes
        let checkpoint = try chain.checkpoint(
            key, blob: SHA256.hash(ids), count: 2, by: .words(new), now: 1_700_000_200)
        try take([checkpoint])
        try take([
            chain.revoking(
                [key], .lost, since: 1_700_000_150, checkpoints: [key: checkpoint.id], by: .words(new),
                now: 1_700_000_200)
        ])
        return Vectors(
            oldWords: old.words, newWords: new.words, author: AuthorID.text(chain.author),
            documents: posts.map(\.envelope), inForce: chain.idsInForce,
            root: new.root(.person, generation: 2).publicKey, next: new.root(.person, generation: 3).publicKey)
    }

    @Test("the published documents are read as they say, and made again byte for byte")
    func vectors() throws {
        let vectors = try Self.file.read()
        let posts = try vectors.documents.map { try SignedPost(envelope: $0) }
        var chain = try KeyChain(genesis: posts[0])
        for post in posts.dropFirst() where post.kind == .keyDocument { try chain.add(post) }
        #expect(chain.idsInForce == vectors.inForce && AuthorID.text(chain.author) == vectors.author)
        #expect(chain.current.roots == [vectors.root.data])
        #expect(chain.current.nextRoots == [SHA256.hash(vectors.next.bytes).data])
        #expect(chain.acceptsRoots(posts[4].signers))
        #expect(chain.devices[testKey("laptop").publicKey]?.decidingCheckpoint == posts[4].id)
    }

    @Test("the words may stay: the next root key of the same words comes into force")
    func keepsWords() throws {
        var chain = try chain()
        for round in 1...3 as ClosedRange<UInt64> {
            let posts = try chain.rotating(from: words, to: nil, now: round)
            #expect(posts.count == 1)
            try chain.add(posts[0])
            #expect(chain.generation == round)
        }
        try chain.add(chain.listing(device("a"), by: .words(words), now: 10))
    }

    @Test("what a thief of the old words does after a rotation is beaten or shows as a dispute, and changes nothing")
    func thief() throws {
        let before = try chain()
        var chain = before
        for post in try before.rotating(from: words, to: .random(), now: 20) { try chain.add(post) }
        let current = chain.currentID
        try chain.add(before.listing(device("thief"), by: .words(words), now: 21))
        #expect(chain.currentID == current && chain.devices.isEmpty && !chain.isDisputed)
        for post in try before.rotating(from: words, to: .random(), now: 22) { try chain.add(post) }
        #expect(chain.currentID == current && chain.isDisputed)
        #expect(KeyListing(chain).isDisputed)
    }

    @Test("revocations stand for ever, are not repeated, and the device leaves the next document")
    func revoking() throws {
        var chain = try chain()
        let key = testKey("phone").publicKey
        try chain.add(chain.listing(device("phone"), by: .words(words), now: 10))
        let checkpoint = try chain.checkpoint(key, blob: SHA256.hash([1]), count: 3, by: .words(words), now: 19)
        #expect(checkpoint.kind == .checkpoint && chain.acceptsRoots(checkpoint.signers))
        try chain.add(
            chain.revoking(
                [key], .lost, since: 15, checkpoints: [key: checkpoint.id], by: .words(words), now: 20))
        #expect(chain.devices[key]?.decidingCheckpoint == checkpoint.id)
        #expect(throws: KeyChangeError.isRevoked(key, .lost)) {
            try chain.revoking([key], .retired, since: 15, by: .words(words), now: 21)
        }
        #expect(throws: KeyChangeError.isRevoked(key, .lost)) {
            try chain.listing(device("phone"), by: .words(words), now: 21)
        }
        try chain.add(chain.listing(device("laptop"), by: .words(words), now: 30))
        #expect(chain.current.devices.map(\.label) == ["laptop"] && chain.current.revocations.isEmpty)
        #expect(chain.devices[key]?.revocation?.reason == .lost)
        // A stronger reason may follow.
        try chain.add(chain.revoking([key], .compromised, since: 12, by: .words(words), now: 40))
        #expect(chain.devices[key]?.revocation?.reason == .compromised)
        #expect(chain.devices[key]?.decidingCheckpoint == checkpoint.id)
        #expect(throws: KeyChangeError.noDevice(testKey("nobody").publicKey)) {
            try chain.revoking([testKey("nobody").publicKey], .lost, since: 1, by: .words(words), now: 50)
        }
    }

    @Test("any run of changes by the owner gives a chain that is in force to its end", arguments: 0..<40)
    func property(_ seed: UInt64) throws {
        var random = Seeded(seed: seed)
        var secret = RecoverySecret(bytes: random.bytes(32))!
        var chain = try KeyChain(genesis: secret.genesis(seed % 2 == 0 ? .person : .node))
        var documents = [try secret.genesis(seed % 2 == 0 ? .person : .node)]
        for step in 0..<20 as Range<UInt64> {
            let open = chain.devices.filter { $0.value.revocation == nil }.keys.sorted()
            var posts: [SignedPost] = []
            switch UInt8.random(in: 0..<4, using: &random) {
            case 0:
                let new = RecoverySecret(bytes: random.bytes(32))!
                posts = try chain.rotating(from: secret, to: new, now: step)
                secret = new
            case 1: posts = try chain.rotating(from: secret, to: nil, now: step)
            case 2 where !open.isEmpty:
                let key = open.randomElement(using: &random)!
                let reason = [WireRevocationReason.retired, .lost, .compromised].randomElement(using: &random)!
                posts = [try chain.revoking([key], reason, since: step, by: .words(secret), now: step)]
            default: posts = [try chain.listing(device("\(seed) \(step)"), by: .words(secret), now: step)]
            }
            for post in posts {
                try chain.add(post)
                #expect(chain.currentID == post.id, "seed \(seed), step \(step)")
            }
            documents += posts
        }
        // A node that gets all of it in another order comes to the same.
        var shuffled = Array(documents.dropFirst())
        shuffled.sort { ($0.post.keyDocument.version, $0.id) < ($1.post.keyDocument.version, $1.id) }
        let other = try KeyChain([documents[0]] + shuffled)
        #expect(other.currentID == chain.currentID && KeyListing(other) == KeyListing(chain), "seed \(seed)")
    }

    @Test("the listing has roots, devices by age and former roots, each with its time")
    func keyListing() throws {
        var chain = try chain()
        try chain.add(chain.listing(device("b"), by: .words(words), now: 10))
        try chain.add(chain.listing(device("a"), by: .words(words), now: 20))
        for post in try chain.rotating(from: words, to: nil, now: 30) { try chain.add(post) }
        let keys = KeyListing(chain).keys
        #expect(keys.map(\.role) == [.root, .device, .device, .formerRoot])
        #expect(keys.map(\.label) == ["", "b", "a", ""])
        #expect(keys.map(\.since) == [30, 10, 20, 1])
        #expect(keys[3].until == 30 && keys[0].until == nil)
        #expect(keys[0].key == words.root(.person, generation: 1).publicKey)
    }
}

@Suite("Public keys as people have them")
struct PublicKeyTextTests {
    private let key = testKey("laptop").publicKey

    @Test("every form that this project writes is read back")
    func roundTrip() throws {
        for text in [
            key.hex, key.hex.uppercased(), " \(key.hex)\n", PublicKeyPEM.text(key), Minisign.publicKey(key),
            Minisign.publicKeyFile(key, comment: "laptop"), SSHSignature.publicKeyLine(key, comment: "laptop"),
            SSHSignature.allowedSigner(key, author: .zero),
        ] {
            #expect(try PublicKeyText.parse(text) == key, "\(text)")
        }
    }

    @Test("anything else is refused", arguments: 0..<200)
    func refused(_ seed: UInt64) throws {
        var random = Seeded(seed: seed)
        let good = [PublicKeyPEM.text(key), Minisign.publicKey(key), SSHSignature.publicKeyLine(key, comment: "")]
        var bytes = Array(good[Int(seed) % 3].utf8)
        switch seed % 4 {
        case 0: bytes.removeLast(Int.random(in: 3..<bytes.count, using: &random))
        case 1: bytes = random.bytes(Int.random(in: 0..<300, using: &random))
        case 2: bytes += Array(repeating: UInt8(ascii: "A"), count: 5000)
        default: bytes.insert(UInt8(ascii: "!"), at: bytes.count / 2)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(throws: PublicKeyTextError.self, "seed \(seed): \(text)") { try PublicKeyText.parse(text) }
    }
}

@Suite("Bytes under a passphrase")
struct PassphraseBoxTests {
    @Test("they come back with the passphrase alone", arguments: [0, 1, 32, 5000])
    func roundTrip(_ count: Int) throws {
        var random = Seeded(seed: UInt64(count))
        let bytes = random.bytes(count)
        let box = try PassphraseBox(sealing: bytes, passphrase: "p", cost: .least)
        #expect(try box.open("p", limit: 5000) == bytes)
        #expect(throws: PassphraseBoxError.wrongPassphrase) { try box.open("q", limit: 5000) }
        #expect(throws: PassphraseBoxError.wrongPassphrase) { try box.open("", limit: 5000) }
        if count > 0 { #expect(throws: PassphraseBoxError.malformed) { try box.open("p", limit: count - 1) } }
        let again = try JSONDecoder().decode(PassphraseBox.self, from: JSONEncoder().encode(box))
        #expect(again == box)
    }
}
