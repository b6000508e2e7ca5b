import Digests
import GRDB

/// `thumbs/thumbs.db`: which pictures have thumbnails, and which cannot have any. Everything in it can be made again.
enum ThumbnailTable {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            // State 1: made; 2: nothing can be made of it, and why.
            try db.execute(
                sql: """
                    CREATE TABLE pictures (
                        id INTEGER PRIMARY KEY,
                        sha256 BLOB NOT NULL UNIQUE,
                        state INTEGER NOT NULL,
                        blur_hash TEXT NOT NULL,
                        mean_colour INTEGER NOT NULL,
                        why TEXT NOT NULL);
                    CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), last_blob INTEGER NOT NULL);
                    INSERT INTO progress VALUES (1, 0);
                    """)
        }
        return migrator
    }

    static func made(_ db: Database, _ hash: Hash32, _ blur: BlurHash) throws {
        try write(db, hash, 1, blur.text, blur.meanColour, "")
    }

    static func refused(_ db: Database, _ hash: Hash32, _ why: String) throws {
        try write(db, hash, 2, "", 0, why)
    }

    private static func write(
        _ db: Database, _ hash: Hash32, _ state: Int, _ blur: String, _ colour: UInt32, _ why: String
    ) throws {
        try db.execute(
            sql: """
                INSERT INTO pictures (sha256, state, blur_hash, mean_colour, why) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (sha256) DO UPDATE SET state = excluded.state, blur_hash = excluded.blur_hash,
                    mean_colour = excluded.mean_colour, why = excluded.why
                """,
            arguments: [hash.data, state, blur, colour, why])
    }

    /// The picture's facts when its thumbnails were made; `isSettled` also when nothing can be made of it.
    static func find(_ db: Database, _ hash: Hash32) throws -> (isSettled: Bool, facts: PictureFacts?) {
        let row = try Row.fetchOne(
            db, sql: "SELECT state, blur_hash, mean_colour FROM pictures WHERE sha256 = ?", arguments: [hash.data])
        guard let row else { return (false, nil) }
        let state: Int = row[0]
        return (true, state == 1 ? PictureFacts(blurHash: row[1], meanColour: row[2]) : nil)
    }

    static func remove(_ db: Database, _ hash: Hash32) throws {
        try db.execute(sql: "DELETE FROM pictures WHERE sha256 = ?", arguments: [hash.data])
    }

    static func why(_ db: Database, _ hash: Hash32) throws -> String? {
        try String.fetchOne(
            db, sql: "SELECT why FROM pictures WHERE sha256 = ? AND state = 2", arguments: [hash.data])
    }

    static func lastBlob(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT last_blob FROM progress") ?? 0
    }

    static func setLastBlob(_ db: Database, _ id: Int64) throws {
        try db.execute(sql: "UPDATE progress SET last_blob = ?", arguments: [id])
    }
}
