public import Accounts
import Identity
import PostLog

/// What changing an account came to.
public struct AccountReply: Codable, Sendable {
    public let account: String
    public let role: String
    public let state: String

    init(_ account: Account) {
        self.account = account.handle
        role = account.role.rawValue
        state = account.state.rawValue
    }
}

/// `waggle account role`.
public struct SetAccountRole: Operation {
    public static let name = "account role"
    public var account: String
    public var role: AccountRole

    public init(account: String, role: AccountRole) {
        self.account = account
        self.role = role
    }

    public func run(in context: OperationContext) async throws(OperationError) -> AccountReply {
        do {
            return AccountReply(try await context.accounts.set(role, of: account))
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle account quota`: how much of what the account brings this node keeps.
public struct SetAccountQuota: Operation {
    public static let name = "account quota"
    public var account: String
    /// Bytes; "none" for no limit, "role" for what the role has, nil to ask.
    public var quota: String?

    public init(account: String, quota: String?) {
        self.account = account
        self.quota = quota
    }

    public struct Reply: Codable, Sendable {
        public let account: String
        /// Bytes; nil for no limit.
        public let quota: UInt64?
        /// Whether it is this account's own, and not what its role has.
        public let isOwn: Bool
        /// Bytes that its posts have this node keep.
        public let stored: UInt64

        enum CodingKeys: String, CodingKey {
            case account, quota, stored
            case isOwn = "is_own"
        }
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let changed: Account
        do {
            switch quota {
            case nil: changed = try await context.accounts.existing(account)
            case "role": changed = try await context.accounts.set(StorageQuota?.none, of: account)
            case "none": changed = try await context.accounts.set(.unlimited, of: account)
            case let text?:
                guard let size = ByteSize(text) else {
                    throw OperationError(
                        .usage, "\"\(text)\" is no quota: write a size such as 50GB, none for no limit, or role")
                }
                changed = try await context.accounts.set(.bytes(size.bytes), of: account)
            }
        } catch let error as AccountsError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        return Reply(
            account: changed.handle, quota: changed.storage.bytes, isOwn: changed.quota != nil,
            stored: try await context.storedBytes(of: changed))
    }
}

/// `waggle account household`: who lives together and earns no rewards by what they do for each other.
public struct SetHousehold: Operation {
    public static let name = "account household"
    /// One alone leaves its household; none changes nothing.
    public var accounts: [String]

    public init(accounts: [String]) {
        self.accounts = accounts
    }

    public struct Reply: Codable, Sendable {
        /// All households of several, by handle.
        public let households: [[String]]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        do {
            if !accounts.isEmpty { try await context.accounts.setHousehold(accounts) }
            return Reply(households: try await context.accounts.sharedHouseholds())
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle account approve`, `disable` and `enable`. Somebody who is disabled can neither sign in nor be signed for; what
/// they published stays.
public struct SetAccountState: Operation {
    public static let name = "account state"
    public var account: String
    public var state: AccountState

    public init(account: String, state: AccountState) {
        self.account = account
        self.state = state
    }

    public func run(in context: OperationContext) async throws(OperationError) -> AccountReply {
        do {
            let changed = try await context.accounts.set(state, of: account)
            guard changed.state == .active else {
                context.keyring.remove(account)
                return AccountReply(changed)
            }
            if let keys = try await context.accounts.custodialKeys(of: changed) {
                context.keyring.add(keys.signer, as: account)
            }
            if changed.custody == .keyFile { try context.keyring.reopen(account, in: context.home) }
            return AccountReply(changed)
        } catch let error as AccountsError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

/// `waggle account passphrase`: the operator sets one, for somebody who forgot theirs or has none yet.
public struct ResetPassphrase: Operation {
    public static let name = "account passphrase"
    public var account: String
    public var passphrase: String

    public init(account: String, passphrase: String) {
        self.account = account
        self.passphrase = passphrase
    }

    public func run(in context: OperationContext) async throws(OperationError) -> AccountReply {
        do {
            let existing = try await context.accounts.existing(account)
            try await context.accounts.resetPassphrase(of: existing, to: passphrase)
            return AccountReply(existing)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle account invite`.
public struct NewInvite: Operation {
    public static let name = "account invite"
    public var account: String
    public var uses: Int
    public var seconds: UInt64
    public var role: AccountRole

    public init(account: String, uses: Int, seconds: UInt64, role: AccountRole) {
        self.account = account
        self.uses = uses
        self.seconds = seconds
        self.role = role
    }

    public struct Reply: Codable, Sendable {
        public let invite: String
        /// Unix seconds.
        public let expires: UInt64
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        do {
            let secret = try await context.accounts.invite(by: account, uses: uses, seconds: seconds, role: role)
            return Reply(invite: secret.text, expires: context.now() + seconds)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle account setup`: a new set-up token.
public struct NewSetupToken: Operation {
    public static let name = "account setup"

    public init() {}

    public struct Reply: Codable, Sendable {
        public let token: String
        /// Where it is used; empty while no server runs.
        public let url: String
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        do {
            let secret = try await context.accounts.newSetupToken()
            return Reply(token: secret.text, url: context.publicURL.map { $0 + "/setup" } ?? "")
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle account reject`: turns an application down.
public struct RejectRegistration: AuditedOperation {
    public static let name = "account reject"
    public var account: String
    /// Told to whoever signs in as them.
    public var reason: String

    public init(account: String, reason: String) {
        self.account = account
        self.reason = reason
    }

    public var auditSubject: String { "@\(account)" }
    public var auditDetail: String { reason }

    public func run(in context: OperationContext) async throws(OperationError) -> AccountReply {
        do {
            let rejected = try await context.accounts.reject(account, reason: reason)
            context.keyring.remove(account)
            return AccountReply(rejected)
        } catch {
            throw OperationError(error)
        }
    }
}

/// An invite that can still be used.
public struct InviteLine: Codable, Sendable {
    public let id: Int64
    public let by: String
    /// Uses that are left.
    public let uses: Int
    public let role: String
    /// Unix seconds.
    public let created: UInt64
    public let expires: UInt64
}

/// `waggle account invites`.
public struct ListInvites: Operation {
    public static let name = "account invites"

    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [InviteLine] {
        do {
            return try await context.accounts.invites().map {
                InviteLine(
                    id: $0.id, by: $0.by, uses: $0.uses, role: $0.role.rawValue, created: $0.created,
                    expires: $0.expires)
            }
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle account uninvite`.
public struct RevokeInvite: AuditedOperation {
    public static let name = "account uninvite"
    public var id: Int64

    public init(id: Int64) {
        self.id = id
    }

    public var auditSubject: String { "invite \(id)" }

    public func run(in context: OperationContext) async throws(OperationError) -> Done {
        do {
            try await context.accounts.revoke(invite: id)
            return Done()
        } catch {
            throw OperationError(error)
        }
    }
}
