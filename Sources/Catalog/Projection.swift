import Digests
import FoundationEssentials
import GRDB
import Moderation
import PostLog
import WaggleProtocol

/// Carries log entries into the tables, inside one transaction.
///
/// Entries change the rows of their own post at once and mark what is computed from several posts as stale; `finish`
/// computes that anew from the rows. So the result depends on the set of posts in force and not on their order, and a
/// thousand reviews of one model cost one computation of its rating. Each table's part is an extension in its file.
final class Projection {
    let database: Database
    let allotment: LocalFacts.Allotment
    /// What moderation hides here, and the levels that it gives things.
    let hidden: Set<ModerationSubject>
    let levels: LevelRules
    /// See `Filling`: only the posts' own rows are written, what is told from several is left to `endFilling`.
    var isFilling: Bool
    var known: KnownRows
    /// Models whose releases, level or texts changed; models of which only counts changed, or only images; creators whose
    /// models did.
    var staleModels: Set<Int32> = []
    var staleCounts: Set<Int32> = []
    var staleCovers: Set<Int32> = []
    var staleAuthors: Set<Int32> = []
    /// Changes of counts, added up.
    var tallies: [Int64: Tally] = [:]
    var facetChanges: [Facet: Int64] = [:]
    /// Members of posting lists that come and go.
    var postingChanges: [PostingKey: [Int32: Bool]] = [:]
    var activityChanges: [ActivityDay: Int64] = [:]
    var wordChanges: [SearchWord: Int64] = [:]
    /// What is found of models at these places from now on; nil for nothing.
    var searchTexts: [Int32: SearchText?] = [:]
    /// Whether authors are at home here.
    var residence: [Int32: Bool] = [:]
    /// What filling hands from batch to batch besides.
    var filled = FilledRows()

    init(
        _ database: Database, allotment: LocalFacts.Allotment = .init(), hidden: Set<ModerationSubject> = [],
        levels: LevelRules = .init(), known: KnownRows = .init(), isFilling: Bool = false
    ) {
        self.database = database
        self.allotment = allotment
        self.hidden = hidden
        self.levels = levels
        self.known = known
        self.isFilling = isFilling
    }

    func apply(_ entry: LogEntry, _ bodies: KeptBodies) throws {
        let post = entry.post
        if isFilling, leaveToEnd(entry) { return }
        switch entry.event {
        case .shown:
            switch post.post.body {
            case .checkpoint(let body): try show(checkpoint: body, post)
            case .profile(let body): try show(profile: body, post)
            case .follows(let body): try show(follows: body, post)
            case .model(let body): try show(model: body, post, bodies)
            case .release(let body): try show(release: body, post, bodies)
            case .imagePost(let body): try show(imagePost: body, post, bodies)
            case .review(let body): try show(review: body, post, bodies)
            case .comment(let body): try show(comment: body, post)
            case .reaction(let body): try show(reaction: body, post)
            case .channel(let body): try show(channel: body, post)
            case .bounty(let body): try show(bounty: body, post)
            case .bountyEntry(let body): try show(entry: body, post)
            case .bountyAward(let body): try show(award: body, post)
            case .drawingFeedback(let body): try show(feedback: body, post)
            default: if let work = Work(post) { try show(work: work, post) }
            }
        case .hidden(let reason):
            switch post.kind {
            case .checkpoint: try removeShownBlob(of: post.id)
            case .profile: try hideProfile(post)
            case .follows: try hideFollows(post)
            case .model: try hideModel(post, isSuperseded: reason == .superseded)
            case .release: try hideRelease(post)
            case .imagePost: try hideImages(of: post.id)
            case .review: try hideReview(post.id)
            case .comment: try hideComment(post.id)
            case .reaction: try hideReaction(post.id)
            case .channel: try hideChannel(post)
            case .bounty, .entry, .award: try hideBountyPost(post)
            case .drawingFeedback: try hideFeedback(post.id)
            case .collection, .article, .workflow: try hideWork(post, isSuperseded: reason == .superseded)
            default: break
            }
        }
    }

    /// Computes everything that is stale.
    func finish() throws {
        if !isFilling {
            try writeTallies()
            for id in staleModels.sorted() { try refreshModel(id) }
            try writeActivity()
            for id in staleCounts.union(staleModels).sorted() { try refreshCounts(id) }
            for id in staleCovers.union(staleModels).sorted() { try refreshCovers(ofModel: id) }
            for id in staleAuthors.sorted() { try refreshShelves(ofAuthor: id) }
        }
        staleModels = []
        staleCounts = []
        staleCovers = []
        staleAuthors = []
        try writeTexts()
        try writeFacets()
        try writePostings()
        try writeWords()
    }

