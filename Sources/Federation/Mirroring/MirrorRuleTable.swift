import Digests
import FoundationEssentials
import GRDB
import Moderation

extension PeerStore {
    /// What rules learned since the first table: more filters, a reserve, a pause, and how the last pass went.
    static let mirrorRuleColumns = """
        ALTER TABLE mirror_rule ADD COLUMN tags TEXT NOT NULL DEFAULT '';
        ALTER TABLE mirror_rule ADD COLUMN creators BLOB NOT NULL DEFAULT x'';   -- author ids, 32 bytes each
        ALTER TABLE mirror_rule ADD COLUMN keep_free INTEGER NOT NULL DEFAULT 0; -- bytes
        ALTER TABLE mirror_rule ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE mirror_rule ADD COLUMN last_run INTEGER NOT NULL DEFAULT 0;  -- Unix seconds
        ALTER TABLE mirror_rule ADD COLUMN last_error TEXT NOT NULL DEFAULT '';
        """

    private static let ruleColumns = """
        n, node, types, bases, max_level, budget, tags, creators, keep_free, paused, last_run, last_error
        """

    private static func rule(_ row: Row) -> MirrorRule {
        MirrorRule(
            n: row[0],
            terms: MirrorRule.Terms(
                node: (row[1] as Data?).flatMap { Hash32($0) }, types: lines(row[2]), bases: lines(row[3]),
                tags: lines(row[6]), creators: ids(row[7]), maxLevel: Level(rawValue: UInt32(row[4] as Int64)) ?? .pg,
                budget: UInt64(row[5] as Int64), keepFree: UInt64(row[8] as Int64)),
            isPaused: row[9], lastRun: UInt64(row[10] as Int64), lastError: row[11])
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map(String.init)
    }

    private static func ids(_ bytes: Data) -> [Hash32] {
        stride(from: 0, to: bytes.count, by: 32).compactMap { Hash32(bytes.dropFirst($0).prefix(32)) }
    }

    /// All rules, oldest first: the first that matches and has room takes a file.
    public func mirrorRules() async throws(PeerStoreError) -> [MirrorRule] {
        try await access { db in
            try Row.fetchAll(db, sql: "SELECT \(Self.ruleColumns) FROM mirror_rule ORDER BY n").map(Self.rule)
        }
    }

    /// Adds a rule; the same terms again change nothing and give the rule that has them.
    public func addMirrorRule(_ terms: MirrorRule.Terms, now: UInt64) async throws(PeerStoreError) -> MirrorRule {
        if let same = try await mirrorRules().first(where: { $0.terms == terms }) { return same }
        let n = try await access { db in
            try db.execute(
                sql: """
                    INSERT INTO mirror_rule (node, types, bases, max_level, budget, tags, creators, keep_free, added)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    terms.node?.data, terms.types.joined(separator: "\n"), terms.bases.joined(separator: "\n"),
                    Int64(terms.maxLevel.rawValue), Int64(clamping: terms.budget),
                    terms.tags.joined(separator: "\n"), terms.creators.reduce(into: Data()) { $0 += $1.data },
                    Int64(clamping: terms.keepFree), Int64(now),
                ])
            return db.lastInsertedRowID
        }
        return MirrorRule(n: n, terms: terms, isPaused: false, lastRun: 0, lastError: "")
    }

    /// Pauses or resumes a rule; it stays so over restarts.
    public func setMirrorRule(_ n: Int64, paused: Bool) async throws(PeerStoreError) {
        try await access { db in
            try db.execute(sql: "UPDATE mirror_rule SET paused = ? WHERE n = ?", arguments: [paused, n])
        }
    }

    /// A pass has worked the rule; what went wrong in words, empty when nothing did.
    func noteMirrorRule(_ n: Int64, error: String, now: UInt64) async throws(PeerStoreError) {
        try await access { db in
            try db.execute(
                sql: "UPDATE mirror_rule SET last_run = ?, last_error = ? WHERE n = ?",
                arguments: [Int64(now), error, n])
        }
    }

    /// Forgets a rule.
    func removeMirrorRule(_ n: Int64) async throws(PeerStoreError) {
        try await access { db in try db.execute(sql: "DELETE FROM mirror_rule WHERE n = ?", arguments: [n]) }
    }
}
