public import BlobStore
import Digests
import Formats
import FoundationEssentials
public import Generation
public import SystemPackage
import WaggleProtocol

/// A folder tree in another program's layout with the files that jobs are drawn with: links to the store's own, put there
/// before the program is asked to draw. Whoever runs the program names the tree as a place for models.
public actor LibraryView: ModelShelf {
    private let folder: FilePath
    private let layout: FolderLayout
    private let blobs: BlobStore
    /// Files that were found to be what they should be, with their sizes and times of change then.
    private var known: [String: (sha256: String, stamp: String)] = [:]

    public init(folder: FilePath, for kind: RemoteProgram.Kind, blobs: BlobStore) {
        self.folder = folder
        layout =
            switch kind {
            case .comfyui: .comfyui
            case .a1111: .a1111
            case .sdServer: .flat
            }
        self.blobs = blobs
    }

    /// - Throws: `withdrawn` for a file that is not here, `engine` when another file has its name there.
    public func place(_ models: ModelSet) async throws(GenerationError) {
        for file in models.files {
            guard let hash = file.hash, let place = layout.folder(for: Self.type(file.role)) else { continue }
            let name = FileNames.sanitised(file.name + ".safetensors")
            let path = place.split(separator: "/").reduce(folder) { $0.appending(String($1)) }.appending(name)
            try await link(hash, file, path)
        }
    }

    private func link(_ hash: Hash32, _ file: ModelFile, _ path: FilePath) async throws(GenerationError) {
        if let known = known[path.string], known.sha256 == file.sha256, known.stamp == Self.stamp(path) { return }
        do {
            try FileManager.default.createDirectory(
                atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
            _ = try await blobs.export(hash, to: path)
        } catch let error as BlobError {
            guard case .exists = error else {
                if case .notFound = error { throw .withdrawn(name: file.name) }
                throw .engine("\(path): \(error)")
            }
            let there = try? await BlobStore.verifyFile(path: path, sha256: hash, size: file.size)
            guard there?.isGood == true else {
                throw .engine(
                    "\(path) is another file than \(file.name) here; move it away, so that nobody draws with it by mistake"
                )
            }
        } catch {
            throw .engine("\(path): \(error)")
        }
        known[path.string] = Self.stamp(path).map { (file.sha256, $0) }
    }

    private static func stamp(_ path: FilePath) -> String? {
        guard let found = try? FileManager.default.attributesOfItem(atPath: path.string),
            let size = found[.size], let date = found[.modificationDate] as? Date
        else { return nil }
        return "\(size) \(date.timeIntervalSince1970)"
    }

    private static func type(_ role: ModelFile.Role) -> ModelType {
        switch role {
        case .checkpoint: .checkpoint
        case .lora: .lora
        case .vae: .vae
        case .embedding: .textualInversion
        }
    }
}
