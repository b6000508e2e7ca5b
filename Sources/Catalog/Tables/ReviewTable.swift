import Digests
import FoundationEssentials
import GRDB
import Moderation
import PostLog
import Statements
import WaggleProtocol

/// Reviews: one a person and release.
enum ReviewTable {
    static let schema = """
        CREATE TABLE reviews (
            id INTEGER PRIMARY KEY,
            post BLOB NOT NULL,
            subject_id INTEGER NOT NULL,
            author_id INTEGER NOT NULL,
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            recommended INTEGER NOT NULL,
            hidden INTEGER NOT NULL,
            text TEXT NOT NULL
        );
        """

    static let indexes = [
        LateIndex("reviews_post", on: "reviews (post)", isUnique: true, .posts),
        LateIndex("reviews_slot", on: "reviews (subject_id, author_id)", isUnique: true, .slots),
        LateIndex("reviews_newest", on: "reviews (subject_id, hidden, created, tie, id)"),
    ]
}

extension Projection {
    func show(review: WireReview, _ post: LoggedPost, _ bodies: KeptBodies) throws {
        guard let release = Hash32(review.release) else { return }
        let subjectID = try subjectID(release)
        let authorID = try authorID(post.author)
        let isHidden = isHidden(post.id)
        func insert() throws -> Bool {
            try database.write(
                """
                INSERT INTO reviews (post, subject_id, author_id, created, tie, recommended, hidden, text)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                """,
                post.id.data, subjectID, authorID, Int64(post.created), post.id.tie, review.recommended, isHidden,
                review.text)
            return database.changesCount > 0
        }
        if try !insert() {
            let old = try database.row(
                "SELECT post FROM reviews WHERE subject_id = ? AND author_id = ?",
                [subjectID, authorID])
            guard let old, old.hash(0) != post.id else { return }
            try removeReview(old.hash(0))
            guard try insert() else { return }
        }
        if !isHidden {
            tally(subjectID: subjectID, .review(isRecommended: review.recommended, 1))
            try noteActivity(onSubject: subjectID, created: Int64(post.created), authorID: authorID, change: 1)
        }
        if !review.images.isEmpty {
            try insertImages(review.images, post, bodies, releases: [release], title: "", text: "")
        }
    }

    /// What the level of a review's images is the level of; nil for a post that is no review here.
    func reviewSubject(of post: Hash32) throws -> LevelSubject? {
        let row = try database.row(
            """
            SELECT a.author, s.post FROM reviews r JOIN authors a ON a.id = r.author_id
            JOIN subjects s ON s.id = r.subject_id WHERE r.post = ?
            """, [post.data])
        return row.map { .work(author: $0.hash(0), kind: .review, slug: $0.hash(1).hex) }
    }

    /// - Parameter release: the release that the review is of, in hexadecimal.
    func refreshLevel(ofReviewBy author: Hash32, of release: String) throws {
        guard let release = Hash32(hex: release) else { return }
        let row = try database.row(
            """
            SELECT r.post FROM subjects s JOIN reviews r ON r.subject_id = s.id JOIN authors a ON a.id = r.author_id
            WHERE s.post = ? AND a.author = ?
            """, [release.data, author.data])
        if let row { try refreshLevels(ofImagesWith: "p.post", row.hash(0)) }
    }

    func hideReview(_ post: Hash32) throws {
        try removeReview(post)
    }

    private func removeReview(_ post: Hash32) throws {
        let row = try database.row(
            "SELECT subject_id, recommended, hidden, author_id, created FROM reviews WHERE post = ?", [post.data])
        guard let row, let subjectID = row[0] as Int64? else { return }
        try database.run("DELETE FROM reviews WHERE post = ?", [post.data])
        if !(row[2] as Bool) {
            tally(subjectID: subjectID, .review(isRecommended: row[1], -1))
            try noteActivity(
                onSubject: subjectID, created: row[4], authorID: row[3], change: -1)
        }
        try hideImages(of: post)
    }

    func refreshHiddenReview(_ post: Hash32) throws {
        let isHidden = isHidden(post)
        guard
            let row = try database.row(
                "SELECT subject_id, recommended, hidden, author_id, created FROM reviews WHERE post = ?", [post.data]),
            row[2] as Bool != isHidden
        else { return }
        try database.run("UPDATE reviews SET hidden = ? WHERE post = ?", [isHidden, post.data])
        tally(subjectID: row[0], .review(isRecommended: row[1], isHidden ? -1 : 1))
        try noteActivity(
            onSubject: row[0], created: row[4], authorID: row[3], change: isHidden ? -1 : 1)
    }
}
