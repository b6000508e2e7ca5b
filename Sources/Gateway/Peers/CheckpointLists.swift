import BlobStore
import Catalog
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Moderation
import PostLog
import Synchronization
import WaggleProtocol

/// Lists of checkpoints that peers bring: `PUT /w/1/blobs/{sha256}` with the plain bytes, whole.
///
/// Without its list everything that a lost key ever said is hidden, and a node that nobody can dial could not give it to
/// anybody. So these are taken where other uploads are not: only what a checkpoint here names, and within bounds of their
/// own.
final class CheckpointLists: Sendable {
    private let services: GatewayServices
    private let gate: BlobGate
    private let quota = Mutex(UploadQuota(bytes: Limits.Checkpoint.bytesPerPeer))

    init(services: GatewayServices, gate: BlobGate) {
        self.services = services
        self.gate = gate
    }

    /// Unit hashes come as protobuf, and units with their range.
    static func isList(_ request: Request) -> Bool {
        request.headers[.contentRange] == nil && request.headers[.contentType] == "application/octet-stream"
    }

    func take(_ hash: Hash32, _ request: Request, _ sender: PeerAuthentication.Sender) async throws -> Response {
        let named = try await gate.reference(hash, for: .peer)?.posts ?? []
        let authors = try await services.postLog.posts(ids: named).values.filter { $0.kind == .checkpoint }.map(
            \.author)
        guard !authors.isEmpty else { throw GatewayError.notFound("No checkpoint here names this list") }
        var isTrusted = false
        for author in authors {
            if try await services.catalog.hasEarnedRoom(author) { isTrusted = true }
        }
        let limit = isTrusted ? Limits.Wire.bodyBytes : Limits.Checkpoint.strangerBytes
        let content = try await WireBody.collect(request.body, limit: limit, clock: services.clock)
        try sender.check(content)
        guard SHA256.hash(content) == hash, content.count % 32 == 0 else {
            throw GatewayError.badRequest(code: "other-blob", "These bytes are not the list with this SHA-256")
        }
        let headers: HTTPFields = [.cacheControl: "no-store"]
        if try await services.blobs.presence([hash]) == [.whole] { return Response(status: .ok, headers: headers) }
        try quota.withLock { quota throws(GatewayError) in
            try quota.admit(hash, size: UInt64(content.count), from: sender.node, now: services.now())
        }
        _ = try await services.blobs.add(bytes: content)
        await services.listArrived()
        return Response(status: .created, headers: headers)
    }
}
