import BlobStore
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Uploads of nodes that cannot be dialled")
struct UploadTests {
    private static let size = 3 << 20 + 7

    private struct World {
        let node: TestNode
        let peer: Person
        let hash: Hash32
        let bytes: [UInt8]
        let digests: FileDigests

        var path: String { "/w/1/blobs/\(hash)" }

        func pieces(_ change: (inout WireBlobPieces) -> Void = { _ in }) -> WireBlobPieces {
            var pieces = WireBlobPieces()
            pieces.size = digests.size
            pieces.piecesRoot = digests.piecesRoot.data
            pieces.units = digests.layer.map(\.data)
            change(&pieces)
            return pieces
        }

        func range(_ range: Range<Int>) -> HTTPFields {
            [
                .contentRange: "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(bytes.count)",
                .contentType: "application/octet-stream",
            ]
        }
    }

    /// A node that lists a file which it does not hold.
    private static func world(quota: UInt64 = 100 << 20, level: Level = .pg) async throws -> World {
        let node = try await TestNode.make(ceiling: .r) { $0.uploadBytesPerPeer = quota }
        let peer = try Person(seed: 9, role: .node)
        try await node.take([peer.genesis])
        let bytes = TestNode.bytes("upload", count: size)
        let digests = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
        _ = try await node.publishModel("Alpha", level: level) { _ in
        } changeRelease: { release in
            release.files[0].sha256 = digests.sha256.data
            release.files[0].piecesRoot = digests.piecesRoot.data
            release.files[0].size = digests.size
        }
        return World(node: node, peer: peer, hash: digests.sha256, bytes: bytes, digests: digests)
    }

    private static let units = HTTPField.Name("Waggle-Units")!

    @Test("the list of a checkpoint is taken whole where nothing else is, when a checkpoint here names it")
    func list() async throws {
        let node = try await TestNode.make()
        let peer = try Person(seed: 9, role: .node)
        try await node.take([peer.genesis])
        let ids = SHA256.hash([1]).bytes + SHA256.hash([2]).bytes
        let large = [UInt8](repeating: 7, count: Limits.Checkpoint.strangerBytes + 32)
        let fields: HTTPFields = [.contentType: "application/octet-stream"]
        let path = "/w/1/blobs/\(SHA256.hash(ids).hex)"
        let posts = try [ids, large].map { list in
            var body = WireCheckpoint()
            body.device = node.maker.device.publicKey.data
            body.blob = SHA256.hash(list).data
            return try PostSigning.byRoots(
                .checkpoint(body), author: node.maker.id, created: 1_767_225_700, roots: [Person.key(2, 1)])
        }
        try await node.test { client in
            let early = try await client.signed(.put, path, by: peer, fields, content: ids)
            #expect(early.status == .notFound)
            try await node.take(posts)
            let wrong = try await client.signed(.put, path, by: peer, fields, content: ids + ids)
            #expect(try wrong.errorCode() == "other-blob")
            let done = try await client.signed(.put, path, by: peer, fields, content: ids)
            #expect(done.status == .created)
            #expect(try await node.blobs.presence([SHA256.hash(ids)]) == [.whole])
            let again = try await client.signed(.put, path, by: peer, fields, content: ids)
            #expect(again.status == .ok)
            // A stranger's list has its bound.
            let largePath = "/w/1/blobs/\(SHA256.hash(large).hex)"
            let refused = try await client.signed(.put, largePath, by: peer, fields, content: large)
            #expect(refused.status == .contentTooLarge)
        }
    }

    @Test("unit by unit, in any order, over a break: then it is whole, durable and served")
    func whole() async throws {
        let world = try await Self.world()
        try await world.node.test { client in
            let early = try await client.signed(
                .put, world.path, by: world.peer, world.range(0..<1 << 20), content: Array(world.bytes[..<(1 << 20)]))
            #expect(early.status == .conflict)
            #expect(try early.errorCode() == "not-begun")

            let begun = try await client.signed(.put, world.path, by: world.peer, message: world.pieces())
            #expect(begun.status == .ok)
            #expect(begun.headers[Self.units] == "none")
            let last = 3 << 20..<Self.size
            let some = try await client.signed(
                .put, world.path, by: world.peer, world.range(last), content: Array(world.bytes[last]))
            #expect(some.status == .accepted)
            #expect(some.headers[Self.units] == "3")

            let again = try await client.signed(.put, world.path, by: world.peer, message: world.pieces())
            #expect(again.headers[Self.units] == "3")
            #expect(try again.message(WireBlobPieces.self).have == Data([0b1000]))
            let rest = 0..<3 << 20
            let done = try await client.signed(
                .put, world.path, by: world.peer, world.range(rest), content: Array(world.bytes[rest]))
            #expect(done.status == .created)
            #expect(try await client(.get, "/blobs/\(world.hash)").bytes == world.bytes)
            let known = try await client.signed(.put, world.path, by: world.peer, message: world.pieces())
            #expect(known.headers[Self.units] == "all")
        }
    }

