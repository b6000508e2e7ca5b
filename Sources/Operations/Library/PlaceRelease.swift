import BlobStore
import Catalog
import Digests
public import Formats
import Glibc
import Moderation
import SystemPackage
import WaggleProtocol

/// `waggle get REF --into DIR`: fetches what is not here, verified, and puts it where the program that the folder belongs to
/// looks for models of its kind. Nothing is overwritten.
public struct PlaceRelease: Operation {
    public static let name = "get into"
    public var reference: String
    /// Absolute path.
    public var folder: String
    /// Nil: told from the folder.
    public var layout: FolderLayout?
    /// `{base}/{name} {version}.{ext}`; nil for the signed file name.
    public var template: String?
    /// Link to the node's own file instead of placing one.
    public var symlink: Bool
    /// Write what model managers read beside the file.
    public var sidecars: Bool

    public init(
        reference: String, folder: String, layout: FolderLayout?, template: String?, symlink: Bool, sidecars: Bool
    ) {
        self.reference = reference
        self.folder = folder
        self.layout = layout
        self.template = template
        self.symlink = symlink
        self.sidecars = sidecars
    }

    public struct Reply: Codable, Sendable {
        public let release: String
        public let files: [GetRelease.Reply.File]
        /// Files written beside them.
        public let sidecars: [String]
        /// What to know, in words.
        public let notes: [String]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let names = try fileTemplate()
        let release = try await ReferenceResolver(context).release(reference)
        let model = try await model(of: release, context)
        let type = ModelType(rawValue: model.body.type)
        let base = try await base(for: type)
        var (files, written, notes): ([GetRelease.Reply.File], [String], [String]) = ([], [], [])
        for file in release.body.files {
            guard let (sha256, reused) = try await context.fetch(file) else { continue }
            let parts = names.path { Self.value($0, file, release, model) }
            var target = base
            for part in parts.dropLast() { target.append(part) }
            var placed: GetRelease.Reply.File
            if let path = try await here(sha256, type, base, context) {
                placed = .init(path: path.string, sha256: sha256.hex, size: file.size, method: "here already")
            } else {
                placed = try await place(file, sha256, in: target, as: parts.last ?? "unnamed", context)
            }
            placed.reused = reused
            files.append(placed)
            guard sidecars else { continue }
            let sidecar = ModelSidecars(
                release: release, model: model, file: file, path: FilePath(placed.path), context: context)
            let result = await sidecar.write()
            written += result.written
            notes += result.notes
        }
        notes += try await ChannelNotice.warnings(for: release, in: context)
        return Reply(release: release.post.hex, files: files, sidecars: written, notes: notes)
    }

    private func fileTemplate() throws(OperationError) -> FileTemplate {
        guard let template else { return .standard }
        do throws(FileTemplateError) {
            return try FileTemplate(template)
        } catch {
            throw OperationError(.usage, error.message)
        }
    }

    private func model(of release: ReleaseView, _ context: OperationContext) async throws(OperationError) -> ModelView {
        do {
            if let model = try await context.catalog.model(id: release.modelID, context.moderation.filter(for: .owner))
            {
                return model
            }
        } catch {
            throw OperationError(error)
        }
        throw OperationError(.notFound, "the model of this release is not here any more; run `waggle reindex`")
    }

    /// The folder for models of a type.
    ///
    /// - Throws: `notFound` when there is no such folder, `usage` when the layout has no place for the type.
    private func base(for type: ModelType) async throws(OperationError) -> FilePath {
        let (folder, given) = (FilePath(folder), layout)
        return try await Blocking.run { () throws(OperationError) in
            guard FolderRoots.isFolder(folder) else {
                throw OperationError(.notFound, "there is no folder \(folder); make it first, or mount its disk")
            }
            let layout = given ?? FolderRoots.detect(folder)
            guard let path = layout.folder(for: type) else {
                throw OperationError(
                    .usage,
                    "\(layout.rawValue) has no folder for models of the type \(type.rawValue); name the folder and say --layout flat"
                )
            }
            if path.isEmpty { return folder }
            // The folder may be the program's own, or its models folder, or the one for this type.
            let parts = path.split(separator: "/").map(String.init)
            if FolderRoots.isFolder(folder.appending(parts[0])) { return folder.pushing(FilePath(path)) }
            if folder.lastComponent?.string == parts.last { return folder }
            return folder.appending(parts[parts.count - 1])
        }
    }

    /// A file of the folder with these bytes, under whatever name, where the program looks for models of this type.
    private func here(
        _ sha256: Hash32, _ type: ModelType, _ base: FilePath, _ context: OperationContext
    ) async throws(OperationError) -> FilePath? {
        let paths: [FilePath]
        do {
            paths = try await context.blobs.adoptedPaths(of: sha256)
        } catch {
            throw OperationError(error)
        }
        guard !paths.isEmpty else { return nil }
        let (folder, given) = (FilePath(folder), layout)
        let roots = try await Blocking.run { () throws(OperationError) in
            try FolderRoots(folder, layout: given ?? FolderRoots.detect(folder))
        }
        return paths.first { path in
            path.starts(with: base) || roots.roots.contains { path.starts(with: $0) } && roots.type(of: path) == type
        }
    }

    private static func value(
        _ field: FileTemplate.Field, _ file: WireFile, _ release: ReleaseView, _ model: ModelView
    ) -> String {
        let name = FileNames.sanitised(file.name)
        switch field {
        case .base: return release.body.baseModel
        case .type: return model.body.type
        case .creator: return release.author.handle
        case .name: return model.body.name
        case .version: return release.body.version
        case .file: return name
        case .stem: return FileTemplate.split(name).stem
        case .ext: return FileTemplate.split(name).ext
        case .hash: return String(Hex.encode(file.sha256).prefix(10))
        }
    }

    /// Puts a file under its name, or when another file has that, under the name with a short hash.
    private func place(
        _ file: WireFile, _ sha256: Hash32, in folder: FilePath, as name: String, _ context: OperationContext
    ) async throws(OperationError) -> GetRelease.Reply.File {
        try await Blocking.run { () throws(OperationError) in try Directory.create(folder, mode: 0o755) }
        let marked = FileTemplate.marked(name, String(sha256.hex.prefix(10)))
        var failure = OperationError(.conflict, "\(folder.appending(name)) and \(marked) beside it are other files")
        for candidate in [name, marked] {
            let path = folder.appending(candidate)
            do throws(BlobError) {
                let method =
                    symlink
                    ? try await context.blobs.symlink(sha256, at: path)
                    : try await context.blobs.export(sha256, to: path)
                return .init(path: path.string, sha256: sha256.hex, size: file.size, method: method.word)
            } catch {
                guard case .exists = error else { throw OperationError(error) }
                if await Self.holds(path, sha256, file.size, context) {
                    return .init(path: path.string, sha256: sha256.hex, size: file.size, method: "there already")
                }
                failure = OperationError(error)
            }
        }
        throw failure
    }

    private static func holds(
        _ path: FilePath, _ sha256: Hash32, _ size: UInt64, _ context: OperationContext
    ) async -> Bool {
        if let known = try? await context.blobs.adoptedFacts(path: path) { return known.sha256 == sha256 }
        var status = stat()
        guard path.withPlatformString({ stat($0, &status) }) == 0, UInt64(max(0, status.st_size)) == size else {
            return false
        }
        return (try? await BlobStore.verifyFile(path: path, sha256: sha256, size: size))?.isGood == true
    }
}
