public import Digests

/// What a node is to a currency.
public enum CurrencyRole: String, Codable, Sendable {
    /// It decides.
    case authority
    /// It follows and audits the log, and its people have accounts.
    case member
}

/// A currency as it stands here.
public struct CurrencyView: Sendable {
    public let charter: Charter
    public let role: CurrencyRole
    /// Where its authority answers.
    public let url: String
    /// Finals.
    public let size: UInt64
    public let epoch: Int64
    public let issued: Int64
    public let burned: Int64
    public let held: Int64
    public let accounts: Int
    /// Unix seconds: when the authority last answered; 0 for never, and for one that is here.
    public let answered: UInt64
    /// Why it cannot be used for now.
    public let stopped: String?
    /// Why this node decides no longer in it though it is one of its authorities.
    public let retired: String?
    /// Authorities that are proven to lie, by their places in the charter.
    public let liars: Set<Int>
    /// Accounts that spent more than is known to have come to them, for so long that more than f authorities may lie.
    public let overspent: [AccountID]
    /// Who signed that its log is the one that they know, and when (unix seconds), by key.
    public let witnesses: [Hash32: UInt64]

    /// Whether others decide in it too: what they decided has to be fetched.
    public var isFollowed: Bool { role == .member || charter.authorities.count > 1 }
}
