import Digests
import FoundationEssentials
import GRDB
import PostLog
import Statements
import WaggleProtocol

/// Comments on any post. A comment that answers another one of the same subject hangs on it while that one is here and
/// not hidden; every other comment is a top comment.
enum CommentTable {
    static let schema = """
        CREATE TABLE comments (
            id INTEGER PRIMARY KEY,
            post BLOB NOT NULL,
            subject_id INTEGER NOT NULL,
            author_id INTEGER NOT NULL,
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            hidden INTEGER NOT NULL,
            reply_to BLOB,
            parent_id INTEGER,                 -- the comment that it hangs on
            text TEXT NOT NULL
        );
        """

    static let indexes = [
        LateIndex("comments_post", on: "comments (post)", isUnique: true, .posts),
        LateIndex("comments_newest", on: "comments (subject_id, hidden, created, tie, id)"),
        LateIndex(
            "comments_replies", on: "comments (parent_id, hidden, created, tie, id) WHERE parent_id IS NOT NULL", .posts
        ),
        LateIndex("comments_answering", on: "comments (reply_to) WHERE reply_to IS NOT NULL"),
        LateIndex("comments_top", on: "comments (subject_id, hidden, created, tie, id) WHERE parent_id IS NULL"),
    ]

    /// Hangs all comments on those that they answer.
    static let derived = """
        UPDATE comments SET parent_id = (
            SELECT p.id FROM comments p WHERE p.post = comments.reply_to AND p.subject_id = comments.subject_id
                AND p.hidden = 0 AND p.id <> comments.id)
        WHERE reply_to IS NOT NULL
        """
}

extension Projection {
    func show(comment: WireComment, _ post: LoggedPost) throws {
        guard let subject = Hash32(comment.subject) else { return }
        if !isFilling, try database.exists("SELECT 1 FROM comments WHERE post = ?", [post.id.data]) { return }
        let subjectID = try subjectID(subject)
        let authorID = try authorID(post.author)
        let isHidden = isHidden(post.id)
        try database.write(
            """
            INSERT INTO comments (post, subject_id, author_id, created, tie, hidden, reply_to, text)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            post.id.data, subjectID, authorID, Int64(post.created), post.id.tie, isHidden,
            comment.replyTo.isEmpty ? nil : comment.replyTo, comment.text)
        if isFilling { return }
        try hang(comment: database.lastInsertedRowID)
        if !isHidden {
            try takeReplies(of: post.id)
            tally(subjectID: subjectID, .comment(1))
            try noteActivity(onSubject: subjectID, created: Int64(post.created), authorID: authorID, change: 1)
        }
    }

    func hideComment(_ post: Hash32) throws {
        guard let row = try commentRow(post) else { return }
        if !(row[1] as Bool) {
            try release(repliesOf: post)
            try count(comment: row, by: -1)
        }
        try database.run("DELETE FROM comments WHERE post = ?", [post.data])
    }

    func refreshHiddenComment(_ post: Hash32) throws {
        let isHidden = isHidden(post)
        guard let row = try commentRow(post), row[1] as Bool != isHidden else { return }
        if isHidden { try release(repliesOf: post) }
        try database.run("UPDATE comments SET hidden = ? WHERE post = ?", [isHidden, post.data])
        if !isHidden { try takeReplies(of: post) }
        try count(comment: row, by: isHidden ? -1 : 1)
    }

    private func commentRow(_ post: Hash32) throws -> Row? {
        try database.row("SELECT subject_id, hidden, author_id, created FROM comments WHERE post = ?", [post.data])
    }

    private func count(comment row: Row, by change: Int64) throws {
        tally(subjectID: row[0], .comment(change))
        try noteActivity(onSubject: row[0], created: row[3], authorID: row[2], change: change)
    }

    /// Hangs a new comment on the one that it answers.
    private func hang(comment id: Int64) throws {
        let parentID = try database.integer(
            """
            SELECT p.id FROM comments c JOIN comments p ON p.post = c.reply_to AND p.subject_id = c.subject_id
            WHERE c.id = ? AND p.hidden = 0 AND p.id <> c.id
            """, [id])
        if let parentID { try database.run("UPDATE comments SET parent_id = ? WHERE id = ?", [parentID, id]) }
    }

    /// Hangs on a comment those that answer it and came before it.
    private func takeReplies(of post: Hash32) throws {
        guard let row = try database.row("SELECT id, subject_id FROM comments WHERE post = ?", [post.data]) else {
            return
        }
        try database.run(
            "UPDATE comments SET parent_id = ?1 WHERE reply_to = ?2 AND subject_id = ?3 AND id <> ?1",
            [row[0] as Int64, post.data, row[1] as Int64])
    }

    /// The other way round, for a comment that goes.
    private func release(repliesOf post: Hash32) throws {
        try database.run(
            "UPDATE comments SET parent_id = NULL WHERE parent_id = (SELECT id FROM comments WHERE post = ?)",
            [post.data])
    }
}
