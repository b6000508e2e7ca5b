public import GRDB
public import GRDBSQLite

/// Short names for statements that are prepared once a connection. Their SQL must come from a fixed, small set: what
/// people type goes into arguments only.
extension Database {
    /// What takes the place of the question marks, in their order.
    public typealias Arguments = [(any DatabaseValueConvertible)?]
    /// What takes the place of names, which are written without their colons here.
    public typealias NamedArguments = [String: (any DatabaseValueConvertible)?]

    @inlinable
    public func run(_ sql: String, _ arguments: Arguments = []) throws {
        try step(bound(sql, arguments), sql) { _ in }
    }

    /// The same for what is written for every post: no value is put in a box to be bound.
    @inlinable
    public func write<each Value: StatementBinding>(_ sql: String, _ values: repeat each Value) throws {
        try step(bound(sql, values: repeat each values), sql) { _ in }
    }

    @inlinable
    public func row(_ sql: String, _ arguments: StatementArguments = []) throws -> Row? {
        try Row.fetchOne(cachedStatement(sql: sql), arguments: arguments)
    }

    @inlinable
    public func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
        try Row.fetchAll(cachedStatement(sql: sql), arguments: arguments)
    }

    /// The first column of the first row; nil when it is NULL, or there is no row.
    @inlinable
    public func integer(_ sql: String, _ arguments: Arguments = []) throws -> Int64? {
        try step(bound(sql, arguments), sql) { $0.isNull(0) ? nil : $0.integer(0) } ?? nil
    }

    @inlinable
    public func exists(_ sql: String, _ arguments: Arguments = []) throws -> Bool {
        try step(bound(sql, arguments), sql) { _ in true } ?? false
    }

    /// What the body makes of the first row; nil when there is none. No value is put in a box to be bound.
    @inlinable
    public func first<each Value: StatementBinding, Found>(
        _ sql: String, _ values: repeat each Value, read: (RawRow) throws -> Found
    ) throws -> Found? {
        try step(bound(sql, values: repeat each values), sql, read)
    }

    /// The same of every row, without those of which the body makes nothing.
    @inlinable
    public func all<each Value: StatementBinding, Found>(
        _ sql: String, _ values: repeat each Value, read: (RawRow) throws -> Found?
    ) throws -> [Found] {
        var found: [Found] = []
        try walk(bound(sql, values: repeat each values), sql) { row in
            if let one = try read(row) { found.append(one) }
            return true
        }
        return found
    }

    /// Hands each row of a statement to the body.
    @inlinable
    public func scan(_ sql: String, _ arguments: Arguments, _ body: (RawRow) throws -> Void) throws {
        try walk(sql, arguments) { row in
            try body(row)
            return true
        }
    }

    /// Hands rows of a statement to the body for as long as it returns true. The body may use any other statement.
    @inlinable
    public func walk(_ sql: String, _ arguments: Arguments, _ body: (RawRow) throws -> Bool) throws {
        try walk(bound(sql, arguments), sql, body)
    }

    /// The same with named arguments.
    @inlinable
    public func walk(_ sql: String, named arguments: NamedArguments, _ body: (RawRow) throws -> Bool) throws {
        let statement = try cachedStatement(sql: sql).sqliteStatement
        try check(
            sqlite3_bind_parameter_count(statement) == CInt(arguments.count) ? SQLITE_OK : SQLITE_MISUSE, sql)
        for (name, value) in arguments {
            // No place has the number 0, which is that of a name that is not there: binding to it is refused.
            try bind(value, to: statement, at: sqlite3_bind_parameter_index(statement, ":" + name), sql)
        }
        try walk(statement, sql, body)
    }

    @usableFromInline
    func walk(_ statement: SQLiteStatement, _ sql: String, _ body: (RawRow) throws -> Bool) throws {
        defer { sqlite3_reset(statement) }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: guard try body(RawRow(statement: statement)) else { return }
            case SQLITE_DONE: return
            case let code: try check(code, sql)
            }
        }
    }

    @inlinable
    func check(_ code: CInt, _ sql: String) throws {
        guard code != SQLITE_OK else { return }
        throw DatabaseError(resultCode: ResultCode(rawValue: code), message: lastErrorMessage, sql: sql)
    }

    @usableFromInline
    func bound(_ sql: String, _ arguments: Arguments) throws -> SQLiteStatement {
        let statement = try cachedStatement(sql: sql).sqliteStatement
        try check(
            sqlite3_bind_parameter_count(statement) == CInt(arguments.count) ? SQLITE_OK : SQLITE_MISUSE, sql)
        for index in arguments.indices { try bind(arguments[index], to: statement, at: CInt(index + 1), sql) }
        return statement
    }

    @inlinable
    func bound<each Value: StatementBinding>(_ sql: String, values: repeat each Value) throws -> SQLiteStatement {
        let statement = try cachedStatement(sql: sql).sqliteStatement
        var count: CInt = 0
        for value in repeat each values {
            count += 1
            try check(value.bind(to: statement, at: count), sql)
        }
        try check(sqlite3_bind_parameter_count(statement) == count ? SQLITE_OK : SQLITE_MISUSE, sql)
        return statement
    }

    @usableFromInline
    func bind(
        _ value: (any DatabaseValueConvertible)?, to statement: SQLiteStatement, at place: CInt, _ sql: String
    ) throws {
        try check(value?.bind(to: statement, at: place) ?? sqlite3_bind_null(statement, place), sql)
    }

    /// Runs a statement up to its first row, by when it has changed all that it changes, without GRDB's accounts of
    /// arguments, rows and observers, which cost more than most of the statements here.
    @inlinable
    @discardableResult
    func step<Value>(_ statement: SQLiteStatement, _ sql: String, _ read: (RawRow) throws -> Value) throws -> Value? {
        // What is left open keeps its transaction open.
        defer { sqlite3_reset(statement) }
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return try read(RawRow(statement: statement))
        case SQLITE_DONE: return nil
        case let code:
            try check(code, sql)
            return nil
        }
    }
}
