import Digests
import Foundation
import Identity
import Testing

@testable import Federation

/// `Protocol/vectors/http-signatures.json`.
private struct Vectors: Decodable {
    struct RFC9421: Decodable {
        let seed: String
        let public_key: String
        let method: String
        let target_uri: String
        let fields: [[String]]
        let signature_input: String
        let signature: String
    }

    struct Digest: Decodable {
        let content: String
        let field: String
    }

    struct Request: Decodable, CustomTestStringConvertible {
        let name: String
        let method: String
        let request_target: String
        let authority: String
        let body: String?
        let now: UInt64
        let fields: [[String]]
        let signature_base: String?
        let target_uri: String?
        let result: String

        var testDescription: String { name }
    }

    let rfc9421: RFC9421
    let digests: [Digest]
    let seed: String
    let public_key: String
    let keyid: String
    let nonce: String
    let urls: [String]
    let requests: [Request]

    static func load() throws -> Vectors { try vectors("http-signatures.json", as: Vectors.self) }

    func key() throws -> SigningKey { try #require(SigningKey(seed: Hex.decode(seed) ?? [])) }

    func verifier() throws -> RequestVerifier { RequestVerifier(urls: try urls.map { try PeerURL($0) }) }
}

private func pairs(_ fields: [[String]]) -> [(name: String, value: String)] { fields.map { ($0[0], $0[1]) } }

extension ReceivedRequest {
    fileprivate init(_ vector: Vectors.Request) {
        self.init(
            method: vector.method, requestTarget: vector.request_target, authority: vector.authority,
            fields: pairs(vector.fields), hasBody: vector.body != nil)
    }
}

/// An error's case as the vectors name it.
private func caseName(_ error: SignatureError) -> String {
    switch error {
    case .missing: "missing"
    case .malformedField: "malformedField"
    case .wrongAlgorithm: "wrongAlgorithm"
    case .wrongTag: "wrongTag"
    case .missingParameter: "missingParameter"
    case .missingComponent: "missingComponent"
    case .unexpectedComponent: "unexpectedComponent"
    case .lifetime: "lifetime"
    case .expired: "expired"
    case .fromTheFuture: "fromTheFuture"
    case .unknownKey: "unknownKey"
    case .wrongTarget: "wrongTarget"
    case .badSignature: "badSignature"
    case .replayed: "replayed"
    case .tooManyRequests: "tooManyRequests"
    case .digest: "digest"
    }
}

@Suite struct SignatureBaseTests {
    @Test("the ed25519 example of RFC 9421 (B.2.6) comes out bit for bit")
    func rfc9421() throws {
        let vector = try Vectors.load().rfc9421
        let members = try StructuredFieldParser.dictionary(["sig=" + vector.signature_input])
        guard case .innerList(let input)? = members.first?.value else {
            Issue.record("the signature input is no inner list")
            return
        }
        #expect(input.serialized == vector.signature_input)
        let request = SignableRequest(
            method: vector.method, targetURI: vector.target_uri, fields: pairs(vector.fields))
        let text = try SignatureBase.text(of: request, input)
        let key = try #require(SigningKey(seed: Hex.decode(vector.seed) ?? []))
        #expect(key.publicKey.hex == vector.public_key)
        #expect(Data(key.sign(text)).base64EncodedString() == vector.signature)
    }

    @Test("the derived components are the parts of the target URI")
    func derived() throws {
        let request = SignableRequest(
            method: "GET", targetURI: "HTTPS://Www.Example.com:443/path/a?q=1&r",
            fields: [("X-Two", " a  b\t"), ("x-other", "no"), ("x-two", "c")])
        let names = ["@scheme", "@authority", "@path", "@query", "@request-target", "x-two"]
        let list = FieldInnerList(
            items: names.map { FieldItem(value: .string($0)) }, parameters: FieldParameters())
        let text = String(decoding: try SignatureBase.text(of: request, list), as: UTF8.self)
        #expect(
            text == """
                "@scheme": https
                "@authority": www.example.com
                "@path": /path/a
                "@query": ?q=1&r
                "@request-target": /path/a?q=1&r
                "x-two": a  b, c
                "@signature-params": ("@scheme" "@authority" "@path" "@query" "@request-target" "x-two")
                """)
    }

    @Test("a field that could smuggle a line into the signed text is refused")
    func lineBreak() {
        let list = FieldInnerList(items: [FieldItem(value: .string("x"))], parameters: FieldParameters())
        for value in ["a\nb", "a\r\nb", "ä", "a\u{0}"] {
            let request = SignableRequest(method: "GET", targetURI: "http://a/", fields: [("x", value)])
            #expect(throws: SignatureError.malformedField("x")) { try SignatureBase.text(of: request, list) }
        }
    }
}

