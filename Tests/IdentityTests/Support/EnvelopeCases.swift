import Digests
import Foundation
import Identity
import SwiftProtobuf
import WaggleProtocol

/// The cases of `envelope.json`: bytes, and what a receiver that knows neither author nor clock says of them.
struct EnvelopeVectors: Codable, Equatable {
    var description =
        "Envelopes (spec/envelope.md, spec/post.md): encodings that signatures cover, and envelopes that are "
        + "taken or refused. An envelope is head, then the byte 61 fill times, then tail."
    var preAuthenticationEncodings: [PAE]
    var cases: [Case]
    /// Posts that are good but for their time: `retryAfter` is nil when a node whose clock says `now` takes them.
    var clock = [
        Clock(created: 1_000_000, now: 1_000_000), Clock(created: 1, now: 1_000_000),
        Clock(created: 1_000_900, now: 1_000_000), Clock(created: 1_000_901, now: 1_000_000, retryAfter: 1),
        Clock(created: 1_004_500, now: 1_000_000, retryAfter: 3600),
        Clock(created: (1 << 53) - 1, now: 1_000_000, retryAfter: UInt32.max),
    ]

    struct Clock: Codable, Equatable {
        let created: UInt64
        let now: UInt64
        var retryAfter: UInt32?
    }

    struct PAE: Codable, Equatable {
        let type: String
        let payload: String
        let encoding: String
        let sha256: Hash32
    }

    /// The envelope is `head`, then the byte 0x61 `fill` times, then `tail`.
    struct Case: Codable, Equatable {
        let name: String
        let head: String
        var fill = 0
        var tail = ""
        /// Id, author and kind of a valid post.
        var id: Hash32?
        var author: Hash32?
        var kind: UInt32?
        /// Why it is refused: malformed, too large, limit, unknown type, wrong signers, bad signature.
        var refused: String?

        var envelope: Data {
            Data(Hex.decode(head)! + [UInt8](repeating: 0x61, count: fill) + Hex.decode(tail)!)
        }
    }

    static func make() throws -> EnvelopeVectors {
        var vectors = EnvelopeVectors(preAuthenticationEncodings: [], cases: [])
        for (type, payload) in [
            (DSSE.postType, [UInt8]("hello".utf8)), (DSSE.postType, []),
            ("http://example.com/HelloWorld", [UInt8]("hello world".utf8)),
            ("text/plain; charset=ü", [0, 255]),
        ] {
            let encoding = DSSE.preAuthenticationEncoding(type: type, payload: payload)
            vectors.preAuthenticationEncodings.append(
                PAE(
                    type: type, payload: Hex.encode(payload), encoding: Hex.encode(encoding),
                    sha256: SHA256.hash(encoding)))
        }
        var builder = EnvelopeCases()
        try builder.goodPosts()
        builder.refusedEnvelopes()
        builder.refusedPayloads()
        builder.refusedBodies()
        builder.refusedSizes()
        builder.refusedSigners()
        vectors.cases = builder.cases
        return vectors
    }

    /// The word for an error in the file.
    static func word(_ error: PostError) -> String {
        switch error {
        case .tooLarge: "too large"
        case .malformed: "malformed"
        case .unknownEnvelopeType: "unknown type"
        case .badSignature: "bad signature"
        case .wrongSigners: "wrong signers"
        case .limit: "limit"
        }
    }
}

private struct EnvelopeCases {
    var cases: [EnvelopeVectors.Case] = []
    let author = SHA256.hash(Array("author".utf8))
    let device = testKey("device")
    let root = testKey("root")

    private mutating func good(_ name: String, _ envelope: Data) throws {
        let post = try SignedPost(envelope: envelope)
        cases.append(
            .init(
                name: name, head: Hex.encode(envelope), id: post.id, author: post.author, kind: post.kind.rawValue))
    }

    private mutating func refuse(_ name: String, _ why: String, _ envelope: [UInt8]) {
        cases.append(.init(name: name, head: Hex.encode(envelope), refused: why))
    }

    /// A comment whose payload has `extra` behind it.
    private func comment(_ extra: [UInt8] = [], _ fill: (inout WirePost) -> Void = { _ in }) -> [UInt8] {
        payload(IdentityTests.comment(by: author, device: device, fill)) + extra
    }

