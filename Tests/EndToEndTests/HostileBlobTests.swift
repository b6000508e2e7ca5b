import Digests
import Foundation
import SwiftProtobuf
import Synchronization
import Testing
import WaggleProtocol

/// What a source of bytes can do wrong.
enum Lie: String, CaseIterable, Sendable {
    case otherBytes = "sends other bytes"
    case otherPieces = "gives unit hashes of another blob"
    case tooMuch = "sends 10 GB as the whole"
    case tooMuchAsPart = "sends 10 GB as the part asked for"
    case tooLittle = "breaks off"
    case redirect = "redirects to loopback"
    case denies = "has it and then has not"
    case garbage = "does not speak HTTP"
}

@Suite("Peers that lie, stall and flood", .nodes, .logsOnFailure)
struct HostileBlobTests {
    /// A release on a real node, and a fake peer that passes its posts on and answers for its bytes.
    private struct Scene {
        let honest: TestNode
        let liar: FakeNode
        let reader: TestNode
        let release: String
        let bytes: [UInt8]
        /// Where `get` puts files.
        let folder: String

        /// A reader that knows the release from the liar alone.
        ///
        /// - Parameter answer: the liar's answers to calls about the bytes, which it is given; false for a polite one.
        init(_ bytes: [UInt8], answer: @escaping @Sendable (FakeNode.Call, Connection, [UInt8]) -> Bool) async throws {
            let world = try World.current
            self.bytes = bytes
            honest = try await world.node("honest")
            let published = try await honest.publish(world.write(bytes, as: "x.bin"), "x")
            release = published.release
            let path = world.path("x.waggle")
            try await honest.ok("export", release, "--format", "waggle", "-o", path)
            let bundle = try WireReleaseBundle(serializedBytes: Data(contentsOf: URL(filePath: path)))

            liar = try FakeNode(world) { call, connection in answer(call, connection, bytes) }
            try liar.have(bundle.keyChain + [bundle.model, bundle.release])
            liar.claim(bytes.withUnsafeBytes { FileHasher.digests(of: $0) })
            reader = try await world.node("reader")
            try await reader.ok("peer", "add", liar.url, "--yes")
            let (reader, release) = (reader, release)
            try await eventually("the reader knows the release") { try await reader.run("show", release).exit == 0 }
            folder = world.path("out") + "/"
        }

        func get() async throws -> CommandResult {
            try await reader.run("get", release, "-o", folder, "--json")
        }

        /// Nothing of the file is on the reader, and the reader is well.
        func nothingWasStored() async throws {
            let hash = SHA256.hash(Data(bytes)).hex
            #expect(reader.isRunning)
            #expect(try await reader.get("/blobs/\(hash)").status == 404)
            #expect(try await reader.json(NodeStatus.self, "status").blobs == 0)
            #expect((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] == [])
        }

        /// With an honest source beside the liar the file comes.
        func completes(within seconds: Double = 60) async throws {
            try await reader.ok("peer", "add", honest.url, "--yes")
            let clock = ContinuousClock()
            let began = clock.now
            let result = try await get()
            #expect(result.exit == 0, "\(result)")
            #expect(clock.now - began < .seconds(seconds))
            let hash = SHA256.hash(Data(bytes)).hex
            #expect(try await reader.get("/blobs/\(hash)").body == bytes)
            #expect(reader.isRunning)
        }
    }

    @Test(
        "a source that lies is named and nothing of it is kept; an honest source completes the file",
        arguments: Lie.allCases)
    func lies(_ lie: Lie) async throws {
        // Nobody may be led here.
        let visits = Mutex(0)
        let victim = try Listener { _ in visits.withLock { $0 += 1 } }
        try World.current.atEnd { victim.stop() }
        let flood = Flood()
        let victimPort = victim.port
        let scene = try await Scene(Samples.lora(mebibytes: 3, seed: 31)) { call, connection, bytes in
            Self.tell(lie, call, connection, bytes, victimPort, flood)
        }
        let alone = try await scene.get()
        #expect(alone.exit == 4, "\(alone)")
        #expect(alone.errors.contains(scene.liar.url), "the liar is named: \(alone)")
        try await scene.nothingWasStored()
        #expect(flood.sent < 64 << 20, "\(flood.sent) bytes were taken of a flood")
        try await scene.completes()
        #expect(visits.withLock { $0 } == 0, "a redirect was followed")
    }

