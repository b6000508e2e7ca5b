import Digests
import Identity
import PostLog
import Testing
import WaggleProtocol

@Suite("The history of a model")
struct HistoryTests {
    let ana: TestAuthor

    init() throws {
        ana = try TestAuthor("ana")
    }

    private func release(_ slug: String, _ version: String, created: UInt64) throws -> SignedPost {
        try ana.post(created: created) { post in
            post.release.modelAuthor = ana.id.data
            post.release.modelSlug = slug
            post.release.version = version
            var file = WireFile()
            file.sha256 = testHash(version).data
            file.piecesRoot = testHash("root").data
            file.size = 1
            file.name = "a.safetensors"
            post.release.files = [file]
        }
    }

    @Test("lists every stored version with its key and what became of it, newest first, of this model only")
    func states() async throws {
        let test = try TestLog()
        let old = try ana.model("bees", created: 2000)
        let new = try ana.model("bees", created: 2005)
        let kept = try release("bees", "1.0", created: 2001)
        let gone = try release("bees", "1.1", created: 2003)
        let other = try release("wasps", "1.0", created: 2004)
        let delete = try ana.delete([gone], created: 2006)
        try await test.submit([ana.genesis, old, new, kept, gone, other, delete, try ana.model("wasps")])

        let history = try await test.log.history(author: ana.id, slug: "bees")
        #expect(history.map(\.id) == [new.id, gone.id, kept.id, old.id])
        #expect(history.map(\.state) == [.inForce, .deleted(by: delete.id), .inForce, .superseded])
        #expect(history.map(\.label) == ["bees", "1.1", "1.0", "bees"])
        #expect(history.allSatisfy { $0.device == Hash32(new.post.device) })
        #expect(try await test.log.history(author: testHash("nobody"), slug: "bees").isEmpty)
    }

    @Test("a delete by slot is named for the posts that it covers and for no later one")
    func slots() async throws {
        let test = try TestLog()
        let old = try ana.model("bees", created: 2000)
        let delete = try ana.delete(slots: [(.model, "bees")], created: 2001)
        let again = try ana.model("bees", created: 2002)
        try await test.submit([ana.genesis, old, delete, again])
        let history = try await test.log.history(author: ana.id, slug: "bees")
        #expect(history.map(\.id) == [again.id, old.id])
        #expect(history.map(\.state) == [.inForce, .deleted(by: delete.id)])
    }
}
