import BlobStore
import Catalog
import Digests
import Formats
import FoundationEssentials
import Generation
import Moderation
import NIOCore
import WaggleProtocol

/// Finds the files that a picture is to be drawn with, among what the caller may see, and has each looked through before an
/// engine is given it.
struct ModelFinder {
    private let context: OperationContext
    private let filter: ViewerFilter

    init(_ context: OperationContext) {
        self.context = context
        filter = context.moderation.filter(for: context.viewer)
    }

    /// A file with the release that it belongs to.
    struct Found {
        let file: ModelFile
        let release: ReleaseView
    }

    static let adapterTypes = [ModelType.lora, .locon, .dora].map(\.rawValue)
    static let checkpointTypes = [ModelType.checkpoint.rawValue]

    /// The model and what its author recommends for it.
    func checkpoint(_ name: String) async throws(OperationError) -> (file: ModelFile, defaults: GenerationDefaults) {
        let found = try await find(name, .checkpoint, types: Self.checkpointTypes)
        return (found.file, Self.defaults(found.release))
    }

    /// All files of a plan, checked.
    func models(_ plan: GenerationPlan, checkpoint: ModelFile) async throws(OperationError) -> ModelSet {
        var models = ModelSet(checkpoint: checkpoint)
        let base = try await baseModel(of: checkpoint)
        for lora in plan.loras {
            let found = try await find(lora.name, .lora, types: Self.adapterTypes)
            var file = found.file
            file.name = Self.stem(lora.name.hasPrefix("@") ? file.name : lora.name)
            file.weight = lora.weight
            let (own, theirs) = (BaseModel.lineage(of: found.release.body.baseModel), BaseModel.lineage(of: base))
            guard own == theirs || own == .other || theirs == .other else {
                throw OperationError(
                    GenerationError.unsafeFile(
                        name: file.name, why: "it is for \(found.release.body.baseModel), and the model is \(base)"))
            }
            models.loras.append(file)
        }
        if let vae = plan.vae {
            models.vae = try await find(vae, .vae, types: [ModelType.vae.rawValue]).file
        }
        return models
    }

    private func baseModel(of file: ModelFile) async throws(OperationError) -> String {
        guard let post = file.release.flatMap({ Hash32(hex: $0) }) else { return "" }
        do {
            return try await context.catalog.release(post: post, filter)?.body.baseModel ?? ""
        } catch {
            throw OperationError(error)
        }
    }

    /// What an author recommends. Zero is nothing said.
    static func defaults(_ release: ReleaseView) -> GenerationDefaults {
        let said = release.body.settings
        func whole(_ value: UInt32) -> Int? { value == 0 ? nil : Int(value) }
        return GenerationDefaults(
            width: whole(said.width), height: whole(said.height), steps: whole(said.steps),
            cfgScale: said.cfgScale == 0 ? nil : said.cfgScale, sampler: said.sampler.isEmpty ? nil : said.sampler,
            scheduler: said.scheduler.isEmpty ? nil : said.scheduler, clipSkip: whole(said.clipSkip))
    }

    // MARK: Looking for names

