/// The values of a page that is a grid of cards.
struct ListPage {
    var heading: String
    /// What the list is, in a sentence.
    var lead: String?
    /// An author's Markdown as HTML.
    var leadHTML: String?
    var crumb: LinkView?
    var tabSets: [TabsView] = []
    var cards: [CardView] = []
    /// Why there is nothing, and what to do.
    var nothing = ""
    var nothingLink: LinkView?
    var pager = Pager()

    var content: [String: Any] {
        var values: [String: Any] = ["heading": heading, "tabSets": tabSets, "cards": cards, "nothing": nothing]
        values["lead"] = lead
        values["leadHTML"] = leadHTML
        values["crumb"] = crumb
        values["nothingLink"] = nothingLink
        values["hasCards"] = !cards.isEmpty
        values.merge(pager.content) { _, new in new }
        return values
    }
}

/// The ways on from a page of a list.
struct Pager {
    var nextPage: String?
    /// Back to the first page, from any other.
    var firstPage: String?

    init() {}

    /// - Parameters:
    ///   - path: the list without a place in it.
    ///   - parameters: the list's own.
    ///   - cursor: where this page began.
    ///   - next: where the next one begins.
    init(_ path: String, _ parameters: [(name: String, value: String)] = [], cursor: String?, next: String?) {
        nextPage = next.map { PageAddress.with(path, parameters + [("after", $0)]) }
        firstPage = cursor == nil ? nil : PageAddress.with(path, parameters)
    }

    var content: [String: Any] {
        var values: [String: Any] = ["hasPager": nextPage != nil || firstPage != nil]
        values["nextPage"] = nextPage
        values["firstPage"] = firstPage
        return values
    }
}
