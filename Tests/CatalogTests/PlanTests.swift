import GRDB
import Moderation
import Testing

@testable import Catalog

@Suite("What queries cost")
struct PlanTests {
    /// The steps of SQLite's plan for a statement.
    private func plan(_ catalog: Catalog, _ sql: String) async throws -> [String] {
        try await catalog.read { database in
            let statement = try database.makeStatement(sql: "EXPLAIN QUERY PLAN " + sql)
            statement.setUncheckedArguments(StatementArguments())
            return try Row.fetchAll(statement).map { $0["detail"] }
        }
    }

    @Test("lists are merged from index ranges: nothing is scanned or sorted, whoever looks")
    func orderedLists() async throws {
        let lists = [
            OrderedList(columns: ["created", "tie", "id"], table: "images"),
            OrderedList(columns: ["created", "tie", "id"], table: "images", isDescending: false),
            OrderedList(columns: ["created", "tie", "id"], table: "images", conditions: ["author_id = :a"]),
            OrderedList(
                columns: ["created", "tie", "image_id"], table: "image_links", conditions: ["subject_id = :s"]),
            OrderedList(
                columns: ["created", "tie", "image_id"], table: "image_links",
                conditions: ["subject_id = :s", "author_id = :a"]),
            OrderedList(columns: ["created", "tie", "image_id"], table: "model_images", conditions: ["model_id = :m"]),
            OrderedList(columns: ["published", "tie", "id"], table: "models INDEXED BY models_published"),
            OrderedList(columns: ["updated", "tie", "id"], table: "models INDEXED BY models_updated"),
            OrderedList(
                columns: ["downloads", "published", "tie", "id"], table: "models INDEXED BY models_downloads"),
            OrderedList(columns: ["score", "published", "tie", "id"], table: "models INDEXED BY models_score"),
            OrderedList(columns: ["comments", "published", "tie", "id"], table: "models INDEXED BY models_comments"),
            OrderedList(columns: ["trending", "published", "tie", "id"], table: "models INDEXED BY models_trending"),
            OrderedList(
                columns: ["created", "tie", "image_id"], table: "image_terms AS l", conditions: ["term = :listed"]),
            OrderedList(
                columns: ["reactions", "created", "tie", "id"], table: "images AS l INDEXED BY images_reactions"),
            OrderedList(
                columns: ["created", "tie", "id"], table: "reviews", conditions: ["hidden = 0"], merged: "subject_id"),
            OrderedList(
                columns: ["created", "tie", "id"], table: "comments", conditions: ["hidden = 0"], merged: "subject_id"),
        ]
        try await withCatalog { catalog, _ in
            for list in lists {
                for shelves in [1, 2, 5, 12] {
                    let steps = try await plan(catalog, list.sql(over: shelves))
                    #expect(!steps.isEmpty)
                    for step in steps {
                        #expect(
                            !step.hasPrefix("SCAN") && !step.contains("TEMP B-TREE"),
                            "\(list.table) over \(shelves): \(steps)")
                    }
                }
            }
        }
    }

    @Test("look-ups by hash use an index for each form")
    func hashes() async throws {
        let conditions = [
            "sha256 = ?": "files_sha256", "pieces_root = ?": "files_pieces_root", "autov1 = ?": "files_autov1",
            "autov3 = ?": "files_autov3", "crc32 = ?": "files_crc32", "sha256 BETWEEN ? AND ?": "files_sha256",
            "autov3 BETWEEN ? AND ?": "files_autov3", "tensor_digest = ?": "files_tensors",
        ]
        try await withCatalog { catalog, _ in
            for (condition, index) in conditions {
                let steps = try await plan(
                    catalog, "SELECT release_id FROM files WHERE \(condition) AND shelf IN (1, 2) ORDER BY earned DESC")
                #expect(steps.contains { $0.contains(index) }, "\(condition): \(steps)")
            }
        }
    }
}
