import Digests
import FoundationEssentials
import GRDB
import Statements

/// How far the log of one authority was read.
struct LogReading: Sendable {
    var tree = LogTree()
    /// The newest checkpoint that agrees with what was read; empty for none.
    var note = ""

    /// The rows of the tree that are not full, from the entries up.
    fileprivate var edge: Data {
        var (bytes, rest, level) = (Data(), tree.size, 0)
        while rest > 0 {
            for hash in tree.row(level) { bytes += hash.bytes }
            rest /= UInt64(LogTree.tileHashes)
            level += 1
        }
        return bytes
    }

    fileprivate init?(size: UInt64, edge: Data, note: String) {
        var rest = edge[...]
        var isWhole = true
        tree = LogTree(size: size) { _, count in
            let hashes = (0..<count).compactMap { Hash32(Data(rest.dropFirst($0 * 32).prefix(32))) }
            isWhole = isWhole && hashes.count == count
            rest = rest.dropFirst(count * 32)
            return hashes
        }
        guard isWhole, rest.isEmpty else { return nil }
        self.note = note
    }

    init() {}
}

extension LedgerStore {
    func readings(of charter: Charter) async throws(LedgerError) -> [LogReading] {
        try await read { db in
            let rows = try Self.rows(charter.currency, db)
            var found = Array(repeating: LogReading(), count: charter.authorities.count)
            for row in try Row.fetchAll(
                db, sql: "SELECT authority, size, edge, note FROM reading WHERE currency = ?",
                arguments: [rows.currency])
            {
                let index: Int = row[0]
                // One that cannot be read begins anew: nothing depends on it but work.
                guard found.indices.contains(index),
                    let reading = LogReading(size: UInt64(max(0, row[1] as Int64)), edge: row[2], note: row[3])
                else { continue }
                found[index] = reading
            }
            return found
        }
    }

    func keep(_ reading: LogReading, of authority: Int, in currency: Hash32) async throws(LedgerError) {
        try await write { db in
            let rows = try Self.rows(currency, db)
            try rows.db.run(
                """
                INSERT OR REPLACE INTO reading (currency, authority, size, edge, note) VALUES (?, ?, ?, ?, ?)
                """,
                [rows.currency, authority, Int64(clamping: reading.tree.size), reading.edge, reading.note])
        }
    }
}
