import Testing

@testable import Generation

/// Draws nothing until nobody wants it any more.
private struct EndlessBackend: GenerationBackend {
    let name = "endless"

    func report() async throws(GenerationError) -> BackendReport { BackendReport(backend: name, engine: name) }

    func draw(
        _ order: DrawOrder, sign: @escaping @Sendable (DrawSign) async throws(GenerationError) -> Void
    ) async throws(GenerationError) {
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
    private func service(_ store: JobStore) -> GenerationService {
        GenerationService(
            backend: EndlessBackend(), store: store, payment: NoPayment(),
            studio: GenerationService.Studio(
                initImage: { _ throws(GenerationError) in nil }, check: { _ throws(GenerationError) in },
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
