import BlobStore
import Digests
import Formats
import SystemPackage

/// What one part of a folder holds.
public struct FolderReport: Codable, Sendable {
    public let folder: String
    /// What the folder's name says is in it: "LORA", …; empty when it says nothing.
    public let type: String
    public let files: Int
    /// Bytes.
    public let size: UInt64
    /// Bytes that must be read once.
    public let toRead: UInt64
}

/// What a scan found.
public struct ScanReply: Codable, Sendable {
    public let folder: String
    public let layout: String
    public let files: Int
    /// Bytes.
    public let size: UInt64
    /// Files that are as they were; nothing of them is read.
    public let unchanged: Int
    /// Files that are new or changed, and their bytes, to be read once.
    public let toHash: Int
    public let bytesToHash: UInt64
    /// Files that may still be written to; they are taken when they have been left alone for a moment.
    public let growing: Int
    /// Files that were there before.
    public let vanished: Int
    /// Files that are no models by their name.
    public let others: Int
    public let parts: [FolderReport]
    /// What to know, in words: folders that could not be read, links that were not followed.
    public let notes: [String]
    /// True when the hashing was waited for.
    public var isHashed: Bool
    /// Files that could not be read.
    public var unreadable: Int

    init(_ roots: FolderRoots, _ report: ScanReport, parts: [FilePath: ScanReport] = [:]) {
        folder = roots.folder.string
        layout = roots.layout.rawValue
        files = report.walk.files
        size = report.walk.bytes
        unchanged = report.unchanged
        toHash = report.toHash
        bytesToHash = report.bytesToHash
        growing = report.growing
        vanished = report.vanished
        others = report.walk.others
        self.parts = parts.sorted { $0.key.string < $1.key.string }.map { path, part in
            FolderReport(
                folder: path.string, type: roots.type(of: path.appending("file"))?.rawValue ?? "",
                files: part.walk.files, size: part.walk.bytes, toRead: part.bytesToHash)
        }
        notes =
            report.walk.unreadable.map { "\($0) cannot be read; what is known of the files in it stays as it is" }
            + report.walk.notFollowed.map {
                "\($0) is not entered: it leads to a folder around the library, or too deep"
            }
            + roots.missing.map { "\($0) is named in extra_model_paths.yaml and is not there" }
        isHashed = false
        unreadable = 0
    }
}

/// A folder as `library ls` shows it. Each file is counted once, under the first that fits.
public struct LibraryReport: Codable, Sendable {
    public let n: Int64
    public let folder: String
    public let layout: String
    /// Milliseconds since 1970; nil before the first scan.
    public let scannedAt: Int64?
    public var files = 0
    /// Bytes.
    public var size: UInt64 = 0
    /// Files that a release known here lists.
    public var recognised = 0
    /// Hashed files that none does.
    public var unknown = 0
    /// Files that are not as they were hashed, and wait to be hashed again.
    public var changed = 0
    /// New files that wait to be hashed, and how many of their bytes are still to be read.
    public var hashing = 0
    public var bytesToHash: UInt64 = 0
    public var unreadable = 0
    /// Files whose bytes were taken down on this node.
    public var takenDown = 0
}
