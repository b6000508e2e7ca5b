import Digests
import Federation
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import PostLog
import Synchronization
import WaggleProtocol

/// Finds out which node signed a request, and whether it is one of ours.
///
/// `keyid` is a node id. Any key that this node's copy of that node's key chain lists for the scope *node*, and that is
/// in force now, may sign. The URL that was signed must be one of this node's own.
final class PeerAuthentication: Sendable {
    private let services: GatewayServices
    private let origins: Origins
    private let nonces = Mutex(NonceCache())

    init(_ services: GatewayServices, _ origins: Origins) {
        self.services = services
        self.origins = origins
    }

    /// True when the caller wants to be known.
    static func isSigned(_ request: Request) -> Bool {
        request.headers[Self.signatureInput] != nil
    }

    /// The accepted peer that made this request.
    ///
    /// - Parameters:
    ///   - body: what was read of the body; nil when the route takes none.
    ///   - introduction: envelopes of the body. A caller whose keys are not known here, or not the newest of them, may send
    ///     them with its first posts, and the signature is checked against those, too.
    func peer(
        _ request: Request, _ context: GatewayContext, body: WireBody?, introduction: [Data] = []
    ) async throws -> Hash32 {
        let hasBody = body.map { !$0.content.isEmpty } ?? false
        let sender = try await sender(request, context, hasBody: hasBody, introduction: introduction)
        if hasBody, let body { try sender.check(body.content) }
        try await accept(sender.node)
        return sender.node
    }

    /// Who signed a request, for this node, once.
    struct Sender: Sendable {
        let node: Hash32
        fileprivate let request: VerifiedRequest

        /// Throws unless this is the body that was signed. No body may be acted on before this.
        func check(_ body: [UInt8]) throws(SignatureError) {
            try request.check(bodyDigest: SHA256.hash(body))
        }
    }

    /// The accepted peer that made a request with a body that is still to be read, and checked when it was.
    func sender(_ request: Request, _ context: GatewayContext) async throws -> Sender {
        let sender = try await sender(request, context, hasBody: true, introduction: [])
        try await accept(sender.node)
        return sender
    }

    private func accept(_ node: Hash32) async throws {
        guard await services.acceptsPeer(node) else {
            throw GatewayError.forbidden(
                code: "not-a-peer", "This node does not exchange with yours; its operator can add it as a peer")
        }
        await services.noteInboundPeer(node)
    }

    private func sender(
        _ request: Request, _ context: GatewayContext, hasBody: Bool, introduction: [Data]
    ) async throws -> Sender {
        let now = services.now()
        let verifier = RequestVerifier(urls: origins.targets(context))
        let claim = try verifier.claim(of: received(request, hasBody: hasBody), now: now)
        guard let node = AuthorID.parse(claim.keyID) else {
            throw GatewayError.unauthorized(code: "unknown-node", "keyid is no node id: w1 and 52 characters")
        }
        let known = try await services.postLog.keyChain(of: node)
        guard let chain = Self.chain(of: node, known: known, in: introduction) else {
            throw GatewayError.unauthorized(
                code: "unknown-node",
                "The keys of \(claim.keyID) are not known here; send them to /w/1/posts, signed with one of them")
        }
        guard chain.role == .node else {
            throw GatewayError.unauthorized(code: "not-a-node", "These are a person's keys; nodes talk here")
        }
        let proof = try verifier.verify(claim, keys: Self.nodeKeys(chain, now: now))
        let verified = try nonces.withLock { nonces throws(SignatureError) in try nonces.admit(proof, now: now) }
        return Sender(node: node, request: verified)
    }

    private func received(_ request: Request, hasBody: Bool) -> ReceivedRequest {
        ReceivedRequest(
            method: request.method.rawValue, requestTarget: request.head.path ?? "",
            authority: request.head.authority ?? "",
            fields: request.headers.map { (name: $0.name.rawName, value: $0.value) },
            hasBody: hasBody)
    }

    /// Newest first, and only so many: each may cost a verification for each URL.
    private static func nodeKeys(_ chain: KeyChain, now: UInt64) -> [Hash32] {
        let inForce = chain.devices.filter { key, _ in
            chain.verdict(device: key, created: now, id: .zero, scope: .node, checkpoint: { _ in nil }) == .accepted
        }
        let newest = inForce.sorted { ($1.value.notBefore, $0.key) < ($0.value.notBefore, $1.key) }
        return newest.prefix(Limits.Gateway.nodeKeys).map(\.key)
    }

    /// The chain that is known here with the documents that a caller brings along: one that lost its key, and has a new one,
    /// could never say so otherwise. Nil when there is none, or what comes does not hold together.
    private static func chain(of node: Hash32, known: KeyChain?, in envelopes: [Data]) -> KeyChain? {
        var chain = known
        var left = Limits.Gateway.introducedDocuments
        for envelope in envelopes {
            guard let unverified = try? UnverifiedPost(envelope: envelope),
                unverified.post.kind == PostKind.keyDocument.rawValue,
                unverified.id == node || unverified.post.author == node.data
            else { continue }
            if chain?.contains(unverified.id) == true { continue }
            guard left > 0, let post = try? SignedPost(unverified: unverified) else { return known }
            left -= 1
            do throws(KeyChainError) {
                if var known = chain {
                    try known.add(post)
                    chain = known
                } else {
                    chain = try KeyChain(genesis: post)
                }
            } catch {
                return known
            }
        }
        return chain
    }

    // A literal that is a valid field name.
    private static let signatureInput = HTTPField.Name("Signature-Input")!
}
