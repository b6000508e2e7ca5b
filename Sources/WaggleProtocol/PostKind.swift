/// The number of a post's kind, with the rules that every node applies to it even when it does not understand the body.
public struct PostKind: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    private init(_ number: UInt32) {
        rawValue = number
    }

    public static let keyDocument = PostKind(1)
    public static let checkpoint = PostKind(2)
    public static let profile = PostKind(3)
    public static let nodeAnnounce = PostKind(4)
    public static let follows = PostKind(5)
    public static let model = PostKind(10)
    public static let release = PostKind(11)
    public static let channel = PostKind(12)
    public static let imagePost = PostKind(13)
    public static let collection = PostKind(14)
    public static let article = PostKind(15)
    public static let workflow = PostKind(16)
    public static let review = PostKind(20)
    public static let comment = PostKind(21)
    public static let reaction = PostKind(22)
    public static let bounty = PostKind(23)
    public static let entry = PostKind(24)
    public static let award = PostKind(25)
    public static let drawingFeedback = PostKind(26)
    public static let delete = PostKind(30)
    public static let list = PostKind(40)
    public static let listEntry = PostKind(41)
    public static let label = PostKind(42)
    public static let appeal = PostKind(45)
    public static let answer = PostKind(46)
    public static let purge = PostKind(47)
    public static let transparencyHead = PostKind(48)
    public static let charter = PostKind(60)
    public static let ledgerCheckpoint = PostKind(61)
    public static let fraudProof = PostKind(62)

    /// Every kind that has a name, in order of number.
    public static let named: [PostKind] = [
        keyDocument, checkpoint, profile, nodeAnnounce, follows, model, release, channel, imagePost, collection,
        article, workflow, review, comment, reaction, bounty, entry, award,
        drawingFeedback, delete, list, listEntry, label, appeal,
        answer, purge, transparencyHead, charter, ledgerCheckpoint, fraudProof,
    ]

    /// Key documents and checkpoints speak for the author as a whole: roots sign them, `device` is empty.
    public var isSignedByRoots: Bool { self == .keyDocument || self == .checkpoint }

    /// Replaceable posts that are versions of one thing with a page of its own: what people say of an older version is said
    /// of the thing.
    public var hasVersions: Bool {
        switch self {
        case .model, .collection, .article, .workflow: true
        default: false
        }
    }

    /// Posts of a replaceable kind stand only until a newer one of the same author and slot arrives.
    public var isReplaceable: Bool {
        switch self {
        case .profile, .nodeAnnounce, .follows, .model, .channel, .collection, .article, .workflow, .review, .reaction,
            .list, .listEntry, .label, .transparencyHead, .charter:
            true
        default:
            false
        }
    }

    /// Key documents, checkpoints, deletes and purges stay: history that others rely on.
    public var isDeletable: Bool {
        switch self {
        case .keyDocument, .checkpoint, .delete, .purge: false
        default: true
        }
    }

    /// The device scope that may sign this kind; nil for kinds that roots sign, and for deletes, which need the scope of
    /// what they delete.
    public var scope: WireScope? {
        switch rawValue {
        case 1, 2, 30: nil
        case 4: .node
        case 10...12: .release
        case 20...22: .review
        case 40...42, 46...48: .list
        case 25, 60...62: .ledger
        default: .post
        }
    }

    /// The fixed group in which reconciliation of one subject alone finds this kind.
    public var group: KindGroup {
        switch rawValue {
        case 0...9: .identity
        case 10...19: .catalog
        case 20...29: .talk
        case 30...59: .moderation
        default: .ledger
        }
    }
}

/// Kind groups that have reconciliation sums of their own. The numbers are on the wire.
public enum KindGroup: UInt32, CaseIterable, Sendable {
    case identity = 1
    case catalog = 2
    case talk = 3
    case moderation = 4
    case ledger = 5
}
