import Digests
import FoundationEssentials
import GRDB
import WaggleProtocol

/// The tables of levels in `moderation.db`. Votes are what posts in force say and could be read anew; locks and reviews are
/// said nowhere else.
enum LevelTables {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE level_votes (
                    post BLOB PRIMARY KEY,
                    author BLOB NOT NULL,
                    kind INTEGER NOT NULL,
                    hash BLOB NOT NULL,
                    level INTEGER NOT NULL,
                    created INTEGER NOT NULL,
                    thing TEXT
                ) WITHOUT ROWID;
                CREATE INDEX level_votes_thing ON level_votes (thing) WHERE thing IS NOT NULL;
                CREATE INDEX level_votes_waiting ON level_votes (hash) WHERE thing IS NULL;
                CREATE TABLE level_state (id INTEGER PRIMARY KEY CHECK (id = 1), log TEXT NOT NULL, seq INTEGER NOT NULL);
                CREATE TABLE level_agreed (thing TEXT PRIMARY KEY, level INTEGER NOT NULL) WITHOUT ROWID;
                CREATE TABLE level_locks (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    thing TEXT NOT NULL,
                    level INTEGER NOT NULL,
                    reason TEXT NOT NULL,
                    decided_by TEXT NOT NULL,
                    decided_at INTEGER NOT NULL,
                    lifted_by TEXT,
                    lifted_at INTEGER
                );
                CREATE UNIQUE INDEX level_locks_in_force ON level_locks (thing) WHERE lifted_at IS NULL;
                CREATE TABLE level_reviews (
                    thing TEXT PRIMARY KEY,
                    by TEXT NOT NULL,
                    text TEXT NOT NULL,
                    at INTEGER NOT NULL
                ) WITHOUT ROWID;
                """)
    }

    // MARK: Rules

    static func rules(_ database: Database) throws -> LevelRules {
        var rules = LevelRules()
        for row in try Row.fetchAll(database, sql: "SELECT thing, level FROM level_agreed") {
            guard let (thing, level) = pair(row) else { continue }
            rules[thing] = .atLeast(level)
        }
        for lock in try locks(database) { rules[lock.subject] = .exactly(lock.level) }
        return rules
    }

    private static func pair(_ row: Row) -> (LevelSubject, Level)? {
        guard let thing = LevelSubject(text: row[0]), let level = Level(rawValue: row[1]) else { return nil }
        return (thing, level)
    }

    static func setAgreed(_ database: Database, _ thing: LevelSubject, _ level: Level?) throws {
        guard let level else {
            return try database.execute(sql: "DELETE FROM level_agreed WHERE thing = ?", arguments: [thing.text])
        }
        try database.execute(
            sql: "INSERT OR REPLACE INTO level_agreed VALUES (?, ?)", arguments: [thing.text, Int64(level.rawValue)])
    }

    // MARK: Locks

    static func locks(_ database: Database, of thing: LevelSubject? = nil) throws -> [LevelLock] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT thing, level, id, reason, decided_by, decided_at FROM level_locks
                WHERE lifted_at IS NULL AND (?1 IS NULL OR thing = ?1) ORDER BY id
                """, arguments: [thing?.text]
        ).compactMap { row in
            guard let (thing, level) = pair(row) else { return nil }
            return LevelLock(
                id: row[2], subject: thing, level: level, reason: row[3], by: row[4], when: UInt64(row[5] as Int64))
        }
    }

    /// Locks a level in the place of the lock before, and answers whoever asked for a review.
    static func lock(
        _ database: Database, _ thing: LevelSubject, _ level: Level, reason: String, by: String, at now: UInt64
    ) throws -> LevelLock {
        try lift(database, thing, by: by, at: now)
        try database.execute(
            sql: "INSERT INTO level_locks (thing, level, reason, decided_by, decided_at) VALUES (?, ?, ?, ?, ?)",
            arguments: [thing.text, Int64(level.rawValue), reason, by, Int64(now)])
        let id = database.lastInsertedRowID
        try database.execute(sql: "DELETE FROM level_reviews WHERE thing = ?", arguments: [thing.text])
        return LevelLock(id: id, subject: thing, level: level, reason: reason, by: by, when: now)
    }

    static func lift(_ database: Database, _ thing: LevelSubject, by: String, at now: UInt64) throws {
        try database.execute(
            sql: "UPDATE level_locks SET lifted_by = ?, lifted_at = ? WHERE thing = ? AND lifted_at IS NULL",
            arguments: [by, Int64(now), thing.text])
    }

    // MARK: Reviews

    static func keep(_ database: Database, _ review: LevelReview) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO level_reviews VALUES (?, ?, ?, ?)",
            arguments: [review.subject.text, review.by, review.text, Int64(review.when)])
    }

    static func reviews(_ database: Database, limit: Int) throws -> [LevelReview] {
        try Row.fetchAll(
            database, sql: "SELECT thing, by, text, at FROM level_reviews ORDER BY at, thing LIMIT ?",
            arguments: [limit]
        ).compactMap { row in
            guard let thing = LevelSubject(text: row[0]) else { return nil }
            return LevelReview(subject: thing, by: row[1], text: row[2], when: UInt64(row[3] as Int64))
        }
    }

    // MARK: Votes

    /// How far the log was read; 0 for a log of which nothing was read.
    static func seq(_ database: Database, log: String) throws -> UInt64 {
        let row = try Row.fetchOne(database, sql: "SELECT seq FROM level_state WHERE log = ?", arguments: [log])
        return row.map { UInt64($0[0] as Int64) } ?? 0
    }

    /// Another log than before begins anew: what it does not say was never said.
    static func setSeq(_ database: Database, log: String, _ seq: UInt64) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO level_state VALUES (1, ?, ?)", arguments: [log, Int64(clamping: seq)])
    }

    static func forgetVotes(_ database: Database) throws {
        try database.execute(sql: "DELETE FROM level_votes")
    }

    static func keep(_ database: Database, _ vote: LevelVote) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO level_votes VALUES (?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                vote.post.data, vote.author.data, vote.subject.kindNumber, vote.subject.hash.data,
                Int64(vote.level.rawValue), Int64(clamping: vote.created), vote.thing?.text,
            ])
    }

    /// - Returns: what it was about; nil when it was none, or about something that is not here.
    static func drop(_ database: Database, post: Hash32) throws -> LevelSubject? {
        let row = try Row.fetchOne(
            database, sql: "DELETE FROM level_votes WHERE post = ? RETURNING thing", arguments: [post.data])
        return (row?[0] as String?).flatMap { LevelSubject(text: $0) }
    }

    /// A post came of which people had spoken before.
    ///
    /// - Returns: whether they had.
    static func arrive(_ database: Database, _ post: Hash32, as thing: LevelSubject) throws -> Bool {
        try database.execute(
            sql: "UPDATE level_votes SET thing = ? WHERE hash = ? AND kind = ? AND thing IS NULL",
            arguments: [thing.text, post.data, ModerationSubject.post(post).kindNumber])
        return database.changesCount > 0
    }

    static func waitedFor(_ database: Database, limit: Int) throws -> [Hash32] {
        try Data.fetchAll(
            database, sql: "SELECT DISTINCT hash FROM level_votes WHERE thing IS NULL LIMIT ?", arguments: [limit]
        ).compactMap { Hash32($0) }
    }

    /// The newest word of each person, the newest first.
    static func votes(_ database: Database, on thing: LevelSubject, limit: Int) throws -> [LevelVote] {
        var seen: Set<Hash32> = []
        return try Row.fetchAll(
            database,
            sql: """
                SELECT post, author, kind, hash, level, created FROM level_votes WHERE thing = ?
                ORDER BY created DESC, post LIMIT ?
                """, arguments: [thing.text, limit]
        ).compactMap { row -> LevelVote? in
            guard let post = Hash32(row[0] as Data), let author = Hash32(row[1] as Data),
                let hash = Hash32(row[3] as Data),
                let subject = ModerationSubject(kindNumber: row[2], hash: hash), let level = Level(rawValue: row[4]),
                seen.insert(author).inserted
            else { return nil }
            return LevelVote(
                post: post, author: author, subject: subject, level: level, created: UInt64(row[5] as Int64),
                thing: thing)
        }
    }

    /// What people spoke of, most voices first; locked things are settled, and not among these.
    static func spokenOf(_ database: Database, limit: Int) throws -> [LevelSubject] {
        try String.fetchAll(
            database,
            sql: """
                SELECT thing FROM level_votes WHERE thing IS NOT NULL
                AND thing NOT IN (SELECT thing FROM level_locks WHERE lifted_at IS NULL)
                GROUP BY thing ORDER BY count(*) DESC, max(created) DESC, thing LIMIT ?
                """, arguments: [limit]
        ).compactMap { LevelSubject(text: $0) }
    }

    static func everySpokenOf(_ database: Database) throws -> [LevelSubject] {
        try String.fetchAll(
            database,
            sql: """
                SELECT DISTINCT thing FROM level_votes WHERE thing IS NOT NULL UNION SELECT thing FROM level_agreed
                """
        ).compactMap { LevelSubject(text: $0) }
    }
}
