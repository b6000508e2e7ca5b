import Digests
import FoundationEssentials
import GRDB
import Moderation
import PostLog
import Statements
import SwiftProtobuf
import WaggleProtocol

/// Models: one row for each (author, slug) that has a kind 10 post in force.
enum ModelTable {
    static let schema = """
        CREATE TABLE models (
            id INTEGER PRIMARY KEY,            -- number of (author, slug)
            place INTEGER NOT NULL,            -- in posting lists; see model_owners
            post BLOB NOT NULL UNIQUE,
            author_id INTEGER NOT NULL,
            slug TEXT NOT NULL,
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,              -- of (author, slug): an edit does not move the model
            name TEXT NOT NULL,
            type TEXT NOT NULL,
            tags TEXT NOT NULL,                -- one a line
            level INTEGER NOT NULL,
            hidden INTEGER NOT NULL,
            licence TEXT NOT NULL,
            permissions INTEGER NOT NULL,      -- OR of Permission
            -- computed
            shelf INTEGER,
            published INTEGER NOT NULL,        -- created of the first release, else of the model
            updated INTEGER NOT NULL,          -- created of the newest release, else of the model
            newest_release INTEGER,            -- of the open ones
            newest_base TEXT NOT NULL DEFAULT '',  -- its base model
            downloads INTEGER NOT NULL DEFAULT 0,
            recommended INTEGER NOT NULL DEFAULT 0,
            not_recommended INTEGER NOT NULL DEFAULT 0,
            comments INTEGER NOT NULL DEFAULT 0,
            reactions INTEGER NOT NULL DEFAULT 0,
            score INTEGER NOT NULL DEFAULT 0,
            trending INTEGER NOT NULL DEFAULT \(Trending.none),
            body BLOB NOT NULL                 -- last: long ones do not slow the others down
        );
        """

    static let indexes = [
        LateIndex("models_slug", on: "models (author_id, slug)", .models),
        LateIndex("models_author", on: "models (author_id, shelf, published, tie, id, place)", .models),
        // What lists sort sets by, without the rows, which are long.
        LateIndex(
            "models_narrow",
            on: "models (place, shelf, published, updated, tie, downloads, comments, score, trending, id)", .models),
        LateIndex("models_published", on: "models (shelf, published, tie, id, place)", .models),
        LateIndex("models_updated", on: "models (shelf, updated, tie, id, place)", .models),
        LateIndex("models_downloads", on: "models (shelf, downloads, published, tie, id, place)", .models),
        LateIndex("models_comments", on: "models (shelf, comments, published, tie, id, place)", .models),
        LateIndex("models_trending", on: "models (shelf, trending, published, tie, id, place)", .models),
        LateIndex("models_score", on: "models (shelf, score, published, tie, id, place)", .models),
    ]
}

extension Projection {
    func show(model: WireModel, _ post: LoggedPost, _ bodies: KeptBodies) throws {
        let name = NumberBlock.model(post.author, slug: post.slot)
        let id = try number(name)
        let authorID = try authorID(post.author)
        try setOwner(ofModel: id, authorID)
        try database.write(
            """
            INSERT INTO models (id, post, author_id, slug, created, tie, name, type, tags, level, hidden, licence,
                permissions, body, published, updated, place)
            VALUES (?, ?, ?, ?, ?5, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?5, ?5,
                (SELECT place FROM model_owners WHERE model_id = ?1))
            ON CONFLICT (id) DO UPDATE SET post = excluded.post, created = excluded.created, name = excluded.name,
                type = excluded.type, tags = excluded.tags, level = excluded.level, hidden = excluded.hidden,
                licence = excluded.licence, permissions = excluded.permissions, body = excluded.body
            """,
            id, post.id.data, authorID, post.slot, Int64(post.created), name.tie, model.name, model.type,
            model.tags.joined(separator: "\n"),
            Int64(level(of: model, in: post.id, author: post.author, slug: post.slot).rawValue),
            isHidden(post.id),
            model.licence.name, Permission.bits(model.licence), bodies.whole)
        try setModel(ofSubject: post.id, id)
        staleModels.insert(id)
        staleAuthors.insert(authorID)
    }