    @Test("an upload that broke off before its last step ends when it is begun again")
    func lastStep() async throws {
        let world = try await Self.world()
        let partial = try await world.node.blobs.beginPartial(
            sha256: world.hash, size: world.digests.size, piecesRoot: world.digests.piecesRoot,
            layer: world.digests.layer)
        for unit in 0..<4 {
            let start = unit << 20
            try await partial.write(unit: unit, bytes: world.bytes[start..<min(start + 1 << 20, Self.size)])
        }
        try await world.node.test { client in
            let begun = try await client.signed(.put, world.path, by: world.peer, message: world.pieces())
            #expect(begun.headers[Self.units] == "all")
            #expect(try await client(.get, "/blobs/\(world.hash)").bytes == world.bytes)
        }
    }

    @Test("wrong bytes, hashes, ranges and digests are refused and leave nothing")
    func wrong() async throws {
        let world = try await Self.world()
        try await world.node.test { client in
            let other = try await client.signed(
                .put, world.path, by: world.peer, message: world.pieces { $0.size += 1 })
            #expect(try other.errorCode() == "other-blob")
            let shuffled = try await client.signed(
                .put, world.path, by: world.peer, message: world.pieces { $0.units.swapAt(0, 1) })
            #expect(try shuffled.errorCode() == "bad-units")
            #expect(try await client.signed(.put, world.path, by: world.peer, message: world.pieces()).status == .ok)
            var bytes = Array(world.bytes[..<(2 << 20)])
            bytes[1 << 20] ^= 1
            let bad = try await client.signed(
                .put, world.path, by: world.peer, world.range(0..<2 << 20), content: bytes)
            #expect(bad.status == .badRequest)
            #expect(try bad.errorCode() == "bad-unit")
            let begun = try await client.signed(.put, world.path, by: world.peer, message: world.pieces())
            #expect(begun.headers[Self.units] == "0", "the good unit before it stays")

            for range in ["bytes 5-9/\(Self.size)", "bytes 0-1048575/5", "bytes 0-9/*", "bytes=0-1048575", "x"] {
                var fields = world.range(0..<1)
                fields[.contentRange] = range
                let answer = try await client.signed(.put, world.path, by: world.peer, fields, content: [1])
                #expect(try answer.errorCode() == "bad-range", "\(range)")
            }
            let short = try await client.signed(
                .put, world.path, by: world.peer, world.range(0..<1 << 20), content: [1, 2, 3])
            #expect(try short.errorCode() == "bad-range")
            let changed = try await client.signed(
                .put, world.path, by: world.peer, world.range(0..<1 << 20), content: Array(world.bytes[..<(1 << 20)]),
                sent: [UInt8](repeating: 0, count: 1 << 20))
            #expect(changed.status == .unauthorized || changed.status == .badRequest)
            let unsigned = try await client(.put, world.path, world.range(0..<1 << 20), body: [1])
            #expect(unsigned.status == .unauthorized)
        }
    }

    @Test("nothing is taken where it is off, nor what no post shows to peers")
    func refused() async throws {
        let off = try await Self.world(quota: 0)
        try await off.node.test { client in
            let answer = try await client.signed(.put, off.path, by: off.peer, message: off.pieces())
            #expect(answer.status == .forbidden)
            #expect(try answer.errorCode() == "no-uploads")
        }
        let hidden = try await Self.world(level: .xxx)
        try await hidden.node.test { client in
            let above = try await client.signed(.put, hidden.path, by: hidden.peer, message: hidden.pieces())
            #expect(above.status == .notFound)
            let unknown = "/w/1/blobs/\(SHA256.hash([7]))"
            #expect(
                try await client.signed(.put, unknown, by: hidden.peer, message: hidden.pieces()).status == .notFound)
        }
    }

    @Test("a peer's share of a day is counted by whole blobs, once each, and comes back")
    func quota() throws {
        var quota = UploadQuota(bytes: 100)
        let (peer, other) = (SHA256.hash([1]), SHA256.hash([2]))
        let blobs = (0..<4).map { SHA256.hash([9, $0]) }
        try quota.admit(blobs[0], size: 60, from: peer, now: 1000)
        try quota.admit(blobs[0], size: 60, from: peer, now: 1500)
        #expect(throws: GatewayError.tooManyRequests(retryAfter: 86_400 - 1000)) {
            try quota.admit(blobs[1], size: 50, from: peer, now: 2000)
        }
        try quota.admit(blobs[1], size: 50, from: other, now: 2000)
        try quota.admit(blobs[2], size: 40, from: peer, now: 2000)
        #expect(throws: GatewayError.bodyTooLarge(limit: 100)) {
            try quota.admit(blobs[3], size: 101, from: peer, now: 2000)
        }
        try quota.admit(blobs[3], size: 60, from: peer, now: 1000 + 86_400)
    }
}
