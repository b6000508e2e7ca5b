import Accounts
import BlobStore
import Catalog
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import Moderation
import NIOCore
import Operations
import PostLog
import WaggleProtocol

/// What programs that run nodes ask: is it alive, can it serve, how is it doing; and what directories of nodes ask.
struct OperatorRoutes: Sendable {
    let services: GatewayServices
    let viewers: Viewers
    let people: CallerIdentity
    let origins: Origins
    let metrics: RequestMetrics

    func register(in routes: inout RouteTable) {
        routes.get("/healthz", shows: .nothing, .api, health)
        routes.get("/readyz", shows: .nothing, .api, ready)
        routes.get("/metrics", shows: .account, .api, tellMetrics)
        routes.get("/.well-known/nodeinfo", shows: .node, .api, nodeInfoLinks)
        routes.get("/nodeinfo/2.1", shows: .node, .api, nodeInfo)
    }

    // MARK: Health

    private struct Health: Encodable {
        let status: String
        var reason: String?
        /// Log lines that lists do not show yet.
        var behind: UInt64?
    }

    /// The process answers.
    @Sendable private func health(_ request: Request, _ context: GatewayContext) async throws -> Response {
        Self.healthy
    }

    private static let healthy = Response.json(Health(status: "ok"), headers: [.cacheControl: "no-store"])

    /// The stores answer, and lists show what came some time ago.
    @Sendable private func ready(_ request: Request, _ context: GatewayContext) async throws -> Response {
        do {
            _ = try await services.catalog.counts(services.moderation.filter(for: .anonymous))
            _ = try await services.blobs.totals()
            _ = try await services.postLog.entries(after: 0, limit: 1)
        } catch {
            services.logger.error("not ready", metadata: ["why": "\(error)"])
            return .json(
                Health(status: "unavailable", reason: "a store does not answer; the log says why"),
                status: .serviceUnavailable, headers: [.cacheControl: "no-store", .retryAfter: "5"])
        }
        let (newest, applied) = (services.postLog.newestSeq, services.catalog.appliedSeq)
        let behind = newest - min(newest, applied)
        let isReady = behind <= Self.acceptedLag
        return .json(
            Health(
                status: isReady ? "ready" : "catching up", reason: isReady ? nil : "lists are being filled",
                behind: behind), status: isReady ? .ok : .serviceUnavailable, headers: [.cacheControl: "no-store"])
    }

    /// Lines.
    private static let acceptedLag: UInt64 = 10_000

    // MARK: Metrics

