import Digests
import Foundation
import Identity
import SwiftProtobuf
import WaggleProtocol

/// A person or a node with a valid chain of keys, played by a test.
struct Persona: Sendable {
    let author: Hash32
    let device: SigningKey
    /// The key documents, genesis first.
    let documents: [Data]

    init(_ chain: RecoverySecret.Chain) throws {
        let secret = RecoverySecret.random()
        device = SigningKey.random()
        let genesis = try secret.genesis(chain)
        var document = genesis.post.keyDocument
        document.version = 2
        document.previous = genesis.id.data
        var entry = WireDevice()
        entry.key = device.publicKey.data
        entry.label = "test"
        entry.scopes = chain == .node ? [.node] : [.release, .review, .post, .list]
        document.devices = [entry]
        let devices = try PostSigning.byRoots(
            .keyDocument(document), author: genesis.id, created: 1_700_000_000,
            roots: [secret.root(chain, generation: 0)])
        author = genesis.id
        documents = [genesis.envelope, devices.envelope]
    }

    static var now: UInt64 { UInt64(Date().timeIntervalSince1970) }

    /// A post of this persona with the head filled in; nothing checks what it says.
    func payload(_ fill: (inout WirePost) -> Void) throws -> Data {
        var post = WirePost()
        post.v = 1
        post.author = author.data
        post.device = device.publicKey.data
        post.created = Self.now
        fill(&post)
        if post.kind == 0, let body = post.body { post.kind = body.kind.rawValue }
        return try post.serializedBytes()
    }

    /// An envelope around any bytes, rightly signed. The project's own signer would refuse most of what tests sign.
    func seal(_ payload: Data) throws -> Data {
        let signed = DSSE.preAuthenticationEncoding(type: DSSE.postType, payload: payload)
        var envelope = WireEnvelope()
        envelope.payload = payload
        envelope.type = 1
        var signature = WireSignature()
        signature.key = device.publicKey.data
        signature.sig = Data(device.sign(signed))
        envelope.signatures = [signature]
        return try envelope.serializedBytes()
    }

    func post(_ fill: (inout WirePost) -> Void) throws -> Data {
        try seal(payload(fill))
    }

    /// A model and a release of it with one file, of which `change` may say anything.
    func release(
        slug: String, fileName: String, facts: FileDigests, version: String = "1.0",
        change: (inout WireFile) -> Void = { _ in }
    ) throws -> [Data] {
        let model = try post {
            $0.slot = slug
            $0.model.name = "Model \(slug)"
            $0.model.type = "LORA"
            $0.model.level = 1
        }
        let release = try post {
            $0.release.modelAuthor = author.data
            $0.release.modelSlug = slug
            $0.release.version = version
            $0.release.baseModel = "SDXL 1.0"
            var file = WireFile()
            file.sha256 = facts.sha256.data
            file.piecesRoot = facts.piecesRoot.data
            file.size = facts.size
            file.name = fileName
            file.kind = "Model"
            file.format = "SafeTensor"
            change(&file)
            $0.release.files = [file]
        }
        return [model, release]
    }
}

extension Data {
    /// The id of the post in this envelope: SHA-256 of what was signed.
    var postID: Hash32 {
        get throws {
            let payload = try WireEnvelope(serializedBytes: self).payload
            return SHA256.hash(DSSE.preAuthenticationEncoding(type: DSSE.postType, payload: payload))
        }
    }
}

/// The signed node-to-node routes as another implementation would call them.
struct WireClient: Sendable {
    let persona: Persona
    let url: String

    func send(_ method: String, _ path: String, body: [UInt8]? = nil) async throws -> HTTPReply {
        var fields = fields(method, url + path, body: body)
        if body != nil { fields["Content-Type"] = "application/x-protobuf" }
        return try await HTTP.send(method, url + path, fields, body: body)
    }

    /// Offers posts; the node learns the persona's keys from them.
    func offer(_ envelopes: [Data]) async throws -> [WirePostResult] {
        var batch = WirePostBatch()
        batch.envelopes = envelopes
        let reply = try await send("POST", "/w/1/posts", body: [UInt8](batch.serializedBytes() as Data))
        guard reply.status == 200 else { throw HarnessError("offered posts: \(reply.status) \(reply.text)") }
        return try WirePostResults(serializedBytes: reply.body).results
    }

    /// Those of the posts that the node has and gives.
    func posts(_ ids: [Hash32]) async throws -> [Data] {
        var request = WirePostIDs()
        request.ids = ids.map(\.data)
        let reply = try await send("POST", "/w/1/posts/get", body: [UInt8](request.serializedBytes() as Data))
        guard reply.status == 200 else { throw HarnessError("asked for posts: \(reply.status) \(reply.text)") }
        return try WirePostBatch(serializedBytes: reply.body).envelopes
    }

    /// The message signature of RFC 9421 as the protocol wants it.
    func fields(_ method: String, _ target: String, body: [UInt8]?) -> [String: String] {
        var fields: [String: String] = [:]
        var lines = ["\"@method\": \(method)", "\"@target-uri\": \(target)"]
        var covered = #""@method" "@target-uri""#
        if let body {
            let digest = "sha-256=:\(SHA256.hash(body).data.base64EncodedString()):"
            fields["Content-Digest"] = digest
            lines.append("\"content-digest\": \(digest)")
            covered += #" "content-digest""#
        }
        let now = Persona.now
        let parameters =
            "(\(covered));created=\(now);expires=\(now + 60);nonce=\"\(UInt64.random(in: 0 ... .max))\""
            + ";keyid=\"\(AuthorID.text(persona.author))\";alg=\"ed25519\";tag=\"waggle-1\""
        lines.append("\"@signature-params\": \(parameters)")
        let signature = persona.device.sign(Array(lines.joined(separator: "\n").utf8))
        fields["Signature-Input"] = "w=\(parameters)"
        fields["Signature"] = "w=:\(Data(signature).base64EncodedString()):"
        return fields
    }
}
