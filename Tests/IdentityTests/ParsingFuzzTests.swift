import Digests
import Foundation
import Identity
import SwiftProtobuf
import Testing
import WaggleProtocol

@Suite("Hostile bytes")
struct ParsingFuzzTests {
    /// Posts of many kinds, to be damaged.
    private static let seeds: [[UInt8]] = {
        let key = testKey("device")
        let author = SHA256.hash([7])
        let genesis = try! PostSigning.genesis(
            keyDocument(
                roots: ["a", "b"], threshold: 2, next: ["c"], devices: [device("device", [.post, .review])],
                revocations: [revocation("x", .lost, since: 4)]), created: 9, roots: [testKey("a"), testKey("b")])
        let image = WireImage.with { image in
            (image.blob, image.piecesRoot, image.size) = (author.data, author.data, 10)
            image.recipe.prompt = "a heron"
            image.recipe.resources = [.with { $0.name = "style" }, .with { $0.sha256 = author.data }]
        }
        let posts: [WirePost] = [
            comment(by: author, device: key),
            comment(by: author, device: key) { ($0.kind, $0.imagePost) = (13, .with { $0.images = [image, image] }) },
            comment(by: author, device: key) { post in
                (post.kind, post.delete) = (30, .with { $0.ids = [author.data, author.data] })
                post.labels = ["a", "b"]
            },
            comment(by: author, device: key) { ($0.kind, $0.body, $0.slot) = (4_000, nil, "any") },
        ]
        return [Array(genesis.envelope)] + posts.map { envelope(payload($0), keys: [key]) }
    }()

    @Test("damaged envelopes are refused or read, and never more", arguments: 0..<40)
    func damaged(_ seed: UInt64) {
        var random = Seeded(seed: seed)
        for _ in 0..<500 {
            let bytes = Self.damage(Self.seeds.randomElement(using: &random)!, &random)
            if let post = try? SignedPost(envelope: Data(bytes)), post.kind == .keyDocument {
                _ = try? KeyChain(genesis: post)
            }
        }
    }

    @Test("damaged payloads under good signatures are refused or read, and never more", arguments: 100..<140)
    func damagedAndSigned(_ seed: UInt64) throws {
        var random = Seeded(seed: seed)
        let keys = [testKey("device"), testKey("a")]
        for _ in 0..<150 {
            let whole = Self.seeds.randomElement(using: &random)!
            let inner = try WireEnvelope(serializedBytes: whole).payload
            let bytes = envelope(Self.damage(Array(inner), &random), keys: [keys.randomElement(using: &random)!])
            if let post = try? SignedPost(envelope: Data(bytes)) {
                // What is taken says the same to a parser without our checks.
                let again = try WirePost(serializedBytes: post.payload).spelledOut()
                #expect(again == post.post, "seed \(seed)")
                #expect(
                    post.id == SHA256.hash(DSSE.preAuthenticationEncoding(type: DSSE.postType, payload: post.payload)))
                if var chain = try? KeyChain(genesis: post) { try? chain.add(post) }
            }
        }
    }

    @Test("noise is refused", arguments: 200..<210)
    func noise(_ seed: UInt64) {
        var random = Seeded(seed: seed)
        for _ in 0..<1000 {
            let bytes = random.bytes(Int.random(in: 0...300, using: &random))
            #expect(throws: PostError.self) { try SignedPost(envelope: Data(bytes)) }
        }
    }

    @Test("a length that claims more than there is allocates nothing")
    func claims() {
        for length: [UInt8] in [
            [0xff, 0xff, 0xff, 0xff, 0x0f], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            [0xff, 0xff, 0xff, 0xff, 0x07],
        ] {
            #expect(throws: PostError.self) { try OpenedEnvelope(Data([0x0a] + length + [1, 2, 3])) }
        }
    }

    private static func damage(_ bytes: [UInt8], _ random: inout Seeded) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard !bytes.isEmpty else { return bytes }
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<7, using: &random) {
            case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[at] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random)!
            case 2: bytes.insert(contentsOf: random.bytes(Int.random(in: 1...9, using: &random)), at: at)
            case 3: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...40, using: &random)))
            case 4: bytes = Array(bytes.prefix(at))
            case 5:
                // A piece again, somewhere else.
                let piece = bytes[at..<min(bytes.count, at + Int.random(in: 1...60, using: &random))]
                bytes.insert(contentsOf: piece, at: Int.random(in: 0...bytes.count, using: &random))
            default:
                // Groups inside each other.
                let count = Int.random(in: 1...200, using: &random)
                bytes.insert(contentsOf: [UInt8](repeating: 0x7b, count: count), at: at)
            }
        }
        return bytes
    }
}
