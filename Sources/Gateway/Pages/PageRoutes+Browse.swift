import Catalog
import Digests
import Hummingbird
import Moderation
import PostLog
import WaggleProtocol

/// Ways to models: a search, tags, base models, and hashes.
extension PageRoutes {
    func registerBrowsing(in routes: inout RouteTable) {
        routes.get("/search", shows: .list, .page, seen { $0.search })
        let tags = seen { pages in
            { try await pages.names(.tag, say("tags"), "/tags", PageAddress.tag, $0, $1) }
        }
        routes.get("/tags", shows: .list, .page, tags)
        routes.get("/tags/{tag}", shows: .term, .page, seen { $0.tag })
        let bases = seen { pages in
            { try await pages.names(.baseModel, say("base-models"), "/base", PageAddress.baseModel, $0, $1) }
        }
        routes.get("/base", shows: .list, .page, bases)
        routes.get("/base/{base}", shows: .term, .page, seen { $0.base })
        routes.get("/hash/{hash}", shows: .release, .page, seen { $0.hash })
    }

    // MARK: Search

    @Sendable private func search(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try Query(request)
        let text = query["q"] ?? ""
        let (cursor, position) = place(query)
        let words = String(text.trimmed)
        var content: [String: Any] = [
            "heading": words.isEmpty ? say("search") : say("results-for", "\(Self.short(words))")
        ]
        content["isAsked"] = !words.isEmpty
        var found = false
        if !words.isEmpty {
            var asked = ModelQuery()
            asked.text = words
            asked.limit = Limits.Gateway.cards
            asked.position = position
            let result = try await services.catalog.searchCards(asked, visitor)
            content["cards"] = await tinted(result.page.items.map { CardView($0) })
            content["hasCards"] = !result.page.items.isEmpty
            content["corrected"] = result.corrected
            content["filterHref"] = PageAddress.with("/models", [("q", words)])
            if cursor == nil {
                // What words were forgiven for is what the counts are of.
                asked.text = result.corrected ?? words
                content["facetRows"] = FacetRow.all(
                    try await services.catalog.facets(within: asked, visitor), words: asked.text)
            }
            content.merge(Pager("/search", [("q", text)], cursor: cursor, next: result.page.next).content) { $1 }
            if cursor == nil {
                let creators = try await creators(named: words)
                content["creators"] = creators.map(CreatorItem.init)
                content["hasCreators"] = !creators.isEmpty
                let works = try await works(named: words)
                content.merge(works) { $1 }
                found =
                    !creators.isEmpty || works["hasCollections"] as? Bool == true
                    || works["hasArticles"] as? Bool == true
                if HashClaim(words) != nil {
                    content["hashHref"] = "/hash/\(PercentCoding.encode(words))"
                    found = true
                }
            }
            found = found || !result.page.items.isEmpty || cursor != nil
        }
        content["isFound"] = found || words.isEmpty
        return pages.page(
            "search",
            PageFrame(
                pageTitle: words.isEmpty ? say("search") : say("search-2", "\(Self.short(words))"),
                canonical: canonical(request, context, PageAddress.with("/search", [("q", text)])), searched: text),
            content)
    }

    /// Creators whose handle begins with what was typed.
    private func creators(named words: String) async throws -> [CreatorView] {
        let handle = words.hasPrefix("@") ? String(words.dropFirst()) : words
        guard !handle.isEmpty, handle.utf8.count <= Limits.Text.tagBytes, !handle.contains(" ") else { return [] }
        var query = CreatorQuery()
        query.prefix = handle
        query.limit = 6
        return try await services.catalog.creators(query, visitor).items
    }

    private static func short(_ text: String) -> String { Wording.beginning(text, characters: 60) }

    /// The values of a filter that leave some of what was found, as links that narrow it.
    private struct FacetRow {
        let facetName: String
        let facetLinks: [NameView]

