/// What was found out about a home and the machine it is on. Nothing in it needs the stores to be open; what could not be found
/// out is nil, and then nothing is said of it.
public struct HomeFacts: Sendable {
    /// A file or folder whose rights are wider than they should be.
    public struct WideOpen: Sendable, Hashable {
        public var path: String
        /// The mode as it is, and as it should be.
        public var mode: UInt32
        public var wanted: UInt32

        public init(path: String, mode: UInt32, wanted: UInt32) {
            self.path = path
            self.mode = mode
            self.wanted = wanted
        }
    }

    public struct Database: Sendable, Hashable {
        public var name: String
        /// Bytes; of the write-ahead log beside it, too.
        public var size: UInt64
        public var journal: UInt64
        /// Why it cannot be used; nil when it can, or was not read.
        public var trouble: String?
        /// Its pages were read and checked.
        public var wasRead: Bool
        /// Migrations that were applied.
        public var migrations: Int
        /// Computed from the log: it may be thrown away.
        public var isRebuildable: Bool

        public init(
            name: String, size: UInt64, journal: UInt64, trouble: String?, wasRead: Bool, migrations: Int,
            isRebuildable: Bool
        ) {
            self.name = name
            self.size = size
            self.journal = journal
            self.trouble = trouble
            self.wasRead = wasRead
            self.migrations = migrations
            self.isRebuildable = isRebuildable
        }
    }

    public struct Disk: Sendable, Hashable {
        /// Bytes that this account can take, and all of the file system.
        public var free: UInt64
        public var size: UInt64
        /// Nil where the file system has no such number.
        public var freeInodes: UInt64?
        /// "NFS" and such; nil for a disk of this machine.
        public var network: String?
        public var isReadOnly: Bool

        public init(free: UInt64, size: UInt64, freeInodes: UInt64?, network: String?, isReadOnly: Bool) {
            self.free = free
            self.size = size
            self.freeInodes = freeInodes
            self.network = network
            self.isReadOnly = isReadOnly
        }
    }

    public struct Certificate: Sendable, Hashable {
        /// Why certificate and key cannot be used.
        public var trouble: String?
        /// Unix seconds.
        public var expires: UInt64?

        public init(trouble: String? = nil, expires: UInt64? = nil) {
            self.trouble = trouble
            self.expires = expires
        }
    }

    public var home = ""
    /// Unix seconds.
    public var now: UInt64 = 0
    public var isServing = false
    public var isThere = true
    public var wideOpen: [WideOpen] = []
    /// Files of the home that belong to another user.
    public var foreignFiles: [String] = []
    public var isRoot = false
    /// Why key files cannot be read, by path.
    public var badKeys: [String: String] = [:]
    public var keys = 0
    /// Why settings are not accepted.
    public var settingsTrouble: String?
    /// Variables that look like settings and are none.
    public var strangeVariables: [String] = []
    /// Settings that were chosen on pages and are not used, because something else decides.
    public var overruledChoices: [String] = []
    public var databases: [Database] = []
    public var disk: Disk?
    /// Bytes that are to stay free, as set.
    public var keepFree: UInt64 = 0
    /// Why the address of the settings cannot be listened on; nil when it can, or is.
    public var portTrouble: String?
    public var listen = ""
    public var isLoopback = true
    public var publicURL = ""
    /// Nil without TLS.
    public var certificate: Certificate?
    /// Why nothing runs in the sandbox.
    public var sandboxTrouble: String?
    public var missingTools: [String] = []
    public var openFiles: UInt64?
    /// Bytes that the machine can still give.
    public var memory: UInt64?
    /// The kernel says that something keeps its clock right.
    public var isClockKept: Bool?
    /// Unix seconds of the newest file of the home, which no clock should be behind of.
    public var newestFile: UInt64?
    /// Left by processes that were killed, with bytes.
    public var leftovers: [String: UInt64] = [:]
    public var hasStaleSocket = false
    /// "SQLite" → "3.46.1".
    public var libraries: [String: String] = [:]

    public init() {}
}

/// What was found out about the stores and services of an open home.
public struct ServiceFacts: Sendable {
    public struct PeerFacts: Sendable {
        public var name: String
        public var isWell: Bool
        public var trouble: String
    }

    public var linesBehind: UInt64 = 0
    /// Unix seconds; nil for none.
    public var lastBackup: UInt64?
    public var ownPosts = 0
    public var peers: [PeerFacts] = []
    public var waitingPeers = 0
    /// Seconds that most other nodes are ahead of this one's clock, and how many told the time; nil while none did.
    public var peerClock: (seconds: Int64, nodes: Int)?
    /// Errors that this process logged.
    public var loggedErrors = 0
    public var blobs = 0
    public var sampled = 0
    /// Names of blobs whose bytes were wrong.
    public var badBlobs: [String] = []
    public var damagedBlobs = 0
    /// Bytes in service, and of them those that were read again within a round's time.
    public var inService: UInt64 = 0
    public var verified: UInt64 = 0
    /// Seconds since the home was first used, as far as its log tells.
    public var age: UInt64 = 0
    public var budget: UInt64?
    public var used: UInt64 = 0
    public var daysLeft: Int?
    public var pendingOrders: [String: Int] = [:]
    public var stoppedCurrencies: [String: String] = [:]
    /// Currencies that go on though operators are proven to lie, and how many are.
    public var liars: [String: Int] = [:]
    public var jobsWaiting = 0
    public var hasEngine: Bool?
    public var engineTrouble: String?
    public var heldSince: UInt64?
    public var hasAdmin = true
    public var peopleWaiting = 0
    public var isSetUp = true
    public var mode = "normal"
    public var brokenAuditLine: Int64?
    /// Unix seconds; nil for none.
    public var lastDump: UInt64?
    public var dumpsNightly = false
    public var startedAt: UInt64 = 0
    public var mirrorTroubles: [String] = []
    public var uploads = 0
    /// Cases whose time to be decided is over, and those of which a day has gone.
    public var overdueCases: [String] = []
    public var dueCases: [String] = []
    /// Files that scanners found to be dangerous.
    public var dangers = 0

    public init() {}
}
