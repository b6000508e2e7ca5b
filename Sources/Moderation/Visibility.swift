/// What the gate says of one subject to one viewer.
public enum Visibility: Sendable, Hashable {
    case show
    /// Shown behind a blur, because the viewer asked for that from this level on.
    case blur
    /// Answers 404: indistinguishable from what never existed.
    case hide
    /// Answers 451 with the case number.
    case gone(case: String)
}

/// All that the gate needs to know of a post or a blob.
public struct SubjectFacts: Sendable, Hashable {
    public var level: Level
    /// Deleted, superseded, expired, or hidden by moderation here.
    public var isHidden: Bool
    /// The case number when it was purged here.
    public var purgeCase: String?
    /// For a blob: a post in force shows it. Posts in force count as referenced.
    public var isReferencedByVisiblePost: Bool
    public var isOwnedByViewer: Bool

    public init(
        level: Level, isHidden: Bool = false, purgeCase: String? = nil, isReferencedByVisiblePost: Bool = true,
        isOwnedByViewer: Bool = false
    ) {
        self.level = level
        self.isHidden = isHidden
        self.purgeCase = purgeCase
        self.isReferencedByVisiblePost = isReferencedByVisiblePost
        self.isOwnedByViewer = isOwnedByViewer
    }
}

extension Moderation {
    /// The one rule for who sees what: every page, API, thumbnail, blob and peer route asks it.
    ///
    /// What was purged is gone for everyone, the operator included, since the bytes are. The operator sees all else. A
    /// person sees what they published themselves even when it is hidden or no post shows it yet, up to the ceiling:
    /// the ceiling is what this node serves at all.
    public static func visible(_ viewer: Viewer, _ facts: SubjectFacts, ceiling: Level) -> Visibility {
        if let purgeCase = facts.purgeCase { return .gone(case: purgeCase) }
        if viewer.kind == .owner { return .show }
        if facts.isOwnedByViewer { return facts.level <= ceiling ? .show : .hide }
        guard !facts.isHidden, facts.isReferencedByVisiblePost, viewer.filter(ceiling: ceiling).contains(facts.level)
        else { return .hide }
        if let blurFrom = viewer.blurFrom, facts.level >= blurFrom { return .blur }
        return .show
    }
}
