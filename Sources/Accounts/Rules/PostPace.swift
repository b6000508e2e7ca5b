import Synchronization
import WaggleProtocol

extension AccountRole {
    /// Posts an hour that somebody of this role may have made over the web; nil for as many as they like.
    public var postsPerHour: Int? {
        let limits = Limits.Accounts.self
        return switch self {
        case .admin: nil
        case .moderator: limits.postsPerHourOfModerators
        case .curator, .trustedReporter: limits.postsPerHourOfTrusted
        case .member: limits.postsPerHour
        case .limited: 0
        }
    }
}

/// Counts what accounts post: a bucket for each, which fills up again within an hour.
///
/// A value; time is handed in. Full buckets are forgotten when there are many.
public struct PostPace: Sendable {
    private struct Bucket {
        var used: Double
        var at: UInt64
    }

    private static let hour: UInt64 = 3600
    private var buckets: [Int64: Bucket] = [:]

    public init() {}

    /// Takes posts out of an account's bucket, all or none.
    ///
    /// - Returns: nil when they may be made; else the seconds until so many may be, `UInt64.max` for never.
    public mutating func take(_ count: Int, account: Int64, perHour limit: Int, now: UInt64) -> UInt64? {
        guard count <= limit else { return .max }
        let rate = Double(limit) / Double(Self.hour)
        var bucket = buckets[account] ?? Bucket(used: 0, at: now)
        bucket.used = max(0, bucket.used - Double(now - min(now, bucket.at)) * rate)
        bucket.at = max(bucket.at, now)
        let excess = bucket.used + Double(count) - Double(limit)
        if excess <= 0 { bucket.used += Double(count) }
        if buckets[account] == nil, buckets.count >= Limits.Accounts.rememberedGrants {
            buckets = buckets.filter { $0.value.at + Self.hour > now }
        }
        buckets[account] = bucket
        return excess <= 0 ? nil : max(1, UInt64((excess / rate).rounded(.up)))
    }
}

extension Accounts {
    /// Counts posts that an account is about to make over the web.
    ///
    /// - Throws: `tooManyPosts`.
    public func admit(posts count: Int, by account: Account) throws(AccountsError) {
        guard let limit = account.role.postsPerHour else { return }
        let now = now()
        let wait = paces.withLock { $0.take(count, account: account.id, perHour: limit, now: now) }
        if let wait { throw .tooManyPosts(perHour: limit, retryAfter: wait) }
    }
}
