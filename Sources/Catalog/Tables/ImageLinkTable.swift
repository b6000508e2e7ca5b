import GRDB

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
        CREATE INDEX image_links_newest ON image_links (subject_id, shelf, created, tie, image_id);
        CREATE INDEX image_links_author ON image_links (subject_id, author_id, shelf, created, tie, image_id);
        CREATE TABLE model_images (
            image_id INTEGER NOT NULL,
            model_id INTEGER NOT NULL,
            n INTEGER NOT NULL,                -- releases of the model that are here and that the image is listed under
            shelf INTEGER NOT NULL,
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            PRIMARY KEY (image_id, model_id)
        ) WITHOUT ROWID;
        CREATE INDEX model_images_newest ON model_images (model_id, shelf, created, tie, image_id);
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

extension Projection {
    func link(_ image: ImageRow, toSubject subjectID: Int64) throws {
        try database.run(
            """
            INSERT INTO image_links (image_id, subject_id, author_id, shelf, created, tie) VALUES (?, ?, ?, ?, ?, ?)
            """, [image.id, subjectID, image.authorID, image.shelf, image.created, image.tie])
        try database.run(
            """
            INSERT INTO model_images (image_id, model_id, n, shelf, created, tie)
            SELECT ?, model_id, 1, ?, ?, ? FROM subjects WHERE id = ? AND release_id IS NOT NULL
            ON CONFLICT DO UPDATE SET n = n + 1
            """, [image.id, image.shelf, image.created, image.tie, subjectID])
    }

    func unlink(imageID: Int64) throws {
        try database.run("DELETE FROM image_links WHERE image_id = ?", [imageID])
        try database.run("DELETE FROM model_images WHERE image_id = ?", [imageID])
    }

    func moveLinks(imageID: Int64, toShelf shelf: Int64) throws {
        try database.run("UPDATE image_links SET shelf = ? WHERE image_id = ?", [shelf, imageID])
        try database.run("UPDATE model_images SET shelf = ? WHERE image_id = ?", [shelf, imageID])
    }

    /// A release arrived: its images become images of its model.
    func addImages(ofSubject subjectID: Int64, toModel modelID: Int32) throws {
        try database.run(
            """
            INSERT INTO model_images (image_id, model_id, n, shelf, created, tie)
            SELECT image_id, ?, 1, shelf, created, tie FROM image_links WHERE subject_id = ?
            ON CONFLICT DO UPDATE SET n = n + 1
            """, [modelID, subjectID])
    }

    func removeImages(ofSubject subjectID: Int64, fromModel modelID: Int32) throws {
        try database.run(
            """
            UPDATE model_images SET n = n - 1
            WHERE model_id = ? AND image_id IN (SELECT image_id FROM image_links WHERE subject_id = ?)
            """, [modelID, subjectID])
        try database.run(
            """
            DELETE FROM model_images
            WHERE model_id = ? AND n = 0 AND image_id IN (SELECT image_id FROM image_links WHERE subject_id = ?)
            """, [modelID, subjectID])
    }
}
