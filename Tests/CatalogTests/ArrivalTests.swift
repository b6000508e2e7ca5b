import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import Testing
import WaggleProtocol

@Suite("Everything that people say, in any order of arrival")
struct ArrivalTests {
    @Test(
        "edits and deletes that race each other in any order and batching give the same answers",
        arguments: 1...4 as ClosedRange<UInt64>)
    func anyOrder(seed: UInt64) async throws {
        let world = ArrivalWorld(seed: seed)
        var expected: [String]?
        for order in 0..<3 as Range<UInt64> {
            try await withCatalog { catalog, _ in
                if order % 2 == 0 { try await say(catalog, world) }
                try await catalog.apply(world.log(seed: seed &* 100 + order), batches: order)
                if order % 2 == 1 { try await say(catalog, world) }
                let answers = try await answers(catalog, world)
                if let expected {
                    for (answer, other) in zip(answers, expected) {
                        expectEqual(answer, other, "seed \(seed), order \(order)")
                    }
                } else {
                    expected = answers
                    #expect(answers[2].count > 10_000, "seed \(seed) makes an empty world")
                }
            }
        }
    }

    @Test(
        "a catalog that was filled, and one whose filling was broken off, answer like one that followed line by line",
        arguments: 1...3 as ClosedRange<UInt64>)
    func filled(seed: UInt64) async throws {
        let world = ArrivalWorld(seed: seed)
        let log = world.log(seed: seed)
        var expected: [String] = []
        try await withCatalog { catalog, _ in
            try await say(catalog, world)
            try await catalog.apply(log, batches: seed)
            expected = try await answers(catalog, world)
        }
        // All in filling; half, and the rest line by line; a filling that reports no end until the log does.
        for filled in [log.count, log.count / 2, 1] {
            try await withCatalog { catalog, path in
                try await catalog.apply(Array(log.prefix(filled / 3)), moreFollow: true)
                try await say(catalog, world)
                try await catalog.apply(Array(log.prefix(filled * 2 / 3)), moreFollow: true)
                // What kill -9 leaves at this instant.
                let copy = try copy(path)
                try await catalog.apply(Array(log.prefix(filled)))
                try await catalog.apply(Array(log.dropFirst(filled)), batches: seed)
                expectSame(try await answers(catalog, world), expected, "seed \(seed), \(filled) lines filled")

                let reopened = try Catalog(path: copy)
                #expect(reopened.appliedSeq == 0)
                try await reopened.apply(log)
                expectSame(try await answers(reopened, world), expected, "seed \(seed), broken off")
                try await reopened.reset()
                try await reopened.apply(Array(log.prefix(filled)), moreFollow: true)
                try await reopened.reset()
                try await reopened.apply(log, batches: seed)
                expectSame(try await answers(reopened, world), expected, "seed \(seed), reset while filling")
            }
        }
    }

