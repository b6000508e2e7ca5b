public import Digests
import WaggleProtocol

/// What somebody may do on this node.
public enum AccountRole: String, Codable, CaseIterable, Sendable {
    case admin
    case moderator
    case curator
    case trustedReporter = "trusted-reporter"
    case member
    /// May read and keep to themselves: nothing that others see.
    case limited

    /// Scopes that a grant of this role can have at most.
    public var scopes: Set<TokenScope> {
        switch self {
        case .admin: Set(TokenScope.allCases)
        case .moderator: Set(TokenScope.allCases).subtracting([.admin])
        case .curator, .trustedReporter, .member: Set(TokenScope.allCases).subtracting([.admin, .moderate])
        case .limited: [.read]
        }
    }
}

/// Whether an account can be used.
public enum AccountState: String, Codable, Sendable {
    case active
    /// Asked for and not yet let in.
    case pending
    case disabled
    /// Asked for, and turned down.
    case rejected
    /// The person left for another node, and retired the key that this one held.
    case moved
}

/// Where the key is that signs for an account.
public enum Custody: String, Codable, Sendable {
    /// A key file in the home: the people of the command line.
    case keyFile = "key-file"
    /// Sealed in the database: this node signs for whoever signs in.
    case node
    /// With the person. Posts come signed.
    case own
}

/// Somebody at home on this node.
public struct Account: Sendable, Hashable, Identifiable {
    /// Never reused.
    public let id: Int64
    /// A local name; others see `@handle@host`.
    public let handle: String
    /// Author id.
    public let author: Hash32
    public var role: AccountRole
    public var state: AccountState
    public let custody: Custody
    /// Unix seconds.
    public let created: UInt64
    /// Bits of the levels that the person wants to see.
    public var levels: UInt32
    /// The bit of the level from which on pages blur pictures until the person asks for them; 0 for never.
    public var blurFrom: UInt32
    /// When the person said that they are an adult, in unix seconds; nil while they have not.
    public var adultSince: UInt64?
    /// What the operator allows this account alone; nil for what its role has.
    public var quota: StorageQuota?
    /// Can be signed in to with a passphrase.
    public var hasPassphrase: Bool
    /// What a pending person wrote; empty for others.
    public let application: String
    /// Why it was turned down; empty for others.
    public let reason: String

    /// Bits of the levels that are shown to them: those above PG-13 once they said that they are an adult.
    public var seenLevels: UInt32 { adultSince == nil ? levels & Limits.Accounts.openLevels : levels }
    /// How much of what they bring this node keeps.
    public var storage: StorageQuota { quota ?? role.storage }
}

/// Somebody who proved who they are, and what they may do this time.
public struct Grant: Sendable, Hashable {
    public enum Source: Sendable, Hashable {
        /// A browser's session.
        case session(id: Int64)
        case token(id: Int64, label: String)
    }

    public let account: Account
    public let source: Source
    /// Of the token, or everything, as far as the role goes.
    public let scopes: Set<TokenScope>
    /// Unix seconds; nil for never.
    public let expires: UInt64?

    public init(account: Account, source: Source, scopes: Set<TokenScope>, expires: UInt64?) {
        self.account = account
        self.source = source
        self.scopes = scopes.intersection(account.role.scopes)
        self.expires = expires
    }

    public func allows(_ scope: TokenScope) -> Bool { scopes.contains(scope) }
}
