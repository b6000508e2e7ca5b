import Digests
import FoundationEssentials
import GRDB

/// The tables of decisions about lists in `moderation.db`. Entries are in no table: the posts that say them are the truth.
enum ListTables {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE list_sources (place INTEGER PRIMARY KEY, body TEXT NOT NULL);
                CREATE TABLE list_approvals (
                    list TEXT NOT NULL,
                    subject TEXT NOT NULL,
                    action INTEGER NOT NULL,
                    severity INTEGER NOT NULL,
                    reason TEXT NOT NULL,
                    automatic INTEGER NOT NULL,
                    PRIMARY KEY (list, subject)
                ) WITHOUT ROWID;
                CREATE TABLE list_held (
                    list TEXT NOT NULL, subject TEXT NOT NULL, post BLOB NOT NULL, PRIMARY KEY (list, subject)
                ) WITHOUT ROWID;
                CREATE TABLE list_allowed (subject TEXT PRIMARY KEY) WITHOUT ROWID;
                CREATE TABLE list_steps (number INTEGER PRIMARY KEY, body TEXT NOT NULL);
                CREATE TABLE list_spent (
                    id INTEGER PRIMARY KEY, list TEXT NOT NULL, at INTEGER NOT NULL, items INTEGER NOT NULL
                );
                """)
    }

    private static func name(_ list: ListID) -> String { "\(list.author.hex)/\(list.slug)" }

    private static func list(_ name: String) -> ListID? {
        let parts = name.split(separator: "/", maxSplits: 1)
        guard parts.count == 2, let author = Hash32(hex: parts[0]) else { return nil }
        return ListID(author: author, slug: String(parts[1]))
    }

    private static func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    private static func value<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(json.utf8))
    }

    static func keep(_ database: Database, _ changes: [PolicyChange]) throws {
        for change in changes {
            switch change {
            case .sources(let all):
                try database.execute(sql: "DELETE FROM list_sources")
                for (place, source) in all.enumerated() {
                    try database.execute(
                        sql: "INSERT INTO list_sources (place, body) VALUES (?, ?)", arguments: [place, json(source)])
                }
            case .approval(let list, let subject, let approval?):
                try database.cachedStatement(
                    sql: "INSERT OR REPLACE INTO list_approvals VALUES (?, ?, ?, ?, ?, ?)"
                ).execute(arguments: [
                    name(list), subject.text, Int64(approval.action.rawValue), Int64(approval.severity.rawValue),
                    approval.reason, approval.isAutomatic,
                ])
            case .approval(let list, let subject, nil):
                try database.cachedStatement(sql: "DELETE FROM list_approvals WHERE list = ? AND subject = ?")
                    .execute(arguments: [name(list), subject.text])
            case .held(let list, let subject, let post?):
                try database.cachedStatement(sql: "INSERT OR REPLACE INTO list_held VALUES (?, ?, ?)")
                    .execute(arguments: [name(list), subject.text, post.data])
            case .held(let list, let subject, nil):
                try database.cachedStatement(sql: "DELETE FROM list_held WHERE list = ? AND subject = ?")
                    .execute(arguments: [name(list), subject.text])
            case .allowed(let subject, let isAllowed):
                try database.execute(
                    sql: isAllowed
                        ? "INSERT OR IGNORE INTO list_allowed VALUES (?)"
                        : "DELETE FROM list_allowed WHERE subject = ?",
                    arguments: [subject.text])
            case .step(let step):
                try database.execute(
                    sql: "INSERT INTO list_steps (number, body) VALUES (?, ?)", arguments: [step.number, json(step)])
            case .undone(let number):
                try database.execute(sql: "DELETE FROM list_steps WHERE number = ?", arguments: [number])
            case .spent(let list, let use):
                try database.execute(
                    sql: "INSERT INTO list_spent (list, at, items) VALUES (?, ?, ?)",
                    arguments: [name(list), Int64(use.at), use.items])
            }
        }
    }

    /// The decisions that stand, as changes that make them.
    static func kept(_ database: Database) throws -> [PolicyChange] {
        var changes: [PolicyChange] = []
        changes.append(
            .sources(
                try String.fetchAll(database, sql: "SELECT body FROM list_sources ORDER BY place").map {
                    try value(ListSource.self, $0)
                }))
        for row in try Row.fetchAll(database, sql: "SELECT * FROM list_approvals") {
            guard let list = list(row[0]), let subject = ListSubject(text: row[1]),
                let action = Severity(rawValue: UInt32(row[2] as Int64)),
                let severity = Severity(rawValue: UInt32(row[3] as Int64))
            else { continue }
            let approval = Approval(action: action, severity: severity, reason: row[4], isAutomatic: row[5])
            changes.append(.approval(list, subject, approval))
        }
        for row in try Row.fetchAll(database, sql: "SELECT list, subject, post FROM list_held") {
            guard let list = list(row[0]), let subject = ListSubject(text: row[1]), let post = Hash32(row[2] as Data)
            else { continue }
            changes.append(.held(list, subject, post))
        }
        for text in try String.fetchAll(database, sql: "SELECT subject FROM list_allowed") {
            if let subject = ListSubject(text: text) { changes.append(.allowed(subject, true)) }
        }
        for body in try String.fetchAll(database, sql: "SELECT body FROM list_steps ORDER BY number") {
            changes.append(.step(try value(PolicyStep.self, body)))
        }
        for row in try Row.fetchAll(database, sql: "SELECT list, at, items FROM list_spent ORDER BY id") {
            guard let list = list(row[0]) else { continue }
            changes.append(.spent(list, BrakeUse(at: UInt64(row[1] as Int64), items: row[2])))
        }
        return changes
    }
}
