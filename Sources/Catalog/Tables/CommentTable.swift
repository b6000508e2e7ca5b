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
        let isHidden = isHidden(post.id)
        try database.run(
            """
            INSERT INTO comments (post, subject_id, author_id, created, tie, hidden, reply_to, text)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                post.id.data, subjectID, try authorID(post.author), Int64(post.created), post.id.tie, isHidden,
                comment.replyTo.isEmpty ? nil : comment.replyTo, comment.text,
            ])
        if !isHidden { tally(subjectID: subjectID, .comment(1)) }
    }

    func hideComment(_ post: LoggedPost) throws {
        guard let row = try database.row("SELECT subject_id, hidden FROM comments WHERE post = ?", [post.id.data])
        else { return }
        try database.run("DELETE FROM comments WHERE post = ?", [post.id.data])
        if !(row[1] as Bool) { tally(subjectID: row[0], .comment(-1)) }
    }

    func refreshHiddenComment(_ post: Hash32) throws {
        let isHidden = isHidden(post)
        guard let row = try database.row("SELECT subject_id, hidden FROM comments WHERE post = ?", [post.data]),
            row[1] as Bool != isHidden
        else { return }
        try database.run("UPDATE comments SET hidden = ? WHERE post = ?", [isHidden, post.data])
        tally(subjectID: row[0], .comment(isHidden ? -1 : 1))
    }
}
