import Accounts
import Catalog
import Digests
import Foundation
import Identity
import Moderation
import Operations
import PostLog
import Testing
import WaggleProtocol

@testable import Gateway

/// Appeals that come with the log, against what a node's own people say on lists.
@Suite("Whose appeal it is")
struct AppealOwnershipTests {
    private let day: UInt64 = 86_400

    /// A node whose operator blocked a picture of the maker's, and the post of the entry that tells others.
    private struct World {
        let node: TestNode
        let owner: Person
        let model: TestNode.Published
        let entry: Hash32
    }

    private func world() async throws -> World {
        let node = try await TestNode.make()
        let owner = try await node.person("me", seed: 80, role: .admin)
        let model = try await node.publishModel("Clean")
        let context = node.services.context()
        try await node.following {
            _ = try await ReportSubject(subject: model.image.hex, reason: "stolen-work").perform(in: context)
            _ = try await DecideCase(number: "R-1", action: "block").perform(in: context)
        }
        let said = try await node.log.entries(after: 0, limit: 1000).map(\.post).filter {
            $0.author == owner.id && $0.post.listEntry.subject == ListSubject.exact(.blob(model.image)).wire
        }
        return World(node: node, owner: owner, model: model, entry: try #require(said.last?.id))
    }

    private func entry(
        _ world: World, by keeper: Person, on list: String, _ subject: ListSubject, case number: String = "",
        created: UInt64 = TestNode.time
    ) async throws -> Hash32 {
        var body = WireListEntry()
        body.list = list
        body.subject = subject.wire
        body.severity = Severity.block.rawValue
        body.reason = "stolen-work"
        body.basis = .human
        body.caseNumber = number
        let slot = "\(list) \(try #require(body.subject.slotName))"
        return try await world.node.publish(by: keeper) { post in
            post.created = created
            post.slot = slot
            post.listEntry = body
        }.id
    }

    private func appeal(
        _ world: World, by person: Person, _ entry: Hash32, created: UInt64 = TestNode.time
    ) async throws {
        try await world.node.publish(by: person) { post in
            post.created = created
            post.appeal.action = entry.data
            post.appeal.text = "It is mine."
        }
        try await LevelDesk(world.node.services.context()).catchUp()
    }

    private func appellant(_ world: World) async throws -> String? {
        try await world.node.moderation.moderationCase(1)?.appeal?.by
    }

    @Test("whoever names it after it was taken down did not make it, whatever time they write; the maker may appeal")
    func late() async throws {
        let world = try await world()
        let thief = try Person(seed: 81, role: .person)
        try await world.node.take([thief.genesis])
        try await world.node.publish(by: thief) { post in
            post.created = TestNode.time - 30 * day
            post.imagePost = world.model.picture.post.imagePost
        }
        #expect(try await world.node.catalog.blobReference(world.model.image)?.authors.contains(thief.id) == true)
        try await appeal(world, by: thief, world.entry, created: TestNode.time - 10)
        #expect(try await appellant(world) == nil)
        try await appeal(world, by: world.node.maker, world.entry)
        #expect(try await appellant(world) == AuthorID.text(world.node.maker.id))
    }

    @Test("the maker of a file is whoever was the first here to show it, whatever time others write")
    func maker() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Clean")
        let eve = try await node.person("eve", seed: 82)
        try await node.publish(by: eve) { post in
            post.created = TestNode.time - 30 * day
            post.imagePost = model.picture.post.imagePost
        }
        // As people wrote it, it is hers.
        #expect(try await node.catalog.blobReference(model.image)?.authors.first == eve.id)
        let context = node.services.context()
        try await node.following {
            _ = try await ReportSubject(subject: model.image.hex, reason: "stolen-work").perform(in: context)
            #expect(try await ShowCase(number: "R-1").perform(in: context).maker == AuthorID.text(node.maker.id))
            _ = try await DecideCase(number: "R-1", action: "block").perform(in: context)
            await #expect(throws: OperationError.self) {
                try await AppealCase(number: "R-1", text: "Mine.").run(
                    in: context.acting(for: try await node.accounts.existing("eve")))
            }
            let maker = context.acting(for: try await node.accounts.existing("maker"))
            #expect(try await AppealCase(number: "R-1", text: "Mine.").run(in: maker).number == "R-1")
        }
    }

    @Test("twenty days are counted until an appeal is here, whatever time it says it is of")
    func backdated() async throws {
        let world = try await world()
        let then = TestNode.time - 21 * day
        _ = try await world.node.moderation.change(1) { item in
            item.decision = .init(action: .block, reason: "stolen-work", by: "me", at: then, letter: "")
        }
        try await appeal(world, by: world.node.maker, world.entry, created: then + 60)
        #expect(try await appellant(world) == nil)
        // The same of an entry without a case.
        let subject = ListSubject.exact(.post(world.model.release.id))
        let old = try await entry(world, by: world.owner, on: "takedowns", subject, created: then)
        try await appeal(world, by: world.node.maker, old, created: then + 61)
        #expect(try await world.node.moderation.cases(about: subject).isEmpty)
        let fresh = try await entry(world, by: world.owner, on: "others", subject, created: TestNode.time - 19 * day)
        try await appeal(world, by: world.node.maker, fresh)
        #expect(try await world.node.moderation.cases(about: subject).map(\.appeal?.at) == [TestNode.time])
    }

    @Test("a case's number counts on the operator's lists alone, and for what the case is about")
    func numbers() async throws {
        let world = try await world()
        let eve = try await world.node.person("eve", seed: 82)
        let own = try await world.node.publish(by: eve) { post in
            post.slot = "mine"
            post.article.title = "Mine"
            post.article.text = "All mine."
            post.article.level = Level.pg.rawValue
        }
        let subject = ListSubject.exact(.post(own.id))
        let forged = try await entry(world, by: eve, on: "takedowns", subject, case: "R-1")
        try await appeal(world, by: eve, forged)
        #expect(try await appellant(world) == nil)
        let blob = try await entry(world, by: eve, on: "takedowns", .exact(.blob(world.model.image)), case: "R-1")
        try await appeal(world, by: world.node.maker, blob, created: TestNode.time - 1)
        #expect(try await appellant(world) == nil)
        let other = try await entry(world, by: world.owner, on: "takedowns", subject, case: "R-1")
        try await appeal(world, by: eve, other, created: TestNode.time - 1)
        #expect(try await appellant(world) == nil)
        // Each has a case of its own.
        #expect(try await world.node.moderation.cases(about: subject).count == 2)
        try await appeal(world, by: world.node.maker, world.entry)
        #expect(try await appellant(world) == AuthorID.text(world.node.maker.id))
    }
}
