import Digests
import Foundation
import GRDB
import Testing
import WaggleProtocol

@testable import Moderation

@Suite("Decisions on a full disk")
struct FullDiskTests {
    /// SQLite says the same when it may not grow any further as when the disk is full.
    private func limit(_ moderation: Moderation, morePages: Int?) async throws {
        try await moderation.store.write { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            let most = morePages.map { pages + $0 } ?? 1 << 30
            _ = try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(most)")
        }
    }

    @Test("a decision that does not fit is told as a full disk, is not half made, and is made when there is room again")
    func full() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("full-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("moderation.db").path
        let moderation = try Moderation(ceiling: .xxx, path: path)
        let subjects = (0..<900).map { ModerationSubject.blob(SHA256.hash(Array("\($0)".utf8))) }
        let order = PurgeOrder(
            subjects: subjects, reason: String(repeating: "x", count: 200), by: "operator", when: 1)
        try await limit(moderation, morePages: 2)
        var told: ModerationError?
        do throws(ModerationError) {
            _ = try await moderation.purge(order)
        } catch {
            told = error
        }
        #expect(told == .diskFull(path: path))
        #expect(told?.message.contains(path) == true && told?.message.contains("free some space") == true)
        #expect(moderation.purges.isEmpty && moderation.purgeRow(for: subjects[0]) == nil)
        for body: @Sendable () async throws -> Void in [
            { _ = try await moderation.block(subjects.map { .exact($0) }, reason: "spam", by: "a", when: 1) },
            {
                for number in 0..<200 {
                    let subject = ListSubject.exact(.post(SHA256.hash(Array("case \(number)".utf8))))
                    _ = try await moderation.open(
                        .report, [subject],
                        CaseReport(
                            reporter: "", reason: "spam", at: 1, sealed: Array(repeating: 7, count: 4000)))
                }
            },
        ] {
            await #expect(throws: ModerationError.diskFull(path: path)) { try await body() }
        }
        #expect(moderation.blocks.isEmpty)
        try await limit(moderation, morePages: nil)
        #expect(try await moderation.purge(order).count == 900)
        #expect(try Moderation(ceiling: .xxx, path: path).purges.count == 900)
    }
}
