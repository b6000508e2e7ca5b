import Digests
import Foundation
import Identity
import SwiftProtobuf
import Testing
import WaggleProtocol

@Suite("Envelopes")
struct EnvelopeTests {
    static let file = VectorFile(name: "envelope.json", make: EnvelopeVectors.make)

    @Test("signatures cover the pre-authentication encoding, and its SHA-256 is the post's id")
    func preAuthenticationEncoding() throws {
        for vector in try Self.file.read().preAuthenticationEncodings {
            let payload = try #require(Hex.decode(vector.payload))
            let encoding = DSSE.preAuthenticationEncoding(type: vector.type, payload: payload)
            #expect(Hex.encode(encoding) == vector.encoding)
            #expect(SHA256.hash(encoding) == vector.sha256)
        }
        #expect(
            DSSE.preAuthenticationEncoding(type: "http://example.com/HelloWorld", payload: "hello world".utf8)
                == Array("DSSEv1 29 http://example.com/HelloWorld 11 hello world".utf8))
    }

    @Test("an envelope is good or refused as the vectors say")
    func vectors() throws {
        for vector in try Self.file.read().cases {
            do {
                let post = try SignedPost(envelope: vector.envelope)
                #expect(vector.refused == nil, "\(vector.name) is taken")
                #expect(post.id == vector.id && post.author == vector.author, "\(vector.name)")
                #expect(post.kind.rawValue == vector.kind, "\(vector.name)")
                #expect(post.envelope == vector.envelope, "\(vector.name) is kept verbatim")
                let stated = try OpenedEnvelope(vector.envelope).statedCreated
                #expect(stated == nil || stated == post.post.created, "\(vector.name) states when it was made")
            } catch {
                #expect(vector.refused == EnvelopeVectors.word(error), "\(vector.name): \(error.message)")
            }
        }
    }

    @Test("every kind of refusal has a vector")
    func complete() throws {
        let words = Set(try Self.file.read().cases.compactMap(\.refused))
        #expect(words == ["malformed", "too large", "limit", "unknown type", "wrong signers", "bad signature"])
    }

    @Test("16 levels are taken and 17 refused, unknown groups included", arguments: 13...18)
    func nesting(_ depth: Int) throws {
        // The payload is one level, the body the second, each group one more.
        let groups = depth - 2
        let author = SHA256.hash([1])
        let key = testKey("device")
        let body =
            [0x0a, 32] + author.bytes + [0x1a, 1, 0x61] + [UInt8](repeating: 0x7b, count: groups)
            + [UInt8](repeating: 0x7c, count: groups)
        let bytes =
            payload(comment(by: author, device: key) { $0.body = nil }) + [0xca, 0x07, UInt8(body.count)] + body
        let isTaken = (try? SignedPost(envelope: Data(envelope(bytes, keys: [key])))) != nil
        #expect(isTaken == (depth <= 16))
    }

    @Test("a post is read the same from a slice of other bytes")
    func slice() throws {
        let bytes = envelope(payload(comment(by: .zero, device: testKey("device"))), keys: [testKey("device")])
        let slice = Data([9, 9, 9] + bytes + [9]).dropFirst(3).dropLast()
        #expect(try SignedPost(envelope: slice).id == SignedPost(envelope: Data(bytes)).id)
    }

    @Test("an envelope has one encoding: no other bytes are taken for the same post and signatures", arguments: 0..<200)
    func canonical(_ seed: UInt64) throws {
        var random = Seeded(seed: seed)
        let key = testKey("device")
        let good = envelope(payload(comment(by: .zero, device: key)), keys: [key])
        let id = try SignedPost(envelope: Data(good)).id
        var bytes = good
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
            default: bytes.remove(at: at)
            }
        }
        if bytes != good, let post = try? SignedPost(envelope: Data(bytes)) {
            #expect(post.id != id, "seed \(seed)")
        }
    }

    @Test("what the signer writes every receiver takes, whatever order the keys are given in")
    func sealing() throws {
        let document = keyDocument(roots: ["a", "b", "c"], threshold: 2)
        let one = try PostSigning.genesis(document, created: 5, roots: [testKey("a"), testKey("c")])
        let other = try PostSigning.genesis(document, created: 5, roots: [testKey("c"), testKey("a")])
        #expect(one.envelope == other.envelope)
        #expect(one.signers == [testKey("a"), testKey("c")].map(\.publicKey).sorted())

        var post = WirePost()
        post.created = 5
        post.comment.subject = one.id.data
        post.comment.text = "hello"
        let signed = try Signer(author: one.id, device: testKey("device")).sign(post)
        #expect(signed.author == one.id && signed.device == testKey("device").publicKey && signed.kind == .comment)
        for envelope in [one.envelope, signed.envelope] { #expect(try OpenedEnvelope(envelope).statedCreated == 5) }
    }

    @Test("a body that breaks its rules is not signed")
    func sealingRefuses() {
        var post = WirePost()
        post.created = 5
        post.comment.text = ""
        #expect(throws: PostError.self) { try Signer(author: .zero, device: testKey("device")).sign(post) }
    }
}
