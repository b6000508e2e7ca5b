public import Digests
public import PostLog
public import WaggleProtocol

/// One reconciliation from the side that began it: feeds answers to `Negentropy`, reports each id once, and ends by itself
/// even when the peer leads it on.
///
/// Holds a snapshot of the set, so posts that arrive meanwhile do not disturb it. An id reported as needed may be one that
/// this node refused before, or holds outside the reconciled scope: the caller filters.
public struct ReconciliationSession<Storage: ReconciliationSet>: Sendable {
    /// Why no further message is sent.
    public enum End: Hashable, Sendable {
        /// Both sides hold the same, but for what was reported.
        case settled
        /// The peer needed too many messages; what was reported is still right.
        case roundLimit
        /// The peer named too many ids; run again when these have been fetched.
        case idLimit
    }

    /// What to do after an answer.
    public enum Next: Hashable, Sendable {
        case send([UInt8])
        case stop(End)
    }

    /// News of one answer: ids that were not reported before.
    public struct Progress: Hashable, Sendable {
        /// Ids that only this side holds.
        public let have: [Hash32]
        /// Ids that only the peer holds, by its word.
        public let need: [Hash32]
        public let next: Next
    }

    private let negentropy: Negentropy<Storage>
    private let roundLimit: Int
    private let needLimit: Int
    private var have: Set<Hash32> = []
    private var need: Set<Hash32> = []

    /// Messages sent so far.
    public private(set) var rounds = 0

    public init(
        _ negentropy: Negentropy<Storage>, roundLimit: Int = Limits.Reconciliation.rounds,
        needLimit: Int = Limits.Reconciliation.neededIDs
    ) {
        self.negentropy = negentropy
        self.roundLimit = roundLimit
        self.needLimit = needLimit
    }

    /// The first message.
    public mutating func start() -> [UInt8] {
        rounds = 1
        return negentropy.initiate()
    }

    /// Takes the peer's answer to the last message.
    public mutating func handle(_ answer: [UInt8]) throws(NegentropyError) -> Progress {
        let step = try negentropy.advance(answer)
        let newHave = step.have.filter { have.insert($0).inserted }
        let newNeed = step.need.filter { need.insert($0).inserted }
        return Progress(have: newHave, need: newNeed, next: next(after: step))
    }

    private mutating func next(after step: Negentropy<Storage>.Step) -> Next {
        guard let message = step.message else { return .stop(.settled) }
        guard need.count < needLimit else { return .stop(.idLimit) }
        guard rounds < roundLimit else { return .stop(.roundLimit) }
        rounds += 1
        return .send(message)
    }
}
