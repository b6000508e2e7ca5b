import Digests
import GRDB
import Moderation
import Statements
import WaggleProtocol

/// Finds what is talked about.
extension ViewReader {
    /// The rows of counts of a post and of its other versions, when the post itself is shown to the viewer.
    func visibleSubjects(_ post: Hash32, depth: Int = 0) throws -> [Int64] {
        guard
            let row = try database.row(
                "SELECT id, release_id, model_id, work_id, shelves FROM subjects WHERE post = ?", [post.data]),
            let id = row[0] as Int64?
        else { return [] }
        if row[1] as Int64? == nil, let modelID = row[2] as Int64? {
            return try isShown("models", modelID) ? try versions(ofSubject: id) : []
        }
        if let workID = row[3] as Int64? { return try isShown("works", workID) ? try versions(ofSubject: id) : [] }
        if (row[4] as Int64) & filter.shelfSet != 0 { return [id] }
        if try isShownReview(post) { return [id] }
        return try isShownComment(post, depth: depth) ? [id] : []
    }

    /// The rows of counts of a post and of its other versions, whoever looks.
    func subjects(_ post: Hash32) throws -> [Int64] {
        let id = try database.integer("SELECT id FROM subjects WHERE post = ?", [post.data])
        return try id.map(versions) ?? []
    }

    /// A model, collection, article or workflow is one thing in all its versions, of which the newest known count.
    private func versions(ofSubject id: Int64) throws -> [Int64] {
        guard
            let row = try database.row("SELECT release_id, model_id, work_id FROM subjects WHERE id = ?", [id]),
            row[0] as Int64? == nil
        else { return [id] }
        if let modelID = row[1] as Int32? { return try versions(ofModel: modelID) }
        guard let workID = row[2] as Int64? else { return [id] }
        return try database.rows(
            "SELECT id FROM subjects WHERE work_id = ? ORDER BY id DESC LIMIT \(Limits.Catalog.versions)", [workID]
        ).map { $0[0] }
    }

    /// The rows of counts of a model's own posts.
    func versions(ofModel id: Int32) throws -> [Int64] {
        try database.rows(
            """
            SELECT id FROM subjects WHERE model_id = ? AND release_id IS NULL
            ORDER BY id DESC LIMIT \(Limits.Catalog.versions)
            """, [id]
        ).map { $0[0] }
    }

    private func isShown(_ table: String, _ id: Int64) throws -> Bool {
        try database.exists("SELECT 1 FROM \(table) WHERE id = ? AND shelf IN \(shelves)", [id])
    }

    private func isShownReview(_ post: Hash32) throws -> Bool {
        try database.exists(
            """
            SELECT 1 FROM reviews v JOIN subjects s ON s.id = v.subject_id JOIN releases r ON r.id = s.release_id
            WHERE v.post = ? AND v.hidden = 0 AND r.shelf IN \(shelves)
            """, [post.data])
    }

    /// A comment is shown with what it is about.
    private func isShownComment(_ post: Hash32, depth: Int) throws -> Bool {
        guard depth < Limits.Catalog.subjectDepth else { return false }
        let row = try database.row(
            """
            SELECT s.post FROM comments c JOIN subjects s ON s.id = c.subject_id WHERE c.post = ? AND c.hidden <= ?
            """, [post.data, filter.seesHidden])
        return try row.map { try !visibleSubjects($0.hash(0), depth: depth + 1).isEmpty } ?? false
    }
}
