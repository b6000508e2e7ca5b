/// The rows of the table about other nodes: gossip, peers, and room for what they bring.
extension Limits {
    /// What is done about new posts.
    public enum Gossip {
        /// Ids that are remembered, and for how long.
        public static let seenIDs = 1 << 20
        public static let seenSeconds: Int64 = 600
        /// Peers that get the posts of others whole.
        public static let eagerPeers = 4
        /// Copies in a row that were too many, after which an eager peer gets ids only.
        public static let repeatsOfEager = 2
        /// Everybody else gets the id so long after.
        public static let lazyMilliseconds: Int64 = 100
        /// A post that was asked for is asked of another peer after so long.
        public static let pullMilliseconds: Int64 = 2_000
        /// Undelivered posts that a peer is blamed for at a time.
        public static let notDeliveredAtOnce = 8
        /// Posts that are asked for at a time, of all peers and of one.
        public static let pulls = 1 << 16
        public static let pullsPerPeer = 1 << 13
        /// Other peers that are remembered as having such a post.
        public static let otherSources = 4
        /// Peers of which it is known what they have; 72 may be connected.
        public static let links = 128
        /// One peer is reconciled with after so long, over posts created in the window.
        public static let reconcileSeconds: Int64 = 60
        public static let windowSeconds: UInt64 = 48 * 3600
        /// Everything is reconciled with each peer after so long.
        public static let reconcileAllSeconds: Int64 = 86_400
        /// How long it is remembered which posts a peer refused, and which of its posts were refused here; how many of each.
        public static let refusalSeconds: UInt64 = 7 * 86_400
        /// The same of a post by a key that may not sign it as things stand: its author may change that.
        public static let unauthorisedSeconds: UInt64 = 3600
        public static let refusalsPerPeer = 1 << 16
    }

    /// How peers are judged. Scores have no unit.
    public enum PeerScore {
        public static let halfLifeSeconds: UInt64 = 1800
        /// Below 0 nothing is pushed; below this a peer is ignored, for an hour and up to a day.
        public static let ignoreBelow = -50.0
        /// Ignored again within this time, it is ignored twice as long.
        public static let strikeSeconds: UInt64 = 7 * 86_400
        public static let creditAtMost = 50.0
        public static let unwantedAtMost = 20.0
        public static let debtAtMost = 500.0
        public static let invalidAtMost = 30.0
    }

    /// Which nodes are known, dialled and let in.
    public enum Peers {
        /// Proved addresses, and nodes that are remembered.
        public static let table = 1000
        /// Connections that this node dials by its own choice, of which it keeps some over a restart.
        public static let outbound = 8
        public static let anchors = 2
        /// Nodes that follow this node's stream.
        public static let inbound = 64
        /// Addresses taken from one peer's list.
        public static let exchanged = 30
        public static let addressesBytes = 256 << 10
        /// Peers are asked for addresses after so long.
        public static let exchangeSeconds: UInt64 = 3600
        /// Pauses between tries of one address.
        public static let backoffSeconds: UInt64 = 1
        public static let backoffSecondsAtMost: UInt64 = 3600
        /// An address that did not answer for so long is forgotten.
        public static let forgottenSeconds: UInt64 = 14 * 86_400
        /// A reason that the operator gives for a block.
        public static let reasonBytes = 512
        /// A signed list of first addresses.
        public static let bootstrapBytes = 256 << 10
    }

    /// Room for posts. An author is known when somebody at home here is it or follows it. Keys are free, so a key buys
    /// nothing: what is unknown shares one room.
    public enum Room {
        /// Posts an hour and stored bytes of one author that nobody here knows.
        public static let strangerPostsPerHour = 10
        public static let strangerBytes = 1 << 20
        /// Posts a second and stored bytes of all of them together; the oldest make way.
        public static let strangersPostsPerSecond = 20
        public static let strangersBytes = 256 << 20
        /// How long it is remembered of a post that it made way.
        public static let evictedSeconds: UInt64 = 3600
        /// During a flood their posts are asked for again after so long.
        public static let floodSeconds: UInt32 = 60
        /// What is put off for so short a time is put off because of the peer, not of the author.
        public static let peerPauseSeconds: UInt32 = 5
        /// Posts of a known author: an hour, and at once on top of that.
        public static let knownPostsPerHour = 60
        public static let knownBurst = 30
        /// Of one peer, a second.
        public static let peerPostsPerSecond = 200
        public static let peerBytesPerSecond = 2 << 20
        /// What a peer may bring at once after a pause, in seconds of that rate.
        public static let peerBurstSeconds = 10
        /// Authors whose rate is remembered.
        public static let rememberedAuthors = 1 << 16
    }
}
