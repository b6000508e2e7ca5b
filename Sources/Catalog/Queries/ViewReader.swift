import Digests
import FoundationEssentials
import GRDB
import Moderation
import Statements
import SwiftProtobuf
import WaggleProtocol

/// How much of what hangs on a model or release a view carries. More than the catalog's limits is cut to them.
///
/// Items of lists have the counts that lists show and order by: downloads, reviews, comments, reactions in all. Which
/// reactions they are, images, collections and the channel are counted and looked up for views in full only.
public struct ViewDetail: Sendable, Hashable {
    /// Newest releases of each model.
    public var releases: Int
    /// Images of each release.
    public var images: Int
    /// With everything that is counted.
    var isFull = false
    /// With the files of each release.
    var hasFiles = true

    public init(releases: Int, images: Int) {
        self.releases = min(max(releases, 0), Limits.Catalog.releasesPerModel)
        self.images = min(max(images, 0), Limits.Catalog.imagesPerRelease)
    }

    /// The thing itself: of a model, neither releases nor images.
    public static let brief = ViewDetail(releases: 0, images: 0)
    /// A card of one release: without its files, and one image.
    public static let card = {
        var detail = ViewDetail(releases: 1, images: 1)
        detail.hasFiles = false
        return detail
    }()
    /// An item of an API list.
    public static let list = ViewDetail(releases: 20, images: 10)
    /// One thing with all that hangs on it, but with the counts of an item of a list.
    public static let item = ViewDetail(
        releases: Limits.Catalog.releasesPerModel, images: Limits.Catalog.imagesPerRelease)
    /// A page of its own.
    public static let full = {
        var detail = item
        detail.isFull = true
        return detail
    }()
}

/// Builds views for one viewer from one snapshot. Everything that it returns stands on a shelf of the viewer.
final class ViewReader {
    let database: Database
    let filter: ViewerFilter
    /// The viewer's shelves for SQL.
    let shelves: String
    let levels: [Int64]
    private var creators: [Int32: CreatorView] = [:]
    private var links: [Hash32: ReleaseLink?] = [:]
    /// What was counted for posts of which several images are shown.
    var postCounts: [Hash32: SubjectCounts] = [:]
    // Statements that depend on the viewer's shelves and are used for each item of a page.
    private lazy var modelLevels = Self.levelsStatement("model_images", "model_id", levels)
    private lazy var releaseLevels = Self.levelsStatement("image_links", "subject_id", levels)
    private lazy var galleries = ["=", "<>"].map { comparison in
        let list = OrderedList(
            columns: ["created", "tie", "image_id"], table: "image_links",
            conditions: ["subject_id = :subject", "author_id \(comparison) :author"])
        return (list: list, sql: list.sql(over: levels.count))
    }

    /// Where the image is found that stands for a model, best rank first.
    private(set) lazy var coverLists = CoverRank.allCases.reversed().map { rank in
        let list = OrderedList(
            columns: ["created", "tie", "image_id"], table: rank.table, conditions: [rank.condition])
        return (rank: rank, list: list, sql: list.sql(over: levels.count))
    }

    init(_ database: Database, _ filter: ViewerFilter) {
        self.database = database
        self.filter = filter
        shelves = filter.shelfList
        levels = filter.shelves
    }

    // MARK: Creators

    /// Models of one creator that are counted; a larger number shows as this one.
    private static let countedModels = 10_000

    /// Who made something: without what only a creator's own page tells.
    func creator(_ id: Int32) throws -> CreatorView? {
        if let known = creators[id] { return known }
        try loadCreators([id])
        return creators[id]
    }

    /// Looks up all of those at once who are not known yet.
    func loadCreators(_ ids: [Int32]) throws {
        let missing = Set(ids.filter { creators[$0] == nil })
        guard !missing.isEmpty else { return }
        for row in try database.rows(
            """
            SELECT a.id, a.author, a.name, a.handle, a.home FROM json_each(?) j CROSS JOIN authors a ON a.id = j.value
            """, [Array(missing).json])
        {
            creators[row[0]] = CreatorView(
                id: row[0], author: row.hash(1), name: row[2], handle: row[3], home: row[4])
        }
    }

