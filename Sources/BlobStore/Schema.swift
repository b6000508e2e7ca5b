import GRDB

/// The tables. A migration is never edited after it landed.
enum Schema {
    /// `db/blobs.db`: truth about what is where.
    static var index: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            // `hashes` is the 1 MiB layer, 32 bytes a unit; empty for a blob of one unit, whose hash is the root. It is
            // the last column, so that a scan of the others does not read it.
            try db.execute(
                sql: """
                    CREATE TABLE blobs (
                        id INTEGER PRIMARY KEY,
                        sha256 BLOB NOT NULL UNIQUE,
                        size INTEGER NOT NULL,
                        pieces_root BLOB NOT NULL,
                        crc32 INTEGER NOT NULL,
                        auto_v1 INTEGER NOT NULL,
                        own INTEGER NOT NULL,
                        used_at INTEGER NOT NULL,
                        trashed_at INTEGER,
                        hashes BLOB NOT NULL);
                    CREATE INDEX blobs_pieces_root ON blobs (pieces_root);
                    CREATE INDEX blobs_trash ON blobs (trashed_at) WHERE trashed_at IS NOT NULL;

                    CREATE TABLE adopted (
                        id INTEGER PRIMARY KEY,
                        blob INTEGER NOT NULL REFERENCES blobs (id),
                        path BLOB NOT NULL UNIQUE,
                        device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
                        modified INTEGER NOT NULL, changed INTEGER NOT NULL,
                        state INTEGER NOT NULL);
                    CREATE INDEX adopted_blob ON adopted (blob);

                    CREATE TABLE hashing (
                        id INTEGER PRIMARY KEY,
                        path BLOB NOT NULL UNIQUE,
                        device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
                        modified INTEGER NOT NULL, changed INTEGER NOT NULL,
                        state BLOB NOT NULL);

                    CREATE TABLE partials (
                        id INTEGER PRIMARY KEY,
                        sha256 BLOB NOT NULL UNIQUE,
                        size INTEGER NOT NULL,
                        pieces_root BLOB NOT NULL,
                        begun_at INTEGER NOT NULL,
                        saved_at INTEGER NOT NULL,
                        held INTEGER NOT NULL,
                        bitmap BLOB NOT NULL,
                        front BLOB NOT NULL,
                        hashes BLOB NOT NULL);

                    CREATE TABLE pins (
                        id INTEGER PRIMARY KEY,
                        sha256 BLOB NOT NULL,
                        reason TEXT NOT NULL,
                        pinned_at INTEGER NOT NULL,
                        UNIQUE (sha256, reason));

                    CREATE TABLE leases (
                        id INTEGER PRIMARY KEY,
                        sha256 BLOB NOT NULL,
                        holder TEXT NOT NULL,
                        until INTEGER NOT NULL,
                        UNIQUE (sha256, holder));
                    """)
        }
        migrator.registerMigration("library", migrate: LibraryTable.create)
        return migrator
    }

    /// `blobs/small.db`: the bytes of small blobs.
    static var small: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE small (
                        id INTEGER PRIMARY KEY,
                        sha256 BLOB NOT NULL UNIQUE,
                        bytes BLOB NOT NULL);
                    """)
        }
        return migrator
    }
}

extension Database {
    /// Runs a statement that is kept compiled.
    func run(_ sql: String, _ arguments: StatementArguments) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
