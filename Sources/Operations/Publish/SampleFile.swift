import BlobStore
import Digests
import Formats
import FoundationEssentials
import Media
import Moderation
import Sandbox
import SystemPackage
import WaggleProtocol

/// A picture that goes into a post: read, measured, and with the recipe that its own metadata tell.
struct SampleFile: Sendable {
    private let path: FilePath
    private let bytes: [UInt8]
    private let info: ImageInfo

    /// - Throws: `usage` for what is no picture, `limits`, `notFound`, `failed`.
    static func read(_ path: FilePath) async throws(OperationError) -> SampleFile {
        try await Blocking.run { () throws(OperationError) in try SampleFile(path) }
    }

    /// A picture that may be taken in here.
    ///
    /// - Throws: what `read` throws, and `auth` for one that looks like what was blocked.
    static func read(_ path: FilePath, for context: OperationContext) async throws(OperationError) -> SampleFile {
        let sample = try await read(path)
        try await sample.refuseBlocked(context)
        return sample
    }

    /// Whoever brought it over the web does not see where it lies.
    private var name: String { path.lastComponent?.string ?? "" }

    private init(_ path: FilePath) throws(OperationError) {
        self.path = path
        let name = path.lastComponent?.string ?? ""
        let (file, size) = try RegularFile.open(path, called: name)
        defer { try? file.close() }
        guard size > 0, size <= UInt64(Limits.Text.sampleBytes) else {
            throw OperationError(.limits, "\(name) has \(size) bytes; a picture has 1 to \(Limits.Text.sampleBytes)")
        }
        do {
            bytes = try [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, filled in
                filled = 0
                while filled < buffer.count {
                    let got = try file.read(
                        into: UnsafeMutableRawBufferPointer(
                            rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...]))
                    guard got > 0 else { return }
                    filled += got
                }
            }
        } catch {
            throw OperationError(.failed, "\(path): \(error)")
        }
        guard let info = ImageInfo.sniff(bytes), info.width != nil, info.height != nil else {
            throw OperationError(.usage, "\(name) is no PNG, JPEG, WebP, GIF or AVIF image")
        }
        self.info = info
    }

    /// Refuses a picture that looks like one that is blocked here, before a byte of it is stored.
    private func refuseBlocked(_ context: OperationContext) async throws(OperationError) {
        guard context.moderation.comparesPictures else { return }
        do throws(SandboxError) {
            guard case .picture(let pdq) = try await PictureDecoder().decode(bytes),
                let block = context.moderation.takedown(lookingLike: pdq)
            else { return }
            throw SandboxError.failed("case \(block.caseNumber): \(block.reason)")
        } catch {
            throw OperationError(
                .auth,
                "\(name) is not taken in, because pictures are compared here: \(error)")
        }
    }

    var brought: BroughtFile { BroughtFile(size: UInt64(bytes.count), sha256: SHA256.hash(bytes)) }

    /// Pixels.
    var width: UInt32 { UInt32(clamping: info.width ?? 0) }
    var height: UInt32 { UInt32(clamping: info.height ?? 0) }

    /// A place of the machine it was made on that its texts tell to everybody.
    var leak: PathLeak? { PictureText.leak(in: bytes) }

    /// What its maker should look at before it is published.
    var findings: [ReleaseDraft.Finding] {
        guard let leak else { return [] }
        let found = LintFinding(
            leak, in: "The picture's metadata",
            remedy: "Whoever downloads it can read that: save it without metadata, which takes its recipe away too.")
        return [ReleaseDraft.Finding(found, of: name)]
    }

    /// What the picture's own metadata tell of how it was made; empty where they tell nothing.
    func recipe(_ resolver: RecipeResolver) async throws(OperationError) -> WireRecipe {
        guard let recipe = Recipe(texts: PictureText.all(in: bytes)) else { return WireRecipe() }
        return try await resolver.signed(recipe)
    }

    /// Takes the picture into the store, for something to be made of it.
    func store(in store: BlobStore) async throws(OperationError) -> Hash32 {
        do {
            return try await store.add(bytes: bytes).sha256
        } catch {
            throw OperationError(error)
        }
    }

    /// Takes the picture into the store, and describes it as a post signs it. It is pinned by `Posting.submit`, when nothing
    /// refuses the post any more: nothing would ever take the pin of a post that is not there away.
    func take(level: Level, resolver: RecipeResolver, store: BlobStore) async throws(OperationError) -> WireImage {
        var image = WireImage()
        image.mediaType = info.mediaType.rawValue
        image.width = width
        image.height = height
        image.level = level.rawValue
        image.recipe = try await recipe(resolver)
        image.alt = String(image.recipe.prompt.replacing(#/\s*<[a-z]+:[^>]*>/#, with: "").prefix(160))
        do {
            let facts = try await store.add(bytes: bytes)
            image.blob = facts.sha256.data
            image.size = facts.size
            image.piecesRoot = facts.piecesRoot.data
            return image
        } catch {
            throw OperationError(error)
        }
    }
}
