import Accounts
import Catalog
import Federation
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import Logging
import Moderation
import Mustache
import NIOCore
import NIOHTTP1
import NIOSSL
import PostLog
public import ServiceLifecycle
import WaggleProtocol

/// All HTTP of a node: pages, blobs, the Civitai-compatible API, and what nodes say to each other.
///
/// Plain HTTP/1.1, or HTTPS with HTTP/2 when the configuration has a certificate. `run` serves until the graceful shutdown of the service group that
/// it runs in, gives answers under way some time, and closes the rest.
public final class Gateway: Service {
    /// Every route with what it shows.
    public let routes: [DeclaredRoute]
    let application: Application<RouterResponder<GatewayContext>>
    private let shutdownTimeout: Duration

    /// - Parameter onListening: told the port when connections are accepted.
    /// - Throws: `unavailable` for a page template that does not parse.
    public init(
        _ services: GatewayServices, onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) throws(GatewayError) {
        let configuration = services.configuration
        let pages = try PageRenderer(services)
        let router = Router(context: GatewayContext.self)
        let metrics = RequestMetrics()
        let people = CallerIdentity(accounts: services.accounts, origins: Origins(configuration))
        router.add(
            middleware: ErrorMiddleware(
                pages: pages, metrics: metrics, flood: FloodLimit(services), people: people,
                proxies: services.configuration.proxies, mode: ModeGate(services)))
        var table = RouteTable(router: router)
        Self.register(services, pages, metrics, in: &table)
        table.finish()
        routes = table.declared
        shutdownTimeout = configuration.shutdownTimeout
        application = Application(
            router: router, server: try Self.server(configuration),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: configuration.software,
                availableConnectionsDelegate: MaximumAvailableConnections(
                    configuration.maximumConnections, logger: services.logger)),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
            logger: services.logger)
    }

    static func register(
        _ services: GatewayServices, _ pages: PageRenderer, _ metrics: RequestMetrics = RequestMetrics(),
        in table: inout RouteTable
    ) {
        let origins = Origins(services.configuration)
        let peers = PeerAuthentication(services, origins)
        let viewers = Viewers(services.configuration, peers, services.accounts)
        let gate = BlobGate(catalog: services.catalog, moderation: services.moderation)
        let offer = PeerOffer(catalog: services.catalog, moderation: services.moderation)
        let tickets = DownloadTickets()

        let people = CallerIdentity(accounts: services.accounts, origins: origins)
        let door = NativeDoor(services: services, viewers: viewers, people: people, origins: origins)
        // The router compares with one route after the other; what programs ask all the time comes first.
        LedgerRoutes(services: services).register(in: &table)
        OperatorRoutes(services: services, viewers: viewers, people: people, origins: origins, metrics: metrics)
            .register(in: &table)
        CivitaiRoutes(services: services, viewers: viewers, origins: origins).register(in: &table)
        NativeReads(services: services, door: door).register(in: &table)
        PageRoutes(services: services, pages: pages, origins: origins).register(in: &table)
        let blobs = BlobRoutes(services: services, viewers: viewers, gate: gate, tickets: tickets)
        blobs.register(in: &table)
        ThumbnailRoutes(services: services, viewers: viewers, gate: gate).register(in: &table)
        TorrentRoutes(services: services, viewers: viewers, gate: gate, origins: origins, tickets: tickets)
            .register(in: &table)
        DownloadRoute(services: services, viewers: viewers, origins: origins, tickets: tickets).register(in: &table)
        NativeAccounts(services: services, door: door, origins: origins).register(in: &table)
        NativeWrites(services: services, door: door).register(in: &table)
        NativePublishing(services: services, door: door).register(in: &table)
        NativeWorks(services: services, door: door).register(in: &table)
        NativeEvents(services: services, door: door).register(in: &table)
        NativeBuzz(services: services, door: door).register(in: &table)
        NativeBounties(services: services, door: door).register(in: &table)
        let forms = PageDoor(services: services, pages: pages, people: people, origins: origins)
        SessionPages(services: services, pages: pages, people: people).register(in: &table)
        let moves = MoveRoom()
        MovePages(services: services, pages: pages, people: people, door: forms, room: moves).register(in: &table)
        NativeMoves(services: services, door: door, room: moves).register(in: &table)
        TalkPages(services: services, pages: pages, door: forms).register(in: &table)
        PublishPages(services: services, pages: pages, door: forms).register(in: &table)
        EditPages(services: services, pages: pages, door: forms).register(in: &table)
        MePages(services: services, pages: pages, door: forms).register(in: &table)
        NewsPages(services: services, pages: pages, door: forms).register(in: &table)
        OwnCasePages(pages: pages, door: forms).register(in: &table)
        LevelPages(pages: pages, door: forms).register(in: &table)
        OwnActionPages(services: services, pages: pages, door: forms, native: door).register(in: &table)
        LibraryPages(services: services, pages: pages, door: forms).register(in: &table)
        BountyPages(services: services, pages: pages, people: people, origins: origins, door: forms).register(
            in: &table)
        WardenPages(services: services, pages: pages, door: forms).register(in: &table)
        let attaching = AddressPlaces(Limits.Cases.attaching)
        NativeModeration(services: services, door: door, attaching: attaching).register(in: &table)
        NativeLists(services: services, door: door).register(in: &table)
        NativeLevels(services: services, door: door).register(in: &table)
        ReportPages(services: services, pages: pages, people: people, attaching: attaching).register(in: &table)
        QueuePages(services: services, pages: pages, people: people).register(in: &table)
        NativeGeneration(services: services, door: door).register(in: &table)
        let studio = StudioDoor(services: services, people: people)
        OpenAIImages(services: services, door: studio).register(in: &table)
        WebUIRoutes(services: services, door: studio).register(in: &table)
        GeneratePages(services: services, pages: pages, people: people, gate: gate).register(in: &table)
        CivitaiPeople(services: services, viewers: viewers, people: people, origins: origins).register(in: &table)
        let hub = HubRoutes(services: services, viewers: viewers, people: people, origins: origins, blobs: blobs)
        hub.register(in: &table)
        HubUploads(services: services, people: people, origins: origins, hub: hub, gate: gate, tickets: tickets)
            .register(in: &table)
        SetupPage(services: services, pages: pages, people: people).register(in: &table)
        SetupWizard(services: services, pages: pages, people: people).register(in: &table)
        CurrencySetupPage(services: services, pages: pages, people: people).register(in: &table)
        let desk = AdminDesk(services: services, pages: pages, people: people)
        AdminHealth(desk: desk).register(in: &table)
        AdminPeople(desk: desk).register(in: &table)
        AdminNetwork(desk: desk).register(in: &table)
        AdminLists(desk: desk).register(in: &table)
        AdminStorage(desk: desk).register(in: &table)
        AdminHouse(desk: desk).register(in: &table)
        FeedRoutes(services: services, origins: origins).register(in: &table)
        DumpRoutes(services: services, origins: origins).register(in: &table)
        OpenAPIRoutes(software: services.configuration.software).register(in: &table)
        NodeRoutes(services: services, origins: origins).register(in: &table)
        PostRoutes(services: services, peers: peers, offer: offer).register(in: &table)
        SyncRoutes(services: services, peers: peers).register(in: &table)
        StreamRoutes(services: services, peers: peers, feed: LogFeed(log: services.postLog, offer: offer))
            .register(in: &table)
        BlobPeerRoutes(services: services, peers: peers, gate: gate).register(in: &table)
        ActionRoutes(services: services, peers: peers).register(in: &table)
        UploadRoutes(services: services, peers: peers, gate: gate).register(in: &table)
        pages.site.note(table.declared)
    }

    private static func server(_ configuration: GatewayConfiguration) throws(GatewayError) -> HTTPServerBuilder {
        // Only the plain channel gets the handler that sends files: below TLS there are no files, and NIOSSL would trap.
        let counts = ConnectionCounts(limit: configuration.connectionsPerAddress, proxies: configuration.proxies)
        let handshakeTime = TimeAmount(configuration.idleTimeout)
        guard let tls = configuration.tls else {
            let channel = channel(configuration, sendsFiles: true)
            return HTTPServerBuilder { responder in
                CountedChannel(
                    inner: HTTP1Channel(responder: responder, configuration: channel), counts: counts,
                    handshakeTime: handshakeTime)
            }
        }
        let upgrade = HTTP2UpgradeChannel.Configuration(
            idleTimeout: configuration.idleTimeout, gracefulCloseTimeout: configuration.shutdownTimeout,
            streamConfiguration: channel(configuration, sendsFiles: false))
        // What is wrong with a certificate is to be said now, and not when the first connection comes.
        do {
            _ = try NIOSSLContext(configuration: tls.configuration)
        } catch {
            throw .unavailable("TLS: \(error)")
        }
        return HTTPServerBuilder { responder in
            let inner = try HTTP2UpgradeChannel(
                tlsConfiguration: tls.configuration, configuration: upgrade, responder: responder)
            return CountedChannel(inner: inner, counts: counts, handshakeTime: handshakeTime)
        }
    }

    private static func channel(
        _ configuration: GatewayConfiguration, sendsFiles: Bool
    ) -> HTTP1Channel.Configuration {
        let (stall, lingering) = (TimeAmount(configuration.stallTime), TimeAmount(configuration.lingerTime))
        return HTTP1Channel.Configuration(
            additionalChannelHandlers: (sendsFiles ? [FileRegionHandler.Installer()] : [])
                + [ConnectionGuard.Installer(stall: stall, lingering: lingering)],
            idleTimeout: TimeAmount(configuration.idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: Limits.Gateway.headerBytes, maxHeaderListSize: Limits.Gateway.headerBytes,
                maxHeaderFieldCount: Limits.Gateway.headers))
    }

    /// Serves until shutdown.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask { [application] in
                try await application.run()
                return true
            }
            group.addTask { [shutdownTimeout] in
                try await gracefulShutdown()
                try await Task.sleep(for: shutdownTimeout)
                return false
            }
            defer { group.cancelAll() }
            _ = try await group.next()
        }
    }
}
