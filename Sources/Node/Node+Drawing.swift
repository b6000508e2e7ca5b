import AsyncHTTPClient
import BlobStore
import Catalog
import Digests
import FoundationEssentials
import Generation
import Logging
import Moderation
import NIOCore
import Operations
import PostLog
import Sandbox
import SystemPackage
import WaggleProtocol

extension Node {
    /// What draws pictures for this home.
    static func drawing(
        _ settings: Settings, _ home: Home, blobs: BlobStore, catalog: Catalog, moderation: Moderation,
        keyring: Keyring,
        payment: BuzzPayment, http: HTTPClient
    ) throws(GenerationError) -> GenerationService {
        let options = EmbeddedBackend.Options(
            engine: nil, confinement: settings["generation.sandbox"] == "off" ? .boundsOnly : .full,
            threads: Int(settings["generation.threads"]) ?? max(1, ProcessInfo.processInfo.activeProcessorCount - 1),
            memory: ByteSize(settings["generation.memory"])?.bytes)
        let embedded = EmbeddedBackend(
            options: {
                // Set-up may have brought an engine since.
                var current = options
                current.engine = EngineInstall(folder: home.engine)
                return current
            }, files: DrawingStudio.files(blobs), temporary: home.temporary.appending("drawing"))
        let backend: any GenerationBackend
        switch DrawingBackend(settings["generation.backend"]) {
        case .remote(let kind, let url):
            let program = RemoteProgram(url: url, login: settings["generation.backend_login"], http: http)
            let drawing = try program.backend(kind, workflow: settings["generation.workflow"])
            let shelf = settings["generation.library"]
            backend =
                shelf.isEmpty
                ? drawing
                : ShelvedBackend(drawing, shelf: LibraryView(folder: FilePath(shelf), for: kind, blobs: blobs))
        case .embedded, nil: backend = embedded
        }
        let studio = DrawingStudio(
            blobs: blobs, keyring: keyring,
            isListed: { release in
                let filter = moderation.filter(for: .peer)
                return (try? await catalog.release(post: release, filter, detail: .init(releases: 0, images: 0))) != nil
            }, isRemote: !backend.opensFiles, now: Node.now)
        return GenerationService(
            backend: backend, store: try JobStore(path: home.db.appending("jobs.db").string), payment: payment,
            studio: studio.services, slots: 1, now: Node.now)
    }

    /// How another program that draws is asked: it may be at work for as long as a job may, and says nothing meanwhile.
    static func drawingConfiguration(
        _ settings: Settings, _ home: Home
    ) throws(OperationError) -> HTTPClient.Configuration {
        var configuration = try clientConfiguration(settings, home)
        configuration.timeout.read = .seconds(Int64(Limits.Generation.jobSeconds))
        return configuration
    }

    /// Draws what was ordered, from what was left when the node ended.
    func keepDrawing() async {
        do {
            try await generation.start()
        } catch {
            logger.error("drawing", metadata: ["why": "\(error.message)"])
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.generation.run() }
            group.addTask { await self.watchReleases() }
        }
        await generation.stop()
    }

    /// A release that its maker takes back while jobs wait for it ends them at once.
    private func watchReleases() async {
        for await _ in log.changes() {
            guard await !generation.open.isEmpty else { continue }
            await catalog.waitUntilApplied(log.newestSeq)
            await generation.reviewFiles()
        }
    }
}
