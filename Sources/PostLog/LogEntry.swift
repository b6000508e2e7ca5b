public import Digests
public import FoundationEssentials
public import WaggleProtocol

/// One line of the log: a post came into force here, or went out of it.
///
/// Consumers *follow* the log: they read entries after the last sequence number that they have applied and store that
/// number in the same transaction as their rows. `shown` means insert (or insert again), `hidden` means remove. A
/// consumer that does just this needs to know nothing of slots, deletes, expiry or revocation: a superseded profile is
/// a `hidden` line before the `shown` line of its successor. Of kinds that have versions, an older version that comes after
/// its successor is a `hidden` line too, so that a consumer who wants to can tell which thing it is a version of.
public struct LogEntry: Sendable {
    /// Grows by one a line, never reused, below 2^53.
    public let seq: UInt64
    public let event: Event
    public let post: LoggedPost

    public enum Event: Equatable, Sendable {
        case shown
        case hidden(HiddenReason)
    }

    public init(seq: UInt64, event: Event, post: LoggedPost) {
        self.seq = seq
        self.event = event
        self.post = post
    }
}

/// Why a post that is stored here is not in force. The raw values are in the database.
public enum HiddenReason: Int, Sendable, Codable {
    /// A newer post of the same author, kind and slot stands.
    case superseded = 1
    /// Its author deleted it.
    case deleted = 2
    case expired = 3
    /// No document in force lets its key sign it: revoked, left out, or listed by a beaten branch only.
    case unauthorised = 4
    /// Purged here: the bytes are gone, the id stays.
    case purged = 5
    /// Nobody here knows its author, and the room for such posts is full.
    case evicted = 6
}

/// A verified post as the log keeps it.
public struct LoggedPost: Sendable {
    public let id: Hash32
    public let author: Hash32
    public let created: UInt64
    public let kind: PostKind
    public let slot: String
    /// The parsed payload. For a hidden post whose payload was dropped this is an empty post with kind and created
    /// only.
    public let post: WirePost
    /// The serialized envelope, verbatim; empty when the payload was dropped.
    public let envelope: Data

    public init(
        id: Hash32, author: Hash32, created: UInt64, kind: PostKind, slot: String, post: WirePost, envelope: Data
    ) {
        self.id = id
        self.author = author
        self.created = created
        self.kind = kind
        self.slot = slot
        self.post = post
        self.envelope = envelope
    }
}
