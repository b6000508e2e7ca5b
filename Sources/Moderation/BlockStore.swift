import Digests
import Formats
import FoundationEssentials
import GRDB

/// The table of blocks in `moderation.db`: rows are added and lifted, never deleted.
enum BlockTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE blocks (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    kind INTEGER NOT NULL,
                    hash BLOB NOT NULL,
                    distance INTEGER NOT NULL,
                    case_number TEXT NOT NULL,
                    reason TEXT NOT NULL,
                    decided_by TEXT NOT NULL,
                    decided_at INTEGER NOT NULL,
                    lifted_by TEXT,
                    lifted_at INTEGER
                );
                CREATE UNIQUE INDEX blocks_in_force ON blocks (hash, kind) WHERE lifted_at IS NULL;
                """)
    }

    /// Pictures by their perceptual hash; the other numbers are those of `ModerationSubject`.
    private static let pictureKind: Int64 = 4

    private static func columns(_ subject: BlockSubject) -> (kind: Int64, hash: Hash32, distance: Int) {
        switch subject {
        case .exact(let subject): (subject.kindNumber, subject.hash, 0)
        case .picture(let hash, let distance): (pictureKind, hash.words, distance)
        }
    }

    static func inForce(_ database: Database) throws -> [BlockRow] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT kind, hash, distance, case_number, reason, decided_by, decided_at FROM blocks
                WHERE lifted_at IS NULL ORDER BY id
                """
        ).compactMap(row)
    }

    /// Adds a row for each subject that has none in force; returns the rows in force for all.
    static func add(
        _ database: Database, _ subjects: [BlockSubject], caseNumber: String?, reason: String, by: String, when: UInt64
    ) throws -> [BlockRow] {
        let next = try Int64.fetchOne(database, sql: "SELECT COALESCE(MAX(id), 0) + 1 FROM blocks") ?? 1
        for subject in subjects {
            let (kind, hash, distance) = columns(subject)
            try database.execute(
                sql: """
                    INSERT INTO blocks (kind, hash, distance, case_number, reason, decided_by, decided_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                    """,
                arguments: [kind, hash.data, distance, caseNumber ?? "B-\(next)", reason, by, Int64(when)])
        }
        let named = Set(subjects.map { columns($0).hash })
        return try inForce(database).filter { named.contains(columns($0.subject).hash) }
    }

    /// Takes back everything of a case, or one subject.
    static func lift(
        _ database: Database, caseNumber: String?, subject: BlockSubject?, by: String, when: UInt64
    ) throws -> [BlockRow] {
        let lifted = try inForce(database).filter { row in
            if let caseNumber { return row.caseNumber == caseNumber }
            guard let subject else { return false }
            let (wanted, found) = (columns(subject), columns(row.subject))
            return wanted.kind == found.kind && wanted.hash == found.hash
        }
        for row in lifted {
            let (kind, hash, _) = columns(row.subject)
            try database.execute(
                sql: "UPDATE blocks SET lifted_by = ?, lifted_at = ? WHERE hash = ? AND kind = ? AND lifted_at IS NULL",
                arguments: [by, Int64(when), hash.data, kind])
        }
        return lifted
    }

    private static func row(_ row: Row) -> BlockRow? {
        guard let hash = Hash32(row[1] as Data) else { return nil }
        let kind: Int64 = row[0]
        let subject: BlockSubject
        if kind == pictureKind {
            subject = .picture(PDQHash(words: hash), distance: row[2])
        } else {
            guard let exact = ModerationSubject(kindNumber: kind, hash: hash) else { return nil }
            subject = .exact(exact)
        }
        return BlockRow(
            subject: subject, caseNumber: row[3], reason: row[4], by: row[5], when: UInt64(row[6] as Int64))
    }
}
