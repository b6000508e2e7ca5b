import AsyncHTTPClient
import BlobStore
import Catalog
import Digests
import FoundationEssentials
import Generation
import Logging
import Moderation
import Operations
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
        let backend: any GenerationBackend =
            switch DrawingBackend(settings["generation.backend"]) {
            case .remote(let kind, let url):
                RemoteProgram(url: url, login: settings["generation.backend_login"], http: http).backend(kind)
            case .embedded, nil: embedded
            }
        let studio = DrawingStudio(
            blobs: blobs, keyring: keyring,
            isListed: { release in
                let filter = moderation.filter(for: .peer)
                return (try? await catalog.release(post: release, filter, detail: .init(releases: 0, images: 0))) != nil
            }, now: Node.now)
        return GenerationService(
            backend: backend, store: try JobStore(path: home.db.appending("jobs.db").string), payment: payment,
            studio: studio.services, slots: 1, now: Node.now)
    }

    /// Draws what was ordered, from what was left when the node ended.
    func keepDrawing() async {
        do {
            try await generation.start()
        } catch {
            logger.error("drawing", metadata: ["why": "\(error.message)"])
        }
        await generation.run()
        await generation.stop()
    }
}
