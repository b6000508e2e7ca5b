import GRDB
import Statements

/// All tables of `catalog.db`. They can be dropped at any time: the posts and `local.db` build them anew. So there are
/// no migrations, only a version: another one means that the catalog is built anew.
enum CatalogSchema {
    static let version: Int64 = 9

    private static let tables = [
        AuthorTable.schema, RoomTable.schema, ModelTable.schema, TermTable.schema, SearchTable.schema,
        ReleaseTable.schema, FileTable.schema, SubjectTable.schema, ImageTable.schema, ImageLinkTable.schema,
        ReviewTable.schema, CommentTable.schema, ReactionTable.schema, ImageCountTable.schema, LineageTable.schema,
        ChannelTable.schema, FollowTable.schema, ShownBlobTable.schema, WorkTable.schema, ActivityTable.schema,
        WordTable.schema, ImageTermTable.schema, CoverTable.schema, FacetRowTable.schema, PostingTable.schema,
        BountyTable.schema, DrawingTable.schema,
    ]
    private static let lateIndexes = [
        ModelTable.indexes, SubjectTable.indexes, ImageTable.indexes, ImageLinkTable.indexes, FileTable.indexes,
        ReviewTable.indexes, CommentTable.indexes, ReactionTable.indexes, LineageTable.indexes, ShownBlobTable.indexes,
        WorkTable.indexes,
    ].flatMap(\.self)

    /// What the catalog remembers of itself.
    struct State {
        var appliedSeq: UInt64
        /// One more than the highest number of `local.db` that a row may carry.
        var nextNumber: Int64
        /// The rows are those of before a reset: they answer until the log was read again.
        var isStale = false
    }

    /// Nil when the tables are of another version or not there.
    static func state(_ database: Database) throws -> State? {
        guard try database.tableExists("state"),
            try database.integer("SELECT version FROM state") == version,
            let row = try database.row("SELECT applied_seq, next_number, stale FROM state")
        else { return nil }
        return State(appliedSeq: UInt64(row[0] as Int64), nextNumber: row[1], isStale: row[2])
    }

    static func save(_ state: State, _ database: Database) throws {
        try database.run(
            "UPDATE state SET applied_seq = ?, next_number = ?, stale = ?",
            [Int64(state.appliedSeq), state.nextNumber, state.isStale])
    }

    /// Drops whatever is there and makes empty tables.
    /// - Parameter isFilling: leaves out what `Filling` makes at its end.
    static func recreate(_ database: Database, isFilling: Bool = false) throws {
        let master = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        // Virtual tables first: they take their shadow tables along.
        for condition in [" AND sql LIKE 'CREATE VIRTUAL%'", ""] {
            for name in try String.fetchAll(database, sql: master + condition) {
                try database.execute(sql: "DROP TABLE IF EXISTS \(name.quotedDatabaseIdentifier)")
            }
        }
        for table in tables { try database.execute(sql: table) }
        if !isFilling {
            for stage in LateIndex.Stage.allCases { try makeIndexes(stage, database) }
            try ImageCountTable.start(database)
        }
        try database.execute(
            sql: """
                CREATE TABLE state (
                    id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, applied_seq INTEGER NOT NULL,
                    next_number INTEGER NOT NULL, stale INTEGER NOT NULL
                );
                INSERT INTO state VALUES (1, ?, 0, 1, 0);
                """, arguments: [version])
    }

    static func makeIndexes(_ stage: LateIndex.Stage, _ database: Database) throws {
        for index in lateIndexes where index.stage == stage { try index.make(database) }
    }
}

/// An index that costs less to make once from all rows than to keep up row by row, and that filling a catalog does
/// without until then.
struct LateIndex {
    /// When a catalog that is filled gets it: before the first thing that reads it.
    enum Stage: CaseIterable {
        /// All lines of the log are in: posts are looked up to be removed.
        case posts
        /// What is no longer in force is removed: of a slot one post is left.
        case slots
        /// What is counted and told from rows is there: models are computed.
        case rows
        /// Models are computed.
        case models
    }

    let stage: Stage
    private let name: String
    private let definition: String
    private let isUnique: Bool

    /// - Parameter definition: table and columns in parentheses, and the condition of a partial one.
    init(_ name: String, on definition: String, isUnique: Bool = false, _ stage: Stage = .rows) {
        self.stage = stage
        self.name = name
        self.definition = definition
        self.isUnique = isUnique
    }

    /// The log shows no post twice and no two of one slot. If it ever did, there would still be a catalog, with the last
    /// of them, as there is for who follows line by line.
    func make(_ database: Database) throws {
        do {
            try database.execute(sql: "CREATE \(isUnique ? "UNIQUE " : "")INDEX \(name) ON \(definition)")
        } catch let error as DatabaseError where isUnique && error.resultCode == .SQLITE_CONSTRAINT {
            let parts = definition.split(separator: " ", maxSplits: 1)
            try database.execute(
                sql: """
                    DELETE FROM \(parts[0]) WHERE id NOT IN (
                        SELECT MAX(id) FROM \(parts[0]) GROUP BY \(parts[1].dropFirst().dropLast()));
                    CREATE UNIQUE INDEX \(name) ON \(definition)
                    """)
        }
    }
}
