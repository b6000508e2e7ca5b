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

    /// Locks know which version was looked at, and votes are found by who says so.
    static func addVersions(_ database: Database) throws {
        try database.execute(
            sql: """
                ALTER TABLE level_locks ADD COLUMN version BLOB;
                DROP INDEX level_votes_thing;
                CREATE INDEX level_votes_said ON level_votes (thing, author) WHERE thing IS NOT NULL;
                CREATE INDEX level_votes_author ON level_votes (author);
                """)
    }

    /// What was said of a post may have been said of a review, which is named by its place since: only the log knows.
    static func nameByPlace(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE level_unplaced (thing TEXT PRIMARY KEY) WITHOUT ROWID;
                INSERT INTO level_unplaced
                    SELECT thing FROM level_locks WHERE thing LIKE 'post %' UNION
                    SELECT thing FROM level_reviews WHERE thing LIKE 'post %' UNION
                    SELECT thing FROM level_agreed WHERE thing LIKE 'post %' UNION
                    SELECT thing FROM level_votes WHERE thing LIKE 'post %';
                """)
    }

    static func unplaced(_ database: Database) throws -> [LevelSubject] {
        try String.fetchAll(database, sql: "SELECT thing FROM level_unplaced").compactMap { LevelSubject(text: $0) }
    }

    /// Names a post by its place in all that was said of it; where more than one version had a lock or a request, the newest
    /// stays.
    static func place(_ database: Database, _ post: Hash32, at place: LevelSubject) throws {
        let old = LevelSubject.post(post).text
        if place.text != old {
            try database.execute(
                sql: """
                    UPDATE level_locks SET lifted_by = decided_by, lifted_at = decided_at
                    WHERE lifted_at IS NULL AND thing IN (?1, ?2) AND id < (
                        SELECT max(id) FROM level_locks WHERE lifted_at IS NULL AND thing IN (?1, ?2))
                    """, arguments: [old, place.text])
            try database.execute(
                sql: "UPDATE level_locks SET thing = ?, version = ? WHERE thing = ?",
                arguments: [place.text, post.data, old])
            for table in ["level_reviews", "level_agreed", "level_votes"] {
                try database.execute(
                    sql: "UPDATE OR REPLACE \(table) SET thing = ? WHERE thing = ?", arguments: [place.text, old])
            }
        }
        try database.execute(sql: "DELETE FROM level_unplaced WHERE thing = ?", arguments: [old])
    }

    // MARK: Rules

    static func rules(_ database: Database) throws -> LevelRules {
        var rules = LevelRules()
        let agreed = try agreed(database)
        for (thing, level) in agreed { rules[thing] = .atLeast(level) }
        for lock in try locks(database) { rules[lock.subject] = lock.rule(agreed: agreed[lock.subject]) }
        return rules
    }

    static func agreed(_ database: Database) throws -> [LevelSubject: Level] {
        let pairs = try Row.fetchAll(database, sql: "SELECT thing, level FROM level_agreed").compactMap(pair)
        return Dictionary(pairs) { first, _ in first }
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
                SELECT thing, level, id, reason, decided_by, decided_at, version FROM level_locks
                WHERE lifted_at IS NULL AND (?1 IS NULL OR thing = ?1) ORDER BY id
                """, arguments: [thing?.text]
        ).compactMap { row in
            guard let (thing, level) = pair(row) else { return nil }
            return LevelLock(
                id: row[2], subject: thing, level: level, version: (row[6] as Data?).flatMap { Hash32($0) },
                reason: row[3], by: row[4], when: UInt64(row[5] as Int64))
        }
    }

    /// Locks a level in the place of the lock before, and answers whoever asked for a review.
    static func lock(
        _ database: Database, _ thing: LevelSubject, _ level: Level, version: Hash32?, reason: String, by: String,
        at now: UInt64
    ) throws -> LevelLock {
        try lift(database, thing, by: by, at: now)
        try database.execute(
            sql: """
                INSERT INTO level_locks (thing, level, reason, decided_by, decided_at, version) VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [thing.text, Int64(level.rawValue), reason, by, Int64(now), version?.data])
        let id = database.lastInsertedRowID
        try database.execute(sql: "DELETE FROM level_reviews WHERE thing = ?", arguments: [thing.text])
        return LevelLock(
            id: id, subject: thing, level: level, version: version, reason: reason, by: by, when: now)
    }

    static func lift(_ database: Database, _ thing: LevelSubject, by: String, at now: UInt64) throws {
        try database.execute(
            sql: "UPDATE level_locks SET lifted_by = ?, lifted_at = ? WHERE thing = ? AND lifted_at IS NULL",
            arguments: [by, Int64(now), thing.text])
    }

    // MARK: Reviews

    /// - Throws: `askedAlready` while somebody else's request stands, `limit` for an account that has too many.
    static func keep(_ database: Database, _ review: LevelReview) throws {
        if let standing = try Self.review(database, of: review.subject), standing.by != review.by {
            throw ModerationError.askedAlready
        }
        let others = try Int.fetchOne(
            database, sql: "SELECT count(*) FROM level_reviews WHERE \"by\" = ? AND thing <> ?",
            arguments: [review.by, review.subject.text])
        guard others ?? 0 < Limits.Levels.reviewsPerAccount else {
            throw ModerationError.limit(
                "\(Limits.Levels.reviewsPerAccount) requests of yours wait for a moderator; ask again when some are answered"
            )
        }
        try database.execute(
            sql: "INSERT OR REPLACE INTO level_reviews VALUES (?, ?, ?, ?)",
            arguments: [review.subject.text, review.by, review.text, Int64(review.when)])
    }

    /// Everybody's first before anybody's second, the earliest first.
    static func reviews(_ database: Database, limit: Int) throws -> [LevelReview] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT thing, "by", text, at FROM level_reviews
                ORDER BY row_number() OVER (PARTITION BY "by" ORDER BY at, thing), at, thing LIMIT ?
                """, arguments: [limit]
        ).compactMap(review)
    }

    static func review(_ database: Database, of thing: LevelSubject) throws -> LevelReview? {
        try Row.fetchOne(
            database, sql: "SELECT thing, \"by\", text, at FROM level_reviews WHERE thing = ?", arguments: [thing.text]
        ).flatMap(review)
    }

    private static func review(_ row: Row) -> LevelReview? {
        guard let thing = LevelSubject(text: row[0]) else { return nil }
        return LevelReview(subject: thing, by: row[1], text: row[2], when: UInt64(row[3] as Int64))
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

    /// - Returns: what it was about, and who said so; nil when it was none, or about something that is not here.
    static func drop(_ database: Database, post: Hash32) throws -> (thing: LevelSubject, author: Hash32)? {
        let row = try Row.fetchOne(
            database, sql: "DELETE FROM level_votes WHERE post = ? RETURNING thing, author", arguments: [post.data])
        guard let row, let thing = (row[0] as String?).flatMap({ LevelSubject(text: $0) }),
            let author = Hash32(row[1] as Data)
        else { return nil }
        return (thing, author)
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

    // MARK: People who count

    // Keys are free, so nothing is ranked, cut or counted before it is known to be by one of these.

    /// A table `people (author)` of the ids that stand one after another in the first argument.
    private static let people = """
        people (place, author) AS (
            SELECT 0, substr(?1, 1, 32)
            UNION ALL
            SELECT place + 1, substr(?1, 32 * place + 33, 32) FROM people WHERE 32 * (place + 2) <= length(?1)
        )
        """

    private static func joined(_ people: Set<Hash32>) -> Data {
        people.reduce(into: Data(capacity: 32 * people.count)) { $0.append($1.data) }
    }

    static func waitedFor(_ database: Database, by people: Set<Hash32>, limit: Int) throws -> [Hash32] {
        try Data.fetchAll(
            database,
            sql: """
                WITH RECURSIVE \(Self.people)
                SELECT DISTINCT hash FROM level_votes
                WHERE thing IS NULL AND author IN (SELECT author FROM people) LIMIT ?2
                """, arguments: [joined(people), limit]
        ).compactMap { Hash32($0) }
    }

    /// The newest word of each person on each thing, the newest first.
    ///
    /// - Parameter thing: nil for all of them.
    static func votes(_ database: Database, by people: Set<Hash32>, on thing: LevelSubject?) throws -> [LevelVote] {
        try Row.fetchAll(
            database,
            sql: """
                WITH RECURSIVE \(Self.people), words AS (
                    SELECT *, row_number() OVER (PARTITION BY thing, author ORDER BY created DESC, post) AS place
                    FROM level_votes
                    WHERE thing IS NOT NULL AND \(thing == nil ? "?2 IS NULL" : "thing = ?2")
                        AND author IN (SELECT author FROM people)
                )
                SELECT post, author, kind, hash, level, created, thing FROM words WHERE place = 1
                ORDER BY created DESC, post
                """, arguments: [joined(people), thing?.text]
        ).compactMap { row in
            guard let post = Hash32(row[0] as Data), let author = Hash32(row[1] as Data),
                let hash = Hash32(row[3] as Data),
                let subject = ModerationSubject(kindNumber: row[2], hash: hash), let level = Level(rawValue: row[4]),
                let thing = LevelSubject(text: row[6])
            else { return nil }
            return LevelVote(
                post: post, author: author, subject: subject, level: level, created: UInt64(row[5] as Int64),
                thing: thing)
        }
    }

    /// What people spoke of, most voices first; what a lock settles is not among these.
    static func spokenOf(_ database: Database, by people: Set<Hash32>, limit: Int) throws -> [LevelSubject] {
        try String.fetchAll(
            database,
            sql: """
                WITH RECURSIVE \(Self.people)
                SELECT v.thing FROM level_votes v
                WHERE v.thing IS NOT NULL AND v.author IN (SELECT author FROM people)
                    AND NOT EXISTS (
                        SELECT 1 FROM level_locks l WHERE l.thing = v.thing AND l.lifted_at IS NULL
                        -- See `LevelLock.leavesOpen`.
                        AND NOT (l.thing LIKE 'work %' AND v.created >= l.decided_at AND v.hash IS NOT l.version))
                GROUP BY v.thing ORDER BY count(DISTINCT v.author) DESC, max(v.created) DESC, v.thing LIMIT ?2
                """, arguments: [joined(people), limit]
        ).compactMap { LevelSubject(text: $0) }
    }
}
