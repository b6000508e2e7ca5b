public import Digests
public import WaggleProtocol

/// What becomes of the money of a backer who did not award: fixed when the bounty is signed.
public enum BountyRule: String, Codable, CaseIterable, Sendable {
    /// It goes back.
    case refund
    /// The entry that reached the arbiter first.
    case first
    /// Everybody who entered, in equal parts.
    case split
    /// The entry that other backers gave most to, the first of several; it goes back where none did.
    case mostAwarded = "most-awarded"

    public init?(_ wire: WireBountyRule) {
        switch wire {
        case .refund: self = .refund
        case .first: self = .first
        case .split: self = .split
        case .mostAwarded: self = .mostAwarded
        case .unspecified, .UNRECOGNIZED: return nil
        }
    }

    public var wire: WireBountyRule {
        switch self {
        case .refund: .refund
        case .first: .first
        case .split: .split
        case .mostAwarded: .mostAwarded
        }
    }
}

/// What backers and hunters rely on: the parts of a bounty's post that decide about money.
public struct BountyTerms: Hashable, Sendable {
    /// Id of the kind 23 post, and the reference of every hold that backs it.
    public let post: Hash32
    public let poster: Hash32
    public let currency: Hash32
    /// Resolves the holds.
    public let arbiter: Hash32
    public let arbiterNode: Hash32
    /// Unix seconds: entries made later do not count.
    public let deadline: UInt64
    /// Unix seconds: backers award until then, after it the rule does.
    public let decided: UInt64
    public let rule: BountyRule

    public init(
        post: Hash32, poster: Hash32, currency: Hash32, arbiter: Hash32, arbiterNode: Hash32, deadline: UInt64,
        decided: UInt64, rule: BountyRule
    ) {
        (self.post, self.poster, self.currency) = (post, poster, currency)
        (self.arbiter, self.arbiterNode) = (arbiter, arbiterNode)
        (self.deadline, self.decided, self.rule) = (deadline, decided, rule)
    }

    /// Unix seconds until which an entry that was made in time may reach the arbiter: as long as there is to decide, an hour
    /// at most.
    public var lastArrival: UInt64 { deadline + min(decided - deadline, Limits.Economy.arrivalSeconds) }

    /// Nil for a body that says no rule or names something of another length; the log takes none such.
    public init?(post: Hash32, poster: Hash32, _ body: WireBounty) {
        guard let currency = Hash32(body.currency), let arbiter = Hash32(body.arbiter),
            let node = Hash32(body.arbiterNode), let rule = BountyRule(body.rule), body.deadline <= body.decided
        else { return nil }
        self.init(
            post: post, poster: poster, currency: currency, arbiter: arbiter, arbiterNode: node,
            deadline: body.deadline, decided: body.decided, rule: rule)
    }
}
