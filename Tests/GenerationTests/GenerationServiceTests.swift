import Synchronization
import Testing
import WaggleProtocol

@testable import Generation

/// Draws nothing until nobody wants it any more.
private struct EndlessBackend: GenerationBackend {
    let name = "endless"
    var previews: [[UInt8]] = []

    func report() async throws(GenerationError) -> BackendReport { BackendReport(backend: name, engine: name) }

    func draw(
        _ order: DrawOrder, sign: @escaping @Sendable (DrawSign) async throws(GenerationError) -> Void
    ) async throws(GenerationError) {
        for preview in previews { try await sign(.preview(preview)) }
        try await sign(.step(JobProgress(picture: 0, step: 1, steps: 2)))
        let (never, end) = AsyncStream.makeStream(of: Void.self)
        for await _ in never {}
        end.finish()
        throw .cancelled
    }

    func rest() async {}
}

@Suite("Jobs that are carried out")
struct GenerationServiceTests {
    /// Files that are not there any more, by SHA-256.
    private final class Gone: Sendable {
        let names = Mutex<Set<String>>([])
    }

    private func service(_ store: JobStore, gone: Gone = Gone(), previews: [[UInt8]] = []) -> GenerationService {
        GenerationService(
            backend: EndlessBackend(previews: previews), store: store, payment: NoPayment(),
            studio: GenerationService.Studio(
                initImage: { _ throws(GenerationError) in nil },
                isGone: { file in gone.names.withLock { $0.contains(file.sha256) } },
                finish: { _, index, _, _ throws(GenerationError) in Samples.picture(index) }), slots: 1, now: { 9 })
    }

    private func over(_ service: GenerationService, _ id: String) async throws -> Job? {
        var last: Job?
        for await standing in try await service.watch(id) { last = standing.job }
        return last
    }

    @Test("a job that is cancelled while it is drawn is over, on disk too, and the next one begins")
    func cancelling() async throws {
        let store = try JobStore(path: nil)
        let service = service(store)
        _ = try await service.submit(try Samples.job("a"))
        _ = try await service.submit(try Samples.job("b"))
        try await service.cancel("a")
        #expect(try await over(service, "a")?.state == .cancelled)
        #expect(try await store.find("a")?.state == .cancelled)
        #expect(try await service.standing("b").job.state == .running)
        await service.stop()
        #expect(try await store.find("b")?.state == .running, "it is begun anew by the next start")
    }

    @Test("how far a picture is can be seen while it is drawn; what is no small picture is not shown")
    func previews() async throws {
        let first: [UInt8] = [0xff, 0xd8, 0xff, 0xe0]
        let second: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 2]
        let large = second + Array(repeating: 0, count: Limits.Generation.previewBytes)
        let service = service(
            try JobStore(path: nil), previews: [first, Array("<script>".utf8), second, large, Array("GIF89a".utf8)])
        _ = try await service.submit(try Samples.job("a"))
        for await standing in try await service.watch("a") where standing.job.progress.step == 1 {
            #expect(standing.previews == 2)
            break
        }
        let seen = try #require(await service.preview(of: "a"))
        #expect(seen.picture == second && seen.mediaType == "image/png")
        try await service.cancel("a")
        #expect(try await over(service, "a")?.state == .cancelled)
        #expect(await service.preview(of: "a") == nil)
        await service.stop()
    }

    @Test("jobs whose files are taken back end at once, whether they wait or run; others go on")
    func withdrawing() async throws {
        let (store, gone) = (try JobStore(path: nil), Gone())
        let service = service(store, gone: gone)
        let (mine, other) = (Samples.models(1, loras: 1), Samples.models(2))
        for (id, models) in [("a", mine), ("b", mine), ("c", other)] {
            _ = try await service.submit(try Samples.job(id, models: models))
        }
        await service.reviewFiles()
        #expect(try await service.standing("a").job.state == .running)
        gone.names.withLock { _ = $0.insert(mine.loras[0].sha256) }
        await service.reviewFiles()
        for id in ["a", "b"] {
            let job = try #require(try await over(service, id))
            #expect(job.state == .failed && job.failure?.code == "withdrawn", "\(job)")
        }
        #expect(try await service.standing("c").job.state == .running)
        // One that is ordered with it nevertheless is looked at before it is drawn.
        try await service.cancel("c")
        _ = try await service.submit(try Samples.job("d", models: mine))
        #expect(try await over(service, "d")?.failure?.code == "withdrawn")
        await service.stop()
    }

    @Test("orders that come while a node takes up its jobs join them, and none is lost")
    func ordersAtTheStart() async throws {
        let store = try JobStore(path: nil)
        let first = self.service(store)
        _ = try await first.submit(try Samples.job("a"))
        await first.stop()
        let service = self.service(store)
        let names = (0..<8).map { "b\($0)" }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in names {
                let job = try Samples.job(name)
                group.addTask { _ = try await service.submit(job) }
            }
            try await group.waitForAll()
        }
        #expect(Set(await service.open.map(\.id)) == Set(["a"] + names))
        #expect(try await service.standing("a").job.state == .running)
        await service.stop()
    }

    @Test("what ran when the node ended is begun anew, once")
    func restarting() async throws {
        let store = try JobStore(path: nil)
        for expected in [Job.State.running, .running, .failed] {
            let service = service(store)
            try await service.start()
            if try await store.find("a") == nil { _ = try await service.submit(try Samples.job("a")) }
            #expect(try await service.standing("a").job.state == expected)
            await service.stop()
        }
        #expect(try await store.find("a")?.failure?.code == "crashed")
    }
}
