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
        migrator.registerMigration("2 checks") { db in
            // A table of its own, because a column behind `hashes` would cost reading past them.
            try db.execute(
                sql: """
                    CREATE TABLE checks (
                        blob INTEGER PRIMARY KEY REFERENCES blobs (id) ON DELETE CASCADE,
                        modified INTEGER,
                        verified_at INTEGER NOT NULL,
                        next_unit INTEGER NOT NULL);
                    """)
        }
        migrator.registerMigration("extra hashes") { db in
            // A row for every blob, made and removed with it, so that what is still to be hashed is a short index and not
            // a search. State 0: not hashed yet; 1: hashed.
            try db.execute(
                sql: """
                    CREATE TABLE extra_hashes (
                        blob INTEGER PRIMARY KEY REFERENCES blobs (id) ON DELETE CASCADE,
                        state INTEGER NOT NULL,
                        blake3 BLOB,
                        auto_v3 BLOB,
                        tensor_digest BLOB);
                    CREATE INDEX extra_hashes_to_do ON extra_hashes (blob) WHERE state = 0;
                    CREATE INDEX extra_hashes_blake3 ON extra_hashes (blake3) WHERE blake3 IS NOT NULL;
                    CREATE INDEX extra_hashes_auto_v3 ON extra_hashes (auto_v3) WHERE auto_v3 IS NOT NULL;
                    CREATE INDEX extra_hashes_tensor_digest ON extra_hashes (tensor_digest)
                        WHERE tensor_digest IS NOT NULL;
                    CREATE TRIGGER blobs_are_hashed_later AFTER INSERT ON blobs
                        BEGIN INSERT INTO extra_hashes (blob, state) VALUES (new.id, 0); END;
                    INSERT INTO extra_hashes (blob, state) SELECT id, 0 FROM blobs;
                    """)
        }
        migrator.registerMigration("piece hashes") { db in
            // Hashes of the 1 MiB pieces from the first on, one after another: 20 and 32 bytes each.
            try db.execute(
                sql: """
                    CREATE TABLE piece_hashes (
                        blob INTEGER PRIMARY KEY REFERENCES blobs (id) ON DELETE CASCADE,
                        sha1 BLOB NOT NULL,
                        sha256 BLOB NOT NULL);
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
    /// Runs a statement that is kept compiled. Whoever observes the database is told, unlike with what `Statements` has.
    func change(_ sql: String, _ arguments: StatementArguments) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
