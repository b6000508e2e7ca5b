import Accounts
import Administration
import AsyncHTTPClient
import BlobStore
import CWaggleSystem
import Catalog
import Digests
import Economy
import Federation
import FoundationEssentials
import Gateway
import Generation
import Identity
import Ledger
public import Logging
import Media
import Moderation
import NIOCore
public import Operations
import PostLog
import Synchronization
import SystemPackage
import WaggleProtocol

/// An open home: its lock, its stores, and the operations on them.
public final class Node: Sendable {
    public static let software = "waggle/\(version)"
    public static let version = "0.1.0"

    let home: Home
    var settings: Settings { chosenSettings.withLock { $0 } }
    let chosenSettings: Mutex<Settings>
    let keyring: Keyring
    let accounts: Accounts
    let administration: Administration
    let siteTexts: SiteTexts
    let environment: [String: String]
    let firstWords = Mutex<String?>(nil)
    let chores = Chores()
    let (doorsOpened, openedDoors) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let currencies: Currencies
    let economy: EconomyStore
    let generation: GenerationService
    let uploads: UploadStore
    let signing: SigningHold
    /// For files with requests to take something down.
    let attachmentRoom = AttachmentRoom()
    let log: PostLog
    let blobs: BlobStore
    let catalog: Catalog
    let thumbnails: ThumbnailStore
    let moderation: Moderation
    let federation: Federation
    let identity: NodeIdentity
    let logger: Logger
    let checkpoints: CheckpointBlobs
    let (listArrivals, noteList) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let admission: NodeAdmission
    private let lock: HomeLock
    private let http: HTTPClient
    /// For another program that draws.
    private let drawingHTTP: HTTPClient
    private let startedAt = Node.now()
    private let reached = Mutex<Ready?>(nil)
    private let follower: Task<Void, Never>

    /// To be called first thing in the process: makes the allocator give freed buffers of transfers back to the system, and
    /// SQLite's connections work without a lock in common.
    public static func prepareProcess() {
        waggle_tune_malloc()
        waggle_tune_sqlite()
    }

    /// Unix seconds.
    @Sendable static func now() -> UInt64 {
        UInt64(max(0, Date().timeIntervalSince1970))
    }

