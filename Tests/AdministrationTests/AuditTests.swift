import Foundation
import GRDB
import Testing

@testable import Administration

@Suite("The audit log")
struct AuditTests {
    private func withPath(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "admin-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.appending(path: "admin.db").path)
    }

    /// What a step throws.
    private static func failure(_ step: () async throws -> Void) async -> (any Error)? {
        do {
            try await step()
            return nil
        } catch {
            return error
        }
    }

    @Test("lines have numbers without gaps, and each has the hash of the one before, over restarts")
    func chain() async throws {
        try await withPath { path in
            for round in 0..<2 {
                let store = try Administration(path: path, now: { 1000 })
                for number in 0..<3 {
                    try await store.note(
                        actor: "@bee", action: "account role", subject: "@wasp", detail: "\(round).\(number)")
                }
            }
            let store = try Administration(path: path, now: { 1000 })
            let lines = try await store.audit(limit: 10)
            #expect(lines.map(\.seq) == [6, 5, 4, 3, 2, 1])
            var before: AuditEntry?
            for line in lines.reversed() {
                #expect(line.follows(before))
                before = line
            }
            #expect(try await store.firstBrokenAuditLine() == nil)
            #expect(try await store.audit(before: 4, limit: 2).map(\.seq) == [3, 2])
        }
    }

    @Test("the database refuses to change or delete a line, and whoever gets around that is found out")
    func standing() async throws {
        try await withPath { path in
            do {
                let store = try Administration(path: path, now: { 1000 })
                for number in 1...4 {
                    try await store.note(actor: "operator", action: "mode", subject: "", detail: "\(number)")
                }
            }
            let queue = try DatabaseQueue(path: path)
            for sql in ["UPDATE audit SET detail = 'x' WHERE seq = 2", "DELETE FROM audit WHERE seq = 2"] {
                let refused = await Self.failure { try await queue.write { try $0.execute(sql: sql) } }
                #expect(refused is DatabaseError)
            }
            try await queue.write { db in
                try db.execute(sql: "DROP TRIGGER audit_stands; UPDATE audit SET detail = 'x' WHERE seq = 2")
            }
            try queue.close()
            let changed = try Administration(path: path, now: { 1000 })
            #expect(try await changed.firstBrokenAuditLine() == 2)
        }
    }

    @Test("texts that run into each other have different hashes")
    func texts() {
        func entry(_ actor: String, _ action: String) -> AuditEntry {
            AuditEntry(seq: 1, time: 5, actor: actor, action: action, subject: "", detail: "", previous: nil)
        }
        #expect(entry("ab", "c").hash != entry("a", "bc").hash)
        #expect(entry("ab", "c").hash == entry("ab", "c").hash)
    }

    @Test("mode, announcements, settings and steps are there after a restart")
    func decisions() async throws {
        try await withPath { path in
            do {
                let store = try Administration(path: path, now: { 1000 })
                #expect(store.standing == .normal)
                #expect(!store.setup.isFinished && store.setup.next == .name)
                _ = try await store.set(.readOnly, message: "moving disks")
                _ = try await store.announce("Tea at five", expires: 2000, by: "@bee")
                try await store.choose("ceiling", "R", by: "@bee")
                try await store.choose("name", "Hive", by: "@bee")
                try await store.choose("name", nil, by: "@bee")
                try await store.note(SetupStep.name)
            }
            let store = try Administration(path: path, isOldHome: true, now: { 1500 })
            #expect(store.standing == NodeStanding(mode: .readOnly, message: "moving disks", since: 1000))
            #expect(store.announced.map(\.text) == ["Tea at five"])
            let chosen = try Administration.chosenSettings(path: path)
            #expect(chosen.map(\.key) == ["ceiling"])
            #expect(store.setup.next == .owner && !store.setup.isFinished)
            try await store.finishSetup()
            #expect(store.setup.finished == 1500)
            let later = try Administration(path: path, now: { 2000 })
            #expect(later.announced.isEmpty && later.announcements.count == 1)
            try await later.takeBack(announcement: 1)
            let refused = await Self.failure { try await later.takeBack(announcement: 1) }
            #expect(refused as? AdministrationError == .noAnnouncement(1))
        }
    }

    @Test("a home that was in use before is set up")
    func oldHome() async throws {
        try await withPath { path in
            let store = try Administration(path: path, isOldHome: true, now: { 7 })
            #expect(store.setup.finished == 7)
        }
    }
}

@Suite("Forecast of the disk")
struct DiskForecastTests {
    private static let gigabyte: UInt64 = 1 << 30

    @Test("a disk that loses so much a day is full when what may be taken is gone")
    func shrinking() {
        let samples = (0..<10).map { DiskSample(day: $0, free: (100 - UInt64($0) * 5) * Self.gigabyte) }
        #expect(DiskForecast.daysLeft(samples, keepFree: 0) == 11)
        #expect(DiskForecast.daysLeft(samples, keepFree: 30 * Self.gigabyte) == 5)
        #expect(DiskForecast.daysLeft(samples, keepFree: 60 * Self.gigabyte) == 0)
    }

    @Test("nothing is said of a disk that does not fill, or of too few days")
    func silence() {
        let growing = (0..<10).map { DiskSample(day: $0, free: (100 + UInt64($0)) * Self.gigabyte) }
        #expect(DiskForecast.daysLeft(growing, keepFree: 0) == nil)
        #expect(DiskForecast.daysLeft(Array(growing.prefix(1)), keepFree: 0) == nil)
        #expect(DiskForecast.daysLeft([], keepFree: 0) == nil)
        let same = [DiskSample](repeating: DiskSample(day: 3, free: 5), count: 4)
        #expect(DiskForecast.daysLeft(same, keepFree: 0) == nil)
    }
}
