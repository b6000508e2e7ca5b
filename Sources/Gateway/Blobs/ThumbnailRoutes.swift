import BlobStore
import Catalog
import Digests
import Formats
import HTTPTypes
import Hummingbird
import Media
import Moderation
import NIOCore
import WaggleProtocol

/// Small copies of pictures, and pictures without what they say of how they were made. Whoever may not see a picture
/// does not see these.
struct ThumbnailRoutes: Sendable {
    let services: GatewayServices
    let viewers: Viewers
    let gate: BlobGate

    func register(in routes: inout RouteTable) {
        for size in Thumbnail.Size.allCases {
            for format in Thumbnail.Format.allCases {
                let name = ThumbnailAddress.name(size, format)
                routes.get("/thumbs/{sha256}/\(name)", shows: .blob, .bytes) { request, context in
                    try await thumbnail(size, format, request, context)
                }
            }
        }
        routes.get("/pictures/{sha256}", shows: .blob, .bytes, stripped)
    }

    private func thumbnail(
        _ size: Thumbnail.Size, _ format: Thumbnail.Format, _ request: Request, _ context: GatewayContext
    ) async throws -> Response {
        let hash = try BlobGate.hash(context.parameter("sha256"))
        let viewer = try await viewers.viewer(request, context)
        let reference = try await gate.reference(hash, for: viewer)
        guard let bytes = try await services.thumbnail(Thumbnail(hash, size, format)) else {
            // Not made yet, or nothing can be made of it: the picture as it is, this once.
            return Response(
                status: .found, headers: [.location: "/blobs/\(hash.hex)", .cacheControl: "no-store"])
        }
        let isPublic = viewer.kind == .anonymous && reference?.level == .pg
        return Response(
            status: .ok,
            headers: [
                .contentType: format.mediaType, .contentLength: "\(bytes.count)",
                .cacheControl: "\(isPublic ? "public" : "private"), max-age=31536000, immutable",
                .contentSecurityPolicy: "default-src 'none'; sandbox", .accessControlAllowOrigin: "*",
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// A picture without its metadata, to be saved.
    @Sendable private func stripped(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let hash = try BlobGate.hash(context.parameter("sha256"))
        let viewer = try await viewers.viewer(request, context)
        let reference = try await gate.reference(hash, for: viewer)
        let reader = try await services.blobs.open(hash)
        guard reader.size <= UInt64(Limits.Text.sampleBytes) else {
            throw GatewayError.notFound("This is too large for a picture whose metadata are taken out here")
        }
        let bytes = Array(try await reader.read(0..<reader.size).readableBytesView)
        guard let info = ImageInfo.sniff(bytes), let bare = PictureText.stripped(bytes) else {
            throw GatewayError.notFound("Only PNG, JPEG, WebP and GIF images have their metadata taken out here")
        }
        let suffix = info.mediaType == .jpeg ? "jpg" : info.mediaType.rawValue.dropFirst("image/".count).description
        let name = FileName("\(hash.hex.prefix(12)).\(suffix)", fallback: "image")
        let isPublic = viewer.kind == .anonymous && reference?.level == .pg
        return Response(
            status: .ok,
            headers: [
                .contentType: info.mediaType.rawValue, .contentLength: "\(bare.count)",
                .contentDisposition: name.disposition(inline: false),
                .cacheControl: "\(isPublic ? "public" : "private"), max-age=31536000, immutable",
                .contentSecurityPolicy: "default-src 'none'; sandbox",
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bare)))
    }
}

enum ThumbnailAddress {
    static func name(_ size: Thumbnail.Size, _ format: Thumbnail.Format) -> String {
        "\(size.rawValue).\(format.rawValue)"
    }

    static func path(_ picture: Hash32, _ size: Thumbnail.Size, _ format: Thumbnail.Format = .webP) -> String {
        "/thumbs/\(picture.hex)/\(name(size, format))"
    }
}
