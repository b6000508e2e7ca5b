import BlobStore
import Digests
import Federation
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import Moderation
import NIOCore
import PostLog
import SwiftProtobuf
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Node to node")
struct PeerTests {
    private static func world(ceiling: Level = .xxx, accepts: Bool = true) async throws -> (TestNode, Person) {
        let node = try await TestNode.make(ceiling: ceiling, accepts: accepts)
        let peer = try Person(seed: 9, role: .node)
        try await node.take([peer.genesis])
        return (node, peer)
    }

    private static func ids(_ hashes: [Hash32]) -> WirePostIDs {
        var message = WirePostIDs()
        message.ids = hashes.map(\.data)
        return message
    }

    // MARK: What anyone may ask

    @Test("a node tells anyone its keys and announce, and where it is")
    func node() async throws {
        let node = try await TestNode.make()
        let announce = try await node.publish(by: node.node) { post in
            post.nodeAnnounce.name = "Hive"
            post.nodeAnnounce.urls = ["https://hive.example"]
        }
        try await node.test { client in
            let answer = try await client(.get, "/w/1/node")
            #expect(answer.headers[.contentType] == "application/x-protobuf")
            #expect(answer.headers[.cacheControl] == "no-store")
            let info = try answer.message(WireNodeInfo.self)
            #expect(info.keyChain == [node.node.genesis.envelope])
            #expect(info.announce == announce.envelope)
            let peers = try await client(.get, "/w/1/peers").json()
            #expect(peers["urls"] as? [String] == ["https://other.example"])
            let found = try await client(.get, "/.well-known/waggle").json()
            #expect(found["node"] as? String == AuthorID.text(node.node.id))
            #expect(found["urls"] as? [String] == ["https://hive.example"])
        }
    }

    // MARK: Signatures

