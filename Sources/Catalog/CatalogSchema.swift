import GRDB

/// All tables of `catalog.db`. They can be dropped at any time: the posts and `local.db` build them anew. So there are
/// no migrations, only a version: another one means that the catalog is built anew.
enum CatalogSchema {
    static let version: Int64 = 2

    private static let tables = [
        AuthorTable.schema, RoomTable.schema, ModelTable.schema, TermTable.schema, SearchTable.schema,
        ReleaseTable.schema, FileTable.schema, SubjectTable.schema, ImageTable.schema, ImageLinkTable.schema,
        ReviewTable.schema, CommentTable.schema, ReactionTable.schema, ImageCountTable.schema, LineageTable.schema,
        ChannelTable.schema, FollowTable.schema, ShownBlobTable.schema, WorkTable.schema, ActivityTable.schema,
        WordTable.schema, ImageTermTable.schema,
    ]

    /// What the catalog remembers of itself.
    struct State {
        var appliedSeq: UInt64
        /// One more than the highest number of `local.db` that a row may carry.
        var nextNumber: Int64
    }

    /// Nil when the tables are of another version or not there.
    static func state(_ database: Database) throws -> State? {
        guard try database.tableExists("state"),
            let row = try Row.fetchOne(database, sql: "SELECT version, applied_seq, next_number FROM state"),
            row[0] as Int64 == version
        else { return nil }
        return State(appliedSeq: UInt64(row[1] as Int64), nextNumber: row[2])
    }

    static func save(_ state: State, _ database: Database) throws {
        try database.run(
            "UPDATE state SET applied_seq = ?, next_number = ?", [Int64(state.appliedSeq), state.nextNumber])
    }

    /// Drops whatever is there and makes empty tables.
    static func recreate(_ database: Database) throws {
        let master = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        // Virtual tables first: they take their shadow tables along.
        for condition in [" AND sql LIKE 'CREATE VIRTUAL%'", ""] {
            for name in try String.fetchAll(database, sql: master + condition) {
                try database.execute(sql: "DROP TABLE IF EXISTS \(name.quotedDatabaseIdentifier)")
            }
        }
        for table in tables { try database.execute(sql: table) }
        try database.execute(
            sql: """
                CREATE TABLE state (
                    id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, applied_seq INTEGER NOT NULL,
                    next_number INTEGER NOT NULL
                );
                INSERT INTO state VALUES (1, ?, 0, 1);
                """, arguments: [version])
    }
}
