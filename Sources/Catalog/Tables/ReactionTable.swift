import Digests
import FoundationEssentials
import GRDB
import PostLog
import Statements
import WaggleProtocol

/// Reactions on any post, and how many there are of each: counts are kept, so that a reaction costs the same whether it
/// is the first of its subject or the millionth, and a page reads a few rows of counts.
enum ReactionTable {
    static let schema = """
        CREATE TABLE reactions (
            id INTEGER PRIMARY KEY,
            post BLOB NOT NULL,
            subject_id INTEGER NOT NULL,
            author_id INTEGER NOT NULL,
            emoji BLOB NOT NULL,               -- UTF-8 as it was signed
            created INTEGER NOT NULL,
            hidden INTEGER NOT NULL
        );
        CREATE TABLE reaction_counts (
            subject_id INTEGER NOT NULL, emoji BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (subject_id, emoji)
        ) WITHOUT ROWID;
        -- The same reactions by day, for what counts them as activity around a model.
        CREATE TABLE reaction_days (
            subject_id INTEGER NOT NULL, day INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (subject_id, day)
        ) WITHOUT ROWID;
        """

    static let indexes = [
        LateIndex("reactions_post", on: "reactions (post)", isUnique: true, .posts),
        LateIndex("reactions_slot", on: "reactions (subject_id, author_id, emoji)", isUnique: true, .slots),
        LateIndex("reaction_counts_top", on: "reaction_counts (subject_id, n DESC, emoji)"),
    ]

    /// All counts.
    static let derived = """
        INSERT INTO reaction_counts (subject_id, emoji, n)
        SELECT subject_id, emoji, COUNT(*) FROM reactions WHERE hidden = 0 GROUP BY subject_id, emoji;
        INSERT INTO reaction_days (subject_id, day, n)
        SELECT subject_id, created / \(Trending.daySeconds) AS day, COUNT(*) FROM reactions WHERE hidden = 0
        GROUP BY subject_id, day;
        """
}

private struct StoredReaction {
    let post: Hash32
    let subjectID: Int64
    let authorID: Int32
    let emoji: Data
    let created: Int64
    let isHidden: Bool

    static let columns = "post, subject_id, author_id, emoji, created, hidden"

    init(_ row: Row) {
        post = row.hash(0)
        subjectID = row[1]
        authorID = row[2]
        emoji = row[3]
        created = row[4]
        isHidden = row[5]
    }

    init(_ post: LoggedPost, subjectID: Int64, authorID: Int32, emoji: Data, isHidden: Bool) {
        self.post = post.id
        self.subjectID = subjectID
        self.authorID = authorID
        self.emoji = emoji
        created = Int64(post.created)
        self.isHidden = isHidden
    }
}

extension Projection {
    /// A withdrawn reaction holds its slot and counts nothing.
    func show(reaction: WireReaction, _ post: LoggedPost) throws {
        guard let subject = Hash32(reaction.subject) else { return }
        let stored = StoredReaction(
            post, subjectID: try subjectID(subject), authorID: try authorID(post.author),
            emoji: Data(reaction.emoji.utf8), isHidden: isHidden(post.id))
        let old =
            try isFilling
            ? nil
            : database.row(
                """
                SELECT \(StoredReaction.columns) FROM reactions WHERE subject_id = ? AND author_id = ? AND emoji = ?
                """, [stored.subjectID, stored.authorID, stored.emoji]
            ).map(StoredReaction.init)
        if let old {
            if old.post == post.id { return }
            try remove(old)
        }
        if reaction.withdrawn { return }
        try database.write(
            "INSERT INTO reactions (\(StoredReaction.columns)) VALUES (?, ?, ?, ?, ?, ?)",
            post.id.data, stored.subjectID, stored.authorID, stored.emoji, stored.created, stored.isHidden)
        if !stored.isHidden { try count(stored, by: 1) }
    }

    func hideReaction(_ post: Hash32) throws {
        if let stored = try reaction(post) { try remove(stored) }
    }

    func refreshHiddenReaction(_ post: Hash32) throws {
        let isHidden = isHidden(post)
        guard let stored = try reaction(post), stored.isHidden != isHidden else { return }
        try database.run("UPDATE reactions SET hidden = ? WHERE post = ?", [isHidden, post.data])
        try count(stored, by: isHidden ? -1 : 1)
    }

    private func reaction(_ post: Hash32) throws -> StoredReaction? {
        try database.row("SELECT \(StoredReaction.columns) FROM reactions WHERE post = ?", [post.data])
            .map(StoredReaction.init)
    }

    private func remove(_ reaction: StoredReaction) throws {
        try database.run("DELETE FROM reactions WHERE post = ?", [reaction.post.data])
        if !reaction.isHidden { try count(reaction, by: -1) }
    }

    private func count(_ reaction: StoredReaction, by change: Int64) throws {
        if isFilling { return }
        tally(subjectID: reaction.subjectID, .reaction(change))
        let left = try database.integer(
            """
            INSERT INTO reaction_counts (subject_id, emoji, n) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET n = n + excluded.n RETURNING n
            """, [reaction.subjectID, reaction.emoji, change])
        if left == 0 {
            try database.run(
                "DELETE FROM reaction_counts WHERE subject_id = ? AND emoji = ?", [reaction.subjectID, reaction.emoji])
        }
        let day = reaction.created / Trending.daySeconds
        let leftOfDay = try database.integer(
            """
            INSERT INTO reaction_days (subject_id, day, n) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET n = n + excluded.n RETURNING n
            """, [reaction.subjectID, day, change])
        if leftOfDay == 0 {
            try database.run(
                "DELETE FROM reaction_days WHERE subject_id = ? AND day = ?", [reaction.subjectID, day])
        }
        try noteActivity(
            onSubject: reaction.subjectID, created: reaction.created, authorID: reaction.authorID, change: change)
    }

    /// All reactions on a post that became one of a model's, or is one no longer: day by day, because there may be a
    /// million, and without those of the model's own author.
    func noteReactions(onSubject id: Int64, modelID: Int32, owner: Int32?, change: Int64) throws {
        let days = try database.rows("SELECT day, n FROM reaction_days WHERE subject_id = ?", [id])
        if days.isEmpty { return }
        let own = try database.rows(
            "SELECT created FROM reactions WHERE subject_id = ? AND author_id = ? AND hidden = 0", [id, owner])
        let counts =
            days.map { (day: $0[0] as Int64, n: $0[1] as Int64) }
            + own.map { (day: ($0[0] as Int64) / Trending.daySeconds, n: -1) }
        for count in counts { noteActivity(modelID: modelID, day: count.day, change: change * count.n) }
    }
}
