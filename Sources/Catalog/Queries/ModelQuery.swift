public import Digests

/// A creator, as addresses and clients name one.
public enum CreatorReference: Sendable, Hashable {
    case handle(String)
    case author(Hash32)
    case id(Int32)
}

/// Which models, in which order.
public struct ModelQuery: Sendable, Hashable {
    public enum Sort: String, Sendable, CaseIterable {
        /// By publication: the first release's date. New releases move no model, so paging sees each model once.
        case newest
        case oldest
        /// By the newest release.
        case updated
        case mostDownloaded
        /// By the share of recommendations that the number of reviews bears out.
        case highestRated
    }

    /// Only these; at most 100.
    public var ids: [Int32] = []
    /// Words that the name, slug, tags, trained words, versions or base models begin with; all must be found.
    public var text = ""
    /// Every one of these.
    public var tags: [String] = []
    public var excludedTags: [String] = []
    /// Any of these, in any case; none = all.
    public var types: [String] = []
    /// Models with a release for any of these; the views then carry those releases only.
    public var baseModels: [String] = []
    public var excludedBaseModels: [String] = []
    public var creator: CreatorReference?
    /// Published at this time or later, unix seconds.
    public var since: UInt64?
    /// Leaves out models that have no release here yet.
    public var hasRelease = false
    public var sort = Sort.newest
    public var limit = 48
    public var position = PagePosition.start
    public var detail = ViewDetail.card

    public init() {}
}
