public import Digests
public import Identity
import WaggleProtocol

/// Where a batch of posts comes from.
public enum IntakeSource: Hashable, Sendable {
    /// This node's own command line, pages or API.
    case local
    /// A peer, by node id.
    case peer(Hash32)
    /// A peer that the operator named: what its own limits let in is not counted again.
    case trusted(Hash32)

    /// The node id of the peer that it is from.
    public var node: Hash32? {
        switch self {
        case .local: nil
        case .peer(let node), .trusted(let node): node
        }
    }
}

/// What became of one post of a batch.
public enum IntakeResult: Equatable, Sendable {
    /// Stored and durable.
    case new
    /// Was here already, or its tombstone is.
    case have
    case invalid(reason: String)
    /// Well signed, by a key that may not sign it as things stand: it was revoked, or has not the scope. Whoever sent it may
    /// not know yet.
    case unauthorised(reason: String)
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
    /// Of a stranger: it counts against the room that strangers share, and makes way when that is full.
    case admitGuest
    case refuse(reason: String)
    case later(retryAfter: UInt32)
}

/// The node's say over what it stores, asked once for each new valid post, inside the transaction: it must not block.
public protocol Admission: Sendable {
    func admit(_ post: SignedPost, from source: IntakeSource) -> AdmissionVerdict

    /// Asked before that of a post of a replaceable kind: nil to go on, else why it may not take its place.
    ///
    /// - Parameter versions: reads the ids of what its author had in this place, in force or not, the newest 100 first.
    func refusal(of post: SignedPost, inPlaceOf versions: () throws -> [Hash32]) rethrows -> String?

    /// Asked before the signature of a post that is not here is looked at: nil to go on, else seconds after which the
    /// source may send it again.
    func postpone(bytes: Int, from source: IntakeSource) -> UInt32?

    /// Bytes that guests may take together.
    var guestBytes: Int { get }
}

extension Admission {
    public var guestBytes: Int { Limits.Room.strangersBytes }
    public func postpone(bytes: Int, from source: IntakeSource) -> UInt32? { nil }
    public func refusal(of post: SignedPost, inPlaceOf versions: () throws -> [Hash32]) rethrows -> String? { nil }
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
