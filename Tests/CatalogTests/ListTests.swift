import Digests
import Foundation
import GRDB
import Moderation
import PostLog
import Statements
import Testing
import WaggleProtocol

@testable import Catalog

@Suite("Lists of models")
struct ListTests {
    /// What a query must answer, told from the views alone.
    private func matches(_ model: ModelView, _ query: ModelQuery) -> Bool {
        func folded(_ values: [String]) -> Set<String> { Set(values.map { $0.lowercased() }) }
        let tags = folded(model.body.tags)
        let bases = folded(model.releases.map(\.body.baseModel))
        let published = model.releases.map(\.created).min() ?? model.created
        func isChosen(_ release: ReleaseView) -> Bool {
            (query.baseModels.isEmpty || folded(query.baseModels).contains(release.body.baseModel.lowercased()))
                && (query.formats.isEmpty
                    || !folded(query.formats).isDisjoint(with: folded(release.files.map(\.file.format))))
        }
        let licence = model.body.licence
        let allowed =
            Set(folded(licence.commercialUse).map { ["image": .sellImages, "rent": .rent][$0] ?? .sell })
            .union(licence.derivatives ? [.derivatives] : []) as Set<Permission>
        let needsRelease = query.hasRelease || !query.baseModels.isEmpty || !query.formats.isEmpty
        return folded(query.tags).isSubset(of: tags) && folded(query.excludedTags).isDisjoint(with: tags)
            && (query.types.isEmpty || folded(query.types).contains(model.body.type.lowercased()))
            && !folded(query.excludedTypes).contains(model.body.type.lowercased())
            && (!needsRelease || model.releases.contains(where: isChosen))
            && folded(query.excludedBaseModels).isDisjoint(with: bases)
            && (query.since.map { published >= $0 } ?? true) && (query.until.map { published < $0 } ?? true)
            && (query.ids.isEmpty || query.ids.contains(model.id))
            && (query.creator.map { $0 == .author(model.author.author) } ?? true)
            && (query.levels.isEmpty || query.levels.contains(model.level))
            && (query.licences.isEmpty || folded(query.licences).contains(licence.name.lowercased()))
            && query.permissions.isSubset(of: allowed)
            && (!query.isFromHere || model.author.author == TestAuthor("a0").id)
    }