    /// Comments on an older version are comments on the model, also when it came late and was never shown; those on a
    /// deleted one are not.
    func hideModel(_ post: LoggedPost, isSuperseded: Bool) throws {
        let version = isSuperseded ? try number(NumberBlock.model(post.author, slug: post.slot)) : nil
        try setModel(ofSubject: post.id, version)
        if let version { staleModels.insert(version) }
        let row = try database.row("SELECT id, author_id FROM models WHERE post = ?", [post.id.data])
        guard let row, let id = row[0] as Int32?, let authorID = row[1] as Int32? else { return }
        try database.run("DELETE FROM models WHERE id = ?", [id])
        staleModels.insert(id)
        staleAuthors.insert(authorID)
    }

    private func level(of model: WireModel, in post: Hash32, author: Hash32, slug: String) -> Level {
        levels.level(
            Level(declared: model.level), of: .work(author: author, kind: .model, slug: slug), version: post)
    }

    func refreshLevel(ofModelBy author: Hash32, slug: String) throws {
        let row = try database.row(
            """
            SELECT m.id, m.author_id, m.body, m.post FROM models m JOIN authors a ON a.id = m.author_id
            WHERE a.author = ? AND m.slug = ?
            """, [author.data, slug])
        guard let row, let id = row[0] as Int32?, let authorID = row[1] as Int32? else { return }
        let level = level(
            of: try WireModel(serializedBytes: row[2] as Data), in: row.hash(3), author: author, slug: slug)
        try database.run("UPDATE models SET level = ? WHERE id = ?", [Int64(level.rawValue), id])
        staleModels.insert(id)
        staleAuthors.insert(authorID)
    }

    func refreshHiddenModel(_ post: Hash32) throws {
        try database.run("UPDATE models SET hidden = ? WHERE post = ?", [isHidden(post), post.data])
        let row = try database.row("SELECT id, author_id FROM models WHERE post = ?", [post.data])
        guard let row, let id = row[0] as Int32?, let authorID = row[1] as Int32? else { return }
        staleModels.insert(id)
        staleAuthors.insert(authorID)
    }

    /// Computes a model's row, its releases' shelves, its terms and its search text from the posts in force.
    func refreshModel(_ id: Int32) throws {
        let model = try database.row(
            """
            SELECT level, hidden, created, place, name, slug, type, tags, author_id, licence, permissions
            FROM models WHERE id = ?
            """, [id])
        let releases = try refreshReleases(ofModel: id, level: model?[0], isHidden: model?[1] ?? false)
        guard let model, let level = Level(rawValue: model[0] as UInt32) else {
            try setShelf(ofSubjectsOf: id, nil)
            if let place = try place(ofModel: id) {
                try setTerms([], at: place, shelf: nil)
                searchTexts.updateValue(nil, forKey: place)
            }
            return
        }
        let (shelf, place): (Int64, Int32) = (Shelf.number(level, isHidden: model[1]), model[3])
        try setShelf(ofSubjectsOf: id, shelf)
        let open = releases.filter { $0.isOpen }
        let created = model[2] as Int64
        let terms = try terms(ofModel: model, releases: open)
        try database.run(
            """
            UPDATE models SET shelf = ?1, published = ?2, updated = ?3, newest_release = ?4, newest_base = ?5
            WHERE id = ?6 AND (shelf, published, updated, newest_release, newest_base) IS NOT (?1, ?2, ?3, ?4, ?5)
            """,
            [
                shelf, open.map(\.created).min() ?? created, open.map(\.created).max() ?? created, open.first?.id,
                open.first?.baseModel ?? "", id,
            ])
        let pairs = open.flatMap { release in
            release.formats.map { (base: TermTable.folded(release.baseModel), format: TermTable.folded($0)) }
        }
        try setTerms(terms, pairs: pairs, at: place, shelf: shelf)
        let words = open.prefix(SearchTable.releases).map(\.words).joined(separator: "\n")
        searchTexts[place] = SearchText(name: model[4], slug: model[5], tags: model[7], words: words)
    }