@Suite struct RequestVerifierTests {
    @Test(
        "the recorded requests are accepted, or refused for the recorded reason",
        arguments: try Vectors.load().requests)
    private func vector(_ vector: Vectors.Request) throws {
        let all = try Vectors.load()
        let verifier = try all.verifier()
        let key = try all.key().publicKey
        var result = "accepted"
        do throws(SignatureError) {
            let claim = try verifier.claim(of: ReceivedRequest(vector), now: vector.now)
            #expect(claim.keyID == all.keyid)
            let proof = try verifier.verify(claim, keys: [.zero, key])
            var cache = NonceCache()
            let request = try cache.admit(proof, now: vector.now)
            #expect(request.key.hex == all.public_key)
            if let body = vector.body { try request.check(bodyDigest: SHA256.hash(Array(body.utf8))) }
        } catch {
            result = caseName(error)
        }
        #expect(result == vector.result)
    }

    @Test("the signer writes exactly the recorded fields")
    func signer() throws {
        let all = try Vectors.load()
        let signer = RequestSigner(key: try all.key(), keyID: all.keyid)
        let nonce = try #require(UInt128(all.nonce, radix: 16))
        for vector in all.requests {
            guard let target = vector.target_uri else { continue }
            let fields = try signer.fields(
                method: vector.method, targetURI: target,
                bodyDigest: vector.body.map { SHA256.hash(Array($0.utf8)) }, now: vector.now, nonce: nonce)
            #expect(fields.map { [$0.name, $0.value] } == vector.fields)
        }
    }

    @Test("without a key that may sign for the node, the answer says whose key is unknown")
    func unknownKey() throws {
        let all = try Vectors.load()
        let verifier = try all.verifier()
        let claim = try verifier.claim(of: ReceivedRequest(all.requests[0]), now: all.requests[0].now)
        #expect(throws: SignatureError.unknownKey(keyID: all.keyid)) { try verifier.verify(claim, keys: []) }
    }

    @Test("errors of clocks carry the date, and each error has its status")
    func answers() {
        #expect(SignatureError.expired(at: 1, now: 2).isClockError)
        #expect(SignatureError.fromTheFuture(created: 2, now: 1).isClockError)
        #expect(!SignatureError.badSignature.isClockError)
        #expect(SignatureError.expired(at: 1, now: 2).status == 401)
        #expect(SignatureError.malformedField("x").status == 400)
        #expect(SignatureError.wrongTarget("x").status == 421)
        #expect(SignatureError.tooManyRequests.status == 429)
        #expect(SignatureError.tooManyRequests.retryAfter == 120)
    }

    @Test("mutilated signature fields are refused or ignored, never worse", arguments: 0..<20)
    func hostile(seed: Int) throws {
        let all = try Vectors.load()
        let verifier = try all.verifier()
        let key = try all.key().publicKey
        var random = SplitMix(seed: UInt64(seed))
        for _ in 0..<200 {
            var request = ReceivedRequest(all.requests.randomElement(using: &random)!)
            let now = all.requests[0].now
            for index in request.fields.indices where Bool.random(using: &random) {
                var bytes = Array(request.fields[index].value.utf8)
                for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                    let at = Int.random(in: 0..<bytes.count, using: &random)
                    switch UInt8.random(in: 0..<3, using: &random) {
                    case 0: bytes[at] = UInt8.random(in: 0...127, using: &random)
                    case 1: bytes.remove(at: at)
                    default: bytes.insert("\"():;,=?\\ ".utf8.randomElement(using: &random)!, at: at)
                    }
                }
                request.fields[index].value = String(decoding: bytes, as: UTF8.self)
            }
            guard let claim = try? verifier.claim(of: request, now: now) else { continue }
            _ = try? verifier.verify(claim, keys: [key])
        }
    }
}

@Suite struct NonceCacheTests {
    private func proof(_ nonce: Int, by keyID: String = "w1a") -> SignatureProof {
        SignatureProof(
            request: VerifiedRequest(keyID: keyID, key: .zero, bodyDigest: nil), nonce: String(nonce))
    }

    @Test("a nonce is good once, for each signer, as long as its request can be valid")
    func once() throws {
        var cache = NonceCache()
        _ = try cache.admit(proof(1), now: 1000)
        #expect(throws: SignatureError.replayed) { try cache.admit(proof(1), now: 1000) }
        _ = try cache.admit(proof(1, by: "w1b"), now: 1000)
        #expect(throws: SignatureError.replayed) { try cache.admit(proof(1), now: 1120) }
        #expect(throws: SignatureError.replayed) { try cache.admit(proof(1), now: 880) }
        #expect(cache.count == 2)
        _ = try cache.admit(proof(2), now: 1121)
        #expect(cache.count == 1)
    }

