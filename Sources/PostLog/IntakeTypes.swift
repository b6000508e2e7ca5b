public import Digests
public import Identity

/// Where a batch of posts comes from.
public enum IntakeSource: Hashable, Sendable {
    /// This node's own command line, pages or API.
    case local
    /// A peer, by node id.
    case peer(Hash32)
}

/// What became of one post of a batch.
public enum IntakeResult: Equatable, Sendable {
    /// Stored and durable.
    case new
    /// Was here already, or its tombstone is.
    case have
    case invalid(reason: String)
    /// This node does not want it.
    case policy(reason: String)
    /// Too many; ask again after so many seconds.
    case rate(retryAfter: UInt32)
    /// Dated later than the clock allows; ask again after so many seconds. Not stored.
    case future(retryAfter: UInt32)
    /// Waits in memory for the key documents of its author.
    case parked(author: Hash32)

    /// True when the post is durable here.
    public var isHere: Bool { self == .new || self == .have }
}

/// Whether this node wants a valid post of a known author.
public enum AdmissionVerdict: Equatable, Sendable {
    case admit
    case refuse(reason: String)
    case later(retryAfter: UInt32)
}

/// The node's say over what it stores, asked once for each new valid post, inside the transaction: it must not block.
public protocol Admission: Sendable {
    func admit(_ post: SignedPost, from source: IntakeSource) -> AdmissionVerdict
}

/// Stores everything valid.
public struct AdmitAll: Admission {
    public init() {}
    public func admit(_ post: SignedPost, from source: IntakeSource) -> AdmissionVerdict { .admit }
}

/// The ids that a kind 2 post's blob names. The blob store is a neighbour, so the node hands this in.
public protocol CheckpointSource: Sendable {
    /// Nil while the blob is not here.
    func ids(inBlob sha256: Hash32) -> Set<Hash32>?
}

/// Knows no checkpoints.
public struct NoCheckpoints: CheckpointSource {
    public init() {}
    public func ids(inBlob sha256: Hash32) -> Set<Hash32>? { nil }
}

/// Why the log cannot serve.
public enum PostLogError: Error, Equatable, Sendable {
    case diskFull(path: String)
    case readOnly(path: String)
    case damaged(path: String, detail: String)
    case database(path: String, detail: String)

    public var message: String {
        switch self {
        case .diskFull(let path): "no room on the disk of \(path); nothing was stored. Free some space and try again"
        case .readOnly(let path): "\(path) cannot be written; check its owner and mode"
        case .damaged(let path, let detail): "\(path) is damaged (\(detail)); restore it from a backup"
        case .database(let path, let detail): "\(path): \(detail)"
        }
    }
}
