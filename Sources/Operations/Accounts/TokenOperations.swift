public import Accounts

/// A token as its owner sees it.
public struct TokenLine: Codable, Sendable {
    public let id: Int64
    public let account: String
    public let label: String
    public let scopes: [String]
    /// Unix seconds.
    public let created: UInt64
    /// Unix seconds; nil for never.
    public let expires: UInt64?
    /// Unix seconds; nil while it was not used.
    public let lastUsed: UInt64?
    public let buzzLimit: UInt64?

    enum CodingKeys: String, CodingKey {
        case id, account, label, scopes, created, expires
        case lastUsed = "last_used"
        case buzzLimit = "buzz_limit"
    }

    public init(_ token: APIToken) {
        id = token.id
        account = token.account
        label = token.label
        scopes = token.scopes.sorted().map(\.rawValue)
        created = token.created
        expires = token.expires
        lastUsed = token.lastUsed
        buzzLimit = token.buzzLimit
    }
}

/// `waggle token new`.
public struct NewAPIToken: Operation {
    public static let name = "token new"
    public var account: String
    public var label: String
    public var scopes: [TokenScope]
    /// From now; nil for a token that lasts until it is revoked.
    public var seconds: UInt64?
    public var buzzLimit: UInt64?

    public init(
        account: String, label: String, scopes: Set<TokenScope>, seconds: UInt64? = nil, buzzLimit: UInt64? = nil
    ) {
        self.account = account
        self.label = label
        self.scopes = scopes.sorted()
        self.seconds = seconds
        self.buzzLimit = buzzLimit
    }

    /// The token is shown once.
    public struct Reply: Codable, Sendable {
        public let token: String
        public let id: Int64
        public let account: String
        public let scopes: [String]
        public let expires: UInt64?
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        do {
            let made = try await context.accounts.newToken(
                NewToken(
                    label: label, scopes: Set(scopes), expires: seconds.map { context.now() + $0 },
                    buzzLimit: buzzLimit), for: account)
            return Reply(
                token: made.secret.text, id: made.token.id, account: account,
                scopes: made.token.scopes.sorted().map(\.rawValue), expires: made.token.expires)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle token ls`: of everybody, or of one account.
public struct ListAPITokens: Operation {
    public static let name = "token ls"
    public var account: String?

    public init(account: String?) {
        self.account = account
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [TokenLine] {
        do throws(AccountsError) {
            var owner: Account?
            if let account { owner = try await context.accounts.existing(account) }
            return try await context.accounts.tokens(of: owner).map { TokenLine($0) }
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle token revoke`.
public struct RevokeAPIToken: Operation {
    public static let name = "token revoke"
    public var id: Int64

    public init(id: Int64) {
        self.id = id
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Done {
        do {
            try await context.accounts.revoke(token: id)
            return Done()
        } catch {
            throw OperationError(error)
        }
    }
}