    /// - Throws: `notFound` for what is not here or may not be seen, `limits` for a file that no engine is given.
    private func find(
        _ typed: String, _ role: ModelFile.Role, types: [String]
    ) async throws(OperationError) -> Found {
        let unknown = OperationError(GenerationError.unknownResource(typed))
        // What A1111's clients send back from a list: "name.safetensors [0123456789]".
        let name = typed.replacing(#/\s*\[[0-9a-fA-F]{8,64}\]$/#, with: "")
        var candidates: [ReleaseView] = []
        do throws(OperationError) {
            candidates = [try await ReferenceResolver(context).release(name)]
        } catch {
            guard error.code == .notFound || error.code == .usage else { throw error }
        }
        if candidates.isEmpty { candidates = try await named(Self.stem(name), types) }
        var absent: Found?
        for release in candidates {
            guard try await isVisible(release), let found = Self.file(of: release, named: name, role) else { continue }
            guard try await isHere(found) else {
                absent = found
                continue
            }
            try await check(found.file, as: role)
            return found
        }
        if let absent {
            throw OperationError(
                .notFound,
                "the file of \(typed) is not on this node; `waggle get \(absent.release.post.hex.prefix(16))` fetches it"
            )
        }
        throw unknown
    }

    /// Releases of models of these types that are called so, or have a file that is.
    private func named(_ name: String, _ types: [String]) async throws(OperationError) -> [ReleaseView] {
        var query = ModelQuery()
        query.types = types
        query.hasRelease = true
        query.limit = 100
        let wanted = name.lowercased()
        var found: [ReleaseView] = []
        do {
            // By words first: they are few. File names are no words of the index, so all are looked through then.
            for text in [name, ""] where found.isEmpty {
                query.text = text
                query.position = .start
                var seen = 0
                while seen < Limits.Generation.offered {
                    let page = try await context.catalog.models(query, filter)
                    for model in page.items {
                        let isCalledSo = model.slug == wanted || model.body.name.lowercased() == wanted
                        found += model.releases.filter { release in
                            isCalledSo
                                || release.body.files.contains { Self.stem($0.name).lowercased() == wanted }
                        }
                    }
                    seen += page.items.count
                    guard found.isEmpty, let next = page.next else { break }
                    query.position = .after(next)
                }
            }
        } catch {
            throw OperationError(error)
        }
        return found
    }

    /// The file of a release that is meant: the one of that hash, else of that name, else the first that engines read.
    private static func file(of release: ReleaseView, named name: String, _ role: ModelFile.Role) -> Found? {
        let files = release.body.files.filter { Hash32($0.sha256) != nil }
        let hash = name.lowercased()
        let byHash = files.first { hash.utf8.count >= 8 && Hex.encode($0.sha256).hasPrefix(hash) }
        let byName = files.first { stem($0.name).lowercased() == stem(name).lowercased() }
        guard let file = byHash ?? byName ?? files.first(where: { $0.name.hasSuffix(".safetensors") }) ?? files.first,
            let sha256 = Hash32(file.sha256)
        else { return nil }
        return Found(
            file: ModelFile(
                role: role, name: stem(file.name), sha256: sha256, size: file.size,
                autoV3: file.autov3.isEmpty ? nil : Hex.encode(file.autov3), release: release.post.hex),
            release: release)
    }

    private func isVisible(_ release: ReleaseView) async throws(OperationError) -> Bool {
        do {
            return try await context.catalog.release(
                post: release.post, filter, detail: .init(releases: 0, images: 0)) != nil
        } catch {
            throw OperationError(error)
        }
    }

    private func isHere(_ found: Found) async throws(OperationError) -> Bool {
        guard let hash = found.file.hash else { return false }
        do {
            return try await context.blobs.presence([hash]) == [.whole]
        } catch {
            throw OperationError(error)
        }
    }

    // MARK: Looking through files

    /// - Throws: `limits` with what is wrong with the file. A file is looked through once.
    private func check(_ file: ModelFile, as role: ModelFile.Role) async throws(OperationError) {
        guard let hash = file.hash else { return }
        do throws(GenerationError) {
            if let why = try await context.generation.checked(file.sha256, as: role) {
                guard why.isEmpty else { throw .unsafeFile(name: file.name, why: why) }
                return
            }
            let blobs = context.blobs
            let check = FileCheck(name: file.name, size: file.size) { range in
                let reader = try await blobs.open(hash)
                return Array(try await reader.read(range).readableBytesView)
            }
            do throws(GenerationError) {
                try await check.run(as: role)
            } catch {
                if case .unsafeFile(_, let why) = error {
                    try await context.generation.noteChecked(file.sha256, as: role, why)
                }
                throw error
            }
            try await context.generation.noteChecked(file.sha256, as: role, "")
        } catch {
            throw OperationError(error)
        }
    }

    /// A file's name without folder and extension.
    static func stem(_ name: String) -> String {
        let last = name.split(separator: "/").last.map(String.init) ?? name
        for ending in [".safetensors", ".gguf", ".ckpt", ".pt"] where last.lowercased().hasSuffix(ending) {
            return String(last.dropLast(ending.count))
        }
        return last
    }

    // MARK: Lists

    /// What can be drawn with here: files that are here and visible.
    func offered(_ types: [String], _ role: ModelFile.Role) async throws(OperationError) -> [DrawableModel] {
        var query = ModelQuery()
        query.types = types
        query.hasRelease = true
        query.limit = 100
        var found: [DrawableModel] = []
        do {
            var seen = 0
            while seen < Limits.Generation.offered {
                let page = try await context.catalog.models(query, filter)
                for model in page.items {
                    for release in model.releases {
                        guard let match = Self.file(of: release, named: "", role), let hash = match.file.hash,
                            try await context.blobs.presence([hash]) == [.whole]
                        else { continue }
                        found.append(
                            DrawableModel(
                                name: match.file.name,
                                reference: "@\(model.author.handle)/\(model.slug)@\(release.body.version)",
                                title: model.body.name + " " + release.body.version, type: model.body.type,
                                baseModel: release.body.baseModel, sha256: match.file.sha256, size: match.file.size,
                                release: release.post.hex, releaseID: release.id, modelID: model.id,
                                triggers: release.body.trainedWords, defaults: Self.defaults(release)))
                    }
                }
                seen += page.items.count
                guard let next = page.next else { break }
                query.position = .after(next)
            }
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        return found
    }
}
