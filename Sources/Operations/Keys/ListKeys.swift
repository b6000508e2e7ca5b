import Digests
public import Identity
import SystemPackage
import WaggleProtocol

/// An author of this home with every key.
public struct KeyReport: Codable, Sendable {
    public struct Key: Codable, Sendable {
        /// In hexadecimal.
        public let key: String
        /// "root", "former-root" or "device".
        public let role: KeyListing.Key.Role
        public let label: String
        public let scopes: [String]
        /// Unix seconds.
        public let since: UInt64
        /// Unix seconds; nil while there is no end.
        public let until: UInt64?
        public let revoked: Revoked?
        /// Whether its secret is in this home.
        public let isSecretHere: Bool
        /// It signs what this home says.
        public let isInUse: Bool
    }

    public struct Revoked: Codable, Sendable {
        /// "retired", "lost" or "compromised".
        public let reason: String
        /// Unix seconds.
        public let since: UInt64
        /// Post id; nil when no post of the key stays by name.
        public let checkpoint: String?
    }

    /// "node", or what commands call the account.
    public let account: String
    public let author: String
    /// Version of the newest key document, and how often the root keys were rotated.
    public let version: UInt32
    public let rotations: UInt64
    /// Two rotations exist: the next keys leaked, or the owner rotated twice.
    public let isDisputed: Bool
    /// The home keeps the recovery secret, sealed under a passphrase.
    public let isRecoverySealed: Bool
    public let keys: [Key]
}

/// `waggle key ls`.
public struct ListKeys: Operation {
    public static let name = "key ls"
    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [KeyReport] {
        var reports: [KeyReport] = []
        for name in KeyAccount.names(in: context.home) {
            do {
                reports.append(KeyReport(try await KeyAccount(name, in: context), context))
            } catch {
                // A key that waits for the roots on another machine to list it.
                guard error.code == .notFound, let signer = context.keyring.accounts[name] else { throw error }
                reports.append(KeyReport(waiting: signer, account: name))
            }
        }
        return reports
    }
}

extension KeyReport {
    /// Of an author whose key documents are not here.
    init(waiting signer: Signer, account: String) {
        let key = Key(
            key: signer.device.publicKey.hex, role: .device, label: "", scopes: [], since: 0, until: nil, revoked: nil,
            isSecretHere: true, isInUse: true)
        self.init(
            account: account, author: AuthorID.text(signer.author), version: 0, rotations: 0, isDisputed: false,
            isRecoverySealed: false, keys: [key])
    }

    init(_ account: KeyAccount, _ context: OperationContext) {
        let listing = KeyListing(account.chain)
        let isSealed = FilePath.exists(context.home.recovery(ofAccount: account.recoveryName))
        let used = (account.isNode ? context.keyring.node : context.keyring.accounts[account.name])?.device.publicKey
        self.init(
            account: account.name, author: AuthorID.text(account.author), version: listing.version,
            rotations: listing.generation, isDisputed: listing.isDisputed, isRecoverySealed: isSealed,
            keys: listing.keys.map { key in
                let isInUse = key.key == used
                return Key(
                    key: key.key.hex, role: key.role, label: key.label, scopes: key.scopes.map(\.word),
                    since: key.since, until: key.until,
                    revoked: key.revocation.map {
                        Revoked(reason: $0.reason.word, since: $0.since, checkpoint: $0.checkpoint?.hex)
                    },
                    isSecretHere: key.role == .device
                        ? isInUse || FilePath.exists(context.home.key(ofDevice: key.key))
                        : key.role == .root && isSealed,
                    isInUse: isInUse)
            })
    }
}
