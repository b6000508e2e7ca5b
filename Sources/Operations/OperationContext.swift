public import Accounts
public import Administration
public import BlobStore
public import Catalog
public import Digests
public import Economy
public import Federation
public import Generation
import Identity
public import Ledger
public import Moderation
public import PostLog

/// What operations work with: the services of one open home.
public struct OperationContext: Sendable {
    public let home: Home
    public let log: PostLog
    public let blobs: BlobStore
    public let catalog: Catalog
    public let moderation: Moderation
    public let federation: Federation
    public let accounts: Accounts
    /// What the operator decided, and the audit log.
    public let administration: Administration
    /// What the running program does for its operations; nil where none runs.
    public let house: (any HouseKeeping)?
    public let currencies: Currencies
    public let economy: EconomyStore
    /// Draws pictures.
    public let generation: GenerationService
    public let keyring: Keyring
    /// Holds a restored node back from signing.
    public let signing: SigningHold
    /// For files with requests to take something down.
    public let attachmentRoom: AttachmentRoom
    public let settings: [SettingView]
    /// Base URL under which this node's pages are reached; nil while no server runs.
    public let publicURL: String?
    /// Base URLs under which this machine and others reach this node; empty while no server runs.
    public let urls: [String]
    public let software: String
    public let startedAt: UInt64
    /// Unix seconds.
    public let now: @Sendable () -> UInt64
    /// Reads the list of a checkpoint that was made here, before the log judges by it; whether it could.
    public let loadCheckpoint: @Sendable (Hash32) async -> Bool
    public private(set) var progress: @Sendable (Progress) -> Void
    /// Who asks over the web; nil at the command line, which is the operator's.
    public private(set) var caller: Account?
    /// With whose eyes a page is made that nobody is signed in for.
    private var visitor: Viewer?
    /// A visitor who may draw a little without an account; nil for everybody else.
    public private(set) var guest: String?

    public init(
        home: Home, log: PostLog, blobs: BlobStore, catalog: Catalog, moderation: Moderation, federation: Federation,
        accounts: Accounts, administration: Administration, house: (any HouseKeeping)? = nil, currencies: Currencies,
        economy: EconomyStore, generation: GenerationService,
        keyring: Keyring, signing: SigningHold, attachmentRoom: AttachmentRoom, settings: [SettingView],
        publicURL: String?,
        urls: [String],
        software: String,
        startedAt: UInt64,
        now: @escaping @Sendable () -> UInt64, loadCheckpoint: @escaping @Sendable (Hash32) async -> Bool,
        progress: @escaping @Sendable (Progress) -> Void
    ) {
        self.home = home
        self.log = log
        self.blobs = blobs
        self.catalog = catalog
        self.moderation = moderation
        self.federation = federation
        self.accounts = accounts
        self.administration = administration
        self.house = house
        self.currencies = currencies
        self.economy = economy
        self.generation = generation
        self.keyring = keyring
        self.signing = signing
        self.attachmentRoom = attachmentRoom
        self.settings = settings
        self.publicURL = publicURL
        self.urls = urls
        self.software = software
        self.startedAt = startedAt
        self.now = now
        self.loadCheckpoint = loadCheckpoint
        self.progress = progress
    }

    /// The same services with progress told to someone else.
    public func reporting(to progress: @escaping @Sendable (Progress) -> Void) -> OperationContext {
        var context = self
        context.progress = progress
        return context
    }

    /// The same services for what somebody asks over the web: no more is looked up than they may see, and they post at the
    /// pace of their role.
    public func acting(for caller: Account) -> OperationContext {
        var context = self
        context.caller = caller
        return context
    }

    /// The same services for a page that is shown to somebody.
    public func showing(to viewer: Viewer) -> OperationContext {
        var context = self
        context.visitor = viewer
        return context
    }

    /// The same services for a visitor without an account, who sees what visitors see.
    ///
    /// - Parameter name: what tells this visitor's jobs from those of others.
    public func acting(asGuest name: String) -> OperationContext {
        var context = self
        context.guest = name
        return context
    }

    /// The same services for what this node does by itself.
    var asOperator: OperationContext {
        var context = self
        (context.caller, context.visitor, context.guest) = (nil, nil, nil)
        return context
    }

    /// Whether whoever asks speaks for the node itself: its operator at a terminal, and admins.
    var mayActAsNode: Bool { guest == nil && visitor == nil && caller.map { $0.role == .admin } ?? true }

    /// Whose eyes names are resolved with.
    public var viewer: Viewer { caller?.viewer ?? visitor ?? (guest == nil ? .owner : .anonymous) }

    /// Counts posts that the caller is about to make.
    ///
    /// - Throws: `rate` when they are more than the caller's role allows.
    func admit(posts count: Int) throws(OperationError) {
        guard let caller else { return }
        do {
            try accounts.admit(posts: count, by: caller)
        } catch {
            throw OperationError(error)
        }
    }
}

extension OperationContext {
    /// This node as a witness of the logs that it knows.
    public var witness: LedgerWitness {
        LedgerWitness(store: currencies.store, key: keyring.node.device, now: now)
    }

    /// Buzz for a unit of drawing; 0 where it is free.
    public var generationPrice: Double {
        setting("generation.price").flatMap { Double($0) } ?? 0
    }

    /// What people are asked who apply for an account; nil where the operator asks nothing of their own.
    public var registrationQuestion: String? { setting("registration.question") }

    /// Whether only people may join who say that they are adults.
    public var isForAdults: Bool { setting("registration.adults") == "yes" }

    /// Jobs a day that a visitor without an account may have drawn.
    public var guestJobs: Int { setting("generation.guests").flatMap { Int($0) } ?? 0 }

    /// A setting's value; nil for one that is not known or empty.
    func setting(_ key: String) -> String? {
        settings.first { $0.key == key }.flatMap { $0.value.isEmpty ? nil : $0.value }
    }

    /// Who may register here.
    public var registrationMode: RegistrationMode {
        settings.first { $0.key == "registration.mode" }.flatMap { RegistrationMode(rawValue: $0.value) } ?? .closed
    }
}

/// One setting as the node uses it.
public struct SettingView: Codable, Sendable, Hashable {
    public let key: String
    public let value: String
    /// "flag", "environment", "file" or "default", with the place: "file /home/…/waggle.toml".
    public let origin: String

    public init(key: String, value: String, origin: String) {
        self.key = key
        self.value = value
        self.origin = origin
    }
}

extension Account {
    /// What the account's own requests see.
    public var viewer: Viewer {
        Viewer(.member(mask: seenLevels), blurFrom: Level(rawValue: blurFrom))
    }
}