    private func signed(_ extra: [UInt8] = [], _ fill: (inout WirePost) -> Void = { _ in }) -> [UInt8] {
        envelope(comment(extra, fill), keys: [device])
    }

    // MARK: Good

    mutating func goodPosts() throws {
        let genesis = try PostSigning.genesis(
            keyDocument(devices: [IdentityTests.device("device", [.post, .review])]), created: 1000, roots: [root])
        try good("a genesis key document", genesis.envelope)
        let update = keyDocument(2, after: genesis.id)
        try good(
            "version 2 of a key document",
            PostSigning.byRoots(.keyDocument(update), author: genesis.id, created: 1001, roots: [root]).envelope)
        let two = keyDocument(roots: ["root", "root b"], threshold: 2)
        try good(
            "a genesis by two of two roots, signatures in the order of their keys",
            PostSigning.genesis(two, created: 1000, roots: [root, testKey("root b")]).envelope)
        try good("a comment", Data(signed()))
        for (slot, name) in [(author.hex, "a review that spells its slot out"), ("", "a review whose slot is implied")]
        {
            try good(
                name,
                Data(
                    signed { post in
                        (post.kind, post.slot) = (20, slot)
                        post.review = .with { ($0.release, $0.recommended) = (author.data, true) }
                    }))
        }
        for (named, name) in [
            (author.data, "a release that names its model's author"),
            (Data(), "a release whose model's author is implied"),
        ] {
            try good(
                name,
                Data(
                    signed { post in
                        post.kind = 11
                        post.release = .with {
                            ($0.modelAuthor, $0.modelSlug, $0.version) = (named, "hands", "1")
                            $0.files = [
                                .with {
                                    ($0.sha256, $0.piecesRoot) = (author.data, author.data)
                                    ($0.size, $0.name) = (9, "hands.safetensors")
                                }
                            ]
                        }
                    }))
        }
        try good("a comment with an unknown field of number 15", Data(signed([0x7a, 2, 1, 2])))
        try good(
            "a comment with references, labels and an expiry",
            Data(
                signed { post in
                    var ref = WireRef()
                    ref.id = author.data
                    ref.role = "reply"
                    post.refs = [ref]
                    post.labels = ["nsfw", "nsfw"]
                    post.expires = post.created
                }))
        try good(
            "an unknown kind with no body and any slot",
            Data(
                signed { post in
                    post.body = nil
                    post.kind = 4_294_967_295
                    post.slot = "ein Ort für alles"
                }))
        // Field 199 of 3 bytes.
        try good(
            "an unknown kind with its body",
            Data(envelope(comment([0xba, 0x0c, 3, 1, 2, 3]) { ($0.body, $0.kind) = (nil, 99) }, keys: [device])))
        let fields = fieldsReversed(comment())
        try good("fields in another order", Data(envelope(fields, keys: [device])))
    }

    /// The top-level fields of a payload whose tags have one byte, last first.
    private func fieldsReversed(_ payload: [UInt8]) -> [UInt8] {
        var body = IdentityTests.comment(by: author, device: device)
        let head = IdentityTests.comment(by: author, device: device) { $0.body = nil }
        (body.v, body.author, body.device, body.created, body.kind) = (0, Data(), Data(), 0, 0)
        return IdentityTests.payload(body) + IdentityTests.payload(head)
    }

    // MARK: The envelope

