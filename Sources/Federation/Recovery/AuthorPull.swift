public import Digests
public import FoundationEssentials
import Identity
import Logging
public import PostLog
import WaggleProtocol

/// Asks one node for everything that it has of one author: what a restored or recovered node does before it signs again.
///
/// The operator asked for this author, so what comes is judged like the node's own posts: the rates and rooms for strangers
/// would let in the first few and hold the rest back. Signatures and keys are checked all the same, and posts of others are
/// not taken.
public struct AuthorPull: Sendable {
    let client: NodeClient
    let log: PostLog

    /// - Parameter client: the node to ask.
    public init(client: NodeClient, log: PostLog) {
        self.client = client
        self.log = log
    }

    /// What one node had.
    public struct Outcome: Sendable, Equatable {
        /// Posts that were not here.
        public var fetched = 0
        /// The node has at least one post of the author.
        public var knowsAuthor = false
    }

    /// A post that the node named and that is not here, and why.
    private struct Missing {
        var device: Hash32?
        var reason: String
    }

    private struct Round {
        var fetched = 0
        var missing: [Hash32: Missing] = [:]
    }

    /// A chain may wait for its parents and posts for the chain, so what is not here yet is asked for again.
    private static let rounds = 8

    /// Fetches what is missing, keys first, and hands it to the intake; returns when all is on disk.
    ///
    /// - Throws: `PartialPullError` when a post that the node names is not here at the end, `PeerError` when the node fails,
    ///   `PostLogError` when the log does.
    public func pull(_ author: Hash32) async throws -> Outcome {
        var outcome = Outcome()
        if try await log.keyChain(of: author) == nil {
            let genesis = Self.posts(of: author, in: try await client.posts(ids: [author]))
            guard !genesis.isEmpty else { return outcome }
            outcome.knowsAuthor = true
            outcome.fetched += try await submit(genesis).fetched
        }
        var missing: [Hash32: Missing] = [:]
        for _ in 0..<Self.rounds {
            let index = try await log.index(ofAuthor: author, limit: Limits.Gateway.builtScopeIDs)
            let (need, have) = try await difference(author, index)
            outcome.knowsAuthor = outcome.knowsAuthor || !need.isEmpty || have < index.count
            let round = try await fetch(need, of: author)
            outcome.fetched += round.fetched
            missing = round.missing
            if round.fetched == 0 { break }
        }
        try await requireNothing(missing, of: author)
        return outcome
    }

    /// Everything that the node has of an author and that is not here, as it came: nothing is stored or verified.
    ///
    /// For whoever is no operator: what the node sends is held in memory, and bounded.
    ///
    /// - Throws: `PeerError`; `TooManyPostsError` for more than `most` posts, or `mostBytes` together.
    public func collect(_ author: Hash32, most: Int, mostBytes: Int) async throws -> [Data] {
        let index = try await log.index(ofAuthor: author, limit: Limits.Gateway.builtScopeIDs)
        var wanted = try await difference(author, index, most: Limits.Gateway.builtScopeIDs).need
        if try await log.keyChain(of: author) == nil, !wanted.contains(author) { wanted.insert(author, at: 0) }
        // What was taken back here is still named by whoever does not know.
        let here = try await log.known(wanted)
        var missing = wanted.filter { !here.contains($0) }
        guard missing.count <= most else { throw tooMany(most) }
        var (envelopes, bytes): ([Data], Int) = ([], 0)
        while !missing.isEmpty {
            let asked = Set(missing.prefix(Limits.Wire.idsPerGet))
            let posts = Self.posts(of: author, in: try await client.posts(ids: Array(asked)))
                .filter { asked.contains($0.id) }
            let came = Set(posts.map(\.id))
            // What it does not give now it will not give in the next round.
            missing.removeAll { came.isEmpty ? asked.contains($0) : came.contains($0) }
            envelopes += posts.map(\.envelope)
            bytes += posts.reduce(0) { $0 + $1.envelope.count }
            guard bytes <= mostBytes else {
                throw TooManyPostsError(url: client.url.description, what: "\(mostBytes) bytes")
            }
        }
        return envelopes
    }

    private func tooMany(_ most: Int) -> TooManyPostsError {
        TooManyPostsError(url: client.url.description, what: "\(most) posts")
    }

    /// Ids that only the node holds, and how many only this side does.
    ///
    /// - Parameter most: ids that the node may name: each of its messages has room for tens of thousands.
    private func difference(
        _ author: Hash32, _ index: ReconciliationIndex, most: Int = .max
    ) async throws -> (need: [Hash32], have: Int) {
        var scope = WireSyncScope()
        scope.author = author.data
        var session = ReconciliationSession(try Negentropy(index, frameLimit: Limits.Wire.syncMessageBytes))
        var message = session.start()
        var (need, have): ([Hash32], Int) = ([], 0)
        while true {
            let progress = try session.handle(try await client.sync(scope, message: message))
            need += progress.need
            guard need.count <= most else { throw tooMany(most) }
            have += progress.have.count
            guard case .send(let next) = progress.next else { return (need, have) }
            message = next
        }
    }

