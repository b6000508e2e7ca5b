import Digests
import Foundation
import Identity
import SwiftProtobuf
import Testing
import WaggleProtocol

/// What a holder can answer to a request for many files that brings none of them.
enum FruitlessBatch: String, CaseIterable, Sendable {
    case unknown = "does not know the request"
    case nothing = "gives nothing"
    case tooFew = "gives fewer than were asked for"
    case tooMany = "gives more than were asked for"
    case tooLong = "gives 2 MiB"
    case garbage = "gives what is no message"
    case wrong = "gives other bytes"
}

@Suite("Many small files", .nodes, .logsOnFailure)
struct SmallFilesTests {
    /// Small files that posts of one person show, and what holders answer about them.
    private struct Shown: Sendable {
        let facts: [FileDigests]
        let posts: [Data]
        private let files: [Hash32: [UInt8]]

        init(_ count: Int, bytes size: Int) throws {
            var random = SeededBytes(77)
            let files = (0..<count).map { _ in random.bytes(size) }
            let facts = files.map { $0.withUnsafeBytes { FileHasher.digests(of: $0) } }
            self.files = Dictionary(uniqueKeysWithValues: zip(facts.map(\.sha256), files))
            self.facts = facts
            let person = try Persona(.person)
            posts =
                try person.documents
                + stride(from: 0, to: count, by: Limits.Post.images).map { start in
                    try person.post { post in
                        post.imagePost.images = facts[start..<min(start + Limits.Post.images, count)].map(Self.image)
                    }
                }
        }

        private static func image(_ facts: FileDigests) -> WireImage {
            var image = WireImage()
            image.blob = facts.sha256.data
            image.piecesRoot = facts.piecesRoot.data
            image.size = facts.size
            image.mediaType = "image/png"
            (image.width, image.height) = (64, 64)
            image.level = 1
            return image
        }

        /// A node that has the posts, says that it has the files, and answers the calls for their bytes as `answer` does.
        func holder(_ answer: @escaping FakeNode.Answer) throws -> FakeNode {
            let holder = try FakeNode(World.current, answer: answer)
            try holder.have(posts)
            for facts in facts { holder.claim(facts) }
            return holder
        }

        /// The files that a call for many asks for, in its order; none for another call.
        func batch(_ call: FakeNode.Call) -> [Data] {
            guard call.path == SmallFilesTests.many else { return [] }
            return Self.asked(call).map { hash in files[hash].map { Data($0) } ?? Data() }
        }

        static func asked(_ call: FakeNode.Call) -> [Hash32] {
            ((try? WireBlobHashes(serializedBytes: call.body))?.sha256 ?? []).compactMap { Hash32($0) }
        }

        /// Answers with these files; true for a call for many.
        static func give(_ blobs: [Data], to call: FakeNode.Call, _ connection: Connection) -> Bool {
            guard call.path == SmallFilesTests.many else { return false }
            var batch = WireBlobBatch()
            batch.blobs = blobs
            let body: [UInt8] = (try? batch.serializedBytes()) ?? []
            connection.write(FakeNode.reply("200 OK", body))
            connection.endWriting()
            return true
        }

        /// Answers a call for one file; true when it was one.
        func giveOne(_ call: FakeNode.Call, _ connection: Connection) -> Bool {
            guard call.path.hasPrefix(SmallFilesTests.one), let range = call.range,
                let hash = Hash32(hex: call.path.dropFirst(SmallFilesTests.one.count)), let bytes = files[hash],
                range.upperBound < bytes.count
            else { return false }
            let field = "Content-Range: bytes \(range.lowerBound)-\(range.upperBound)/\(bytes.count)\r\n"
            connection.write(FakeNode.reply("206 Partial Content", Array(bytes[range]), field))
            connection.endWriting()
            return true
        }

        /// A node that knows all posts, from these peers.
        func reader(_ holders: FakeNode...) async throws -> TestNode {
            let reader = try await World.current.node("reader")
            for holder in holders { try await reader.ok("peer", "add", holder.url, "--yes") }
            try await eventually("the reader knows the pictures") {
                try await reader.json(NodeStatus.self, "status").images == facts.count
            }
            return reader
        }

        /// Returns when the reader has every file, byte for byte.
        func areAt(_ reader: TestNode) async throws {
            try await eventually("the reader has the files") {
                try await reader.json(NodeStatus.self, "status").blobs == facts.count
            }
            for (hash, bytes) in files { #expect(try await reader.get("/blobs/\(hash)").body == bytes, "\(hash)") }
        }
    }

