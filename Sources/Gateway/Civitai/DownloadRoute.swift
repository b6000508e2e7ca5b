import BlobStore
import Catalog
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import Moderation
import PostLog
import WaggleProtocol

/// `GET /api/download/models/{versionId}`: a redirect to the bytes.
///
/// It always redirects, to an absolute address that ends in the file's name, and says the name in a field too: there are
/// clients that take it from the one, from the other, and clients that refuse an answer that is no redirect.
struct DownloadRoute: Sendable {
    let services: GatewayServices
    let viewers: Viewers
    let origins: Origins
    let tickets: DownloadTickets

    func register(in routes: inout RouteTable) {
        routes.get("/api/download/models/{id}", shows: .release, .api, download)
    }

    @Sendable private func download(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try Query(request)
        let viewer = try await viewers.viewer(
            request, context, queryToken: query["token"], bySession: true)
        guard let id = context.parameter("id").flatMap({ Int32($0) }), id > 0 else {
            throw GatewayError.badRequest(code: "bad-parameter", "An id is a number from 1 to \(Int32.max)")
        }
        let release = try await release(id, viewer)
        guard let chosen = Self.choose(release.files, query), let hash = Hash32(chosen.file.sha256) else {
            throw GatewayError.notFound("File not found")
        }
        try refusePurged(chosen.file)
        guard try await services.blobs.presence([hash]).first == .whole else {
            throw GatewayError.notFound("File not found: this node lists it and does not hold it")
        }
        if request.method == .get { await count(release.id, context.logger) }

        let name = BlobAddress.name(of: chosen)
        var location = origins.base(for: request, context) + BlobAddress.path(hash, name: name)
        if viewer.kind != .anonymous { location += "?ticket=\(tickets.issue(for: hash, now: services.now()))" }
        return Response(
            status: .found,
            headers: [
                .location: location, .contentDisposition: name.disposition(inline: false), .cacheControl: "no-store",
                .accessControlAllowOrigin: "*",
            ])
    }

    private func release(_ id: Int32, _ viewer: Viewer) async throws -> ReleaseView {
        let detail = ViewDetail(releases: 0, images: 0)
        let filter = services.moderation.filter(for: viewer)
        if let release = try await services.catalog.release(id: id, filter, detail: detail) { return release }
        // What was taken down is hidden too, and says so.
        let everything = services.moderation.filter(for: .owner)
        if let hidden = try await services.catalog.release(id: id, everything, detail: detail) {
            for file in hidden.files { try refusePurged(file.file) }
        }
        if let post = try await services.catalog.name(ofNumber: id), try await services.postLog.isTakenBack(post) {
            throw GatewayError.gone("Archived: its author took it back")
        }
        throw GatewayError.notFound("Model not found")
    }

    private func refusePurged(_ file: WireFile) throws(GatewayError) {
        let subjects = [
            Hash32(file.sha256).map { ModerationSubject.blob($0) },
            Hash32(file.tensorDigest).map { ModerationSubject.tensors($0) },
        ]
        for subject in subjects.compactMap({ $0 }) {
            if let row = services.moderation.takedown(of: subject) { throw .purged(caseNumber: row.caseNumber) }
        }
    }

    /// The primary file unless something else is asked for; a parameter that no file agrees with leaves none.
    private static func choose(_ files: [FileView], _ query: Query) -> FileView? {
        func agrees(_ value: String, _ name: String) -> Bool {
            guard let wanted = query[name] else { return true }
            return value.lowercased() == wanted.lowercased()
        }
        let matching = files.filter { view in
            let facts = CivitaiFile.Metadata(view.file)
            return agrees(view.file.kind.isEmpty ? "Model" : view.file.kind, "type") && agrees(facts.format, "format")
                && agrees(facts.size, "size") && agrees(facts.fp.value ?? "", "fp")
                && agrees(facts.quantType ?? "", "quantType") && agrees("\(view.id)", "fileId")
        }
        return matching.first { $0.isPrimary } ?? matching.first
    }

    /// A download that cannot be counted is a download all the same.
    private func count(_ releaseID: Int32, _ logger: Logger) async {
        do {
            try await services.catalog.recordDownload(releaseID)
        } catch {
            logger.warning("a download was not counted", metadata: ["error": "\(error.message)"])
        }
    }
}
