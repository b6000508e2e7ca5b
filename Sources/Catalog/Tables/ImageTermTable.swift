import Digests
import FoundationEssentials
import GRDB
import Statements
import WaggleProtocol

/// What images are filtered by: base models of the releases that they are listed under, a recipe, an author who is at
/// home here. One tree, in the order of the lists; an image's rows are found through its other tables.
enum ImageTermTable {
    static let schema = """
        CREATE TABLE image_terms (
            term INTEGER NOT NULL,             -- ImageTerm, or the number of a base model
            shelf INTEGER NOT NULL,
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            image_id INTEGER NOT NULL,
            PRIMARY KEY (term, shelf, created, tie, image_id)
        ) WITHOUT ROWID;
        CREATE TABLE image_bases (
            id INTEGER PRIMARY KEY,            -- above the numbers of ImageTerm
            key TEXT NOT NULL UNIQUE           -- a base model, folded
        );
        """

    /// All terms of all images.
    static let derived = """
        INSERT INTO image_bases (id, key)
        SELECT \(ImageTerm.lastNumber) + row_number() OVER (ORDER BY key), key
        FROM (SELECT DISTINCT base_key AS key FROM releases WHERE base_key <> '');
        INSERT OR IGNORE INTO image_terms (term, shelf, created, tie, image_id)
        WITH based AS MATERIALIZED (
            SELECT r.subject_id, b.id AS base FROM releases r JOIN image_bases b ON b.key = r.base_key)
        SELECT b.base, l.shelf, l.created, l.tie, l.image_id FROM image_links l
        CROSS JOIN based b USING (subject_id)
        UNION ALL SELECT \(ImageTerm.recipe.rawValue), shelf, created, tie, id FROM images WHERE recipe = 1
        UNION ALL SELECT \(ImageTerm.here.rawValue), shelf, created, tie, id FROM images WHERE author_id IN (
            SELECT a.id FROM authors a JOIN earned e ON e.author = a.author AND e.source = a.author)
        ORDER BY 1, 2, 3, 4, 5;
        """

    /// The number of a base model that images were found for; nil when there is none.
    static func base(_ key: String, _ database: Database) throws -> Int64? {
        try database.integer("SELECT id FROM image_bases WHERE key = ?", [key])
    }
}

/// The numbers are in the database of this version only.
enum ImageTerm: Int64 {
    case recipe = 1
    case here = 2

    /// Numbers of base models are above this.
    static let lastNumber: Int64 = 15
}

extension Projection {
    /// The terms that all images of a post share.
    func terms(ofImagesBy authorID: Int32, of releases: [ImagedRelease]) throws -> Set<Int64> {
        var terms = Set(try releases.compactMap { try $0.baseKey.flatMap(baseNumber) })
        if try isResident(authorID: authorID) { terms.insert(ImageTerm.here.rawValue) }
        return terms
    }

    /// Lists a new image under its terms.
    func addTerms(_ terms: Set<Int64>, ofImage image: ImageRow, hasRecipe: Bool) throws {
        for term in hasRecipe ? terms.union([ImageTerm.recipe.rawValue]) : terms {
            try database.run(
                "INSERT INTO image_terms (term, shelf, created, tie, image_id) VALUES (?, ?, ?, ?, ?)",
                [term, image.shelf, image.created, image.tie, image.id])
        }
    }

    /// Called while the image's row and links are there.
    func removeTerms(ofImage id: Int64) throws {
        if isFilling { return }
        for term in try possibleTerms(ofImage: id) {
            try database.run(
                """
                DELETE FROM image_terms WHERE (term, shelf, created, tie, image_id) IN (
                    SELECT ?, shelf, created, tie, id FROM images WHERE id = ?)
                """, [term, id])
        }
    }

    /// Called when the image's row is on its new shelf, which differs from the old one in being hidden or not.
    func moveTerms(ofImage id: Int64, from old: Int64, toShelf shelf: Int64) throws {
        for term in try possibleTerms(ofImage: id) {
            try database.run(
                """
                UPDATE image_terms SET shelf = ?1 WHERE (term, shelf, created, tie, image_id) IN (
                    SELECT ?2, ?3, created, tie, id FROM images WHERE id = ?4)
                """, [shelf, term, old, id])
        }
    }

    private func possibleTerms(ofImage id: Int64) throws -> [Int64] {
        let bases = try database.rows(
            """
            SELECT DISTINCT b.id FROM image_links l JOIN subjects s ON s.id = l.subject_id
            JOIN releases r ON r.id = s.release_id JOIN image_bases b ON b.key = r.base_key WHERE l.image_id = ?
            """, [id])
        return [ImageTerm.recipe.rawValue, ImageTerm.here.rawValue] + bases.map { $0[0] }
    }

    /// A release arrived: its images are images of its base model.
    func addImageBase(_ baseModel: String, ofSubject subjectID: Int64) throws {
        guard !isFilling, try database.exists("SELECT 1 FROM image_links WHERE subject_id = ?", [subjectID]),
            let term = try baseNumber(TermTable.folded(baseModel))
        else { return }
        try database.run(
            """
            INSERT INTO image_terms (term, shelf, created, tie, image_id)
            SELECT ?, shelf, created, tie, image_id FROM image_links WHERE subject_id = ? ON CONFLICT DO NOTHING
            """, [term, subjectID])
    }

    /// A release has gone: its images are images of its base model only where another release says so.
    func removeImageBase(_ key: String, ofSubject subjectID: Int64) throws {
        if isFilling { return }
        guard let term = try ImageTermTable.base(key, database) else { return }
        try database.run(
            """
            DELETE FROM image_terms WHERE (term, shelf, created, tie, image_id) IN (
                SELECT ?, l.shelf, l.created, l.tie, l.image_id FROM image_links l
                WHERE l.subject_id = ? AND NOT EXISTS (
                    SELECT 1 FROM image_links o JOIN subjects s ON s.id = o.subject_id
                    JOIN releases r ON r.id = s.release_id WHERE o.image_id = l.image_id AND r.base_key = ?))
            """, [term, subjectID, key])
    }

    /// Images without a base model have no term for it.
    private func baseNumber(_ key: String) throws -> Int64? {
        guard !key.isEmpty else { return nil }
        if let known = try ImageTermTable.base(key, database) { return known }
        try database.run(
            """
            INSERT INTO image_bases (id, key)
            SELECT MAX(COALESCE(MAX(id), 0), \(ImageTerm.lastNumber)) + 1, ? FROM image_bases
            """, [key])
        return database.lastInsertedRowID
    }

    /// An author came home, or left.
    func setImagesFromHere(ofAuthor id: Int64, _ isResident: Bool) throws {
        let images = "SELECT \(ImageTerm.here.rawValue), shelf, created, tie, id FROM images WHERE author_id = ?"
        try database.run(
            isResident
                ? """
                INSERT INTO image_terms (term, shelf, created, tie, image_id) \(images) ON CONFLICT DO NOTHING
                """ : "DELETE FROM image_terms WHERE (term, shelf, created, tie, image_id) IN (\(images))", [id])
    }

    /// Carries the count of reactions on a post to the order of its images.
    func refreshReactions(ofImagesOf subjectID: Int64) throws {
        guard let row = try database.row("SELECT reactions, post FROM subjects WHERE id = ?", [subjectID]) else {
            return
        }
        try database.run(
            """
            UPDATE images SET reactions = ?1
            WHERE post_id = (SELECT id FROM image_posts WHERE post = ?2) AND reactions <> ?1
            """, [row[0] as Int64, row[1] as Data])
    }
}
