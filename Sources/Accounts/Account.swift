public import Digests

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
    /// Can be signed in to with a passphrase.
    public var hasPassphrase: Bool
    /// What a pending person wrote; empty for others.
    public let application: String
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
