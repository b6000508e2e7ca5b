import WaggleProtocol

/// Who may register.
public enum RegistrationMode: String, Codable, CaseIterable, Sendable {
    case open
    /// Everybody may ask; a person of this node decides.
    case application
    /// Whoever has an invite.
    case invite
    case closed
}

/// What somebody who registers says.
public struct Registration: Sendable, Hashable {
    public var handle: String
    public var passphrase: String
    public var invite: String
    /// Why they want to join.
    public var application: String

    public init(handle: String, passphrase: String, invite: String = "", application: String = "") {
        self.handle = handle
        self.passphrase = passphrase
        self.invite = invite
        self.application = application
    }
}

/// An invite as it stands.
public struct Invite: Sendable, Hashable {
    public let id: Int64
    /// Uses that are left.
    public let uses: Int
    /// Unix seconds.
    public let expires: UInt64
    /// Whoever takes it gets this role.
    public let role: AccountRole

    public init(id: Int64, uses: Int, expires: UInt64, role: AccountRole) {
        self.id = id
        self.uses = uses
        self.expires = expires
        self.role = role
    }

    public func isGood(now: UInt64) -> Bool { uses > 0 && now < expires }
}

/// An invite as its makers and admins see it; the secret itself is not kept.
public struct OpenInvite: Sendable, Hashable, Identifiable {
    public let id: Int64
    /// The handle of whoever made it.
    public let by: String
    /// Uses that are left.
    public let uses: Int
    public let role: AccountRole
    /// Unix seconds.
    public let created: UInt64
    public let expires: UInt64
}

/// Decides whether somebody may register, from what is known; asks nothing.
public enum RegistrationRules {
    /// How a registration that is let in begins.
    public struct Admission: Sendable, Hashable {
        public let state: AccountState
        public let role: AccountRole
        /// The invite that it uses up.
        public let invite: Int64?
    }

    /// Names that would be taken for the node or its staff.
    static let reserved: Set<String> = [
        "account", "admin", "administrator", "api", "everyone", "here", "me", "moderator", "node", "operator", "root",
        "staff",
        "support", "system", "waggle",
    ]

    /// - Parameters:
    ///   - invite: the one that was shown, where there is one; an invite opens every mode but `closed`.
    ///   - isOperator: the command line of this node makes the account: modes and reserved names do not bind it.
    public static func admit(
        _ registration: Registration, mode: RegistrationMode, invite: Invite?, isOperator: Bool = false, now: UInt64
    ) throws(AccountsError) -> Admission {
        try check(handle: registration.handle, isOperator: isOperator)
        if !registration.passphrase.isEmpty || !isOperator { try check(passphrase: registration.passphrase) }
        guard registration.application.utf8.count <= Limits.Accounts.applicationBytes else {
            throw .limit("an application has at most \(Limits.Accounts.applicationBytes) bytes")
        }
        if isOperator { return Admission(state: .active, role: .member, invite: nil) }
        if mode == .closed { throw .registrationClosed }
        if !registration.invite.isEmpty {
            guard let invite, invite.isGood(now: now) else { throw .badInvite }
            return Admission(state: .active, role: invite.role, invite: invite.id)
        }
        switch mode {
        case .open: return Admission(state: .active, role: .member, invite: nil)
        case .invite: throw .inviteNeeded
        case .closed: throw .registrationClosed
        case .application:
            guard registration.application.contains(where: { !$0.isWhitespace }) else { throw .applicationNeeded }
            return Admission(state: .pending, role: .member, invite: nil)
        }
    }

    static func check(handle: String, isOperator: Bool) throws(AccountsError) {
        guard Slug.isValid(handle), handle.utf8.count <= Limits.Accounts.handleBytes,
            isOperator || !reserved.contains(handle)
        else { throw .badHandle(String(handle.prefix(64))) }
    }

    public static func check(passphrase: String) throws(AccountsError) {
        let limits = Limits.Accounts.self
        guard passphrase.utf8.count <= limits.passphraseBytes else {
            throw .longPassphrase(most: limits.passphraseBytes)
        }
        guard passphrase.count >= limits.passphraseCharacters else {
            throw .weakPassphrase(least: limits.passphraseCharacters)
        }
    }
}
