import WaggleProtocol

/// Counts requests by token or address: a bucket for each, which fills up again within a minute.
///
/// A value; time is handed in. It forgets full buckets when there are many, then the oldest.
struct RequestLimiter: Sendable {
    /// What is told in `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
    struct Standing: Sendable, Hashable {
        let limit: Int
        let remaining: Int
        /// Until the bucket is full again.
        let seconds: UInt64
        /// Seconds until the next request is answered; nil when this one is.
        let wait: UInt64?
    }

    private struct Bucket {
        var used: Double
        var at: UInt64
    }

    private var buckets: [String: Bucket] = [:]
    private static let window: UInt64 = 60

    /// Takes a request out of a bucket, or what is worth `count` of them; all or nothing.
    mutating func take(_ key: String, limit: Int, count: Int = 1, now: UInt64) -> Standing {
        let count = Double(count)
        let rate = Double(limit) / Double(Self.window)
        var bucket = buckets[key] ?? Bucket(used: 0, at: now)
        bucket.used = max(0, bucket.used - Double(now - min(now, bucket.at)) * rate)
        bucket.at = max(bucket.at, now)
        let isFull = bucket.used + count > Double(limit)
        if !isFull { bucket.used += count }
        if buckets[key] == nil, buckets.count >= Limits.API.buckets { forget(now: now) }
        buckets[key] = bucket
        return Standing(
            limit: limit, remaining: max(0, limit - Int(bucket.used.rounded(.up))),
            seconds: UInt64((bucket.used / rate).rounded(.up)),
            wait: isFull ? max(1, UInt64(((bucket.used + count - Double(limit)) / rate).rounded(.up))) : nil)
    }

    /// Buckets that were not asked for in a whole window are full again.
    private mutating func forget(now: UInt64) {
        buckets = buckets.filter { $0.value.at + Self.window > now }
        guard buckets.count >= Limits.API.buckets else { return }
        // Not all of them: whoever fills the table must not get everybody, and so themselves, a fresh start.
        for (key, _) in buckets.sorted(by: { $0.value.at < $1.value.at }).prefix(Limits.API.buckets / 4) {
            buckets[key] = nil
        }
    }
}