    @Test("only a node key in force, for this node's address, over these bytes, once, is let in")
    func signatures() async throws {
        let (node, peer) = try await Self.world()
        let model = try await node.publishModel("Alpha")
        let wrongScope = try Person(seed: 10, role: .node, scopes: [.post])
        let person = try Person(seed: 11, role: .person, scopes: [.node])
        try await node.take([wrongScope.genesis, person.genesis])
        let message = Self.ids([model.model.id])
        try await node.test { client in
            func code(_ answer: Answer, _ status: Int) throws -> String {
                #expect(answer.status.code == status)
                return try answer.errorCode()
            }
            let path = "/w/1/posts/get"
            let good = try await client.signed(.post, path, by: peer, message: message)
            #expect(good.status == .ok)
            #expect(try good.message(WirePostBatch.self).envelopes == [model.model.envelope])

            let bytes: [UInt8] = try message.serializedBytes()
            let unsigned = try await client(.post, path, [.contentType: "application/x-protobuf"], body: bytes)
            #expect(try code(unsigned, 401) == "bad-signature")
            let stranger = try Person(seed: 99, role: .node)
            #expect(try code(await client.signed(.post, path, by: stranger, message: message), 401) == "unknown-node")
            #expect(
                try code(await client.signed(.post, path, by: wrongScope, message: message), 401) == "bad-signature")
            #expect(try code(await client.signed(.post, path, by: person, message: message), 401) == "not-a-node")
            let elsewhere = try await client.signed(
                .post, path, by: peer, message: message, base: "https://evil.example")
            #expect(try code(elsewhere, 401) == "bad-signature")
            let late = try await client.signed(.post, path, by: peer, message: message, time: TestNode.time - 600)
            #expect(try code(late, 401) == "clock")
            let early = try await client.signed(.post, path, by: peer, message: message, time: TestNode.time + 600)
            #expect(try code(early, 401) == "clock")

            // The body is what was signed.
            let other: [UInt8] = try Self.ids([model.release.id]).serializedBytes()
            let fields = Mutable<HTTPFields>()
            _ = try await client.signed(.post, path, by: peer, message: message) { fields.value = $0 }
            let headers = try #require(fields.value)
            #expect(try code(await client(.post, path, headers, body: bytes), 401) == "bad-signature", "a replay")
            let fresh = Mutable<HTTPFields>()
            _ = try await client.signed(.get, "/w/1/posts/get", by: peer, message: message) { fresh.value = $0 }
            #expect(try code(await client(.post, path, try #require(fresh.value), body: bytes), 401) == "bad-signature")
            let changed = try await client.signed(.post, path, by: peer, message: message) { headers in
                headers[.contentType] = "application/x-protobuf; v=1"
            }
            #expect(changed.status == .ok)
            let altered = Mutable<HTTPFields>()
            _ = try await client.signed(.post, "/w/1/sync", by: peer, message: message) { altered.value = $0 }
            #expect(try await client(.post, path, try #require(altered.value), body: other).status.code >= 400)
        }
    }

    @Test("a body other than the signed one is refused")
    func digests() async throws {
        let (node, peer) = try await Self.world()
        try await node.test { client in
            let message = Self.ids([SHA256.hash([1])])
            let answer = try await client.signed(.post, "/w/1/posts/get", by: peer, message: message) { headers in
                headers[HTTPField.Name("Content-Digest")!] = ContentDigest.field(for: SHA256.hash([9]))
            }
            #expect(answer.status.code == 401)
        }
    }

    @Test("a node that is not accepted is told so")
    func notAccepted() async throws {
        let (node, peer) = try await Self.world(accepts: false)
        try await node.test { client in
            let answer = try await client.signed(.post, "/w/1/posts/get", by: peer, message: Self.ids([]))
            #expect(answer.status == .forbidden)
            #expect(try answer.errorCode() == "not-a-peer")
        }
    }

    @Test("an unknown node introduces itself by sending its key documents, with posts at most")
    func introduction() async throws {
        let node = try await TestNode.make()
        let peer = try Person(seed: 9, role: .node)
        let other = try Person(seed: 12, role: .node)
        try await node.test { client in
            var batch = WirePostBatch()
            batch.envelopes = [other.genesis.envelope]
            let unhelpful = try await client.signed(.post, "/w/1/posts", by: peer, message: batch)
            #expect(try unhelpful.errorCode() == "unknown-node")

            batch.envelopes = [peer.genesis.envelope]
            let known = try await client.signed(.post, "/w/1/posts", by: peer, message: batch)
            #expect(known.status == .ok)
            #expect(try known.message(WirePostResults.self).results.map(\.status) == [.new])
            let get = try await client.signed(.post, "/w/1/posts/get", by: peer, message: Self.ids([peer.id]))
            #expect(try get.message(WirePostBatch.self).envelopes == [peer.genesis.envelope])

            // A genesis that somebody else signed does not vouch for the one who sends it.
            var forged = batch
            forged.envelopes = [other.genesis.envelope]
            let stolen = Person(stealing: other, device: peer.device)
            let refused = try await client.signed(.post, "/w/1/posts", by: stolen, message: forged)
            #expect(try refused.errorCode() == "bad-signature")
        }
    }

    @Test("a node that has a new key introduces it with the document that lists it, signed by its roots alone")
    func newKey() async throws {
        let node = try await TestNode.make()
        let peer = try Person(seed: 9, role: .node)
        let fresh = try Person.key(9, 7)
        var document = peer.genesis.post.keyDocument
        document.version = 2
        document.previous = peer.id.data
        document.devices[0].key = fresh.publicKey.data
        let update = try PostSigning.byRoots(
            .keyDocument(document), author: peer.id, created: 1_767_225_700, roots: [Person.key(9, 1)])
        let back = Person(id: peer.id, genesis: peer.genesis, device: fresh)
        let thief = try Person.key(9, 8)
        document.version = 3
        document.previous = update.id.data
        document.devices[0].key = thief.publicKey.data
        document.roots = [thief.publicKey.data]
        let forged = try PostSigning.byRoots(
            .keyDocument(document), author: peer.id, created: 1_767_225_800, roots: [thief])
        try await node.take([peer.genesis])
        try await node.test { client in
            let unknown = try await client.signed(.post, "/w/1/posts/get", by: back, message: Self.ids([peer.id]))
            #expect(try unknown.errorCode() == "bad-signature")
            var batch = WirePostBatch()
            batch.envelopes = [peer.genesis.envelope, update.envelope]
            let known = try await client.signed(.post, "/w/1/posts", by: back, message: batch)
            #expect(try known.message(WirePostResults.self).results.map(\.status) == [.have, .new])
            let get = try await client.signed(.post, "/w/1/posts/get", by: back, message: Self.ids([peer.id]))
            #expect(get.status == .ok)

            // A document that other roots sign vouches for nobody.
            batch.envelopes = [forged.envelope]
            let stolen = Person(id: peer.id, genesis: peer.genesis, device: thief)
            let refused = try await client.signed(.post, "/w/1/posts", by: stolen, message: batch)
            #expect(try refused.errorCode() == "bad-signature")
        }
    }

    // MARK: Bodies

    @Test("bodies are bounded, typed, and decoded within bounds")
    func bodies() async throws {
        let (node, peer) = try await Self.world()
        let model = try await node.publishModel("Alpha")
        try await node.test { client in
            let path = "/w/1/posts/get"
            let type: HTTPFields = [.contentType: "application/x-protobuf"]
            let large = try await client(.post, path, type, body: [UInt8](repeating: 0, count: 1 << 20 + 1))
            #expect(large.status == .contentTooLarge)
            let claimed = try await client(.post, path, [.contentType: "application/x-protobuf", .contentLength: "1"])
            #expect(claimed.status.code >= 400)
            #expect(
                try await client(.post, path, [.contentType: "text/plain"], body: [1]).status == .unsupportedMediaType)
            let many = Self.ids((0..<1001).map { SHA256.hash([UInt8($0 & 255), UInt8($0 >> 8)]) })
            #expect(try await client.signed(.post, path, by: peer, message: many).errorCode() == "too-many-items")
            var short = WirePostIDs()
            short.ids = [Data([1, 2, 3])]
            #expect(try await client.signed(.post, path, by: peer, message: short).errorCode() == "bad-message")

            let coded = try await client.signed(
                .post, path, by: peer, [.acceptEncoding: "gzip, zstd;q=0.9"],
                message: Self.ids([model.model.id, model.release.id, model.picture.id]))
            #expect(coded.headers[.contentEncoding] == "zstd")
            let plain = try #require(Zstd.decompress(coded.bytes, limit: 1 << 20))
            #expect(try WirePostBatch(serializedBytes: plain).envelopes.count == 3)
            let refused = try await client.signed(
                .post, path, by: peer, [.acceptEncoding: "zstd;q=0"], message: Self.ids([model.model.id]))
            #expect(refused.headers[.contentEncoding] == nil)
        }
    }

    @Test("zstd gives back what it took, and no bomb goes off")
    func zstd() throws {
        let bytes = TestNode.bytes("x", count: 100_000) + [UInt8](repeating: 5, count: 100_000)
        let coded = try #require(Zstd.compress(bytes))
        #expect(Zstd.decompress(coded, limit: 200_000) == bytes)
        #expect(Zstd.decompress(coded, limit: 199_999) == nil)
        #expect(Zstd.decompress(Array(coded.dropLast(3)), limit: 1 << 20) == nil)
        #expect(Zstd.decompress([1, 2, 3, 4, 5, 6, 7, 8], limit: 1 << 20) == nil)
        #expect(Zstd.decompress([], limit: 1 << 20)?.isEmpty ?? true)
        let bomb = try #require(Zstd.compress([UInt8](repeating: 0, count: 64 << 20)))
        #expect(bomb.count < 10_000)
        #expect(Zstd.decompress(bomb, limit: 1 << 20) == nil)
        for cut in stride(from: 0, to: coded.count, by: 997) {
            var broken = coded
            broken[cut] ^= 0x55
            _ = Zstd.decompress(broken, limit: 1 << 20)
        }
    }

    // MARK: Posts

    @Test("posts come in the order asked, as many as fit, and none above the ceiling")
    func posts() async throws {
        let (node, peer) = try await Self.world(ceiling: .r)
        let mild = try await node.publishModel("Mild", level: .r)
        let hard = try await node.publishModel("Hard", level: .x)
        let long = try await node.publishModel("Long") { $0.description_p = String(repeating: "word ", count: 9000) }
        try await node.test { client in
            let asked = [
                hard.model.id, mild.release.id, mild.model.id, hard.picture.id, hard.release.id, mild.picture.id,
            ]
            let answer = try await client.signed(.post, "/w/1/posts/get", by: peer, message: Self.ids(asked))
            let expected = [mild.release.envelope, mild.model.envelope, mild.picture.envelope]
            #expect(try answer.message(WirePostBatch.self).envelopes == expected)

            let again = Self.ids(Array(repeating: long.model.id, count: 60))
            let full = try await client.signed(.post, "/w/1/posts/get", by: peer, message: again)
            let envelopes = try full.message(WirePostBatch.self).envelopes
            #expect(full.bytes.count <= 1 << 20)
            #expect((10..<60).contains(envelopes.count))
        }
    }

    @Test("posts sent get a result each, and sending again changes nothing")
    func submit() async throws {
        let (node, peer) = try await Self.world()
        let author = try Person(seed: 20, role: .person)
        var post = WirePost()
        post.created = TestNode.time - 100
        post.profile.name = "Newcomer"
        let profile = try author.signer.sign(post)
        post.created = TestNode.time + 5000
        let future = try author.signer.sign(post)
        var batch = WirePostBatch()
        batch.envelopes = [author.genesis.envelope, profile.envelope, Data([1, 2]), future.envelope]
        try await node.test { [batch] client in
            let first = try await client.signed(.post, "/w/1/posts", by: peer, message: batch)
            let results = try first.message(WirePostResults.self).results
            #expect(results.map(\.status) == [.new, .new, .invalid, .future])
            #expect(!results[2].reason.isEmpty)
            #expect(results[3].retryAfter == 5000 - 900)
            let second = try await client.signed(.post, "/w/1/posts", by: peer, message: batch)
            #expect(
                try second.message(WirePostResults.self).results.map(\.status) == [.have, .have, .invalid, .future])
        }
    }

    @Test("reconciliation over HTTP finds what each side lacks, in every scope")
    func sync() async throws {
        let (node, peer) = try await Self.world()
        let model = try await node.publishModel("Alpha")
        let offered = node.log.offered
        try await node.test { client in
            var scopes: [(WireSyncScope, Int)] = []
            var scope = WireSyncScope()
            scope.all = .init()
            scopes.append((scope, offered.count))
            scope.windowFrom = TestNode.time - 3000
            scopes.append((scope, 3))
            scope.kindGroup = 2
            scopes.append((scope, 3))
            scope.author = node.maker.id.data
            scopes.append((scope, 5))
            for (scope, count) in scopes {
                let empty = ReconciliationIndex([])
                let initiator = try Negentropy(empty)
                var message = WireSyncMessage()
                message.scope = scope
                message.message = Data(initiator.initiate())
                let answer = try await client.signed(.post, "/w/1/sync", by: peer, message: message)
                #expect(answer.status == .ok)
                let step = try initiator.advance([UInt8](answer.message(WireSyncMessage.self).message))
                #expect(step.need.count == count)
                if count == 3 { #expect(Set(step.need) == [model.model.id, model.release.id, model.picture.id]) }
            }
            var message = WireSyncMessage()
            message.scope.all = .init()
            message.message = Data([0xff, 1, 2])
            #expect(
                try await client.signed(.post, "/w/1/sync", by: peer, message: message).errorCode() == "bad-negentropy")
            message.message = Data([0x61])
            message.scope = WireSyncScope()
            #expect(
                try await client.signed(.post, "/w/1/sync", by: peer, message: message).errorCode()
                    == "scope-not-served")
            message.scope.kindGroup = 77
            #expect(
                try await client.signed(.post, "/w/1/sync", by: peer, message: message).errorCode()
                    == "scope-not-served")
        }
    }

    // MARK: Blobs

    @Test("peers learn which blobs are here, up to the ceiling, and how they are cut")
    func blobs() async throws {
        let (node, peer) = try await Self.world(ceiling: .r)
        let mild = try await node.publishModel("Mild", level: .r, bytes: 3_000_000)
        let hard = try await node.publishModel("Hard", level: .xxx)
        let loose = try await node.blobs.add(bytes: Array("unreferenced".utf8)).sha256
        try await node.test { client in
            var asked = WireBlobHashes()
            asked.sha256 = [mild.file, hard.file, loose, SHA256.hash([1]), mild.image].map(\.data)
            let answer = try await client.signed(.post, "/w/1/blobs/have", by: peer, message: asked)
            #expect(try answer.message(WireBlobPresence.self).presence == [.whole, .none, .none, .none, .whole])

            let pieces = try await client.signed(.get, "/w/1/blobs/\(mild.file)/pieces", by: peer)
            let cut = try pieces.message(WireBlobPieces.self)
            let layer = cut.units.compactMap { Hash32($0) }
            #expect(cut.size == 3_000_000 && layer.count == 3 && cut.have.isEmpty)
            #expect(MerkleTree.root(layer: layer, size: cut.size)?.data == cut.piecesRoot)
            #expect(pieces.headers[HTTPField.Name("Waggle-Units")!] == "all")
            #expect(try await client.signed(.get, "/w/1/blobs/\(hard.file)/pieces", by: peer).status == .notFound)
            #expect(try await client(.get, "/w/1/blobs/\(mild.file)/pieces").status == .unauthorized)
        }
    }

    @Test("small blobs come many at a time, in the order asked, and only those that the caller may have")
    func smallBlobs() async throws {
        let (node, peer) = try await Self.world(ceiling: .r)
        let mild = try await node.publishModel("Mild", level: .r)
        let hard = try await node.publishModel("Hard", level: .xxx)
        let large = try await node.publishModel("Large", bytes: 3_000_000)
        let loose = try await node.blobs.add(bytes: Array("unreferenced".utf8)).sha256
        try await node.test { client in
            var asked = WireBlobHashes()
            asked.sha256 = [mild.image, hard.file, loose, SHA256.hash([1]), large.file, mild.file].map(\.data)
            let answer = try await client.signed(.post, "/w/1/blobs/get", by: peer, message: asked)
            let blobs = try answer.message(WireBlobBatch.self).blobs
            #expect(
                blobs.map { SHA256.hash($0) == mild.image || SHA256.hash($0) == mild.file } == [
                    true, false, false, false, false, true,
                ])
            #expect(blobs.map(\.isEmpty) == [false, true, true, true, true, false])
            asked.sha256 = (0...Limits.Wire.blobsPerGet).map { _ in mild.image.data }
            let tooMany = try await client.signed(.post, "/w/1/blobs/get", by: peer, message: asked)
            #expect(tooMany.status.code >= 400)
            asked.sha256 = [mild.image.data]
            let bytes: [UInt8] = try asked.serializedBytes()
            let unsigned = try await client(
                .post, "/w/1/blobs/get", [.contentType: "application/x-protobuf"], body: bytes)
            #expect(unsigned.status == .unauthorized)
        }
    }

    @Test("a reply with small blobs stays below a MiB; what did not fit is asked for again")
    func smallBlobsFit() async throws {
        let (node, peer) = try await Self.world()
        var asked = WireBlobHashes()
        for number in 0..<20 {
            let bytes = TestNode.bytes("small \(number)", count: 60 << 10)
            let facts = try await node.blobs.add(bytes: bytes)
            _ = try await node.publishModel("Small \(number)") { _ in
            } changeRelease: { release in
                release.files[0].sha256 = facts.sha256.data
                release.files[0].piecesRoot = facts.piecesRoot.data
                release.files[0].size = facts.size
            }
            asked.sha256.append(facts.sha256.data)
        }
        let message = asked
        try await node.test { client in
            let answer = try await client.signed(.post, "/w/1/blobs/get", by: peer, message: message)
            #expect(answer.bytes.count <= Limits.Wire.bodyBytes)
            let blobs = try answer.message(WireBlobBatch.self).blobs
            #expect(blobs.count == 20 && blobs.prefix(15).allSatisfy { !$0.isEmpty } && blobs.contains { $0.isEmpty })
        }
    }

    @Test("a blob under way serves the units that are here, to peers")
    func partial() async throws {
        let (node, peer) = try await Self.world()
        let bytes = TestNode.bytes("partial", count: 3_500_000)
        let digests = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
        let partial = try await node.blobs.beginPartial(
            sha256: digests.sha256, size: digests.size, piecesRoot: digests.piecesRoot, layer: digests.layer)
        let unit = 1 << 20
        try await partial.write(unit: 0, bytes: bytes[..<unit])
        try await partial.write(unit: 2, bytes: bytes[(2 * unit)..<(3 * unit)])
        _ = try await node.publishModel("Alpha") { _ in
        } changeRelease: { release in
            release.files[0].sha256 = digests.sha256.data
            release.files[0].piecesRoot = digests.piecesRoot.data
            release.files[0].size = digests.size
        }
        try await node.test { client in
            var asked = WireBlobHashes()
            asked.sha256 = [digests.sha256.data]
            let have = try await client.signed(.post, "/w/1/blobs/have", by: peer, message: asked)
            #expect(try have.message(WireBlobPresence.self).presence == [.partial])
            let path = "/w/1/blobs/\(digests.sha256)/pieces"
            let pieces = try await client.signed(.get, path, by: peer)
            #expect(try pieces.message(WireBlobPieces.self).have == Data([0b101]))
            let head = try await client.signed(.head, path, by: peer)
            #expect(head.headers[HTTPField.Name("Waggle-Units")!] == "0,2")

            let blob = "/blobs/\(digests.sha256)"
            let range = (2 * unit + 5)..<(3 * unit)
            let part = try await client.signed(
                .get, blob, by: peer, [.range: "bytes=\(range.lowerBound)-\(range.upperBound - 1)"])
            #expect(part.status == .partialContent)
            #expect(part.bytes == Array(bytes[range]))
            #expect(part.headers[.contentRange] == "bytes \(range.lowerBound)-\(range.upperBound - 1)/3500000")
            let missing = try await client.signed(.get, blob, by: peer, [.range: "bytes=0-\(unit)"])
            #expect(missing.status == .notFound)
            #expect(try await client(.get, blob, [.range: "bytes=0-9"]).status == .notFound)
        }
    }
}

