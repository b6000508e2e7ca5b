import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import Testing
import WaggleProtocol

@Suite("Who sees what in lists and counts")
struct VisibilityTests {
    let maker = TestAuthor("maker")
    let other = TestAuthor("other")

    @Test("a release is not shown until its model is here, and gone when the model is deleted")
    func releaseBeforeModel() async throws {
        let model = maker.model("m")
        let release = maker.release("m")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(release)
            try await catalog.apply(log.take())
            #expect(try await catalog.release(post: release.id, .operator_) == nil)
            #expect(try await catalog.releases(byHash: HashClaim(sha256: sha(release)), .operator_).isEmpty)
            #expect(try await catalog.blobReference(sha(release)) == nil)

            log.show(model)
            try await catalog.apply(log.take())
            let shown = try #require(try await catalog.release(post: release.id, .pg))
            #expect(shown.modelPost == model.id)
            #expect(try await catalog.model(post: model.id, .pg)?.releases.map(\.id) == [shown.id])

            log.hide(model)
            try await catalog.apply(log.take())
            #expect(try await catalog.release(id: shown.id, .operator_) == nil)
            #expect(try await catalog.counts(.operator_) == CatalogCounts())
        }
    }

    @Test("only releases signed by the model's own author belong to it")
    func foreignRelease() async throws {
        let foreign = other.release("m", version: "stolen", of: maker)
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(foreign, maker.model("m"), maker.release("m"))
            try await catalog.apply(log.entries)
            let model = try #require(try await catalog.model(author: maker.id, slug: "m", .operator_))
            #expect(model.releases.map(\.body.version) == ["v1"])
            #expect(try await catalog.release(post: foreign.id, .operator_) == nil)
            #expect(try await catalog.blobReference(sha(foreign)) == nil)
        }
    }

    @Test("nothing above the mask is listed, counted, found or hinted at", arguments: Level.allCases)
    func aboveTheMask(level: Level) async throws {
        let model = maker.model("m", name: "Secret", type: "Odd", tags: ["odd"], level: level)
        let release = maker.release("m", base: "Odd base", words: ["hush"])
        let post = maker.imagePost([image("a", level)], releases: [release])
        let review = other.review(release, true, text: "good")
        let comment = other.comment(release, "hm")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(maker.profile("Maker"), model, release, post, review, comment)
            try await catalog.apply(log.entries)
            for mask in [0, 1, 2, 4, 8, 16, 32, 3, 7, 15, 31, 63, 62, 42] as [UInt32] {
                let filter = ViewerFilter(mask: mask)
                let count = filter.contains(level) ? 1 : 0
                var query = ModelQuery()
                for sort in ModelQuery.Sort.allCases {
                    query.sort = sort
                    #expect(try await catalog.models(query, filter).items.count == count)
                }
                query.text = "secret hush"
                #expect(try await catalog.models(query, filter).items.count == count)
                #expect(try await catalog.images(ImageQuery(), filter).items.count == count)
                #expect(try await catalog.feed(limit: 10, filter).items.count == 2 * count)
                #expect(try await catalog.counts(filter).models == count)
                #expect(try await catalog.counts(filter).releases == count)
                #expect(try await catalog.counts(filter).images == count)
                for kind in [FacetKind.tag, .type, .baseModel] {
                    #expect(
                        try await catalog.facets(kind, FacetQuery(), filter).items.map(\.count)
                            == Array(repeating: 1, count: count))
                    #expect(try await catalog.topFacets(kind, limit: 5, filter).count == count)
                }
                #expect(try await catalog.creators(CreatorQuery(), filter).items.count == count)
                #expect(try await catalog.creatorCount(filter) == count)
                #expect(try await catalog.creator(.author(maker.id), filter)?.modelCount == count)
                #expect(try await catalog.releases(byHash: HashClaim(sha256: sha(release)), filter).count == count)
                #expect(try await catalog.releases(bySHA256: [sha(release)], filter).count == count)
                #expect(try await catalog.matches(bySHA256: [sha(release)], filter).count == count)
                #expect((try await catalog.imagePost(post: post.id, filter) != nil) == (count == 1))
                #expect(try await catalog.mirrorCandidates(limit: 10, filter).items.count == count)
                #expect(try await catalog.comments(on: release.id, limit: 10, filter).items.count == count)
                let id = try #require(try await catalog.release(post: release.id, .operator_)).id
                #expect(try await catalog.reviews(ofRelease: id, limit: 10, filter).items.count == count)
            }
        }
    }

    @Test("a model is listed by its own level, and its images are filtered one by one")
    func imagesOneByOne() async throws {
        let release = maker.release("m")
        let post = maker.imagePost(
            [image("pg"), image("r", .r), image("unrated", nil), image("pg too")], releases: [release])
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(post, release, maker.model("m"))
            try await catalog.apply(log.entries)
            let model = try #require(try await catalog.model(author: maker.id, slug: "m", .pg))
            #expect(model.releases[0].images.map(\.image.alt) == ["pg", "pg too"])
            #expect(model.levelBits == 1)
            let wide = try #require(try await catalog.model(author: maker.id, slug: "m", ViewerFilter(mask: 5)))
            #expect(wide.releases[0].images.map(\.image.alt) == ["pg", "r", "pg too"])
            #expect(wide.levelBits == 5)
            #expect(wide.releases[0].levelBits == 5)
            let all = try #require(try await catalog.imagePost(post: post.id, .all))
            #expect(all.images.map(\.level) == [.pg, .r, .xxx, .pg])
            #expect(all.images.map(\.index) == [0, 1, 2, 3])
        }
    }

    @Test("what a release shows first is its author's own images, then others', newest first")
    func ownImagesFirst() async throws {
        let release = maker.release("m")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(
                maker.model("m"), release, other.imagePost([image("theirs old")], releases: [release], at: 100),
                other.imagePost([image("theirs new")], releases: [release], at: 300),
                maker.imagePost([image("own old")], releases: [release], at: 50),
                maker.imagePost([image("own new")], releases: [release], at: 60),
                other.review(release, true, images: [image("review")], at: 200))
            try await catalog.apply(log.entries)
            let shown = try #require(try await catalog.release(post: release.id, .pg))
            #expect(
                shown.images.map(\.image.alt) == ["own new", "own old", "theirs new", "review", "theirs old"])
            var query = ImageQuery()
            query.releaseID = shown.id
            let gallery = ["theirs new", "review", "theirs old", "own new", "own old"]
            #expect(try await catalog.images(query, .pg).items.map(\.image.alt) == gallery)
            query.releaseID = nil
            query.modelID = shown.modelID
            #expect(try await catalog.images(query, .pg).items.map(\.image.alt) == gallery)
            query.creator = .author(other.id)
            #expect(
                try await catalog.images(query, .pg).items.map(\.image.alt) == ["theirs new", "review", "theirs old"])
            query.modelID = nil
            query.since = 250
            #expect(try await catalog.images(query, .pg).items.map(\.image.alt) == ["theirs new"])
        }
    }

    @Test("a hidden blob, tensor digest or post leaves every list but the operator's, now and when it comes later")
    func hidden() async throws {
        let model = maker.model("m")
        let release = maker.release("m")
        let post = maker.imagePost([image("a"), image("b")], releases: [release])
        let comment = other.comment(release, "rude")
        let review = other.review(release, true)
        let subjects: [ModerationSubject] = [
            .blob(hash("image a")), .tensors(Hash32(release.post.release.files[0].tensorDigest)!), .post(comment.id),
            .post(review.id),
        ]
        var log = TestLog()
        log.show(model, release, post, comment, review)
        for isBefore in [true, false] {
            try await withCatalog { catalog, _ in
                if isBefore { try await catalog.setHidden(subjects, true) }
                try await catalog.apply(log.entries)
                if !isBefore { try await catalog.setHidden(subjects, true) }
                // The release's only file is hidden, so the release is.
                #expect(try await catalog.model(post: model.id, .all)?.releases.isEmpty == true)
                #expect(try await catalog.images(ImageQuery(), .all).items.map(\.image.alt) == ["b"])
                #expect(try await catalog.blobReference(sha(release))?.isReferencedByVisiblePost == false)
                #expect(try await catalog.counts(.all).releases == 0)
                let operators = try #require(try await catalog.model(post: model.id, .operator_))
                #expect(operators.releases.first?.files.count == 1)
                #expect(operators.releases.first?.images.count == 2)
                #expect(operators.counts.comments == 0)
                #expect(operators.counts.recommended == 0)
                #expect(try await catalog.comments(on: release.id, limit: 5, .operator_).items.count == 1)

                try await catalog.setHidden(subjects, false)
                let shown = try #require(try await catalog.model(post: model.id, .all))
                #expect(shown.releases.first?.images.count == 2)
                #expect(shown.counts.comments == 1)
                #expect(shown.counts.recommended == 1)
                #expect(try await catalog.counts(.all).releases == 1)

                try await catalog.setHidden([.post(model.id)], true)
                #expect(try await catalog.model(post: model.id, .all) == nil)
                #expect(try await catalog.release(post: release.id, .all) == nil)
                #expect(try await catalog.comments(on: release.id, limit: 5, .all).items.isEmpty)
            }
        }
    }
}

/// The SHA-256 of a release's first file.
func sha(_ release: LoggedPost) -> Hash32 {
    Hash32(release.post.release.files[0].sha256)!
}
