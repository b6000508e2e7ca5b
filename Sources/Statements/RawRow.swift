public import Digests
public import FoundationEssentials
public import GRDB
public import GRDBSQLite

/// A row that a statement stands at, read as its columns are stored.
public struct RawRow {
    @usableFromInline let statement: SQLiteStatement

    @inlinable
    init(statement: SQLiteStatement) {
        self.statement = statement
    }

    @inlinable
    public func integer(_ column: CInt) -> Int64 { sqlite3_column_int64(statement, column) }

    @inlinable
    public func isNull(_ column: CInt) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

    /// Empty for NULL.
    @inlinable
    public func text(_ column: CInt) -> String {
        sqlite3_column_text(statement, column).map { String(cString: $0) } ?? ""
    }

    /// Valid until the next row.
    @inlinable
    public func bytes(_ column: CInt) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: sqlite3_column_blob(statement, column), count: Int(sqlite3_column_bytes(statement, column)))
    }

    /// A copy of the bytes; empty for NULL.
    @inlinable
    public func data(_ column: CInt) -> Data { Data(bytes(column)) }

    /// The 32-byte name in a column; nil for one of another length.
    @inlinable
    public func hash(_ column: CInt) -> Hash32? {
        let bytes = bytes(column)
        return bytes.count == 32 ? Hash32(copying: bytes) : nil
    }
}

extension Row {
    /// The 32-byte name in a column; a column of another length reads as zero, which names nothing.
    public func hash(_ column: Int) -> Hash32 {
        (self[column] as Data).withUnsafeBytes { $0.count == 32 ? Hash32(copying: $0) : .zero }
    }
}

extension Hash32: StatementBinding {
    @inlinable
    public func bind(to statement: SQLiteStatement, at place: CInt) -> CInt {
        withUnsafeBytes { bytes in
            // SQLITE_TRANSIENT: SQLite keeps a copy of its own.
            sqlite3_bind_blob(
                statement, place, bytes.baseAddress, CInt(bytes.count),
                unsafeBitCast(-1, to: sqlite3_destructor_type.self))
        }
    }
}
