/// On whose behalf something is read.
public struct Viewer: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// Nobody signed in: PG only.
        case anonymous
        /// A signed-in person with the level bits of their own choice.
        case member(mask: UInt32)
        /// A node that was accepted as a peer: everything at or below this node's ceiling that is not hidden here.
        case peer
        /// The operator at this node's own command line or admin page: everything, hidden things included.
        case owner
    }

    public let kind: Kind
    /// From this level on a member sees images blurred until they ask; nil = never.
    public let blurFrom: Level?

    public init(_ kind: Kind, blurFrom: Level? = nil) {
        self.kind = kind
        self.blurFrom = blurFrom
    }

    public static let anonymous = Viewer(.anonymous)
    public static let peer = Viewer(.peer)
    public static let owner = Viewer(.owner)

    /// The filter of this viewer on a node with the given ceiling.
    public func filter(ceiling: Level) -> ViewerFilter {
        switch kind {
        case .anonymous: ViewerFilter(mask: Level.pg.rawValue & ceiling.upTo)
        case .member(let mask): ViewerFilter(mask: mask & ceiling.upTo)
        case .peer: ViewerFilter(mask: ceiling.upTo)
        case .owner: ViewerFilter(mask: Level.blocked.upTo, seesHidden: true)
        }
    }
}

/// What a viewer may see, in the form that queries apply row by row.
///
/// Every list and count of the catalog takes one, so that nothing above the mask is even counted.
public struct ViewerFilter: Sendable, Hashable {
    /// Level bits; an item is inside when its level's bit is set.
    public let mask: UInt32
    /// Whether items that moderation hides here are included.
    public let seesHidden: Bool

    public init(mask: UInt32, seesHidden: Bool = false) {
        self.mask = mask & Level.blocked.upTo
        self.seesHidden = seesHidden
    }

    public func contains(_ level: Level) -> Bool {
        mask & level.rawValue != 0
    }
}
