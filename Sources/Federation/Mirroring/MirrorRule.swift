public import Digests
import FoundationEssentials
import GRDB
public import Moderation

/// What this node keeps copies of. A file is wanted when some rule matches it and the rule's budget has room for it.
public struct MirrorRule: Sendable, Hashable {
    public let n: Int64
    /// Only files that this peer holds; nil for whoever has them.
    public let node: Hash32?
    /// Model types, compared without case; empty for all.
    public let types: [String]
    /// Base models, compared without case; empty for all.
    public let bases: [String]
    public let maxLevel: Level
    /// Bytes that the rule may fill.
    public let budget: UInt64

    /// Does the rule want a file or image of such a model?
    public func matches(type: String, base: String, level: Level) -> Bool {
        level <= maxLevel && Self.allows(types, type) && Self.allows(bases, base)
    }

    private static func allows(_ words: [String], _ word: String) -> Bool {
        words.isEmpty || words.contains { $0.lowercased() == word.lowercased() }
    }
}

extension PeerStore {
    private static let ruleColumns = "n, node, types, bases, max_level, budget"

    private static func rule(_ row: Row) -> MirrorRule {
        MirrorRule(
            n: row[0], node: (row[1] as Data?).flatMap { Hash32($0) }, types: lines(row[2]), bases: lines(row[3]),
            maxLevel: Level(rawValue: UInt32(row[4] as Int64)) ?? .pg, budget: UInt64(row[5] as Int64))
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map(String.init)
    }

    /// All rules, oldest first: the first that matches and has room takes a file.
    public func mirrorRules() async throws(PeerStoreError) -> [MirrorRule] {
        try await access { db in
            try Row.fetchAll(db, sql: "SELECT \(Self.ruleColumns) FROM mirror_rule ORDER BY n").map(Self.rule)
        }
    }

    /// Adds a rule; the same rule again changes nothing and is returned as it is.
    public func addMirrorRule(
        node: Hash32?, types: [String], bases: [String], maxLevel: Level, budget: UInt64, now: UInt64
    ) async throws(PeerStoreError) -> MirrorRule {
        let same = try await mirrorRules().first {
            $0.node == node && $0.types == types && $0.bases == bases && $0.maxLevel == maxLevel && $0.budget == budget
        }
        if let same { return same }
        let n = try await access { db in
            try db.execute(
                sql: """
                    INSERT INTO mirror_rule (node, types, bases, max_level, budget, added) VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    node?.data, types.joined(separator: "\n"), bases.joined(separator: "\n"),
                    Int64(maxLevel.rawValue), Int64(clamping: budget), Int64(now),
                ])
            return db.lastInsertedRowID
        }
        return MirrorRule(n: n, node: node, types: types, bases: bases, maxLevel: maxLevel, budget: budget)
    }
}
