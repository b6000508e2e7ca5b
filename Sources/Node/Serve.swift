import Accounts
import Administration
import AsyncHTTPClient
import BlobStore
import Digests
import Federation
import FoundationEssentials
import Gateway
import Identity
import Logging
import Media
import Moderation
public import Operations
import PostLog
import ServiceLifecycle
import UnixSignals
import WaggleProtocol

extension Node {
    /// What a server tells once it can be reached.
    public struct Ready: Sendable {
        /// Base URL of this machine's own address.
        public let localURL: String
        /// Where others reach it: the configured public URL, else the local one.
        public let publicURL: String
        public let port: Int
        /// At the first start alone: what lets the owner choose a passphrase at the address of this node.
        public let setupToken: String?
        /// Where others will reach it once set-up is finished; nil when they can.
        public let laterAddress: String?
    }

    /// Serves until SIGTERM or SIGINT, then ends what is under way within a limit.
    public func serve(onReady: @escaping @Sendable (Ready) async -> Void) async throws(OperationError) {
        let doors: Doors
        do {
            doors = try makeDoors(onReady: onReady)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.usage, "the addresses of this node: \(error)")
        }
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: doors, successTerminationBehavior: .gracefullyShutdownGroup),
                    .init(service: ControlServer(home: home, context: { self.context() }, logger: logger)),
                    .init(service: Background { await self.federation.run() }),
                    .init(service: Background { await self.keepHouse() }),
                    .init(service: Background { await self.nameBlobs() }),
                    .init(service: Background { await self.keepLibraries() }),
                    .init(service: Background { await self.keepPictures() }),
                    .init(service: Background { await self.keepScanning() }),
                    .init(service: Background { await self.keepCheckpoints() }),
                    .init(service: Background { await self.keepCurrencies() }),
                    .init(service: Background { await self.keepProofs() }, successTerminationBehavior: .ignore),
                    .init(service: Background { await self.keepEconomy() }),
                    .init(service: Background { await self.keepLists() }),
                    .init(service: Background { await self.keepLevels() }),
                    .init(service: Background { await self.keepCases() }),
                    .init(service: Background { await self.keepNotifications() }),
                    .init(service: Background { await self.keepDrawing() }),
                    .init(service: Background { await self.doChores() }),
                    .init(
                        service: StopNotice(manager: ServiceManager(environment: environment)),
                        successTerminationBehavior: .ignore),
                    .init(service: Background { await self.keepDumps() }, successTerminationBehavior: .ignore),
                    .init(service: Background { await self.letPeopleMove() }, successTerminationBehavior: .ignore),
                    .init(
                        service: Background { await self.catchUpAfterRestore() }, successTerminationBehavior: .ignore),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], cancellationSignals: [], logger: logger))
        do {
            try await group.run()
        } catch {
            throw OperationError(.failed, Self.words(error, settings["listen"]))
        }
    }

    /// Until set-up is finished the node is reached from its own machine alone, wherever it is to listen later.
    private func makeDoors(onReady: @escaping @Sendable (Ready) async -> Void) throws -> Doors {
        let address = ListenAddress(settings["listen"]) ?? ListenAddress("127.0.0.1:7700")
        guard let address, !address.isLoopback, !administration.setup.isFinished else {
            return Doors(first: try makeGateway(at: address, onReady: onReady))
        }
        logger.notice(
            "listening on this machine alone until set-up is finished", metadata: ["later": "\(settings["listen"])"])
        let inner = ListenAddress("127.0.0.1:\(address.port)")
        return Doors(
            first: try makeGateway(at: inner, isWaiting: true, onReady: onReady), opened: doorsOpened, logger: logger
        ) { [self] in
            // The port that the first was given, where it took a free one.
            let text = address.host.contains(":") ? "[\(address.host)]" : address.host
            return try makeGateway(at: ListenAddress("\(text):\(port ?? address.port)")) { [logger] ready in
                logger.notice("set up: others can reach this node", metadata: ["address": "\(ready.publicURL)"])
            }
        }
    }

    private func makeGateway(
        at address: ListenAddress?, isWaiting: Bool = false, onReady: @escaping @Sendable (Ready) async -> Void
    ) throws -> Gateway {
        let publicURLs = try settings["public_url"].isEmpty ? [] : [PeerURL(settings["public_url"])]
        let tls = try settings.tlsIdentity(home)
        var services = GatewayServices(
            catalog: catalog, blobs: blobs, postLog: log, moderation: moderation, accounts: accounts,
            administration: administration, uploads: uploads, context: { [self] in context() }, nodeID: identity.id,
            configuration: GatewayConfiguration(
                host: address?.host ?? "127.0.0.1", port: address?.port ?? 7700, tls: tls, publicURLs: publicURLs,
                texts: siteTexts, software: Node.software,
                uploadBytesPerPeer: ByteSize(settings["storage.uploads_per_peer"])?.bytes ?? 0,
                requestsPerAddress: Int(settings["rates.requests"]) ?? Limits.API.requestsPerAddress),
            now: Node.now,
            acceptsPeer: { [federation] node in await federation.accepts(node) },
            source: { [federation] node in await federation.source(node) }, gossip: federation.gossip,
            neighbours: { [federation] in (try? await federation.overview()) ?? [] },
            provenAddresses: { [federation] in await federation.provedAddresses() },
            holders: { [federation] blob in await federation.holders.urls(of: blob) },
            sending: TransferLimiter(RateSchedule(settings["rates.send"]) ?? RateSchedule()), logger: logger)
        services.configuration.proxies =
            TrustedProxies(settings["proxy.trusted"], field: settings["proxy.field"]) ?? .onThisMachine
        services.listArrived = { [noteList] in noteList.yield() }
        services.thumbnail = { [thumbnails] in try await thumbnails.bytes($0) }
        services.pictureFacts = { [thumbnails] in try await thumbnails.facts(of: $0) }
        services.picturesRevision = { [thumbnails] in thumbnails.revision }
        let host = address?.host ?? "127.0.0.1"
        return try Gateway(services) { [self] port in
            // A wildcard is no address to give to anybody; this machine reaches itself by loopback.
            let shown = ["0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host.contains(":") ? "[\(host)]" : host
            let localURL = "\(tls == nil ? "http" : "https")://\(shown):\(port)"
            let publicURL = publicURLs.first?.description ?? localURL
            let ready = Ready(
                localURL: localURL, publicURL: publicURL, port: port, setupToken: await firstSetupToken(),
                laterAddress: isWaiting ? settings["listen"] : nil)
            noteReady(ready)
            await announce([publicURL])
            await onReady(ready)
            ServiceManager(environment: environment).ready(at: publicURL)
        }
    }

    private func firstSetupToken() async -> String? {
        do throws(AccountsError) {
            return try await accounts.firstSetupToken()?.text
        } catch {
            logger.error("no set-up token", metadata: ["why": "\(error.message)"])
            return nil
        }
    }

    private var displayName: String { siteTexts.name }

    static func displayName(_ settings: Settings, _ node: Hash32) -> String {
        settings["name"].isEmpty ? "Waggle \(AuthorID.short(node))" : settings["name"]
    }

    /// Publishes the node's announce (kind 4) when what it says has changed.
    func announce(_ urls: [String]) async {
        guard !signing.isHeld else { return }
        do {
            let existing = try await log.post(author: identity.id, kind: .nodeAnnounce, slot: "")
            var body = WireNodeAnnounce()
            body.urls = urls
            body.name = displayName
            body.software = Node.software
            body.scopes = ["all", "window", "kind-group", "author"]
            body.limits.envelopeBytes = UInt32(Limits.Post.envelopeBytes)
            body.limits.bodyBytes = UInt32(Limits.Wire.bodyBytes)
            body.limits.syncMessageBytes = UInt32(Limits.Wire.syncMessageBytes)
            body.limits.ceiling = moderation.ceiling.upTo
            if existing?.post.nodeAnnounce == body { return }
            var post = WirePost()
            post.created = max(Node.now(), (existing?.created ?? 0) + 1)
            post.nodeAnnounce = body
            let signed = try keyring.node.sign(post)
            _ = try await log.intake.submit([signed.envelope], from: .local)
        } catch {
            logger.error("the node's announce could not be published", metadata: ["why": "\(error)"])
        }
    }

    /// Takes expired posts out of force once a minute, and renews what this node's people say of their newest releases.
    private func keepHouse() async {
        var renewed: UInt64 = 0
        while (try? await Task.sleep(for: .seconds(60))) != nil {
            do {
                try await log.intake.tidy()
                try await uploads.removeExpired()
            } catch {
                logger.error("tidying the log", metadata: ["why": "\(error)"])
            }
            guard Node.now() >= renewed + 3600 else { continue }
            renewed = Node.now()
            await noteDisk()
            guard !signing.isHeld else { continue }
            do throws(OperationError) {
                let done = try await RenewChannels().run(in: context())
                if done.renewed > 0 { logger.info("channels renewed", metadata: ["count": "\(done.renewed)"]) }
            } catch {
                logger.warning("channels could not be renewed", metadata: ["why": "\(error.message)"])
            }
        }
    }

    /// A restored node asks its peers what it signed after the backup, and signs again when one has told it.
    private func catchUpAfterRestore() async {
        guard signing.isHeld else { return }
        logger.notice("restored from a backup: nothing is signed before a peer was asked for the newest own posts")
        var pause = Duration.milliseconds(500)
        while signing.isHeld {
            if let peer = await federation.catchUp(home.localAuthors) {
                do throws(OperationError) {
                    try signing.lift()
                    logger.notice("caught up with a peer; signing again", metadata: ["peer": "\(peer.url)"])
                } catch {
                    logger.error("signing stays held", metadata: ["why": "\(error.message)"])
                }
            }
            guard signing.isHeld else { break }
            guard (try? await Task.sleep(for: pause)) != nil else { return }
            pause = min(pause * 2, .seconds(60))
        }
        if let url = context().publicURL { await announce([url]) }
    }

    /// Tells people at home here of what concerns them.
    private func keepNotifications() async {
        for await _ in log.changes() {
            do {
                try await Notifier(context()).catchUp()
            } catch {
                if Task.isCancelled { return }
                // Nothing is lost: the next change begins where this one stopped.
                logger.error("notifications", metadata: ["why": "\(error)"])
            }
        }
    }

    private func letPeopleMove() async {
        await MovedPeople(
            accounts: accounts, keyring: keyring, log: log, catalog: catalog, logger: logger,
            ownURLs: { [self] in context().urls }
        ).run()
    }

    /// Writes the dump of public posts each night.
    private func keepDumps() async {
        guard settings["dump"] == "nightly" else { return }
        let startedAt = Node.now()
        while (try? await Task.sleep(for: .seconds(600))) != nil {
            do throws(OperationError) {
                let newest = DumpFolder(home).newest?.created
                // The one that is there is not given out after a purge.
                let isStale = newest.map { $0 <= moderation.newestTakedown ?? 0 } ?? false
                guard isStale || DumpFolder.isDue(newest: newest ?? startedAt, now: Node.now()) else { continue }
                let made = try await WriteDump().run(in: context())
                logger.info("dump written", metadata: ["posts": "\(made.posts)", "bytes": "\(made.size)"])
            } catch {
                logger.warning("the dump could not be written", metadata: ["why": "\(error.message)"])
            }
        }
    }

    /// Computes the names of blobs that nothing waits for.
    private func nameBlobs() async {
        let takedowns = Takedowns(blobs: blobs, catalog: catalog, moderation: moderation, generation: generation)
        await blobs.hashInBackground { [logger] error in
            logger.error("hashing in the background", metadata: ["why": "\(error)"])
        } onNamed: { [logger] hash, names in
            guard let tensors = names.tensorDigest else { return }
            do throws(OperationError) {
                try await takedowns.named(hash, tensors: tensors, now: Node.now())
            } catch {
                logger.error("a file was not taken down", metadata: ["why": "\(error.message)", "blob": "\(hash.hex)"])
            }
        }
    }

    /// Fetches what checkpoints name.
    private func keepCheckpoints() async {
        await CheckpointKeeper(
            log: log, blobs: blobs, catalog: catalog, federation: federation, known: checkpoints, logger: logger,
            wakeups: listArrivals, ownAuthors: { [home] in home.localAuthors }
        ).run()
    }

    /// Scans the library folders now and then, and hashes what is new in them.
    private func keepLibraries() async {
        let logger = logger
        await LibraryKeeper(context: { self.context() }) { error in
            logger.warning("library folders", metadata: ["why": "\(error.message)"])
        }.run()
    }

    /// Looks at what comes in.
    private func keepScanning() async {
        await ScanKeeper(blobs: blobs, context: { self.context() }, logger: logger).run()
    }

    /// Makes small copies of pictures.
    private func keepPictures() async {
        await PictureKeeper(blobs: blobs, thumbnails: thumbnails, logger: logger).run()
    }

    private static func words(_ error: any Error, _ listen: String) -> String {
        let text = String(describing: error)
        if text.contains("Address already in use") {
            return "\(listen) is taken by another program; choose another address with --listen"
        }
        if text.contains("Permission denied") {
            return "\(listen) may not be listened on; ports below 1024 need a privilege, so use --listen 127.0.0.1:7700"
        }
        return text
    }
}

private struct StopNotice: Service {
    let manager: ServiceManager

    func run() async throws { await manager.tellStop() }
}

/// Work that goes on until the node stops.
private struct Background: Service {
    let body: @Sendable () async -> Void

    init(_ body: @escaping @Sendable () async -> Void) {
        self.body = body
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await body()
        }
    }
}
