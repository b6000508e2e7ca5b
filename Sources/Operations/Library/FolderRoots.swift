import BlobStore
import Formats
import FoundationEssentials
import Glibc
import SystemPackage
import WaggleProtocol

/// Which folders belong to a program's models folder, and what the models in them are for.
struct FolderRoots: Sendable {
    let folder: FilePath
    let layout: FolderLayout
    /// Folders to walk. None lies in another.
    let roots: [FilePath]
    /// Folders that `extra_model_paths.yaml` names and that are not there.
    let missing: [FilePath]
    /// What the file says is in its folders.
    private let categories: [(path: FilePath, type: ModelType?)]

    /// Looks at the folder. Blocks.
    ///
    /// - Throws: `notFound`, `usage` for an `extra_model_paths.yaml` that cannot be read.
    init(_ folder: FilePath, layout: FolderLayout) throws(OperationError) {
        self.folder = folder
        self.layout = layout
        guard Self.isFolder(folder) else {
            throw OperationError(.notFound, "there is no folder \(folder); if it is on a disk that is away, mount it")
        }
        let own = layout.modelFolders.map { folder.appending($0) }.filter { Self.isFolder($0) }
        var roots = own.isEmpty ? [folder] : own
        var missing: [FilePath] = []
        var categories: [(path: FilePath, type: ModelType?)] = []
        for (path, category) in try Self.extraFolders(of: folder) {
            categories.append((path, FolderLayout.comfyui.type(of: [category])))
            if Self.isFolder(path) { roots.append(path) } else { missing.append(path) }
        }
        self.roots = roots.enumerated().filter { index, root in
            !roots.enumerated().contains { other, above in
                root.starts(with: above) && (root != above || other < index)
            }
        }.map(\.element)
        self.missing = missing
        self.categories = categories.sorted { $0.path.length > $1.path.length }
    }

    /// What a file in there is for; nil when its folder does not say.
    func type(of path: FilePath) -> ModelType? {
        if let entry = categories.first(where: { path.starts(with: $0.path) }) { return entry.type }
        let root = ([folder] + roots).first { path.starts(with: $0) }
        var rest = path.removingLastComponent()
        // The folder that was given may itself be `loras`.
        let names = root?.lastComponent.map { [$0.string] } ?? []
        if let root { _ = rest.removePrefix(root) }
        return layout.type(of: rest.components.map(\.string) + names)
    }

    /// The layout that a folder has.
    static func detect(_ folder: FilePath) -> FolderLayout {
        FolderLayout.detect { isFolder(folder.appending($0)) }
    }

    static func isFolder(_ path: FilePath) -> Bool {
        var status = stat()
        return path.withPlatformString { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The file lies in ComfyUI's own folder, which may be the one above the models.
    private static func extraFolders(of folder: FilePath) throws(OperationError) -> [(FilePath, String)] {
        for place in [folder, folder.removingLastComponent()] {
            let path = place.appending("extra_model_paths.yaml")
            guard place == folder || folder.lastComponent?.string == "models",
                let (file, size) = try? RegularFile.open(path)
            else { continue }
            defer { try? file.close() }
            guard size <= Limits.Library.pathListBytes else {
                throw OperationError(.usage, "\(path): \(ExtraModelPathsError.tooLarge.message)")
            }
            do {
                let bytes = try [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
                    count = try file.read(fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
                }
                let list = try ExtraModelPaths(yaml: String(decoding: bytes, as: UTF8.self))
                return list.folders.map { (absolute($0.path, from: place), $0.category) }
            } catch let error as ExtraModelPathsError {
                throw OperationError(
                    .usage, "\(path) cannot be used: \(error.message). Set the line right, or move the file away")
            } catch {
                throw OperationError(.failed, "\(path): \(error)")
            }
        }
        return []
    }

    private static func absolute(_ text: String, from folder: FilePath) -> FilePath {
        if text == "~" || text.hasPrefix("~/"), let home = ProcessInfo.processInfo.environment["HOME"] {
            return FilePath(home).appending(String(text.dropFirst(2))).lexicallyNormalized()
        }
        return folder.pushing(FilePath(text)).lexicallyNormalized()
    }
}