    /// A creator with profile and counts.
    func wholeCreator(_ id: Int32) throws -> CreatorView? {
        guard var view = try creator(id),
            let row = try database.row(
                """
                SELECT following, profile_post, IIF(profile_hidden, NULL, profile) FROM authors WHERE id = ?
                """, [id])
        else { return nil }
        let profile = try (row[2] as Data?).map { try WireProfile(serializedBytes: $0) } ?? WireProfile()
        view.about = profile.about
        view.links = profile.links
        view.avatar = try profile.avatar.isEmpty ? nil : shownBlob(of: row.hash(1))
        view.following = row[0]
        view.followers = Int(
            try database.integer("SELECT followers FROM people WHERE author = ?", [view.author.data]) ?? 0)
        view.modelCount = Int(
            try database.integer(
                """
                SELECT COUNT(*) FROM (
                    SELECT 1 FROM models WHERE author_id = ? AND shelf IN \(shelves) LIMIT \(Self.countedModels))
                """, [id]) ?? 0)
        view.imageCount = try images(.author, Int64(id))
        view.isFromHere = try database.exists(
            "SELECT 1 FROM earned WHERE author = ?1 AND source = ?1", [view.author.data])
        return view
    }

    /// The blob that a profile or article shows, when the viewer may see it.
    func shownBlob(of post: Hash32) throws -> Hash32? {
        try database.row("SELECT sha256 FROM shown_blobs WHERE post = ? AND shelf IN \(shelves)", [post.data])?.hash(0)
    }

    // MARK: Models

    /// Nil when there is no such model on the viewer's shelves.
    /// - Parameter choice: of releases; only these are in the view.
    func model(_ id: Int32, _ detail: ViewDetail, choice: ReleaseChoice = ReleaseChoice()) throws -> ModelView? {
        guard
            let row = try database.row(
                """
                SELECT post, author_id, slug, level, created, updated, downloads, recommended, not_recommended,
                    comments, reactions, body
                FROM models WHERE id = ? AND shelf IN \(shelves)
                """, [id]),
            let author = try creator(row[1])
        else { return nil }
        let level = Level(declared: row[3])
        return ModelView(
            id: id, post: row.hash(0), author: author, slug: row[2],
            body: try WireModel(serializedBytes: row[11] as Data),
            level: level, levelBits: try level.rawValue | imageLevels(modelLevels, Int64(id)),
            created: UInt64(row[4] as Int64), updated: UInt64(row[5] as Int64),
            releases: try releases(ofModel: id, detail, choice),
            counts: try detail.isFull
                ? counts(ofModel: id, Self.counts(row, from: 6)) : Self.counts(row, from: 6),
            channel: try detail.isFull ? channel(id) : nil)
    }

    private func channel(_ modelID: Int32) throws -> ChannelView? {
        let row = try database.row(
            "SELECT release, number, expires FROM channels WHERE model_id = ? AND hidden <= ?",
            [modelID, filter.seesHidden])
        guard let row else { return nil }
        let newest = try newestRelease(ofModel: modelID)
        return ChannelView(
            release: row.hash(0), number: UInt64(bitPattern: row[1] as Int64), expires: UInt64(row[2] as Int64),
            isHere: newest?.post == row.hash(0))
    }

    /// The newest release of a model that the viewer may see.
    func newestRelease(ofModel id: Int32) throws -> (id: Int32, post: Hash32)? {
        try database.row(
            """
            SELECT id, post FROM releases WHERE model_id = ? AND shelf IN \(shelves)
            ORDER BY created DESC, tie DESC, id DESC LIMIT 1
            """, [id]
        ).map { ($0[0], $0.hash(1)) }
    }

    static func counts(_ row: Row, from column: Int) -> SubjectCounts {
        var counts = SubjectCounts()
        counts.downloads = row[column]
        counts.recommended = row[column + 1]
        counts.notRecommended = row[column + 2]
        counts.comments = row[column + 3]
        counts.reactionTotal = row[column + 4]
        return counts
    }

    /// The levels of images that the viewer may see under a release or model: one look at each shelf.
    private func imageLevels(_ sql: String, _ id: Int64) throws -> UInt32 {
        sql.isEmpty ? 0 : UInt32(truncatingIfNeeded: try database.integer(sql, [id]) ?? 0)
    }

