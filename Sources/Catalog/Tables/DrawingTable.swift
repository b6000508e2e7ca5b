import Digests
import GRDB
import PostLog
import Statements
import WaggleProtocol

/// What people say of pictures that were drawn for them, by the releases that these were drawn with.
///
/// A release counts each person once, as with reactions: which pictures there are nobody else can check. A picture of which
/// nobody said anything is counted nowhere, for nobody signed that it was drawn.
enum DrawingTable {
    static let schema = """
        CREATE TABLE drawings (
            post BLOB NOT NULL,
            subject_id INTEGER NOT NULL,       -- of a release
            author_id INTEGER NOT NULL,
            hidden INTEGER NOT NULL,
            PRIMARY KEY (post, subject_id)
        ) WITHOUT ROWID;
        -- How much each person says, without what is hidden.
        CREATE TABLE drawing_people (
            subject_id INTEGER NOT NULL, author_id INTEGER NOT NULL, n INTEGER NOT NULL,
            PRIMARY KEY (subject_id, author_id)
        ) WITHOUT ROWID;
        """
}

extension Projection {
    func show(feedback: WireDrawingFeedback, _ post: LoggedPost) throws {
        let (authorID, isHidden) = (try authorID(post.author), isHidden(post.id))
        for release in feedback.releases.compactMap({ Hash32($0) }) {
            let subjectID = try subjectID(release)
            try database.run(
                "INSERT INTO drawings (post, subject_id, author_id, hidden) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [post.id.data, subjectID, authorID, isHidden])
            if database.changesCount > 0, !isHidden { try count(drawingWith: subjectID, by: authorID, 1) }
        }
    }

    func hideFeedback(_ post: Hash32) throws {
        for row in try drawings(post) where !(row[2] as Bool) { try count(drawingWith: row[0], by: row[1], -1) }
        try database.run("DELETE FROM drawings WHERE post = ?", [post.data])
    }

    func refreshHiddenFeedback(_ post: Hash32) throws {
        let isHidden = isHidden(post)
        for row in try drawings(post) where row[2] as Bool != isHidden {
            try count(drawingWith: row[0], by: row[1], isHidden ? -1 : 1)
        }
        try database.run("UPDATE drawings SET hidden = ? WHERE post = ?", [isHidden, post.data])
    }

    private func drawings(_ post: Hash32) throws -> [Row] {
        try database.rows("SELECT subject_id, author_id, hidden FROM drawings WHERE post = ?", [post.data])
    }

    private func count(drawingWith subjectID: Int64, by authorID: Int32, _ change: Int64) throws {
        let left = try database.integer(
            """
            INSERT INTO drawing_people (subject_id, author_id, n) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET n = n + excluded.n RETURNING n
            """, [subjectID, authorID, change])
        if left == 0 {
            try database.run(
                "DELETE FROM drawing_people WHERE subject_id = ? AND author_id = ?", [subjectID, authorID])
        }
    }
}

extension ViewReader {
    /// How many people drew with any of these releases, and said so.
    func peopleDrawing(with subjects: [Int64]) throws -> Int {
        guard !subjects.isEmpty else { return 0 }
        let count = try database.integer(
            """
            SELECT COUNT(*) FROM (
                SELECT DISTINCT author_id FROM drawing_people WHERE subject_id IN (SELECT value FROM json_each(?))
                LIMIT \(Limits.Catalog.countedMentions))
            """, [subjects.json])
        return Int(count ?? 0)
    }
}
