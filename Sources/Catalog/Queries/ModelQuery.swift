public import Digests
import GRDB
public import Moderation
import WaggleProtocol

/// A creator, as addresses and clients name one.
public enum CreatorReference: Sendable, Hashable {
    case handle(String)
    case author(Hash32)
    case id(Int32)
}

/// What a licence allows; the words of `WireLicence`.
public enum Permission: String, Sendable, CaseIterable {
    /// Use without credit.
    case noCredit
    /// Sharing merges and models trained from it.
    case derivatives
    /// Sharing these under other permissions.
    case differentLicence
    /// Selling images.
    case sellImages
    /// Offering generation with it as a service.
    case rent
    /// Selling the model or merges.
    case sell

    var bit: Int64 {
        switch self {
        case .noCredit: 1
        case .derivatives: 2
        case .differentLicence: 4
        case .sellImages: 8
        case .rent: 16
        case .sell: 32
        }
    }

    /// The bits of everything that a licence allows.
    static func bits(_ licence: WireLicence) -> Int64 {
        func sells(_ use: String) -> Bool {
            licence.commercialUse.contains { $0.lowercased().utf8.elementsEqual(use.utf8) }
        }
        return allCases.filter { permission in
            switch permission {
            case .noCredit: licence.noCredit
            case .derivatives: licence.derivatives
            case .differentLicence: licence.differentLicence
            case .sellImages: sells("image")
            case .rent: sells("rent")
            case .sell: sells("sell")
            }
        }.reduce(0) { $0 | $1.bit }
    }
}

/// Which models, in which order. Filters of different kinds must all hold.
public struct ModelQuery: Sendable, Hashable {
    public enum Sort: String, Sendable, CaseIterable {
        /// By publication: the first release's date. New releases move no model, so paging sees each model once.
        case newest
        case oldest
        /// By the newest release.
        case updated
        /// By downloads from this node.
        case mostDownloaded
        /// By the share of recommendations that the number of reviews bears out.
        case highestRated
        /// By comments.
        case mostDiscussed
        /// By what others did lately: reviews, comments, reactions and images.
        case trending
    }

    /// Only these; at most 100.
    public var ids: [Int32] = []
    /// Words that the name, slug, tags, trained words, versions or base models begin with, all of which must be found,
    /// "phrases", and -excluded words and phrases. No text is wrong; what follows the first 256 bytes is left out.
    public var text = ""
    /// Every one of these.
    public var tags: [String] = []
    public var excludedTags: [String] = []
    /// Any of these, in any case; none = all.
    public var types: [String] = []
    public var excludedTypes: [String] = []
    /// Models with a release for any of these; the views then carry those releases only.
    public var baseModels: [String] = []
    public var excludedBaseModels: [String] = []
    /// Models with a release that has a file in any of these formats, and is for one of `baseModels` where these are
    /// named too; the views then carry those releases only.
    public var formats: [String] = []
    /// Any of these names of licences, in any case.
    public var licences: [String] = []
    /// Every one of these.
    public var permissions: Set<Permission> = []
    /// At least one of these.
    public var anyPermissions: Set<Permission> = []
    /// None of these.
    public var excludedPermissions: Set<Permission> = []
    /// Any of these, within what the viewer may see; none = all.
    public var levels: Set<Level> = []
    public var creator: CreatorReference?
    /// Only models of authors who are at home on this node.
    public var isFromHere = false
    /// Published at this time or later, unix seconds.
    public var since: UInt64?
    /// Published before this time, unix seconds.
    public var until: UInt64?
    /// Leaves out models that have no release here yet.
    public var hasRelease = false
    public var sort = Sort.newest
    public var limit = 48
    public var position = PagePosition.start
    /// Of views; cards have their own.
    public var detail = ViewDetail.list

    public init() {}

    /// Values of one filter, for the limit on them.
    var valueCounts: [Int] {
        [
            ids.count, tags.count + excludedTags.count, types.count + excludedTypes.count,
            baseModels.count + excludedBaseModels.count, formats.count, licences.count,
        ]
    }
}

/// Which releases of a model a view carries: those that match the filters which must hold for one release.
struct ReleaseChoice: Hashable {
    /// Folded and sorted; none = all.
    var baseModels: [String] = []
    var formats: [String] = []

    init() {}

    init(_ query: ModelQuery) {
        baseModels = Self.folded(query.baseModels)
        formats = Self.folded(query.formats)
    }

    var isEverything: Bool { baseModels.isEmpty && formats.isEmpty }

    /// A condition on `releases r` with named arguments.
    var condition: String {
        var tests: [String] = []
        if !baseModels.isEmpty { tests.append("r.base_key IN (SELECT value FROM json_each(:chosenBases))") }
        if !formats.isEmpty {
            tests.append(
                """
                EXISTS (SELECT 1 FROM files f WHERE f.release_id = r.id AND f.shelf = r.shelf
                    AND f.format_key IN (SELECT value FROM json_each(:chosenFormats)))
                """)
        }
        return tests.isEmpty ? "1" : tests.joined(separator: " AND ")
    }

    var arguments: [String: any DatabaseValueConvertible] {
        var arguments: [String: any DatabaseValueConvertible] = [:]
        if !baseModels.isEmpty { arguments["chosenBases"] = baseModels.json }
        if !formats.isEmpty { arguments["chosenFormats"] = formats.json }
        return arguments
    }

    static func folded(_ names: [String]) -> [String] {
        var seen: Set<[UInt8]> = []
        return names.map(TermTable.folded).filter { seen.insert(Array($0.utf8)).inserted }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

extension ViewerFilter {
    /// The part of what the viewer may see that stands at these levels; none = all of it.
    func narrowed(to levels: Set<Level>) -> ViewerFilter {
        levels.isEmpty ? self : ViewerFilter(mask: levels.reduce(0) { $0 | $1.rawValue } & mask, seesHidden: seesHidden)
    }
}
