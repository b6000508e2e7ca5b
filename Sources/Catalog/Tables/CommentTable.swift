import Digests
import FoundationEssentials
import GRDB
import PostLog
import WaggleProtocol

/// Comments on any post.
enum CommentTable {
    static let schema = """
        CREATE TABLE comments (
            id INTEGER PRIMARY KEY,
            post BLOB NOT NULL UNIQUE,
            subject_id INTEGER NOT NULL,
            author_id INTEGER NOT NULL,
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            hidden INTEGER NOT NULL,
            reply_to BLOB,
            text TEXT NOT NULL
        );
        CREATE INDEX comments_newest ON comments (subject_id, hidden, created, tie, id);
        """
}

extension Projection {
    func show(comment: WireComment, _ post: LoggedPost) throws {
        guard let subject = Hash32(comment.subject) else { return }
        if try database.exists("SELECT 1 FROM comments WHERE post = ?", [post.id.data]) { return }
        let subjectID = try subjectID(subject)
        let authorID = try authorID(post.author)
        let isHidden = isHidden(post.id)
        try database.run(
            """
            INSERT INTO comments (post, subject_id, author_id, created, tie, hidden, reply_to, text)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                post.id.data, subjectID, authorID, Int64(post.created), post.id.tie, isHidden,
                comment.replyTo.isEmpty ? nil : comment.replyTo, comment.text,
            ])
        if !isHidden {
            tally(subjectID: subjectID, .comment(1))
            try noteActivity(onSubject: subjectID, created: Int64(post.created), authorID: authorID, change: 1)
        }
    }

    func hideComment(_ post: LoggedPost) throws {
        guard let row = try commentRow(post.id) else { return }
        try database.run("DELETE FROM comments WHERE post = ?", [post.id.data])
        if !(row[1] as Bool) { try count(comment: row, by: -1) }
    }

    func refreshHiddenComment(_ post: Hash32) throws {
        let isHidden = isHidden(post)
        guard let row = try commentRow(post), row[1] as Bool != isHidden else { return }
        try database.run("UPDATE comments SET hidden = ? WHERE post = ?", [isHidden, post.data])
        try count(comment: row, by: isHidden ? -1 : 1)
    }

    private func commentRow(_ post: Hash32) throws -> Row? {
        try database.row("SELECT subject_id, hidden, author_id, created FROM comments WHERE post = ?", [post.data])
    }

    private func count(comment row: Row, by change: Int64) throws {
        tally(subjectID: row[0], .comment(change))
        try noteActivity(onSubject: row[0], created: row[3], authorID: row[2], change: change)
    }
}
