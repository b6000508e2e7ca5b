import Catalog
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import Moderation
import NIOCore
import WaggleProtocol

/// Atom feeds (RFC 4287): new releases of everybody, of a creator, with a tag, of a model. What visitors may see.
struct FeedRoutes: Sendable {
    let services: GatewayServices
    let origins: Origins

    func register(in routes: inout RouteTable) {
        routes.get("/feeds/models.atom", shows: .list, .bytes, everything)
        routes.get("/feeds/creators/{handle}.atom", shows: .creator, .bytes, creator)
        routes.get("/feeds/tags/{tag}.atom", shows: .term, .bytes, tag)
        routes.get("/feeds/models/{id}.atom", shows: .model, .bytes, model)
        routes.get("/sitemap.xml", shows: .list, .bytes, sitemap)
        routes.get("/robots.txt", shows: .nothing, .bytes, robots)
    }

    private var visitor: ViewerFilter { services.moderation.filter(for: .anonymous) }

    private static let atom = "application/atom+xml; charset=utf-8"

    private func answer(_ text: String, type: String, seconds: Int = 300, _ request: Request) -> Response {
        let tag = EntityTag(SHA256.hash(Array(text.utf8)))
        let fields: HTTPFields = [
            .contentType: type, .cacheControl: "public, max-age=\(seconds)", .eTag: tag.field,
            .accessControlAllowOrigin: "*",
        ]
        if tag.isKnown(to: request) { return Response(status: .notModified, headers: fields) }
        return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    // MARK: Feeds

    private struct Feed {
        let title: String
        /// The page that it follows.
        let page: String
        let address: String
        let base: String
    }

    /// One entry for each model, with its newest release.
    private func feed(_ feed: Feed, _ models: [(model: ModelView, release: ReleaseView)], _ request: Request)
        -> Response
    {
        let updated = models.map(\.release.created).max() ?? 0
        var text = """
            <?xml version="1.0" encoding="utf-8"?>
            <feed xmlns="http://www.w3.org/2005/Atom">
              <id>\(XMLText.escape(feed.base + feed.address))</id>
              <title>\(XMLText.escape(DisplayText.clean(feed.title)))</title>
              <updated>\(Dates.timestamp(updated))</updated>
              <link rel="self" type="application/atom+xml" href="\(XMLText.escape(feed.base + feed.address))"/>
              <link rel="alternate" type="text/html" href="\(XMLText.escape(feed.base + feed.page))"/>
              <generator>\(XMLText.escape(services.configuration.software))</generator>

            """
        for (model, release) in models { text += entry(model, release, feed.base) }
        return answer(text + "</feed>\n", type: Self.atom, request)
    }

    private func entry(_ model: ModelView, _ release: ReleaseView, _ base: String) -> String {
        let page = "\(base)/models/\(model.id)?modelVersionId=\(release.id)"
        var text = """
              <entry>
                <id>urn:waggle:\(release.post.hex)</id>
                <title>\(XMLText.escape(DisplayText.clean("\(model.body.name) \(release.body.version)")))</title>
                <published>\(Dates.timestamp(release.created))</published>
                <updated>\(Dates.timestamp(release.created))</updated>
                <author><name>\(XMLText.escape(DisplayText.clean(release.author.name)))</name>\
            <uri>\(XMLText.escape("\(base)/@\(PercentCoding.encode(release.author.handle))"))</uri></author>
                <link rel="alternate" type="text/html" href="\(XMLText.escape(page))"/>

            """
        if let file = release.files.first, let hash = Hash32(file.file.sha256) {
            let address = base + BlobAddress.path(hash, name: BlobAddress.name(of: file))
            text += """
                    <link rel="enclosure" type="application/octet-stream" length="\(file.file.size)" \
                href="\(XMLText.escape(address))"/>

                """
        }
        for tag in [model.body.type] + model.body.tags where !tag.isEmpty {
            text += "    <category term=\"\(XMLText.escape(DisplayText.clean(tag)))\"/>\n"
        }
        let words = release.body.changes.isEmpty ? model.body.description_p : release.body.changes
        if !words.isEmpty {
            text += "    <summary>\(XMLText.escape(DisplayText.clean(String(words.prefix(2000)))))</summary>\n"
        }
        return text + "  </entry>\n"
    }

    private func newest(_ change: (inout ModelQuery) -> Void = { _ in }) async throws -> [(
        model: ModelView, release: ReleaseView
    )] {
        var query = ModelQuery()
        query.sort = .updated
        query.hasRelease = true
        query.limit = Self.entries
        query.detail = ViewDetail(releases: 1, images: 0)
        change(&query)
        return try await services.catalog.models(query, visitor).items.compactMap { model in
            model.releases.first.map { (model, $0) }
        }
    }

    private static let entries = 50

    @Sendable private func everything(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let feed = Feed(
            title: say("new-models-on", services.configuration.nodeName), page: "/models",
            address: "/feeds/models.atom",
            base: origins.base(for: request, context))
        return self.feed(feed, try await newest(), request)
    }

    @Sendable private func creator(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let handle = context.parameter("handle") ?? ""
        guard let creator = try await services.catalog.creator(.handle(handle), visitor) else {
            throw GatewayError.notFound("Nobody here has this handle")
        }
        let name = PercentCoding.encode(creator.handle)
        let feed = Feed(
            title: say("new-models-by", creator.name), page: "/@\(name)", address: "/feeds/creators/\(name).atom",
            base: origins.base(for: request, context))
        return self.feed(feed, try await newest { $0.creator = .author(creator.author) }, request)
    }

    @Sendable private func tag(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let tag = context.parameter("tag") ?? ""
        let models = try await newest { $0.tags = [tag] }
        guard !models.isEmpty else { throw GatewayError.notFound("No model here that you may see has this tag") }
        let name = PercentCoding.encode(tag)
        let feed = Feed(
            title: say("new-models-with-the-tag", tag), page: "/tags/\(name)", address: "/feeds/tags/\(name).atom",
            base: origins.base(for: request, context))
        return self.feed(feed, models, request)
    }

    @Sendable private func model(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let id = context.parameter("id").flatMap({ Int32($0) }), id > 0,
            let model = try await services.catalog.model(id: id, visitor, detail: .list)
        else { throw GatewayError.notFound("There is no such model here that you may see") }
        let feed = Feed(
            title: say("releases-of", model.body.name), page: "/models/\(id)", address: "/feeds/models/\(id).atom",
            base: origins.base(for: request, context))
        return self.feed(feed, model.releases.map { (model, $0) }, request)
    }

    // MARK: Search engines

    @Sendable private func robots(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let base = origins.base(for: request, context)
        let text = """
            User-agent: *
            Disallow: /api/
            Disallow: /blobs/
            Disallow: /w/
            Disallow: /search
            Disallow: /setup
            Disallow: /admin

            Sitemap: \(base)/sitemap.xml

            """
        return answer(text, type: "text/plain; charset=utf-8", seconds: 86400, request)
    }

    /// The pages of the newest models; search engines find the rest from there.
    @Sendable private func sitemap(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let base = origins.base(for: request, context)
        var text = """
            <?xml version="1.0" encoding="utf-8"?>
            <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
              <url><loc>\(XMLText.escape(base))/</loc></url>
              <url><loc>\(XMLText.escape(base))/models</loc></url>

            """
        var query = ModelQuery()
        query.limit = Limits.Catalog.pageItems
        query.detail = ViewDetail(releases: 0, images: 0)
        for _ in 0..<Self.sitemapPages {
            let page = try await services.catalog.models(query, visitor)
            for model in page.items {
                text +=
                    "  <url><loc>\(XMLText.escape(base))/models/\(model.id)</loc>"
                    + "<lastmod>\(Dates.day(model.updated))</lastmod></url>\n"
            }
            guard let next = page.next else { break }
            query.position = .after(next)
        }
        return answer(text + "</urlset>\n", type: "application/xml; charset=utf-8", seconds: 3600, request)
    }

    private static let sitemapPages = 10
}
