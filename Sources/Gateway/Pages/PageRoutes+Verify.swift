import Catalog
import Digests
import HTTPTypes
import Hummingbird
import WaggleProtocol

/// `/verify`: is this file what somebody signed? A browser with scripts hashes it itself and sends nothing but the hash;
/// without scripts it is sent, hashed while it comes and never stored.
extension PageRoutes {
    func registerVerify(in routes: inout RouteTable) {
        routes.get("/verify", shows: .list, .page, seen { $0.verify })
        routes.post("/verify", shows: .nothing, .page, hashFile)
        let script = StaticText(Templates.verifyScript, type: "text/javascript; charset=utf-8")
        routes.get("/verify.js", shows: .nothing, .page) { request, _ in script.response(to: request) }
    }

    // MARK: The answer

    @Sendable private func verify(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try Query(request)
        var content: [String: Any] = ["script": "/verify.js?v=\(Self.scriptVersion)"]
        var trouble: String?
        if let text = query["sha256"], !text.trimmed.isEmpty {
            if let hash = Hash32(hex: text.trimmed.lowercased()) {
                let same = try await matches(named: hash)
                let alike = same.isEmpty ? try await matches(weights: query["autov3"]) : []
                content["isAsked"] = true
                content["hash"] = hash.hex
                content["isExact"] = !same.isEmpty
                content["isAlike"] = !alike.isEmpty
                content["isUnknown"] = same.isEmpty && alike.isEmpty
                content["matches"] = same + alike
            } else {
                trouble = say("a-sha-256-has-64-digits")
                content["typed"] = text
            }
        }
        content["trouble"] = trouble
        return pages.page(
            "verify",
            PageFrame(
                pageTitle: say("check-a-file"), summary: say("find-out-who-signed-a-file"),
                canonical: canonical(request, context, "/verify")), content,
            status: trouble == nil ? .ok : .unprocessableContent)
    }

    private static let scriptVersion = String(SHA256.hash(Array(Templates.verifyScript.utf8)).hex.prefix(8))

    private func matches(named hash: Hash32) async throws -> [MatchView] {
        let releases = try await HashLookup(services: services).releases(
            hash.hex, visitor, detail: ViewDetail(releases: 0, images: 0))
        let files = try await matches(releases, hash: hash.hex)
        return files.isEmpty ? try await matches(post: hash) : files
    }

    /// Releases with the same weights below another header.
    private func matches(weights text: String?) async throws -> [MatchView] {
        guard let hash = text.flatMap({ Hash32(hex: $0.lowercased()) }) else { return [] }
        let releases = try await HashLookup(services: services).releases(
            hash.hex, visitor, detail: ViewDetail(releases: 0, images: 0))
        return try await matches(releases, hash: hash.hex)
    }

    // MARK: A file without scripts

    @Sendable private func hashFile(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let type = request.headers[.contentType], var form = MultipartFile(contentType: type) else {
            throw MultipartFile.noFile
        }
        guard checking.take() else { throw GatewayError.tooManyRequests(retryAfter: 30) }
        defer { checking.give() }
        var check = FileCheck()
        let began = services.now()
        for try await piece in request.body {
            try form.take(piece.readableBytesView) { check.take($0) }
            guard check.size <= Limits.Gateway.checkedBytes else {
                throw GatewayError.bodyTooLarge(limit: Int(Limits.Gateway.checkedBytes))
            }
            // Whoever holds a place sends at a pace.
            let due = began + UInt64(Limits.Gateway.bodySeconds) + check.size / Limits.Gateway.checkedPace
            if services.now() > due { throw GatewayError.bodyTooSlow }
        }
        guard form.isComplete, check.size > 0 else { throw MultipartFile.noFile }
        let names = check.names()
        return Response(
            status: .seeOther,
            headers: [
                .location: PageAddress.with(
                    "/verify", [("sha256", names.sha256.hex), ("autov3", names.autoV3?.hex ?? "")]),
                .cacheControl: "no-store",
            ])
    }
}
