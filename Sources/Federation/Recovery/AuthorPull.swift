public import Digests
import FoundationEssentials
import Identity
import Logging
public import PostLog
import WaggleProtocol

/// Asks one node for everything that it has of one author: what a restored or recovered node does before it signs again.
public struct AuthorPull: Sendable {
    let client: NodeClient
    let node: Hash32
    let log: PostLog

    /// - Parameter node: who answers at the client's address.
    public init(client: NodeClient, node: Hash32, log: PostLog) {
        self.client = client
        self.node = node
        self.log = log
    }

    /// What one node had.
    public struct Outcome: Sendable, Equatable {
        /// Posts that were not here.
        public var fetched = 0
        /// The node has at least one post of the author.
        public var knowsAuthor = false
    }

    /// Fetches what is missing, keys first, and hands it to the intake; returns when all is on disk.
    ///
    /// - Throws: `PeerError` when the node fails, `PostLogError` when the log does.
    public func pull(_ author: Hash32) async throws -> Outcome {
        var outcome = Outcome()
        if try await log.keyChain(of: author) == nil {
            let genesis = try await client.posts(ids: [author])
            guard !genesis.isEmpty else { return outcome }
            outcome.knowsAuthor = true
            outcome.fetched += try await submit(genesis)
        }
        // A chain may wait for its parents and posts for the chain, so what was parked is looked at again.
        for _ in 0..<2 {
            let index = try await log.index(ofAuthor: author, limit: Limits.Gateway.builtScopeIDs)
            let (need, have) = try await difference(author, index)
            outcome.knowsAuthor = outcome.knowsAuthor || !need.isEmpty || have < index.count
            let fetched = try await fetch(need)
            outcome.fetched += fetched
            if fetched == 0 { break }
        }
        return outcome
    }

    /// Ids that only the node holds, and how many only this side does.
    private func difference(_ author: Hash32, _ index: ReconciliationIndex) async throws -> (need: [Hash32], have: Int)
    {
        var scope = WireSyncScope()
        scope.author = author.data
        var session = ReconciliationSession(try Negentropy(index, frameLimit: Limits.Wire.syncMessageBytes))
        var message = session.start()
        var (need, have): ([Hash32], Int) = ([], 0)
        while true {
            let progress = try session.handle(try await client.sync(scope, message: message))
            need += progress.need
            have += progress.have.count
            guard case .send(let next) = progress.next else { return (need, have) }
            message = next
        }
    }

    private func fetch(_ ids: [Hash32]) async throws -> Int {
        let here = try await log.known(ids)
        var missing = ids.filter { !here.contains($0) }
        var fetched = 0
        while !missing.isEmpty {
            let envelopes = try await client.posts(ids: Array(missing.prefix(Limits.Wire.idsPerGet)))
            let came = Set(envelopes.compactMap { try? OpenedEnvelope($0).id })
            guard missing.contains(where: { came.contains($0) }) else { break }
            fetched += try await submit(envelopes)
            missing.removeAll { came.contains($0) }
        }
        return fetched
    }

    private func submit(_ envelopes: [Data]) async throws -> Int {
        try await log.intake.submit(envelopes, from: .peer(node)).count { $0 == .new }
    }
}

extension Federation {
    /// A pull from a node at an address that the operator typed.
    public func pull(from url: PeerURL, node: Hash32) -> AuthorPull {
        AuthorPull(client: client(for: url), node: node, log: log)
    }

    /// Asks one peer after the other for the newest posts of these authors.
    ///
    /// - Returns: the first peer that answered for all of them and knows one at least; nil when none did.
    public func catchUp(_ authors: [Hash32]) async -> Peer? {
        for peer in (try? await peers.peers()) ?? [] where !peer.url.isEmpty {
            guard let url = try? PeerURL(peer.url) else { continue }
            do {
                _ = try await client(for: url).offer(identity.keyDocuments)
                let pull = AuthorPull(client: client(for: url), node: peer.node, log: log)
                var (isKnown, fetched) = (false, 0)
                for author in authors {
                    let outcome = try await pull.pull(author)
                    isKnown = isKnown || outcome.knowsAuthor
                    fetched += outcome.fetched
                }
                guard isKnown else { continue }
                logger.notice("own posts fetched", metadata: ["peer": "\(peer.url)", "posts": "\(fetched)"])
                return peer
            } catch {
                logger.info("a peer was not asked for own posts", metadata: ["peer": "\(peer.url)", "why": "\(error)"])
            }
        }
        return nil
    }
}
