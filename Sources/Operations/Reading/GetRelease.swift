import BlobStore
import Catalog
import Digests
import Federation
import Formats
import SystemPackage
import WaggleProtocol

/// `waggle get REF [-o FILE]`: fetches what is not here, verified, and puts it into a folder; nothing is overwritten.
public struct GetRelease: Operation {
    public static let name = "get"
    public var reference: String
    /// Absolute path of a folder, or of the file to write when the release has one file.
    public var destination: String
    /// True when the destination names a file.
    public var isFile: Bool

    public init(reference: String, destination: String, isFile: Bool) {
        self.reference = reference
        self.destination = destination
        self.isFile = isFile
    }

    public struct Reply: Codable, Sendable {
        public struct File: Codable, Sendable {
            public let path: String
            public let sha256: String
            public let size: UInt64
            /// "cloned", "hard-linked", "copied" or "symlinked"; "there already" for a file of this name, "here already" for
            /// one of another name in the folder.
            public let method: String
            /// Bytes that were not fetched, because another file here has the same tensors.
            public var reused: UInt64 = 0
        }

        public let release: String
        public let files: [File]
        /// What the author's word on the newest release says against this one; empty when all is well.
        public let warnings: [String]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let release = try await ReferenceResolver(context).release(reference)
        let files = release.body.files
        if isFile, files.count > 1 {
            throw OperationError(
                .usage, "the release has \(files.count) files; name a folder with -o FOLDER/ (with a slash at the end)")
        }
        var written: [Reply.File] = []
        for file in files {
            guard let fetched = try await context.fetch(file) else { continue }
            var place = try await export(file, fetched.sha256, context)
            place.reused = fetched.reused
            written.append(place)
        }
        return Reply(
            release: release.post.hex, files: written,
            warnings: try await ChannelNotice.warnings(for: release, in: context))
    }

    private func export(_ file: WireFile, _ sha256: Hash32, _ context: OperationContext)
        async throws(OperationError) -> Reply.File
    {
        // The name was signed by a stranger: it is made safe for any file system before it becomes part of a path.
        let path =
            isFile ? FilePath(destination) : FilePath(destination).appending(FileNames.sanitised(file.name))
        do {
            let method = try await context.blobs.export(sha256, to: path)
            return Reply.File(path: path.string, sha256: sha256.hex, size: file.size, method: method.word)
        } catch {
            if case .exists = error {
                // The same command again: the file that is there may be the right one already.
                let there = try? await BlobStore.verifyFile(path: path, sha256: sha256, size: file.size)
                if there?.isGood == true {
                    return Reply.File(path: path.string, sha256: sha256.hex, size: file.size, method: "there already")
                }
            }
            throw OperationError(error)
        }
    }
}

extension BlobStore.ExportMethod {
    /// The word for people and programs.
    var word: String {
        switch self {
        case .cloned: "cloned"
        case .hardLinked: "hard-linked"
        case .copied: "copied"
        case .symlinked: "symlinked"
        }
    }
}

extension OperationContext {
    /// Gets a file of a release here, verified, and keeps it; its name, and the bytes that came from another file here.
    /// Nil for one whose names no reader understands.
    func fetch(_ file: WireFile) async throws(OperationError) -> (sha256: Hash32, reused: UInt64)? {
        guard let sha256 = Hash32(file.sha256), let root = Hash32(file.piecesRoot) else { return nil }
        let wanted = WantedBlob(sha256: sha256, piecesRoot: root, size: file.size)
        do {
            let reused = try await federation.fetcher.fetch(wanted) { done in
                progress(Progress(activity: "fetching \(file.name)", done: done, total: file.size))
            }
            try await blobs.pin(sha256, .user)
            return (sha256, reused)
        } catch let error as FetchError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}
