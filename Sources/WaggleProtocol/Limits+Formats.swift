/// What readers of other programs' files take.
extension Limits {
    /// Release bundles.
    public enum Bundle {
        /// Signed posts of at most 64 KiB, and 32 bytes for each MiB of the files.
        public static let bytes = 64 << 20
    }

    /// Bencoded torrents. The largest blob has 52 bytes of hashes a MiB, 54 MiB in all.
    public enum Torrent {
        public static let bytes = 64 << 20
        public static let depth = 32
        public static let values = 1 << 16
        /// Addresses of one file.
        public static let webSeeds = 64
        /// Peers that are asked whether they have a file that somebody wants a torrent of, and for how long the answer counts.
        public static let askedPeers = 16
        public static let answerSeconds: UInt64 = 600
        /// Answers that are kept.
        public static let keptAnswers = 4096
    }

    /// safetensors headers.
    public enum Safetensors {
        /// The JSON header; the reference implementation's own limit.
        public static let headerBytes: UInt64 = 100_000_000
        public static let tensors = 100_000
        /// Dimensions of one tensor. Trained models use up to 5.
        public static let dimensions = 8
        /// A tensor's name.
        public static let nameBytes = 1024
        /// Entries of `__metadata__`. Trainers write about 80.
        public static let metadataEntries = 16_384
        public static let metadataKeyBytes = 256
    }

    /// Text that pictures carry: PNG chunks, infotext, workflow graphs.
    public enum PictureText {
        public static let chunks = 65_536
        /// All text chunks of one picture together.
        public static let bytes = 4 << 20
        /// Fields of one EXIF directory.
        public static let exifFields = 1024
        /// A parameter's key, a kind of resource.
        public static let keyBytes = 128
        /// The name of a model file in a text.
        public static let nameBytes = 512
        /// One A1111 infotext.
        public static let infotextBytes = 256 << 10
        /// One ComfyUI `prompt` graph.
        public static let graphBytes = 1 << 20
        public static let graphNodes = 4096
        /// Links followed from one input before the walk gives up.
        public static let graphDepth = 256
        /// JSON nesting and number of values in anything a picture carries.
        public static let jsonDepth = 64
        public static let jsonValues = 200_000
        /// Resources of one recipe.
        public static let resources = 256
    }

    /// What a release form is drafted with.
    public enum Draft {
        /// JSON inside one metadata value (tag counts of a data set).
        public static let metadataJSONBytes = 16 << 20
        public static let metadataJSONValues = 500_000
        public static let triggerCandidates = 64
        /// One training detail.
        public static let detailBytes = 1024
    }
}

extension Limits {
    /// Scans of files that strangers made. Budgets, not goals: no real model comes near them.
    public enum Scan {
        /// Blobs after which whoever asks for some goes first again.
        public static let portion = 50
        /// Blobs that are looked at together, and the pause between looks at what is new.
        public static let look = 200
        public static let lookSeconds: Int64 = 1
        /// Pause after something that no file is to blame for, such as a virus scanner that does not answer.
        public static let retrySeconds: Int64 = 30
        /// Files that are not safe and are listed.
        public static let badShown = 200
        /// What clamd is asked: bytes in one piece, seconds without a sign of life, and bytes of its answer.
        public static let clamdChunk = 1 << 20
        public static let clamdSeconds = 120
        public static let clamdAnswerBytes = 4096
        /// A scanner of the operator's own: seconds, memory, and bytes of its answer.
        public static let programSeconds = 120
        public static let programMemory: UInt64 = 2 << 30
        public static let programFindings = 20
        /// Findings that a report lists.
        public static let findings = 100
        /// Refused steps of one pickle, after which the walk ends.
        public static let pickleRefusals = 10_000
        /// A line of a pickle of protocol 0, and a name that it asks for.
        public static let pickleLineBytes = 1 << 16
        public static let pickleNameBytes = 512
        /// Values on the stack at once. Picklers hand over lists and dictionaries a thousand values at a time.
        public static let pickleStack = 1 << 22
        public static let pickleMarks = 1 << 16
        public static let pickleMemo = 1 << 24
        /// Tuples' values that are remembered, for storages and arguments.
        public static let pickleTupleValues = 1 << 22
        public static let pickleGlobals = 4096
        /// Storages of one checkpoint.
        public static let storages = 1 << 19
        /// Pickles one after another in one file.
        public static let pickles = 1024
        public static let archiveEntries = 1 << 17
        public static let entryNameBytes = 1024
        public static let centralDirectoryBytes: UInt64 = 64 << 20
        /// A compressed entry that is looked into is held in memory.
        public static let inflatedEntryBytes = 64 << 20
        /// All compressed entries of one archive, looked through.
        public static let inflatedBytes: UInt64 = 4 << 30
        /// GGUF headers: keys, tensors, elements of an array, a text.
        public static let ggufKeys: UInt64 = 1 << 16
        public static let ggufArray: UInt64 = 1 << 26
        public static let ggufTextBytes: UInt64 = 1 << 24
        public static let npyHeaderBytes = 1 << 16
    }
}
