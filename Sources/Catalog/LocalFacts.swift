import Digests
import FoundationEssentials
import GRDB
import Moderation
import Statements
import Synchronization

/// What only this node knows and no post says: the numbers it gave to things, its download counts, who is at home
/// here, what moderation hides, and the levels that it gives things. `db/local.db`; truth, so it survives `waggle reindex` and belongs in a backup.
final class LocalFacts: Sendable {
    private let queue: DatabaseQueue
    private let hidden: Mutex<Set<ModerationSubject>>
    private let levels: Mutex<LevelRules>
    /// Numbers on disk that were asked for lately: most posts come from authors who just posted something else.
    private let known = Mutex<[Hash32: Int32]>([:])
    private static let knownNumbers = 1 << 16

    init(path: String) throws {
        var configuration = Configuration()
        configuration.journalMode = .wal
        queue = try DatabaseQueue(path: path, configuration: configuration)
        // A number that a page showed must not be given to something else after a power cut. After opening, because GRDB
        // sets this back when it turns the write-ahead log on.
        try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
        try Self.migrator.migrate(queue)
        let subjects = try queue.read { database in
            try Row.fetchAll(database, sql: "SELECT kind, hash FROM hidden").compactMap { row in
                ModerationSubject(kindNumber: row[0], hash: row.hash(1))
            }
        }
        hidden = Mutex(Set(subjects))
        levels = Mutex(try queue.read(Self.levels))
    }

