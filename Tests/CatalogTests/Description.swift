import Catalog
import Digests
import Foundation
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// A card as text, without the numbers of this node.
enum CardText {
    static func of(_ card: ModelCard) -> String {
        let cover = card.cover.map { "\($0.post) \($0.index) \($0.image.alt) \($0.title) \($0.author.name)" }
        return "\(card.post) \(card.author.author) \(card.author.name) \(card.slug) \(card.name) \(card.type) "
            + "\(card.level) \(card.updated) \(card.release?.baseModel ?? "-") \(card.counts) \(cover ?? "-")"
    }
}

/// Everything that the catalog answers one viewer, as text: two catalogs are equal when these are.
struct Description {
    private var lines: [String] = []
    /// Whether numbers of this node are part of it; they differ between nodes.
    private let hasNumbers: Bool
    private let catalog: Catalog
    private let filter: ViewerFilter

    static func of(_ catalog: Catalog, _ filter: ViewerFilter, world: TestWorld, numbers: Bool = false) async throws
        -> String
    {
        var description = Description(hasNumbers: numbers, catalog: catalog, filter: filter)
        try await description.addModels()
        try await description.addImages()
        try await description.addNames()
        try await description.addPosts(of: world)
        return description.lines.joined(separator: "\n")
    }

    private init(hasNumbers: Bool, catalog: Catalog, filter: ViewerFilter) {
        self.hasNumbers = hasNumbers
        self.catalog = catalog
        self.filter = filter
    }

    private mutating func addModels() async throws {
        for sort in ModelQuery.Sort.allCases {
            var query = ModelQuery()
            query.sort = sort
            query.limit = 7
            query.detail = sort == .newest ? .full : .list
            repeat {
                let page = try await catalog.models(query, filter)
                for model in page.items { lines.append("\(sort) \(text(model))") }
                for card in try await catalog.cards(query, filter).items {
                    lines.append("\(sort) card \(CardText.of(card)) \(number(card.id))")
                }
                query.position = page.next.map { .after($0) } ?? .start
            } while query.position != .start
        }
        var query = ModelQuery()
        query.limit = 200
        for model in try await catalog.models(query, filter).items {
            let why = try await catalog.explanation(ofModel: model.id, sort: .trending, filter)
            let days = why?.facts.map { "\($0.name): \($0.value)" } ?? []
            lines.append("trending \(model.post) \(days) \(why?.score ?? "")")
        }
        query.baseModels = ["sdxl 1.0"]
        query.formats = ["safetensor"]
        for query in [ModelQuery(), query] {
            for group in try await catalog.facets(within: query, filter) { lines.append("\(group)") }
        }
        for text in ["deeep sea", "trigger9", "mdoel blue"] {
            var query = ModelQuery()
            query.text = text
            let found = try await catalog.search(query, filter)
            lines.append("search \(text): \(found.corrected ?? "-") \(found.page.items.map(\.post))")
        }
        for text in ["mod", "deep sea", "trigger1 red", "m1", "nothing"] {
            var query = ModelQuery()
            query.text = text
            lines.append("search \(text): \(try await catalog.models(query, filter).items.map(\.post))")
        }
    }

    private mutating func addImages() async throws {
        for sort in ImageQuery.Sort.allCases {
            var query = ImageQuery()
            query.sort = sort
            query.limit = 9
            repeat {
                let page = try await catalog.images(query, filter)
                for image in page.items { lines.append("\(sort) \(text(image))") }
                query.position = page.next.map { .after($0) } ?? .start
            } while query.position != .start
        }
        for base in ["SDXL 1.0", "Pony"] {
            for isFromHere in [false, true] {
                var query = ImageQuery()
                (query.baseModels, query.isFromHere, query.hasRecipe) = ([base], isFromHere, base == "Pony")
                let images = try await catalog.images(query, filter).items
                lines.append("\(base) here \(isFromHere): \(images.map { "\($0.post) \($0.index)" })")
            }
        }
        var cursor: String?
        repeat {
            let page = try await catalog.feed(limit: 10, cursor: cursor, filter)
            for item in page.items {
                switch item {
                case .model(let model): lines.append("feed \(model.post)")
                case .image(let image): lines.append("feed \(image.post) \(image.index)")
                }
            }
            cursor = page.next
        } while cursor != nil
    }

