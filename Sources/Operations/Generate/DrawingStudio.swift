public import BlobStore
import Catalog
public import Digests
import FoundationEssentials
public import Generation
import Identity
import Media
import NIOCore
import Sandbox
import WaggleProtocol

/// What drawing needs of a node: files from its store, and pictures into it, signed with its key.
public struct DrawingStudio: Sendable {
    private let blobs: BlobStore
    private let keyring: Keyring
    private let isListed: @Sendable (Hash32) async -> Bool
    private let isRemote: Bool
    private let now: @Sendable () -> UInt64

    /// - Parameters:
    ///   - isListed: whether a release is still in force and shown to anybody.
    ///   - isRemote: whether another program draws, whose pictures nobody looked at.
    public init(
        blobs: BlobStore, keyring: Keyring, isListed: @escaping @Sendable (Hash32) async -> Bool,
        isRemote: Bool = false, now: @escaping @Sendable () -> UInt64
    ) {
        self.blobs = blobs
        self.keyring = keyring
        self.isListed = isListed
        self.isRemote = isRemote
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
            isGone: { file in await isGone(file) },
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

    /// Files may be purged, and releases taken back, while a job waits.
    private func isGone(_ file: ModelFile) async -> Bool {
        guard let hash = file.hash, (try? await blobs.open(hash)) != nil else { return true }
        guard let release = file.release.flatMap({ Hash32(hex: $0) }) else { return false }
        return await !isListed(release)
    }

    /// A picture as it is kept: looked at, in the format that was asked for, with its recipe.
    private func finish(
        _ job: Job, _ index: Int, _ png: [UInt8], _ engine: String
    ) async throws(GenerationError) -> JobPicture {
        try await refuseFlat(png)
        let format = job.plan.format ?? .png
        let picture = try await encoded(png, as: format)
        let made = PictureRecipe(plan: job.plan, models: job.models, index: index, engine: engine)
        let bytes = try made.written(into: picture, signer: keyring.node, created: now())
        do {
            let facts = try await blobs.add(bytes: bytes)
            try await blobs.pin(facts.sha256, .user)
            return JobPicture(
                index: index, seed: job.plan.seed(of: index), sha256: facts.sha256.hex, size: facts.size,
                mediaType: format.mediaType, width: job.plan.width, height: job.plan.height)
        } catch {
            throw .database("the picture cannot be kept: \(error)")
        }
    }

    /// What another program sends was looked at by nobody yet. A node without libvips' tools takes its word.
    private func refuseFlat(_ png: [UInt8]) async throws(GenerationError) {
        guard isRemote, let isFlat = try? await PictureDecoder().isFlat(png), isFlat else { return }
        throw .flatPicture
    }

    private func encoded(_ png: [UInt8], as format: PictureFormat) async throws(GenerationError) -> [UInt8] {
        let wanted: PictureEncoder.Format
        switch format {
        case .png: return png
        case .jpeg: wanted = .jpeg
        case .webp: wanted = .webp
        }
        do throws(SandboxError) {
            if let made = try await PictureEncoder().encode(png, as: wanted) { return made }
        } catch {
            throw .engine("\(format.rawValue) is made with libvips' tools: \(error); PNG needs none")
        }
        throw .badReply("the picture cannot be decoded")
    }
}
