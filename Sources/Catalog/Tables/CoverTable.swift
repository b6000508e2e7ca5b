import GRDB
import Moderation
import Statements

/// The images that stand for a model on its cards: the best of each open shelf, so that every viewer's is the best of a
/// few rows that lie side by side.
///
/// Told anew for a model whose releases or images changed. Viewers who see what is hidden are the operator alone; theirs
/// is told from the rows when they ask.
enum CoverTable {
    static let schema = """
        CREATE TABLE model_covers (
            model_id INTEGER NOT NULL,
            shelf INTEGER NOT NULL,            -- of the image; never a hidden one
            rank INTEGER NOT NULL,             -- CoverRank
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            image_id INTEGER NOT NULL,
            PRIMARY KEY (model_id, shelf)
        ) WITHOUT ROWID;
        """

    /// The order in which images stand for a model, the best first.
    static let order = "rank DESC, created DESC, tie DESC, image_id DESC"

    /// The newest image of each rank on each open shelf: of the release `:subject` and the model `:model` of the author
    /// `:author`.
    fileprivate static let candidates = Level.allCases.map { Shelf.number($0, isHidden: false) }
        .flatMap { shelf in
            CoverRank.allCases.map { rank in
                """
                SELECT * FROM (
                    SELECT \(shelf) AS shelf, \(rank.rawValue), created, tie, image_id FROM \(rank.table)
                    WHERE \(rank.condition) AND shelf = \(shelf) ORDER BY created DESC, tie DESC, image_id DESC LIMIT 1)
                """
            }
        }.joined(separator: " UNION ALL ")
}

/// Which images stand for a model before others. The numbers are in the database of this version only.
enum CoverRank: Int64, CaseIterable {
    /// Of any of its releases.
    case model = 1
    /// Of the release that the card names: the newest.
    case release = 2
    /// Of that release, by the model's author.
    case own = 3

    var table: String { self == .model ? "model_images" : "image_links" }

    var condition: String {
        switch self {
        case .model: "model_id = :model"
        case .release: "subject_id = :subject"
        case .own: "subject_id = :subject AND author_id = :author"
        }
    }
}

/// A row of a model.
private struct Cover: Equatable {
    let rank: Int64
    let created: Int64
    let tie: Int64
    let imageID: Int64

    /// - Parameter row: with the shelf before its columns.
    init(_ row: RawRow) {
        (rank, created, tie, imageID) = (row.integer(1), row.integer(2), row.integer(3), row.integer(4))
    }
}

extension Projection {
    /// Chooses a model's covers from its images; none for a model that is not here.
    func refreshCovers(ofModel id: Int32) throws {
        var wanted: [Int64: Cover] = [:]
        let model = try database.row(
            "SELECT m.author_id, r.subject_id FROM models m LEFT JOIN releases r ON r.id = m.newest_release WHERE m.id = ?",
            [id])
        if let model {
            try database.walk(
                CoverTable.candidates,
                named: ["model": id, "author": model[0] as Int64, "subject": model[1] as Int64?]
            ) { row in
                let (shelf, cover) = (row.integer(0), Cover(row))
                if cover.rank > wanted[shelf]?.rank ?? 0 { wanted[shelf] = cover }
                return true
            }
        }
        var gone: [Int64] = []
        try database.scan(
            "SELECT shelf, rank, created, tie, image_id FROM model_covers WHERE model_id = ?", [id]
        ) { row in
            let shelf = row.integer(0)
            if wanted[shelf] == Cover(row) {
                wanted[shelf] = nil
            } else if wanted[shelf] == nil {
                gone.append(shelf)
            }
        }
        for shelf in gone {
            try database.run("DELETE FROM model_covers WHERE model_id = ? AND shelf = ?", [id, shelf])
        }
        for (shelf, cover) in wanted {
            try database.write(
                """
                INSERT INTO model_covers (model_id, shelf, rank, created, tie, image_id) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET rank = excluded.rank, created = excluded.created, tie = excluded.tie,
                    image_id = excluded.image_id
                """, id, shelf, cover.rank, cover.created, cover.tie, cover.imageID)
        }
    }
}
