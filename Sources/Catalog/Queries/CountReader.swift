import Digests
import FoundationEssentials
import GRDB
import Statements
import WaggleProtocol

/// What was counted for what is shown: a few rows of each kept count, however much there is to count.
extension ViewReader {
    /// Of an image post, a review or a comment.
    func counts(ofPost post: Hash32) throws -> SubjectCounts {
        if let known = postCounts[post] { return known }
        var counts = SubjectCounts()
        if let row = try database.row("SELECT id, comments, reactions FROM subjects WHERE post = ?", [post.data]) {
            counts.comments = row[1]
            try add(reactions: row[2], of: [row[0]], to: &counts)
            counts.collections = try collections(with: [row[0]])
        }
        postCounts[post] = counts
        return counts
    }

    /// Of a collection, article or workflow: what was said of any of its versions.
    func counts(ofWork id: Int32) throws -> SubjectCounts {
        let rows = try database.rows(
            """
            SELECT id, comments, reactions FROM subjects WHERE work_id = ?
            ORDER BY id DESC LIMIT \(Limits.Catalog.versions)
            """, [id])
        var counts = SubjectCounts()
        counts.comments = rows.reduce(0) { $0 + ($1[1] as Int) }
        let reacted = rows.filter { $0[2] as Int > 0 }
        try add(reactions: reacted.reduce(0) { $0 + ($1[2] as Int) }, of: reacted.map { $0[0] }, to: &counts)
        return counts
    }

    /// Completes what a release's row of counts says.
    func counts(ofRelease subjectID: Int64, _ stored: SubjectCounts) throws -> SubjectCounts {
        var counts = stored
        try add(reactions: stored.reactionTotal, of: [subjectID], to: &counts)
        counts.images = try images(.release, subjectID)
        counts.collections = try collections(with: [subjectID])
        counts.drawnBy = try peopleDrawing(with: [subjectID])
        return counts
    }

    /// Completes what a model's row says: its versions and releases count together, but a collection of one of its
    /// releases is no collection of the model.
    func counts(ofModel id: Int32, _ stored: SubjectCounts) throws -> SubjectCounts {
        var counts = stored
        let rows = try database.rows(
            """
            SELECT id, reactions, release_id IS NULL FROM subjects WHERE model_id = ?
            ORDER BY id DESC LIMIT \(2 * Limits.Catalog.versions)
            """, [id])
        try add(reactions: stored.reactionTotal, of: rows.filter { $0[1] as Int > 0 }.map { $0[0] }, to: &counts)
        counts.images = try images(.model, Int64(id))
        counts.collections = try collections(with: rows.filter { $0[2] }.map { $0[0] })
        counts.drawnBy = try peopleDrawing(with: rows.filter { !($0[2] as Bool) }.map { $0[0] })
        return counts
    }

    /// How many images stand on the viewer's shelves.
    func images(_ kind: ImageCountKind, _ id: Int64) throws -> Int {
        let count = try database.integer(
            "SELECT SUM(n) FROM image_counts WHERE kind = ? AND id = ? AND shelf IN \(shelves)", [kind.rawValue, id])
        return Int(count ?? 0)
    }

    private func add(reactions total: Int, of subjects: [Int64], to counts: inout SubjectCounts) throws {
        guard total > 0 else { return }
        counts.reactionTotal = total
        // The leaders of all subjects together are among the leaders of each, but for rare ties of small numbers.
        let limit = Limits.Catalog.reactions * (subjects.count == 1 ? 1 : 2)
        var sums: [Data: Int] = [:]
        for subject in subjects {
            let rows = try database.rows(
                "SELECT emoji, n FROM reaction_counts WHERE subject_id = ? ORDER BY n DESC, emoji LIMIT ?",
                [subject, limit])
            for row in rows { sums[row[0], default: 0] += row[1] as Int }
        }
        let sorted = sums.sorted { first, second in
            first.value == second.value
                ? first.key.lexicographicallyPrecedes(second.key) : first.value > second.value
        }
        counts.reactions = sorted.prefix(Limits.Catalog.reactions).map {
            ReactionCount(emoji: String(decoding: $0.key, as: UTF8.self), count: $0.value)
        }
    }

    private func collections(with subjects: [Int64]) throws -> Int {
        guard !subjects.isEmpty else { return 0 }
        // A collection may name two versions of one model.
        let count = try database.integer(
            """
            SELECT COUNT(*) FROM (
                SELECT DISTINCT collection_id FROM collection_items
                WHERE subject_id IN (SELECT value FROM json_each(?)) AND shelf IN \(shelves)
                LIMIT \(Limits.Catalog.countedMentions))
            """, [subjects.json])
        return Int(count ?? 0)
    }
}
