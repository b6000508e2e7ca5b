import BlobStore
import Digests
import SystemPackage

/// `waggle library dupes`: files of the library folders with equal content.
public struct FindDuplicates: Operation {
    public static let name = "library dupes"
    public init() {}

    public struct Reply: Codable, Sendable {
        public let groups: [Group]
        /// Bytes that linking would free.
        public let wasted: UInt64
        /// Files that still wait to be hashed, so that this is not all there is to say.
        public let waiting: Int
    }

    public struct Group: Codable, Sendable {
        public let sha256: String
        /// Bytes of one of them.
        public let size: UInt64
        /// The same content under these paths; the first found first.
        public let paths: [String]
        /// Bytes that linking would free: names of one file cost nothing already.
        public let wasted: UInt64
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        do throws(BlobError) {
            let groups = try await context.blobs.duplicates().map { group in
                Group(
                    sha256: group.sha256.hex, size: group.size, paths: group.paths.map(\.string), wasted: group.wasted)
            }
            return Reply(
                groups: groups, wasted: groups.reduce(0) { $0 + $1.wasted },
                waiting: try await context.blobs.waitingLibraryFiles().files)
        } catch {
            throw OperationError(error)
        }
    }
}
