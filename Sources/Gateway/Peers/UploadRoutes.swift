import BlobStore
import Catalog
import Digests
import Federation
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Moderation
import NIOCore
import Synchronization
import WaggleProtocol

/// `PUT /w/1/blobs/{sha256}`: a peer that nobody can dial brings a blob, where the operator allows it.
///
/// First the unit hashes, as `BlobPieces`; the answer says which units are here. Then runs of whole units, each with its
/// `Content-Range`. Only blobs that a post in force here shows to peers are taken, with the size and pieces root that it
/// signs, and only units that are right. What is broken off is asked for again by sending the unit hashes once more.
final class UploadRoutes: Sendable {
    private let services: GatewayServices
    private let peers: PeerAuthentication
    private let gate: BlobGate
    private let quota: Mutex<UploadQuota>
    private let lists: CheckpointLists

    init(services: GatewayServices, peers: PeerAuthentication, gate: BlobGate) {
        self.services = services
        self.peers = peers
        self.gate = gate
        quota = Mutex(UploadQuota(bytes: services.configuration.uploadBytesPerPeer))
        lists = CheckpointLists(services: services, gate: gate)
    }

    func register(in routes: inout RouteTable) {
        routes.put("/w/1/blobs/{sha256}", shows: .peerOnly, .peer) { try await self.put($0, $1) }
    }

    private func put(_ request: Request, _ context: GatewayContext) async throws -> Response {
        // Nothing of the body is read for somebody who may not send one.
        let sender = try await peers.sender(request, context)
        if CheckpointLists.isList(request) {
            return try await lists.take(BlobGate.hash(context.parameter("sha256")), request, sender)
        }
        guard services.configuration.uploadBytesPerPeer > 0 else {
            throw GatewayError.forbidden(code: "no-uploads", "This node takes no uploads; its operator can allow them")
        }
        let hash = try BlobGate.hash(context.parameter("sha256"))
        let reference = try await gate.reference(hash, for: .peer)
        guard let reference, reference.piecesRoot != .zero else {
            throw GatewayError.notFound("No post here says how large the file with this SHA-256 is")
        }
        let wanted = WantedBlob(sha256: hash, piecesRoot: reference.piecesRoot, size: reference.size)
        if request.headers[.contentRange] == nil {
            return try await begin(wanted, request, sender)
        }
        return try await write(wanted, request, sender)
    }

    // MARK: Beginning

    private func begin(_ wanted: WantedBlob, _ request: Request, _ sender: PeerAuthentication.Sender) async throws
        -> Response
    {
        let body = try await WireBody(of: request, clock: services.clock)
        try sender.check(body.content)
        let pieces = try body.message(WireBlobPieces.self)
        guard pieces.size == wanted.size, pieces.piecesRoot == wanted.piecesRoot.data else {
            throw GatewayError.conflict(code: "other-blob", "The post that names this file signs another size or root")
        }
        let layer = pieces.units.compactMap { Hash32($0) }
        guard layer.count == pieces.units.count else {
            throw GatewayError.badRequest(code: "bad-message", "A unit hash has 32 bytes")
        }
        var reply = WireBlobPieces()
        reply.size = wanted.size
        reply.piecesRoot = wanted.piecesRoot.data
        if try await isHere(wanted.sha256) { return answer(reply, units: "all", to: request) }
        try quota.withLock { quota throws(GatewayError) in
            try quota.admit(wanted.sha256, size: wanted.size, from: sender.node, now: services.now())
        }
        do throws(BlobError) {
            let partial = try await services.blobs.beginPartial(
                sha256: wanted.sha256, size: wanted.size, piecesRoot: wanted.piecesRoot, layer: layer)
            let held = await partial.heldUnits
            if held.isFull {
                // It was broken off before its last step.
                _ = try await partial.commit()
                return answer(reply, units: "all", to: request)
            }
            reply.have = held.data
            return answer(reply, units: BlobPeerRoutes.ranges(held), to: request)
        } catch .alreadyHeld {
            return answer(reply, units: "all", to: request)
        } catch .rootMismatch {
            throw GatewayError.badRequest(code: "bad-units", "These unit hashes do not lead to the signed pieces root")
        } catch {
            throw Self.refusal(error)
        }
    }

    private func answer(_ reply: WireBlobPieces, units: String, to request: Request) -> Response {
        var response = WireBody.reply(reply, to: request)
        response.headers[BlobPeerRoutes.units] = units
        return response
    }

    private func isHere(_ hash: Hash32) async throws -> Bool {
        try await services.blobs.presence([hash]).first == .whole
    }

    // MARK: Units

    private func write(_ wanted: WantedBlob, _ request: Request, _ sender: PeerAuthentication.Sender) async throws
        -> Response
    {
        guard let units = ContentUnits(request.headers[.contentRange], size: wanted.size) else {
            throw GatewayError.badRequest(
                code: "bad-range",
                "Content-Range must be \"bytes FIRST-LAST/\(wanted.size)\" and cover whole MiB units, "
                    + "\(Limits.Wire.uploadUnits) at most")
        }
        if try await isHere(wanted.sha256) { return Self.done(.ok, "all") }
        guard let partial = try await services.blobs.partial(wanted.sha256) else {
            throw GatewayError.conflict(code: "not-begun", "Send the unit hashes first")
        }
        guard partial.size == wanted.size, partial.piecesRoot == wanted.piecesRoot else {
            throw Self.refusal(.conflict(wanted.sha256))
        }
        let content = try await WireBody.collect(request.body, limit: units.byteCount, clock: services.clock)
        try sender.check(content)
        guard content.count == units.byteCount else {
            throw GatewayError.badRequest(code: "bad-range", "The body has not the bytes that Content-Range names")
        }
        do throws(BlobError) {
            for unit in units.units {
                let start = (unit - units.units.lowerBound) << 20
                let end = min(start + Limits.Blob.unitBytes, content.count)
                try await partial.write(unit: unit, bytes: content[start..<end])
            }
            let held = await partial.heldUnits
            guard held.isFull else { return Self.done(.accepted, BlobPeerRoutes.ranges(held)) }
            _ = try await partial.commit()
            return Self.done(.created, "all")
        } catch .alreadyHeld {
            // Two requests brought the last units.
            return Self.done(.ok, "all")
        } catch .badUnit(let unit, _) {
            throw GatewayError.badRequest(code: "bad-unit", "The bytes of unit \(unit) are not those of its hash")
        } catch {
            throw Self.refusal(error)
        }
    }

    private static func done(_ status: HTTPResponse.Status, _ held: String) -> Response {
        Response(status: status, headers: [BlobPeerRoutes.units: held, .cacheControl: "no-store"])
    }

    private static func refusal(_ error: BlobError) -> any Error {
        switch error {
        case .overBudget, .diskFull:
            GatewayError.conflict(code: "no-room", "This node has no room for the file at the moment")
        case .hashMismatch:
            GatewayError.conflict(code: "other-blob", "The signed root is not that of the bytes with this SHA-256")
        case .conflict: GatewayError.conflict(code: "other-blob", "Another size or root is under way for this SHA-256")
        default: error
        }
    }
}
