import ArgumentParser
import Catalog
import FoundationEssentials
import Glibc
import Moderation
import PostLog
import SwiftProtobuf

/// A catalog of a network of a given size, and what it costs to keep up with.
struct FillCatalogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog-fill",
        abstract: "Write a network's posts into a catalog; a JSON line of posts a second and bytes.")

    @Argument(help: "A folder for the catalog, which must be there.")
    var folder: String

    @Option(help: "Releases.")
    var releases = 10_000

    @Option(help: "Images.")
    var images = 100_000

    @Option(help: "The same seed makes the same network.")
    var seed: UInt64 = 1

    private struct Line: Encodable {
        let releases: Int
        let images: Int
        let posts: Int
        let postsPerSecond: Int
        /// The same by the processor time that the process took meanwhile, on a machine that does other things too.
        let postsPerProcessorSecond: Int
        let databaseBytes: Int
        /// Bytes of the posts that the catalog keeps, in their signed form without signatures.
        let postBytes: Int
    }

    @Option(help: "Posts of one transaction; a node that catches up hands over so many.")
    var batch = 2000

    func run() async throws {
        let catalog = try Catalog(path: "\(folder)/catalog.db")
        var posts = CatalogPosts(releases: releases, images: images, seed: seed)
        var (count, postBytes) = (0, 0)
        var (spent, worked) = (Duration.zero, 0)
        var prepared = try await catalog.prepare(posts.next(batch))
        while !prepared.entries.isEmpty {
            postBytes += try prepared.entries.reduce(0) { try $0 + $1.post.post.serializedData().count }
            count += prepared.entries.count
            let next = try posts.next(batch)
            let (began, clocked) = (ContinuousClock.now, clock())
            async let later = catalog.prepare(next)
            try await catalog.apply(prepared, moreFollow: !next.isEmpty)
            prepared = try await later
            spent += ContinuousClock.now - began
            worked += clock() - clocked
        }
        let counts = try await catalog.counts(CatalogVisitor.everything)
        let size = try FileManager.default.attributesOfItem(atPath: "\(folder)/catalog.db")[.size] as? Int
        let line = Line(
            releases: counts.releases, images: counts.images, posts: count,
            postsPerSecond: Int(Double(count) / (spent / .seconds(1))),
            postsPerProcessorSecond: Int(Double(count) * Double(CLOCKS_PER_SEC) / Double(max(worked, 1))),
            databaseBytes: size ?? 0, postBytes: postBytes)
        print(String(decoding: try JSONEncoder().encode(line), as: UTF8.self))
    }
}

/// Who asks.
enum CatalogVisitor {
    static let everything = Viewer.peer.filter(ceiling: .xxx)
    static let anonymous = Viewer.anonymous.filter(ceiling: .xxx)
}

/// How long the catalog takes to answer.
struct QueryCatalogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog-query",
        abstract: "Ask a filled catalog what pages ask; a JSON line of milliseconds for each question.")

    @Argument(help: "The folder of the catalog.")
    var folder: String

    @Option(help: "Questions of each kind.")
    var rounds = 200

    @Option(help: "The same seed asks the same.")
    var seed: UInt64 = 2

    @Option(help: "Only the question of this name.")
    var only: String?

    private struct Line: Encodable {
        let question: String
        let p50: Double
        let p95: Double
        let worst: Double
    }

    func run() async throws {
        let catalog = try Catalog(path: "\(folder)/catalog.db")
        let questions = CatalogQuestions(
            catalog: catalog, models: try await Self.someModels(catalog), words: CatalogPosts.vocabulary)
        for question in CatalogQuestions.Kind.allCases where only.map({ $0 == question.rawValue }) ?? true {
            var random = BenchRandom(seed)
            var times: [Double] = []
            for round in 0..<rounds + rounds / 10 {
                let began = ContinuousClock.now
                try await questions.ask(question, &random)
                // The first tenth warms the caches up.
                if round >= rounds / 10 { times.append((ContinuousClock.now - began) / .milliseconds(1)) }
            }
            times.sort()
            func at(_ part: Double) -> Double { (times[Int(Double(times.count - 1) * part)] * 1000).rounded() / 1000 }
            let line = Line(question: question.rawValue, p50: at(0.5), p95: at(0.95), worst: at(1))
            print(String(decoding: try JSONEncoder().encode(line), as: UTF8.self))
        }
    }

    /// Models from both ends of time and of the rankings.
    private static func someModels(_ catalog: Catalog) async throws -> [Int32] {
        var models: [Int32] = []
        for sort in ModelQuery.Sort.allCases {
            var query = ModelQuery()
            query.sort = sort
            query.limit = 200
            models += try await catalog.cards(query, CatalogVisitor.everything).items.map(\.id)
        }
        return models
    }
}

