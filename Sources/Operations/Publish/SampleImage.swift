import BlobStore
import Digests
import Formats
import FoundationEssentials
import Moderation
import SystemPackage
import WaggleProtocol

/// A sample picture: stored, measured, and with the recipe that its own metadata tell.
enum SampleImage {
    /// Takes a picture into the store.
    ///
    /// - Parameter release: files of the release that is being published, to recognise them in the recipe.
    static func take(_ path: FilePath, level: Level, release: WireRelease, store: BlobStore)
        async throws(OperationError) -> WireImage
    {
        let (file, size) = try RegularFile.open(path)
        defer { try? file.close() }
        guard size > 0, size <= UInt64(Limits.Text.sampleBytes) else {
            throw OperationError(.limits, "\(path) has \(size) bytes; a sample has 1 to \(Limits.Text.sampleBytes)")
        }
        let bytes: Data
        do {
            bytes = try Data(
                [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, filled in
                    filled = 0
                    while filled < buffer.count {
                        let got = try file.read(
                            into: UnsafeMutableRawBufferPointer(
                                rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...]))
                        guard got > 0 else { return }
                        filled += got
                    }
                })
        } catch {
            throw OperationError(.failed, "\(path): \(error)")
        }
        guard let info = ImageInfo.sniff([UInt8](bytes)), let width = info.width, let height = info.height else {
            throw OperationError(.usage, "\(path) is no PNG, JPEG, WebP or GIF image")
        }
        do throws(BlobError) {
            let facts = try await store.add(bytes: bytes)
            try await store.pin(facts.sha256, .ownPost)
            var image = WireImage()
            image.blob = facts.sha256.data
            image.size = facts.size
            image.piecesRoot = facts.piecesRoot.data
            image.mediaType = info.mediaType.rawValue
            image.width = UInt32(clamping: width)
            image.height = UInt32(clamping: height)
            image.level = level.rawValue
            if let recipe = recipe([UInt8](bytes)) { image.recipe = WireRecipe(recipe, release: release) }
            image.alt = String(image.recipe.prompt.replacing(#/\s*<[a-z]+:[^>]*>/#, with: "").prefix(160))
            return image
        } catch {
            throw OperationError(error)
        }
    }

    private static func recipe(_ bytes: [UInt8]) -> Recipe? {
        guard let metadata = try? PNGMetadata(bytes) else { return nil }
        return Recipe(pngText: metadata.texts)
    }
}

extension WireRecipe {
    /// The signed form of a recipe. A resource whose hash is that of a file in the release gets the file's full hash.
    init(_ recipe: Recipe, release: WireRelease) {
        self.init()
        prompt = String(recipe.prompt.prefix(16 << 10))
        negativePrompt = String(recipe.negativePrompt.prefix(16 << 10))
        hasSeed_p = recipe.seed != nil
        seed = recipe.seed ?? 0
        steps = UInt32(clamping: recipe.steps ?? 0)
        sampler = recipe.sampler ?? ""
        scheduler = recipe.scheduler ?? ""
        cfgScale = recipe.cfgScale ?? 0
        width = UInt32(clamping: recipe.width ?? 0)
        height = UInt32(clamping: recipe.height ?? 0)
        clipSkip = UInt32(clamping: recipe.clipSkip)
        engine = recipe.engine ?? ""
        resources = recipe.resources.prefix(128).map { resource in
            var wire = WireResource()
            wire.kind = resource.kind.rawValue.lowercased()
            wire.name = String((resource.name ?? "").prefix(200))
            wire.strength = resource.weight ?? 1
            if let file = release.files.first(where: { $0.isNamed(by: resource.hashes) }) {
                wire.sha256 = file.sha256
            } else if let full = resource.hashes["SHA256"].flatMap({ Hash32(hex: $0) }) {
                wire.sha256 = full.data
            }
            wire.claimedHash = resource.hashes.sorted { $0.key < $1.key }.first.map { "\($0.key):\($0.value)" } ?? ""
            return wire
        }
    }
}

extension WireFile {
    /// Does one of these claimed hashes belong to the file? Short forms count when they are prefixes.
    fileprivate func isNamed(by hashes: [String: String]) -> Bool {
        hashes.contains { algorithm, claim in
            guard claim.utf8.count >= 8 else { return false }
            let full: Data =
                switch algorithm {
                case "SHA256", "AutoV2": sha256
                case "AutoV3": autov3
                case "AutoV1": autov1
                default: Data()
                }
            return !full.isEmpty && Hex.encode(full).hasPrefix(claim.lowercased())
        }
    }
}
