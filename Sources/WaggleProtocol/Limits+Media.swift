extension Limits {
    /// Programs that work on untrusted bytes.
    public enum Sandbox {
        /// Files that a process may have open.
        public static let openFiles = 256
        /// What is kept of the text that it prints.
        public static let outputBytes = 16 << 10
        /// One line of a program that is spoken with; the rest of a longer one is dropped.
        public static let lineBytes = 64 << 10
        /// Between looks at how many files it made.
        public static let lookMilliseconds = 100
        /// How much longer than others a program may take for which nobody waits: beside engines that take all cores it has
        /// a fortieth of one.
        public static let idleTimes = 20
    }

    /// Small copies of pictures.
    public enum Thumbnail {
        /// Pixels of the whole picture: a 64-megapixel picture takes 256 MiB when it has to be decoded at once.
        public static let pixels = 64_000_000
        /// Pixels of a side.
        public static let side = 32_768
        /// Bytes of a picture's file.
        public static let sourceBytes: UInt64 = 64 << 20
        /// Pictures that one run of the tools does.
        public static let batch = 16
        /// Bytes of all files of one run, which are in memory meanwhile; a larger picture has a run of its own.
        public static let batchBytes = 32 << 20
        /// Bytes of temporary files of the tools.
        public static let scratchBytes: UInt64 = 256 << 20
        /// Address space of the tools; they map some hundred MiB of libraries.
        public static let memory: UInt64 = 2 << 30
        /// Seconds for one run, for one picture more.
        public static let seconds = 20
        public static let secondsPerPicture = 5
        /// Files that one run may make: six a picture, and what the tools need meanwhile.
        public static let files = 8 * batch + 64
        /// Bytes of one thumbnail, or of the larger copy that the others are made from.
        public static let fileBytes: UInt64 = 16 << 20
        /// A picture that was decoded to be compared: 2048 pixels a side, three bytes each.
        public static let decodedBytes: UInt64 = 16 << 20
        /// Pictures that wait because somebody asked for them.
        public static let asked = 4096
        /// Seconds between looks for new pictures.
        public static let lookSeconds = 1
        /// Seconds before the next try when the tools are missing or the disk is full.
        public static let retrySeconds = 60
        /// Blobs looked at in one go.
        public static let look = 256
        /// What is read of a blob to tell whether it is a picture.
        public static let headBytes = 64 << 10
    }
}