    /// - Throws: `unauthorized` for anybody but the operator and whoever has a token with the scope `admin`.
    @Sendable private func tellMetrics(_ request: Request, _ context: GatewayContext) async throws -> Response {
        if !viewers.isOperator(request) {
            guard let grant = try await people.grant(request, context) else { throw CallerIdentity.unauthorized }
            guard grant.allows(.admin) else {
                throw GatewayError.forbidden(code: "scope-missing", "This needs a token with the scope admin")
            }
        }
        var text = PrometheusText()
        let counts = try await services.catalog.counts(services.moderation.filter(for: .owner))
        let totals = try await services.blobs.totals()
        let accounts = try await services.accounts.all()
        text.gauge("waggle_models", "Models that the catalog shows.", Double(counts.models))
        text.gauge("waggle_releases", "Releases that the catalog shows.", Double(counts.releases))
        text.gauge("waggle_images", "Images that the catalog shows.", Double(counts.images))
        text.gauge("waggle_log_lines", "Lines of the post log.", Double(services.postLog.newestSeq))
        text.gauge("waggle_catalog_lines", "Lines that the catalog has applied.", Double(services.catalog.appliedSeq))
        text.gauge("waggle_blobs", "Complete blobs in the store.", Double(totals.blobs))
        text.gauge("waggle_blob_bytes", "Bytes of these blobs.", Double(totals.bytes))
        text.gauge(
            "waggle_adopted_bytes", "Bytes of files that are served where they lie.", Double(totals.adoptedBytes))
        text.gauge("waggle_accounts", "Accounts of this node.", Double(accounts.count))
        let standing = metrics.standing
        text.counters(
            "waggle_http_answers_total", "Answers by class of status.", label: "class",
            standing.answers.map { ("\($0.key)xx", Double($0.value)) }.sorted { $0.0 < $1.0 })
        text.histogram(
            "waggle_http_seconds", "Time until an answer begins.", bounds: RequestMetrics.bounds,
            buckets: standing.buckets, sum: standing.seconds)
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text.text)))
    }

    // MARK: NodeInfo

    private struct Links: Encodable {
        struct Link: Encodable {
            let rel: String
            let href: String
        }

        let links: [Link]
    }

    private static let schema = "http://nodeinfo.diaspora.software/ns/schema/2.1"

    @Sendable private func nodeInfoLinks(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let base = origins.base(for: request, context)
        return .json(
            Links(links: [.init(rel: Self.schema, href: "\(base)/nodeinfo/2.1")]),
            headers: [.accessControlAllowOrigin: "*", .cacheControl: "public, max-age=3600"])
    }

    /// The schema's list of protocols is closed, so ours is among the metadata.
    private struct NodeInfo: Encodable {
        struct Software: Encodable {
            let name = "waggle"
            let version: String
        }

        struct Services: Encodable {
            let inbound: [String] = []
            let outbound = ["atom1.0"]
        }

        struct Usage: Encodable {
            struct Users: Encodable {
                let total: Int
            }

            let users: Users
            let localPosts: Int
        }

        struct Metadata: Encodable {
            let nodeName: String
            let protocols = ["waggle"]
            let models: Int
        }

        let version = "2.1"
        let software: Software
        let protocols: [String] = []
        let services = Services()
        let openRegistrations: Bool
        let usage: Usage
        let metadata: Metadata
    }

    @Sendable private func nodeInfo(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let visitor = services.moderation.filter(for: .anonymous)
        let counts = try await services.catalog.counts(visitor)
        var local = ModelQuery()
        local.isFromHere = true
        let localModels = try await services.catalog.count(local, visitor).count
        let accounts = try await services.accounts.all().count { $0.state == .active }
        let version = services.configuration.software.split(separator: "/").last.map(String.init) ?? ""
        var response = Response.json(
            NodeInfo(
                software: .init(version: version), openRegistrations: services.context().registrationMode == .open,
                usage: .init(users: .init(total: accounts), localPosts: localModels),
                metadata: .init(nodeName: services.configuration.nodeName, models: counts.models)),
            headers: [.accessControlAllowOrigin: "*", .cacheControl: "public, max-age=1800"])
        response.headers[.contentType] = "application/json; profile=\"\(Self.schema)#\"; charset=utf-8"
        return response
    }
}

/// The text format of Prometheus, version 0.0.4.
struct PrometheusText {
    private(set) var text = ""

    mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        head(name, help, "gauge")
        text += "\(name) \(Self.number(value))\n"
    }

    mutating func counters(_ name: String, _ help: String, label: String, _ values: [(String, Double)]) {
        head(name, help, "counter")
        for (key, value) in values { text += "\(name){\(label)=\"\(key)\"} \(Self.number(value))\n" }
    }

    /// - Parameter buckets: counts for each bound and one above, not yet added up.
    mutating func histogram(_ name: String, _ help: String, bounds: [Double], buckets: [Int], sum: Double) {
        head(name, help, "histogram")
        var count = 0
        for (index, bucket) in buckets.enumerated() {
            count += bucket
            let bound = index < bounds.count ? Self.number(bounds[index]) : "+Inf"
            text += "\(name)_bucket{le=\"\(bound)\"} \(count)\n"
        }
        text += "\(name)_sum \(sum)\n\(name)_count \(count)\n"
    }

    private mutating func head(_ name: String, _ help: String, _ type: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }
}
