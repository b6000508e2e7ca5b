import GRDB
public import Moderation
import Statements

/// One item of the mixed list of everything new.
public enum FeedItem: Sendable {
    case model(ModelCard)
    case image(ImageView)
}

extension Catalog {
    /// The newest models (by publication) and images, mixed.
    /// - Parameters:
    ///   - cursor: the `next` of the page before; nil = from the start.
    ///   - isFromHere: only what authors who are at home on this node published.
    public func feed(
        limit: Int, cursor: String? = nil, isFromHere: Bool = false, _ filter: ViewerFilter
    ) async throws(CatalogError) -> Page<FeedItem> {
        try await read { database in
            let range = try PageRange(
                cursor.map { .after($0) } ?? .start, limit: limit, letter: "F", keyCount: 3)
            var newest = ModelQuery()
            newest.isFromHere = isFromHere
            let models = try ModelListing.keys(
                database, newest, filter, PageRange(first: range.limit, after: range.from, keyCount: 3))
            let list =
                isFromHere
                ? OrderedList(
                    columns: ["created", "tie", "image_id"], table: "image_terms",
                    conditions: ["term = \(ImageTerm.here.rawValue)"])
                : OrderedList(columns: ["created", "tie", "id"], table: "images")
            let images = try list.rows(database, over: filter.shelves, from: range.from, limit: range.limit + 1)
            // Numbers are unique over all kinds, so both lists share one order.
            let all =
                (models.map { (key: $0, isModel: true) } + images.map { (key: $0, isModel: false) })
                .sorted { $1.key.values.lexicographicallyPrecedes($0.key.values) }
            let (page, next) = range.page(Array(all.prefix(range.limit + 1)), key: \.key, letter: "F")
            let reader = ViewReader(database, filter)
            let cards = try reader.cards(page.filter(\.isModel).map { OrderedList.id($0.key) })
            let items = try page.compactMap { item -> FeedItem? in
                let id = OrderedList.id(item.key)
                return item.isModel ? cards[id].map { .model($0) } : try reader.image(id).map { .image($0) }
            }
            return Page(items: items, next: next)
        }
    }
}