    /// Applies what moderation says of a subject now to the rows that are there.
    func refreshHidden(_ subject: ModerationSubject) throws {
        switch subject {
        case .blob(let hash):
            try refreshHiddenFiles("sha256", hash)
            try refreshHiddenImages(blob: hash)
            try refreshHiddenShownBlobs(hash)
        case .tensors(let hash):
            try refreshHiddenFiles("tensor_digest", hash)
        case .post(let hash):
            try refreshHiddenModel(hash)
            try refreshHiddenRelease(hash)
            try refreshHiddenImages(post: hash)
            try refreshHiddenReview(hash)
            try refreshHiddenComment(hash)
            try refreshHiddenReaction(hash)
            try refreshHiddenChannel(hash)
            try refreshHiddenBountyPost(hash)
            try refreshHiddenShownBlob(post: hash)
            try refreshHiddenWork(hash)
            try refreshHiddenFollows(hash)
            try refreshHiddenProfile(hash)
            try refreshHiddenFeedback(hash)
        }
    }

    func isHidden(_ post: Hash32) -> Bool {
        hidden.contains(.post(post))
    }

    /// The first number of a name's block; given out before the transaction began.
    func number(_ name: Hash32) throws -> Int32 {
        guard let number = allotment.numbers[name] else {
            throw CatalogError.database(path: "local.db", reason: "no number was given to \(name.hex)")
        }
        return number
    }
}

/// Rows that are there and stay, to save look-ups.
struct KnownRows: Sendable {
    var authorIDs: [Hash32: Int32] = [:]
    var subjectIDs: [Hash32: Int64] = [:]
    /// Of `model_owners`.
    var modelOwners: [Int32: Int32] = [:]
    /// The highest of `model_owners`.
    var lastPlace: Int64?
    /// Of `term_names`.
    var termNumbers: [TermName: TermNumber] = [:]
    /// Whether authors have earned room; forgotten when that changes.
    var earned: [Hash32: Bool] = [:]
}

/// Numbers in a row for one thing that an address can name and its parts.
struct NumberBlock {
    let name: Hash32
    var size = 1
    var isRelease = false

    /// What an entry needs.
    static func needed(_ entry: LogEntry) -> [NumberBlock] {
        let post = entry.post
        guard entry.event == .shown else {
            guard entry.event == .hidden(.superseded), post.kind.hasVersions else { return [] }
            return [
                NumberBlock(
                    name: post.kind == .model
                        ? model(post.author, slug: post.slot) : Work.name(post.author, post.kind, slug: post.slot))
            ]
        }
        let author = NumberBlock(name: post.author)
        switch post.post.body {
        case .checkpoint, .profile, .comment, .follows, .reaction, .bounty, .bountyEntry, .bountyAward,
            .drawingFeedback:
            return [author]
        case .channel(let body):
            return ChannelTable.isOwn(body, post)
                ? [NumberBlock(name: model(post.author, slug: body.modelSlug))] : []
        case .collection, .article, .workflow:
            return [author, NumberBlock(name: Work.name(post.author, post.kind, slug: post.slot))]
        case .model:
            return [author, NumberBlock(name: model(post.author, slug: post.slot))]
        case .release(let body) where isOwn(body, post):
            return [
                author, NumberBlock(name: model(post.author, slug: body.modelSlug)),
                NumberBlock(name: post.id, size: 1 + body.files.count, isRelease: true),
            ]
        case .imagePost(let body):
            return [author, NumberBlock(name: post.id, size: 1 + body.images.count)]
        case .review(let body):
            return body.images.isEmpty ? [author] : [author, NumberBlock(name: post.id, size: 1 + body.images.count)]
        default:
            return []
        }
    }

    /// The name of a model whatever its post in force: the hash of author and slug.
    static func model(_ author: Hash32, slug: String) -> Hash32 {
        SHA256.hash(author.bytes + Array(slug.utf8))
    }

    /// A release belongs to a model only when the model's own author signed it.
    static func isOwn(_ release: WireRelease, _ post: LoggedPost) -> Bool {
        Hash32(release.modelAuthor) == post.author
    }
}
