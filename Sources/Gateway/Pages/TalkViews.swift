import Accounts
import Catalog
import Digests
import Identity
import PostLog
import WaggleProtocol

// What people say of models and images, and what they signed, as templates show it.

struct ReviewItem {
    let textAuthor: String
    let textAuthorHref: String
    let textOrigin: String?
    let isRecommended: Bool
    let reviewVersion: String?
    let textTime: String
    let textDay: String
    let textHTML: String
    let reactions: [ReactionView]
    /// For who wrote it.
    let retractHref: String?

    /// - Parameter path: of the page, to come back to.
    init(_ review: ReviewView, at path: String) {
        retractHref = OwnWords.retract(review.post, by: review.author.author, at: path)
        textAuthor = review.author.name
        textAuthorHref = PageAddress.creator(review.author)
        textOrigin = Wording.origin(review.author)
        isRecommended = review.isRecommended
        reviewVersion = review.version.isEmpty ? nil : review.version
        textTime = Dates.timestamp(review.created)
        textDay = Dates.day(review.created)
        textHTML = Markdown.html(review.text, firstHeading: 4)
        reactions = ReactionView.all(review.counts)
    }
}

struct CommentItem {
    /// 0 for a comment that begins a thread; deeper than 4 would leave no room on a phone.
    let commentDepth: Int
    /// Whom it answers, when that comment stands on the same page.
    let answered: String?
    let textAuthor: String
    let textAuthorHref: String
    let textOrigin: String?
    let textTime: String
    let textDay: String
    let textHTML: String
    let reactions: [ReactionView]
    /// For whoever may say something.
    let answerHref: String?
    /// For who wrote it.
    let retractHref: String?

    /// - Parameter path: of the page, to come back to.
    static func all(_ comments: [CommentView], at path: String) -> [CommentItem] {
        let authors = Dictionary(comments.map { ($0.post, $0.author.name) }) { first, _ in first }
        return comments.map { comment in
            CommentItem(comment, answered: comment.replyTo.flatMap { authors[$0] }, path)
        }
    }

    private init(_ comment: CommentView, answered: String?, _ path: String) {
        retractHref = OwnWords.retract(comment.post, by: comment.author.author, at: path)
        answerHref =
            PageVisitor.may(.review)
            ? PageAddress.with(
                "/comments/new", [("on", comment.subject.hex), ("to", comment.post.hex), ("back", path)]) : nil
        commentDepth = min(max(comment.depth, 0), 4)
        self.answered = comment.depth > 0 ? answered : nil
        textAuthor = comment.author.name
        textAuthorHref = PageAddress.creator(comment.author)
        textOrigin = Wording.origin(comment.author)
        textTime = Dates.timestamp(comment.created)
        textDay = Dates.day(comment.created)
        textHTML = Markdown.html(comment.text, firstHeading: 4)
        reactions = ReactionView.all(comment.counts)
    }
}

/// What people may do with what they said themselves.
enum OwnWords {
    /// Where a post is taken back; nil for others' posts.
    static func retract(_ post: Hash32, by author: Hash32, at path: String) -> String? {
        PageVisitor.isAuthor(author) ? PageAddress.with("/posts/\(post.hex)/retract", [("back", path)]) : nil
    }
}

/// A line of a model's signed log.
struct HistoryItem {
    let entryWhat: String
    let entryState: String
    let entryTime: String
    let entryDay: String
    let entryKey: String?
    let entryKeyLabel: String?
    let entryID: String

    /// - Parameter authority: what is known of the key that signed.
    init(_ entry: HistoryEntry, authority: DeviceAuthority?) {
        let what =
            switch entry.kind {
            case .model: say("model-described")
            case .release: say("release")
            case .channel: say("newest-release-named")
            default: say("post-of-kind", "\(entry.kind.rawValue)")
            }
        // What is no longer in force was taken back, or may have been of another level: only that it was there is told.
        entryWhat = entry.state == .inForce && entry.kind == .release ? "\(what) \(entry.label)" : what
        entryState =
            switch entry.state {
            case .inForce: say("in-force")
            case .superseded: say("replaced-by-a-newer-one")
            case .deleted(let delete):
                delete.map { say("taken-back-in-post", "\($0.hex.prefix(12))") } ?? say("taken-back-by-its-author")
            case .expired: say("expired")
            case .unauthorised: say("no-longer-counts-its-key-was")
            case .purged: say("taken-down-on-this-node")
            case .evicted: say("let-go-here-for-lack-of")
            }
        entryTime = Dates.timestamp(entry.created)
        entryDay = Dates.day(entry.created)
        entryKey = entry.device.map { String($0.hex.prefix(8)) }
        entryKeyLabel = authority.flatMap { $0.label.isEmpty ? nil : $0.label }
        entryID = entry.id.hex
    }
}
