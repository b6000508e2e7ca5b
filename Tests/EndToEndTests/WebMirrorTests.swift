import Digests
import Foundation
import SwiftProtobuf
import Synchronization
import Testing
import WaggleProtocol

@Suite("Files on plain web servers", .nodes, .logsOnFailure)
struct WebMirrorTests {
    enum Server: CaseIterable, Sendable {
        case ranges
        /// Sends the whole file, whatever is asked for.
        case wholeOnly
        /// Breaks the first connection in the middle.
        case breaks
    }

    /// A release whose signed mirror is a web server at the address of a fake peer, which gives the posts and not the bytes.
    private struct Scene {
        let fake: FakeNode
        let reader: TestNode
        let release: String
        let bytes: [UInt8]
        let folder: String

        init(
            mebibytes: Int, claims: Bool, serve: @escaping @Sendable (FakeNode.Call, Connection, [UInt8]) -> Void
        ) async throws {
            let world = try World.current
            let bytes = try Samples.lora(mebibytes: mebibytes, seed: 71)
            self.bytes = bytes
            fake = try FakeNode(world) { call, connection in
                guard call.path.hasPrefix("/files/") else { return false }
                serve(call, connection, bytes)
                return true
            }
            let maker = try await world.node("maker")
            let file = try world.write(bytes, as: "x.safetensors")
            let result = try await maker.run(
                "publish", file, "--model", "@me/x", "--version", "1.0", "--type", "LORA", "--base", "SDXL 1.0",
                "--real-person", "no", "--yes", "--json", "--mirror", fake.url + "/files/{sha256}")
            try #require(result.exit == 0, "\(result)")
            let published = try result.json(Published.self)
            release = published.release
            let path = world.path("x.waggle")
            try await maker.ok("export", published.release, "--format", "waggle", "-o", path)
            let bundle = try WireReleaseBundle(serializedBytes: Data(contentsOf: URL(filePath: path)))
            try fake.have(bundle.keyChain + [bundle.model, bundle.release])
            if claims { fake.claim(bytes.withUnsafeBytes { FileHasher.digests(of: $0) }) }
            reader = try await world.node("reader")
            // The operator has typed this address, so a release may name it, although it is loopback.
            try await reader.ok("peer", "add", fake.url, "--yes")
            let (reader, release) = (reader, release)
            try await eventually("the reader knows the release") { try await reader.run("show", release).exit == 0 }
            folder = world.path("out") + "/"
        }

        func get() async throws -> CommandResult {
            try await reader.run("get", release, "-o", folder, "--json")
        }

        func isWhole() throws -> Bool {
            FileManager.default.contents(atPath: folder + "x.safetensors") == Data(bytes)
        }
    }

    /// Returns when a download in a home has these bytes at an offset, after a minute in any case. Its room is taken at once,
    /// so that its size says nothing.
    private static func wait(in home: String, for bytes: ArraySlice<UInt8>) {
        let end = ContinuousClock.now + .seconds(60)
        let folder = home + "/partial/"
        while ContinuousClock.now < end {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                guard let file = FileHandle(forReadingAtPath: folder + name) else { continue }
                defer { try? file.close() }
                try? file.seek(toOffset: UInt64(bytes.startIndex))
                if (try? file.read(upToCount: bytes.count)) == Data(bytes) { return }
            }
            sched_yield()
        }
    }

    /// Answers as a web server does.
    private static func send(
        _ call: FakeNode.Call, _ connection: Connection, _ bytes: [UInt8], ranges: Bool = true, upTo limit: Int = .max,
        beforeCut: () -> Void = {}
    ) {
        let range = ranges ? call.range.map { $0.lowerBound..<min($0.upperBound + 1, bytes.count) } : nil
        let part = bytes[range ?? 0..<bytes.count]
        let head =
            range.map {
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes \($0.lowerBound)-\($0.upperBound - 1)/\(bytes.count)\r\n"
            } ?? "HTTP/1.1 200 OK\r\n"
        connection.write(head + "Content-Length: \(part.count)\r\nConnection: close\r\n\r\n")
        connection.write(part.prefix(limit))
        guard limit < part.count else { return connection.endWriting() }
        beforeCut()
        connection.cut()
    }

    @Test(
        "a file that no peer has or can cut into units comes whole from a web server, and is checked at the end",
        arguments: Server.allCases)
    func whole(_ server: Server) async throws {
        let served = Mutex(0)
        let home = Mutex("")
        let scene = try await Scene(mebibytes: 6, claims: false) { call, connection, bytes in
            let isFirst = served.withLock { count in
                count += 1
                return count == 1
            }
            switch server {
            case .ranges: Self.send(call, connection, bytes)
            case .wholeOnly: Self.send(call, connection, bytes, ranges: false)
            case .breaks:
                // What the reader did not take when the connection ends is lost with it.
                Self.send(call, connection, bytes, upTo: isFirst ? 3 << 20 : .max) {
                    Self.wait(in: home.withLock(\.self), for: bytes[(1 << 20)..<(1 << 20) + 64])
                }
            }
        }
        home.withLock { $0 = scene.reader.home }
        let result = try await scene.get()
        #expect(result.exit == 0, "\(result)")
        #expect(try scene.isWhole())
        if server == .breaks {
            let second = scene.fake.calls("/files/").last?.range?.lowerBound ?? 0
            #expect(second > 1 << 20, "it began anew at \(second)")
        }
    }

    @Test("a web server that sends another file is named, and nothing is kept")
    func lies() async throws {
        let scene = try await Scene(mebibytes: 3, claims: false) { call, connection, bytes in
            var other = bytes
            other[other.count - 1] ^= 1
            Self.send(call, connection, other)
        }
        let result = try await scene.get()
        #expect(result.exit == 4 && result.errors.contains("sent another file"), "\(result)")
        #expect(result.errors.contains(scene.fake.url))
        #expect(try await scene.reader.json(NodeStatus.self, "status").blobs == 0)
        let partial = try FileManager.default.contentsOfDirectory(atPath: scene.reader.home + "/partial")
        #expect(partial.isEmpty, "\(partial)")
    }

    @Test(
        "where a peer tells the unit hashes and the web server knows no ranges, the file comes in one verified stream")
    func unitsOfWhole() async throws {
        let spoiled = Mutex(true)
        let scene = try await Scene(mebibytes: 12, claims: true) { call, connection, bytes in
            var sent = bytes
            if spoiled.withLock({ $0 }) { sent[7 << 20] ^= 1 }
            Self.send(call, connection, sent, ranges: false)
        }
        let first = try await scene.get()
        #expect(first.exit == 4, "\(first)")
        // What was right stays, so of the next stream only the rest is needed.
        spoiled.withLock { $0 = false }
        let result = try await scene.get()
        #expect(result.exit == 0, "\(result)")
        #expect(try scene.isWhole())
    }

    @Test("where a peer tells the unit hashes, the bytes come from the web server in verified units")
    func units() async throws {
        let scene = try await Scene(mebibytes: 12, claims: true) { call, connection, bytes in
            Self.send(call, connection, bytes)
        }
        let result = try await scene.get()
        #expect(result.exit == 0, "\(result)")
        #expect(try scene.isWhole())
        let ranges = scene.fake.calls("/files/").compactMap(\.range)
        #expect(ranges.count > 1 && ranges.allSatisfy { $0.lowerBound % (1 << 20) == 0 }, "\(ranges)")
    }
}