    private func fetch(_ ids: [Hash32], of author: Hash32) async throws -> Round {
        let here = try await log.known(ids)
        var missing = ids.filter { !here.contains($0) }
        var all = Round()
        while !missing.isEmpty {
            let asked = Array(missing.prefix(Limits.Wire.idsPerGet))
            let posts = Self.posts(of: author, in: try await client.posts(ids: asked))
            let came = Set(posts.map(\.id))
            guard asked.contains(where: { came.contains($0) }) else { break }
            let round = try await submit(posts)
            all.fetched += round.fetched
            all.missing.merge(round.missing) { _, new in new }
            missing.removeAll { came.contains($0) }
        }
        for id in missing { all.missing[id] = Missing(reason: "the node gives no such post that can be read here") }
        return all
    }

    /// A post of the author as it came, not verified.
    private struct Arrival {
        let id: Hash32
        let device: Hash32?
        let envelope: Data
    }

    private static func posts(of author: Hash32, in envelopes: [Data]) -> [Arrival] {
        envelopes.compactMap { envelope in
            guard let read = try? UnverifiedPost(envelope: envelope),
                // A genesis does not name its author: its id is the author's.
                read.id == author || read.post.author == author.data
            else { return nil }
            return Arrival(id: read.id, device: Hash32(read.post.device), envelope: envelope)
        }
    }

    private func submit(_ posts: [Arrival]) async throws -> Round {
        var round = Round()
        let results = try await log.intake.submit(posts.map(\.envelope), from: .local)
        for (post, result) in zip(posts, results) {
            let reason: String
            switch result {
            case .new:
                round.fetched += 1
                continue
            // What is not valid is no post of the author.
            case .have, .invalid, .unauthorised: continue
            case .policy(let why): reason = "this node does not take it: \(why)"
            case .rate(let seconds): reason = "this node has no room for it now; ask again in \(seconds) s"
            case .future(let seconds): reason = "it is dated \(seconds) s later than this machine's clock allows"
            case .parked: reason = "no key document lists the key that signed it"
            }
            round.missing[post.id] = Missing(device: post.device, reason: reason)
        }
        return round
    }

    private func requireNothing(_ missing: [Hash32: Missing], of author: Hash32) async throws {
        guard !missing.isEmpty else { return }
        let here = try await log.known(Array(missing.keys))
        let devices = try await log.keyChain(of: author)?.devices ?? [:]
        // Posts of a key out of use wait for the list of those that stay, which decides about them already.
        let left = missing.filter { id, post in
            !here.contains(id) && post.device.flatMap { devices[$0]?.decidingCheckpoint } == nil
        }
        guard let first = left.min(by: { $0.key < $1.key }) else { return }
        throw PartialPullError(
            url: client.url.description, author: author, missing: left.count, reason: first.value.reason)
    }
}

/// Not everything that a node has of an author is here: whoever signs, or says what stays of a lost key, would contradict
/// what is missing.
public struct PartialPullError: Error, Equatable, Sendable, CustomStringConvertible {
    public let url: String
    public let author: Hash32
    /// Posts that are not here.
    public let missing: Int
    /// Of one of them.
    public let reason: String

    public var description: String {
        "\(missing) posts of \(AuthorID.short(author)) that \(url) has are not here (\(reason)), so nothing was signed or "
            + "revoked; try again, or ask another node"
    }
}

/// A node sends more of an author than is taken in at once.
public struct TooManyPostsError: Error, Equatable, Sendable, CustomStringConvertible {
    public let url: String
    /// What is too much: "20000 posts", "67108864 bytes".
    public let what: String

    public var description: String { "\(url) sends more than \(what) of this author" }
}

extension Federation {
    /// A pull from a node at an address that the operator typed.
    public func pull(from url: PeerURL) -> AuthorPull {
        AuthorPull(client: client(for: url), log: log)
    }

    /// Asks one peer after the other for the newest posts of these authors.
    ///
    /// - Returns: the first peer that answered for all of them and knows one at least; nil when none did.
    public func catchUp(_ authors: [Hash32]) async -> Peer? {
        for peer in (try? await peers.unblockedPeers()) ?? [] where !peer.url.isEmpty {
            guard let url = try? PeerURL(peer.url) else { continue }
            do {
                _ = try await client(for: url).offer(identity.keyDocuments)
                let pull = AuthorPull(client: client(for: url), log: log)
                var (isKnown, fetched) = (false, 0)
                for author in authors {
                    let outcome = try await pull.pull(author)
                    isKnown = isKnown || outcome.knowsAuthor
                    fetched += outcome.fetched
                }
                guard isKnown else { continue }
                logger.notice("own posts fetched", metadata: ["peer": "\(peer.url)", "posts": "\(fetched)"])
                return peer
            } catch let error as PartialPullError {
                logger.warning("own posts are not all here", metadata: ["peer": "\(peer.url)", "why": "\(error)"])
            } catch {
                logger.info("a peer was not asked for own posts", metadata: ["peer": "\(peer.url)", "why": "\(error)"])
            }
        }
        return nil
    }
}
