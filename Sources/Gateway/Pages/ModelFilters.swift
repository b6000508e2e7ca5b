import Catalog
import Moderation

/// What the list of models is asked for, as its address says it.
struct ModelFilters {
    enum Sort: String, CaseIterable {
        case newest
        case updated
        case downloads
        case rating
        case discussed
        case trending
        case oldest

        var label: String {
            switch self {
            case .newest: say("newest")
            case .updated: say("recently-updated")
            case .downloads: say("most-downloaded-here")
            case .rating: say("highest-rated")
            case .discussed: say("most-discussed")
            case .trending: say("trending")
            case .oldest: say("oldest")
            }
        }

        var order: ModelQuery.Sort {
            switch self {
            case .newest: .newest
            case .updated: .updated
            case .downloads: .mostDownloaded
            case .rating: .highestRated
            case .discussed: .mostDiscussed
            case .trending: .trending
            case .oldest: .oldest
            }
        }

        /// Whether the order follows from counts, which a page explains.
        var isRanking: Bool {
            switch self {
            case .newest, .updated, .oldest: false
            case .downloads, .rating, .discussed, .trending: true
            }
        }
    }

    enum Period: String, CaseIterable {
        case all
        case day
        case week
        case month
        case year

        var label: String {
            switch self {
            case .all: say("any-time")
            case .day: say("last-day")
            case .week: say("last-week")
            case .month: say("last-month")
            case .year: say("last-year")
            }
        }

        var days: UInt64? {
            switch self {
            case .all: nil
            case .day: 1
            case .week: 7
            case .month: 30
            case .year: 365
            }
        }
    }

    enum May: String, CaseIterable {
        case noCredit = "no-credit"
        case derivatives = "merge"
        case differentLicence = "other-terms"
        case sellImages = "sell-images"
        case rent = "service"
        case sell = "sell"

        var label: String {
            switch self {
            case .noCredit: say("use-without-credit")
            case .derivatives: say("share-merges")
            case .differentLicence: say("put-merges-under-other-terms")
            case .sellImages: say("sell-images")
            case .rent: say("run-as-a-paid-service")
            case .sell: say("sell-the-model")
            }
        }
    }

    /// A parameter that several values may be given for.
    enum Name: String, CaseIterable {
        case type
        case base
        case tag
        case not
        case format
        case licence
        case level
        case may
    }

    var text = ""
    var creator = ""
    var values: [Name: [String]] = [:]
    var sort = Sort.newest
    var period = Period.all

    init(_ query: Query) throws(GatewayError) {
        text = query["q"] ?? ""
        creator = query["by"].map { $0.hasPrefix("@") ? String($0.dropFirst()) : $0 } ?? ""
        sort = try query.choice("sort", of: Sort.allCases) ?? .newest
        period = try query.choice("period", of: Period.allCases) ?? .all
        for name in Name.allCases {
            for value in query.list(name.rawValue) where !has(name, value) { values[name, default: []].append(value) }
        }
        for value in self[.level] where Level(word: value) == nil {
            throw .badRequest(code: "bad-parameter", "level is one of PG, PG-13, R, X, XXX, not \(value)")
        }
        for value in self[.may] where May(rawValue: value) == nil {
            throw .badRequest(
                code: "bad-parameter", "may is one of \(May.allCases.map(\.rawValue).joined(separator: ", "))")
        }
    }

    subscript(name: Name) -> [String] { values[name] ?? [] }

    func has(_ name: Name, _ value: String) -> Bool {
        self[name].contains { $0.utf8.elementsEqual(value.utf8) }
    }

    /// Everything but the order, which leaves nothing out.
    var isUnfiltered: Bool { text.isEmpty && creator.isEmpty && period == .all && values.isEmpty }

    func query(now: UInt64) -> ModelQuery {
        var query = ModelQuery()
        query.text = text
        query.creator = creator.isEmpty ? nil : .handle(creator)
        query.types = self[.type]
        query.baseModels = self[.base]
        query.tags = self[.tag]
        query.excludedTags = self[.not]
        query.formats = self[.format]
        query.licences = self[.licence]
        query.levels = Set(self[.level].compactMap { Level(word: $0) })
        for may in self[.may].compactMap(May.init) {
            switch may {
            case .noCredit: query.permissions.insert(.noCredit)
            case .derivatives: query.permissions.insert(.derivatives)
            case .differentLicence: query.permissions.insert(.differentLicence)
            case .sellImages: query.permissions.insert(.sellImages)
            case .rent: query.permissions.insert(.rent)
            case .sell: query.permissions.insert(.sell)
            }
        }
        query.since = period.days.map { now - min(now, $0 * 86400) }
        query.sort = sort.order
        return query
    }

    // MARK: Addresses

    /// The parameters of an address that asks for the same, in a fixed order.
    var parameters: [(name: String, value: String)] {
        var parameters = [(name: "q", value: text)]
        for name in Name.allCases { parameters += self[name].map { (name.rawValue, $0) } }
        parameters += [
            ("by", creator), ("period", period == .all ? "" : period.rawValue),
            ("sort", sort == .newest ? "" : sort.rawValue),
        ]
        return parameters
    }

    /// A filter in force, with the address of the list without it.
    struct ActiveView {
        let activeLabel: String
        let removeHref: String
    }

    /// - Parameter path: of the list.
    func active(_ path: String) -> [ActiveView] {
        func without(_ change: (inout ModelFilters) -> Void) -> String {
            var other = self
            change(&other)
            return PageAddress.with(path, other.parameters)
        }
        var all: [ActiveView] = []
        if !text.isEmpty { all.append(ActiveView(activeLabel: "“\(text)”", removeHref: without { $0.text = "" })) }
        for name in Name.allCases {
            for value in self[name] {
                let label =
                    switch name {
                    case .not: say("without", "\(value)")
                    case .may: May(rawValue: value)?.label ?? value
                    default: value
                    }
                let href = without { other in
                    other.values[name]?.removeAll { $0.utf8.elementsEqual(value.utf8) }
                }
                all.append(ActiveView(activeLabel: label, removeHref: href))
            }
        }
        if !creator.isEmpty {
            all.append(ActiveView(activeLabel: say("by-3", "\(creator)"), removeHref: without { $0.creator = "" }))
        }
        if period != .all {
            all.append(ActiveView(activeLabel: period.label, removeHref: without { $0.period = .all }))
        }
        return all
    }
}
