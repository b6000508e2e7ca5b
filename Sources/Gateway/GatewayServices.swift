public import Accounts
public import Administration
public import BlobStore
public import Catalog
public import Digests
public import Federation
public import Logging
public import Media
public import Moderation
public import Operations
public import PostLog

/// Everything that the gateway serves from, and what it tells others of.
public struct GatewayServices: Sendable {
    public var catalog: Catalog
    public var blobs: BlobStore
    public var postLog: PostLog
    public var moderation: Moderation
    public var accounts: Accounts
    public var administration: Administration
    /// Files that people bring over the web.
    public var uploads: UploadStore
    /// What operations work with.
    public var context: @Sendable () -> OperationContext
    /// Author id of this node's key chain, which is in the post log.
    public var nodeID: Hash32
    public var configuration: GatewayConfiguration
    /// Unix seconds.
    public var now: @Sendable () -> UInt64
    /// Paces heartbeats.
    public var clock: any Clock<Duration>
    /// Whether this node takes the node of this id as a peer.
    public var acceptsPeer: @Sendable (Hash32) async -> Bool
    /// How posts of an accepted peer come in: by name of the node, trusted where the operator named it.
    public var source: @Sendable (Hash32) async -> IntakeSource
    /// Who gets new posts.
    public var gossip: GossipHub
    /// Told of each signed request of an accepted peer.
    public var noteInboundPeer: @Sendable (Hash32) async -> Void
    /// URLs of nodes that this node has dialled and proved.
    public var provenAddresses: @Sendable () async -> [String]
    /// Every node that is known here, with how it stands.
    public var neighbours: @Sendable () async -> [PeerOverview]
    /// Base URLs of other nodes that are known to hold a blob whole.
    public var holders: @Sendable (Hash32) async -> [String]
    /// Rate limits of what is sent of blobs.
    public var sending: TransferLimiter
    public var logger: Logger
    /// The bytes of a small copy of a picture; nil when there is none, or none yet.
    public var thumbnail: @Sendable (Thumbnail) async throws -> [UInt8]? = { _ in nil }
    /// What is known of those of these pictures that have small copies.
    public var pictureFacts: @Sendable ([Hash32]) async throws -> [Hash32: PictureFacts] = { _ in [:] }
    /// Another number after each change of that.
    public var picturesRevision: @Sendable () -> UInt64 = { 0 }
    /// Told when a peer has brought the list of a checkpoint.
    public var listArrived: @Sendable () async -> Void = {}

    public init(
        catalog: Catalog, blobs: BlobStore, postLog: PostLog, moderation: Moderation, accounts: Accounts,
        administration: Administration, uploads: UploadStore, context: @escaping @Sendable () -> OperationContext,
        nodeID: Hash32,
        configuration: GatewayConfiguration, now: @escaping @Sendable () -> UInt64,
        clock: any Clock<Duration> = ContinuousClock(), acceptsPeer: @escaping @Sendable (Hash32) async -> Bool,
        source: @escaping @Sendable (Hash32) async -> IntakeSource = { .peer($0) }, gossip: GossipHub? = nil,
        neighbours: @escaping @Sendable () async -> [PeerOverview] = { [] },
        noteInboundPeer: @escaping @Sendable (Hash32) async -> Void = { _ in },
        provenAddresses: @escaping @Sendable () async -> [String] = { [] },
        holders: @escaping @Sendable (Hash32) async -> [String] = { _ in [] },
        sending: TransferLimiter = TransferLimiter(), logger: Logger
    ) {
        self.catalog = catalog
        self.blobs = blobs
        self.postLog = postLog
        self.moderation = moderation
        self.accounts = accounts
        self.administration = administration
        self.uploads = uploads
        self.context = context
        self.nodeID = nodeID
        self.configuration = configuration
        self.now = now
        self.clock = clock
        self.acceptsPeer = acceptsPeer
        self.source = source
        self.neighbours = neighbours
        self.gossip = gossip ?? GossipHub(seconds: now)
        self.noteInboundPeer = noteInboundPeer
        self.provenAddresses = provenAddresses
        self.holders = holders
        self.sending = sending
        self.logger = logger
    }
}