    private static func levelsStatement(_ table: String, _ column: String, _ shelves: [Int64]) -> String {
        guard !shelves.isEmpty else { return "" }
        let looks = shelves.map { shelf in
            "\(Shelf.level(shelf).rawValue) * EXISTS (SELECT 1 FROM \(table) WHERE \(column) = ?1 AND shelf = \(shelf))"
        }
        return "SELECT " + looks.joined(separator: " | ")
    }

    // MARK: Releases

    private static let releaseColumns = """
        r.id, r.post, r.model_id, r.author_id, r.created, r.body, r.subject_id, r.shelf, m.post,
        s.downloads, s.recommended, s.not_recommended, s.comments, s.reactions, r.tie
        """
    private static let releaseTables =
        "releases r JOIN models m ON m.id = r.model_id JOIN subjects s ON s.id = r.subject_id"

    private func releases(ofModel id: Int32, _ detail: ViewDetail, _ choice: ReleaseChoice) throws -> [ReleaseView] {
        guard detail.releases > 0 else { return [] }
        var arguments = choice.arguments
        arguments["model"] = id
        arguments["limit"] = detail.releases
        let rows = try database.rows(
            """
            SELECT \(Self.releaseColumns) FROM \(Self.releaseTables)
            WHERE r.model_id = :model AND r.shelf IN \(shelves) AND \(choice.condition)
            ORDER BY r.created DESC, r.tie DESC, r.id DESC LIMIT :limit
            """, StatementArguments(arguments))
        return try releases(rows, detail, isAll: choice.isEverything)
    }

    /// Nil when there is no such release on the viewer's shelves.
    func release(_ id: Int32, _ detail: ViewDetail) throws -> ReleaseView? {
        let row = try database.row(
            "SELECT \(Self.releaseColumns) FROM \(Self.releaseTables) WHERE r.id = ? AND r.shelf IN \(shelves)", [id])
        return try row.flatMap { try releases([$0], detail, isAll: false).first }
    }

    /// Releases by their rows. Their files and images are looked up together.
    /// - Parameter isAll: the rows are those of a model that the viewer may see, from the newest on.
    private func releases(_ rows: [Row], _ detail: ViewDetail, isAll: Bool) throws -> [ReleaseView] {
        let parts = try detail.hasFiles ? fileParts(ofReleases: rows.map { $0[0] }) : [:]
        let shown = try rows.map { try imageIDs(ofSubject: $0[6], authorID: $0[3], limit: detail.images) }
        let views = Dictionary(try images(Array(Set(shown.joined()))).map { ($0.id, $0) }) { first, _ in first }
        return try rows.indices.compactMap { index -> ReleaseView? in
            let row = rows[index]
            let (id, modelID, authorID): (Int32, Int32, Int32) = (row[0], row[2], row[3])
            guard let author = try creator(authorID) else { return nil }
            let subjectID: Int64 = row[6]
            let body = try WireRelease(serializedBytes: row[5] as Data)
            let level = Shelf.level(row[7])
            return ReleaseView(
                id: id, post: row.hash(1), modelID: modelID, modelPost: row.hash(8), author: author, body: body,
                created: UInt64(row[4] as Int64),
                levelBits: try level.rawValue | imageLevels(releaseLevels, subjectID),
                files: (parts[id] ?? []).compactMap { file -> FileView? in
                    guard body.files.indices.contains(file.part) else { return nil }
                    return FileView(
                        id: file.id, releaseID: id, file: body.files[file.part], isPrimary: file.part == 0)
                },
                images: shown[index].compactMap { views[$0] },
                index: try isAll ? index : position(row),
                counts: try detail.isFull
                    ? counts(ofRelease: subjectID, Self.counts(row, from: 9)) : Self.counts(row, from: 9))
        }
    }

    /// How many visible releases of the same model are newer.
    private func position(_ row: Row) throws -> Int {
        let count = try database.integer(
            """
            SELECT COUNT(*) FROM (
                SELECT 1 FROM releases WHERE model_id = ? AND (created, tie, id) > (?, ?, ?) AND shelf IN \(shelves)
                LIMIT \(Self.countedModels))
            """, [row[2] as Int64, row[4] as Int64, row[14] as Int64, row[0] as Int64])
        return Int(count ?? 0)
    }

