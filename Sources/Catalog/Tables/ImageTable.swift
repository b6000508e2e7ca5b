import Digests
import FoundationEssentials
import GRDB
import Moderation
import PostLog
import Statements
import SwiftProtobuf
import WaggleProtocol

/// Images of image posts, and those that reviews show: an image of a review is an image made with the release.
enum ImageTable {
    static let schema = """
        CREATE TABLE image_posts (
            id INTEGER PRIMARY KEY,            -- number of the post
            post BLOB NOT NULL,
            author_id INTEGER NOT NULL,
            created INTEGER NOT NULL,
            title TEXT NOT NULL,
            text TEXT NOT NULL,
            releases BLOB NOT NULL             -- posts that it names as releases, 32 bytes each
        );
        CREATE TABLE images (
            id INTEGER PRIMARY KEY,            -- the post's number + 1 + part
            post_id INTEGER NOT NULL,
            part INTEGER NOT NULL,
            author_id INTEGER NOT NULL,
            sha256 BLOB NOT NULL,
            level INTEGER NOT NULL,
            shelf INTEGER NOT NULL,
            earned INTEGER NOT NULL,           -- by an author who has earned room here
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            reactions INTEGER NOT NULL DEFAULT 0,  -- to its post
            recipe INTEGER NOT NULL,           -- whether it has one
            body BLOB NOT NULL
        );
        """

    static let indexes = [
        LateIndex("image_posts_post", on: "image_posts (post)", isUnique: true, .posts),
        LateIndex("images_post", on: "images (post_id, part)", .posts),
        LateIndex("images_newest", on: "images (shelf, created, tie, id)"),
        LateIndex("images_reactions", on: "images (shelf, reactions, created, tie, id)"),
        LateIndex("images_author", on: "images (author_id, shelf, created, tie, id)", .slots),
        LateIndex("images_sha256", on: "images (sha256, earned, shelf)"),
    ]

    /// Orders images of one second: by post, and within a post the first image first in a list of newest first.
    static func tie(_ post: Hash32, part: Int) -> Int64 {
        (post.tie & ~31) | (31 - Int64(min(part, 31)))
    }

    static func isFirst(tie: Int64) -> Bool { tie & 31 == 31 }

    /// Carries the reactions on posts to their images.
    static let derived = """
        UPDATE images SET reactions = r.n FROM (
            SELECT p.id, s.reactions AS n FROM subjects s JOIN image_posts p ON p.post = s.post
            WHERE s.reactions <> 0 AND s.model_id IS NULL) AS r
        WHERE images.post_id = r.id
        """
}

extension Projection {
    func show(imagePost: WireImagePost, _ post: LoggedPost, _ bodies: KeptBodies) throws {
        var releases: [Hash32] = []
        for release in imagePost.releases.compactMap({ Hash32($0) }) where !releases.contains(release) {
            releases.append(release)
            if releases.count == Limits.Catalog.releasesPerImagePost { break }
        }
        let rows = try insertImages(
            imagePost.images, post, bodies, releases: releases, title: imagePost.title, text: imagePost.text)
        try insertLineage(post, roles: [.remixOf], children: rows.map(LineageChild.init))
    }

