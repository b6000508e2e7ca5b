public import Digests
import FoundationEssentials
import GRDB

/// The table of appeals in `moderation.db`: those by people of this node, and those against what it says on its lists.
enum AppealTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE appeals (
                    post BLOB PRIMARY KEY,
                    action BLOB NOT NULL,
                    keeper BLOB NOT NULL,
                    author BLOB NOT NULL,
                    text TEXT NOT NULL,
                    created INTEGER NOT NULL,
                    answer BLOB,
                    is_upheld INTEGER,
                    answer_text TEXT,
                    answered INTEGER
                ) WITHOUT ROWID;
                CREATE INDEX appeals_action ON appeals (action, author, created, post);
                CREATE INDEX appeals_author ON appeals (author, created);
                """)
    }

    private static let columns =
        "post, action, keeper, author, text, created, answer, is_upheld, answer_text, answered"

    private static func appeal(_ row: Row) -> PublicAppeal? {
        guard let post = Hash32(row[0] as Data), let action = Hash32(row[1] as Data),
            let keeper = Hash32(row[2] as Data), let author = Hash32(row[3] as Data)
        else { return nil }
        var answer: PublicAppeal.Answer?
        if let data = row[6] as Data?, let said = Hash32(data) {
            answer = PublicAppeal.Answer(
                post: said, isUpheld: row[7] ?? false, text: row[8] ?? "", created: UInt64(row[9] as Int64? ?? 0))
        }
        return PublicAppeal(
            post: post, action: action, keeper: keeper, author: author, text: row[4],
            created: UInt64(row[5] as Int64), answer: answer)
    }

    static func keep(_ database: Database, _ appeal: PublicAppeal) throws {
        try database.execute(
            sql: """
                INSERT INTO appeals (post, action, keeper, author, text, created) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO NOTHING
                """,
            arguments: [
                appeal.post.data, appeal.action.data, appeal.keeper.data, appeal.author.data, appeal.text,
                Int64(clamping: appeal.created),
            ])
    }

    /// Keeps an answer of the keeper's when it is newer than the one that is there.
    static func answer(_ database: Database, _ post: Hash32, by keeper: Hash32, _ answer: PublicAppeal.Answer) throws {
        try database.execute(
            sql: """
                UPDATE appeals SET answer = ?1, is_upheld = ?2, answer_text = ?3, answered = ?4
                WHERE post = ?5 AND keeper = ?6 AND (answer IS NULL OR (answered, answer) < (?4, ?1))
                """,
            arguments: [
                answer.post.data, answer.isUpheld, answer.text, Int64(clamping: answer.created), post.data, keeper.data,
            ])
    }

    static func find(_ database: Database, post: Hash32) throws -> PublicAppeal? {
        try Row.fetchOne(database, sql: "SELECT \(columns) FROM appeals WHERE post = ?", arguments: [post.data])
            .flatMap(appeal)
    }

    /// The earliest appeal of a person against an action: it is the one that counts.
    static func first(_ database: Database, against action: Hash32, by author: Hash32) throws -> PublicAppeal? {
        try Row.fetchOne(
            database,
            sql: "SELECT \(columns) FROM appeals WHERE action = ? AND author = ? ORDER BY created, post LIMIT 1",
            arguments: [action.data, author.data]
        ).flatMap(appeal)
    }

    /// The newest first.
    static func all(_ database: Database, by author: Hash32, limit: Int) throws -> [PublicAppeal] {
        try Row.fetchAll(
            database, sql: "SELECT \(columns) FROM appeals WHERE author = ? ORDER BY created DESC, post LIMIT ?",
            arguments: [author.data, limit]
        ).compactMap(appeal)
    }
}

extension Moderation {
    public func keep(_ appeal: PublicAppeal) async throws(ModerationError) {
        try await store.write { try AppealTable.keep($0, appeal) }
    }

    /// Keeps the newest answer of whoever keeps the list; others' mean nothing.
    public func keep(
        _ answer: PublicAppeal.Answer, to appeal: Hash32, by keeper: Hash32
    ) async throws(ModerationError) {
        try await store.write { try AppealTable.answer($0, appeal, by: keeper, answer) }
    }

    public func appeal(_ post: Hash32) async throws(ModerationError) -> PublicAppeal? {
        try await store.read { try AppealTable.find($0, post: post) }
    }

    /// The appeal of a person against an action that counts: the earliest.
    public func appeal(against action: Hash32, by author: Hash32) async throws(ModerationError) -> PublicAppeal? {
        try await store.read { try AppealTable.first($0, against: action, by: author) }
    }

    public func appeals(by author: Hash32, limit: Int = 100) async throws(ModerationError) -> [PublicAppeal] {
        try await store.read { try AppealTable.all($0, by: author, limit: limit) }
    }
}
