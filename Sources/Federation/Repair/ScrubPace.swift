/// How long the scrub in the background rests between reads: so that a round is done in half its time, and it is never
/// faster than that or `Limits.BlobStore.scrubRate`, whichever is more.
struct ScrubPace: Sendable {
    /// Bytes a second.
    let rate: UInt64

    /// - Parameters:
    ///   - bytes: all that a round reads.
    ///   - roundSeconds: the time that a round has.
    ///   - least: bytes a second that are always read.
    init(bytes: UInt64, roundSeconds: UInt64, least: UInt64) {
        rate = max(least, bytes / max(1, roundSeconds / 2))
    }

    /// The rest after so many bytes were read in such a time.
    func rest(after bytes: UInt64, taking elapsed: Duration) -> Duration {
        max(.zero, .seconds(Double(bytes) / Double(rate)) - elapsed)
    }
}