    @Test(
        "a blob that is a row is guarded as one that is a file",
        arguments: [Lie.otherBytes, .tooMuch, .tooLittle, .redirect])
    func liesAboutSmall(_ lie: Lie) async throws {
        let flood = Flood()
        var random = SeededBytes(40)
        let scene = try await Scene(random.bytes(40 << 10)) { call, connection, bytes in
            Self.tell(lie, call, connection, bytes, 9, flood)
        }
        let alone = try await scene.get()
        #expect(alone.exit == 4, "\(alone)")
        #expect(alone.errors.contains(scene.liar.url), "\(alone)")
        try await scene.nothingWasStored()
        #expect(flood.sent < 64 << 20)
        try await scene.completes()
    }

    /// Counts what a flood got rid of before it was cut; most of it lies in the buffers of the two sockets.
    private final class Flood: Sendable {
        private let count = Mutex(0)
        var sent: Int { count.withLock { $0 } }
        func add(_ bytes: Int) { count.withLock { $0 += bytes } }
    }

    /// True when the call was answered here.
    private static func tell(
        _ lie: Lie, _ call: FakeNode.Call, _ connection: Connection, _ bytes: [UInt8], _ victim: UInt16, _ flood: Flood
    ) -> Bool {
        if lie == .otherPieces, call.path.hasSuffix("/pieces") {
            var pieces = WireBlobPieces()
            let facts = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
            pieces.size = facts.size
            pieces.piecesRoot = facts.piecesRoot.data
            pieces.units = facts.layer.map { SHA256.hash($0.data).data }
            let body: [UInt8] = (try? pieces.serializedBytes()) ?? []
            return connection.write(FakeNode.reply("200 OK", body))
        }
        guard call.path.hasPrefix("/blobs/"), let range = call.range else { return false }
        let field = "Content-Range: bytes \(range.lowerBound)-\(range.upperBound)/\(bytes.count)\r\n"
        var part = Array(bytes[range.clamped(to: 0...bytes.count - 1)])
        switch lie {
        case .otherPieces: connection.write(FakeNode.reply("206 Partial Content", part, field))
        case .otherBytes:
            part[part.count / 2] ^= 1
            connection.write(FakeNode.reply("206 Partial Content", part, field))
        case .tooMuch, .tooMuchAsPart:
            let status = lie == .tooMuch ? "200 OK" : "206 Partial Content"
            connection.write("HTTP/1.1 \(status)\r\nContent-Length: 10000000000\r\n\(field)\r\n")
            let block = [UInt8](repeating: 0, count: 1 << 20)
            while flood.sent < 1 << 30, connection.write(block) { flood.add(block.count) }
        case .tooLittle:
            connection.write("HTTP/1.1 206 Partial Content\r\nContent-Length: \(part.count)\r\n\(field)\r\n")
            connection.write(part.prefix(part.count / 3))
        case .redirect:
            connection.write(
                FakeNode.reply("302 Found", [], "Location: http://127.0.0.1:\(victim)\(call.path)\r\n"))
        case .denies: connection.write(FakeNode.reply("404 Not Found", []))
        case .garbage: connection.write("\u{0}\u{1}SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n")
        }
        connection.endWriting()
        return true
    }

    /// Where a source stands still.
    enum Stall: String, CaseIterable, Sendable {
        case asked = "asked whether it has the file"
        case pieces = "asked for the unit hashes"
        case silent = "asked for bytes"
        case drips = "sends a byte now and then"
    }

