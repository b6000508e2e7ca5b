import Federation
import Identity

/// A peer as `waggle peer ls` shows it.
public struct PeerReport: Codable, Sendable {
    public let n: Int64
    public let node: String
    public let name: String
    public let url: String
    /// Unix seconds; 0 for never.
    public let lastContact: UInt64
    public let lastError: String
    /// "peer", "found", "caller", "waiting", "blocked" or "ignored".
    public let standing: String
    /// Unix seconds since which it is known, or blocked.
    public let since: UInt64
    /// Seconds since something of its stream was read; nil while no exchange is up.
    public let lag: UInt64?
    public let score: Double
    public let postsIn: UInt64
    public let postsOut: UInt64
    public let copiesIn: UInt64
    /// Why it is blocked; empty when it is not.
    public let reason: String

    init(_ line: PeerOverview) {
        n = line.n
        node = AuthorID.text(line.node)
        name = line.name
        url = line.url
        lastContact = line.lastContact
        lastError = line.lastError
        standing = line.standing.rawValue
        since = line.since
        lag = line.lag
        score = line.score
        postsIn = line.postsIn
        postsOut = line.postsOut
        copiesIn = line.copiesIn
        reason = line.reason
    }

    init(_ peer: Peer) {
        (standing, since, lag, score) = ("peer", peer.added, nil, 0)
        (postsIn, postsOut, copiesIn, reason) = (0, 0, 0, "")
        n = peer.n
        node = AuthorID.text(peer.node)
        name = peer.name
        url = peer.url
        lastContact = peer.lastContact
        lastError = peer.lastError
    }
}

/// Asks who answers at an address, without adding it.
public struct ProbePeer: Operation {
    public static let name = "peer probe"
    public var url: String

    public init(url: String) {
        self.url = url
    }

    public struct Reply: Codable, Sendable {
        public let url: String
        public let node: String
        public let name: String
        public let software: String
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        do {
            let (url, card) = try await context.federation.probe(url)
            return Reply(
                url: url.description, node: AuthorID.text(card.id), name: card.name, software: card.software)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle peer add`: the running node begins to talk to it at once.
public struct AddPeer: Operation {
    public static let name = "peer add"
    public var url: String

    public init(url: String) {
        self.url = url
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PeerReport {
        do {
            let (url, card) = try await context.federation.probe(url)
            return PeerReport(try await context.federation.add(card, at: url))
        } catch let error as PeerError {
            throw OperationError(error)
        } catch let error as PeerStoreError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

/// `waggle peer ls`.
public struct ListPeers: Operation {
    public static let name = "peer ls"
    /// Also nodes that call here, wait, or are kept away.
    public var all: Bool

    public init(all: Bool = false) {
        self.all = all
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [PeerReport] {
        do {
            return try await context.federation.overview().filter { all || $0.n > 0 }.map { PeerReport($0) }
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle peer rm`, by number, node id or address.
public struct RemovePeer: Operation {
    public static let name = "peer rm"
    public var peer: String

    public init(peer: String) {
        self.peer = peer
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PeerReport {
        do {
            return PeerReport(try await context.federation.remove(peer))
        } catch {
            throw OperationError(error)
        }
    }
}
