public import Digests
import WaggleProtocol

/// How many posts may come in from whom: token buckets for each peer, each author, and all strangers together. A value that
/// is told the time.
///
/// Keys are free, so a key buys nothing: authors whom nobody here knows share one rate, however many they are. A peer that
/// the operator named is trusted to have counted: of it only the bytes are limited. What is stored of strangers is limited
/// by the log (`AdmissionVerdict.admitGuest`).
public struct PostRoom: Sendable {
    private struct Bucket {
        var tokens: Double
        var filledAt: UInt64
    }

    /// A rate with what may come at once.
    private struct Rate {
        let perSecond: Double
        let burst: Double

        /// Nil when `amount` passes; else the seconds until it would.
        func take(_ amount: Double, from bucket: inout Bucket?, _ now: UInt64) -> UInt32? {
            var filled = bucket ?? Bucket(tokens: burst, filledAt: now)
            if now > filled.filledAt {
                filled.tokens = min(burst, filled.tokens + Double(now - filled.filledAt) * perSecond)
            }
            // A clock that was set back gives nothing and takes nothing.
            filled.filledAt = now
            defer { bucket = filled }
            guard filled.tokens >= amount else {
                return UInt32(min(max(1, ((amount - filled.tokens) / perSecond).rounded(.up)), 86_400))
            }
            filled.tokens -= amount
            return nil
        }
    }

    private static let peerPosts = Rate(
        perSecond: Double(Limits.Room.peerPostsPerSecond),
        burst: Double(Limits.Room.peerPostsPerSecond * Limits.Room.peerBurstSeconds))
    private static let peerBytes = Rate(
        perSecond: Double(Limits.Room.peerBytesPerSecond),
        burst: Double(Limits.Room.peerBytesPerSecond * Limits.Room.peerBurstSeconds))
    private static let strangers = Rate(
        perSecond: Double(Limits.Room.strangersPostsPerSecond),
        burst: Double(Limits.Room.strangersPostsPerSecond * Limits.Room.peerBurstSeconds))
    private static let stranger = Rate(
        perSecond: Double(Limits.Room.strangerPostsPerHour) / 3600, burst: Double(Limits.Room.strangerPostsPerHour))
    private static let known = Rate(
        perSecond: Double(Limits.Room.knownPostsPerHour) / 3600,
        burst: Double(Limits.Room.knownPostsPerHour + Limits.Room.knownBurst))

    private var posts = BoundedBuckets(limit: Limits.Peers.table)
    private var bytes = BoundedBuckets(limit: Limits.Peers.table)
    private var authors = BoundedBuckets(limit: Limits.Room.rememberedAuthors)
    private var keys = BoundedBuckets(limit: Limits.Room.rememberedAuthors)
    private var allStrangers: Bucket?

    public init() {}

    /// Buckets by name, so many at most. What has been full again for longest is forgotten first, and nothing is lost by it.
    private struct BoundedBuckets {
        let limit: Int
        private var buckets: [Hash32: Bucket] = [:]

        init(limit: Int) { self.limit = limit }

        var count: Int { buckets.count }

        mutating func take(_ amount: Double, of name: Hash32, at rate: Rate, _ now: UInt64) -> UInt32? {
            if buckets[name] == nil, buckets.count >= limit {
                let order = buckets.sorted { ($0.value.filledAt, $0.key) < ($1.value.filledAt, $1.key) }
                for (old, _) in order.prefix(limit / 4) { buckets[old] = nil }
            }
            return rate.take(amount, from: &buckets[name], now)
        }
    }

    /// Authors whose rate is remembered.
    public var rememberedAuthors: Int { authors.count }

    /// A peer sends a post that is not here. Nil: go on. Else it may send it again after so many seconds.
    public mutating func postpone(bytes size: Int, from peer: Hash32, isTrusted: Bool, now: UInt64) -> UInt32? {
        if let seconds = bytes.take(Double(size), of: peer, at: Self.peerBytes, now) { return seconds }
        return isTrusted ? nil : posts.take(1, of: peer, at: Self.peerPosts, now)
    }

    /// A valid post of an author came from a peer. Nil: go on. Else it may come again after so many seconds.
    ///
    /// - Parameter isByRoots: it is a key document or checkpoint. Those have a rate of their own: whoever stole a device key
    ///   could else use up all room, and keep out the revocation.
    public mutating func postpone(
        author: Hash32, isKnown: Bool, isByRoots: Bool = false, isTrusted: Bool, now: UInt64
    ) -> UInt32? {
        guard !isTrusted else { return nil }
        if isKnown {
            return isByRoots
                ? keys.take(1, of: author, at: Self.known, now) : authors.take(1, of: author, at: Self.known, now)
        }
        // The common bucket first: what a flood keeps out costs its author nothing.
        let before = allStrangers
        if let seconds = Self.strangers.take(1, from: &allStrangers, now) {
            // A flood goes on for longer than the bucket needs.
            return max(seconds, Limits.Room.floodSeconds)
        }
        let taken =
            isByRoots
            ? keys.take(1, of: author, at: Self.stranger, now) : authors.take(1, of: author, at: Self.stranger, now)
        guard let seconds = taken else { return nil }
        allStrangers = before
        return seconds
    }
}
