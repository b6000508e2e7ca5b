import WaggleProtocol

/// Slows down whoever guesses: after a few failures for one name, or from one address, each further one doubles the wait.
///
/// A value without a clock of its own. It forgets the oldest when it is full, so that made-up names cannot fill memory.
public struct AttemptLimiter: Sendable {
    private struct Failures {
        var count = 0
        var last: UInt64 = 0
    }

    private var failures: [String: Failures] = [:]

    public init() {}

    /// Seconds until an attempt under these keys is looked at; nil for now.
    public func wait(_ keys: [String], now: UInt64) -> UInt64? {
        keys.compactMap { key -> UInt64? in
            guard let failures = failures[key], failures.count >= Limits.Accounts.freeAttempts else { return nil }
            let doublings = min(failures.count - Limits.Accounts.freeAttempts, 20)
            let pause = min(Limits.Accounts.longestPause, Limits.Accounts.firstPause << UInt64(doublings))
            let end = failures.last + pause
            return end > now ? end - now : nil
        }.max()
    }

    public mutating func fail(_ keys: [String], now: UInt64) {
        for key in keys {
            if failures[key] == nil, failures.count >= Limits.Accounts.rememberedAttempts { forget(now: now) }
            var known = failures[key] ?? Failures()
            if now > known.last + Limits.Accounts.longestPause { known.count = 0 }
            known.count += 1
            known.last = now
            failures[key] = known
        }
    }

    public mutating func succeed(_ key: String) {
        failures[key] = nil
    }

    /// Drops the older half.
    private mutating func forget(now: UInt64) {
        let times = failures.values.map(\.last).sorted()
        let middle = times[times.count / 2]
        failures = failures.filter { $0.value.last > middle }
    }
}
