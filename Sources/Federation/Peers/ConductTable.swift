import Digests
import FoundationEssentials
import GRDB
import WaggleProtocol

/// What nodes did, and what was refused between them and this one.
extension PeerStore {
    static let conductTables = """
        CREATE TABLE conduct (node BLOB PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
        -- Ids that are neither fetched from a peer nor offered to it again before `until`, because this node (side 0) or the
        -- peer (side 1) does not want them.
        CREATE TABLE refusal (
            node BLOB NOT NULL, side INTEGER NOT NULL, id BLOB NOT NULL, until INTEGER NOT NULL,
            PRIMARY KEY (node, side, id)
        ) WITHOUT ROWID;
        CREATE INDEX refusal_until ON refusal(until);
        -- Nodes that the operator keeps away.
        CREATE TABLE block (node BLOB PRIMARY KEY, reason TEXT NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;
        -- Nodes that asked to exchange and wait for the operator's yes.
        CREATE TABLE caller (
            node BLOB PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, approved INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID;
        CREATE INDEX caller_last ON caller(last);
        """

    /// Who does not want a post.
    enum RefusingSide: Int, Sendable {
        case refusedHere = 0
        case refusedThere = 1
    }

    // MARK: Refusals

    /// Remembers that posts are not wanted for so many seconds each; where there are too many, those go that end first.
    func remember(
        refusals: [(id: Hash32, seconds: UInt64)], of peer: Hash32, _ side: RefusingSide, now: UInt64
    ) async throws(PeerStoreError) {
        guard !refusals.isEmpty else { return }
        try await access { db in
            try db.execute(sql: "DELETE FROM refusal WHERE until < ?", arguments: [Int64(now)])
            let insert = try db.cachedStatement(
                sql: "INSERT OR REPLACE INTO refusal (node, side, id, until) VALUES (?, ?, ?, ?)")
            for (id, seconds) in refusals {
                let until = Int64(now + min(seconds, Limits.Gossip.refusalSeconds))
                try insert.execute(arguments: [peer.data, side.rawValue, id.data, until])
            }
            let count =
                try Int.fetchOne(
                    db, sql: "SELECT count(*) FROM refusal WHERE node = ? AND side = ?",
                    arguments: [peer.data, side.rawValue]) ?? 0
            guard count > Limits.Gossip.refusalsPerPeer else { return }
            try db.execute(
                sql: """
                    DELETE FROM refusal WHERE node = ?1 AND side = ?2 AND id IN (
                        SELECT id FROM refusal WHERE node = ?1 AND side = ?2 ORDER BY until, id LIMIT ?3)
                    """,
                arguments: [peer.data, side.rawValue, count - Limits.Gossip.refusalsPerPeer * 3 / 4])
        }
    }

    func refusals(among ids: [Hash32], of peer: Hash32, _ side: RefusingSide, now: UInt64) async throws(PeerStoreError)
        -> Set<Hash32>
    {
        guard !ids.isEmpty else { return [] }
        return try await access { db in
            let any = try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM refusal WHERE node = ? AND side = ?)",
                arguments: [peer.data, side.rawValue])
            guard any == true else { return [] }
            let find = try db.cachedStatement(
                sql: "SELECT 1 FROM refusal WHERE node = ? AND side = ? AND id = ? AND until >= ?")
            var found: Set<Hash32> = []
            for id in ids {
                let row = try Int.fetchOne(find, arguments: [peer.data, side.rawValue, id.data, Int64(now)])
                if row != nil { found.insert(id) }
            }
            return found
        }
    }

    // MARK: Conduct

    func loadBook() async throws(PeerStoreError) -> PeerBook {
        try await access { db in
            var records: [Hash32: PeerBook.Record] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT node, record FROM conduct") {
                let record = try? JSONDecoder().decode(PeerBook.Record.self, from: Data((row[1] as String).utf8))
                if let node = Hash32(row[0] as Data), let record { records[node] = record }
            }
            return PeerBook(records)
        }
    }

    func save(_ book: PeerBook) async throws(PeerStoreError) {
        try await access { db in
            try db.execute(sql: "DELETE FROM conduct")
            let insert = try db.cachedStatement(sql: "INSERT INTO conduct (node, record) VALUES (?, ?)")
            for (node, record) in book.records {
                let text = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
                try insert.execute(arguments: [node.data, text])
            }
        }
    }
}
