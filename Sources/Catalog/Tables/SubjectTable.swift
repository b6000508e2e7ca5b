import Digests
import GRDB
import Statements

/// Posts that others talk about: what was counted for each, whether or not the post itself is here yet.
enum SubjectTable {
    static let schema = """
        CREATE TABLE subjects (
            id INTEGER PRIMARY KEY,
            post BLOB NOT NULL UNIQUE,
            release_id INTEGER,                -- when the post is a release that is here
            model_id INTEGER,                  -- of the release, or of which the post is a version
            work_id INTEGER,                   -- of the collection, article or workflow of which it is a version
            shelves INTEGER NOT NULL DEFAULT 0,  -- Shelf.set of a model, a release, or the images of a post
            downloads INTEGER NOT NULL DEFAULT 0,
            recommended INTEGER NOT NULL DEFAULT 0,
            not_recommended INTEGER NOT NULL DEFAULT 0,
            comments INTEGER NOT NULL DEFAULT 0,
            reactions INTEGER NOT NULL DEFAULT 0
        );
        """

    /// Everything that is counted, except downloads.
    static let derived = """
        UPDATE subjects SET recommended = c.recommended, not_recommended = c.not_recommended, comments = c.comments,
            reactions = c.reactions
        FROM (
            SELECT subject_id, SUM(recommended) AS recommended, SUM(not_recommended) AS not_recommended,
                SUM(comments) AS comments, SUM(reactions) AS reactions
            FROM (
                SELECT subject_id, COUNT(*) FILTER (WHERE recommended <> 0) AS recommended,
                    COUNT(*) FILTER (WHERE recommended = 0) AS not_recommended, 0 AS comments, 0 AS reactions
                FROM reviews WHERE hidden = 0 GROUP BY subject_id
                UNION ALL SELECT subject_id, 0, 0, COUNT(*), 0 FROM comments WHERE hidden = 0 GROUP BY subject_id
                UNION ALL SELECT subject_id, 0, 0, 0, SUM(n) FROM reaction_counts GROUP BY subject_id)
            GROUP BY subject_id) AS c
        WHERE subjects.id = c.subject_id
        """

    static let indexes = [
        LateIndex("subjects_model", on: "subjects (model_id) WHERE model_id IS NOT NULL"),
        LateIndex("subjects_work", on: "subjects (work_id) WHERE work_id IS NOT NULL"),
    ]
}

extension Projection {
    /// The row of a post, made when there is none.
    func subjectID(_ post: Hash32) throws -> Int64 {
        if let id = known.subjectIDs[post] { return id }
        // Filling knows every row that it wrote.
        var id = isFilling ? nil : try database.integer("SELECT id FROM subjects WHERE post = ?", [post.data])
        if id == nil {
            try database.write(
                "INSERT INTO subjects (post, shelves) VALUES (?, ?)", post.data, try shelves(ofImagePost: post))
            id = database.lastInsertedRowID
        }
        let found = id ?? 0
        known.subjectIDs[post] = found
        return found
    }

    /// Says which model a post is a version of, or that it is none any more.
    func setModel(ofSubject post: Hash32, _ modelID: Int32?) throws {
        let id = try subjectID(post)
        let old = isFilling ? nil : try database.row("SELECT model_id FROM subjects WHERE id = ?", [id])?[0] as Int32?
        guard isFilling || old != modelID else { return }
        try database.run(
            "UPDATE subjects SET model_id = ?1, shelves = IIF(?1 IS NULL, 0, shelves) WHERE id = ?2", [modelID, id])
        if let old { try noteFacts(onSubject: id, modelID: old, change: -1) }
        if let modelID { try noteFacts(onSubject: id, modelID: modelID, change: 1) }
    }

    /// Says on which shelf every version of a model stands, or that the model is gone.
    func setShelf(ofSubjectsOf modelID: Int32, _ shelf: Int64?) throws {
        try database.run(
            "UPDATE subjects SET shelves = ?1 WHERE model_id = ?2 AND release_id IS NULL AND shelves <> ?1",
            [shelf.map(Shelf.set) ?? 0, modelID])
    }

    /// The same of an image post that somebody named, from its images.
    func refreshShelves(ofImagePost post: Hash32) throws {
        if isFilling { return }
        try database.run(
            "UPDATE subjects SET shelves = ? WHERE post = ?", [try shelves(ofImagePost: post), post.data])
    }

    /// The same of all image posts.
    func refreshShelvesOfImagePosts() throws {
        let posts = try database.rows("SELECT s.post FROM subjects s JOIN image_posts p ON p.post = s.post")
        for post in posts { try refreshShelves(ofImagePost: post.hash(0)) }
    }

    private func shelves(ofImagePost post: Hash32) throws -> Int64 {
        if isFilling { return 0 }
        return try database.rows(
            """
            SELECT DISTINCT i.shelf FROM image_posts p JOIN images i ON i.post_id = p.id WHERE p.post = ?
            """, [post.data]
        ).reduce(0) { $0 | Shelf.set($1[0]) }
    }

    /// Adds to what is counted for a post; written by `finish`.
    func tally(subjectID: Int64, _ change: Tally) {
        if !isFilling { tallies[subjectID, default: Tally()].add(change) }
    }

    func writeTallies() throws {
        for (subjectID, change) in tallies {
            let modelID = try database.integer(
                """
                UPDATE subjects SET recommended = recommended + ?, not_recommended = not_recommended + ?,
                    comments = comments + ?, reactions = reactions + ?
                WHERE id = ? RETURNING model_id
                """, [change.recommended, change.notRecommended, change.comments, change.reactions, subjectID])
            if let modelID {
                staleCounts.insert(Int32(truncatingIfNeeded: modelID))
            } else if change.reactions != 0 {
                try refreshReactions(ofImagesOf: subjectID)
            }
        }
        tallies = [:]
    }
}

/// Changes of what is counted for a post.
struct Tally {
    var recommended: Int64 = 0
    var notRecommended: Int64 = 0
    var comments: Int64 = 0
    var reactions: Int64 = 0

    init() {}

    static func review(isRecommended: Bool, _ change: Int64) -> Tally {
        var tally = Tally()
        if isRecommended { tally.recommended = change } else { tally.notRecommended = change }
        return tally
    }

    static func comment(_ change: Int64) -> Tally {
        var tally = Tally()
        tally.comments = change
        return tally
    }

    static func reaction(_ change: Int64) -> Tally {
        var tally = Tally()
        tally.reactions = change
        return tally
    }

    mutating func add(_ other: Tally) {
        recommended += other.recommended
        notRecommended += other.notRecommended
        comments += other.comments
        reactions += other.reactions
    }
}
