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

@Suite("Whose words change levels, and of what")
struct LevelVoterTests {
    private let handles = ["ada", "bea", "cem"]

    /// A node with three people at home on it.
    private func node() async throws -> (TestNode, [Person]) {
        let node = try await TestNode.make(ceiling: .x)
        var people: [Person] = []
        for (index, handle) in handles.enumerated() {
            let person = try await node.person(handle, seed: UInt8(90 + index), levels: Level.x.upTo)
            try await node.catalog.setEarnedRoom(person.id, true)
            people.append(person)
        }
        return (node, people)
    }

    private func recount(_ node: TestNode) async throws {
        try await LevelDesk(node.services.context()).recount()
    }

    @Test(
        "whom somebody at home here follows has room here, and no voice: free keys neither raise a level nor hold one down"
    )
    func followed() async throws {
        let (node, people) = try await node()
        let model = try await node.publishModel("Clean")
        let strangers = try (120..<124).map {
            try Person(seed: $0, role: .person, scopes: [.release, .review, .post, .list])
        }
        try await node.take(strangers.map(\.genesis))
        let ada = try #require(people.first)
        try await node.publish(by: ada) { post in
            post.follows.follows = strangers.map { stranger in
                var follow = WireFollow()
                follow.author = stranger.id.data
                return follow
            }
        }
        for stranger in strangers {
            #expect(try await node.catalog.hasEarnedRoom(stranger.id))
            try await node.say(.xxx, of: .blob(model.image), by: stranger)
        }
        try await recount(node)
        #expect(node.catalog.levelRules.isEmpty)
        for person in people { try await node.say(.r, of: .blob(model.image), by: person) }
        try await recount(node)
        #expect(node.catalog.levelRules.rules == [.picture(model.image): .atLeast(.r)])
        let report = try await ShowLevel("file:\(model.image.hex)").run(in: node.services.context())
        #expect(report.votes == ["R": 3])
    }

    @Test(
        "whoever waits to be let in, was turned away or shut out does not count, though they have room",
        arguments: [AccountState.pending, .disabled, .rejected, .moved])
    func accounts(state: AccountState) async throws {
        let (node, people) = try await node()
        let model = try await node.publishModel("Clean")
        for person in people { try await node.say(.r, of: .blob(model.image), by: person) }
        try await recount(node)
        #expect(node.catalog.levelRules.rules == [.picture(model.image): .atLeast(.r)])
        _ = try await node.accounts.set(state, of: "cem")
        let cem = try #require(people.last)
        #expect(try await node.catalog.hasEarnedRoom(cem.id))
        try await recount(node)
        #expect(node.catalog.levelRules.isEmpty)
    }