    @Test("a source that stalls does not hold up a file that an honest source has", arguments: Stall.allCases)
    func stalls(_ stall: Stall) async throws {
        let end = World.Flag()
        try World.current.atEnd { end.raise() }
        let scene = try await Scene(Samples.lora(mebibytes: 12, seed: 12)) { call, connection, bytes in
            switch stall {
            case .asked where call.path == "/w/1/blobs/have", .pieces where call.path.hasSuffix("/pieces"):
                _ = end.isRaised(within: 60)
            case .silent where call.path.hasPrefix("/blobs/"), .drips where call.path.hasPrefix("/blobs/"):
                Self.stall(call, connection, bytes, drips: stall == .drips, until: end)
            default: return false
            }
            return true
        }
        try await scene.completes(within: 20)
    }

    @Test("a source that drips is given up by itself")
    func givesUp() async throws {
        let end = World.Flag()
        try World.current.atEnd { end.raise() }
        let scene = try await Scene(Samples.lora(mebibytes: 2, seed: 2)) { call, connection, bytes in
            guard call.path.hasPrefix("/blobs/") else { return false }
            Self.stall(call, connection, bytes, drips: true, until: end)
            return true
        }
        let result = try await scene.get()
        #expect(result.exit == 4, "\(result)")
        #expect(result.errors.contains(scene.liar.url), "\(result)")
        try await scene.nothingWasStored()
    }

    /// A reply that is honest and never gets anywhere: a byte now and then, or none.
    private static func stall(
        _ call: FakeNode.Call, _ connection: Connection, _ bytes: [UInt8], drips: Bool, until end: World.Flag
    ) {
        guard let range = call.range else { return connection.cut() }
        connection.write(
            "HTTP/1.1 206 Partial Content\r\nContent-Length: \(range.count)\r\n"
                + "Content-Range: bytes \(range.lowerBound)-\(range.upperBound)/\(bytes.count)\r\n\r\n")
        for byte in bytes[range] where !end.isRaised(within: 0.2) {
            guard !drips || connection.write([byte]) else { return }
        }
    }

    @Test("a source that was wrong about one unit is left for this file, and the rest comes from the other")
    func oneBadUnit() async throws {
        let scene = try await Scene(Samples.lora(mebibytes: 20, seed: 20)) { call, connection, bytes in
            guard call.path.hasPrefix("/blobs/"), let range = call.range else { return false }
            var part = Array(bytes[range])
            if range.contains(5 << 20) { part[5 << 20 - range.lowerBound] ^= 0x80 }
            let field = "Content-Range: bytes \(range.lowerBound)-\(range.upperBound)/\(bytes.count)\r\n"
            connection.write(FakeNode.reply("206 Partial Content", part, field))
            connection.endWriting()
            return true
        }
        let alone = try await scene.get()
        #expect(alone.exit == 4, "\(alone)")
        #expect(alone.errors.contains("MiB 5"), "\(alone)")
        let before = scene.liar.calls("/blobs/").count
        try await scene.completes()
        // Good units were kept: the file did not begin anew.
        let asked = scene.liar.calls("/blobs/").dropFirst(before).compactMap(\.range)
        #expect(!asked.contains { $0.contains(0) }, "\(asked)")
    }
}

extension World {
    /// Something that happens once, and that threads may wait for.
    final class Flag: Sendable {
        private let condition = NSCondition()
        private let state = Mutex(false)

        func raise() {
            condition.lock()
            state.withLock { $0 = true }
            condition.broadcast()
            condition.unlock()
        }

        /// Waits so many seconds for it.
        func isRaised(within seconds: Double) -> Bool {
            condition.lock()
            defer { condition.unlock() }
            if !state.withLock({ $0 }) { _ = condition.wait(until: Date(timeIntervalSinceNow: seconds)) }
            return state.withLock { $0 }
        }
    }
}
