import GRDB
import Statements

/// A list in the order of an index that begins with another column: the ordered merge of one range of the index for
/// each value of that column, which is the shelf in most lists. SQLite merges without sorting, so a page costs its own
/// length whatever else the table holds.
struct OrderedList {
    /// The columns of the order; together they name an item once, and the last is its number.
    let columns: [String]
    let table: String
    /// Conditions on the table's rows, with named arguments.
    var conditions: [String] = []
    var isDescending = true
    /// The column whose ranges are merged.
    var merged = "shelf"
    /// Further columns that a walk reads.
    var beside: [String] = []
    /// Whether the statement is kept prepared: for conditions that come from a fixed, small set.
    var isKept = true

    private func branch(_ index: Int) -> String {
        let place = (0..<columns.count).map { ":at\($0)" }.joined(separator: ", ")
        let comparison = isDescending ? "<" : ">"
        let all =
            conditions + ["\(merged) = :of\(index)", "(\(columns.joined(separator: ", "))) \(comparison) (\(place))"]
        return
            "SELECT \((columns + beside).joined(separator: ", ")) FROM \(table) WHERE \(all.joined(separator: " AND "))"
    }

    /// The statement that merges the ranges of so many values.
    func sql(over count: Int) -> String {
        let order = (1...columns.count).map { "\($0) \(isDescending ? "DESC" : "ASC")" }.joined(separator: ", ")
        return (0..<count).map(branch).joined(separator: " UNION ALL ")
            + " ORDER BY \(order) LIMIT :limit OFFSET :offset"
    }

    /// The order values of a page's items.
    /// - Parameter sql: the statement over so many values, where a caller keeps it.
    func rows(
        _ database: Database, over values: [Int64], from: OrderKey? = nil, limit: Int, offset: Int = 0,
        arguments: [String: any DatabaseValueConvertible] = [:], sql: String? = nil
    ) throws -> [OrderKey] {
        guard !values.isEmpty else { return [] }
        let all = named(values, from: from, limit: limit, offset: offset).merging(arguments.mapValues { $0 }) { $1 }
        let sql = sql ?? self.sql(over: values.count)
        guard isKept else {
            return try Row.fetchAll(database.makeStatement(sql: sql), arguments: StatementArguments(all)).map { row in
                OrderKey((0..<columns.count).map { row[$0] })
            }
        }
        var keys: [OrderKey] = []
        try database.walk(sql, named: all) { row in
            keys.append(key(row))
            return true
        }
        return keys
    }

    private func named(_ values: [Int64], from: OrderKey?, limit: Int, offset: Int) -> Database.NamedArguments {
        let from = from ?? .first(count: columns.count, descending: isDescending)
        var all: Database.NamedArguments = ["limit": limit, "offset": offset]
        for (index, value) in from.values.enumerated() { all["at\(index)"] = value }
        for (index, value) in values.enumerated() { all["of\(index)"] = value }
        return all
    }

    /// The order values of a row.
    func key(_ row: RawRow) -> OrderKey {
        OrderKey(columns.indices.map { row.integer(CInt($0)) })
    }

    /// Steps through the list, with the columns of each row, while the body returns true.
    func walk(_ database: Database, over values: [Int64], from: OrderKey, _ body: (RawRow) throws -> Bool) throws {
        guard !values.isEmpty else { return }
        try database.walk(
            sql(over: values.count), named: named(values, from: from, limit: -1, offset: 0), body)
    }

    /// The number of an item: the last value of its key.
    static func id(_ key: OrderKey) -> Int32 {
        Int32(truncatingIfNeeded: key.values.last ?? 0)
    }
}
