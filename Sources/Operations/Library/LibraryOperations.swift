import BlobStore
import Catalog
import Digests
public import Formats
import Moderation
import SystemPackage
import WaggleProtocol

/// `waggle library add`: remembers a folder of models and takes its files into service where they lie.
public struct AddLibrary: Operation {
    public static let name = "library add"
    /// Absolute path.
    public var folder: String
    /// Nil: told from the folder.
    public var layout: FolderLayout?
    /// Only say what would be done.
    public var dryRun: Bool
    /// Wait until everything is hashed, also when a server would do that by itself.
    public var wait: Bool

    public init(folder: String, layout: FolderLayout?, dryRun: Bool, wait: Bool) {
        self.folder = folder
        self.layout = layout
        self.dryRun = dryRun
        self.wait = wait
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ScanReply {
        let (path, given) = (FilePath(folder), layout)
        let home = context.home.root
        guard !home.starts(with: path), !path.starts(with: home) else {
            throw OperationError(.usage, "\(path) and the node's home \(home) lie in each other; name another folder")
        }
        let roots = try await Blocking.run { () throws(OperationError) in
            try FolderRoots(path, layout: given ?? FolderRoots.detect(path))
        }
        do {
            let survey = try await context.blobs.survey(roots.roots)
            if dryRun { return ScanReply(roots, survey.report, parts: survey.folders) }
            let library = try await context.blobs.addLibrary(path, layout: roots.layout.rawValue)
            let report = try await context.blobs.scan(library.id, roots: roots.roots)
            var reply = ScanReply(roots, report, parts: survey.folders)
            try await LibraryHasher(context).finish(&reply, wait: wait)
            return reply
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle library scan`: looks for what is new, changed and gone.
public struct ScanLibrary: Operation {
    public static let name = "library scan"
    /// Absolute path or number of a folder; nil for all.
    public var folder: String?
    public var wait: Bool

    public init(folder: String?, wait: Bool) {
        self.folder = folder
        self.wait = wait
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [ScanReply] {
        var replies: [ScanReply] = []
        for library in try await context.libraries(named: folder) {
            replies.append(try await context.scan(library))
        }
        do {
            for index in replies.indices { try await LibraryHasher(context).finish(&replies[index], wait: wait) }
        } catch {
            throw OperationError(error)
        }
        return replies
    }
}

/// `waggle library ls`.
public struct ListLibraries: Operation {
    public static let name = "library ls"
    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [LibraryReport] {
        var reports: [LibraryReport] = []
        let filter = context.moderation.filter(for: .owner)
        do {
            for library in try await context.blobs.libraries() {
                var report = LibraryReport(
                    n: library.id, folder: library.path.string, layout: library.layout, scannedAt: library.scannedAt)
                var last: Int64 = 0
                while true {
                    let files = try await context.blobs.libraryFiles(in: library.id, after: last)
                    guard let end = files.last else { break }
                    last = end.id
                    let known = try await context.catalog.matches(bySHA256: files.compactMap(\.sha256), filter)
                    let hashes = Set(known.map(\.sha256))
                    for file in files { report.count(file, isKnown: file.sha256.map { hashes.contains($0) } ?? false) }
                }
                reports.append(report)
            }
        } catch let error as BlobError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        return reports
    }
}

extension LibraryReport {
    fileprivate mutating func count(_ file: LibraryFile, isKnown: Bool) {
        files += 1
        size += file.size
        switch file.state {
        case _ where file.isChanged: changed += 1
        case .waiting: hashing += 1
        case .hashed: if isKnown { recognised += 1 } else { unknown += 1 }
        case .unreadable: unreadable += 1
        case .purged: takenDown += 1
        }
        if file.state == .waiting { bytesToHash += file.size - min(file.size, file.hashedBytes) }
    }
}

/// `waggle library rm`: forgets a folder. No file in it is touched.
public struct RemoveLibrary: Operation {
    public static let name = "library rm"
    /// Absolute path or number.
    public var folder: String

    public init(folder: String) {
        self.folder = folder
    }

    public struct Reply: Codable, Sendable {
        public let folder: String
        /// Files that are no longer served from there.
        public let files: Int
        /// Files that go on being served, as they hold what this node published or was asked to keep and has nowhere else.
        public let kept: [String]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        guard let library = try await context.libraries(named: folder).first else {
            throw OperationError(.notFound, "no folder is called \(folder)")
        }
        do {
            let removed = try await context.blobs.removeLibrary(library.id)
            return Reply(
                folder: library.path.string, files: removed.files, kept: removed.kept.map(\.string))
        } catch {
            throw OperationError(error)
        }
    }
}

extension OperationContext {
    /// The folder of this path or number, or all of them.
    func libraries(named name: String?) async throws(OperationError) -> [LibraryFolder] {
        let all: [LibraryFolder]
        do {
            all = try await blobs.libraries()
        } catch {
            throw OperationError(error)
        }
        guard let name else { return all }
        guard let found = all.first(where: { "\($0.id)" == name || $0.path.string == name }) else {
            throw OperationError(
                .notFound, "\(name) is no library folder; `waggle library ls` lists them, `waggle library add` adds one"
            )
        }
        return [found]
    }

    /// Brings what is known of a folder up to date.
    func scan(_ library: LibraryFolder) async throws(OperationError) -> ScanReply {
        let roots = try await Blocking.run { () throws(OperationError) in
            try FolderRoots(library.path, layout: FolderLayout(rawValue: library.layout) ?? .flat)
        }
        do {
            return ScanReply(roots, try await blobs.scan(library.id, roots: roots.roots))
        } catch {
            throw OperationError(error)
        }
    }
}