    @Test(
        "a catalog that is built anew answers as before until the new one is whole, whatever is asked or said meanwhile"
    )
    func askedMeanwhile() async throws {
        let world = ArrivalWorld(seed: 1)
        let log = world.log(seed: 1)
        try await withCatalog { catalog, path in
            try await catalog.apply(log)
            let before = try await answers(catalog, world)
            try await catalog.reset()
            #expect(catalog.appliedSeq == 0)
            try await catalog.apply(Array(log.prefix(log.count / 2)), moreFollow: true)
            #expect(catalog.appliedSeq == 0 && catalog.takenSeq == UInt64(log.count / 2))
            expectSame(try await answers(catalog, world), before, "while it is filled")
            // What kill -9 leaves at this instant answers too, and knows that it is to be built anew.
            let reopened = try Catalog(path: try copy(path))
            #expect(reopened.appliedSeq == 0)
            expectSame(try await answers(reopened, world), before, "broken off")
            try await say(catalog, world)
            let said = try await answers(catalog, world)
            #expect(said != before)
            // Questions that are under way when the new one takes its place.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        while catalog.appliedSeq == 0 {
                            let models = try await catalog.models(ModelQuery(), .all)
                            #expect(!models.items.isEmpty)
                        }
                    }
                }
                group.addTask { try await catalog.apply(Array(log.dropFirst(log.count / 2)), after: catalog.takenSeq) }
                try await group.waitForAll()
            }
            #expect(catalog.appliedSeq == UInt64(log.count))
            expectSame(try await answers(catalog, world), said, "built anew")
            #expect(!FileManager.default.fileExists(atPath: path + "-filling"))
        }
    }

    @Test("lines of before a reset are not taken by the filling that follows it")
    func resetMeanwhile() async throws {
        let world = ArrivalWorld(seed: 2)
        let log = world.log(seed: 2)
        let half = UInt64(log.count / 2)
        try await withCatalog { catalog, _ in
            try await catalog.apply(Array(log.prefix(Int(half))), moreFollow: true)
            try await catalog.reset()
            try await catalog.apply(Array(log.dropFirst(Int(half))), after: half, moreFollow: true)
            #expect(catalog.takenSeq == 0)
            try await catalog.apply(Array(log.dropFirst(Int(half))), after: half)
            #expect(catalog.appliedSeq == 0)
            try await catalog.apply(log)
            #expect(catalog.appliedSeq == UInt64(log.count))
        }
    }

    /// The database files of a catalog as they are on disk, in a folder of their own.
    private func copy(_ path: String) throws -> String {
        let folder = (path as NSString).deletingLastPathComponent
        let copy = folder + "/copy"
        try? FileManager.default.removeItem(atPath: copy)
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.contains(".db") {
            if name.hasSuffix("-shm") { continue }
            try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: "\(copy)/\(name)")
        }
        return copy + "/" + (path as NSString).lastPathComponent
    }

    private func answers(_ catalog: Catalog, _ world: ArrivalWorld) async throws -> [String] {
        var answers: [String] = []
        for filter in [ViewerFilter.pg, .all, .operator_] {
            answers.append(try await TalkDescription.of(catalog, filter, world))
        }
        return answers
    }

    private func expectSame(_ answers: [String], _ expected: [String], _ what: String) {
        for (answer, other) in zip(answers, expected) { expectEqual(answer, other, what) }
    }

    /// Hides one post of each kind, and a blob that several things show.
    private func say(_ catalog: Catalog, _ world: ArrivalWorld) async throws {
        try await catalog.setEarnedRoom(world.authors[0].id, true)
        let kinds: [PostKind] = [
            .profile, .follows, .channel, .collection, .article, .workflow, .comment, .reaction, .review, .imagePost,
        ]
        let posts = kinds.flatMap { kind in world.posts.filter { $0.kind == kind }.suffix(2) }
        try await catalog.setHidden(posts.map { .post($0.id) } + [.blob(hash("image 1"))], true)
        try await catalog.setHidden([.post(posts[0].id)], false)
    }
}

/// What the catalog answers one viewer about talk, people and works, without the numbers of this node.
private struct TalkDescription {
    let catalog: Catalog
    let filter: ViewerFilter
    var lines: [String] = []

    static func of(_ catalog: Catalog, _ filter: ViewerFilter, _ world: ArrivalWorld) async throws -> String {
        var description = TalkDescription(catalog: catalog, filter: filter)
        for author in world.authors { try await description.add(author) }
        try await description.addWorks()
        for post in world.standing { try await description.add(post) }
        for number in 0..<4 {
            let blob = hash("image \(number)")
            let reference = try await catalog.blobReference(blob)
            let standing = try await catalog.blobStandings([blob])[0]
            #expect(standing?.level == reference?.level)
            #expect(standing?.isReferencedByVisiblePost == reference?.isReferencedByVisiblePost)
            description.lines.append("blob \(number) \(String(describing: reference))")
        }
        return description.lines.joined(separator: "\n")
    }

    private mutating func add(_ author: TestAuthor) async throws {
        lines.append("author \(author.name) \(text(try await catalog.creator(.author(author.id), filter)))")
        for follow in try await catalog.following(author.id, limit: 20, filter).items {
            lines.append("follows \(follow.author) \(follow.petname) \(text(follow.creator))")
        }
        for follower in try await catalog.followers(author.id, limit: 20, filter).items {
            lines.append("followed by \(text(follower))")
        }
        var query = CollectionQuery()
        query.creator = .author(author.id)
        lines.append("collections \(try await catalog.collections(query, filter).items.map(\.post))")
    }

