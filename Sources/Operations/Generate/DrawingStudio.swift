public import BlobStore
import Catalog
public import Digests
import FoundationEssentials
public import Generation
import Identity
import Moderation
import NIOCore
import WaggleProtocol

/// What drawing needs of a node: files from its store, and pictures into it, signed with its key.
public struct DrawingStudio: Sendable {
    private let blobs: BlobStore
    private let keyring: Keyring
    private let isListed: @Sendable (Hash32) async -> Bool
    private let now: @Sendable () -> UInt64

    /// - Parameter isListed: whether a release is still in force and shown to anybody.
    public init(
        blobs: BlobStore, keyring: Keyring, isListed: @escaping @Sendable (Hash32) async -> Bool,
        now: @escaping @Sendable () -> UInt64
    ) {
        self.blobs = blobs
        self.keyring = keyring
        self.isListed = isListed
        self.now = now
    }

    /// How engines get at the store's files.
    public static func files(_ blobs: BlobStore) -> EmbeddedBackend.Files {
        EmbeddedBackend.Files(
            link: { hash, path in _ = try await blobs.symlink(hash, at: path) },
            place: { hash, path in _ = try await blobs.export(hash, to: path) })
    }

    public var services: GenerationService.Studio {
        GenerationService.Studio(
            initImage: { job throws(GenerationError) in try await initImage(job) },
            check: { job throws(GenerationError) in try await check(job) },
            finish: { job, index, png, engine throws(GenerationError) in
                try await finish(job, index, png, engine)
            })
    }

    private func initImage(_ job: Job) async throws(GenerationError) -> [UInt8]? {
        guard let name = job.plan.initImage, let hash = Hash32(hex: name) else { return nil }
        do {
            let reader = try await blobs.open(hash)
            guard reader.size <= Limits.Generation.initImageBytes else {
                throw GenerationError.tooLong(
                    field: "init_image", bytes: Int(reader.size), limit: Limits.Generation.initImageBytes)
            }
            return Array(try await reader.read(0..<reader.size).readableBytesView)
        } catch let error as GenerationError {
            throw error
        } catch {
            throw .withdrawn(name: "the picture to start from")
        }
    }

    /// Files may have been purged, and releases taken back, while the job waited.
    private func check(_ job: Job) async throws(GenerationError) {
        for file in job.models.files {
            guard let hash = file.hash else { throw .unknownResource(file.name) }
            do {
                _ = try await blobs.open(hash)
            } catch {
                throw .withdrawn(name: file.name)
            }
            if let release = file.release.flatMap({ Hash32(hex: $0) }), await !isListed(release) {
                throw .withdrawn(name: file.name)
            }
        }
    }

    private func finish(
        _ job: Job, _ index: Int, _ png: [UInt8], _ engine: String
    ) async throws(GenerationError) -> JobPicture {
        let made = PictureRecipe(plan: job.plan, models: job.models, index: index, engine: engine)
        let bytes = try made.written(into: png, signer: keyring.node, created: now())
        do {
            let facts = try await blobs.add(bytes: bytes)
            try await blobs.pin(facts.sha256, .user)
            return JobPicture(
                index: index, seed: job.plan.seed(of: index), sha256: facts.sha256.hex, size: facts.size,
                mediaType: "image/png", width: job.plan.width, height: job.plan.height)
        } catch {
            throw .database("the picture cannot be kept: \(error)")
        }
    }
}
