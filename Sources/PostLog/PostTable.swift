import Digests
import FoundationEssentials
import GRDB
import Identity
import SwiftProtobuf
import WaggleProtocol

/// The tables of `db/posts.db`. A post row is written once; only its `state` changes, and every change is a line of `log`.
enum PostTable {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 posts") { db in
            try db.execute(
                sql: """
                    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
                    CREATE TABLE author (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE);
                    CREATE TABLE post (
                        n INTEGER PRIMARY KEY,
                        id BLOB NOT NULL UNIQUE,
                        author INTEGER NOT NULL REFERENCES author(n),
                        kind INTEGER NOT NULL,
                        created INTEGER NOT NULL,
                        expires INTEGER NOT NULL,
                        slot TEXT NOT NULL,
                        state INTEGER NOT NULL,        -- 0 in force, else a HiddenReason
                        envelope BLOB NOT NULL         -- empty once the payload was dropped
                    );
                    -- Loads the reconciliation index at start without touching the rows.
                    CREATE INDEX post_offered ON post(created, id, kind) WHERE state = 0;
                    -- Slots, key chains and everything of one author.
                    CREATE INDEX post_author ON post(author, kind, slot, state, created);
                    CREATE INDEX post_expires ON post(expires) WHERE expires > 0 AND state = 0;
                    CREATE TABLE log (
                        seq INTEGER PRIMARY KEY AUTOINCREMENT, post INTEGER NOT NULL, event INTEGER NOT NULL
                    );
                    CREATE TABLE tombstone (           -- by a delete post of ids
                        id BLOB NOT NULL, author INTEGER NOT NULL, scopes INTEGER NOT NULL, by_post INTEGER NOT NULL,
                        PRIMARY KEY (id, by_post)
                    ) WITHOUT ROWID;
                    CREATE TABLE slot_tombstone (      -- by a delete post of slots
                        author INTEGER NOT NULL, kind INTEGER NOT NULL, slot TEXT NOT NULL, created INTEGER NOT NULL,
                        by_post INTEGER NOT NULL, PRIMARY KEY (author, kind, slot, by_post)
                    ) WITHOUT ROWID;
                    CREATE INDEX tombstone_by ON tombstone(by_post);
                    CREATE INDEX slot_tombstone_by ON slot_tombstone(by_post);
                    """)
        }
        return migrator
    }

    /// A stored post without its payload.
    struct Row {
        let n: Int64
        let id: Hash32
        let author: Int64
        let kind: PostKind
        let created: UInt64
        let expires: UInt64
        let slot: String
        let state: Int
    }

    static let columns = "n, id, author, kind, created, expires, slot, state"

    static func row(_ row: GRDB.Row) -> Row {
        Row(
            n: row[0], id: hash(row, 1), author: row[2], kind: PostKind(rawValue: UInt32(row[3] as Int64)),
            created: UInt64(row[4] as Int64), expires: UInt64(row[5] as Int64), slot: row[6], state: row[7])
    }

    static func hash(_ row: GRDB.Row, _ column: Int) -> Hash32 {
        (try? row.withUnsafeData(atIndex: column) { $0.flatMap { Hash32($0) } }) ?? .zero
    }

    /// Reads a post out of the envelope that was verified when it came in.
    static func decode(_ envelope: Data) -> WirePost? {
        guard let outer = try? WireEnvelope(serializedBytes: envelope) else { return nil }
        return try? WirePost(serializedBytes: outer.payload)
    }
}

extension Set<WireScope> {
    /// One bit a scope, for the tombstone tables.
    var bits: Int64 { reduce(0) { $0 | 1 << Int64($1.rawValue) } }
}
