import Digests
import FoundationEssentials
import GRDB
import PostLog
import WaggleProtocol

/// Reviews: one a person and release.
enum ReviewTable {
    static let schema = """
        CREATE TABLE reviews (
            id INTEGER PRIMARY KEY,
            post BLOB NOT NULL UNIQUE,
            subject_id INTEGER NOT NULL,
            author_id INTEGER NOT NULL,
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            recommended INTEGER NOT NULL,
            hidden INTEGER NOT NULL,
            text TEXT NOT NULL,
            UNIQUE (subject_id, author_id)
        );
        CREATE INDEX reviews_newest ON reviews (subject_id, hidden, created, tie, id);
        """
}

extension Projection {
    func show(review: WireReview, _ post: LoggedPost) throws {
        guard let release = Hash32(review.release) else { return }
        let subjectID = try subjectID(release)
        let authorID = try authorID(post.author)
        let old = try database.row(
            "SELECT post, recommended, hidden FROM reviews WHERE subject_id = ? AND author_id = ?",
            [subjectID, authorID])
        if let old {
            if old.hash(0) == post.id { return }
            try removeReview(old.hash(0), subjectID: subjectID, isRecommended: old[1], isHidden: old[2])
        }
        let isHidden = isHidden(post.id)
        try database.run(
            """
            INSERT INTO reviews (post, subject_id, author_id, created, tie, recommended, hidden, text)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                post.id.data, subjectID, authorID, Int64(post.created), post.id.tie, review.recommended, isHidden,
                review.text,
            ])
        if !isHidden { try tally(review.recommended ? .recommended : .notRecommended, subjectID: subjectID, by: 1) }
        if !review.images.isEmpty {
            try insertImages(review.images, post, releases: [release], title: "", text: "")
        }
    }

    func hideReview(_ post: LoggedPost) throws {
        guard
            let row = try database.row(
                "SELECT subject_id, recommended, hidden FROM reviews WHERE post = ?", [post.id.data])
        else { return }
        try removeReview(post.id, subjectID: row[0], isRecommended: row[1], isHidden: row[2])
    }

    private func removeReview(_ post: Hash32, subjectID: Int64, isRecommended: Bool, isHidden: Bool) throws {
        try database.run("DELETE FROM reviews WHERE post = ?", [post.data])
        if !isHidden { try tally(isRecommended ? .recommended : .notRecommended, subjectID: subjectID, by: -1) }
        try hideImages(of: post)
    }

    func refreshHiddenReview(_ post: Hash32) throws {
        let isHidden = isHidden(post)
        guard
            let row = try database.row(
                "SELECT subject_id, recommended, hidden FROM reviews WHERE post = ?", [post.data]),
            row[2] as Bool != isHidden
        else { return }
        try database.run("UPDATE reviews SET hidden = ? WHERE post = ?", [isHidden, post.data])
        try tally(
            row[1] as Bool ? .recommended : .notRecommended, subjectID: row[0], by: isHidden ? -1 : 1)
    }
}
