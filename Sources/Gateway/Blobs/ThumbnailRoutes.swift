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
    let memory = MemoryBudget(limit: Limits.Gateway.pictureBytes)

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
        let viewer = try await viewers.viewer(request, context, bySession: true)
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
        let viewer = try await viewers.viewer(request, context, bySession: true)
        let reference = try await gate.reference(hash, for: viewer)
        let reader = try await services.blobs.open(hash)
        guard reader.size <= UInt64(Limits.Text.sampleBytes) else {
            throw GatewayError.notFound("This is too large for a picture whose metadata are taken out here")
        }
        // The picture, and the one without metadata.
        let room = try memory.take(2 * Int(reader.size))
        let (info, bare) = try await Self.bare(reader)
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
            ], body: Self.body(bare, room, on: context.channel))
    }

    private static func bare(_ reader: BlobReader) async throws -> (ImageInfo, [UInt8]) {
        let bytes = Array(try await reader.read(0..<reader.size).readableBytesView)
        guard let info = ImageInfo.sniff(bytes), let bare = PictureText.stripped(bytes) else {
            throw GatewayError.notFound("Only PNG, JPEG, WebP and GIF images have their metadata taken out here")
        }
        return (info, bare)
    }

    /// The picture in pieces. Its memory is free again when it is sent; a reader that takes its time does not keep it.
    private static func body(_ picture: [UInt8], _ room: MemoryBudget.Room, on channel: any Channel) -> ResponseBody {
        ResponseBody(contentLength: picture.count) { writer in
            let cut = channel.eventLoop.scheduleTask(in: .seconds(Limits.Gateway.pictureSeconds)) {
                channel.close(promise: nil)
            }
            defer {
                cut.cancel()
                room.giveBack()
            }
            var start = 0
            while start < picture.count {
                let end = min(start + Int(Limits.Gateway.chunkBytes), picture.count)
                let piece = ByteBuffer(bytes: picture[start..<end])
                try await channel.cuttingStalls { try await writer.write(piece) }
                start = end
            }
            try await writer.finish(nil)
        }
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
