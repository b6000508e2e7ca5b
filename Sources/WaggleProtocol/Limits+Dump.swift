extension Limits {
    /// Dumps of public posts.
    public enum Dump {
        /// A line: an envelope of 64 KiB in base 64, beside the same post in words, which escapes may make six times longer.
        public static let lineBytes = 1 << 20
        /// The window that a reader of a dump has to hold, as a power of two: 8 MiB.
        public static let windowLog: Int32 = 23
        /// Dumps that are kept; the oldest makes way.
        public static let kept = 3
        /// Posts of one batch, written or taken in.
        public static let batch = 500
        /// Hour of the day, in UTC, at which a new one is due.
        public static let hour: UInt64 = 3
    }
}
