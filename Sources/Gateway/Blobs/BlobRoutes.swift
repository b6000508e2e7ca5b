import BlobStore
import Catalog
import Digests
import Federation
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Moderation
import NIOCore
import WaggleProtocol

/// `GET HEAD /blobs/{sha256}` and `/blobs/{sha256}/{name}`.
///
/// One range is answered with 206, several with 206 and a part for each. A blob that is not complete gives the ranges that lie in
/// units which are here, to accepted peers only: others could not check them.
struct BlobRoutes: Sendable {
    let services: GatewayServices
    let viewers: Viewers
    let gate: BlobGate
    let tickets: DownloadTickets

    func register(in routes: inout RouteTable) {
        routes.get("/blobs/{sha256}", shows: .blob, .bytes, blob)
        routes.get("/blobs/{sha256}/{name}", shows: .blob, .bytes, blob)
    }

    @Sendable private func blob(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let hash = try BlobGate.hash(context.parameter("sha256"))
        var viewer = try await viewers.viewer(request, context, bySession: true)
        if let ticket = try Query(request)["ticket"], tickets.admits(ticket, to: hash, now: services.now()) {
            viewer = .owner
        }
        return try await serve(hash, to: viewer, request, context)
    }

    /// The bytes, or the part of them that the request asks for, as far as the viewer may have them.
    func serve(
        _ hash: Hash32, to viewer: Viewer, _ request: Request, _ context: GatewayContext
    ) async throws -> Response {
        let reference = try await gate.reference(hash, for: viewer)
        let fields = fields(hash, reference, viewer)
        let tag = EntityTag(hash)
        if tag.isRefused(by: request) {
            throw GatewayError.preconditionFailed("If-Match names other bytes than those with this SHA-256")
        }
        if tag.isKnown(to: request) { return Response(status: .notModified, headers: fields) }

        let reader: BlobReader
        do throws(BlobError) {
            reader = try await services.blobs.open(hash)
            services.blobs.noteDemand()
        } catch {
            guard case .notFound = error, viewer.kind == .peer else { throw error }
            let pace = SendingPace(services.sending, to: viewer, reference, size: .max, on: context.channel)
            return try await partial(hash, request, fields, on: context.channel, at: pace)
        }
        let pace = SendingPace(services.sending, to: viewer, reference, size: reader.size, on: context.channel)
        switch range(hash, request, size: reader.size) {
        case .whole:
            let body = BlobResponder.body(reader, 0..<reader.size, on: context.channel, at: pace)
            return Response(status: .ok, headers: fields, body: body)
        case .part(let range):
            let body = BlobResponder.body(reader, range, on: context.channel, at: pace)
            return Response(status: .partialContent, headers: fields.adding(range, of: reader.size), body: body)
        case .parts(let parts):
            let ranges = MultipartRanges(parts, mediaType: fields[.contentType] ?? MediaType.bytes, size: reader.size)
            var fields = fields
            fields[.contentType] = ranges.contentType
            let body = BlobResponder.body(reader, ranges, on: context.channel, at: pace)
            return Response(status: .partialContent, headers: fields, body: body)
        case .unsatisfiable:
            return Self.unsatisfiable(size: reader.size)
        }
    }

    // MARK: Fields

    private func fields(_ hash: Hash32, _ reference: BlobReference?, _ viewer: Viewer) -> HTTPFields {
        let type = MediaType.served(reference?.mediaType ?? "")
        let name = FileName(reference?.fileName ?? "", fallback: "\(hash.hex.prefix(12)).bin")
        // What a visitor may not see must not stay in a cache that visitors share.
        let isPublic = viewer.kind == .anonymous && reference?.level == .pg
        var fields: HTTPFields = [
            .eTag: EntityTag(hash).field, .acceptRanges: "bytes", .contentType: type,
            .contentDisposition: name.disposition(inline: MediaType.isShown(type)),
            .cacheControl: "\(isPublic ? "public" : "private"), max-age=31536000, immutable",
            .contentSecurityPolicy: "default-src 'none'; sandbox", .accessControlAllowOrigin: "*",
            .accessControlExposeHeaders: "Content-Length, Content-Range, Content-Disposition, ETag, Repr-Digest",
        ]
        fields[Self.reprDigest] = ContentDigest.field(for: hash)
        if reference?.isImage == false {
            fields[Self.link] = [("torrent", TorrentRoutes.torrentType), ("meta4", TorrentRoutes.metalinkType)]
                .map { "</blobs/\(hash.hex).\($0)>; rel=\"describedby\"; type=\"\($1)\"" }.joined(separator: ", ")
        }
        return fields
    }

    // MARK: Ranges

    /// The range asked for, unless `If-Range` says that the caller has part of something else. Ranges are for GET alone.
    private func range(_ hash: Hash32, _ request: Request, size: UInt64) -> ByteRange {
        guard request.method == .get, EntityTag(hash).admitsRange(of: request) else { return .whole }
        return ByteRange(request.headers[.range], size: size)
    }

    private static func unsatisfiable(size: UInt64) -> Response {
        Response(
            status: .rangeNotSatisfiable,
            headers: [.contentRange: "bytes */\(size)", .cacheControl: "no-store", .accessControlAllowOrigin: "*"])
    }

    // MARK: Partial blobs

    private func partial(
        _ hash: Hash32, _ request: Request, _ fields: HTTPFields, on channel: any Channel, at pace: SendingPace
    ) async throws -> Response {
        guard let partial = try await services.blobs.partial(hash), partial.size > 0 else {
            throw BlobError.notFound(hash)
        }
        let range: Range<UInt64>
        switch self.range(hash, request, size: partial.size) {
        // Peers ask for one range at a time.
        case .whole, .parts: range = 0..<partial.size
        case .part(let part): range = part
        case .unsatisfiable: return Self.unsatisfiable(size: partial.size)
        }
        let unit = UInt64(Limits.Blob.unitBytes)
        let units = Int(range.lowerBound / unit)..<Int((range.upperBound - 1) / unit) + 1
        guard await partial.heldUnits.contains(units) else { throw BlobError.notFound(hash) }
        let body = ResponseBody(contentLength: range.count) { writer in
            for number in units {
                let start = UInt64(number) * unit
                var buffer = try await partial.readUnits(number..<number + 1)
                let wanted = range.clamped(to: start..<start + UInt64(buffer.readableBytes))
                buffer.moveReaderIndex(forwardBy: Int(wanted.lowerBound - start))
                buffer.moveWriterIndex(to: buffer.readerIndex + wanted.count)
                while buffer.readableBytes > 0 {
                    let count = try await pace.take(upTo: buffer.readableBytes)
                    if let bytes = buffer.readSlice(length: count) {
                        try await channel.cuttingStalls { try await writer.write(bytes) }
                    }
                }
            }
            try await writer.finish(nil)
        }
        let isWhole = range.count == partial.size
        return Response(
            status: isWhole ? .ok : .partialContent,
            headers: isWhole ? fields : fields.adding(range, of: partial.size), body: body)
    }

    // Literals that are valid field names.
    private static let reprDigest = HTTPField.Name("Repr-Digest")!
    private static let link = HTTPField.Name("Link")!
}

extension HTTPFields {
    fileprivate func adding(_ range: Range<UInt64>, of size: UInt64) -> HTTPFields {
        var fields = self
        fields[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
        return fields
    }
}
