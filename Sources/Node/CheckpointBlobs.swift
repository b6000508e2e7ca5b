import BlobStore
import Digests
import NIOCore
import PostLog
import Synchronization
import WaggleProtocol

/// The blobs that checkpoint posts name, read when they are here. The log asks inside a transaction, so this answers from
/// memory; `load` fills it.
final class CheckpointBlobs: CheckpointSource {
    private struct State {
        var sets: [Hash32: Set<Hash32>] = [:]
        var count = 0
    }

    private let state = Mutex(State())

    func ids(inBlob sha256: Hash32) -> Set<Hash32>? {
        state.withLock { $0.sets[sha256] }
    }

    /// Reads a blob of sorted 32-byte ids; one that has another form names nothing.
    ///
    /// - Returns: whether its ids are known now.
    @discardableResult
    func load(_ sha256: Hash32, from store: BlobStore) async -> Bool {
        if ids(inBlob: sha256) != nil { return true }
        guard let reader = try? await store.open(sha256), reader.size % 32 == 0,
            reader.size <= UInt64(Limits.Checkpoint.bytes), let bytes = try? await reader.read(0..<reader.size)
        else { return false }
        let ids = bytes.withUnsafeReadableBytes { buffer in
            stride(from: 0, to: buffer.count, by: 32).map { Hash32(copying: .init(rebasing: buffer[$0..<$0 + 32])) }
        }
        return state.withLock { state in
            // Those who name a million posts each must not take all memory.
            guard state.count + ids.count <= Limits.Checkpoint.idsInMemory else { return false }
            if state.sets.updateValue(Set(ids), forKey: sha256) == nil { state.count += ids.count }
            return true
        }
    }
}
