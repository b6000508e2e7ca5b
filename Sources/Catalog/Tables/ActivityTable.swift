import Digests
import FoundationEssentials
import GRDB
import Glibc
import Moderation
import Statements

/// What others do around models, by day: what "trending" adds up.
///
/// Facts of a model are the reviews, comments and reactions on its posts, its releases and the images made with them, and these
/// images, by anybody but the model's author. A day's sum is changed by one when a fact comes or goes, so it depends on
/// the facts in force and not on their order.
enum ActivityTable {
    static let schema = """
        CREATE TABLE activity (
            model_id INTEGER NOT NULL,
            day INTEGER NOT NULL,              -- since 1970, UTC
            level INTEGER NOT NULL,            -- of images; 0 = everything else
            n INTEGER NOT NULL,
            PRIMARY KEY (model_id, day, level)
        ) WITHOUT ROWID;
        -- Whose a model's number is, and its place in posting lists, whether or not the model's post is here. Places
        -- follow each other without the gaps that numbers have, so that lists of them are short.
        CREATE TABLE model_owners (
            model_id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL, place INTEGER NOT NULL UNIQUE
        );
        """

    /// All activity. Whose an image is stands with its links, in rows that are shorter than its own.
    static let derived = """
        INSERT INTO activity (model_id, day, level, n)
        WITH targets AS MATERIALIZED (
            SELECT id AS subject_id, model_id FROM subjects WHERE model_id IS NOT NULL
            UNION ALL SELECT s.id, m.model_id FROM subjects s JOIN image_posts p ON p.post = s.post
            JOIN model_images m ON m.image_id = p.id + 1 WHERE s.model_id IS NULL
        ), facts AS (
            SELECT subject_id, author_id, created FROM reviews WHERE hidden = 0
            UNION ALL SELECT subject_id, author_id, created FROM comments WHERE hidden = 0
            UNION ALL SELECT subject_id, author_id, created FROM reactions WHERE hidden = 0
        ), noted AS (
            SELECT t.model_id, f.created, 0 AS level, f.author_id FROM facts f JOIN targets t USING (subject_id)
            UNION ALL SELECT m.model_id, m.created, m.shelf, (
                SELECT l.author_id FROM image_links l WHERE l.image_id = m.image_id LIMIT 1)
            FROM model_images m WHERE m.shelf < \(Shelf.hidden)
        )
        SELECT n.model_id, MAX(n.created, 0) / \(Trending.daySeconds) AS day, n.level, COUNT(*)
        FROM noted n LEFT JOIN model_owners o ON o.model_id = n.model_id
        WHERE o.author_id IS NOT n.author_id GROUP BY n.model_id, day, n.level
        """

    /// Author and time of each fact on a post, by the post's row in `subjects`.
    static let facts = [
        "SELECT author_id, created FROM reviews WHERE subject_id = ? AND hidden = 0",
        "SELECT author_id, created FROM comments WHERE subject_id = ? AND hidden = 0",
    ]
}

/// The facts of one model of one day.
struct ActivityDay: Hashable {
    let modelID: Int32
    let day: Int64
    let level: Int64
}

extension Projection {
    /// Adds one fact of a model, or takes it away.
    /// - Parameters:
    ///   - created: unix seconds.
    ///   - change: 1 or -1.
    ///   - level: of an image; it counts where the model's own level is not lower, so that no list tells of it.
    func noteActivity(modelID: Int32, created: Int64, authorID: Int32, change: Int64, level: Level? = nil) throws {
        guard !isFilling, try owner(ofModel: modelID) != authorID else { return }
        noteActivity(modelID: modelID, day: max(created, 0) / Trending.daySeconds, level: level, change: change)
    }

    func noteActivity(modelID: Int32, day: Int64, level: Level? = nil, change: Int64) {
        activityChanges[ActivityDay(modelID: modelID, day: day, level: Int64(level?.rawValue ?? 0)), default: 0] +=
            change
    }

    /// The same for a fact on a post, for each model that the post belongs to by now.
    func noteActivity(onSubject subjectID: Int64, created: Int64, authorID: Int32, change: Int64) throws {
        if isFilling { return }
        for modelID in try models(ofSubject: subjectID) {
            try noteActivity(modelID: modelID, created: created, authorID: authorID, change: change)
        }
    }

    /// Adds everything on a post that begins to belong to a model, or takes it away from one.
    func noteFacts(onSubject subjectID: Int64, modelID: Int32, change: Int64) throws {
        if isFilling { return }
        for sql in ActivityTable.facts {
            for row in try database.rows(sql, [subjectID]) {
                try noteActivity(
                    modelID: modelID, created: row[1], authorID: row[0], change: change)
            }
        }
        try noteReactions(onSubject: subjectID, modelID: modelID, owner: try owner(ofModel: modelID), change: change)
    }