    mutating func refusedEnvelopes() {
        let whole = signed()
        let payload = comment()
        refuse("no bytes", "malformed", [])
        refuse("cut off", "malformed", Array(whole.dropLast()))
        refuse("a byte behind the end", "malformed", whole + [0])
        refuse("an unknown field behind the signatures", "malformed", whole + [0x22, 0])
        refuse("the payload given twice", "malformed", Array(whole.prefix(2)) + whole)
        refuse("another envelope type", "unknown type", envelope(payload, keys: [device], type: 2))
        refuse("envelope type 0, left out", "malformed", envelope(payload, keys: [device], type: 0))
        refuse("type before payload", "malformed", [0x10, 1] + whole)
        refuse("an empty payload", "malformed", envelope([], keys: [device]))
        refuse("a payload length not in its shortest form", "malformed", lengthen(whole))
        let signature = whole.suffix(102)
        let bare = Array(whole.dropLast(102))
        refuse(
            "signature before key", "malformed",
            bare + [0x1a, 100] + signature.suffix(66) + signature.dropFirst(2).prefix(34))
        refuse("a key of 31 bytes", "malformed", bare + [0x1a, 99, 0x0a, 31] + signature.dropFirst(5))
        refuse("a signature of 63 bytes", "malformed", bare + [0x1a, 99] + signature.dropFirst(2).dropLast())
        refuse(
            "an unknown field inside a signature", "malformed",
            bare + [0x1a, 102] + signature.dropFirst(2) + [0x18, 1])
    }

    /// The envelope with its payload length in one byte more than needed.
    private func lengthen(_ envelope: [UInt8]) -> [UInt8] {
        var bytes = envelope
        let last = bytes[1] < 0x80 ? 1 : 2
        bytes[last] |= 0x80
        bytes.insert(0, at: last + 1)
        return bytes
    }

    // MARK: The payload

    mutating func refusedPayloads() {
        for (name, field) in [
            ("v", [0x08, 1]), ("author", [0x12, 32] + author.bytes), ("device", [0x1a, 32] + device.publicKey.bytes),
            ("created", [0x20, 1]), ("kind", [0x30, 21]),
        ] as [(String, [UInt8])] {
            refuse("\(name) given twice", "malformed", signed(field))
        }
        refuse("expires given twice", "malformed", signed([0x28, 0xd1, 0x0f]) { $0.expires = 2001 })
        refuse(
            "slot given twice", "malformed",
            signed([0x3a, 1, 0x62]) { ($0.body, $0.kind, $0.slot) = (nil, 4_000, "a") })
        refuse("two bodies of one kind", "malformed", signed([0xca, 0x07, 0]))
        refuse("bodies of two kinds", "malformed", signed([0xda, 0x07, 0]))
        refuse("the body of another kind", "malformed", signed { $0.kind = 20 })
        refuse("an unknown kind with the body of another", "malformed", signed { $0.kind = 99 })
        refuse("a known kind without a body", "malformed", signed { ($0.body, $0.kind) = (nil, 21) })
        refuse("a group", "malformed", signed([0x7b, 0x7c]))
        refuse("an end of a group", "malformed", signed([0x7c]))
        refuse("wire type 6", "malformed", signed([0x7e]))
        refuse("field number 0", "malformed", signed([0x02, 0]))
        refuse("a field number above 2^29", "malformed", signed([0x80, 0x80, 0x80, 0x80, 0x10, 0]))
        refuse("author with the wire type of a number", "malformed", signed([0x10, 1]) { $0.author = Data() })
        refuse("a number that does not end", "malformed", signed([0x78, 0x80]))
        refuse("a number of 65 bits", "malformed", signed([0x78] + [UInt8](repeating: 0xff, count: 9) + [2]))
        refuse("a number not in its shortest form", "malformed", signed([0x78, 0x80, 0]))
        refuse("a tag not in its shortest form", "malformed", signed([0xf8, 0x00, 1]))
        refuse(
            "kind with more than 32 bits", "malformed", signed([0x30, 0x95, 0x80, 0x80, 0x80, 0x10]) { $0.kind = 0 })
        refuse("a field that is longer than the payload", "malformed", signed([0x7a, 2, 1]))
        refuse("a length near 2^64", "malformed", signed([0x7a] + [UInt8](repeating: 0xff, count: 9) + [1]))
        refuse("trailing garbage", "malformed", signed([0xff]))
        refuse("a text that is not UTF-8", "malformed", signed([0x4a, 2, 0xc3, 0x28]))
        refuse("a text with a surrogate", "malformed", signed([0x4a, 3, 0xed, 0xa0, 0x80]))
        refuse("a text with an overlong form", "malformed", signed([0x4a, 2, 0xc0, 0x80]))
        refuse("17 levels, payload, body and 15 groups", "malformed", signed(nested(15)) { $0.body = nil })
        refuse("format version 0", "malformed", signed { $0.v = 0 })
        refuse("format version 2", "malformed", signed { $0.v = 2 })
        refuse("kind 0", "malformed", signed { ($0.body, $0.kind) = (nil, 0) })
        refuse("created 0", "malformed", signed { $0.created = 0 })
        refuse("created 2^53", "malformed", signed { $0.created = 1 << 53 })
        refuse("expires before created", "malformed", signed { $0.expires = $0.created - 1 })
        refuse("expires 2^64 - 1", "malformed", signed { $0.expires = .max })
        refuse("a slot for a kind without slots", "malformed", signed { $0.slot = "a" })
        refuse(
            "a slot with a control character", "malformed",
            signed { ($0.body, $0.kind, $0.slot) = (nil, 4_000, "a\u{0}b") })
        refuse(
            "a slot of 129 bytes", "limit",
            signed {
                ($0.body, $0.kind) = (nil, 4_000); $0.slot = String(repeating: "s", count: 129)
            })
        refuse(
            "257 references", "limit", signed { $0.refs = (0..<257).map { _ in WireRef.with { $0.id = author.data } } })
        refuse(
            "a reference of 31 bytes", "limit", signed { $0.refs = [WireRef.with { $0.id = author.data.dropLast() }] })
        refuse("65 labels", "limit", signed { $0.labels = [String](repeating: "l", count: 65) })
        refuse("a label of 129 bytes", "limit", signed { $0.labels = [String(repeating: "l", count: 129)] })
    }