    /// - Parameter model: the columns that `refreshModel` reads.
    private func terms(ofModel model: Row, releases: [ReleaseFacts]) throws -> [Term] {
        let tags = (model[7] as String).split(separator: "\n").map(String.init)
        var terms = [Term(.type, model[6])] + tags.map { Term(.tag, $0) }
        terms.append(Term(.licence, model[9]))
        terms += Permission.allCases.filter { $0.bit & model[10] as Int64 != 0 }.map { Term(.permission, $0.rawValue) }
        for release in releases {
            terms.append(Term(.baseModel, release.baseModel))
            for format in release.formats {
                terms.append(Term(.format, format))
                terms.append(Term(.baseFormat, Term.joint(base: release.baseModel, format: format)))
            }
        }
        if !releases.isEmpty { terms.append(Term(.released, "")) }
        if try isResident(authorID: model[8]) { terms.append(Term(.here, "")) }
        return terms
    }

    /// Adds up what is counted for the model's posts and releases.
    /// - Parameter isIndexed: false while `models` has no indexes yet.
    func refreshCounts(_ id: Int32, isIndexed: Bool = true) throws {
        let columns = ["downloads", "recommended", "not_recommended", "comments", "reactions", "score", "trending"]
        var (level, stored): (UInt32?, [Int64]) = (nil, [])
        try database.scan("SELECT level, \(columns.joined(separator: ", ")) FROM models WHERE id = ?", [id]) { row in
            level = UInt32(truncatingIfNeeded: row.integer(0))
            stored = (1...7).map(row.integer)
        }
        guard let level else { return }
        var values: [Int64] = []
        try database.scan(
            """
            SELECT COALESCE(SUM(downloads), 0), COALESCE(SUM(recommended), 0), COALESCE(SUM(not_recommended), 0),
                COALESCE(SUM(comments), 0), COALESCE(SUM(reactions), 0)
            FROM subjects WHERE model_id = ?
            """, [id]
        ) { row in values = (0..<5).map(row.integer) }
        values.append(Rating.score(recommended: values[1], notRecommended: values[2]))
        values.append(Trending.score(try Trending.days(ofModel: id, upTo: Level(declared: level), database)))
        let changed = values.indices.filter { stored[$0] != values[$0] }
        guard isIndexed else {
            if changed.isEmpty { return }
            let set = columns.map { "\($0) = ?" }.joined(separator: ", ")
            return try database.run("UPDATE models SET \(set) WHERE id = ?", values + [Int64(id)])
        }
        // One by one: SQLite writes every index with a column that is set, changed or not.
        for index in changed {
            try database.run("UPDATE models SET \(columns[index]) = ? WHERE id = ?", [values[index], id])
        }
    }
}

/// The order of "highest rated".
enum Rating {
    /// The lower bound of the Wilson score interval at 95 % in millionths (E. B. Wilson 1927): what the share of
    /// recommendations is at least, given how few people said so. Two of two stands below 95 of 100.
    static func score(recommended: Int64, notRecommended: Int64) -> Int64 {
        let count = Double(recommended + notRecommended)
        guard count > 0 else { return 0 }
        let z = 1.96
        let share = Double(recommended) / count
        let centre = share + z * z / (2 * count)
        let margin = z * ((share * (1 - share) + z * z / (4 * count)) / count).squareRoot()
        return Int64(((centre - margin) / (1 + z * z / count) * 1_000_000).rounded())
    }
}
