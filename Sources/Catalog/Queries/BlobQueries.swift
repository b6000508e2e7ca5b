public import Digests
import FoundationEssentials
import GRDB
public import Moderation
import Statements
import SwiftProtobuf
import WaggleProtocol

/// What posts in force say of a blob.
public struct BlobReference: Sendable, Hashable {
    public let sha256: Hash32
    /// The highest level that a post in force by an author who has earned room here gives it; where there is none, of
    /// any post. The files of a release have the level of its model, avatars are PG unless labelled otherwise.
    public let level: Level
    /// False when every post that shows it, or the blob itself, is hidden here.
    public let isReferencedByVisiblePost: Bool
    /// A name for people who save it; empty for images.
    public let fileName: String
    /// Empty, with size 0 and no pieces root, when only profiles and articles show it.
    public let mediaType: String
    public let size: UInt64
    public let piecesRoot: Hash32
    public let isImage: Bool
    /// Posts that show it, at most 20, those by authors who have earned room here first, then by age.
    public let posts: [Hash32]
    /// The authors of these posts.
    public let authors: [Hash32]
}

/// Of a `BlobReference`, what decides who may have the bytes.
public struct BlobStanding: Sendable, Hashable {
    public let level: Level
    public let isReferencedByVisiblePost: Bool
}

extension Catalog {
    /// What the gate must know of a blob; nil when no post in force shows it. The answer is the same for every viewer:
    /// `Moderation.visible` decides on it.
    public func blobReference(_ sha256: Hash32) async throws(CatalogError) -> BlobReference? {
        try await read { database in
            let shows = try Self.shows(sha256, database)
            // The first that also says how large the blob is: profiles and articles name no more than its hash.
            guard let main = shows.first(where: \.hasDetails) ?? shows.first else { return nil }
            let open = shows.filter(\.isOpen)
            let details = try main.details(database)
            return BlobReference(
                sha256: sha256, level: try Self.highestShelf(sha256, database).map(Shelf.level) ?? .xxx,
                isReferencedByVisiblePost: !open.isEmpty, fileName: details.name, mediaType: details.mediaType,
                size: details.size, piecesRoot: details.piecesRoot, isImage: main.isImage, posts: shows.map(\.post),
                authors: shows.reduce(into: []) { if !$0.contains($1.author) { $0.append($1.author) } })
        }
    }

    /// What the gate must know of many blobs at once, in the order asked; nil for those that no post in force shows.
    public func blobStandings(_ hashes: [Hash32]) async throws(CatalogError) -> [BlobStanding?] {
        try await read { database in
            try hashes.map { sha256 in
                try Self.highestShelf(sha256, database).map { shelf in
                    BlobStanding(level: Shelf.level(shelf), isReferencedByVisiblePost: shelf < Shelf.hidden)
                }
            }
        }
    }

    /// The highest open shelf of trusted authors, of any author, or, when all is hidden, the highest there is; nil where
    /// nothing shows the blob.
    ///
    /// One statement, because peers ask it of thousands of blobs at a time.
    private static func highestShelf(_ sha256: Hash32, _ database: Database) throws -> Int64? {
        try database.integer(highestShelfStatement, [sha256.data])
    }

    private static let highestShelfStatement: String = {
        // Of the tables of things that show a blob; each is one step in its index.
        func highest(_ earned: Int, below shelf: Int64) -> String {
            let shelves = ["files", "images", "shown_blobs"].map { table in
                """
                coalesce((SELECT shelf FROM \(table) WHERE sha256 = ?1 AND earned = \(earned) AND shelf < \(shelf)
                    ORDER BY shelf DESC LIMIT 1), -1)
                """
            }
            return "nullif(max(\(shelves.joined(separator: ", "))), -1)"
        }
        let choices = [Shelf.hidden, 2 * Shelf.hidden].flatMap { [highest(1, below: $0), highest(0, below: $0)] }
        return "SELECT coalesce(\(choices.joined(separator: ", ")))"
    }()

