import GRDB

/// How many images stand on each shelf under a release, under a model and by an author: kept by the database itself, so
/// that whatever moves an image moves its counts, and a card reads a few rows.
enum ImageCountTable {
    static let schema = """
        CREATE TABLE image_counts (
            kind INTEGER NOT NULL,             -- ImageCountKind
            id INTEGER NOT NULL,
            shelf INTEGER NOT NULL,
            n INTEGER NOT NULL,
            PRIMARY KEY (kind, id, shelf)
        ) WITHOUT ROWID;
        """

    /// Counts the images that are there, and from now on every change.
    static func start(_ database: Database) throws {
        for kind in ImageCountKind.allCases {
            let (table, column) = kind.source
            try database.execute(
                sql: """
                    INSERT INTO image_counts (kind, id, shelf, n)
                    SELECT \(kind.rawValue), \(column), shelf, COUNT(*) FROM \(table) GROUP BY \(column), shelf;
                    \(triggers(kind))
                    """)
        }
    }

    private static func triggers(_ kind: ImageCountKind) -> String {
        let (table, column) = kind.source
        func add(_ row: String) -> String {
            """
            INSERT INTO image_counts (kind, id, shelf, n) VALUES (\(kind.rawValue), \(row).\(column), \(row).shelf, 1)
            ON CONFLICT DO UPDATE SET n = n + 1;
            """
        }
        func remove(_ row: String) -> String {
            """
            UPDATE image_counts SET n = n - 1
            WHERE kind = \(kind.rawValue) AND id = \(row).\(column) AND shelf = \(row).shelf;
            """
        }
        return """
            CREATE TRIGGER image_counts_\(table)_insert AFTER INSERT ON \(table) BEGIN \(add("new")) END;
            CREATE TRIGGER image_counts_\(table)_delete AFTER DELETE ON \(table) BEGIN \(remove("old")) END;
            CREATE TRIGGER image_counts_\(table)_update AFTER UPDATE OF shelf ON \(table) WHEN new.shelf <> old.shelf
            BEGIN \(remove("old")) \(add("new")) END;
            """
    }
}

/// What images are counted under. The numbers are in the database of this version only.
enum ImageCountKind: Int64, CaseIterable {
    /// By the subject of a release.
    case release = 1
    case model = 2
    case author = 3

    fileprivate var source: (table: String, column: String) {
        switch self {
        case .release: ("image_links", "subject_id")
        case .model: ("model_images", "model_id")
        case .author: ("images", "author_id")
        }
    }
}