    @Test("words about pictures that no post shows come to nothing, and nothing real goes unseen for them")
    func madeUp() async throws {
        let (node, people) = try await node()
        let model = try await node.publishModel("Clean")
        for number in 0..<UInt8(4) {
            for person in people { try await node.say(.x, of: .blob(SHA256.hash([number])), by: person) }
        }
        try await node.say(.r, of: .blob(model.image), by: try #require(people.first))
        try await recount(node)
        #expect(node.catalog.levelRules.isEmpty)
        let disputes = try await ListLevelDisputes().run(in: node.services.context()).disputes
        #expect(disputes.map(\.subject) == ["file:\(model.image.hex)"])
    }

    @Test("words that came before their post, by somebody who counts only later, count then")
    func early() async throws {
        let (node, people) = try await node()
        var post = WirePost()
        post.created = TestNode.time - 1000
        post.slot = "late"
        post.article.title = "Late"
        post.article.text = "It came late."
        post.article.level = Level.pg.rawValue
        let article = try node.maker.signer.sign(post)
        for person in people {
            try await node.catalog.setEarnedRoom(person.id, false)
            try await node.say(.r, of: .post(article.id), by: person)
        }
        try await recount(node)
        try await node.take([article])
        try await recount(node)
        #expect(node.catalog.levelRules.isEmpty)
        for person in people { try await node.catalog.setEarnedRoom(person.id, true) }
        try await recount(node)
        let thing = LevelSubject.work(author: node.maker.id, kind: .article, slug: "late")
        #expect(node.catalog.levelRules.rules == [thing: .atLeast(.r)])
    }

    @Test("a lock makes milder only the version that the moderator looked at, and people are heard on the next one")
    func versions() async throws {
        let (node, people) = try await node()
        let first = try await node.publishModel("Clean", level: .r).model
        let thing = LevelSubject.work(author: node.maker.id, kind: .model, slug: first.post.slot)
        let context = node.services.context()
        /// The level in the catalog, which pages and bytes follow, and the one by which peers are offered the post.
        func levels(_ post: SignedPost) async throws -> [Level] {
            let filter = node.moderation.filter(for: .owner)
            let shown = try #require(try await node.catalog.model(post: post.id, filter, detail: .brief))
            let offered = PostLevel.highest(
                of: post.post, id: post.id, author: post.author, node.moderation.levelRules)
            return [shown.level, try #require(offered)]
        }
        func replace(level: Level, at created: UInt64) async throws -> SignedPost {
            try await node.publish(by: node.maker) { post in
                post = first.post
                post.created = created
                post.model.level = level.rawValue
            }
        }
        let locked = try await LockLevel(subject: "post:\(first.id.hex)", level: "PG").run(in: context)
        #expect(locked.level == "PG" && locked.lock?.isOfOlderVersion == false)
        #expect(try await levels(first) == [.pg, .pg])

        let honest = try await replace(level: .x, at: TestNode.time - 900)
        #expect(try await levels(honest) == [.x, .x])
        let report = try await ShowLevel("post:\(honest.id.hex)").run(in: context)
        #expect(report.level == "X" && report.lock?.isOfOlderVersion == true)
        // Of the page of the older version, which a moderator still has open, no word about the newer one comes.
        let again = try await LockLevel(subject: "post:\(first.id.hex)", level: "PG").run(in: context)
        #expect(again.level == "X" && again.lock?.isOfOlderVersion == true)

        let dishonest = try await replace(level: .pg, at: TestNode.time - 800)
        #expect(try await levels(dishonest) == [.pg, .pg])
        for person in people { try await node.say(.x, of: .post(first.id), by: person, at: TestNode.time) }
        try await LevelDesk(context).catchUp()
        #expect(try await levels(dishonest) == [.pg, .pg])
        for person in people { try await node.say(.x, of: .post(dishonest.id), by: person, at: TestNode.time + 1) }
        try await LevelDesk(context).catchUp()
        #expect(try await levels(dishonest) == [.x, .x])
        #expect(try await node.moderation.spokenOf(by: Set(people.map(\.id))) == [thing])
        let judged = try await LockLevel(subject: "post:\(dishonest.id.hex)", level: "R").run(in: context)
        #expect(judged.level == "R")
        #expect(try await levels(dishonest) == [.r, .r])
    }

    @Test("a review that its author edits keeps the level that a moderator locked it at")
    func editedReview() async throws {
        let (node, people) = try await node()
        let model = try await node.publishModel("Clean")
        let context = node.services.context()
        let ada = try #require(people.first)
        func review(_ text: String, at created: UInt64) async throws -> SignedPost {
            try await node.publish(by: ada) { post in
                post.created = created
                post.slot = model.release.id.hex
                post.review.release = model.release.id.data
                post.review.text = text
                post.review.images = model.picture.post.imagePost.images
            }
        }
        let first = try await review("It works.", at: TestNode.time - 900)
        #expect(try await LockLevel(subject: "post:\(first.id.hex)", level: "R").run(in: context).level == "R")
        let edited = try await review("It works well.", at: TestNode.time - 800)
        let report = try await ShowLevel("post:\(edited.id.hex)").run(in: context)
        #expect(report.level == "R" && report.lock?.number == "L-1" && report.lock?.isOfOlderVersion == true)
        let shown = try await node.catalog.imagePost(post: edited.id, node.moderation.filter(for: .owner))
        #expect(shown?.images.map(\.level) == [.r])
        #expect(
            PostLevel.highest(of: edited.post, id: edited.id, author: ada.id, node.moderation.levelRules) == .r)
        // Of the older version, its words are about the newer one too.
        #expect(try await ShowLevel("post:\(first.id.hex)").run(in: context).lock?.number == "L-1")
    }

    @Test("of a picture that several show the first request stands, and whoever asked may say it anew")
    func reviews() async throws {
        let (node, people) = try await node()
        let model = try await node.publishModel("Clean")
        let ada = try #require(people.first)
        try await node.publish(by: ada) { post in
            post.imagePost = model.picture.post.imagePost
        }
        let context = node.services.context()
        func ask(_ handle: String, _ text: String) async throws -> String? {
            let acting = context.acting(for: try await node.accounts.existing(handle))
            return try await AskLevelReview(subject: "file:\(model.image.hex)", text: text).run(in: acting).review?.text
        }
        #expect(try await ask("maker", "It is a bee.") == "It is a bee.")
        let refused = await #expect(throws: OperationError.self) { try await ask("ada", "Leave it.") }
        #expect(refused?.code == .conflict)
        #expect(try await ask("maker", "It is only a bee.") == "It is only a bee.")
        #expect(try await node.moderation.levelReviews().map(\.text) == ["It is only a bee."])
    }
}

extension TestNode {
    /// Somebody's word on a level, as it comes from wherever they are at home.
    fileprivate func say(
        _ level: Level, of subject: ModerationSubject, by person: Person, at created: UInt64 = TestNode.time - 500
    ) async throws {
        var label = WireLabel()
        label.subject = ListSubject.exact(subject).wire
        label.label = LevelVote.label
        label.value = level.word
        label.basis = .human
        let name = try #require(label.subject.slotName)
        try await publish(by: person) { post in
            post.created = created
            post.slot = "\(name) \(LevelVote.label)"
            post.label = label
        }
    }
}
