import GRDB
import Moderation
import Testing

@testable import Catalog

@Suite("What queries about talk, works and people cost")
struct TalkPlanTests {
    private func plan(_ catalog: Catalog, _ sql: String) async throws -> [String] {
        try await catalog.read { database in
            let statement = try database.makeStatement(sql: "EXPLAIN QUERY PLAN " + sql)
            statement.setUncheckedArguments(StatementArguments())
            return try Row.fetchAll(statement).map { $0["detail"] }
        }
    }

    @Test("lists are merged from index ranges, and counts are read where they are kept")
    func lists() async throws {
        let lists = [
            OrderedList(
                columns: ["created", "tie", "id"], table: "comments", conditions: ["hidden = 0", "parent_id IS NULL"],
                merged: "subject_id"),
            OrderedList(columns: ["created", "tie", "id"], table: "works", conditions: ["kind = 14"]),
            OrderedList(
                columns: ["created", "tie", "id"], table: "works", conditions: ["kind = 15", "author_id = :a"]),
            OrderedList(
                columns: ["created", "tie", "collection_id"], table: "collection_items",
                conditions: ["subject_id = :s"]),
            OrderedList(columns: ["created", "tie", "follower_id"], table: "follows", merged: "person_id"),
            OrderedList(
                columns: ["created", "tie", "child_id"], table: "lineage",
                conditions: ["parent_id = :p", "is_image = 0"]),
        ]
        let others = [
            "SELECT id FROM comments WHERE parent_id = ? AND hidden = 0 ORDER BY created, tie, id LIMIT ?",
            "SELECT emoji, n FROM reaction_counts WHERE subject_id = ? ORDER BY n DESC, emoji LIMIT 8",
            "SELECT SUM(n) FROM image_counts WHERE kind = ? AND id = ? AND shelf IN (1, 2)",
            "SELECT id FROM works INDEXED BY works_graphs WHERE kind = 16 AND id > ? AND shelf = 1 ORDER BY id LIMIT ?",
            "UPDATE comments SET parent_id = ?1 WHERE reply_to = ?2 AND subject_id = ?3 AND id <> ?1",
            "UPDATE comments SET parent_id = NULL WHERE parent_id = ?",
            "SELECT sha256 FROM shown_blobs WHERE sha256 = ? ORDER BY earned DESC, shelf DESC LIMIT 20",
        ]
        try await withCatalog { catalog, _ in
            for sql in lists.flatMap({ list in [1, 3].map { list.sql(over: $0) } }) + others {
                let steps = try await plan(catalog, sql)
                #expect(!steps.isEmpty)
                #expect(
                    !steps.contains { $0.hasPrefix("SCAN") || $0.contains("TEMP B-TREE") }, "\(sql): \(steps)")
            }
        }
    }
}
