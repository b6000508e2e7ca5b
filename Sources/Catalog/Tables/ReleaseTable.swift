import Digests
import FoundationEssentials
import GRDB
import Moderation
import PostLog
import Statements
import SwiftProtobuf
import WaggleProtocol

/// Releases, signed by the author of the model that they name; whether that model's post is here yet or not.
enum ReleaseTable {
    static let schema = """
        CREATE TABLE releases (
            id INTEGER PRIMARY KEY,            -- number of the post
            post BLOB NOT NULL UNIQUE,
            model_id INTEGER NOT NULL,
            author_id INTEGER NOT NULL,
            subject_id INTEGER NOT NULL,
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            version TEXT NOT NULL,
            base_model TEXT NOT NULL,
            base_key TEXT NOT NULL,            -- the folded form
            words TEXT NOT NULL,               -- for search
            hidden INTEGER NOT NULL,
            shelf INTEGER,                     -- the model's, or hidden; NULL until the model's post is here
            body BLOB NOT NULL
        );
        CREATE INDEX releases_model ON releases (model_id, created, tie, id);
        CREATE INDEX releases_author ON releases (author_id);
        """

    /// Bytes of a release's words that are found.
    static let wordBytes = 2048
}

/// What a model takes from one of its releases.
struct ReleaseFacts {
    let id: Int32
    let created: Int64
    let baseModel: String
    /// Of its files that are not hidden.
    let formats: [String]
    let words: String
    /// On an open shelf: neither the release nor all of its files are hidden.
    let isOpen: Bool
}

extension Projection {
    func show(release: WireRelease, _ post: LoggedPost, _ bodies: KeptBodies) throws {
        guard NumberBlock.isOwn(release, post) else { return }
        let id = try number(post.id)
        if try database.exists("SELECT 1 FROM releases WHERE id = ?", [id]) { return }
        let authorID = try authorID(post.author)
        let modelID = try number(NumberBlock.model(post.author, slug: release.modelSlug))
        let subjectID = try subjectID(post.id)
        let words = [release.version, release.baseModel] + release.trainedWords
        try database.write(
            """
            INSERT INTO releases (id, post, model_id, author_id, subject_id, created, tie, version, base_model,
                base_key, words, hidden, body)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            id, post.id.data, modelID, authorID, subjectID, Int64(post.created), post.id.tie, release.version,
            release.baseModel, TermTable.folded(release.baseModel),
            String(decoding: words.joined(separator: " ").utf8.prefix(ReleaseTable.wordBytes), as: UTF8.self),
            isHidden(post.id), bodies.whole)
        try insertFiles(release.files, releaseID: id, isEarned: try hasEarnedRoom(post.author))
        try database.run(
            "UPDATE subjects SET release_id = ?, model_id = ?, downloads = ? WHERE id = ?",
            [id, modelID, allotment.downloads[id] ?? 0, subjectID])
        try setOwner(ofModel: modelID, authorID)
        try noteFacts(onSubject: subjectID, modelID: modelID, change: 1)
        try addImages(ofSubject: subjectID, toModel: modelID)
        try insertLineage(
            post, roles: [.base, .mergeOf, .trainedFrom],
            children: [LineageChild(id: Int64(id), shelf: nil, tie: post.id.tie, isImage: false)])
        try addImageBase(release.baseModel, ofSubject: subjectID)
        staleModels.insert(modelID)
    }

    func hideRelease(_ post: LoggedPost) throws {
        guard
            let row = try database.row(
                "SELECT id, model_id, subject_id, shelf, base_key FROM releases WHERE post = ?", [post.id.data])
        else { return }
        let (id, modelID, subjectID): (Int32, Int32, Int64) = (row[0], row[1], row[2])
        try noteFacts(onSubject: subjectID, modelID: modelID, change: -1)
        try removeImages(ofSubject: subjectID, fromModel: modelID)
        try removeLineage(child: Int64(id))
        try database.run("DELETE FROM files WHERE release_id = ?", [id])
        try database.run("DELETE FROM releases WHERE id = ?", [id])
        try database.run(
            "UPDATE subjects SET release_id = NULL, model_id = NULL, shelves = 0, downloads = 0 WHERE id = ?",
            [subjectID])
        try removeImageBase(row[4], ofSubject: subjectID)
        if let shelf = row[3] as Int64? { count(.releases, shelf: shelf, by: -1) }
        staleModels.insert(modelID)
    }

    func refreshHiddenRelease(_ post: Hash32) throws {
        try database.run("UPDATE releases SET hidden = ? WHERE post = ?", [isHidden(post), post.data])
        if let modelID = try database.integer("SELECT model_id FROM releases WHERE post = ?", [post.data]) {
            staleModels.insert(Int32(truncatingIfNeeded: modelID))
        }
    }

    func setDownloads(_ releaseID: Int32, _ count: Int64) throws {
        let row = try database.row("SELECT subject_id, model_id FROM releases WHERE id = ?", [releaseID])
        guard let row, let subjectID = row[0] as Int64?, let modelID = row[1] as Int32? else { return }
        try database.run("UPDATE subjects SET downloads = MAX(downloads, ?) WHERE id = ?", [count, subjectID])
        staleCounts.insert(modelID)
    }

    /// Puts the releases of a model on its shelf, or on none when the model is not here. Newest first.
    func refreshReleases(ofModel id: Int32, level: UInt32?, isHidden: Bool) throws -> [ReleaseFacts] {
        let level = level.flatMap(Level.init(rawValue:))
        var releases: [(facts: ReleaseFacts, subjectID: Int64, shelf: Int64?, stored: Int64?)] = []
        try database.scan(
            """
            SELECT r.id, r.shelf, r.hidden, r.created, r.base_model, r.words,
                NOT EXISTS (SELECT 1 FROM files f WHERE f.release_id = r.id AND f.hidden = 0),
                (SELECT group_concat(format, char(10)) FROM (
                    SELECT DISTINCT f.format FROM files f WHERE f.release_id = r.id AND f.hidden = 0)), r.subject_id
            FROM releases r WHERE r.model_id = ? ORDER BY r.created DESC, r.tie DESC, r.id DESC
            """, [id]
        ) { row in
            let isReleaseHidden = isHidden || row.integer(2) != 0 || row.integer(6) != 0
            let shelf = level.map { Shelf.number($0, isHidden: isReleaseHidden) }
            let facts = ReleaseFacts(
                id: Int32(truncatingIfNeeded: row.integer(0)), created: row.integer(3), baseModel: row.text(4),
                formats: row.text(7).split(separator: "\n").map(String.init), words: row.text(5),
                isOpen: shelf.map { $0 < Shelf.hidden } ?? false)
            releases.append((facts, row.integer(8), shelf, row.isNull(1) ? nil : row.integer(1)))
        }
        for (facts, subjectID, shelf, stored) in releases {
            if shelf != stored {
                try database.write("UPDATE releases SET shelf = ? WHERE id = ?", shelf, facts.id)
                try database.write(
                    "UPDATE subjects SET shelves = ? WHERE id = ?", shelf.map(Shelf.set) ?? 0, subjectID)
                try moveLineage(child: Int64(facts.id), toShelf: shelf)
                if let stored { count(.releases, shelf: stored, by: -1) }
                if let shelf { count(.releases, shelf: shelf, by: 1) }
            }
            try setShelf(ofFilesOf: facts.id, shelf)
        }
        return releases.map(\.facts)
    }
}