/// A place for a value that a closure gives away.
final class Mutable<Value>: @unchecked Sendable {
    // Written and read by one test task, one after the other.
    var value: Value?
}

extension Person {
    /// The name of one node with the key of another.
    init(stealing other: Person, device: SigningKey) {
        self.init(id: other.id, genesis: other.genesis, device: device)
    }
}

@Suite("Request bodies")
struct BodyTests {
    @Test("a body that does not arrive is given up after a minute")
    func slow() async throws {
        let clock = ManualClock()
        let (chunks, _) = AsyncStream<ByteBuffer>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: GatewayError.bodyTooSlow) {
                    _ = try await WireBody.collect(RequestBody(asyncSequence: chunks), limit: 100, clock: clock)
                }
            }
            await clock.waitForSleepers(1)
            clock.advance(by: .seconds(Limits.Gateway.bodySeconds))
            try await group.waitForAll()
        }
    }

    @Test("a body that is here already is read without a look at the clock")
    func present() async throws {
        let (chunks, source) = AsyncStream<ByteBuffer>.makeStream()
        source.yield(ByteBuffer(string: "all "))
        source.yield(ByteBuffer(string: "of it"))
        source.finish()
        let clock = ManualClock()
        let body = try await WireBody.collect(RequestBody(asyncSequence: chunks), limit: 100, clock: clock)
        #expect(body == Array("all of it".utf8))
        #expect(clock.sleeps == 0)
    }

    @Test("a body longer than it said is cut at the limit")
    func lying() async throws {
        let (chunks, source) = AsyncStream<ByteBuffer>.makeStream()
        for _ in 0..<11 { source.yield(ByteBuffer(repeating: 1, count: 10)) }
        source.finish()
        await #expect(throws: GatewayError.bodyTooLarge(limit: 100)) {
            _ = try await WireBody.collect(RequestBody(asyncSequence: chunks), limit: 100, clock: ManualClock())
        }
    }
}
