import BlobStore
import Digests
import SystemPackage
import WaggleProtocol

/// `waggle library link`: equal files of the library folders share one file's bytes from now on.
public struct LinkFiles: Operation {
    public static let name = "library link"
    /// Absolute path or number of the folder whose files may be changed; nil for all.
    public var folder: String?
    /// Only say what would be done.
    public var dryRun: Bool

    public init(folder: String?, dryRun: Bool) {
        self.folder = folder
        self.dryRun = dryRun
    }

    public func run(in context: OperationContext) async throws(OperationError) -> LinkReply {
        let library = folder == nil ? nil : try await context.libraries(named: folder).first
        do throws(BlobError) {
            let report = try await context.blobs.linkDuplicates(in: library?.id, isDryRun: dryRun) { files, bytes in
                context.progress(Progress(activity: "linking, \(files) files", done: bytes, total: 0))
            }
            return LinkReply(report, waiting: try await context.blobs.waitingLibraryFiles().files)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle library unlink`: files that share their bytes under several names get their own again.
public struct UnlinkFiles: Operation {
    public static let name = "library unlink"
    /// Absolute path of a file of the library, or of a folder with such files.
    public var path: String
    /// Only say what would be done.
    public var dryRun: Bool

    public init(path: String, dryRun: Bool) {
        self.path = path
        self.dryRun = dryRun
    }

    public func run(in context: OperationContext) async throws(OperationError) -> LinkReply {
        do throws(BlobError) {
            let report = try await context.blobs.unlinkFiles(at: FilePath(path), isDryRun: dryRun) { files, bytes in
                context.progress(Progress(activity: "copying, \(files) files", done: bytes, total: 0))
            }
            return LinkReply(report, waiting: 0)
        } catch .noFile(let path) {
            throw OperationError(
                .notFound, "no library folder has a hashed file at \(path); `waggle library scan` looks for new ones")
        } catch {
            throw OperationError(error)
        }
    }
}

/// What linking, or taking links apart, came to.
public struct LinkReply: Codable, Sendable {
    public struct File: Codable, Sendable {
        public let path: String
        /// The file whose bytes it shares; empty when it has its own.
        public let kept: String
        public let sha256: String
        /// Bytes that this frees, or takes.
        public let bytes: UInt64
        /// "shared blocks", "hard link" or "copied"; empty when it was only planned.
        public let method: String
    }

    public let files: [File]
    /// Bytes that this frees, or takes.
    public let bytes: UInt64
    /// In words: files that were left as they are, and why.
    public let refused: [String]
    /// Hidden files of a run that was cut off, which hold bytes that nobody knows.
    public let remains: [String]
    /// Files that still wait to be hashed, so that this is not all there is to do.
    public let waiting: Int

    init(_ report: LinkReport, waiting: Int) {
        files = report.files.map { file in
            File(
                path: file.path.string, kept: file.kept?.string ?? "", sha256: file.sha256.hex, bytes: file.bytes,
                method: file.method?.rawValue ?? "")
        }
        bytes = files.reduce(0) { $0 + $1.bytes }
        refused = report.refused.map(\.description)
        remains = report.remains.map(\.string)
        self.waiting = waiting
    }
}
