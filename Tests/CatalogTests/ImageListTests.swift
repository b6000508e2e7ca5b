import Digests
import Foundation
import GRDB
import Moderation
import PostLog
import Testing
import WaggleProtocol

@testable import Catalog

@Suite("Lists of images")
struct ImageListTests {
    @Test(
        "any combination of filters gives what testing each image would, walked or sorted",
        arguments: 1...2 as ClosedRange<UInt64>)
    func filters(seed: UInt64) async throws {
        let world = TestWorld(seed: seed, scale: 2)
        try await withCatalog { catalog, _ in
            // Who is at home here is said in the middle, and taken back for another.
            let log = world.log(seed: seed)
            try await catalog.setEarnedRoom(world.authors[1].id, true)
            try await catalog.apply(Array(log.prefix(log.count / 2)))
            try await catalog.setEarnedRoom(world.authors[0].id, true)
            try await catalog.setEarnedRoom(world.authors[1].id, false)
            try await catalog.setHidden([.blob(hash("image 1 0"))], true)
            try await catalog.apply(log)
            try await react(catalog, world)
            var random = SeededRandom(seed)
            for filter in [ViewerFilter(mask: 13), .all] {
                var everything = ImageQuery()
                everything.limit = 200
                let images = try await catalog.images(everything, filter).items
                #expect(images.count > 20)
                for round in 0..<40 {
                    var query = randomQuery(world, images, &random)
                    let expected = Set(images.filter { matches($0, query) }.map(\.id))
                    for sortedSet in [0, 5000] {
                        query.position = .start
                        query.limit = Int.random(in: 1...20, using: &random)
                        var found: [Int32] = []
                        repeat {
                            let page = try await catalog.read { [query] database in
                                try ImageListing.page(query, ViewReader(database, filter), sortedSet: sortedSet)
                            }
                            found += page.items
                            query.position = page.next.map { .after($0) } ?? .start
                        } while query.position != .start
                        #expect(
                            found.count == expected.count && Set(found) == expected,
                            "seed \(seed), round \(round): \(query)")
                        let keys = found.compactMap { id in images.first { $0.id == id } }.map { key($0, query.sort) }
                        #expect(keys == keys.sorted(), "seed \(seed), round \(round): \(query.sort)")
                    }
                }
            }
        }
    }

    /// Counts of reactions, as the table of subjects holds them.
    private func react(_ catalog: Catalog, _ world: TestWorld) async throws {
        try await catalog.served.use { pool in
            try await pool.write { database in
                try database.execute(
                    sql: """
                        INSERT INTO subjects (post, reactions) SELECT post, id % 4 FROM image_posts WHERE true
                        ON CONFLICT DO UPDATE SET reactions = excluded.reactions
                        """)
                let projection = Projection(database, allotment: .init(), hidden: [])
                for id in try Int64.fetchAll(database, sql: "SELECT id FROM subjects") {
                    try projection.refreshReactions(ofImagesOf: id)
                }
            }
        }
    }

    private func matches(_ image: ImageView, _ query: ImageQuery) -> Bool {
        let bases = Set(image.releases.map { $0.baseModel.lowercased() })
        return (query.baseModels.isEmpty || !bases.isDisjoint(with: query.baseModels.map { $0.lowercased() }))
            && (query.levels.isEmpty || query.levels.contains(image.level))
            && (!query.hasRecipe || image.image.hasRecipe)
            && (!query.isFromHere || image.author.author == TestAuthor("a0").id)
            && (query.creator.map { $0 == .author(image.author.author) } ?? true)
            && (query.excludedCreator.map { $0 != .author(image.author.author) } ?? true)
            && (query.modelID.map { id in image.releases.contains { $0.modelID == id } } ?? true)
            && (query.since.map { image.created >= $0 } ?? true)
    }

    private func key(_ image: ImageView, _ sort: ImageQuery.Sort) -> Int64 {
        switch sort {
        case .newest: -Int64(image.created)
        case .oldest: Int64(image.created)
        case .mostReactions: -Int64(image.postID % 4)
        }
    }

    private func randomQuery(_ world: TestWorld, _ images: [ImageView], _ random: inout SeededRandom) -> ImageQuery {
        var query = ImageQuery()
        query.sort = ImageQuery.Sort.allCases.randomElement(using: &random)!
        if random.chance(40) {
            let count = Int.random(in: 1...2, using: &random)
            query.baseModels = Array(TestWorld.bases.shuffled(using: &random).prefix(count))
        }
        if random.chance(20) { query.levels = [.pg, .x] }
        if random.chance(30) { query.hasRecipe = true }
        if random.chance(25) { query.isFromHere = true }
        if random.chance(20) { query.creator = .author(world.authors.randomElement(using: &random)!.id) }
        if random.chance(20) { query.excludedCreator = .author(world.authors.randomElement(using: &random)!.id) }
        if random.chance(25) { query.modelID = images.flatMap(\.releases).randomElement(using: &random)?.modelID }
        if random.chance(15) { query.since = UInt64.random(in: 25...70, using: &random) }
        return query
    }

    @Test("the feed of here has what authors at home here published, and nothing else")
    func feedFromHere() async throws {
        let (resident, friend) = (TestAuthor("resident"), TestAuthor("friend"))
        try await withCatalog { catalog, _ in
            var log = TestLog()
            for author in [resident, friend] {
                log.show(author.model("m"), author.imagePost([image(author.name)]))
            }
            log.show(resident.follows([friend]))
            try await catalog.apply(log.take())
            func items() async throws -> Int { try await catalog.feed(limit: 10, isFromHere: true, .pg).items.count }
            #expect(try await items() == 0)
            try await catalog.setEarnedRoom(resident.id, true)
            #expect(try await items() == 2)
            log.show(resident.imagePost([image("later"), image("much", .x)], at: 90))
            try await catalog.apply(log.take())
            #expect(try await items() == 3)
            #expect(try await catalog.feed(limit: 10, .pg).items.count == 5)
            try await catalog.setEarnedRoom(resident.id, false)
            #expect(try await items() == 0)
        }
    }
}
