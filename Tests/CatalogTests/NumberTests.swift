import Digests
import Foundation
import GRDB
import Moderation
import PostLog
import Testing
import WaggleProtocol

@testable import Catalog

@Suite("Numbers of this node")
struct NumberTests {
    let maker = TestAuthor("maker")

    private func numbers(_ catalog: Catalog) async throws -> [Int32] {
        var query = ModelQuery()
        query.sort = .oldest
        query.detail = .full
        let models = try await catalog.models(query, .operator_).items
        let images = try await catalog.images(ImageQuery(), .operator_).items
        return models.flatMap { model in
            [model.id, model.author.id] + model.releases.flatMap { [$0.id] + $0.files.map(\.id) }
        } + images.flatMap { [$0.id, $0.postID] }
    }

    @Test("a model keeps its number when it is edited, and nothing ever gets a number again")
    func neverReused() async throws {
        try await withCatalog { catalog, path in
            var log = TestLog()
            let first = maker.model("m", at: 10)
            let post = maker.imagePost([image("a"), image("b")])
            log.show(first, maker.release("m"), post)
            try await catalog.apply(log.take())
            let before = try await numbers(catalog)
            #expect(Set(before).count == 7)
            #expect(before.allSatisfy { $0 > 0 })
            let id = try #require(try await catalog.model(post: first.id, .pg)).id

            log.hide(first, .superseded)
            log.show(maker.model("m", name: "Edited", at: 11))
            log.hide(post)
            log.show(maker.model("n"), maker.imagePost([image("c")]))
            try await catalog.apply(log.take())
            let edited = try #require(try await catalog.model(post: first.id, .pg))
            #expect(edited.id == id && edited.body.name == "Edited")
            let added = Set(try await numbers(catalog)).subtracting(before)
            #expect(added.count == 3)
            #expect(added.min()! > before.max()!)

            // Shown again, a post has the number it had; also after a restart.
            log.show(post)
            try await catalog.apply(log.take())
            let again = try await numbers(try Catalog(path: path))
            #expect(Set(again).isSuperset(of: before))
        }
    }

    @Test("numbers and download counts survive building the catalog anew")
    func survive() async throws {
        try await withCatalog { catalog, path in
            var log = TestLog()
            let release = maker.release("m")
            log.show(maker.model("m"), release, maker.imagePost([image("a")], releases: [release]))
            try await catalog.apply(log.entries)
            let id = try #require(try await catalog.release(post: release.id, .pg)).id
            try await catalog.recordDownload(id)
            try await catalog.recordDownload(id)
            let before = try await numbers(catalog)
            try await catalog.reset()
            try await catalog.apply(
                log.entries.reversed().enumerated().map { index, entry in
                    LogEntry(seq: UInt64(index + 1), event: entry.event, post: entry.post)
                })
            #expect(try await numbers(catalog) == before)
            #expect(try await catalog.release(id: id, .pg)?.counts.downloads == 2)
            // The whole file may be lost too.
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
            let fresh = try Catalog(path: path)
            #expect(fresh.appliedSeq == 0)
            try await fresh.apply(log.entries)
            #expect(try await numbers(fresh) == before)
            #expect(try await fresh.release(id: id, .pg)?.counts.downloads == 2)
        }
    }

    @Test("when an older copy of the local facts is restored, the catalog starts anew and no number is given twice")
    func olderCopy() async throws {
        try await withCatalog { catalog, path in
            var log = TestLog()
            log.show(maker.model("a"), maker.model("b"))
            try await catalog.apply(log.entries)
            let used = try await numbers(catalog)
            try await catalog.served.use { try $0.close() }
            let local = path.replacingOccurrences(of: "catalog.db", with: "local.db")
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: local + suffix) }
            let restored = try Catalog(path: path)
            #expect(restored.appliedSeq == 0)
            try await restored.apply(log.entries)
            #expect(Set(try await numbers(restored)).isDisjoint(with: used))
        }
    }

    @Test("a catalog of another version is built anew")
    func otherVersion() async throws {
        try await withCatalog { catalog, path in
            var log = TestLog()
            log.show(maker.model("a"))
            try await catalog.apply(log.entries)
            try await catalog.served.use { pool in
                try await pool.write { try $0.execute(sql: "UPDATE state SET version = 0") }
            }
            try await catalog.served.use { try $0.close() }
            let fresh = try Catalog(path: path)
            #expect(fresh.appliedSeq == 0)
            #expect(try await fresh.counts(.operator_) == CatalogCounts())
        }
    }

    @Test("a path that cannot be opened is named in the error")
    func badPath() {
        let error = #expect(throws: CatalogError.self) { try Catalog(path: "/nonexistent/catalog.db") }
        #expect(error?.message.contains("/nonexistent/catalog.db") == true)
    }
}
