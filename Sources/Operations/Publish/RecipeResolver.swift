import Catalog
import Digests
import Formats
import FoundationEssentials
import Moderation
import WaggleProtocol

/// Gives the resources of a recipe the full hashes of the files that their short ones mean, so that what is signed says
/// exactly which files made a picture.
///
/// Whoever signs learns of no file that they may not see: what is looked up is what the caller sees, and their own.
struct RecipeResolver: Sendable {
    private let context: OperationContext
    private let author: Hash32
    /// Files that are being published with the picture: they come before what the catalog knows.
    private let own: [WireFile]

    /// - Parameter author: who signs.
    init(_ context: OperationContext, author: Hash32, own: [WireFile] = []) {
        self.context = context
        self.author = author
        self.own = own
    }

    /// The recipe as it is signed.
    func signed(_ recipe: Recipe) async throws(OperationError) -> WireRecipe {
        var wire = WireRecipe()
        wire.prompt = String(recipe.prompt.prefix(16 << 10))
        wire.negativePrompt = String(recipe.negativePrompt.prefix(16 << 10))
        wire.hasSeed_p = recipe.seed != nil
        wire.seed = recipe.seed ?? 0
        wire.steps = UInt32(clamping: recipe.steps ?? 0)
        wire.sampler = recipe.sampler ?? ""
        wire.scheduler = recipe.scheduler ?? ""
        wire.cfgScale = recipe.cfgScale ?? 0
        wire.width = UInt32(clamping: recipe.width ?? 0)
        wire.height = UInt32(clamping: recipe.height ?? 0)
        wire.clipSkip = UInt32(clamping: recipe.clipSkip)
        wire.engine = recipe.engine ?? ""
        for resource in recipe.resources.prefix(Limits.Post.recipeResources) {
            var signed = WireResource()
            signed.kind = resource.kind.rawValue.lowercased()
            signed.name = String((resource.name ?? "").prefix(200))
            signed.strength = resource.weight ?? 1
            if let file = own.first(where: { $0.isNamed(by: resource.hashes) }) {
                signed.sha256 = file.sha256
            } else if let full = resource.hashes["SHA256"].flatMap({ Hash32(hex: $0) }) {
                signed.sha256 = full.data
            } else {
                signed.sha256 = try await known(resource.hashes)
            }
            signed.claimedHash =
                resource.hashes.sorted { $0.key < $1.key }.first.map { "\($0.key):\($0.value)" } ?? ""
            wire.resources.append(signed)
        }
        return wire
    }

    /// The full hash of the one file that the catalog knows by these claims; empty when there is none, or several.
    private func known(_ hashes: [String: String]) async throws(OperationError) -> Data {
        var found: Set<Data> = []
        for claim in hashes.values.sorted().compactMap({ HashClaim($0) }) {
            let releases = try await shown { filter throws(CatalogError) in
                try await context.catalog.releases(byHash: claim, filter, detail: .init(releases: 0, images: 0))
            }
            found.formUnion(releases.flatMap(\.body.files).filter { $0.isNamed(by: hashes) }.map(\.sha256))
        }
        return found.count == 1 ? found.first ?? Data() : Data()
    }

    /// The releases here whose files a signed recipe names by full hash, in the recipe's order.
    func releases(of recipe: WireRecipe) async throws(OperationError) -> [Hash32] {
        let hashes = recipe.resources.compactMap { Hash32($0.sha256) }.prefix(Limits.Catalog.valuesPerFilter)
        let found = try await shown { filter throws(CatalogError) in
            try await context.catalog.releases(
                bySHA256: Array(hashes), filter, detail: .init(releases: 0, images: 0))
        }
        return found.reduce(into: []) { if !$0.contains($1.post) { $0.append($1.post) } }
    }

    /// What the caller sees of what is found, and what they published themselves.
    private func shown(
        _ find: (ViewerFilter) async throws(CatalogError) -> [ReleaseView]
    ) async throws(OperationError) -> [ReleaseView] {
        do {
            let all = try await find(context.moderation.filter(for: .owner))
            guard context.viewer.kind != .owner, !all.isEmpty else { return all }
            let visible = Set(try await find(context.moderation.filter(for: context.viewer)).map(\.post))
            return all.filter { visible.contains($0.post) || $0.author.author == author }
        } catch {
            throw OperationError(error)
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
