import Digests
import Foundation
import Identity
import SwiftProtobuf
import WaggleProtocol

/// A key of a test, always the same one for the same name.
func testKey(_ name: String) -> SigningKey {
    SigningKey(seed: SHA256.hash(Array("test key \(name)".utf8)).bytes)!
}

/// Any 32 bytes that have a name.
func testHash(_ name: String) -> Hash32 {
    SHA256.hash(Array(name.utf8))
}

func device(_ name: String, _ scopes: [WireScope] = TestAuthor.allScopes, until: UInt64 = 0) -> WireDevice {
    .with {
        ($0.key, $0.label, $0.scopes, $0.notAfter) = (testKey(name).publicKey.data, name, scopes, until)
    }
}

func revocation(_ name: String, _ reason: WireRevocationReason, since: UInt64 = 1, checkpoint: Hash32? = nil)
    -> WireRevocation
{
    .with {
        ($0.key, $0.since, $0.reason) = (testKey(name).publicKey.data, since, reason)
        $0.checkpoint = checkpoint?.data ?? Data()
    }
}

/// Someone who makes posts: a genesis with one root, the next root committed to, and devices by name.
struct TestAuthor {
    static let allScopes: [WireScope] = [.node, .release, .review, .list, .ledger, .post]

    let name: String
    let genesis: SignedPost
    var id: Hash32 { genesis.id }

    /// The devices are those of the genesis; `name` tells authors apart.
    init(_ name: String, devices: [WireDevice]? = nil) throws {
        self.name = name
        var document = WireKeyDocument()
        document.version = 1
        document.roots = [testKey("\(name) root 0").publicKey.data]
        document.threshold = 1
        document.nextRoots = [SHA256.hash(testKey("\(name) root 1").publicKey.bytes).data]
        document.nextThreshold = 1
        document.devices = devices ?? [device("\(name) laptop")]
        document.role = .person
        genesis = try PostSigning.genesis(document, created: 1000, roots: [testKey("\(name) root 0")])
    }

    /// An update or, when `generation` is that of the parent and one, a rotation.
    func document(
        after parent: SignedPost, created: UInt64? = nil, generation: Int = 0, _ fill: (inout WireKeyDocument) -> Void
    ) throws -> SignedPost {
        var document = parent.post.keyDocument
        document.version += 1
        document.previous = parent.id.data
        document.revocations = []
        let root = testKey("\(name) root \(generation)")
        if document.roots != [root.publicKey.data] {
            document.roots = [root.publicKey.data]
            document.nextRoots = [SHA256.hash(testKey("\(name) root \(generation + 1)").publicKey.bytes).data]
        }
        fill(&document)
        return try PostSigning.byRoots(
            .keyDocument(document), author: id, created: created ?? parent.post.created + 1, roots: [root])
    }

    func checkpoint(_ device: String, blob: Hash32, created: UInt64 = 1500, generation: Int = 0) throws -> SignedPost {
        let body = WireCheckpoint.with { ($0.device, $0.blob) = (testKey(device).publicKey.data, blob.data) }
        return try PostSigning.byRoots(
            .checkpoint(body), author: id, created: created, roots: [testKey("\(name) root \(generation)")])
    }

    /// A post by a device; the first of the genesis unless another is named.
    func post(
        created: UInt64 = 2000, by device: String? = nil, _ fill: (inout WirePost) -> Void
    ) throws -> SignedPost {
        var post = WirePost()
        post.created = created
        fill(&post)
        return try Signer(author: id, device: testKey(device ?? "\(name) laptop")).sign(post)
    }

    func comment(_ text: String, created: UInt64 = 2000, by device: String? = nil, expires: UInt64 = 0) throws
        -> SignedPost
    {
        try post(created: created, by: device) { post in
            post.comment = .with { ($0.subject, $0.text) = (testHash("subject").data, text) }
            post.expires = expires
        }
    }

    func profile(_ name: String, created: UInt64 = 2000, by device: String? = nil, expires: UInt64 = 0) throws
        -> SignedPost
    {
        try post(created: created, by: device) { post in
            post.profile = .with { $0.name = name }
            post.expires = expires
        }
    }

    func model(_ slug: String, _ text: String = "", created: UInt64 = 2000, by device: String? = nil) throws
        -> SignedPost
    {
        try post(created: created, by: device) { post in
            post.model = .with { ($0.name, $0.type, $0.description_p) = (slug, "LORA", text) }
            post.slot = slug
        }
    }

    /// - Parameter spellsOut: its slot is written, which a signer leaves out nowadays.
    func review(
        of release: Hash32, _ text: String = "", created: UInt64 = 2000, by device: String? = nil,
        spellsOut: Bool = false
    ) throws -> SignedPost {
        let key = testKey(device ?? "\(name) laptop")
        var post = WirePost()
        (post.v, post.author, post.device) = (1, id.data, key.publicKey.data)
        (post.kind, post.created) = (PostKind.review.rawValue, created)
        post.review = .with { ($0.release, $0.text) = (release.data, text) }
        post.slot = release.hex
        return try PostSigning.seal(spellsOut ? post : post.abridged(), keys: [key])
    }

    func delete(
        _ posts: [SignedPost] = [], ids: [Hash32] = [], slots: [(PostKind, String)] = [], created: UInt64 = 3000,
        by device: String? = nil
    ) throws -> SignedPost {
        try post(created: created, by: device) { post in
            post.delete.ids = posts.map(\.id.data) + ids.map(\.data)
            post.delete.slots = slots.map { kind, slot in .with { ($0.kind, $0.slot) = (kind.rawValue, slot) } }
        }
    }
}
