import BlobStore
import Digests
import NIOCore
import PostLog
import Synchronization
import WaggleProtocol

/// The blobs that checkpoint posts name, read when they are here. The log asks inside a transaction, so this answers from
/// memory; `load` fills it.
///
/// Whoever makes a key can name ids, so those of authors who have earned no room here take a quarter of the memory at most,
/// and nothing is ever refused to the others on their account.
final class CheckpointBlobs: CheckpointSource {
    private struct List {
        let ids: Set<Hash32>
        /// Counted against the strangers' part.
        var isStrangers: Bool
    }

    private struct State {
        var lists: [Hash32: List] = [:]
        var count = 0
        var strangersCount = 0

        /// Whether so many more ids have room.
        func hasRoom(for more: Int, ofStranger isStrangers: Bool, _ limit: Int) -> Bool {
            // The strangers' quarter is theirs, and theirs alone.
            isStrangers
                ? strangersCount + more <= limit / 4 : count - strangersCount + more <= limit - limit / 4
        }
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: ids of all lists together.
    init(limit: Int = Limits.Checkpoint.idsInMemory) {
        self.limit = limit
    }

    func ids(inBlob sha256: Hash32) -> Set<Hash32>? {
        state.withLock { $0.lists[sha256]?.ids }
    }

    /// Lists that are in memory.
    var loaded: Set<Hash32> { state.withLock { Set($0.lists.keys) } }

    /// Reads a blob of sorted 32-byte ids; one that has another form names nothing.
    ///
    /// - Parameter isStrangers: it is of an author who has earned no room here.
    /// - Returns: whether its ids are known now.
    @discardableResult
    func load(_ sha256: Hash32, from store: BlobStore, ofStranger isStrangers: Bool) async -> Bool {
        if note(sha256, ofStranger: isStrangers) { return true }
        guard let reader = try? await store.open(sha256), reader.size % 32 == 0,
            reader.size <= UInt64(isStrangers ? Limits.Checkpoint.strangerBytes : Limits.Checkpoint.bytes),
            hasRoom(for: Int(reader.size) / 32, ofStranger: isStrangers),
            let bytes = try? await reader.read(0..<reader.size)
        else { return false }
        let ids = bytes.withUnsafeReadableBytes { buffer in
            stride(from: 0, to: buffer.count, by: 32).map { Hash32(copying: .init(rebasing: buffer[$0..<$0 + 32])) }
        }
        return keep(ids, sha256, ofStranger: isStrangers)
    }

    func hasRoom(for ids: Int, ofStranger isStrangers: Bool) -> Bool {
        state.withLock { $0.hasRoom(for: ids, ofStranger: isStrangers, limit) }
    }

    /// - Returns: false where there is no room for them.
    func keep(_ ids: [Hash32], _ sha256: Hash32, ofStranger isStrangers: Bool) -> Bool {
        state.withLock { state in
            if state.lists[sha256] != nil { return true }
            guard state.hasRoom(for: ids.count, ofStranger: isStrangers, limit) else { return false }
            let list = List(ids: Set(ids), isStrangers: isStrangers)
            state.lists[sha256] = list
            state.count += list.ids.count
            if isStrangers { state.strangersCount += list.ids.count }
            return true
        }
    }

    /// Forgets lists that decide nothing any longer.
    func forget(_ blobs: Set<Hash32>) {
        state.withLock { state in
            for sha256 in blobs {
                guard let list = state.lists.removeValue(forKey: sha256) else { continue }
                state.count -= list.ids.count
                if list.isStrangers { state.strangersCount -= list.ids.count }
            }
        }
    }

    /// Whether it is here; a stranger's that turns out to be somebody's who is known is not counted as one any longer.
    private func note(_ sha256: Hash32, ofStranger isStrangers: Bool) -> Bool {
        state.withLock { state in
            guard let list = state.lists[sha256] else { return false }
            if list.isStrangers, !isStrangers, state.hasRoom(for: list.ids.count, ofStranger: false, limit) {
                state.lists[sha256]?.isStrangers = false
                state.strangersCount -= list.ids.count
            }
            return true
        }
    }
}
