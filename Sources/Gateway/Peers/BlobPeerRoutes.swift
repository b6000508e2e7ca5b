import BlobStore
import Catalog
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Moderation
import WaggleProtocol

/// What peers ask of blobs before they fetch them, and small ones many at a time: `POST /w/1/blobs/have`,
/// `POST /w/1/blobs/get`, `GET HEAD /w/1/blobs/{sha256}/pieces`.
struct BlobPeerRoutes: Sendable {
    let services: GatewayServices
    let peers: PeerAuthentication
    let gate: BlobGate

    func register(in routes: inout RouteTable) {
        routes.post("/w/1/blobs/have", shows: .peerOnly, .peer, have)
        routes.post("/w/1/blobs/get", shows: .peerOnly, .peer, get)
        routes.get("/w/1/blobs/{sha256}/pieces", shows: .peerOnly, .peer, pieces)
    }

    @Sendable private func have(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let body = try await WireBody(of: request, clock: services.clock)
        _ = try await peers.peer(request, context, body: body)
        let hashes = try PostRoutes.hashes(body.message(WireBlobHashes.self).sha256, limit: Limits.Wire.hashesPerHave)
        services.blobs.noteDemand()
        let presence = try await services.blobs.presence(hashes)
        var reply = WireBlobPresence()
        // What is not here needs no look at who may see it.
        let here = zip(hashes, presence).filter { $1 != .none }.map(\.0)
        let shown = try await shown(here)
        for (hash, presence) in zip(hashes, presence) {
            reply.presence.append(!shown.contains(hash) ? .none : presence == .whole ? .whole : .partial)
        }
        return WireBody.reply(reply, to: request)
    }

    /// Those that peers may have.
    private func shown(_ hashes: [Hash32]) async throws -> Set<Hash32> {
        Set(zip(hashes, try await gate.look(hashes, for: .peer)).filter { $1 == .show }.map(\.0))
    }

    /// Small blobs, in the order asked: a request a file would cost more than the files.
    @Sendable private func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let body = try await WireBody(of: request, clock: services.clock)
        _ = try await peers.peer(request, context, body: body)
        let hashes = try PostRoutes.hashes(body.message(WireBlobHashes.self).sha256, limit: Limits.Wire.blobsPerGet)
        let shown = try await shown(hashes)
        let found = try await services.blobs.smallBlobs(hashes.filter { shown.contains($0) })
        var reply = WireBlobBatch()
        // Room for the tag and length of each, given or not.
        var room = Limits.Wire.bodyBytes - 8 * hashes.count
        for hash in hashes {
            guard let bytes = found[hash], bytes.count <= room else {
                reply.blobs.append(Data())
                continue
            }
            room -= bytes.count
            reply.blobs.append(bytes)
        }
        let pace = SendingPace(services.sending, to: .peer, nil, size: 0, on: context.channel)
        var left = Limits.Wire.bodyBytes - room
        while left > 0 { left -= try await pace.take(upTo: left) }
        return WireBody.reply(reply, to: request)
    }

    /// The unit hashes, and of a blob that is not complete which units are here. HEAD gives the latter as ranges.
    @Sendable private func pieces(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try await peers.peer(request, context, body: nil)
        let hash = try BlobGate.hash(context.parameter("sha256"))
        _ = try await gate.reference(hash, for: .peer)
        var reply = WireBlobPieces()
        var held = "all"
        if let partial = try await services.blobs.partial(hash) {
            let units = await partial.heldUnits
            reply.size = partial.size
            reply.piecesRoot = partial.piecesRoot.data
            reply.units = partial.layer.map(\.data)
            reply.have = units.data
            held = Self.ranges(units)
        } else {
            guard let facts = try await services.blobs.facts(hash), facts.place != .absent else {
                throw GatewayError.notFound("The bytes are not on this node at the moment")
            }
            reply.size = facts.size
            reply.piecesRoot = facts.piecesRoot.data
            reply.units = try await services.blobs.unitHashes(hash).map(\.data)
        }
        var response = WireBody.reply(reply, to: request)
        response.headers[Self.units] = held
        return response
    }

    /// `0-15,20,31-40`; of many runs only the first, which says less than there is, never more.
    static func ranges(_ units: UnitSet) -> String {
        var runs: [String] = []
        var start = 0
        for gap in units.missing + [units.capacity..<units.capacity] {
            if gap.lowerBound > start {
                runs.append(gap.lowerBound - start == 1 ? "\(start)" : "\(start)-\(gap.lowerBound - 1)")
            }
            start = gap.upperBound
        }
        return runs.isEmpty ? "none" : runs.prefix(256).joined(separator: ",")
    }

    // A literal that is a valid field name.
    static let units = HTTPField.Name("Waggle-Units")!
}
