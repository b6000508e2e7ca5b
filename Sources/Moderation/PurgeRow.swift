public import Digests

/// What a moderation decision is about, named by hash only.
public enum ModerationSubject: Sendable, Hashable {
    /// The bytes with this SHA-256, wherever they are shown.
    case blob(Hash32)
    /// Every file that holds these tensors, whatever its header says.
    case tensors(Hash32)
    case post(Hash32)
}

extension ModerationSubject {
    /// The number in databases; never changed.
    public var kindNumber: Int64 {
        switch self {
        case .blob: 1
        case .tensors: 2
        case .post: 3
        }
    }

    public var hash: Hash32 {
        switch self {
        case .blob(let hash), .tensors(let hash), .post(let hash): hash
        }
    }

    /// Nil for a number that this version does not know.
    public init?(kindNumber: Int64, hash: Hash32) {
        switch kindNumber {
        case 1: self = .blob(hash)
        case 2: self = .tensors(hash)
        case 3: self = .post(hash)
        default: return nil
        }
    }
}

/// The row that stays when bytes are gone: what, under which case, why, who, when.
public struct PurgeRow: Sendable, Hashable {
    public let subject: ModerationSubject
    /// The number that a 451 answer names.
    public let caseNumber: String
    public let reason: String
    /// Who decided: an account name or a node.
    public let by: String
    /// Unix seconds.
    public let when: UInt64

    public init(subject: ModerationSubject, caseNumber: String, reason: String, by: String, when: UInt64) {
        self.subject = subject
        self.caseNumber = caseNumber
        self.reason = reason
        self.by = by
        self.when = when
    }
}
