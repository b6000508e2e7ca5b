import Digests
import FoundationEssentials
import GRDB

/// Short names for statements that are prepared once a connection. Their SQL must come from a fixed, small set: what
/// people type goes into arguments only.
extension Database {
    func run(_ sql: String, _ arguments: StatementArguments = []) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }

    func row(_ sql: String, _ arguments: StatementArguments = []) throws -> Row? {
        try Row.fetchOne(cachedStatement(sql: sql), arguments: arguments)
    }

    func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
        try Row.fetchAll(cachedStatement(sql: sql), arguments: arguments)
    }

    func integer(_ sql: String, _ arguments: StatementArguments = []) throws -> Int64? {
        try Int64.fetchOne(cachedStatement(sql: sql), arguments: arguments)
    }

    func exists(_ sql: String, _ arguments: StatementArguments = []) throws -> Bool {
        try integer("SELECT EXISTS (\(sql))", arguments) == 1
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
