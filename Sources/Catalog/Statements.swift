import Digests
import FoundationEssentials
import GRDB
import GRDBSQLite

/// Short names for statements that are prepared once a connection. Their SQL must come from a fixed, small set: what
/// people type goes into arguments only.
extension Database {
    /// What takes the place of the question marks, in their order.
    typealias Arguments = [(any DatabaseValueConvertible)?]
    /// What takes the place of names, which are written without their colons here.
    typealias NamedArguments = [String: (any DatabaseValueConvertible)?]

    func run(_ sql: String, _ arguments: Arguments = []) throws {
        try step(sql, arguments) { _ in }
    }

    /// The same for what is written for every post: no value is put in a box to be bound.
    func write<each Value: StatementBinding>(_ sql: String, _ values: repeat each Value) throws {
        let statement = try cachedStatement(sql: sql).sqliteStatement
        var count: CInt = 0
        for value in repeat each values {
            count += 1
            try check(value.bind(to: statement, at: count), sql)
        }
        try check(sqlite3_bind_parameter_count(statement) == count ? SQLITE_OK : SQLITE_MISUSE, sql)
        try step(statement, sql) { _ in }
    }

    func row(_ sql: String, _ arguments: StatementArguments = []) throws -> Row? {
        try Row.fetchOne(cachedStatement(sql: sql), arguments: arguments)
    }

    func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
        try Row.fetchAll(cachedStatement(sql: sql), arguments: arguments)
    }

    /// The first column of the first row; nil when it is NULL, or there is no row.
    func integer(_ sql: String, _ arguments: Arguments = []) throws -> Int64? {
        try step(sql, arguments) { statement in
            sqlite3_column_type(statement, 0) == SQLITE_NULL ? nil : sqlite3_column_int64(statement, 0)
        } ?? nil
    }

    func exists(_ sql: String, _ arguments: Arguments = []) throws -> Bool {
        try step(sql, arguments) { _ in true } ?? false
    }

    /// Hands each row of a statement to the body.
    func scan(_ sql: String, _ arguments: Arguments, _ body: (RawRow) throws -> Void) throws {
        try walk(sql, arguments) { row in
            try body(row)
            return true
        }
    }

    /// Hands rows of a statement to the body for as long as it returns true. The body may use any other statement.
    func walk(_ sql: String, _ arguments: Arguments, _ body: (RawRow) throws -> Bool) throws {
        try walk(bound(sql, arguments), sql, body)
    }

    /// The same with named arguments.
    func walk(_ sql: String, named arguments: NamedArguments, _ body: (RawRow) throws -> Bool) throws {
        let statement = try cachedStatement(sql: sql).sqliteStatement
        try check(
            sqlite3_bind_parameter_count(statement) == CInt(arguments.count) ? SQLITE_OK : SQLITE_MISUSE, sql)
        for (name, value) in arguments {
            // No place has the number 0, which is that of a name that is not there: binding to it is refused.
            try bind(value, to: statement, at: sqlite3_bind_parameter_index(statement, ":" + name), sql)
        }
        try walk(statement, sql, body)
    }

    private func walk(_ statement: SQLiteStatement, _ sql: String, _ body: (RawRow) throws -> Bool) throws {
        defer { sqlite3_reset(statement) }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: guard try body(RawRow(statement: statement)) else { return }
            case SQLITE_DONE: return
            case let code: try check(code, sql)
            }
        }
    }

    private func check(_ code: CInt, _ sql: String) throws {
        guard code != SQLITE_OK else { return }
        throw DatabaseError(resultCode: ResultCode(rawValue: code), message: lastErrorMessage, sql: sql)
    }

    private func bound(_ sql: String, _ arguments: Arguments) throws -> SQLiteStatement {
        let statement = try cachedStatement(sql: sql).sqliteStatement
        try check(
            sqlite3_bind_parameter_count(statement) == CInt(arguments.count) ? SQLITE_OK : SQLITE_MISUSE, sql)
        for index in arguments.indices { try bind(arguments[index], to: statement, at: CInt(index + 1), sql) }
        return statement
    }

    private func bind(
        _ value: (any DatabaseValueConvertible)?, to statement: SQLiteStatement, at place: CInt, _ sql: String
    ) throws {
        try check(value?.bind(to: statement, at: place) ?? sqlite3_bind_null(statement, place), sql)
    }

    /// Runs a statement up to its first row, by when it has changed all that it changes, without GRDB's accounts of
    /// arguments, rows and observers, which cost more than most of the statements here.
    @discardableResult
    private func step<Value>(_ sql: String, _ arguments: Arguments, _ read: (SQLiteStatement) -> Value) throws -> Value?
    {
        try step(bound(sql, arguments), sql, read)
    }

    @discardableResult
    private func step<Value>(_ statement: SQLiteStatement, _ sql: String, _ read: (SQLiteStatement) -> Value) throws
        -> Value?
    {
        // What is left open keeps its transaction open.
        defer { sqlite3_reset(statement) }
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return read(statement)
        case SQLITE_DONE: return nil
        case let code:
            try check(code, sql)
            return nil
        }
    }
}

/// A row that a statement stands at, read as its columns are stored.
struct RawRow {
    fileprivate let statement: SQLiteStatement

    func integer(_ column: CInt) -> Int64 { sqlite3_column_int64(statement, column) }

    func isNull(_ column: CInt) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

    /// Empty for NULL.
    func text(_ column: CInt) -> String {
        sqlite3_column_text(statement, column).map { String(cString: $0) } ?? ""
    }

    /// Valid until the next row.
    func bytes(_ column: CInt) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: sqlite3_column_blob(statement, column), count: Int(sqlite3_column_bytes(statement, column)))
    }
}

extension Row {
    /// The 32-byte name in a column; a column of another length reads as zero, which names nothing.
    func hash(_ column: Int) -> Hash32 {
        (self[column] as Data).withUnsafeBytes { $0.count == 32 ? Hash32(copying: $0) : .zero }
    }
}

extension Hash32 {
    /// 64 bits of the name, to order items of the same second alike on every node.
    var tie: Int64 { Int64(bitPattern: words.0) }
}
