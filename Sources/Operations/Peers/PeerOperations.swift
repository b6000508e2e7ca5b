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

    init(_ peer: Peer) {
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
    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [PeerReport] {
        do {
            return try await context.federation.peers.peers().map { PeerReport($0) }
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