/// What pages ask, with parameters drawn as visitors choose them: frequent ones most of all.
struct CatalogQuestions {
    enum Kind: String, CaseIterable {
        case newest = "models, newest"
        case filtered = "models, three filters"
        case filteredByRank = "models, three filters, by a ranking"
        case releaseFilters = "models, base model and format, by a ranking"
        case permissions = "models, licence and permissions"
        case frequentWord = "search, frequent word"
        case frequentWordByRank = "search, frequent word, by a ranking"
        case rareWord = "search, rare word"
        case phrase = "search, words and an excluded one"
        case mistyped = "search, mistyped word"
        case facets = "facets within three filters"
        case facetsOfSearch = "facets within a search"
        case count = "count within a filter"
        case modelPage = "model page"
        case explanation = "explanation of a ranking"
        case images = "images, newest"
        case imagesByBase = "images of a base model with a recipe"
        case imagesByReactions = "images, most reactions"
        case imagesOfModel = "images of a model, most reactions"
        case feed = "mixed feed"
    }

    let catalog: Catalog
    let models: [Int32]
    let words: Int

    func ask(_ kind: Kind, _ random: inout BenchRandom) async throws {
        let viewer = random.chance(50) ? CatalogVisitor.anonymous : CatalogVisitor.everything
        switch kind {
        case .newest, .filtered, .filteredByRank, .releaseFilters, .permissions, .frequentWord, .frequentWordByRank,
            .rareWord, .phrase:
            _ = try await catalog.cards(query(kind, &random), viewer)
        case .mistyped:
            _ = try await catalog.searchCards(query(kind, &random), viewer)
        case .facets, .facetsOfSearch:
            _ = try await catalog.facets(within: query(kind, &random), viewer)
        case .count:
            _ = try await catalog.count(query(kind, &random), viewer)
        case .modelPage, .explanation:
            try await askForModel(kind, &random)
        case .images, .imagesByBase, .imagesByReactions, .imagesOfModel:
            _ = try await catalog.images(imageQuery(kind, &random), viewer)
        case .feed:
            _ = try await catalog.feed(limit: 48, viewer)
        }
    }

    private func query(_ kind: Kind, _ random: inout BenchRandom) -> ModelQuery {
        var query = ModelQuery()
        let ranks: [ModelQuery.Sort] = [.mostDownloaded, .highestRated, .mostDiscussed, .trending, .updated]
        if [.filteredByRank, .releaseFilters, .frequentWordByRank].contains(kind) {
            query.sort = ranks.randomElement(using: &random) ?? .trending
        }
        switch kind {
        case .filtered, .filteredByRank, .facets:
            query.types = [CatalogPosts.types.randomElement(using: &random) ?? ""]
            query.baseModels = [CatalogPosts.bases[random.rank(below: CatalogPosts.bases.count)]]
            query.tags = [CatalogPosts.tag(random.rank(below: 4000))]
        case .releaseFilters:
            query.baseModels = [CatalogPosts.bases[random.rank(below: CatalogPosts.bases.count)]]
            query.formats = [CatalogPosts.formats.randomElement(using: &random) ?? ""]
        case .permissions:
            query.licences = [CatalogPosts.licences.randomElement(using: &random) ?? ""]
            query.permissions = [.sell, .derivatives]
        case .count:
            query.tags = [CatalogPosts.tag(random.rank(below: 4000))]
        case .frequentWord, .frequentWordByRank, .facetsOfSearch:
            query.text = CatalogPosts.word(random.rank(below: 20))
        case .rareWord:
            query.text = CatalogPosts.word(Int.random(in: 10_000..<words, using: &random))
        case .phrase:
            let words = (0..<2).map { _ in CatalogPosts.word(random.rank(below: 100)) }
            query.text = words.joined(separator: " ") + " -\(CatalogPosts.word(0))"
        case .mistyped:
            var word = Array(CatalogPosts.word(Int.random(in: 1000..<words, using: &random)))
            word.swapAt(word.count / 2, word.count / 2 - 1)
            word[word.count - 2] = "w"
            query.text = String(word)
        default: break
        }
        return query
    }

    private func askForModel(_ kind: Kind, _ random: inout BenchRandom) async throws {
        let id = models.randomElement(using: &random) ?? 1
        if kind == .explanation {
            let sort = ModelQuery.Sort.allCases.randomElement(using: &random) ?? .trending
            _ = try await catalog.explanation(ofModel: id, sort: sort, CatalogVisitor.everything)
        } else {
            _ = try await catalog.model(id: id, CatalogVisitor.everything)
        }
    }

    private func imageQuery(_ kind: Kind, _ random: inout BenchRandom) -> ImageQuery {
        var query = ImageQuery()
        switch kind {
        case .imagesByBase:
            query.baseModels = [CatalogPosts.bases[random.rank(below: CatalogPosts.bases.count)]]
            query.hasRecipe = true
        case .imagesByReactions: query.sort = .mostReactions
        case .imagesOfModel:
            query.sort = .mostReactions
            query.modelID = models.randomElement(using: &random)
        default: break
        }
        return query
    }
}