    @Test(
        "any combination of filters gives what testing each model would, walked or sorted",
        arguments: 1...3 as ClosedRange<UInt64>)
    func filters(seed: UInt64) async throws {
        let world = TestWorld(seed: seed, scale: 2)
        try await withCatalog { catalog, _ in
            try await catalog.apply(world.log(seed: seed))
            try await catalog.setEarnedRoom(world.authors[0].id, true)
            var random = SeededRandom(seed)
            for filter in [ViewerFilter(mask: 13), .all] {
                var everything = ModelQuery()
                everything.detail = .full
                everything.limit = 200
                let models = try await catalog.models(everything, filter).items
                #expect(!models.isEmpty)
                for round in 0..<40 {
                    var query = randomQuery(world, models, &random)
                    let expected = Set(models.filter { matches($0, query) }.map(\.id))
                    for way in [ModelListing.Way.walk, .sort, .cheaper] {
                        var found: [Int32] = []
                        query.position = .start
                        query.limit = Int.random(in: 1...10, using: &random)
                        repeat {
                            let page = try await catalog.read { [query] database in
                                try ModelListing.page(database, query, filter, way: way)
                            }
                            found += page.items
                            query.position = page.next.map { .after($0) } ?? .start
                        } while query.position != .start
                        #expect(
                            found.count == expected.count && Set(found) == expected,
                            "seed \(seed), round \(round): \(query)")
                        expectOrder(found.compactMap { id in models.first { $0.id == id } }, query.sort)
                    }
                    try await expectFacets(catalog, query, models, filter, "seed \(seed), round \(round)")
                }
            }
        }
    }

    private func randomQuery(_ world: TestWorld, _ models: [ModelView], _ random: inout SeededRandom) -> ModelQuery {
        var query = ModelQuery()
        query.sort = ModelQuery.Sort.allCases.randomElement(using: &random)!
        func some(_ values: [String], _ percent: Int) -> [String] {
            random.chance(percent)
                ? Array(values.shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random))) : []
        }
        query.tags = Array(some(TestWorld.tags, 25).prefix(1))
        query.excludedTags = some(TestWorld.tags, 15)
        query.types = some(TestWorld.types, 30)
        query.baseModels = some(TestWorld.bases, 30)
        query.excludedBaseModels = query.baseModels.isEmpty ? some(TestWorld.bases, 15) : []
        if random.chance(20) { query.hasRelease = true }
        if random.chance(20) { query.since = UInt64.random(in: 5...50, using: &random) }
        if random.chance(15) { query.creator = .author(world.authors.randomElement(using: &random)!.id) }
        query.excludedTypes = query.types.isEmpty ? some(TestWorld.types, 10) : []
        query.formats = some(TestWorld.formats.filter { !$0.contains(",") }, 20)
        query.licences = some(TestWorld.licences.filter { !$0.isEmpty }, 15)
        if random.chance(15) {
            query.permissions.insert([.sell, .derivatives, .sellImages].randomElement(using: &random)!)
        }
        if random.chance(15) { query.levels = [.pg, .xxx] }
        if random.chance(15) { query.isFromHere = true }
        if random.chance(15) { query.until = UInt64.random(in: 25...60, using: &random) }
        if random.chance(10) { query.ids = models.shuffled(using: &random).prefix(4).map(\.id) }
        return query
    }

    /// What the filter column shows, told from the views alone.
    private func expectFacets(
        _ catalog: Catalog, _ query: ModelQuery, _ models: [ModelView], _ filter: ViewerFilter, _ comment: String
    ) async throws {
        let count = models.filter { matches($0, query) }.count
        #expect(try await catalog.count(query, filter) == ModelCount(count: count, isExact: true), "\(comment)")
        let groups = try await catalog.facets(within: query, filter)
        #expect(groups.map(\.kind) == FacetKind.allCases && groups.allSatisfy(\.isExact))
        for group in groups {
            // Choosing one value of a kind must find as many models as the value says.
            for value in group.values.prefix(3) {
                var chosen = query
                switch group.kind {
                case .type: chosen.types = [value.name]
                case .baseModel: chosen.baseModels = [value.name]
                case .tag: chosen.tags = [value.name]
                case .format: chosen.formats = [value.name]
                case .licence: chosen.licences = [value.name]
                case .level: chosen.levels = Level(word: value.name).map { [$0] } ?? []
                }
                let count = models.filter { matches($0, chosen) }.count
                #expect(count == value.count, "\(comment): \(group.kind) \(value) \(query)")
            }
        }
    }

    private func expectOrder(_ models: [ModelView], _ sort: ModelQuery.Sort) {
        var values: [Int] = []
        for model in models {
            let published = model.releases.map(\.created).min() ?? model.created
            let count = Int64(model.counts.recommended)
            let value =
                switch sort {
                case .newest: -Int(published)
                case .oldest: Int(published)
                case .updated: -Int(model.updated)
                case .mostDownloaded: -model.counts.downloads
                case .highestRated:
                    -Int(Rating.score(recommended: count, notRecommended: Int64(model.counts.notRecommended)))
                case .mostDiscussed: -model.counts.comments
                case .trending: 0
                }
            values.append(value)
        }
        #expect(values == values.sorted(), "\(sort)")
    }

    @Test("a filter's values are spelled as the models that are left spell them, and a name that none has is forgotten")
    func spellings() async throws {
        let maker = TestAuthor("maker")
        let models = ["LoRA", "LORA", "lora"].enumerated().map { index, type in
            maker.model("m\(index)", type: type, tags: ["bees", "only \(index)"])
        }
        try await withCatalog { catalog, _ in
            func values(_ kind: FacetKind) async throws -> [FacetView] {
                var query = ModelQuery()
                query.tags = ["Bees"]
                return try await catalog.facets(within: query, .pg).first { $0.kind == kind }?.values ?? []
            }
            func names() async throws -> [String] {
                try await catalog.read {
                    try $0.rows("SELECT label FROM term_names WHERE kind IN (1, 2) ORDER BY label").map { $0[0] }
                }
            }
            var log = TestLog()
            log.show(models[0], models[1], models[2])
            try await catalog.apply(log.take())
            #expect(try await values(.type).map(\.name) == ["LORA"])
            #expect(try await values(.type).map(\.count) == [3])
            #expect(try await names() == ["LORA", "LoRA", "bees", "lora", "only 0", "only 1", "only 2"])
            // One leaves, one moves to another shelf.
            log.hide(models[1])
            log.hide(models[0], .superseded)
            log.show(maker.model("m0", type: "LoRA", tags: ["bees", "only 0"], level: .r, at: 90))
            try await catalog.apply(log.take())
            #expect(try await values(.type).map(\.name) == ["lora"])
            #expect(try await names() == ["LoRA", "bees", "lora", "only 0", "only 2"])
        }
    }

    @Test("a base model belongs to the release: the view carries the releases that match")
    func baseModelOfReleases() async throws {
        let maker = TestAuthor("maker")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(
                maker.model("m"), maker.release("m", version: "old", base: "SD 1.5", at: 20),
                maker.release("m", version: "new", base: "SDXL 1.0", at: 30))
            try await catalog.apply(log.entries)
            var query = ModelQuery()
            query.detail = .full
            query.baseModels = ["sd 1.5"]
            let model = try #require(try await catalog.models(query, .pg).items.first)
            #expect(model.releases.map(\.body.version) == ["old"])
            #expect(model.releases.map(\.index) == [1])
            query.excludedBaseModels = ["SDXL 1.0"]
            #expect(try await catalog.models(query, .pg).items.isEmpty)
        }
    }

    @Test("while models and images arrive, paging sees every one that was there exactly once")
    func pagingWhileWriting() async throws {
        let maker = TestAuthor("maker")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            var random = SeededRandom(3)
            for number in 0..<60 {
                // Few seconds, so that many share one.
                let at = UInt64.random(in: 100...110, using: &random)
                log.show(
                    maker.model("m\(number)", level: [.pg, .r].randomElement(using: &random), at: at),
                    maker.imagePost([image("\(number)"), image("\(number) r", .r)], at: at))
            }
            try await catalog.apply(log.take())
            let before = try await Set(allModels(catalog)).count
            #expect(before == 60)
            var query = ModelQuery()
            query.limit = 7
            var images = ImageQuery()
            images.limit = 7
            var (slugs, alts, feed): ([String], [String], Int) = ([], [], 0)
            var (modelsAt, imagesAt, feedAt): (PagePosition?, PagePosition?, String??) = (.start, .start, .some(nil))
            var round = 0
            while modelsAt != nil || imagesAt != nil || feedAt != nil {
                if let position = modelsAt {
                    query.position = position
                    let page = try await catalog.models(query, .all)
                    slugs += page.items.map(\.slug)
                    modelsAt = page.next.map { .after($0) }
                }
                if let position = imagesAt {
                    images.position = position
                    let page = try await catalog.images(images, .all)
                    alts += page.items.map(\.image.alt)
                    imagesAt = page.next.map { .after($0) }
                }
                if let cursor = feedAt {
                    let page = try await catalog.feed(limit: 30, cursor: cursor, .all)
                    feed += page.items.count
                    feedAt = page.next.map { .some($0) }
                }
                // New ones come before, among and after, while the first pages are read.
                guard round < 6 else { continue }
                let at = [105, 200, 1][round % 3] as UInt64
                log.show(maker.model("new\(round)", at: at), maker.imagePost([image("new \(round)")], at: at))
                try await catalog.apply(log.take())
                round += 1
            }
            for number in 0..<60 {
                #expect(slugs.filter { $0 == "m\(number)" }.count == 1)
                #expect(alts.filter { $0 == "\(number)" || $0 == "\(number) r" }.count == 2)
            }
            #expect(feed >= 180)
        }
    }

    private func allModels(_ catalog: Catalog) async throws -> [Int32] {
        var query = ModelQuery()
        query.limit = 200
        return try await catalog.models(query, .all).items.map(\.id)
    }

    @Test("pages by number follow each other, and end where offsets would cost too much")
    func pageNumbers() async throws {
        let maker = TestAuthor("maker")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            for number in 0..<25 { log.show(maker.model("m\(number)", at: UInt64(number + 1))) }
            try await catalog.apply(log.entries)
            var query = ModelQuery()
            query.limit = 10
            var slugs: [String] = []
            for page in 1...3 {
                query.position = .number(page)
                let found = try await catalog.models(query, .pg)
                slugs += found.items.map(\.slug)
                #expect((found.next == nil) == (page == 3))
            }
            #expect(slugs == (0..<25).reversed().map { "m\($0)" })
            for bad in [0, -1, 1002, .max] {
                query.position = .number(bad)
                await #expect(throws: CatalogError.self) { try await catalog.models(query, .pg) }
            }
        }
    }

    @Test(
        "a cursor that is none of this list's is refused",
        arguments: [
            "", "n", "n1.2", "n1.2.3.4", "o1.2.3", "n1.2.x", "n1..3", "n99999999999999999999.1.1",
            String(repeating: "n1", count: 500),
        ])
    func badCursors(cursor: String) async throws {
        try await withCatalog { catalog, _ in
            var query = ModelQuery()
            query.position = .after(cursor)
            await #expect(throws: CatalogError.self) { try await catalog.models(query, .pg) }
            await #expect(throws: CatalogError.self) { try await catalog.feed(limit: 5, cursor: cursor, .pg) }
            await #expect(throws: CatalogError.self) {
                try await catalog.mirrorCandidates(after: cursor, limit: 5, .pg)
            }
            var images = ImageQuery()
            images.position = .after(cursor)
            await #expect(throws: CatalogError.self) { try await catalog.images(images, .pg) }
        }
    }

    @Test("queries beyond the limits are refused")
    func limits() async throws {
        try await withCatalog { catalog, _ in
            for limit in [0, -1, Limits.Catalog.pageItems + 1] {
                var query = ModelQuery()
                query.limit = limit
                await #expect(throws: CatalogError.self) { try await catalog.models(query, .pg) }
                await #expect(throws: CatalogError.self) { try await catalog.feed(limit: limit, .pg) }
            }
            var query = ModelQuery()
            query.ids = Array(1...Int32(Limits.Catalog.valuesPerFilter + 1))
            await #expect(throws: CatalogError.self) { try await catalog.models(query, .pg) }
            let hashes = Array(repeating: Hash32.zero, count: Limits.Catalog.hashesPerLookup + 1)
            await #expect(throws: CatalogError.self) { try await catalog.matches(bySHA256: hashes, .pg) }
        }
    }

    @Test("search finds every word as typed so far, in names, tags, trained words and versions")
    func search() async throws {
        let maker = TestAuthor("maker")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(
                maker.model("deep-sea", name: "Détail Tweaker", tags: ["Ocean Life"], at: 1),
                maker.release("deep-sea", version: "Turbo", base: "SDXL 1.0", words: ["coralstyle"]),
                maker.model("hidden", name: "Detail hidden", level: .xxx, at: 2))
            try await catalog.apply(log.entries)
            func found(_ text: String, _ filter: ViewerFilter = .pg) async throws -> [String] {
                var query = ModelQuery()
                query.text = text
                return try await catalog.models(query, filter).items.map(\.slug)
            }
            for text in ["detail", "DET tweak", "ocean", "coral", "turbo sdxl", "deep sea", "tweaker, life!", "d"] {
                #expect(try await found(text) == (text == "d" ? [] : ["deep-sea"]), "\(text)")
            }
            #expect(try await found("detail", .all) == ["deep-sea", "hidden"])
            // Operators of the search language are words like any other.
            for text in ["\"", "detail OR nothing", "name:detail", "* NEAR(", "s1", "!!!", "-", "detail AND"] {
                #expect(try await found(text).isEmpty, "\(text)")
            }
        }
    }

    @Test("downloads and reviews decide their orders, and few good reviews count less than many")
    func popularity() async throws {
        let maker = TestAuthor("maker")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            let releases = (0..<3).map { maker.release("m\($0)") }
            for number in 0..<3 { log.show(maker.model("m\(number)", at: 10), releases[number]) }
            for number in 0..<20 { log.show(TestAuthor("r\(number)").review(releases[1], number != 0)) }
            log.show(TestAuthor("r1").review(releases[2], true))
            try await catalog.apply(log.entries)
            let third = try #require(try await catalog.release(post: releases[2].id, .pg))
            for _ in 0..<3 { try await catalog.recordDownload(third.id) }
            try await catalog.recordDownload(try #require(try await catalog.release(post: releases[0].id, .pg)).id)
            try await catalog.recordDownload(4711)
            var query = ModelQuery()
            query.sort = .mostDownloaded
            #expect(try await catalog.models(query, .pg).items.map(\.slug) == ["m2", "m0", "m1"])
            #expect(try await catalog.release(id: third.id, .pg)?.counts.downloads == 3)
            query.sort = .highestRated
            let rated = try await catalog.models(query, .pg).items
            #expect(rated.map(\.slug) == ["m1", "m2", "m0"])
            #expect(rated[0].counts.recommended == 19 && rated[0].counts.notRecommended == 1)
        }
    }
}