        static func all(_ groups: [FacetGroup], words: String) -> [FacetRow] {
            let shown: [(kind: FacetKind, name: String, parameter: ModelFilters.Name)] = [
                (.type, say("type"), .type), (.baseModel, say("base-model"), .base), (.tag, say("tags"), .tag),
            ]
            return shown.compactMap { kind, name, parameter in
                guard let group = groups.first(where: { $0.kind == kind }), group.values.count > 1 else { return nil }
                let links = group.values.filter { !$0.name.trimmed.isEmpty }.prefix(Limits.Gateway.searchFacets).map {
                    NameView(
                        nameText: $0.name,
                        nameHref: PageAddress.with("/models", [("q", words), (parameter.rawValue, $0.name)]),
                        nameCount: Wording.count($0.count) + (group.isExact ? "" : "+"))
                }
                return FacetRow(facetName: name, facetLinks: links)
            }
        }
    }

    // MARK: Tags and base models

    private func names(
        _ kind: FacetKind, _ title: String, _ path: String, _ address: (String) -> String, _ request: Request,
        _ context: GatewayContext
    ) async throws -> Response {
        let top = try await services.catalog.topFacets(kind, limit: Limits.Gateway.names, visitor)
        let content: [String: Any] = [
            "heading": title, "hasNames": !top.isEmpty,
            "names": top.filter { !$0.name.trimmed.isEmpty }.map { facet in
                NameView(
                    nameText: facet.name, nameHref: address(facet.name),
                    nameCount: Wording.count(facet.count, say("model-2"), say("models-2")))
            },
        ]
        return pages.page(
            "names",
            PageFrame(
                pageTitle: title, summary: say("of-the-models-on", "\(title)", "\(services.configuration.nodeName)"),
                canonical: canonical(request, context, path), part: .models), content)
    }

    private struct NameView {
        let nameText: String
        let nameHref: String
        let nameCount: String
    }

    @Sendable private func tag(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let tag = context.parameter("tag") ?? ""
        return try await models(
            named: tag, path: PageAddress.tag(tag), heading: say("models-tagged", "\(Self.short(tag))"),
            missing: say("no-model-with-this-tag-is"), all: LinkView(linkText: say("all-tags"), linkHref: "/tags"),
            request, context
        ) { $0.tags = [tag] }
    }

    @Sendable private func base(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let name = context.parameter("base") ?? ""
        return try await models(
            named: name, path: PageAddress.baseModel(name), heading: say("models-for", "\(Self.short(name))"),
            missing: say("no-model-for-this-base-model"),
            all: LinkView(linkText: say("all-base-models"), linkHref: "/base"), request, context
        ) { $0.baseModels = [name] }
    }

    private func models(
        named name: String, path: String, heading: String, missing: String, all: LinkView, _ request: Request,
        _ context: GatewayContext, change: (inout ModelQuery) -> Void
    ) async throws -> Response {
        guard !name.trimmed.isEmpty, name.utf8.count <= Limits.Text.nameBytes else {
            throw GatewayError.notFound(missing)
        }
        let (cursor, position) = place(try Query(request))
        var query = ModelQuery()
        query.limit = Limits.Gateway.cards
        query.position = position
        change(&query)
        let page = try await services.catalog.cards(query, visitor)
        guard !page.items.isEmpty || cursor != nil else { throw GatewayError.notFound(missing) }
        var list = ListPage(heading: heading)
        list.crumb = all
        list.cards = await tinted(page.items.map { CardView($0) })
        list.nothing = say("there-are-no-more")
        list.pager = Pager(path, cursor: cursor, next: page.next)
        return pages.page(
            "list",
            PageFrame(
                pageTitle: heading, summary: say("on", "\(heading)", "\(services.configuration.nodeName)"),
                canonical: canonical(request, context, path), part: .models), list.content)
    }

    // MARK: Hashes

    /// Something that a hash names, and who signed it.
    struct MatchView {
        let matchName: String
        let matchHref: String
        let matchAuthor: String
        let matchAuthorHref: String
        let matchOrigin: String?
        let matchDay: String
        let matchFile: String
        var matchKey: String?

