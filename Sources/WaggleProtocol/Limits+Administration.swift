/// What the operator decides, and looks after.
extension Limits {
    public enum Administration {
        /// Subject and detail of one line of the audit log, each.
        public static let auditBytes = 2000
        /// An announcement, or what people are told in another mode.
        public static let messageBytes = 1000
        public static let announcements = 20
        /// Days of which free space is remembered.
        public static let diskDays: Int64 = 60
        /// Lines of one page of the audit log, and of other lists for admins.
        public static let page = 100
        /// Form bodies of pages for admins.
        public static let formBytes = 96 << 10
        /// Addresses of starter peers in one form.
        public static let starters = 20
        /// A why that somebody is told: of a registration that is turned down, of a block.
        public static let reasonBytes = 1000
        /// Warnings and errors that a page shows, and characters of each.
        public static let loggedLines = 100
        public static let loggedCharacters = 500
        public static let loggedShown = 20
    }

    /// `waggle doctor`.
    public enum Doctor {
        /// A database is read as a whole up to this size on a page, where somebody waits.
        public static let quickDatabaseBytes: UInt64 = 64 << 20
        /// Blobs that are read again, and the largest of them.
        public static let sampledBlobs = 8
        public static let sampledBytes: UInt64 = 64 << 20
        /// A write-ahead log that should have been taken into its database long ago.
        public static let journalBytes: UInt64 = 256 << 20
        public static let freeBytes: UInt64 = 256 << 20
        public static let freeInodes: UInt64 = 10_000
        public static let openFiles: UInt64 = 4096
        public static let memoryBytes: UInt64 = 256 << 20
        /// Seconds.
        public static let backupAge: UInt64 = 2 * 86_400
        public static let oldBackupAge: UInt64 = 14 * 86_400
        public static let certificateDays = 21
        /// Seconds that this clock and those of most other nodes may differ, and how many nodes are compared.
        public static let clockSkew: UInt64 = 30
        public static let clockedPeers = 1000
        public static let forecastDays = 14
        public static let leftoverSeconds: UInt64 = 86_400
        public static let dumpAge: UInt64 = 2 * 86_400
        public static let waitingJobs = 100
        public static let waitingPeople = 20
        public static let linesBehind: UInt64 = 1000
        /// Percent of a budget.
        public static let fullPercent = 90
    }
}
