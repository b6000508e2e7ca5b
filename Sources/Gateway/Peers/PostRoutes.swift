import Digests
import Federation
import FoundationEssentials
import Hummingbird
import Identity
import PostLog
import WaggleProtocol

/// Posts by id, and the way in: `POST /w/1/posts/get`, `POST /w/1/posts`.
struct PostRoutes: Sendable {
    let services: GatewayServices
    let peers: PeerAuthentication
    let offer: PeerOffer

    func register(in routes: inout RouteTable) {
        routes.post("/w/1/posts/get", shows: .peerOnly, .peer, get)
        routes.post("/w/1/posts", shows: .peerOnly, .peer, submit)
    }

    /// Envelopes of the posts asked for, in the order asked, as many as fit into one body. What is left out the caller
    /// asks for again; what is not offered is never there.
    @Sendable private func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let body = try await WireBody(of: request, clock: services.clock)
        let node = try await peers.peer(request, context, body: body)
        let ids = try Self.hashes(body.message(WirePostIDs.self).ids, limit: Limits.Wire.idsPerGet)
        var reply = WirePostBatch()
        // Room for the tag and length of each envelope.
        var room = Limits.Wire.bodyBytes
        var isFull = false
        var given: [Hash32] = []
        for start in stride(from: 0, to: ids.count, by: Self.step) where !isFull {
            let step = ids[start..<min(start + Self.step, ids.count)]
            let posts = try await services.postLog.posts(ids: Array(step))
            for post in step.compactMap({ posts[$0] }) {
                guard try await offer.includes(post) else { continue }
                room -= post.envelope.count + 8
                guard room >= 0 else {
                    isFull = true
                    break
                }
                reply.envelopes.append(post.envelope)
                given.append(post.id)
            }
        }
        services.gossip.tell(.requested(given, by: node))
        services.gossip.sends(given, to: node)
        services.gossip.countOut(given.count, to: node)
        return WireBody.reply(reply, to: request)
    }

    /// Posts read from the log at a time: at most 4 MiB.
    private static let step = 64

    /// Takes posts, and names those of the offered ones that the caller is to send.
    @Sendable private func submit(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let body = try await WireBody(of: request, clock: services.clock)
        let batch = try body.message(WirePostBatch.self)
        guard batch.envelopes.count <= Limits.Wire.idsPerGet else {
            throw GatewayError.tooManyItems(limit: Limits.Wire.idsPerGet)
        }
        let node = try await peers.peer(request, context, body: body, introduction: batch.envelopes)
        var reply = WirePostResults()
        let named = try Self.hashes(batch.offered, limit: Limits.Wire.idsPerGet)
        let ids = batch.envelopes.map { try? OpenedEnvelope($0).id }
        services.gossip.tell(.received(ids.compactMap { $0 }, from: node))
        let results = try await services.postLog.intake.submit(batch.envelopes, from: services.source(node))
        services.gossip.judged(ids, results, from: node)
        services.gossip.countExcess(results, from: node)
        reply.results = results.map { $0.wire }
        if !named.isEmpty {
            reply.wanted = try await services.gossip.wanted(named, offeredBy: node, log: services.postLog).map(\.data)
        }
        return WireBody.reply(reply, to: request)
    }

    /// Names from a list of byte strings.
    static func hashes(_ list: [Data], limit: Int) throws(GatewayError) -> [Hash32] {
        guard list.count <= limit else { throw .tooManyItems(limit: limit) }
        let hashes = list.compactMap { Hash32($0) }
        guard hashes.count == list.count else {
            throw .badRequest(code: "bad-message", "Each name has 32 bytes")
        }
        return hashes
    }
}

extension IntakeResult {
    fileprivate var wire: WirePostResult {
        var result = WirePostResult()
        switch self {
        case .new: result.status = .new
        case .have: result.status = .have
        case .invalid(let reason), .unauthorised(let reason):
            result.status = .invalid
            result.reason = reason
        case .policy(let reason):
            result.status = .policy
            result.reason = reason
        case .rate(let retryAfter):
            result.status = .rate
            result.retryAfter = retryAfter
        case .future(let retryAfter):
            result.status = .future
            result.retryAfter = retryAfter
        case .parked: result.status = .parked
        }
        return result
    }
}
