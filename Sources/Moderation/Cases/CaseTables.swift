import Digests
import FoundationEssentials
import GRDB
import WaggleProtocol

/// The tables of cases in `moderation.db`.
enum CaseTables {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE cases (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    body TEXT NOT NULL,
                    state TEXT NOT NULL,
                    secret BLOB
                );
                CREATE INDEX cases_open ON cases (state) WHERE state <> 'decided';
                CREATE UNIQUE INDEX cases_secret ON cases (secret) WHERE secret IS NOT NULL;
                CREATE TABLE case_subjects (subject TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (subject, id)) WITHOUT ROWID;
                CREATE TABLE reports (
                    id INTEGER PRIMARY KEY,
                    case_id INTEGER NOT NULL,
                    reporter TEXT NOT NULL,
                    reason TEXT NOT NULL,
                    at INTEGER NOT NULL,
                    sealed BLOB NOT NULL
                );
                CREATE INDEX reports_case ON reports (case_id, id);
                CREATE INDEX reports_reporter ON reports (reporter, at);
                CREATE TABLE strikes (
                    id INTEGER PRIMARY KEY,
                    author BLOB NOT NULL,
                    case_id INTEGER NOT NULL,
                    at INTEGER NOT NULL,
                    UNIQUE (author, case_id)
                );
                CREATE TABLE action_acks (
                    action BLOB NOT NULL,
                    node BLOB NOT NULL,
                    outcome INTEGER NOT NULL,
                    at INTEGER NOT NULL,
                    PRIMARY KEY (action, node)
                ) WITHOUT ROWID;
                CREATE TABLE decisions (
                    number INTEGER PRIMARY KEY,
                    at INTEGER NOT NULL,
                    action TEXT NOT NULL,
                    reason TEXT NOT NULL,
                    subject TEXT NOT NULL,
                    seconds INTEGER
                );
                CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are not changed'); END;
                CREATE TRIGGER decisions_grow BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are not cut'); END;
                """)
    }

    private static func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    private static func item(_ row: Row) throws -> ModerationCase {
        try JSONDecoder().decode(ModerationCase.self, from: Data((row[0] as String).utf8))
    }

    // MARK: Cases

    /// Opens a case, or finds the open one about the same subject.
    /// - Parameter merges: false for what is a case of its own whatever else is open.
    static func open(
        _ database: Database, _ kind: ModerationCase.Kind, _ subjects: [String], reason: String, at now: UInt64,
        secret: Hash32?, merges: Bool = true
    ) throws -> ModerationCase {
        if merges, kind == .report, let subject = subjects.first {
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT c.body FROM case_subjects s JOIN cases c ON c.id = s.id
                    WHERE s.subject = ? AND c.state <> 'decided' ORDER BY c.id LIMIT 1
                    """, arguments: [subject])
            if let row { return try item(row) }
        }
        let id = try Int64.fetchOne(database, sql: "SELECT COALESCE(MAX(id), 0) + 1 FROM cases") ?? 1
        let new = ModerationCase(id: id, kind: kind, subjects: subjects, reason: reason, opened: now)
        try database.execute(
            sql: "INSERT INTO cases (id, body, state, secret) VALUES (?, ?, ?, ?)",
            arguments: [id, json(new), new.state.rawValue, secret?.data])
        for subject in Set(subjects) {
            try database.execute(sql: "INSERT INTO case_subjects VALUES (?, ?)", arguments: [subject, id])
        }
        return new
    }

    static func update(_ database: Database, _ item: ModerationCase) throws {
        try database.execute(
            sql: "UPDATE cases SET body = ?, state = ? WHERE id = ?",
            arguments: [json(item), item.state.rawValue, item.id])
    }

    static func find(_ database: Database, id: Int64) throws -> ModerationCase? {
        try Row.fetchOne(database, sql: "SELECT body FROM cases WHERE id = ?", arguments: [id]).map(item)
    }

    static func find(_ database: Database, secret: Hash32) throws -> ModerationCase? {
        try Row.fetchOne(database, sql: "SELECT body FROM cases WHERE secret = ?", arguments: [secret.data]).map(item)
    }

    static func open(_ database: Database, limit: Int) throws -> [ModerationCase] {
        try Row.fetchAll(
            database, sql: "SELECT body FROM cases WHERE state <> 'decided' ORDER BY id LIMIT ?", arguments: [limit]
        ).map(item)
    }

    static func decided(_ database: Database, limit: Int) throws -> [ModerationCase] {
        try Row.fetchAll(
            database, sql: "SELECT body FROM cases WHERE state = 'decided' ORDER BY id DESC LIMIT ?", arguments: [limit]
        ).map(item)
    }

    /// Decided cases about a subject.
    static func about(_ database: Database, _ subject: String) throws -> [ModerationCase] {
        try Row.fetchAll(
            database,
            sql:
                "SELECT c.body FROM case_subjects s JOIN cases c ON c.id = s.id WHERE s.subject = ? ORDER BY c.id DESC",
            arguments: [subject]
        ).map(item)
    }

    /// Cases in which somebody appealed against one entry, label or lock. Appeals are rare, and so is this question.
    static func appealed(_ database: Database, _ action: String) throws -> [ModerationCase] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT body FROM cases WHERE state = 'decided' AND json_extract(body, '$.appeal.action') = ?
                ORDER BY id DESC
                """, arguments: [action]
        ).map(item)
    }

    // MARK: Reports

    /// Adds a report; a person counts once a case.
    ///
    /// - Returns: whether it is a new one.
    static func add(_ database: Database, _ report: CaseReport, to id: Int64) throws -> Bool {
        if !report.reporter.isEmpty {
            let isThere = try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM reports WHERE case_id = ? AND reporter = ?)",
                arguments: [id, report.reporter])
            if isThere == true { return false }
        }
        try database.execute(
            sql: "INSERT INTO reports (case_id, reporter, reason, at, sealed) VALUES (?, ?, ?, ?, ?)",
            arguments: [id, report.reporter, report.reason, Int64(report.at), Data(report.sealed)])
        return true
    }

    static func reports(_ database: Database, of id: Int64, limit: Int) throws -> [CaseReport] {
        try Row.fetchAll(
            database, sql: "SELECT reporter, reason, at, sealed FROM reports WHERE case_id = ? ORDER BY id LIMIT ?",
            arguments: [id, limit]
        ).map { row in
            CaseReport(
                reporter: row[0], reason: row[1], at: UInt64(row[2] as Int64), sealed: Array(row[3] as Data))
        }
    }

    /// Reports of one person since a time.
    static func count(_ database: Database, by reporter: String, since: UInt64) throws -> Int {
        try Int.fetchOne(
            database, sql: "SELECT count(*) FROM reports WHERE reporter = ? AND at >= ?",
            arguments: [reporter, Int64(since)]) ?? 0
    }

    // MARK: Strikes

    static func strike(_ database: Database, _ author: Hash32, _ id: Int64, at now: UInt64) throws {
        try database.execute(
            sql: "INSERT OR IGNORE INTO strikes (author, case_id, at) VALUES (?, ?, ?)",
            arguments: [author.data, id, Int64(now)])
    }

    static func liftStrikes(_ database: Database, of id: Int64) throws {
        try database.execute(sql: "DELETE FROM strikes WHERE case_id = ?", arguments: [id])
    }

    static func strikes(_ database: Database, of author: Hash32, since: UInt64) throws -> Int {
        try Int.fetchOne(
            database, sql: "SELECT count(*) FROM strikes WHERE author = ? AND at >= ?",
            arguments: [author.data, Int64(since)]) ?? 0
    }

    // MARK: Acknowledgements

    static func acknowledge(
        _ database: Database, _ action: Hash32, by node: Hash32, outcome: Int, at now: UInt64
    ) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO action_acks VALUES (?, ?, ?, ?)",
            arguments: [action.data, node.data, outcome, Int64(now)])
    }

    static func acks(_ database: Database, of actions: [Hash32]) throws -> [ActionAck] {
        try actions.flatMap { action in
            try Row.fetchAll(
                database, sql: "SELECT node, outcome, at FROM action_acks WHERE action = ? ORDER BY node",
                arguments: [action.data]
            ).compactMap { row in
                guard let node = Hash32(row[0] as Data) else { return nil }
                return ActionAck(action: action, node: node, outcome: row[1], at: UInt64(row[2] as Int64))
            }
        }
    }

    // MARK: Decisions

    static func decide(_ database: Database, _ line: DecisionLine) throws -> DecisionLine {
        let number = try Int64.fetchOne(database, sql: "SELECT COALESCE(MAX(number), 0) + 1 FROM decisions") ?? 1
        var line = line
        line.number = UInt64(number)
        try database.execute(
            sql: "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                number, Int64(line.at), line.action, line.reason, line.subject, line.seconds.map { Int64($0) },
            ])
        return line
    }

    static func decisions(_ database: Database) throws -> [DecisionLine] {
        try Row.fetchAll(
            database, sql: "SELECT number, at, action, reason, subject, seconds FROM decisions ORDER BY number"
        ).map { row in
            DecisionLine(
                number: UInt64(row[0] as Int64), at: UInt64(row[1] as Int64), action: row[2], reason: row[3],
                subject: row[4], seconds: (row[5] as Int64?).map { UInt64($0) })
        }
    }
}
