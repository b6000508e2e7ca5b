import WaggleProtocol

/// What a peer did, as far as it counts for or against it.
public enum PeerDeed: Hashable, Sendable {
    /// It was the first to bring a post that was stored.
    case firstDelivery
    /// It sent so many right bytes of blobs.
    case goodBytes(Int)
    /// It sent something whose form or signature does not hold.
    case invalid
    /// It sent what this node does not want.
    case unwanted
    /// It sent more than a peer may.
    case rateExcess
    /// It offered a post and did not give it.
    case notDelivered
}

/// How a peer stands, as one number that fades with time. Below 0 nothing is pushed to it; below -50 it is ignored for an
/// hour, and twice as long each time that happens again, up to a day.
///
/// What an honest peer of other tastes does (posts that are not wanted here) cannot get it below 0 by more than
/// `unwantedAtMost`. Broken signatures count squared: a bug sends one, an attacker many.
public struct PeerScore: Hashable, Sendable, Codable {
    /// Fading sums, as of `at`.
    public private(set) var credit = 0.0
    public private(set) var debt = 0.0
    public private(set) var unwanted = 0.0
    public private(set) var invalid = 0.0
    /// Seconds since any fixed point.
    public private(set) var at: UInt64 = 0
    /// Seconds, on the clock of `at`: nothing of it is taken before then.
    public private(set) var ignoredUntil: UInt64 = 0
    /// How often it was ignored lately.
    public private(set) var strikes = 0

    public init() {}

    /// The score at `now`.
    public func value(at now: UInt64) -> Double {
        var copy = self
        copy.fade(to: now)
        return copy.sum
    }

    public func isIgnored(at now: UInt64) -> Bool { now < ignoredUntil }

    /// Notes a deed; true when the peer is ignored from now on.
    public mutating func note(_ deed: PeerDeed, count: Int = 1, now: UInt64) -> Bool {
        fade(to: now)
        let times = Double(count)
        switch deed {
        case .firstDelivery: credit = min(credit + times, Limits.PeerScore.creditAtMost)
        case .goodBytes(let bytes):
            credit = min(credit + times * Double(bytes) / Double(1 << 20) / 10, Limits.PeerScore.creditAtMost)
        case .invalid: invalid += times
        case .unwanted: unwanted = min(unwanted + times / 10, Limits.PeerScore.unwantedAtMost)
        case .rateExcess: debt += times / 100
        case .notDelivered: debt += times / 2
        }
        // So that a wave of them does not outlast what it deserves.
        debt = min(debt, Limits.PeerScore.debtAtMost)
        invalid = min(invalid, Limits.PeerScore.invalidAtMost)
        guard sum < Limits.PeerScore.ignoreBelow, !isIgnored(at: now) else { return false }
        let hours = min(UInt64(1) << UInt64(min(strikes, 5)), 24)
        ignoredUntil = now + hours * 3600
        strikes += 1
        // It begins again at the bottom of what is served, when its time is over.
        (credit, debt, unwanted, invalid) = (0, 0, 0, 0)
        return true
    }

    private var sum: Double { credit - debt - unwanted - invalid * invalid }

    private mutating func fade(to now: UInt64) {
        guard now > at else { return }
        // 0.5 to the power of the half-lives that went by, without a mathematics library: halves, then a straight line.
        let lives = Double(now - at) / Double(Limits.PeerScore.halfLifeSeconds)
        var factor = 1.0
        for _ in 0..<Int(min(lives, 64)) { factor /= 2 }
        factor *= 1 - (lives - lives.rounded(.down)) / 2
        if lives >= 64 { factor = 0 }
        credit *= factor
        debt *= factor
        unwanted *= factor
        invalid *= factor
        if strikes > 0, now > ignoredUntil + Limits.PeerScore.strikeSeconds { strikes = 0 }
        at = now
    }
}