    private static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 local facts") { database in
            try database.execute(
                sql: """
                    -- A block of numbers: the post, author or model has the first, its files or images the next ones.
                    CREATE TABLE numbers (first INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE);
                    CREATE TABLE next_number (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL);
                    INSERT INTO next_number VALUES (1, 1);
                    CREATE TABLE downloads (release_id INTEGER PRIMARY KEY, count INTEGER NOT NULL);
                    CREATE TABLE residents (author BLOB PRIMARY KEY) WITHOUT ROWID;
                    CREATE TABLE hidden (hash BLOB NOT NULL, kind INTEGER NOT NULL, PRIMARY KEY (hash, kind)) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("2 levels") { database in
            try database.execute(
                sql: """
                    CREATE TABLE levels (
                        thing TEXT PRIMARY KEY, level INTEGER NOT NULL, is_exact INTEGER NOT NULL
                    ) WITHOUT ROWID
                    """)
        }
        migrator.registerMigration("3 judged versions") { database in
            try database.execute(
                sql: "ALTER TABLE levels ADD COLUMN version BLOB; ALTER TABLE levels ADD COLUMN others INTEGER")
        }
        return migrator
    }()

    // MARK: Numbers

    /// What a batch of log entries needs from here.
    struct Allotment: Sendable {
        var numbers: [Hash32: Int32] = [:]
        var downloads: [Int32: Int64] = [:]
        /// One more than the highest number ever given out; 1 when nothing new was asked for.
        var nextNumber: Int64 = 1
    }

    /// Looks up the first number of each name's block, giving out new blocks of the asked size where there is none.
    /// On disk when it returns, so that no table refers to a number that could be given out again.
    func allot(_ blocks: [NumberBlock]) async throws -> Allotment {
        var wanted = blocks
        var found: [Hash32: Int32] = [:]
        known.withLock { known in
            wanted = blocks.filter { block in
                found[block.name] = known[block.name]
                return found[block.name] == nil
            }
        }
        guard !wanted.isEmpty else { return Allotment(numbers: found) }
        let allotment = try await queue.write { [wanted, found] in try Self.allot(wanted, found, $0) }
        known.withLock { known in
            if known.count > Self.knownNumbers { known = [:] }
            for block in wanted where !block.isRelease { known[block.name] = allotment.numbers[block.name] }
        }
        return allotment
    }

    private static func allot(_ blocks: [NumberBlock], _ found: [Hash32: Int32], _ database: Database) throws
        -> Allotment
    {
        var allotment = Allotment(numbers: found)
        var next = try database.integer("SELECT number FROM next_number") ?? 1
        let start = next
        for block in blocks where allotment.numbers[block.name] == nil {
            let known = try database.integer("SELECT first FROM numbers WHERE hash = ?", [block.name.data])
            if let known, let number = Int32(exactly: known) {
                allotment.numbers[block.name] = number
                if block.isRelease {
                    allotment.downloads[number] = try database.integer(
                        "SELECT count FROM downloads WHERE release_id = ?", [known])
                }
                continue
            }
            let end = next + Int64(block.size)
            guard let number = Int32(exactly: next), end <= Int64(Int32.max) + 1 else {
                throw CatalogError.numbersExhausted
            }
            try database.run("INSERT INTO numbers (first, hash) VALUES (?, ?)", [next, block.name.data])
            allotment.numbers[block.name] = number
            next = end
        }
        if next != start { try database.run("UPDATE next_number SET number = ?", [next]) }
        allotment.nextNumber = next
        return allotment
    }

    /// What a number was given to: the name of a post, an author or a model. Nil for one that is inside a block.
    func name(ofNumber number: Int32) async throws -> Hash32? {
        try await queue.read { database in
            try Data.fetchOne(database, sql: "SELECT hash FROM numbers WHERE first = ?", arguments: [Int64(number)])
                .flatMap { Hash32($0) }
        }
    }

    /// One more than the highest number ever given out.
    func nextNumber() throws -> Int64 {
        try queue.read { try $0.integer("SELECT number FROM next_number") ?? 1 }
    }

    /// Never again gives out a number below this one.
    func skipNumbers(below number: Int64) throws {
        try queue.write { try $0.run("UPDATE next_number SET number = MAX(number, ?)", [number]) }
    }

    // MARK: Downloads

    /// Counts one download of a release and returns all of them.
    func addDownload(_ releaseID: Int32) async throws -> Int64 {
        try await queue.write { database in
            try database.integer(
                """
                INSERT INTO downloads (release_id, count) VALUES (?, 1)
                ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count
                """, [releaseID]) ?? 0
        }
    }

    // MARK: Residents

    func setResident(_ author: Hash32, _ isResident: Bool) async throws {
        try await queue.write { database in
            if isResident {
                try database.run("INSERT INTO residents (author) VALUES (?) ON CONFLICT DO NOTHING", [author.data])
            } else {
                try database.run("DELETE FROM residents WHERE author = ?", [author.data])
            }
        }
    }

    func residents() throws -> [Hash32] {
        try queue.read { try $0.rows("SELECT author FROM residents ORDER BY author").map { $0.hash(0) } }
    }

    // MARK: Hidden subjects

    /// What moderation hides here; few, so in memory.
    var hiddenSubjects: Set<ModerationSubject> { hidden.withLock { $0 } }

    func setHidden(_ subjects: [ModerationSubject], _ isHidden: Bool) async throws {
        try await queue.write { database in
            for subject in subjects {
                let sql =
                    isHidden
                    ? "INSERT INTO hidden (hash, kind) VALUES (?, ?) ON CONFLICT DO NOTHING"
                    : "DELETE FROM hidden WHERE hash = ? AND kind = ?"
                try database.run(sql, [subject.hash.data, subject.kindNumber])
            }
        }
        hidden.withLock { hidden in
            if isHidden { hidden.formUnion(subjects) } else { hidden.subtract(subjects) }
        }
    }

    // MARK: Levels

    /// The levels that moderation gives things; few, so in memory.
    var levelRules: LevelRules { levels.withLock { $0 } }

    private static func levels(_ database: Database) throws -> LevelRules {
        var rules = LevelRules()
        for row in try database.rows("SELECT thing, level, is_exact, version, others FROM levels") {
            guard let thing = LevelSubject(text: row[0]), let level = Level(rawValue: row[1]) else { continue }
            if let version = (row[3] as Data?).flatMap({ Hash32($0) }), let others = (row[4] as UInt32?) {
                rules[thing] = .judged(level, version: version, others: Level(declared: others))
            } else {
                rules[thing] = (row[2] as Bool) ? .exactly(level) : .atLeast(level)
            }
        }
        return rules
    }

    /// - Returns: what has another rule than before.
    func setLevels(_ rules: LevelRules) async throws -> [LevelSubject] {
        let before = levelRules
        let changed = Set(before.rules.keys).union(rules.rules.keys).filter { before[$0] != rules[$0] }
            .sorted { $0.text < $1.text }
        guard !changed.isEmpty else { return [] }
        try await queue.write { database in
            for thing in changed {
                guard let rule = rules[thing] else {
                    try database.run("DELETE FROM levels WHERE thing = ?", [thing.text])
                    continue
                }
                try Self.keep(rule, of: thing, database)
            }
        }
        levels.withLock { $0 = rules }
        return changed
    }

    private static func keep(_ rule: LevelRule, of thing: LevelSubject, _ database: Database) throws {
        let (level, isExact, version, others): (Level, Bool, Hash32?, Level?) =
            switch rule {
            case .atLeast(let level): (level, false, nil, nil)
            case .exactly(let level): (level, true, nil, nil)
            case .judged(let level, let version, let others): (level, true, version, others)
            }
        try database.run(
            "INSERT OR REPLACE INTO levels (thing, level, is_exact, version, others) VALUES (?, ?, ?, ?, ?)",
            [thing.text, Int64(level.rawValue), isExact, version?.data, others.map { Int64($0.rawValue) }])
    }
}
