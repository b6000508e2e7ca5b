import BlobStore
import Catalog
import Digests
import Formats
import FoundationEssentials
import Moderation
import SystemPackage
import WaggleProtocol

/// The files that model managers keep beside a model: `NAME.civitai.info` (Civitai Helper and those after it),
/// `NAME.metadata.json` (LoRA Manager for ComfyUI) and `NAME.preview.png`, in the picture's own format.
///
/// One that is there belongs to somebody and is left alone.
struct ModelSidecars {
    let release: ReleaseView
    let model: ModelView
    let file: WireFile
    /// Of the model file.
    let path: FilePath
    let context: OperationContext

    /// Writes what can be written; what cannot is told and spoils nothing.
    func write() async -> (written: [String], notes: [String]) {
        var (written, notes): ([String], [String]) = ([], [])
        func note(_ path: FilePath, _ error: OperationError) { notes.append("\(path): \(error.message)") }
        let preview = await previewImage()
        var previewPath: FilePath?
        if let preview {
            let path = beside(".preview." + preview.ext)
            previewPath = path
            do throws(OperationError) {
                guard try await fetch(preview.image) != nil else {
                    throw OperationError(.notFound, "the picture is not here")
                }
                _ = try await context.blobs.exportIfFree(preview.hash, to: path).map { written.append($0) }
            } catch {
                note(path, error)
            }
        }
        for (ending, data) in [
            (".civitai.info", json(CivitaiInfo(self))),
            (".metadata.json", json(ManagerInfo(self, preview: previewPath))),
        ] {
            let path = beside(ending)
            do throws(OperationError) {
                if try await Self.create(path, data) { written.append(path.string) }
            } catch {
                note(path, error)
            }
        }
        return (written, notes)
    }

    private func beside(_ ending: String) -> FilePath {
        let stem = FileTemplate.split(path.lastComponent?.string ?? "").stem
        return path.removingLastComponent().appending(stem + ending)
    }

    private func json(_ value: some Encodable) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)) ?? Data()
    }

    /// The first picture of the release, whose format managers show.
    private func previewImage() async -> (image: WireImage, hash: Hash32, ext: String)? {
        let endings = ["image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"]
        for view in release.images {
            if let hash = Hash32(view.image.blob), let ext = endings[view.image.mediaType] {
                return (view.image, hash, ext)
            }
        }
        return nil
    }

    private func fetch(_ image: WireImage) async throws(OperationError) -> Hash32? {
        var file = WireFile()
        file.sha256 = image.blob
        file.piecesRoot = image.piecesRoot
        file.size = image.size
        file.name = "preview"
        return try await context.fetch(file)?.sha256
    }

    /// Writes a file that must not be there yet; false when it is.
    private static func create(_ path: FilePath, _ data: Data) async throws(OperationError) -> Bool {
        try await Blocking.run { () throws(OperationError) in
            do {
                let file = try FileDescriptor.open(
                    path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                    permissions: [
                        .ownerReadWrite, .groupRead, .otherRead,
                    ])
                try file.closeAfter { _ = try file.writeAll(data) }
                return true
            } catch Errno.fileExists {
                return false
            } catch {
                throw OperationError(.failed, "\(error)")
            }
        }
    }
}

extension BlobStore {
    /// Exports to a name that is free; nil when it is not.
    fileprivate func exportIfFree(_ hash: Hash32, to path: FilePath) async throws(OperationError) -> String? {
        do throws(BlobError) {
            _ = try await export(hash, to: path)
            return path.string
        } catch {
            if case .exists = error { return nil }
            throw OperationError(error)
        }
    }
}

/// A version as Civitai's API gives it, of which these members are read by those who keep the file.
private struct CivitaiInfo: Encodable {
    struct Model: Encodable {
        let name: String
        let type: String
        let nsfw: Bool
        let poi: Bool
        let description: String
        let tags: [String]
    }

    struct Hashes: Encodable {
        let SHA256: String
        let AutoV2: String
        let AutoV3: String
        let CRC32: String
    }

    struct File: Encodable {
        let name: String
        let type: String
        /// Bytes / 1024.
        let sizeKB: Double
        let primary: Bool
        let hashes: Hashes
    }

    struct Image: Encodable {
        let width: UInt32
        let height: UInt32
        /// SHA-256 of the picture.
        let hash: String
        let nsfwLevel: UInt32
    }

    let id: Int32
    let modelId: Int32
    let name: String
    let baseModel: String
    let trainedWords: [String]
    let description: String
    let model: Model
    let files: [File]
    let images: [Image]
    /// The signed post, which means the same on every node.
    let waggle: String

    init(_ sidecar: ModelSidecars) {
        let (release, model) = (sidecar.release, sidecar.model)
        id = release.id
        modelId = model.id
        name = release.body.version
        baseModel = release.body.baseModel
        trainedWords = release.body.trainedWords
        description = release.body.changes
        self.model = Model(
            name: model.body.name, type: model.body.type, nsfw: model.level > .pg13,
            poi: model.body.realPerson == .yes, description: model.body.description_p, tags: model.body.tags)
        files = release.body.files.enumerated().map { index, file in
            let sha256 = Hex.encode(file.sha256).uppercased()
            let crc = String(file.crc32, radix: 16, uppercase: true)
            return File(
                name: FileNames.sanitised(file.name), type: file.kind.isEmpty ? "Model" : file.kind,
                sizeKB: Double(file.size) / 1024, primary: index == 0,
                hashes: Hashes(
                    SHA256: sha256, AutoV2: String(sha256.prefix(10)),
                    AutoV3: String(Hex.encode(file.autov3).uppercased().prefix(12)),
                    CRC32: String(repeating: "0", count: max(0, 8 - crc.count)) + crc))
        }
        images = release.images.map { view in
            Image(
                width: view.image.width, height: view.image.height, hash: Hex.encode(view.image.blob),
                nsfwLevel: view.level.rawValue)
        }
        waggle = release.post.hex
    }
}

/// What LoRA Manager keeps.
private struct ManagerInfo: Encodable {
    let file_name: String
    let model_name: String
    let file_path: String
    let size: UInt64
    /// Unix seconds.
    let modified: UInt64
    let sha256: String
    let base_model: String
    let preview_url: String
    let preview_nsfw_level: UInt32
    let notes = ""
    let from_civitai = false
    let civitai: CivitaiInfo
    let tags: [String]
    let modelDescription: String

    init(_ sidecar: ModelSidecars, preview: FilePath?) {
        let name = sidecar.path.lastComponent?.string ?? ""
        file_name = FileTemplate.split(name).stem
        model_name = sidecar.model.body.name
        file_path = sidecar.path.string
        size = sidecar.file.size
        modified = sidecar.release.created
        sha256 = Hex.encode(sidecar.file.sha256)
        base_model = sidecar.release.body.baseModel
        preview_url = preview?.string ?? ""
        preview_nsfw_level = sidecar.release.images.first?.level.rawValue ?? 0
        civitai = CivitaiInfo(sidecar)
        tags = sidecar.model.body.tags
        modelDescription = sidecar.model.body.description_p
    }
}
