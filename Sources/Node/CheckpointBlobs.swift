import BlobStore
import Digests
import NIOCore
import PostLog
import Synchronization

/// The blobs that checkpoint posts name, read when they are here. The log asks inside a transaction, so this answers from
/// memory; `load` fills it.
final class CheckpointBlobs: CheckpointSource {
    private let sets = Mutex<[Hash32: Set<Hash32>]>([:])

    func ids(inBlob sha256: Hash32) -> Set<Hash32>? {
        sets.withLock { $0[sha256] }
    }

    /// Reads a blob of sorted 32-byte ids; one that has another form names nothing.
    func load(_ sha256: Hash32, from store: BlobStore) async {
        guard ids(inBlob: sha256) == nil, let reader = try? await store.open(sha256), reader.size % 32 == 0,
            reader.size <= 32 << 20, let bytes = try? await reader.read(0..<reader.size)
        else { return }
        let ids = bytes.withUnsafeReadableBytes { buffer in
            stride(from: 0, to: buffer.count, by: 32).map { Hash32(copying: .init(rebasing: buffer[$0..<$0 + 32])) }
        }
        sets.withLock { $0[sha256] = Set(ids) }
    }
}
