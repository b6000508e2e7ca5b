import Digests
import GRDB
import Statements

/// Under which releases and models an image is listed.
enum ImageLinkTable {
    static let schema = """
        CREATE TABLE image_links (
            image_id INTEGER NOT NULL,
            subject_id INTEGER NOT NULL,       -- of the release, here or not
            author_id INTEGER NOT NULL,        -- of the image
            shelf INTEGER NOT NULL,
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            PRIMARY KEY (image_id, subject_id)
        ) WITHOUT ROWID;
        CREATE TABLE model_images (
            image_id INTEGER NOT NULL,
            model_id INTEGER NOT NULL,
            n INTEGER NOT NULL,                -- releases of the model that are here and that the image is listed under
            shelf INTEGER NOT NULL,
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            PRIMARY KEY (image_id, model_id)
        ) WITHOUT ROWID;
        """

    static let indexes = [
        LateIndex("image_links_newest", on: "image_links (subject_id, shelf, created, tie, image_id)"),
        LateIndex("image_links_author", on: "image_links (subject_id, author_id, shelf, created, tie, image_id)"),
        LateIndex("model_images_newest", on: "model_images (model_id, shelf, created, tie, image_id)"),
    ]

    /// All images of all models. The links lie in the order of images already, so nothing is sorted.
    static let derived = """
        INSERT INTO model_images (image_id, model_id, n, shelf, created, tie)
        SELECT l.image_id, s.model_id, 1, l.shelf, l.created, l.tie
        FROM image_links l CROSS JOIN subjects s ON s.id = l.subject_id WHERE s.release_id IS NOT NULL
        ON CONFLICT DO UPDATE SET n = n + 1
        """
}

/// The values of an image that its links repeat.
struct ImageRow {
    let id: Int64
    let authorID: Int32
    let shelf: Int64
    let created: Int64
    let tie: Int64
}

/// A post that images are listed under, and what is known of it when it is a release that is here.
struct ImagedRelease {
    let subjectID: Int64
    let modelID: Int32?
    let baseKey: String?
}

extension Projection {
    func imagedRelease(_ post: Hash32) throws -> ImagedRelease {
        let subjectID = try subjectID(post)
        if isFilling { return ImagedRelease(subjectID: subjectID, modelID: nil, baseKey: nil) }
        let row = try database.row(
            "SELECT s.model_id, r.base_key FROM subjects s JOIN releases r ON r.id = s.release_id WHERE s.id = ?",
            [subjectID])
        return ImagedRelease(subjectID: subjectID, modelID: row?[0], baseKey: row?[1])
    }

    /// Lists a new image. What was said of its post is noted once for all images of the post.
    func link(_ image: ImageRow, to releases: [ImagedRelease]) throws {
        var models: [Int32: Int] = [:]
        for release in releases {
            try database.write(
                """
                INSERT INTO image_links (image_id, subject_id, author_id, shelf, created, tie) VALUES (?, ?, ?, ?, ?, ?)
                """, image.id, release.subjectID, image.authorID, image.shelf, image.created, image.tie)
            if let modelID = release.modelID { models[modelID, default: 0] += 1 }
        }
        for (modelID, count) in models {
            try database.run(
                "INSERT INTO model_images (image_id, model_id, n, shelf, created, tie) VALUES (?, ?, ?, ?, ?, ?)",
                [image.id, modelID, count, image.shelf, image.created, image.tie])
            try noteImage(
                modelID: modelID, shelf: image.shelf, created: image.created, authorID: image.authorID, change: 1)
        }
    }

    /// Called while the image's row is there.
    func unlink(imageID: Int64) throws {
        for row in try database.rows("SELECT model_id FROM model_images WHERE image_id = ?", [imageID]) {
            try noteImage(imageID, modelID: row[0], change: -1)
        }
        try database.run("DELETE FROM image_links WHERE image_id = ?", [imageID])
        try database.run("DELETE FROM model_images WHERE image_id = ?", [imageID])
    }

    /// Called when the image's row is on its new shelf.
    func moveLinks(imageID: Int64, from old: Int64, toShelf shelf: Int64) throws {
        let rows = try database.rows(
            """
            SELECT m.model_id, i.author_id, i.created FROM model_images m JOIN images i ON i.id = m.image_id
            WHERE m.image_id = ?
            """, [imageID])
        for row in rows {
            for (shelf, change) in [(old, -1), (shelf, 1)] as [(Int64, Int64)] {
                try noteImage(
                    modelID: row[0], shelf: shelf, created: row[2], authorID: row[1], change: change)
            }
        }
        try database.run("UPDATE image_links SET shelf = ? WHERE image_id = ?", [shelf, imageID])
        try database.run("UPDATE model_images SET shelf = ? WHERE image_id = ?", [shelf, imageID])
    }

    /// A release arrived: its images become images of its model.
    func addImages(ofSubject subjectID: Int64, toModel modelID: Int32) throws {
        if isFilling { return }
        let rows = try database.rows(
            """
            INSERT INTO model_images (image_id, model_id, n, shelf, created, tie)
            SELECT image_id, ?, 1, shelf, created, tie FROM image_links WHERE subject_id = ?
            ON CONFLICT DO UPDATE SET n = n + 1 RETURNING image_id, n
            """, [modelID, subjectID])
        for row in rows where row[1] == 1 { try noteImage(row[0], modelID: modelID, change: 1) }
    }

    func removeImages(ofSubject subjectID: Int64, fromModel modelID: Int32) throws {
        if isFilling { return }
        let rows = try database.rows(
            """
            UPDATE model_images SET n = n - 1
            WHERE model_id = ? AND image_id IN (SELECT image_id FROM image_links WHERE subject_id = ?)
            RETURNING image_id, n
            """, [modelID, subjectID])
        for row in rows where row[1] == 0 { try noteImage(row[0], modelID: modelID, change: -1) }
        try database.run(
            """
            DELETE FROM model_images
            WHERE model_id = ? AND n = 0 AND image_id IN (SELECT image_id FROM image_links WHERE subject_id = ?)
            """, [modelID, subjectID])
    }
}
