import Digests
import FoundationEssentials
import GRDB
import Moderation
import PostLog
import Statements
import WaggleProtocol

/// Blobs that posts show besides the files of releases and images: avatars, covers of articles, graphs of workflows, the
/// lists of checkpoints.
enum ShownBlobTable {
    static let schema = """
        CREATE TABLE shown_blobs (
            id INTEGER PRIMARY KEY,
            post BLOB NOT NULL UNIQUE,
            kind INTEGER NOT NULL,             -- of the post
            author_id INTEGER NOT NULL,
            sha256 BLOB NOT NULL,
            earned INTEGER NOT NULL,           -- by an author who has earned room here
            level INTEGER NOT NULL,
            shelf INTEGER NOT NULL,
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL
        );
        CREATE INDEX shown_blobs_author ON shown_blobs (author_id);
        """

    static let indexes = [
        LateIndex("shown_blobs_sha256", on: "shown_blobs (sha256, earned, shelf)")
    ]
}

extension Projection {
    /// Says which blob a post shows; an empty hash = none.
    func setShownBlob(_ sha256: Data, of post: LoggedPost, authorID: Int32, level: Level) throws {
        guard let hash = Hash32(sha256) else { return }
        try database.run(
            """
            INSERT INTO shown_blobs (post, kind, author_id, sha256, earned, level, shelf, created, tie)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
            """,
            [
                post.id.data, Int64(post.kind.rawValue), authorID, sha256, try hasEarnedRoom(post.author),
                Int64(level.rawValue), shelf(ofShown: hash, level, of: post.id),
                Int64(post.created), post.id.tie,
            ])
    }

    /// The ids that a checkpoint names: without them nobody could tell which posts of a lost key stand, so everybody gets
    /// them.
    func show(checkpoint: WireCheckpoint, _ post: LoggedPost) throws {
        try setShownBlob(checkpoint.blob, of: post, authorID: try authorID(post.author), level: .pg)
    }

    func removeShownBlob(of post: Hash32) throws {
        try database.run("DELETE FROM shown_blobs WHERE post = ?", [post.data])
    }

    /// Whether moderation hides a blob, or the post that shows it.
    func isHidden(blob: Hash32?, of post: Hash32) -> Bool {
        isHidden(post) || blob.map { hidden.contains(.blob($0)) } ?? false
    }

    /// - Parameter level: of what shows it.
    private func shelf(ofShown blob: Hash32, _ level: Level, of post: Hash32) -> Int64 {
        Shelf.number(levels.level(level, of: nil, picture: blob), isHidden: isHidden(blob: blob, of: post))
    }

    func refreshHiddenShownBlob(post: Hash32) throws {
        guard let row = try database.row("SELECT sha256, level FROM shown_blobs WHERE post = ?", [post.data]) else {
            return
        }
        let shelf = shelf(ofShown: row.hash(0), Level(declared: row[1]), of: post)
        try database.run("UPDATE shown_blobs SET shelf = ? WHERE post = ?", [shelf, post.data])
    }

    func refreshHiddenShownBlobs(_ blob: Hash32) throws {
        for row in try database.rows("SELECT post FROM shown_blobs WHERE sha256 = ?", [blob.data]) {
            try refreshHiddenShownBlob(post: row.hash(0))
            try refreshHiddenWork(row.hash(0))
        }
    }
}
