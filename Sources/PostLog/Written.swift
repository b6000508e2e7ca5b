import Digests
import Identity
import WaggleProtocol

/// What one transaction did, to be told to the index, the followers and the callers once it is on disk.
struct Written {
    /// One for each post that was handed in.
    var judgements: [Judgement] = []
    /// Posts that came into force or went out of it; the last word on each.
    var changes: [Hash32: Change] = [:]
    var newestSeq: UInt64?
    /// Authors whose chain grew: posts that were parked for them may go on.
    var grown: Set<Hash32> = []
    /// Authors that were looked up or have changed.
    var authors: [Hash32: KnownAuthor] = [:]
    /// Authors whose posts made way for others.
    var evicted: Set<Hash32> = []
    /// Posts are left that have to be judged again.
    var hasUnjudged = false
}

/// What became of one post inside the transaction.
enum Judgement {
    case done(IntakeResult)
    /// It may become valid by something of its author that is not here.
    case waits(for: Parking.Need)
}

struct Change {
    let created: UInt64
    let kind: PostKind
    let isOffered: Bool
}

/// An author with a row in the database, and what every post of the author asks of it.
struct KnownAuthor {
    let number: Int64
    var chain: KeyChain
    /// Rows of device keys, as far as they were looked up.
    var devices: [Hash32: Int64] = [:]
    /// False when the author never deleted anything, so that there is no tombstone to look for.
    var hasDeletes: Bool
}