    private mutating func addWorks() async throws {
        lines += try await catalog.cards(ModelQuery(), filter).items.map { "card \(CardText.of($0))" }
        for collection in try await catalog.collections(CollectionQuery(), filter).items {
            let cover = collection.cover.map { "\($0.post) \($0.index)" } ?? "-"
            lines.append(
                "collection \(collection.post) \(collection.name) \(collection.itemCount) \(collection.counts) \(cover)"
            )
            let items = try await catalog.items(ofCollection: collection.id, limit: 100, filter).items
            #expect(items.count == collection.itemCount)
            for item in items {
                switch item {
                case .model(let model): lines.append("  model \(CardText.of(model))")
                case .release(let release, let model):
                    lines.append("  release \(release.post) of \(CardText.of(model))")
                case .images(let post): lines.append("  images \(post.post) \(post.images.map(\.index))")
                }
            }
        }
        for article in try await catalog.articles(ArticleQuery(), filter).items {
            lines.append("article \(article.post) \(article.cover?.hex ?? "-") \(article.counts) \(article.level)")
        }
        for workflow in try await catalog.workflows(WorkflowQuery(), filter).items {
            lines.append("workflow \(workflow.post) \(workflow.file.name) \(workflow.counts) \(workflow.level)")
        }
        let candidates = try await catalog.mirrorCandidates(limit: 1000, filter).items
        lines += candidates.map { "mirror \($0.sha256) \($0.modelType)" }.sorted()
    }

    private mutating func add(_ post: LoggedPost) async throws {
        if post.kind != .reaction, post.kind != .comment { try await addTalk(on: post) }
        try await addView(of: post)
    }

    private mutating func addTalk(on post: LoggedPost) async throws {
        for comment in try await catalog.threads(on: post.id, limit: 100, filter).items {
            lines.append(
                "\(post.id) thread \(comment.depth) \(comment.text) \(comment.replyCount) \(comment.counts)")
        }
        let comments = try await catalog.comments(on: post.id, limit: 100, filter).items
        if !comments.isEmpty { lines.append("\(post.id) comments \(comments.map { "\($0.depth) \($0.text)" })") }
    }

    private mutating func addView(of post: LoggedPost) async throws {
        switch post.kind {
        case .release:
            guard let release = try await catalog.release(post: post.id, filter) else { return }
            lines.append("release \(release.post) \(release.counts)")
            add(try await catalog.lineage(ofRelease: release.id, filter))
        case .model:
            guard let model = try await catalog.model(post: post.id, filter), model.post == post.id else { return }
            let channel = model.channel.map { "\($0.release) \($0.number) \($0.expires) \($0.isHere)" }
            lines.append("model \(post.id) \(model.counts) \(channel ?? "-")")
            let trending = try await catalog.explanation(ofModel: model.id, sort: .trending, filter)
            lines.append("  \(trending?.score ?? "-") \(trending?.facts.map(\.value) ?? [])")
            for review in try await catalog.reviews(ofModel: model.id, limit: 50, filter).items {
                lines.append("  review \(review.post) \(review.version) \(review.isRecommended) \(review.counts)")
            }
            var query = CollectionQuery()
            query.containing = post.id
            let containing = try await catalog.collections(query, filter).items
            #expect(containing.count == model.counts.collections)
            lines.append("  in \(containing.map(\.post))")
        case .imagePost:
            for image in try await catalog.imagePost(post: post.id, filter)?.images ?? [] {
                lines.append("image \(image.post) \(image.index) \(image.counts)")
                add(try await catalog.lineage(ofImage: image.id, filter))
                for match in try await catalog.recipe(ofImage: image.id, filter)?.resources ?? [] {
                    lines.append(
                        "  \(match.resource.name) \(match.state) \(match.release?.version ?? "-") "
                            + (match.release?.modelName ?? "-") + (match.fileName ?? "-"))
                }
            }
        case .reaction:
            let subject = Hash32(post.post.reaction.subject) ?? .zero
            lines.append("own \(try await catalog.reaction(of: post.author, on: subject))")
        default: break
        }
    }

    private mutating func add(_ lineage: LineageView) {
        for link in lineage.ancestors + lineage.descendants {
            lines.append(
                "  \(link.role) \(link.post) \(link.depth) \(link.release?.version ?? "-") "
                    + "\(link.model?.slug ?? "-") \(link.image?.image.alt ?? "-") \(link.creator?.name ?? "-")")
        }
        lines.append("  \(lineage.descendantCount) \(lineage.remixes.map { "\($0.post) \($0.index)" })")
    }

    private func text(_ creator: CreatorView?) -> String {
        guard let creator else { return "unknown" }
        return "\(creator.author) \(creator.name) \(creator.about) \(creator.avatar?.hex ?? "-") \(creator.links) "
            + "\(creator.followers) \(creator.following) \(creator.modelCount) \(creator.imageCount) "
            + "\(creator.isFromHere)"
    }
}