    /// Returns the new rows; none when the post is here already.
    @discardableResult
    func insertImages(
        _ images: [WireImage], _ post: LoggedPost, _ bodies: KeptBodies, releases: [Hash32], title: String, text: String
    ) throws -> [ImageRow] {
        let id = try number(post.id)
        let authorID = try authorID(post.author)
        try database.write(
            """
            INSERT INTO image_posts (id, post, author_id, created, title, text, releases) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO NOTHING
            """,
            id, post.id.data, authorID, Int64(post.created), title, text,
            releases.reduce(into: Data()) { $0.append($1.data) })
        guard database.changesCount > 0 else { return [] }
        let isEarned = try hasEarnedRoom(post.author)
        let imaged = try releases.map { try imagedRelease($0) }
        let terms = isFilling ? [] : try terms(ofImagesBy: authorID, of: imaged)
        var rows: [ImageRow] = []
        let subject = LevelSubject(post: post.id, author: post.author, kind: post.kind, slot: post.slot)
        for (part, (image, body)) in zip(images, bodies.images).enumerated() {
            let level = level(of: image, subject, post.id)
            let row = ImageRow(
                id: Int64(id) + 1 + Int64(part), authorID: authorID,
                shelf: shelf(level, blob: image.blob, post: post.id), created: Int64(post.created),
                tie: ImageTable.tie(post.id, part: part))
            try database.write(
                """
                INSERT INTO images (
                    id, post_id, part, author_id, sha256, level, shelf, earned, created, tie, recipe, body)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                row.id, id, part, authorID, image.blob, Int64(level.rawValue), row.shelf,
                isEarned, row.created, row.tie, image.hasRecipe, body)
            count(.images, shelf: row.shelf, by: 1)
            try link(row, to: imaged)
            if !isFilling { try addTerms(terms, ofImage: row, hasRecipe: image.hasRecipe) }
            rows.append(row)
        }
        if isFilling { return rows }
        if let subjectID = try database.integer("SELECT id FROM subjects WHERE post = ?", [post.id.data]) {
            if !rows.isEmpty {
                for modelID in Set(imaged.compactMap(\.modelID)) {
                    try noteFacts(onSubject: subjectID, modelID: modelID, change: 1)
                }
            }
            try refreshReactions(ofImagesOf: subjectID)
            try refreshShelves(ofImagePost: post.id)
        }
        return rows
    }

    private func level(of image: WireImage, _ subject: LevelSubject?, _ post: Hash32) -> Level {
        levels.level(Level(declared: image.level), of: subject, version: post, picture: Hash32(image.blob))
    }

    private func shelf(_ level: Level, blob: Data, post: Hash32) -> Int64 {
        let isBlobHidden = !hidden.isEmpty && Hash32(blob).map { hidden.contains(.blob($0)) } ?? false
        return Shelf.number(level, isHidden: isBlobHidden || isHidden(post))
    }

    /// Removes the images of an image post or a review.
    func hideImages(of post: Hash32) throws {
        guard let id = try database.integer("SELECT id FROM image_posts WHERE post = ?", [post.data]) else { return }
        for row in try database.rows("SELECT id, shelf FROM images WHERE post_id = ?", [id]) {
            try removeTerms(ofImage: row[0])
            try unlink(imageID: row[0])
            try removeLineage(child: row[0])
            count(.images, shelf: row[1], by: -1)
        }
        try database.run("DELETE FROM images WHERE post_id = ?", [id])
        try database.run("DELETE FROM image_posts WHERE id = ?", [id])
        try refreshShelves(ofImagePost: post)
    }

    func refreshHiddenImages(blob: Hash32) throws {
        try refreshHiddenImages(
            try database.rows(
                """
                SELECT i.id, i.level, i.sha256, i.shelf, p.post FROM images i JOIN image_posts p ON p.id = i.post_id
                WHERE i.sha256 = ?
                """, [blob.data]))
    }

    func refreshHiddenImages(post: Hash32) throws {
        try refreshHiddenImages(
            try database.rows(
                """
                SELECT i.id, i.level, i.sha256, i.shelf, p.post FROM image_posts p JOIN images i ON i.post_id = p.id
                WHERE p.post = ?
                """, [post.data]))
    }

    private func refreshHiddenImages(_ rows: [Row]) throws {
        for row in rows {
            let shelf = shelf(Level(declared: row[1]), blob: row[2], post: row.hash(4))
            try move(image: row[0], of: row.hash(4), from: row[3], to: shelf)
        }
    }

    private func move(image id: Int64, of post: Hash32, from old: Int64, to shelf: Int64) throws {
        guard shelf != old else { return }
        try database.run("UPDATE images SET shelf = ? WHERE id = ?", [shelf, id])
        try moveTerms(ofImage: id, from: old, toShelf: shelf)
        try moveLinks(imageID: id, from: old, toShelf: shelf)
        try moveLineage(child: id, toShelf: shelf)
        try refreshShelves(ofImagePost: post)
        count(.images, shelf: old, by: -1)
        count(.images, shelf: shelf, by: 1)
    }

    /// Gives images the level that they have now.
    /// - Parameter column: of images (i) or their posts (p).
    func refreshLevels(ofImagesWith column: String, _ hash: Hash32) throws {
        let rows = try database.rows(
            """
            SELECT i.id, i.body, i.sha256, i.shelf, p.post FROM image_posts p JOIN images i ON i.post_id = p.id
            WHERE \(column) = ?
            """, [hash.data])
        for row in rows {
            let post = row.hash(4)
            let subject = try reviewSubject(of: post) ?? .post(post)
            let level = level(of: try WireImage(serializedBytes: row[1] as Data), subject, post)
            try database.run(
                "UPDATE images SET level = ? WHERE id = ?", [Int64(level.rawValue), row[0] as Int64])
            try move(image: row[0], of: post, from: row[3], to: shelf(level, blob: row[2], post: post))
        }
    }
}