    /// Opens an initialised home.
    ///
    /// - Throws: `notFound` when there is none, `conflict` when another process has it, `limits` and `failed` when its disk
    ///   is full or its databases cannot be used.
    public static func open(home: Home, settings: Settings, passphrase: String?, logger: Logger)
        async throws(OperationError) -> Node
    {
        guard (try? FileDescriptor.open(home.nodeKey, .readOnly).close()) != nil else {
            throw OperationError(.notFound, "there is no node at \(home.root) yet; run `waggle init` or `waggle serve`")
        }
        let lock = try HomeLock(home: home)
        let keyring = try Keyring(home: home, passphrase: passphrase)
        do {
            return try await Node(home: home, settings: settings, keyring: keyring, lock: lock, logger: logger)
        } catch let error as OperationError {
            throw error
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as PeerStoreError {
            throw OperationError(error)
        } catch let error as AccountsError {
            throw OperationError(error)
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch let error as AdministrationError {
            throw OperationError(error)
        } catch let error as LedgerError {
            throw OperationError(error)
        } catch let error as EconomyError {
            throw OperationError(error)
        } catch let error as GenerationError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    private init(home: Home, settings: Settings, keyring: Keyring, lock: HomeLock, logger: Logger) async throws {
        self.home = home
        chosenSettings = Mutex(settings)
        environment = ProcessInfo.processInfo.environment
        self.keyring = keyring
        signing = SigningHold(home: home)
        self.lock = lock
        self.logger = logger
        func database(_ name: String) -> String { home.db.appending(name).string }

        // A home that is in use already needs nobody to set it up.
        let isOldHome =
            FileManager.default.fileExists(atPath: database("posts.db"))
            && !FileManager.default.fileExists(atPath: database("admin.db"))
        administration = try Administration(path: database("admin.db"), isOldHome: isOldHome, now: Node.now)
        siteTexts = SiteTexts(
            name: Self.displayName(settings, keyring.node.author), rules: settings["rules"])
        moderation = try Moderation(
            ceiling: Level(word: settings["ceiling"]) ?? .xxx, path: database("moderation.db"))
        checkpoints = CheckpointBlobs()
        admission = NodeAdmission(
            moderation: moderation,
            guestBytes: Int(
                clamping: ByteSize(settings["storage.strangers"])?.bytes ?? UInt64(Limits.Room.strangersBytes)),
            now: Node.now)
        log = try PostLog(
            path: database("posts.db"), admission: admission, checkpoints: checkpoints, now: Node.now)
        let others = OtherHolders()
        let keepFree = ByteSize(settings["storage.keep_free"])?.bytes ?? 0
        blobs = try await BlobStore.open(
            home: home.root,
            options: StoreOptions(
                budget: ByteSize(settings["storage.budget"])?.bytes,
                keepFree: keepFree, heldElsewhere: others.holding))
        catalog = try Catalog(path: database("catalog.db"))
        do {
            thumbnails = try ThumbnailStore(folder: home.thumbnails, temporary: home.temporary)
        } catch {
            throw OperationError(.limits, error.message)
        }
        // Who is at home here is known before anything depends on it.
        for author in keyring.authors { try await catalog.setEarnedRoom(author, true) }
        try await CheckpointKeeper.load(log, blobs, catalog, into: checkpoints)
        let results = try await log.intake.submit(home.keyDocuments, from: .local)
        if let refused = results.first(where: { !$0.isHere }) {
            throw OperationError(.auth, "a key document of this home is not accepted: \(refused)")
        }
        accounts = try await Accounts(
            path: database("accounts.db"), node: keyring.node.device, now: Node.now)
        home.sweepTemporary()
        uploads = UploadStore(
            folder: home.temporary.appending("uploads"), now: Node.now, random: { SecureRandom.bytes(16) },
            keepFree: keepFree, report: { logger.error("an upload could not be written", metadata: ["why": "\($0)"]) })
        try await LocalPeople(accounts: accounts, keyring: keyring, log: log).settle()
        // Now with those whose keys the node holds for them.
        for author in keyring.authors { try await catalog.setEarnedRoom(author, true) }
        let takedowns = Takedowns(blobs: blobs, catalog: catalog, moderation: moderation)
        takedowns.tellStore()
        try await catalog.setLevels(moderation.levelRules)
        identity = NodeIdentity(
            id: keyring.node.author, key: keyring.node.device,
            keyDocuments: try await log.keyChainEnvelopes(of: keyring.node.author).keyDocuments)

        http = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: try Self.clientConfiguration(settings, home))
        let peers = try PeerStore(path: database("peers.db"))
        federation = Federation(
            peers: peers, identity: identity, log: log, catalog: catalog, blobs: blobs, moderation: moderation,
            http: http, logger: logger, now: Node.now,
            receiving: TransferLimiter(RateSchedule(settings["rates.receive"]) ?? RateSchedule()),
            policy: FollowPolicy(rawValue: settings["federation.policy"]) ?? .open,
            firstAddresses: try settings.firstAddresses(home))
        others.federation = federation
        economy = try EconomyStore(path: database("economy.db"))
        currencies = try await Currencies(
            path: database("ledger.db"), keyPath: home.ledgerKey.string,
            transport: LedgerClient { [federation] url in federation.client(for: url) }, now: Node.now)
        await currencies.use { [keyring] key in keyring.key(key) }
        let payment = BuzzPayment()
        drawingHTTP = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: try Self.drawingConfiguration(settings, home))
        generation = try Self.drawing(
            settings, home, blobs: blobs, catalog: catalog, moderation: moderation, keyring: keyring,
            payment: payment, http: drawingHTTP)
        let room = RoomKeeper(
            log: log, catalog: catalog, federation: federation, admission: admission, logger: logger)
        follower = Task { [log, catalog] in
            async let keeping: Void = room.run()
            await CatalogFollower(log: log, catalog: catalog, logger: logger).run()
            await keeping
        }
        payment.use { [weak self] in self?.context() }
        // Before anybody asks for anything: what lists hide is known from the posts that are here.
        try await ListDesk(context()).load()
    }

    /// How this node talks to others.
    static func clientConfiguration(
        _ settings: Settings, _ home: Home
    ) throws(OperationError) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(45))
        configuration.connectionPool = .init(idleTimeout: .seconds(30), concurrentHTTP1ConnectionsPerHostSoftLimit: 16)
        configuration.dialOnce()
        configuration.httpVersion = .http1Only
        configuration.tlsConfiguration = try settings.tlsClient(home)
        // Connections that bring files get buffers that are worth a hand-over between threads; others stay small.
        configuration.http1_1ConnectionDebugInitializer = { channel in
            let allocator = AdaptiveRecvByteBufferAllocator(minimum: 1 << 10, initial: 16 << 10, maximum: 256 << 10)
            return channel.setOption(.recvAllocator, value: allocator)
        }
        return configuration
    }

    /// Ends what runs and closes the stores. What was reported as done is on disk already.
    public func close() async {
        await generation.stop()
        log.close()
        follower.cancel()
        await follower.value
        do throws(LedgerError) {
            try await currencies.store.checkpointFile()
        } catch {
            // The journal stays and is as good.
            logger.debug("closing the ledger", metadata: ["why": "\(error.message)"])
        }
        try? await economy.checkpointFile()
        do {
            try await http.shutdown()
            try await drawingHTTP.shutdown()
            try await blobs.close()
        } catch {
            logger.warning("closing", metadata: ["why": "\(error)"])
        }
    }

    // MARK: Operations

    /// The server runs, and can be reached here.
    func noteReady(_ ready: Ready) {
        reached.withLock { $0 = ready }
    }

    /// Where the running server listens.
    var port: Int? { reached.withLock { $0?.port } }

    func context(progress: @escaping @Sendable (Progress) -> Void = { _ in }) -> OperationContext {
        let ready = reached.withLock { $0 }
        return OperationContext(
            home: home, log: log, blobs: blobs, catalog: catalog, moderation: moderation, federation: federation,
            accounts: accounts, administration: administration, house: self, currencies: currencies, economy: economy,
            generation: generation, keyring: keyring,
            signing: signing, attachmentRoom: attachmentRoom,
            settings: settings.all,
            publicURL: ready?.publicURL,
            urls: ready.map { [$0.publicURL, $0.localURL] } ?? [], software: Node.software,
            startedAt: startedAt, now: Node.now,
            loadCheckpoint: { [checkpoints, blobs] in await checkpoints.load($0, from: blobs, ofStranger: false) },
            progress: progress)
    }

    /// Carries out an operation: over the socket when a server runs on the home, else on the home itself.
    ///
    /// - Parameter settings: used when no server runs.
    public static func run<O: Operation>(
        _ operation: O, home: Home, settings: Settings, passphrase: String?, logger: Logger,
        progress: @escaping @Sendable (Progress) -> Void
    ) async throws(OperationError) -> O.Reply {
        // Another short command may hold the home for a moment; a server that starts appears at the socket.
        var attempts = 0
        while true {
            attempts += 1
            if let server = await ControlClient.connect(home) {
                return try await server.run(operation, progress: progress)
            }
            let node: Node
            do throws(OperationError) {
                node = try await open(home: home, settings: settings, passphrase: passphrase, logger: logger)
            } catch {
                guard error.code == .conflict, attempts < 100 else { throw error }
                guard (try? await Task.sleep(for: .milliseconds(100))) != nil else { throw error }
                continue
            }
            let result: Result<O.Reply, OperationError>
            do throws(OperationError) {
                result = .success(try await operation.perform(in: node.context(progress: progress)))
            } catch {
                result = .failure(error)
            }
            await node.close()
            return try result.get()
        }
    }
}