    /// A comment body that holds so many groups inside each other.
    private func nested(_ groups: Int) -> [UInt8] {
        let subject = [0x0a, 32] + author.bytes
        let text: [UInt8] = [0x1a, 1, 0x61]
        let body = subject + text + [UInt8](repeating: 0x7b, count: groups) + [UInt8](repeating: 0x7c, count: groups)
        return [0xca, 0x07, UInt8(body.count)] + body
    }

    mutating func refusedBodies() {
        refuse("a comment without a text", "malformed", signed { $0.comment.text = "" })
        refuse(
            "a comment whose subject has 31 bytes", "malformed", signed { $0.comment.subject = author.data.dropLast() })
        refuse(
            "a review whose slot is not its release", "malformed",
            signed { post in
                post.kind = 20
                post.review = .with { $0.release = author.data }
                post.slot = author.hex.uppercased()
            })
        refuse(
            "a model whose slug has a capital letter", "malformed",
            signed { post in
                post.kind = 10
                post.model = .with { ($0.name, $0.type) = ("Hands", "LORA") }
                post.slot = "Hands"
            })
        refuse(
            "a level that is no single level", "malformed",
            signed { post in
                post.kind = 10
                post.model = .with { ($0.name, $0.type, $0.level) = ("Hands", "LORA", 3) }
                post.slot = "hands"
            })
        for name in ["", ".", "..", "a/b", "a\\b", "a\u{0}b", "a\nb", String(repeating: "n", count: 256)] {
            refuse(
                "a file name of \(name.utf8.count) bytes that no file may have: \(Hex.encode(name.utf8.prefix(4)))",
                "malformed",
                signed { post in
                    post.kind = 11
                    post.release = .with { release in
                        (release.modelAuthor, release.modelSlug, release.version) = (author.data, "hands", "1")
                        release.files = [
                            .with { ($0.sha256, $0.piecesRoot, $0.size, $0.name) = (author.data, author.data, 1, name) }
                        ]
                    }
                })
        }
        refuse(
            "a delete that names nothing", "malformed",
            signed { post in
                post.kind = 30
                post.delete = WireDelete()
            })
        refuse(
            "a delete of a slot of a kind without slots", "malformed",
            signed { post in
                post.kind = 30
                post.delete = .with { $0.slots = [.with { $0.kind = 21 }] }
            })
        refuse(
            "a delete that expires", "malformed",
            signed { post in
                post.kind = 30
                post.delete = .with { $0.ids = [author.data] }
                post.expires = 3000
            })
    }

    // MARK: Sizes and signers

