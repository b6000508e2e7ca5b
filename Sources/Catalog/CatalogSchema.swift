import GRDB

/// All tables of `catalog.db`. They can be dropped at any time: the posts and `local.db` build them anew. So there are
/// no migrations, only a version: another one means that the catalog is built anew.
enum CatalogSchema {
    static let version: Int64 = 6

    private static let tables = [
        AuthorTable.schema, RoomTable.schema, ModelTable.schema, TermTable.schema, SearchTable.schema,
        ReleaseTable.schema, FileTable.schema, SubjectTable.schema, ImageTable.schema, ImageLinkTable.schema,
        ReviewTable.schema, CommentTable.schema, ReactionTable.schema, ImageCountTable.schema, LineageTable.schema,
        ChannelTable.schema, FollowTable.schema, ShownBlobTable.schema, WorkTable.schema, ActivityTable.schema,
        WordTable.schema, ImageTermTable.schema, CoverTable.schema, FacetRowTable.schema, PostingTable.schema,
    ]
    private static let lists = [
        ImageTable.lists, ImageLinkTable.lists, FileTable.lists, ReviewTable.lists, CommentTable.lists,
        ReactionTable.lists, LineageTable.lists, ShownBlobTable.lists, WorkTable.lists,
    ].flatMap(\.self)

    /// What the catalog remembers of itself.
    struct State {
        var appliedSeq: UInt64
        /// One more than the highest number of `local.db` that a row may carry.
        var nextNumber: Int64
        /// A long log is on its way into empty tables: what `beginFilling` dropped is not there.
        var isFilling = false
    }

    /// Nil when the tables are of another version or not there.
    static func state(_ database: Database) throws -> State? {
        guard try database.tableExists("state"),
            try database.integer("SELECT version FROM state") == version,
            let row = try database.row("SELECT applied_seq, next_number, filling FROM state")
        else { return nil }
        return State(appliedSeq: UInt64(row[0] as Int64), nextNumber: row[1], isFilling: row[2])
    }

    static func save(_ state: State, _ database: Database) throws {
        try database.run(
            "UPDATE state SET applied_seq = ?, next_number = ?, filling = ?",
            [Int64(state.appliedSeq), state.nextNumber, state.isFilling])
    }

    // MARK: Filling

    /// Drops what costs less to make once from all rows than to keep up row by row: indexes that only lists are read by,
    /// whose order is far from that of arrival, and the triggers that count images. Lists find everything meanwhile,
    /// but slower, and cards count no images.
    static func beginFilling(_ database: Database) throws {
        for index in lists { try database.execute(sql: "DROP INDEX \(index.name)") }
        try ImageCountTable.stop(database)
    }

    static func endFilling(_ database: Database) throws {
        for index in lists { try database.execute(sql: index.sql) }
        try ImageCountTable.start(database)
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
        try endFilling(database)
        try database.execute(
            sql: """
                CREATE TABLE state (
                    id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, applied_seq INTEGER NOT NULL,
                    next_number INTEGER NOT NULL,
                    filling INTEGER NOT NULL           -- see beginFilling
                );
                INSERT INTO state VALUES (1, ?, 0, 1, 0);
                """, arguments: [version])
    }
}

/// An index that a catalog can be filled without: applying posts never looks anything up in it.
struct ListIndex {
    let name: String
    let sql: String

    /// - Parameter definition: table and columns, and the condition of a partial one.
    init(_ name: String, on definition: String) {
        self.name = name
        sql = "CREATE INDEX \(name) ON \(definition)"
    }
}