    private mutating func addNames() async throws {
        for kind in [FacetKind.tag, .type, .baseModel] {
            lines.append("\(kind) \(try await catalog.facets(kind, FacetQuery(), filter).items)")
            lines.append("top \(kind) \(try await catalog.topFacets(kind, limit: 20, filter))")
        }
        for creator in try await catalog.creators(CreatorQuery(), filter).items {
            lines.append("creator \(text(creator))")
        }
        lines.append("creators \(try await catalog.creatorCount(filter))")
        lines.append("counts \(try await catalog.counts(filter))")
        var candidates: [String] = []
        var cursor: String?
        repeat {
            let page = try await catalog.mirrorCandidates(after: cursor, limit: 5, filter)
            candidates += page.items.map {
                "\($0.sha256) \($0.author) \($0.level) \($0.release?.hex ?? "") \($0.modelType) \($0.baseModel) \($0.tags)"
            }
            cursor = page.next
        } while cursor != nil
        // The order of a mirror pass is the order of arrival.
        lines += hasNumbers ? candidates : candidates.sorted()
    }

    private mutating func addPosts(of world: TestWorld) async throws {
        for author in world.authors {
            let creator = try await catalog.creator(.author(author.id), filter)
            lines.append(
                "author \(creator.map(text) ?? "none") \(try await catalog.profile(of: author.id)?.name ?? "-")")
        }
        for model in world.models {
            lines.append("comments \(try await comments(on: model.id))")
            let found = try await catalog.model(author: model.author, slug: model.slot, filter)
            lines.append("by slug \(found?.post.hex ?? "none")")
        }
        for post in world.releases {
            guard let release = try await catalog.release(post: post.id, filter) else { continue }
            lines.append("release \(text(release))")
            let reviews = try await catalog.reviews(ofRelease: release.id, limit: 50, filter)
            lines.append("reviews \(reviews.items.map { "\($0.post) \($0.isRecommended) \($0.text)" })")
            lines.append("comments \(try await comments(on: post.id))")
        }
        let files = Set(world.releases.flatMap { $0.post.release.files.map(\.sha256) })
        for sha256 in files.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            for claim in [Hex.encode(sha256), String(Hex.encode(sha256).prefix(10))] {
                // Every text of these lengths is a claim.
                let found = try await catalog.releases(byHash: HashClaim(claim)!, filter, detail: .card)
                lines.append("hash \(claim) \(found.map(\.post))")
            }
            lines.append("blob \(String(describing: try await catalog.blobReference(Hash32(sha256)!)))")
        }
    }

    private func comments(on post: Hash32) async throws -> [String] {
        try await catalog.comments(on: post, limit: 50, filter).items.map {
            "\($0.post) \($0.text) \($0.author.handle)"
        }
    }

    private func text(_ model: ModelView) -> String {
        var parts = ["model \(model.post) \(model.slug) \(model.body.name) \(model.level) \(model.levelBits)"]
        parts.append("\(model.created) \(model.updated) \(model.counts) \(text(model.author)) \(number(model.id))")
        parts += model.releases.map(text)
        return parts.joined(separator: "\n  ")
    }

    private func text(_ release: ReleaseView) -> String {
        var parts = ["release \(release.post) of \(release.modelPost) \(release.index) \(release.levelBits)"]
        parts.append("\(release.created) \(release.counts) \(release.author.handle) \(number(release.id))")
        parts += release.files.map { "file \(Hex.encode($0.file.sha256)) \($0.isPrimary) \(number($0.id))" }
        parts += release.images.map(text)
        return parts.joined(separator: "\n    ")
    }

    private func text(_ image: ImageView) -> String {
        let releases = image.releases.map {
            "\($0.modelName) \($0.version) \($0.baseModel) \(number($0.releaseID)) \(number($0.modelID))"
        }
        return "image \(image.post) \(image.index) \(image.level) \(image.image.alt) \(image.title) \(image.created) "
            + "\(image.author.handle) \(releases) \(number(image.id)) \(number(image.postID))"
    }

    private func text(_ creator: CreatorView) -> String {
        "\(creator.author) \(creator.name) \(creator.handle) \(creator.home) \(creator.modelCount) \(number(creator.id))"
    }

    private func number(_ id: Int32) -> String { hasNumbers ? "#\(id)" : "" }
}
