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