    mutating func refusedSizes() {
        // The envelope of a comment whose text makes the payload as large as is asked for; the text stands in `fill`.
        func comment(of bytes: Int) -> EnvelopeVectors.Case {
            let fill =
                bytes
                - IdentityTests.payload(
                    IdentityTests.comment(by: author, device: device) {
                        ($0.kind, $0.body) = (4_000, nil)
                        $0.labels = [""]
                    }
                ).count
            // An unknown field 15 that fills the payload up: tag, length of three bytes.
            let head = self.comment([0x7a] + varint(UInt64(fill - 4))) {
                ($0.kind, $0.body) = (4_000, nil); $0.labels = [""]
            }
            let text = [UInt8](repeating: 0x61, count: fill - 4)
            let whole = envelope(head + text, keys: [device])
            let start = whole.count - 104 - text.count
            return .init(
                name: "a payload of \(bytes) bytes", head: Hex.encode(whole[..<start]), fill: text.count,
                tail: Hex.encode(whole[(start + text.count)...]))
        }
        var largest = comment(of: Limits.Post.payloadBytes)
        if let post = try? SignedPost(envelope: largest.envelope) {
            (largest.id, largest.author, largest.kind) = (post.id, post.author, post.kind.rawValue)
        }
        cases.append(largest)
        var tooLarge = comment(of: Limits.Post.payloadBytes + 1)
        tooLarge.refused = "too large"
        cases.append(tooLarge)
        var document = keyDocument()
        document.devices = (0..<64).map { IdentityTests.device("device \($0) " + String(repeating: "x", count: 100)) }
        let post = WirePost.with { ($0.v, $0.created, $0.kind, $0.keyDocument) = (1, 1000, 1, document) }
        refuse("a key document of more than 8 KiB", "too large", envelope(payload(post), keys: [root]))
    }

    private func varint(_ value: UInt64) -> [UInt8] {
        var (value, bytes) = (value, [UInt8]())
        while value >= 0x80 {
            bytes.append(UInt8(value & 0x7f) | 0x80)
            value >>= 7
        }
        return bytes + [UInt8(value)]
    }

    mutating func refusedSigners() {
        let body = comment()
        refuse("no signature", "wrong signers", envelope(body, keys: []))
        refuse("two signatures on a comment", "wrong signers", envelope(body, keys: [device, root]))
        refuse("the signature of a key that is not the device", "wrong signers", envelope(body, keys: [root]))
        refuse("17 signatures", "limit", envelope(body, keys: (0..<17).map { testKey("root \($0)") }))
        var flipped = signed()
        flipped[flipped.count - 1] ^= 1
        refuse("a signature with a flipped bit", "bad signature", flipped)
        refuse(
            "the signature of another payload", "bad signature",
            envelopeWith(signatureOf: signed(), payload: comment { $0.created = 2001 }))
        let genesis = WirePost.with { ($0.v, $0.created, $0.kind, $0.keyDocument) = (1, 1000, 1, keyDocument()) }
        let one = envelope(payload(genesis), keys: [root])
        refuse("one key signs twice", "wrong signers", one + one.suffix(102))
        let both = envelope(payload(genesis), keys: [root, testKey("root b")])
        refuse(
            "signatures not in the order of their keys", "malformed",
            Array(both.dropLast(204) + both.suffix(102) + both.dropLast(102).suffix(102)))
        refuse(
            "a key document with a device", "wrong signers",
            envelope(payload(genesis) + [0x1a, 32] + root.publicKey.bytes, keys: [root]))
        refuse(
            "version 2 without an author", "malformed",
            envelope(
                payload(
                    .with {
                        ($0.v, $0.created, $0.kind, $0.keyDocument) = (1, 1000, 1, keyDocument(2, after: author))
                    }), keys: [root]))
        refuse("a comment without an author", "malformed", signed { $0.author = Data() })
        refuse("an author of 33 bytes", "malformed", signed { $0.author.append(0) })
        refuse("a device of 31 bytes", "malformed", signed { $0.device.removeLast() })
    }

    private func envelopeWith(signatureOf envelope: [UInt8], payload: [UInt8]) -> [UInt8] {
        Array(IdentityTests.envelope(payload, keys: [device]).dropLast(64) + envelope.suffix(64))
    }
}
