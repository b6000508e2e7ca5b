import BlobStore
import Federation

/// A number of blobs and their bytes, as reports have it.
public struct BlobSum: Codable, Sendable, Hashable {
    public let blobs: Int
    public let bytes: UInt64

    init(blobs: Int, bytes: UInt64) {
        self.blobs = blobs
        self.bytes = bytes
    }

    init(_ sum: StoreUsage.Sum) {
        blobs = sum.blobs
        bytes = sum.bytes
    }

    init(_ sum: MirrorPlan.Sum) {
        blobs = sum.blobs
        bytes = sum.bytes
    }
}
