import FoundationEssentials
import WaggleProtocol

/// Where a page of a list starts.
public enum PagePosition: Sendable, Hashable {
    case start
    /// After the page that returned this cursor as `next`.
    case after(String)
    /// The page with this number, from 1: for clients that count pages. Items that arrive meanwhile move others.
    case number(Int)
}

/// The place of an item in an ordered list: the values that the list is ordered by, unique together.
struct OrderKey: Equatable {
    var values: [Int64]

    /// Text form: a letter for the order, so that a cursor of another list is refused, and the values.
    func cursor(_ letter: Character) -> String {
        String(letter) + values.map(String.init).joined(separator: ".")
    }

    init(_ values: [Int64]) {
        self.values = values
    }

    init(cursor: String, letter: Character, count: Int) throws(CatalogError) {
        let parts = cursor.dropFirst().split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        let values = parts.compactMap { $0 }
        guard cursor.first == letter, cursor.utf8.count <= 128, parts.count == count, values.count == count else {
            throw .badCursor(String(cursor.prefix(128)))
        }
        self.values = values
    }

    /// The place before every item.
    static func first(count: Int, descending: Bool) -> OrderKey {
        OrderKey(Array(repeating: descending ? .max : .min, count: count))
    }
}

/// A position and a limit, checked and turned into what SQL needs.
struct PageRange {
    let from: OrderKey
    let offset: Int
    let limit: Int

    init(_ position: PagePosition, limit: Int, letter: Character, keyCount: Int, descending: Bool = true)
        throws(CatalogError)
    {
        self.limit = try Self.checked(limit: limit)
        switch position {
        case .start:
            from = .first(count: keyCount, descending: descending)
            offset = 0
        case .after(let cursor):
            from = try OrderKey(cursor: cursor, letter: letter, count: keyCount)
            offset = 0
        case .number(let page):
            from = .first(count: keyCount, descending: descending)
            offset = try Self.offset(page: page, limit: self.limit)
        }
    }

    /// The first items, or the first after a place, as many as a query needs for itself.
    init(first limit: Int, after place: OrderKey? = nil, keyCount: Int) {
        (self.limit, offset) = (limit, 0)
        from = place ?? .first(count: keyCount, descending: true)
    }

    static func checked(limit: Int) throws(CatalogError) -> Int {
        guard (1...Limits.Catalog.pageItems).contains(limit) else {
            throw .limit("a page has 1 to \(Limits.Catalog.pageItems) items, not \(limit)")
        }
        return limit
    }

    static func offset(page: Int, limit: Int) throws(CatalogError) -> Int {
        guard page >= 1, page <= Limits.Catalog.pageOffset, (page - 1) * limit <= Limits.Catalog.pageOffset else {
            throw .limit("page numbers reach \(Limits.Catalog.pageOffset) items; go on with the cursor")
        }
        return (page - 1) * limit
    }

    /// Splits the rows of a query that asked for one more than the limit.
    func page<Item>(_ rows: [Item], key: (Item) -> OrderKey, letter: Character) -> (items: [Item], next: String?) {
        guard rows.count > limit else { return (rows, nil) }
        return (Array(rows.prefix(limit)), key(rows[limit - 1]).cursor(letter))
    }
}

extension Array where Element: FixedWidthInteger & Encodable {
    /// The same for numbers, of which lists are long.
    var json: String {
        var text = "["
        for (index, number) in enumerated() {
            if index > 0 { text.append(",") }
            text.append(number.description)
        }
        return text + "]"
    }
}

extension Array where Element: Encodable {
    /// A JSON array, the form in which lists of any length are bound to one statement.
    var json: String {
        guard let data = try? JSONEncoder().encode(self) else { return "[]" }
        return String(decoding: data, as: UTF8.self)
    }
}
