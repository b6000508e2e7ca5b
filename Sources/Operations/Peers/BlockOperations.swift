import Digests
import Federation
import Identity

/// What became of a node by `waggle peer block`, `unblock` and `approve`.
public struct NodeReport: Codable, Sendable {
    public let node: String
    public let reason: String
    /// False when it was so already.
    public let isNew: Bool

    init(_ node: Hash32, reason: String = "", isNew: Bool = true) {
        self.node = AuthorID.text(node)
        self.reason = reason
        self.isNew = isNew
    }
}

/// `waggle peer block`: nothing is taken from a node or given to it any more.
public struct BlockPeer: Operation {
    public static let name = "peer block"
    public var node: String
    public var reason: String

    public init(node: String, reason: String) {
        self.node = node
        self.reason = reason
    }

    public func run(in context: OperationContext) async throws(OperationError) -> NodeReport {
        do {
            let id = try await context.federation.nodeID(node)
            let block = try await context.federation.block(id, reason: reason)
            return NodeReport(id, reason: block.reason)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle peer unblock`.
public struct UnblockPeer: Operation {
    public static let name = "peer unblock"
    public var node: String

    public init(node: String) {
        self.node = node
    }

    public func run(in context: OperationContext) async throws(OperationError) -> NodeReport {
        do {
            let id = try await context.federation.nodeID(node)
            return NodeReport(id, isNew: try await context.federation.unblock(id))
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle peer export`: the addresses that this node has proved, as a signed list for others to begin with.
public struct ExportAddresses: Operation {
    public static let name = "peer export"
    public init() {}

    public struct Reply: Codable, Sendable {
        /// The text of the file.
        public let text: String
        /// The key that signed it, in hexadecimal.
        public let key: String
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let own = context.publicURL.map { [$0] } ?? []
        let urls = own + (await context.federation.provedAddresses()).filter { !own.contains($0) }
        let key = context.keyring.node.device
        return Reply(text: BootstrapList.text(urls, signedBy: key), key: key.publicKey.hex)
    }
}

/// `waggle peer approve`: where the policy is to ask, a node that called may exchange with this one.
public struct ApprovePeer: Operation {
    public static let name = "peer approve"
    public var node: String

    public init(node: String) {
        self.node = node
    }

    public func run(in context: OperationContext) async throws(OperationError) -> NodeReport {
        do {
            let id = try await context.federation.nodeID(node)
            try await context.federation.peers.approve(id, now: context.now())
            return NodeReport(id)
        } catch {
            throw OperationError(error)
        }
    }
}
