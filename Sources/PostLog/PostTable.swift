import Digests
import FoundationEssentials
import GRDB
import Identity
import SwiftProtobuf
import WaggleProtocol

/// The tables of `db/posts.db`. A post row is written once; only its `state` changes, and every change of what is in
/// force is a line of `log`.
enum PostTable {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 posts") { db in
            try db.execute(
                sql: """
                    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
                    CREATE TABLE author (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE);
                    CREATE TABLE device (
                        n INTEGER PRIMARY KEY, author INTEGER NOT NULL, key BLOB NOT NULL, UNIQUE (author, key)
                    );
                    CREATE TABLE post (
                        -- A number is never used again: lines of the log name it after its row is gone.
                        n INTEGER PRIMARY KEY AUTOINCREMENT,
                        id BLOB NOT NULL UNIQUE,
                        author INTEGER NOT NULL,
                        device INTEGER,                -- null for kinds that roots sign
                        kind INTEGER NOT NULL,
                        created INTEGER NOT NULL,
                        expires INTEGER NOT NULL,
                        slot TEXT NOT NULL,
                        state INTEGER NOT NULL,        -- 0 in force, else a HiddenReason
                        envelope BLOB NOT NULL         -- empty once the payload was dropped
                    );
                    -- Loads the reconciliation index at start without touching the rows.
                    CREATE INDEX post_offered ON post(created, id, kind) WHERE state = 0;
                    -- Who holds a slot, key chains and everything of one author.
                    CREATE INDEX post_author ON post(author, kind, slot, state);
                    -- Who holds it next. Superseded posts are few, but thousands may be of one second.
                    CREATE INDEX post_candidates ON post(author, kind, slot, created DESC, id) WHERE state = 1;
                    -- What is judged again when a key document says something new of a device.
                    CREATE INDEX post_device ON post(device) WHERE device IS NOT NULL;
                    CREATE INDEX post_expires ON post(expires) WHERE expires > 0 AND state = 0;
                    CREATE TABLE log (
                        seq INTEGER PRIMARY KEY AUTOINCREMENT, post INTEGER NOT NULL, event INTEGER NOT NULL
                    );
                    -- What delete posts name. `scopes` are those of the deleting device, 0 while the delete is not in
                    -- force.
                    CREATE TABLE tombstone (
                        id BLOB NOT NULL, author INTEGER NOT NULL, scopes INTEGER NOT NULL, by_post INTEGER NOT NULL,
                        PRIMARY KEY (id, by_post)
                    ) WITHOUT ROWID;
                    CREATE TABLE slot_tombstone (
                        author INTEGER NOT NULL, kind INTEGER NOT NULL, slot TEXT NOT NULL, created INTEGER NOT NULL,
                        scopes INTEGER NOT NULL, by_post INTEGER NOT NULL, PRIMARY KEY (author, kind, slot, by_post)
                    ) WITHOUT ROWID;
                    CREATE INDEX tombstone_by ON tombstone(by_post);
                    CREATE INDEX slot_tombstone_by ON slot_tombstone(by_post);
                    -- Deleted posts whose payload is still here, and since when (by this node's clock).
                    CREATE TABLE dropping (post INTEGER PRIMARY KEY, since INTEGER NOT NULL);
                    CREATE INDEX dropping_since ON dropping(since);
                    -- Posts to judge again: work that one transaction leaves to the next.
                    CREATE TABLE unjudged (post INTEGER PRIMARY KEY);
                    """)
        }
        migrator.registerMigration("2 guests") { db in try db.execute(sql: guests) }
        migrator.registerMigration("3 late versions") { db in try db.execute(sql: lateVersions) }
        return migrator
    }

    /// Lines for older versions that came after their successors, when those were not written yet: models, collections,
    /// articles and workflows, superseded.
    private static let lateVersions = """
        INSERT INTO log (post, event) SELECT n, 1 FROM post
        WHERE state = 1 AND kind IN (10, 14, 15, 16) AND n NOT IN (SELECT post FROM log) ORDER BY n
        """

    /// A stored post without its payload.
    struct Row {
        let n: Int64
        let id: Hash32
        let author: Int64
        let device: Int64?
        let kind: PostKind
        let created: UInt64
        let expires: UInt64
        let slot: String
        let state: Int
        let hasPayload: Bool

        var place: Slot { Slot(author: author, kind: kind, slot: slot) }
    }

    /// The place that replaceable posts compete for.
    struct Slot: Hashable {
        let author: Int64
        let kind: PostKind
        let slot: String

        // By bytes, as the database compares: Swift takes two spellings of one letter for equal.
        static func == (left: Slot, right: Slot) -> Bool {
            left.author == right.author && left.kind == right.kind && left.slot.utf8.elementsEqual(right.slot.utf8)
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(author)
            hasher.combine(kind)
            slot.utf8.forEach { hasher.combine($0) }
        }
    }

    static let columns = "n, id, author, device, kind, created, expires, slot, state, length(envelope) > 0"

    static func row(_ row: GRDB.Row) throws -> Row {
        Row(
            n: try row.decode(atIndex: 0), id: try hash(row, 1), author: try row.decode(atIndex: 2),
            device: try row.decode(Int64?.self, atIndex: 3), kind: try kind(row, 4), created: try time(row, 5),
            expires: try time(row, 6), slot: try row.decode(atIndex: 7), state: try row.decode(atIndex: 8),
            hasPayload: try row.decode(atIndex: 9))
    }

    // A damaged file may hold anything, so nothing that is read from it may trap.

    static func hash(_ row: GRDB.Row, _ column: Int) throws -> Hash32 {
        guard let hash = try row.withUnsafeData(atIndex: column, { $0.flatMap { Hash32(field: $0) } }) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a name is not 32 bytes")
        }
        return hash
    }

    static func time(_ row: GRDB.Row, _ column: Int) throws -> UInt64 {
        UInt64(clamping: try row.decode(Int64.self, atIndex: column))
    }

    static func kind(_ row: GRDB.Row, _ column: Int) throws -> PostKind {
        PostKind(rawValue: UInt32(truncatingIfNeeded: try row.decode(Int64.self, atIndex: column)))
    }

    /// Reads a post out of the envelope that was verified when it came in.
    static func decode(_ envelope: Data) -> WirePost? {
        guard let outer = try? WireEnvelope(serializedBytes: envelope) else { return nil }
        return try? WirePost(serializedBytes: outer.payload).spelledOut()
    }
}

extension Set<WireScope> {
    /// One bit a scope, for the tombstone tables.
    var bits: Int64 { reduce(0) { $0 | 1 << Int64($1.rawValue) } }
}
