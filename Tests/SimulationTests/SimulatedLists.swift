import Digests
import PostLog
import Synchronization

/// The lists that checkpoints name. How bytes travel is no part of the simulation: they are everywhere at once.
final class SimulatedLists: CheckpointSource {
    private let lists = Mutex<[Hash32: Set<Hash32>]>([:])

    func ids(inBlob sha256: Hash32) -> Set<Hash32>? { lists.withLock { $0[sha256] } }
    func put(_ blob: Hash32, _ ids: Set<Hash32>) { lists.withLock { $0[blob] = ids } }
}

/// Unix seconds of one node, moved by the simulation.
final class SimulatedClock: Sendable {
    private let time = Mutex<UInt64>(0)

    var now: UInt64 { time.withLock { $0 } }
    func set(_ second: UInt64) { time.withLock { $0 = second } }
}