    /// The calls for the bytes of many files, and for those of one.
    fileprivate static let (many, one) = ("/w/1/blobs/get", "/blobs/")

    @Test("come in one request, and are there after kill -9")
    func together() async throws {
        let shown = try Shown(60, bytes: 2000)
        let holder = try shown.holder { call, connection in Shown.give(shown.batch(call), to: call, connection) }
        let reader = try await shown.reader(holder)
        try await reader.ok("mirror", "add", "--all")
        try await eventually("the reader has the files") {
            try await reader.json(NodeStatus.self, "status").blobs == shown.facts.count
        }
        await reader.kill()
        try await reader.restart()
        try await shown.areAt(reader)
        #expect(holder.calls(Self.many).map { Shown.asked($0).count } == [60])
        #expect(holder.calls(Self.one).isEmpty)
    }

    @Test("one wrong file names its sender; the sender's others come from somebody else, in one request too")
    func oneWrong() async throws {
        let shown = try Shown(60, bytes: 2000)
        let liar = try shown.holder { call, connection in
            var blobs = shown.batch(call)
            if !blobs.isEmpty { blobs[blobs.count / 2] = Data(blobs[blobs.count / 2].reversed()) }
            return Shown.give(blobs, to: call, connection)
        }
        let honest = try shown.holder { call, connection in Shown.give(shown.batch(call), to: call, connection) }
        let reader = try await shown.reader(liar, honest)
        try await reader.ok("mirror", "add", "--all")
        try await shown.areAt(reader)
        let lies = liar.calls(Self.many).map(Shown.asked)
        let wrong = try #require(lies.first.map { $0[$0.count / 2] })
        #expect(honest.calls(Self.many).contains { Shown.asked($0).contains(wrong) })
        #expect(lies.count == 1 && liar.calls(Self.one).isEmpty && honest.calls(Self.one).isEmpty)
        #expect(
            reader.log.split(separator: "\n").contains {
                $0.contains("a source sent a wrong blob") && $0.contains(liar.url)
            })
    }

    @Test("a second wrong file costs its sender all further requests")
    func twoWrong() async throws {
        // More than one request may bring.
        let shown = try Shown(40, bytes: 30 << 10)
        let liar = try shown.holder { call, connection in
            Shown.give(shown.batch(call).map { Data($0.reversed()) }, to: call, connection)
        }
        let reader = try await shown.reader(liar)
        try await reader.ok("mirror", "add", "--all")
        await liar.called(Self.many)
        // Waits for the pass that the rule began.
        _ = try await reader.run("mirror", "run")
        #expect(try await reader.json(NodeStatus.self, "status").blobs == 0)
        #expect(liar.calls(Self.many).count == 2)
        let single = liar.calls(Self.one).count
        let honest = try shown.holder { call, connection in Shown.give(shown.batch(call), to: call, connection) }
        try await reader.ok("peer", "add", honest.url, "--yes")
        _ = try await reader.run("mirror", "run")
        try await shown.areAt(reader)
        #expect(liar.calls(Self.many).count == 2 && liar.calls(Self.one).count == single)
    }

    @Test("come one by one from a holder whose answer for many is of no use", arguments: FruitlessBatch.allCases)
    func oneByOne(_ answer: FruitlessBatch) async throws {
        let shown = try Shown(8, bytes: 3000)
        let holder = try shown.holder { call, connection in
            guard call.path == Self.many else { return shown.giveOne(call, connection) }
            let blobs = shown.batch(call)
            switch answer {
            case .unknown: connection.write(FakeNode.reply("404 Not Found", []))
            case .garbage: connection.write(FakeNode.reply("200 OK", [0xff, 0xff, 0xff]))
            case .nothing: return Shown.give(blobs.map { _ in Data() }, to: call, connection)
            case .tooFew: return Shown.give(Array(blobs.dropLast()), to: call, connection)
            case .tooMany: return Shown.give(blobs + [Data([1])], to: call, connection)
            case .tooLong: return Shown.give(blobs.map { $0 + Data(count: 256 << 10) }, to: call, connection)
            case .wrong: return Shown.give(blobs.map { Data($0.reversed()) }, to: call, connection)
            }
            connection.endWriting()
            return true
        }
        let reader = try await shown.reader(holder)
        try await reader.ok("mirror", "add", "--all")
        try await shown.areAt(reader)
        #expect(holder.calls(Self.many).count == 1)
        #expect(holder.calls(Self.one).count == 8)
    }
}
