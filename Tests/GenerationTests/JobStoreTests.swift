import Foundation
import Testing

@testable import Generation

@Suite("Jobs on disk")
struct JobStoreTests {
    @Test("a job that was saved is there when the file is opened again, and a finished one is history")
    func reopening() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "jobs-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "jobs.db").path
        var queue = JobQueue(slots: 1)
        let models = Samples.models(3, loras: 2)
        let store = try JobStore(path: path)
        for effects in [
            try queue.submit(try Samples.job("a", price: 4, models: models), now: 5),
            queue.handle(.held("a", hold: "the hold"), now: 6),
        ] {
            try await store.write(effects.compactMap { if case .save(let job) = $0 { job } else { nil } })
        }
        try await store.write([], crashes: [(models, 2)])

        let again = try JobStore(path: path)
        let open = try await again.open()
        #expect(open == Array(queue.jobs.values))
        #expect(open.first?.hold == "the hold")
        #expect(open.first?.models == models)
        let crashes = try await again.crashes()
        #expect(crashes.map(\.count) == [2])
        #expect(crashes.first?.key == models.key)
        var next = JobQueue(slots: 1)
        let saved = next.restore(open, now: 7)
        try await again.write(saved.compactMap { if case .save(let job) = $0 { job } else { nil } })
        _ = next.handle(.picture("a", Samples.picture(0)), now: 8)
        var effects = next.handle(.ended("a", nil), now: 9)
        effects += next.handle(.settled("a", captured: 4), now: 9)
        try await again.write(effects.compactMap { if case .save(let job) = $0 { job } else { nil } })
        #expect(try await again.open().isEmpty)
        let found = try await again.find("a")
        #expect(found?.state == .done && found?.captured == 4 && found?.pictures.count == 1)
        #expect(try await again.history(of: "a", limit: 9).map(\.id) == ["a"])
        try await again.forgive(models.key)
        #expect(try await again.crashes().isEmpty)
    }
}