    @Test("a request is never valid longer than its nonce is remembered")
    func validity() throws {
        let all = try Vectors.load()
        let verifier = try all.verifier()
        let signer = RequestSigner(key: try all.key(), keyID: all.keyid)
        let fields = try signer.fields(
            method: "GET", targetURI: "https://node.example/", bodyDigest: nil, now: 5000)
        let request = ReceivedRequest(
            method: "GET", requestTarget: "/", authority: "", fields: fields, hasBody: false)
        let valid = (4000..<6000 as Range<UInt64>).filter { (try? verifier.claim(of: request, now: $0)) != nil }
        #expect(valid.first == 4970)
        #expect(valid.last == 5090)
        var cache = NonceCache()
        let proof = try verifier.verify(verifier.claim(of: request, now: 4970), keys: [all.key().publicKey])
        _ = try cache.admit(proof, now: 4970)
        for now in valid {
            #expect(throws: SignatureError.replayed) { try cache.admit(proof, now: now) }
        }
    }

    @Test("a signer that uses up its share is refused and others are not; room comes back with time")
    func shares() throws {
        var cache = NonceCache(capacity: 15, capacityPerKey: 10)
        for nonce in 0..<10 { _ = try cache.admit(proof(nonce), now: UInt64(100 + nonce)) }
        #expect(throws: SignatureError.tooManyRequests) { try cache.admit(proof(99), now: 110) }
        for nonce in 0..<5 { _ = try cache.admit(proof(nonce, by: "w1b"), now: 110) }
        #expect(throws: SignatureError.tooManyRequests) { try cache.admit(proof(99, by: "w1b"), now: 110) }
        _ = try cache.admit(proof(99), now: 223)
        #expect(cache.count == 13)
    }

    @Test("a clock that is set back by a year does not lock the cache")
    func clockSetBack() throws {
        var cache = NonceCache(capacity: 4, capacityPerKey: 4)
        for nonce in 0..<4 { _ = try cache.admit(proof(nonce), now: 40_000_000) }
        _ = try cache.admit(proof(5), now: 8_000_000)
        #expect(cache.count == 1)
    }
}

@Suite struct ContentDigestTests {
    @Test("the digest field is that of RFC 9530 and vouches for its content only")
    func digests() throws {
        for vector in try Vectors.load().digests {
            let content = Array(vector.content.utf8)
            #expect(ContentDigest.field(for: SHA256.hash(content)) == vector.field)
            try ContentDigest.check([vector.field], content: content)
            try ContentDigest.check(["sha-512=:AAAA:", vector.field + ";x=1"], content: content)
            #expect(throws: DigestError.mismatch(named: SHA256.hash(content), actual: SHA256.hash([7] as [UInt8]))) {
                try ContentDigest.check([vector.field], content: [7])
            }
        }
        #expect(throws: DigestError.noSHA256) { try ContentDigest.digest(in: []) }
        #expect(throws: DigestError.noSHA256) { try ContentDigest.digest(in: ["sha-512=:AAAA:"]) }
        for field in ["sha-256=:AAAA:", "sha-256=abc", "sha-256", "sha-256=:A", "SHA-256=:AAAA:", "sha-256=(:AAAA:)"] {
            #expect(throws: DigestError.malformed, "\(field)") { try ContentDigest.digest(in: [field]) }
        }
    }
}

@Suite struct StructuredFieldTests {
    @Test("values are read and written in their one form")
    func values() throws {
        for (text, written) in [
            ("a=1", "1"), ("a=-0", "0"), ("a=007", "7"), ("a=999999999999999", "999999999999999"), ("a=1.500", "1.5"),
            ("a=-0.05", "-0.05"), ("a=2.0", "2.0"), ("a=\"q\\\"\\\\\"", "\"q\\\"\\\\\""), ("a=tok/en:*", "tok/en:*"),
            ("a=*x", "*x"), ("a=:aGk=:", ":aGk=:"), ("a=?0", "?0"), ("a", "?1"), ("a;b;c=?1;d=2", "?1;b;c;d=2"),
            ("  a=1  ", "1"),
        ] {
            guard case .item(let item)? = try StructuredFieldParser.dictionary([text]).first?.value else {
                Issue.record("\(text) is no item")
                continue
            }
            #expect(item.serialized == written, "\(text)")
        }
        let lines = try StructuredFieldParser.dictionary(["a=( 1  \"x\";p );q", "b"])
        #expect(lines.map(\.key) == ["a", "b"])
        guard case .innerList(let list) = lines[0].value else {
            Issue.record("a is no inner list")
            return
        }
        #expect(list.serialized == "(1 \"x\";p);q")
    }

    @Test(
        "what does not follow the grammar is refused whole",
        arguments: [
            "A=1", "a=", "a=1,", "a=1,,b", "a=1 b", "a=(1", "a=(1\"x\")", "a=\"x", "a=\"\\x\"", "a=\"ä\"", "a=:!:",
            "a=:aGk:", "a=?2", "a=--1", "a=1.", "a=1.0000", "a=1234567890123.0", "a=1234567890123456", "a=1;", "a=1;B",
            "a,a", "a=1;b;b", "=1", "1=1", "a=@12", "\ta",
        ])
    func grammar(text: String) {
        #expect(throws: StructuredFieldParser.Malformed.self) { try StructuredFieldParser.dictionary([text]) }
    }
}
