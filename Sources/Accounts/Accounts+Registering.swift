public import Digests
public import FoundationEssentials
import GRDB
public import Identity
import Synchronization
import WaggleProtocol

/// Keys that were made for somebody who registers.
public struct NewKeys: Sendable {
    public let author: Hash32
    /// Of the device that signs here.
    public let deviceSeed: [UInt8]
    /// What the recovery words say.
    public let root: [UInt8]
    /// Envelopes of the key documents, in the order in which the log must see them.
    public let documents: [Data]

    public init(author: Hash32, deviceSeed: [UInt8], root: [UInt8], documents: [Data]) {
        self.author = author
        self.deviceSeed = deviceSeed
        self.root = root
        self.documents = documents
    }
}

/// Keys that the node signs with for an account.
public struct CustodialKeys: Sendable {
    public let account: Account
    public let signer: Signer
    public let documents: [Data]
}

extension Accounts {
    /// Whether somebody may register, before keys are made and a passphrase is stretched for them.
    ///
    /// - Parameter returning: an author who may take the name again that they had here before they left.
    public func check(
        _ registration: Registration, mode: RegistrationMode, isOperator: Bool = false, returning: Hash32? = nil
    ) async throws(AccountsError) -> RegistrationRules.Admission {
        let invite = SecretToken(registration.invite, .invite)
        let found = try await database.read { database in
            (
                try invite.flatMap { try InviteTable.find($0.hash, database) },
                try AccountTable.find(handle: registration.handle, database)
            )
        }
        let admission = try RegistrationRules.admit(
            registration, mode: mode, invite: found.0, isOperator: isOperator, now: now())
        if let taken = found.1, taken.author != returning || taken.state != .moved {
            throw .handleTaken(registration.handle)
        }
        return admission
    }

    /// Opens an account whose keys this node holds: the device under the node's key, the root under the passphrase.
    public func register(
        _ registration: Registration, _ keys: NewKeys, mode: RegistrationMode, levels: UInt32
    ) async throws(AccountsError) -> Account {
        let admission = try await check(registration, mode: mode)
        let stretched = try await passphrases.stretch(registration.passphrase, .interactive())
        let stored = StoredKeys(
            device: custody.seal(keys.deviceSeed), root: stretched.sealingKey.seal(keys.root),
            documents: keys.documents)
        return try await open(
            registration, admission, author: keys.author, custody: .node, stretched, stored, levels: levels)
    }

    /// Opens an account for somebody who keeps the keys themselves and proved to have them.
    public func register(
        _ registration: Registration, ownedBy author: Hash32, mode: RegistrationMode, levels: UInt32
    ) async throws(AccountsError) -> Account {
        let admission = try await check(registration, mode: mode)
        let stretched = try await passphrases.stretch(registration.passphrase, .interactive())
        return try await open(
            registration, admission, author: author, custody: .own, stretched, nil, levels: levels)
    }

    func open(
        _ registration: Registration, _ admission: RegistrationRules.Admission, author: Hash32, custody: Custody,
        _ stretched: StretchedPassphrase, _ keys: StoredKeys?, levels: UInt32
    ) async throws(AccountsError) -> Account {
        let now = now()
        let draft = AccountDraft(
            handle: registration.handle, author: author, role: admission.role, state: admission.state,
            custody: custody, levels: levels, application: registration.application)
        return try await database.write { database in
            if let invite = admission.invite { try InviteTable.take(invite, database) }
            let account = try AccountTable.insert(
                draft,
                passphrase: StoredPassphrase(parameters: stretched.parameters, verifier: stretched.verifier),
                keys: keys, now: now, database)
            try NotificationTable.tellAdmins(of: account, now: now, database)
            return account
        }
    }

    /// Everybody that this node signs for, to be told to its keyring at the start; those who are disabled are left out.
    public func custodialKeys() async throws(AccountsError) -> [CustodialKeys] {
        let rows = try await database.read { database in
            try AccountTable.all(database).filter { $0.custody == .node && $0.state == .active }.compactMap { account in
                try AccountTable.keys(of: account.id, database).map { (account, $0) }
            }
        }
        return rows.compactMap { account, keys in open(account, keys) }
    }

    /// The keys of one account; nil when the node holds none for it.
    public func custodialKeys(of account: Account) async throws(AccountsError) -> CustodialKeys? {
        guard account.custody == .node, account.state == .active else { return nil }
        let keys = try await database.read { try AccountTable.keys(of: account.id, $0) }
        return keys.flatMap { open(account, $0) }
    }

    private func open(_ account: Account, _ keys: StoredKeys) -> CustodialKeys? {
        custody.open(keys.device).flatMap { SigningKey(seed: $0) }.map { device in
            CustodialKeys(
                account: account, signer: Signer(author: account.author, device: device), documents: keys.documents)
        }
    }

    // MARK: Invites

    /// Invites that can still be used, the newest first.
    public func invites() async throws(AccountsError) -> [OpenInvite] {
        let now = now()
        return try await database.read { try InviteTable.open($0, now: now) }
    }

    /// - Throws: `badInvite` when there is none with this number.
    public func revoke(invite id: Int64) async throws(AccountsError) {
        try await database.write { database in
            guard try InviteTable.remove(id, database) else { throw AccountsError.badInvite }
        }
    }

    /// A new invite. What is returned is shown once.
    public func invite(
        by handle: String, uses: Int, seconds: UInt64, role: AccountRole = .member
    ) async throws(AccountsError) -> SecretToken {
        guard (1...Limits.Accounts.inviteUses).contains(uses), seconds > 0, seconds <= Limits.Accounts.inviteSeconds
        else {
            throw .limit(
                """
                an invite is for 1 to \(Limits.Accounts.inviteUses) people and lasts \
                \(Limits.Accounts.inviteSeconds / 86400) days at most
                """)
        }
        let secret = SecretToken(.invite, entropy: random(32))
        let now = now()
        try await database.write { database in
            guard let account = try AccountTable.find(handle: handle, database) else {
                throw AccountsError.noAccount(handle)
            }
            try InviteTable.insert(
                secret.hash, by: account.id, uses: uses, role: role, now: now, expires: now + seconds, database)
        }
        return secret
    }
}
