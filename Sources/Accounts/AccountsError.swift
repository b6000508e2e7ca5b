/// Why an account, session or token cannot be had.
public enum AccountsError: Error, Equatable, Sendable {
    case badHandle(String)
    case handleTaken(String)
    case authorTaken
    case noAccount(String)
    /// Nobody may register here.
    case registrationClosed
    case inviteNeeded
    /// Unknown, used up or expired.
    case badInvite
    case applicationNeeded
    case weakPassphrase(least: Int)
    case longPassphrase(most: Int)
    /// One answer for an unknown handle, a wrong passphrase and an account without one.
    case wrongCredentials
    case pending(String)
    case disabled(String)
    case moved(String)
    /// An application that was turned down, and why.
    case rejected(String, reason: String)
    /// It does not wait for an answer.
    case notPending(String)
    /// Seconds until the next attempt is looked at.
    case tooManyAttempts(retryAfter: UInt64)
    /// Too many passphrases are being checked at the moment.
    case busy
    case badChallenge
    case badSetupToken
    case noToken(String)
    case scopes(String)
    case lastAdmin
    /// Levels above PG-13 are for those who said that they are adults.
    case ageNeeded
    /// What a role may post in an hour is used up; seconds until there is room again.
    case tooManyPosts(perHour: Int, retryAfter: UInt64)
    case limit(String)
    /// The same key came with another request before.
    case keyReused
    /// The first request with this key is under way.
    case keyInUse
    case cancelled
    case database(path: String, reason: String)

    /// For people: what, why, what to do.
    public var message: String {
        switch self {
        case .badHandle(let handle): "\"\(handle)\" is no account name: use a-z, 0-9, - _ . (at most 32)"
        case .handleTaken(let handle): "there is an account @\(handle) already; choose another name"
        case .authorTaken: "there is an account with this key already; sign in instead"
        case .noAccount(let handle): "there is no account @\(handle) here; `waggle account ls` lists them"
        case .registrationClosed: "this node takes no registrations; ask its operator for an account"
        case .inviteNeeded: "this node takes registrations with an invite only; ask somebody here for one"
        case .badInvite: "the invite is unknown, used up or expired; ask for another"
        case .applicationNeeded: "say in a few words who you are: a person reads it before the account is opened"
        case .weakPassphrase(let least): "a passphrase has at least \(least) characters; several words are good"
        case .longPassphrase(let most): "a passphrase has at most \(most) bytes"
        case .wrongCredentials: "the name and the passphrase do not belong together"
        case .pending(let handle): "@\(handle) waits for the operator's approval"
        case .disabled(let handle): "@\(handle) is disabled; ask the operator of this node"
        case .moved(let handle): "@\(handle) moved to another node; sign in there, its profile says where"
        case .rejected(let handle, let reason):
            "the application of @\(handle) was turned down\(reason.isEmpty ? "" : ": \(reason)")"
        case .notPending(let handle): "@\(handle) does not wait for an answer; `waggle account ls` shows who does"
        case .tooManyAttempts(let seconds): "too many failed attempts; try again in \(seconds) s"
        case .busy: "too many people sign in at this moment; try again in a few seconds"
        case .badChallenge: "the challenge is unknown, used or older than five minutes, or the signature is not over it"
        case .badSetupToken: "that is not the set-up token of this node; `waggle account setup` prints a new one"
        case .noToken(let name): "there is no token \(name); `waggle token ls` lists them"
        case .scopes(let reason): reason
        case .ageNeeded: "levels above PG-13 are shown to adults: say that you are one (is_adult), or leave them out"
        case .lastAdmin: "this is the last active admin; make somebody else one first"
        case .tooManyPosts(let perHour, .max):
            "at most \(perHour) posts an hour are taken from this account; send fewer at a time"
        case .tooManyPosts(let perHour, let seconds):
            "this account has made its \(perHour) posts of this hour; try again in \(seconds) s"
        case .limit(let what): what
        case .keyReused: "this Idempotency-Key came with another request before; use a new one for each request"
        case .keyInUse: "the first request with this Idempotency-Key is under way; ask again when it has ended"
        case .cancelled: "the request was given up"
        case .database(let path, let reason): "\(path): \(reason)"
        }
    }

    /// Stable; for programs.
    public var code: String {
        switch self {
        case .badHandle: "bad-handle"
        case .handleTaken: "handle-taken"
        case .authorTaken: "author-taken"
        case .noAccount: "no-account"
        case .registrationClosed: "registration-closed"
        case .inviteNeeded: "invite-needed"
        case .badInvite: "bad-invite"
        case .applicationNeeded: "application-needed"
        case .weakPassphrase: "weak-passphrase"
        case .longPassphrase: "long-passphrase"
        case .wrongCredentials: "wrong-credentials"
        case .pending: "account-pending"
        case .disabled: "account-disabled"
        case .moved: "account-moved"
        case .rejected: "account-rejected"
        case .notPending: "account-not-pending"
        case .tooManyAttempts: "too-many-attempts"
        case .busy: "busy"
        case .badChallenge: "bad-challenge"
        case .badSetupToken: "bad-setup-token"
        case .noToken: "no-token"
        case .scopes: "bad-scopes"
        case .lastAdmin: "last-admin"
        case .ageNeeded: "age-needed"
        case .tooManyPosts: "too-many-posts"
        case .limit: "limit"
        case .keyReused: "idempotency-key-reused"
        case .keyInUse: "idempotency-key-in-use"
        case .cancelled: "cancelled"
        case .database: "unavailable"
        }
    }
}
