/// Bytes by their hash: how they lie, move, are saved and make room.
extension Limits {
    /// Blobs and their transfer.
    public enum Blob {
        /// Verify unit: one hash of the kept Merkle layer covers this many bytes.
        public static let unitBytes = 1 << 20
        /// Leaf of the BEP 52 Merkle tree.
        public static let leafBytes = 16 << 10
        /// Where the window of AutoV1 begins.
        public static let autoV1Offset: UInt64 = 0x100000
        /// Blobs up to this size are rows of a database, not files.
        public static let smallBytes = 64 << 10
        /// The largest blob: 1 TiB.
        public static let bytes: UInt64 = 1 << 40
        public static let fileNameBytes = 255
        /// A source must bring so many bytes in so many seconds of waiting for it (8.7 kB/s).
        public static let paceSeconds: Int64 = 15
        public static let paceBytes = 128 << 10
    }

    /// Mirror rules.
    public enum Mirror {
        /// Types, bases, tags and creators of one rule together, and each of them.
        public static let words = 256
        public static let wordBytes = 128
        /// Files that a plan lists of those to fetch and of those that do not fit, each.
        public static let listedFiles = 1000
    }

    /// Rate limits.
    public enum Rate {
        /// Bytes a second that a limit lets pass at least: less and peers give the transfer up (`Blob.paceBytes`).
        public static let least: UInt64 = 20_000
    }

    /// The blob store of one node.
    public enum BlobStore {
        /// Bytes of one read into memory.
        public static let readBytes = 64 << 20
        /// Small blobs of one group commit.
        public static let groupCommit = 256
        /// Unsaved bytes of a partial blob after which its units are written down.
        public static let checkpointBytes = 64 << 20
        /// Milliseconds after which a partial blob's units are written down.
        public static let checkpointMilliseconds: Int64 = 2_000
        /// Bytes hashed in place after which an interrupted pass can go on from there.
        public static let hashingCheckpointBytes: UInt64 = 128 << 20
        /// Background work goes on when nobody asked for blobs for so long; it looks so often, and so many times at most.
        public static let demandMilliseconds: Int64 = 250
        public static let demandLookMilliseconds: Int64 = 100
        public static let demandLooks = 20
        /// Seconds between two looks for blobs that wait for their extra hashes.
        public static let backgroundSeconds: Int64 = 10
        /// Milliseconds for which no library file was hashed before that reading begins: both at once would have a slow disk
        /// seek between them.
        public static let backgroundQuietMilliseconds: Int64 = 10_000
        /// safetensors headers that are read for that; they are held in memory.
        public static let backgroundHeaderBytes = 32 << 20
        /// Milliseconds after which a file that could not be read for that is tried again.
        public static let backgroundRetryMilliseconds: Int64 = 3_600_000
        /// Questions for piece hashes that wait while a blob is read.
        public static let waitingForPieces = 32
        /// Blobs that a look-up by another name than SHA-256 gives.
        public static let blobsPerName = 1000
        /// How long evicted bytes stay restorable, in milliseconds.
        public static let trashMilliseconds: Int64 = 24 * 3_600_000
        /// Parts of the budget in percent: eviction starts above the first and stops at the second.
        public static let highMark: UInt64 = 90
        public static let lowMark: UInt64 = 80
        /// Everything is read again within this time, in milliseconds.
        public static let scrubRoundMilliseconds: Int64 = 30 * 24 * 3_600_000
        /// Units that a scrub reads at a time, and after which its place is written down.
        public static let scrubUnits = 8
        public static let scrubCheckpointUnits = 64
        /// Bytes a second that the scrub in the background reads at least; more when a round would not be done in half
        /// its time.
        public static let scrubRate: UInt64 = 8 << 20
        /// Blobs that are repaired in one go.
        public static let repairs = 100
        /// Blobs that `find` names.
        public static let found = 50
        /// Times of use that are kept in memory before they are written down.
        public static let heldTouches = 4096
        /// Reason and author of a purge, each.
        public static let purgeTextBytes = 512
        /// Holder of a lease, id of a mirror rule or bounty.
        public static let holderBytes = 128
    }

    /// Folders of other programs, and files put into them.
    public enum Library {
        /// Folders that one node remembers.
        public static let folders = 256
        /// Files of one step of a scan.
        public static let batch = 256
        /// Folders within each other, and bytes of a path, that a scan follows.
        public static let depth = 64
        public static let pathBytes = 4096
        /// Milliseconds that a file must be unchanged before it is hashed.
        public static let quietMilliseconds: Int64 = 2_000
        /// Seconds after which a running server scans a folder again, and between two looks for files that wait.
        public static let rescanSeconds: Int64 = 900
        public static let lookSeconds: Int64 = 2
        /// `extra_model_paths.yaml`: its bytes, and the folders it names.
        public static let pathListBytes = 256 << 10
        public static let extraFolders = 1000
        /// A template for file names, and its parts.
        public static let templateBytes = 512
        public static let templateDepth = 8
        /// Files that one question identifies.
        public static let identified = 10_000
        /// Bytes of a file read at a time when it is only looked at.
        public static let readBytes = 4 << 20
    }

    /// Members of a backup.
    public enum Backup {
        /// 200 bytes a blob, where blobs are included.
        public static let manifestBytes: UInt64 = 256 << 20
        public static let settingsBytes: UInt64 = 1 << 20
        public static let keysBytes: UInt64 = 16 << 20
        /// The list of blobs, 144 bytes each, and the purge log.
        public static let listBytes: UInt64 = 1 << 30
        public static let databaseBytes: UInt64 = 1 << 42
    }
}