    /// The numbers of files and their places in the releases.
    private func fileParts(ofReleases ids: [Int32]) throws -> [Int32: [(id: Int32, part: Int)]] {
        try database.rows(
            """
            SELECT f.release_id, f.id, f.part FROM json_each(?) j CROSS JOIN files f ON f.release_id = j.value
            WHERE f.shelf IN \(shelves) ORDER BY f.part
            """, [ids.json]
        ).reduce(into: [:]) { parts, row in parts[row[0], default: []].append((id: row[1], part: row[2])) }
    }

    // MARK: Images

    /// The author's own images, newest first, then those of others.
    private func imageIDs(ofSubject id: Int64, authorID: Int32, limit: Int) throws -> [Int32] {
        guard limit > 0 else { return [] }
        var ids: [Int32] = []
        for gallery in galleries where ids.count < limit {
            let rows = try gallery.list.rows(
                database, over: levels, limit: limit - ids.count, arguments: ["subject": id, "author": authorID],
                sql: gallery.sql)
            ids += rows.map(OrderedList.id)
        }
        return ids
    }

    private static let imageColumns = """
        i.part, i.level, i.body, p.id, p.post, p.author_id, p.created, p.title, p.releases, s.comments, i.reactions, i.id
        """

    /// The images among these that stand on the viewer's shelves, in the order of the numbers.
    func images(_ ids: [Int32]) throws -> [ImageView] {
        guard !ids.isEmpty else { return [] }
        let rows = try database.rows(
            """
            SELECT \(Self.imageColumns)
            FROM json_each(?) j CROSS JOIN images i ON i.id = j.value CROSS JOIN image_posts p ON p.id = i.post_id
                LEFT JOIN subjects s ON s.post = p.post
            WHERE i.shelf IN \(shelves) ORDER BY j.key
            """, [ids.json])
        try loadCreators(rows.map { $0[5] })
        return try rows.compactMap { try image($0) }
    }

    /// Nil when there is no such image on the viewer's shelves.
    func image(_ id: Int32, isFull: Bool = false) throws -> ImageView? {
        try database.row(
            """
            SELECT \(Self.imageColumns)
            FROM images i JOIN image_posts p ON p.id = i.post_id LEFT JOIN subjects s ON s.post = p.post
            WHERE i.id = ? AND i.shelf IN \(shelves)
            """, [id]
        ).flatMap { try image($0, isFull: isFull) }
    }

    private func image(_ row: Row, isFull: Bool = false) throws -> ImageView? {
        guard let author = try creator(row[5]) else { return nil }
        var counts = SubjectCounts()
        counts.comments = row[9] as Int? ?? 0
        counts.reactionTotal = row[10]
        if isFull { counts = try self.counts(ofPost: row.hash(4)) }
        return ImageView(
            id: row[11], post: row.hash(4), postID: row[3], index: row[0], author: author,
            created: UInt64(row[6] as Int64), image: try WireImage(serializedBytes: row[2] as Data),
            level: Level(declared: row[1]), counts: counts, title: row[7],
            releases: try releaseLinks(row[8]))
    }

    /// The releases of an image post that the viewer may see, in the post's order.
    func releaseLinks(_ posts: Data) throws -> [ReleaseLink] {
        try stride(from: posts.startIndex, to: posts.endIndex, by: 32).compactMap { start in
            guard let post = Hash32(posts[start..<min(start + 32, posts.endIndex)]) else { return nil }
            return try releaseLink(post)
        }
    }

    /// Nil when there is no such release on the viewer's shelves.
    func releaseLink(_ post: Hash32) throws -> ReleaseLink? {
        if let known = links[post] { return known }
        let row = try database.row(
            """
            SELECT r.id, r.model_id, m.name, r.version, r.base_model
            FROM releases r JOIN models m ON m.id = r.model_id
            WHERE r.post = ? AND r.shelf IN \(shelves)
            """, [post.data])
        let link = row.map { row in
            ReleaseLink(releaseID: row[0], modelID: row[1], modelName: row[2], version: row[3], baseModel: row[4])
        }
        links[post] = .some(link)
        return link
    }
}