    /// An image begins to be listed under a model, or ends. What was said of its post goes with the post's first image.
    func noteImage(_ imageID: Int64, modelID: Int32, change: Int64) throws {
        let row = try database.row(
            """
            SELECT i.author_id, i.created, i.shelf, i.part, s.id FROM images i JOIN image_posts p ON p.id = i.post_id
            LEFT JOIN subjects s ON s.post = p.post WHERE i.id = ?
            """, [imageID])
        guard let row else { return }
        try noteImage(
            modelID: modelID, shelf: row[2], created: row[1], authorID: row[0], change: change)
        if row[3] == 0, let subjectID = row[4] as Int64? {
            try noteFacts(onSubject: subjectID, modelID: modelID, change: change)
        }
    }

    func noteImage(modelID: Int32, shelf: Int64, created: Int64, authorID: Int32, change: Int64) throws {
        staleCovers.insert(modelID)
        guard shelf < Shelf.hidden else { return }
        try noteActivity(
            modelID: modelID, created: created, authorID: authorID, change: change, level: Shelf.level(shelf))
    }

    private func models(ofSubject id: Int64) throws -> [Int32] {
        if let modelID = try database.integer("SELECT model_id FROM subjects WHERE id = ?", [id]) {
            return [Int32(truncatingIfNeeded: modelID)]
        }
        return try database.rows(
            """
            SELECT m.model_id FROM subjects s JOIN image_posts p ON p.post = s.post
            JOIN model_images m ON m.image_id = p.id + 1 WHERE s.id = ?
            """, [id]
        ).map { $0[0] }
    }

    func setOwner(ofModel id: Int32, _ authorID: Int32) throws {
        if known.modelOwners.updateValue(authorID, forKey: id) == authorID { return }
        let last = try known.lastPlace ?? database.integer("SELECT MAX(place) FROM model_owners") ?? 0
        try database.run(
            "INSERT INTO model_owners (model_id, author_id, place) VALUES (?, ?, ?) ON CONFLICT (model_id) DO NOTHING",
            [id, authorID, last + 1])
        known.lastPlace = database.changesCount > 0 ? last + 1 : last
    }

    /// Nil for a model that neither a post nor a release ever named.
    func place(ofModel id: Int32) throws -> Int32? {
        try database.integer("SELECT place FROM model_owners WHERE model_id = ?", [id])
            .map { Int32(truncatingIfNeeded: $0) }
    }

    private func owner(ofModel id: Int32) throws -> Int32? {
        if let owner = known.modelOwners[id] { return owner }
        let row = try database.row("SELECT author_id FROM model_owners WHERE model_id = ?", [id])
        guard let owner = row?[0] as Int32? else { return nil }
        known.modelOwners[id] = owner
        return owner
    }

    func writeActivity() throws {
        for (day, change) in activityChanges where change != 0 {
            let left = try database.integer(
                """
                INSERT INTO activity (model_id, day, level, n) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET n = n + excluded.n RETURNING n
                """, [day.modelID, day.day, day.level, change])
            if left == 0 {
                try database.run(
                    "DELETE FROM activity WHERE model_id = ? AND day = ? AND level = ?",
                    [day.modelID, day.day, day.level])
            }
            staleCounts.insert(day.modelID)
        }
        activityChanges = [:]
    }
}

/// The order of "trending".
enum Trending {
    static let daySeconds: Int64 = 86_400
    /// Days in which a fact's weight halves.
    static let halfLife = 7.0
    /// Days before the newest fact that are added up: what is older weighs less than 2^-57 of it.
    static let windowDays: Int64 = 400
    /// The order value of a model without facts.
    static let none: Int64 = -1

    /// Sums of days, newest day first, of images up to a level.
    static func days(ofModel id: Int32, upTo level: Level, _ database: Database) throws -> [(day: Int64, count: Int64)]
    {
        let newest = try database.integer(
            "SELECT day FROM activity WHERE model_id = ? AND level <= ? ORDER BY day DESC LIMIT 1",
            [id, Int64(level.rawValue)])
        guard let newest else { return [] }
        var days: [(day: Int64, count: Int64)] = []
        try database.scan(
            """
            SELECT day, SUM(n) FROM activity WHERE model_id = ? AND day > ? AND level <= ?
            GROUP BY day ORDER BY day DESC
            """, [id, newest - windowDays, Int64(level.rawValue)]
        ) { days.append(($0.integer(0), $0.integer(1))) }
        return days
    }

    /// log2 of the sum of count × 2^(day / 7) over all days, in millionths. A fact weighs twice as much as one of a week
    /// before, so the order needs no clock: the same numbers stay right on any later day. Computed from the newest day
    /// on, so no day is too late or too early for it.
    /// - Parameter days: newest first.
    static func score(_ days: [(day: Int64, count: Int64)]) -> Int64 {
        guard let newest = days.first?.day else { return none }
        let sum = days.reduce(0.0) { $0 + Double($1.count) * exp2(Double($1.day - newest) / halfLife) }
        guard sum > 0 else { return none }
        // Days of 53 bits would not fit in millionths; `created` is checked to lie before that when posts come in.
        let log = min(Double(newest), 1e12) / halfLife + log2(sum)
        return Int64((log * 1_000_000).rounded())
    }
}
