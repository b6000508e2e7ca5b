import Digests
import Foundation
import Moderation
import Testing
import WaggleProtocol

@Suite("Purge rows")
struct PurgeTests {
    private func withPath(_ body: (String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("purge-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(directory.appendingPathComponent("moderation.db").path)
    }

    private let blob = SHA256.hash(Array("blob".utf8))
    private let post = SHA256.hash(Array("post".utf8))

    @Test("a purge row outlives a restart, and the first row of a subject stands")
    func restart() async throws {
        try await withPath { path in
            let subjects: [ModerationSubject] = [.blob(blob), .tensors(blob), .post(post)]
            let order = PurgeOrder(subjects: subjects, reason: "likeness", by: "me", when: 1000)
            let rows = try await Moderation(ceiling: .xxx, path: path).purge(order)
            #expect(rows.map(\.subject) == subjects)
            #expect(Set(rows.map(\.caseNumber)) == ["P-1"])

            let moderation = try Moderation(ceiling: .r, path: path)
            #expect(moderation.hiddenSubjects == Set(subjects))
            #expect(moderation.purgeRow(for: .blob(blob)) == rows[0])
            #expect(moderation.purgeRow(for: .post(blob)) == nil)
            let again = try await moderation.purge(
                PurgeOrder(subjects: [.blob(blob), .blob(post)], reason: "again", by: "you", when: 2000))
            #expect(again[0] == rows[0])
            #expect(again[1].caseNumber == "P-4")
            #expect(again[1].reason == "again")
        }
    }

    @Test("an order beyond the limits is refused whole")
    func limits() async throws {
        try await withPath { path in
            let moderation = try Moderation(ceiling: .xxx, path: path)
            let tooMany = Array(
                repeating: ModerationSubject.blob(blob), count: Limits.Moderation.subjectsPerPurge + 1)
            let long = String(repeating: "x", count: Limits.Moderation.reasonBytes + 1)
            for order in [
                PurgeOrder(subjects: tooMany, reason: "", by: "me", when: 1),
                PurgeOrder(subjects: [.blob(blob)], reason: long, by: "me", when: 1),
                PurgeOrder(subjects: [.blob(blob)], reason: "", by: long, when: 1),
                PurgeOrder(subjects: [.blob(blob)], reason: "", by: "me", when: .max),
            ] {
                await #expect(throws: ModerationError.self) { try await moderation.purge(order) }
            }
            #expect(moderation.hiddenSubjects.isEmpty)
        }
    }

    @Test("a path that cannot be opened is named in the error")
    func badPath() {
        let error = #expect(throws: ModerationError.self) {
            try Moderation(ceiling: .xxx, path: "/nonexistent/moderation.db")
        }
        #expect(error?.message.contains("/nonexistent/moderation.db") == true)
    }
}
