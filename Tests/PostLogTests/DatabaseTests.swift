import Digests
import Foundation
import GRDB
import Identity
import Testing
import WaggleProtocol

@testable import PostLog

@Suite("Database")
struct DatabaseTests {
    let ana: TestAuthor

    init() throws {
        ana = try TestAuthor("ana")
    }

    /// The files of a log as a process that is killed in this instant would leave them.
    private func image(of test: TestLog) throws -> String {
        let copy = NSTemporaryDirectory() + "waggle-post-log-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        for name in ["posts.db", "posts.db-wal"]
        where FileManager.default.fileExists(atPath: test.directory + "/" + name) {
            try FileManager.default.copyItem(atPath: test.directory + "/" + name, toPath: copy + "/" + name)
        }
        return copy
    }

    @Test("what was reported as new is there when the process dies in the next instant")
    func durable() async throws {
        let test = try TestLog()
        var reported: [SignedPost] = []
        for batch in 0..<20 {
            let posts =
                try (batch == 0 ? [ana.genesis] : []) + (0..<40).map { try ana.comment("\(batch) \($0)") }
                + [ana.profile("number \(batch)", created: 2000 + UInt64(batch))]
            #expect(try await test.submit(posts).allSatisfy { $0 == .new })
            reported += posts
            let copy = try image(of: test)
            defer { try? FileManager.default.removeItem(atPath: copy) }
            let killed = try TestLog(directory: copy)
            #expect(try await killed.log.known(reported.map(\.id)).count == reported.count)
            #expect(try await killed.inForce() == test.offered())
            #expect(killed.log.logID == test.log.logID)
        }
    }

    @Test("the log synchronises every commit to the disk")
    func synchronous() async throws {
        let test = try TestLog()
        let (synchronous, journal) = try await test.log.pool.write { db in
            (try Int.fetchOne(db, sql: "PRAGMA synchronous"), try String.fetchOne(db, sql: "PRAGMA journal_mode"))
        }
        #expect(synchronous == 2)
        #expect(journal == "wal")
    }

    @Test(
        "posts that one transaction leaves to be judged are judged by the next, and after a restart",
        arguments: [true, false])
    func leftOver(_ restarts: Bool) async throws {
        let author = try TestAuthor("busy", devices: [device("busy laptop"), device("phone")])
        let test = try TestLog()
        let posts = try (0..<4500).map { try author.comment("\($0)", by: "phone") }
        let profile = try author.profile("Busy", created: 1990)
        try await test.submit([author.genesis, profile] + posts)
        try await test.submit(author.profile("by the phone", by: "phone"))
        let update = try author.document(after: author.genesis, created: 1999) { $0.devices.removeLast() }
        let image: String?
        if restarts {
            // One of the transactions that do the work has been, the next not yet.
            try await test.submit(update)
            image = try self.image(of: test)
        } else {
            try await test.submit(update)
            image = nil
        }
        defer { image.map { try? FileManager.default.removeItem(atPath: $0) } }
        let later = try image.map { try TestLog(directory: $0) } ?? test
        #expect(try await later.submit(author.comment("meanwhile", created: 1998)) == [.new])
        try await later.log.intake.tidy()
        let inForce = try await later.inForce()
        #expect(inForce.count == 4 && inForce.isSuperset(of: [author.id, profile.id, update.id]))
    }

    @Test(
        "a full disk is named, loses nothing, and the log serves again when there is room",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount a small file system"))
    func fullDisk() async throws {
        let disk = try SmallDisk(bytes: 8 << 20)
        let test = try TestLog(directory: disk.path + "/db")
        try await test.submit(ana.genesis)
        try disk.fill(leaving: 300_000)
        let text = String(repeating: "x", count: 2000)
        var stored = [ana.genesis.id]
        var refused: [SignedPost]?
        for number in 0..<100 where refused == nil {
            let posts = try (0..<10).map { try ana.comment("\(number) \($0) \(text)") }
            do {
                #expect(try await test.submit(posts).allSatisfy { $0 == .new })
                stored += posts.map(\.id)
            } catch {
                #expect(error as? PostLogError == .diskFull(path: test.log.path))
                refused = posts
            }
        }
        let waiting = try #require(refused)
        #expect(stored.count > 20)
        // Reading goes on.
        #expect(try await test.log.known(stored).count == stored.count)
        #expect(test.offered() == Set(stored))
        try disk.makeRoom()
        #expect(try await test.submit(waiting).allSatisfy { $0 == .new })
        #expect(try await test.inForce() == Set(stored + waiting.map(\.id)))
    }

    @Test("a directory that cannot be written is named", .enabled(if: SmallDisk.isPossible || geteuid() != 0))
    func readOnly() async throws {
        let path: String
        var disk: SmallDisk?
        if SmallDisk.isPossible {
            disk = try SmallDisk(bytes: 1 << 20)
            path = disk!.path + "/db"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try disk!.makeReadOnly()
        } else {
            path = NSTemporaryDirectory() + "waggle-post-log-\(UUID().uuidString)"
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o555])
        }
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: PostLogError.readOnly(path: path + "/posts.db")) { try TestLog(directory: path) }
        withExtendedLifetime(disk) {}
    }

    @Test("a log on a read-only disk is named", .enabled(if: SmallDisk.isPossible, "needs the right to mount"))
    func existingReadOnly() async throws {
        let disk = try SmallDisk(bytes: 4 << 20)
        let path = disk.path + "/db"
        do {
            let test = try TestLog(directory: path)
            try await test.submit(ana.genesis)
        }
        try disk.makeReadOnly()
        #expect(throws: PostLogError.readOnly(path: path + "/posts.db")) { try TestLog(directory: path) }
    }

    @Test("a file that is no database is named as damaged", arguments: [16, 100, 5000])
    func noDatabase(_ bytes: Int) throws {
        let path = NSTemporaryDirectory() + "waggle-post-log-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(repeating: 0x41, count: bytes).write(to: URL(fileURLWithPath: path + "/posts.db"))
        let error = #expect(throws: PostLogError.self) { try TestLog(directory: path) }
        guard case .damaged? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("a damaged file gives typed errors or right answers, and never brings the node down", arguments: 0..<60)
    func damaged(_ seed: UInt64) async throws {
        var random = Seeded(seed: seed)
        let path: String
        do {
            let test = try TestLog()
            try await test.submit([ana.genesis] + (0..<60).map { try ana.comment("\($0)") } + [ana.profile("Ana")])
            path = try image(of: test)
        }
        defer { try? FileManager.default.removeItem(atPath: path) }
        for name in ["/posts.db", "/posts.db-wal"] {
            let url = URL(fileURLWithPath: path + name)
            var bytes = try Data(contentsOf: url)
            for _ in 0..<Int.random(in: 1...40, using: &random) where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                bytes[at] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { bytes = bytes.prefix(Int.random(in: 0...bytes.count, using: &random)) }
            try bytes.write(to: url)
        }
        do {
            let test = try TestLog(directory: path)
            var seq: UInt64 = 0
            while let last = try await test.log.entries(after: seq, limit: 50).last { seq = last.seq }
            _ = try await test.log.keyChain(of: ana.id)
            _ = try await test.log.index(ofAuthor: ana.id, limit: 10)
            try await test.submit([ana.genesis, ana.comment("new"), ana.profile("New", created: 2001)])
            try await test.log.intake.tidy()
        } catch {
            #expect(error is PostLogError, "seed \(seed): \(error)")
        }
    }
}
