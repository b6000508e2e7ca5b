import BlobStore
import Catalog
import Digests
import Formats
import HTTPTypes
import Hummingbird
import Moderation
import NIOCore
import WaggleProtocol

/// `GET HEAD /blobs/{sha256}.torrent` and `/blobs/{sha256}.meta4`: a blob for programs that fetch from many places.
///
/// Both name every place that this node knows: itself, peers that hold the blob whole, and the mirrors that releases sign.
/// Who may not see the blob gets neither.
struct TorrentRoutes: Sendable {
    let services: GatewayServices
    let viewers: Viewers
    let gate: BlobGate
    let origins: Origins
    let tickets: DownloadTickets

    func register(in routes: inout RouteTable) {
        routes.get("/blobs/{sha256}.torrent", shows: .blob, .bytes, torrent)
        routes.get("/blobs/{sha256}.meta4", shows: .blob, .bytes, metalink)
    }

    static let torrentType = "application/x-bittorrent"
    static let metalinkType = "application/metalink4+xml"

    /// Seconds that a cache may keep a description: places come and go.
    private static let cached = 3600

    // MARK: Answers

    @Sendable private func torrent(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let subject = try await subject(request, context)
        // By hash the name is the hash, so that every node makes the same torrent of the same bytes. A name that a release
        // signs makes the torrent of that release's file.
        let name = try Query(request)["name"]
        if let name, !subject.signedNames.contains(name) {
            throw GatewayError.notFound("No release here that you may see signs this name for the file")
        }
        let pieces = try await pieces(subject.facts)
        let torrent = HybridTorrent(
            name: name ?? subject.hash.hex, size: subject.facts.size, piecesRoot: subject.facts.piecesRoot,
            layer: try await services.blobs.unitHashes(subject.hash), sha1: pieces.sha1)
        guard let torrent else { throw GatewayError.notFound("An empty file has no torrent") }
        // A folder, as v2 programs take every address for one; programs add the name.
        let seeds = places(subject) { base in "\(base)/blobs/\(subject.hash.hex)/" }
        return answer(
            torrent.file(webSeeds: seeds), Self.torrentType, "\(name ?? subject.hash.hex).torrent", subject, request)
    }

    @Sendable private func metalink(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let subject = try await subject(request, context)
        let pieces = try await pieces(subject.facts)
        let name = FileName(subject.reference?.fileName ?? "", fallback: "\(subject.hash.hex.prefix(12)).bin")
        let metalink = Metalink(
            name: name.text, size: subject.facts.size, sha256: subject.hash, pieces: pieces.sha256List,
            urls: places(subject) { $0 + BlobAddress.path(subject.hash, name: name) },
            torrent: subject.facts.size == 0 ? nil : "\(subject.base)/blobs/\(subject.hash.hex).torrent",
            generator: services.configuration.software)
        return answer(metalink.file, Self.metalinkType, name.text + ".meta4", subject, request)
    }

    private func answer(
        _ bytes: [UInt8], _ type: String, _ fileName: String, _ subject: Subject, _ request: Request
    ) -> Response {
        let isPublic = subject.viewer.kind == .anonymous && subject.reference?.level == .pg
        let tag = EntityTag(SHA256.hash(bytes))
        let fields: HTTPFields = [
            .contentType: type, .eTag: tag.field,
            .contentDisposition: FileName(fileName, fallback: "blob").disposition(inline: false),
            .cacheControl: "\(isPublic ? "public" : "private"), max-age=\(Self.cached)", .accessControlAllowOrigin: "*",
            // Addresses depend on that which the client used.
            .vary: "Host, X-Forwarded-Host, X-Forwarded-Proto, Authorization, Cookie",
        ]
        if tag.isKnown(to: request) { return Response(status: .notModified, headers: fields) }
        return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    // MARK: What is described

    private struct Subject {
        let hash: Hash32
        let viewer: Viewer
        let reference: BlobReference?
        let facts: BlobFacts
        let base: String
        /// Names that releases sign for the file and that can be the name of a file anywhere.
        let signedNames: Set<String>
        /// Addresses of the file elsewhere, from signed releases.
        let mirrors: [String]
        /// Base URLs of other nodes that hold it whole.
        let holders: [String]
    }

    private func subject(_ request: Request, _ context: GatewayContext) async throws -> Subject {
        let hash = try BlobGate.hash(context.parameter("sha256"))
        let viewer = try await viewers.viewer(request, context, bySession: true)
        let reference = try await gate.reference(hash, for: viewer)
        guard let facts = try await services.blobs.facts(hash), facts.place != .absent else {
            throw GatewayError.notFound("The bytes are not on this node at the moment")
        }
        let releases = try await services.catalog.releases(
            byHash: HashClaim(sha256: hash), services.moderation.filter(for: viewer),
            detail: ViewDetail(releases: 0, images: 0))
        let names = releases.flatMap(\.files).filter { Hash32($0.file.sha256) == hash }.map(\.file.name)
        return Subject(
            hash: hash, viewer: viewer, reference: reference, facts: facts, base: origins.base(for: request, context),
            signedNames: Set(names.filter { !$0.isEmpty && FileName($0, fallback: "").text == $0 }),
            mirrors: releases.flatMap { Self.mirrors($0.body, hash) }, holders: await services.holders(hash))
    }

    /// Where a signed release says that the file is too.
    private static func mirrors(_ release: WireRelease, _ hash: Hash32) -> [String] {
        release.mirrors.filter { $0.hasPrefix("https://") || $0.hasPrefix("http://") }.compactMap { mirror in
            // Without the place for the hash it can be the address of one file only.
            guard mirror.contains("{sha256}") || release.files.count == 1 else { return nil }
            let url = mirror.replacing("{sha256}", with: hash.hex)
            return url.utf8.allSatisfy { (0x21...0x7e).contains($0) } ? url : nil
        }
    }

    /// All addresses of the file, this node's first, each once.
    private func places(_ subject: Subject, at node: (String) -> String) -> [String] {
        var own = node(subject.base)
        if subject.viewer.kind != .anonymous, subject.reference?.level != .pg {
            // Download programs know only the link, so it must admit them by itself.
            let name = FileName(subject.reference?.fileName ?? "", fallback: "\(subject.hash.hex.prefix(12)).bin")
            let ticket = tickets.issue(for: subject.hash, now: services.now())
            own = subject.base + BlobAddress.path(subject.hash, name: name) + "?ticket=\(ticket)"
        }
        var places: [String] = []
        for url in [own] + subject.holders.map(node) + subject.mirrors where !places.contains(url) {
            places.append(url)
        }
        return Array(places.prefix(Limits.Torrent.webSeeds))
    }

    private func pieces(_ facts: BlobFacts) async throws -> PieceDigests {
        let limit = Duration.seconds(Limits.Gateway.pieceSeconds)
        switch try await services.blobs.pieceHashes(facts.sha256, within: limit) {
        case .ready(let pieces): return pieces
        case .underWay(let done, let count):
            throw GatewayError.unavailable(
                "The piece hashes are being made: \(done) of \(count) MiB so far; ask again in a moment")
        case .busy: throw GatewayError.unavailable("Many ask for torrents just now; ask again in a moment")
        }
    }
}