        init(_ name: String, _ href: String, by author: CreatorView, _ created: UInt64, file: String = "") {
            matchName = name
            matchHref = href
            matchAuthor = author.name
            matchAuthorHref = PageAddress.creator(author)
            matchOrigin = Wording.origin(author)
            matchDay = Dates.day(created)
            matchFile = file
        }
    }

    @Sendable private func hash(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let text = context.parameter("hash") ?? ""
        guard HashClaim(text) != nil else {
            throw GatewayError.notFound(
                "That is no hash of a file: a SHA-256, BLAKE3, pieces root or AutoV3 has 64 digits, an AutoV3 12, "
                    + say("an-autov2-10-an-autov1-or"))
        }
        let releases = try await HashLookup(services: services).releases(
            text, visitor, detail: ViewDetail(releases: 0, images: 0))
        var matches = try await matches(releases, hash: text)
        if let id = Hash32(hex: text), matches.isEmpty {
            matches = try await self.matches(post: id)
            // An older version leads to the one in force.
            if matches.isEmpty, let newer = try await services.postLog.newerVersion(of: id) {
                matches = try await self.matches(post: newer.id)
            }
        }
        guard !matches.isEmpty else {
            throw GatewayError.notFound("Nothing here that you may see has this hash; another node may know it")
        }
        let lead =
            matches.count == 1
            ? say("one-match-on-this-node") : say("matches-on-this-node-the-most", "\(matches.count)")
        return pages.page(
            "hash",
            PageFrame(
                pageTitle: say("hash-2", "\(Self.short(text))"), summary: lead,
                canonical: canonical(request, context, "/hash/\(text.lowercased())")),
            ["hash": text.lowercased(), "lead": lead, "matches": matches])
    }

    func matches(_ releases: [ReleaseView], hash: String) async throws -> [MatchView] {
        var matches: [MatchView] = []
        for release in releases {
            let detail = ViewDetail(releases: 0, images: 0)
            guard let model = try await services.catalog.model(id: release.modelID, visitor, detail: detail) else {
                continue
            }
            let file = release.files.first { $0.file.matches(hash) } ?? release.files.first
            var match = MatchView(
                "\(model.body.name) \(release.body.version)",
                "\(PageAddress.model(model))?modelVersionId=\(release.id)", by: model.author, release.created,
                file: file.map { "\(BlobAddress.name(of: $0).text), \(Wording.size($0.file.size))" } ?? "")
            match.matchKey = try await signature(release.post)?.keyStart
            matches.append(match)
        }
        return matches
    }

    /// A signed post, or the bytes of a picture.
    func matches(post id: Hash32) async throws -> [MatchView] {
        if let release = try await services.catalog.release(post: id, visitor, detail: .card) {
            return try await matches([release], hash: "")
        }
        if let model = try await services.catalog.model(post: id, visitor, detail: .brief) {
            return [MatchView(model.body.name, PageAddress.model(model), by: model.author, model.created)]
        }
        var posts = [id]
        if let reference = try await services.catalog.blobReference(id) { posts += reference.posts }
        for post in posts {
            guard let shown = try await services.catalog.imagePost(post: post, visitor) else { continue }
            let same = shown.images.filter { post == id || Hash32($0.image.blob) == id }
            if same.isEmpty { continue }
            let key = try await signature(shown.post)?.keyStart
            return same.map { image in
                var match = MatchView(
                    Wording.heading(image), PageAddress.image(image.id), by: image.author, image.created)
                match.matchKey = key
                return match
            }
        }
        return []
    }
}

extension WireFile {
    /// Whether a hash in any form names this file.
    fileprivate func matches(_ text: String) -> Bool {
        let hashes = FileHashes(self)
        let all = [
            hashes.sha256, hashes.autoV1 ?? "", hashes.autoV2, hashes.autoV3 ?? "", hashes.crc32,
            Hex.encode(piecesRoot).uppercased(), Hex.encode(autov3).uppercased(),
        ]
        return all.contains(text.uppercased())
    }
}