    /// Posts that show a blob; open ones first, then trusted authors, files before images, then by age.
    private static func shows(_ sha256: Hash32, _ database: Database) throws -> [BlobShow] {
        let limit = Limits.Catalog.postsPerBlob
        let files = try database.rows(
            """
            SELECT f.earned, f.shelf, r.created, r.tie, r.post, a.author, f.part, r.id
            FROM (SELECT release_id, part, earned, shelf FROM files
                WHERE sha256 = ? AND shelf IS NOT NULL ORDER BY earned DESC, shelf DESC LIMIT \(limit)) f
            JOIN releases r ON r.id = f.release_id JOIN authors a ON a.id = r.author_id
            """, [sha256.data])
        let images = try database.rows(
            """
            SELECT i.earned, i.shelf, i.created, i.tie, p.post, a.author, i.part, i.id
            FROM (SELECT id, post_id, part, author_id, created, tie, earned, shelf FROM images
                WHERE sha256 = ? ORDER BY earned DESC, shelf DESC LIMIT \(limit)) i
            JOIN image_posts p ON p.id = i.post_id JOIN authors a ON a.id = i.author_id
            """, [sha256.data])
        let others = try database.rows(
            """
            SELECT b.earned, b.shelf, b.created, b.tie, b.post, a.author, 0, w.id, b.kind
            FROM (SELECT earned, shelf, created, tie, post, author_id, kind FROM shown_blobs
                WHERE sha256 = ? ORDER BY earned DESC, shelf DESC LIMIT \(limit)) b
            JOIN authors a ON a.id = b.author_id LEFT JOIN works w ON w.post = b.post
            """, [sha256.data])
        let all =
            files.map { BlobShow($0, .file) } + images.map { BlobShow($0, .image) }
            + others.map { BlobShow($0, PostKind(rawValue: $0[8]) == .workflow ? .graph : .picture) }
        var posts: Set<Hash32> = []
        return Array(
            all.sorted { $0.order.lexicographicallyPrecedes($1.order) }
                .filter { posts.insert($0.post).inserted }.prefix(limit))
    }
}

/// One post that shows a blob.
private struct BlobShow {
    /// As what it shows it, the most telling first.
    enum Use: Int64 {
        case file
        case graph
        case image
        /// An avatar or a cover: a hash and no more.
        case picture
    }

    let isOpen: Bool
    let post: Hash32
    let author: Hash32
    /// Smaller = more telling.
    let order: [Int64]
    private let use: Use
    private let part: Int
    /// Of the release, image or work.
    private let id: Int64?

    init(_ row: Row, _ use: Use) {
        self.use = use
        isOpen = (row[1] as Int64) < Shelf.hidden
        post = row.hash(4)
        author = row.hash(5)
        part = row[6]
        id = row[7]
        order = [isOpen ? 0 : 1, -(row[0] as Int64), use.rawValue, row[2], row[3], row[6]]
    }

    var isImage: Bool { use == .image || use == .picture }
    var hasDetails: Bool { use != .picture }

    func details(_ database: Database) throws -> (name: String, mediaType: String, size: UInt64, piecesRoot: Hash32) {
        func body(_ table: String) throws -> Data {
            try database.row("SELECT body FROM \(table) WHERE id = ?", [id])?[0] as Data? ?? Data()
        }
        let file: WireFile
        switch use {
        case .picture: return ("", "", 0, .zero)
        case .image:
            let image = try WireImage(serializedBytes: try body("images"))
            return ("", image.mediaType, image.size, Hash32(image.piecesRoot) ?? .zero)
        case .graph: file = try WireWorkflow(serializedBytes: try body("works")).graph
        case .file:
            let release = try WireRelease(serializedBytes: try body("releases"))
            file = release.files.indices.contains(part) ? release.files[part] : WireFile()
        }
        return (file.name, file.mediaType, file.size, Hash32(file.piecesRoot) ?? .zero)
    }
}
