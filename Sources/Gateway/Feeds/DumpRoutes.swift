import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Moderation
import NIOCore
import NIOPosix
import Operations
import SystemPackage
import WaggleProtocol

/// The nightly dumps of public posts: which there are, and their bytes.
struct DumpRoutes: Sendable {
    let services: GatewayServices
    let origins: Origins

    func register(in routes: inout RouteTable) {
        routes.get("/dumps", shows: .nothing, .api, list)
        routes.get("/dumps/{name}", shows: .nothing, .bytes, file)
    }

    private struct Line: Encodable {
        let name: String
        let size: UInt64
        let sha256: String
        let posts: Int
        let created: String
        let url: String
    }

    private struct List: Encodable {
        /// Newest first.
        let items: [Line]
    }

    /// Newest first. One that was begun before the last purge may hold what was purged; a newer one is written soon.
    private func dumps() async throws -> (folder: DumpFolder, all: [DumpFacts]) {
        let folder = DumpFolder(services.context().home)
        let purge = services.moderation.newestTakedown
        let all = try await NIOThreadPool.singleton.runIfActive { folder.all }
        return (folder, all.filter { facts in purge.map { facts.created > $0 } ?? true })
    }

    @Sendable private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let base = origins.base(for: request, context)
        let items = try await dumps().all
        return .json(
            List(
                items: items.map {
                    Line(
                        name: $0.name, size: $0.size, sha256: $0.sha256, posts: $0.posts,
                        created: Dates.timestamp($0.created), url: "\(base)/dumps/\($0.name)")
                }),
            headers: [.accessControlAllowOrigin: "*", .cacheControl: "public, max-age=600"])
    }

    @Sendable private func file(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let name = context.parameter("name") ?? ""
        let (folder, all) = try await dumps()
        let opened = try await NIOThreadPool.singleton.runIfActive {
            try all.first { $0.name == name }.map { facts in
                (
                    facts,
                    OpenDump(
                        try SystemPackage.FileDescriptor.open(folder.file(facts), .readOnly, options: [.closeOnExec]))
                )
            }
        }
        guard let (facts, dump) = opened, let hash = Hash32(hex: facts.sha256) else {
            throw GatewayError.notFound("There is no dump of this name; /dumps lists them")
        }
        guard dump.size == facts.size else {
            throw GatewayError.unavailable("This dump is being replaced by a newer one; try again in a moment")
        }
        let tag = EntityTag(hash)
        var headers: HTTPFields = [
            .contentType: "application/zstd", .eTag: tag.field, .acceptRanges: "bytes", .accessControlAllowOrigin: "*",
            .cacheControl: "public, max-age=86400", .contentDisposition: "attachment; filename=\"\(facts.name)\"",
        ]
        if tag.isKnown(to: request) { return Response(status: .notModified, headers: headers) }
        let asked = tag.admitsRange(of: request) ? ByteRange(request.headers[.range], size: facts.size) : .whole
        switch asked {
        case .unsatisfiable:
            headers[.contentRange] = "bytes */\(facts.size)"
            return Response(status: .rangeNotSatisfiable, headers: headers)
        case .part(let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(facts.size)"
            return Response(
                status: .partialContent, headers: headers, body: dump.body(range, on: context.channel))
        case .whole, .parts:
            return Response(status: .ok, headers: headers, body: dump.body(0..<facts.size, on: context.channel))
        }
    }
}

/// A dump that is being read. The file stays readable when a newer one takes its place meanwhile.
private final class OpenDump: Sendable {
    private let file: SystemPackage.FileDescriptor

    init(_ file: SystemPackage.FileDescriptor) {
        self.file = file
    }

    deinit {
        try? file.close()
    }

    /// Bytes of the file that was opened.
    var size: UInt64 { UInt64(clamping: (try? file.seek(offset: 0, from: .end)) ?? 0) }

    func body(_ range: Range<UInt64>, on channel: any Channel) -> ResponseBody {
        ResponseBody(contentLength: range.count) { writer in
            var start = range.lowerBound
            while start < range.upperBound {
                let (from, count) = (start, Int(min(Limits.Gateway.chunkBytes, range.upperBound - start)))
                let bytes = try await NIOThreadPool.singleton.runIfActive { [self] in
                    try [UInt8](unsafeUninitializedCapacity: count) { memory, filled in
                        filled = try file.read(
                            fromAbsoluteOffset: Int64(from), into: UnsafeMutableRawBufferPointer(memory))
                    }
                }
                guard !bytes.isEmpty else { throw GatewayError.unavailable("The dump is shorter than it was") }
                start += UInt64(bytes.count)
                try await channel.cuttingStalls { try await writer.write(ByteBuffer(bytes: bytes)) }
            }
            try await writer.finish(nil)
        }
    }
}
