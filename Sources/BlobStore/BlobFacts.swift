public import Digests
public import SystemPackage

/// What the store knows of one blob.
public struct BlobFacts: Hashable, Sendable {
    /// The name.
    public var sha256: Hash32
    /// Bytes.
    public var size: UInt64
    /// Root of the BEP 52 tree.
    public var piecesRoot: Hash32
    /// CRC-32 of all bytes.
    public var crc32: UInt32
    /// AutoV1 (see `FileDigests`).
    public var autoV1: UInt32
    /// Where the bytes are.
    public var place: Place

    /// Where the bytes of a blob are.
    public enum Place: Hashable, Sendable {
        /// A file of the store's own.
        case file(FilePath)
        /// A row of the small-blob file.
        case row
        /// Somebody else's file, indexed where it lies.
        case adopted(FilePath)
        /// Known but not here: evicted, lost, damaged, purged, or an adopted file that changed.
        case absent
    }
}

/// How much of a blob is here.
public enum Presence: Hashable, Sendable {
    /// Nothing.
    case none
    /// Some verified units.
    case partial(held: Int, of: Int)
    /// All of it, in service.
    case whole
}

/// Why a blob must stay. A blob may be pinned for several reasons and stays until the last is taken away.
public enum PinReason: Hashable, Sendable {
    /// It belongs to a post of this node's people.
    case ownPost
    /// A person asked for it.
    case user
    /// A bounty waits for it.
    case bounty(String)
    /// A mirror rule wants it.
    case mirrorRule(String)

    /// The text in the database, and for people: "post", "user", "bounty:ID", "rule:N".
    public var text: String {
        switch self {
        case .ownPost: "post"
        case .user: "user"
        case .bounty(let id): "bounty:" + id
        case .mirrorRule(let id): "rule:" + id
        }
    }

    init?(text: String) {
        switch text {
        case "post": self = .ownPost
        case "user": self = .user
        case _ where text.hasPrefix("bounty:"): self = .bounty(String(text.dropFirst(7)))
        case _ where text.hasPrefix("rule:"): self = .mirrorRule(String(text.dropFirst(5)))
        default: return nil
        }
    }
}

/// Totals for an overview.
public struct StoreTotals: Hashable, Sendable {
    /// Complete blobs of the store's own, without trash.
    public var blobs: Int
    /// Their bytes.
    public var bytes: UInt64
    /// Bytes evicted but still restorable.
    public var trashBytes: UInt64
    /// Bytes reserved by downloads and imports under way.
    public var reservedBytes: UInt64
    /// Adopted files in service.
    public var adoptedFiles: Int
    /// Their bytes, which count against no budget.
    public var adoptedBytes: UInt64
    /// Partial blobs.
    public var partials: Int
}
