import Accounts
import Catalog
import Digests
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// Follows the log and tells people at home here of what concerns them.
///
/// What is told of is a post with its author; whether somebody may see it is asked when they look.
public struct Notifier: Sendable {
    private let context: OperationContext

    public init(_ context: OperationContext) {
        self.context = context
    }

    private static let linesAtOnce = 500

    /// Reads what the log has got since. A log that was never read begins now: nobody is told of years of history.
    public func catchUp() async throws {
        let log = context.log
        guard var seq = try await context.accounts.notifiedSeq(of: log.logID), seq <= log.newestSeq else {
            return try await context.accounts.tell([], upTo: log.newestSeq, of: log.logID)
        }
        let people = try await localPeople()
        while !Task.isCancelled {
            let entries = try await log.entries(after: seq, limit: Self.linesAtOnce)
            guard let last = entries.last else { return }
            // Who follows whom, and what is whose, is asked of the catalog.
            await context.catalog.waitUntilApplied(last.seq)
            var news: [NewNotification] = []
            for entry in entries { news += try await self.news(entry, people) }
            try await context.accounts.tell(news, upTo: last.seq, of: log.logID)
            seq = last.seq
        }
    }

    /// Names of people at home here, by author.
    private func localPeople() async throws -> [Hash32: String] {
        try await context.accounts.all().filter { $0.state == .active }.reduce(into: [:]) { $0[$1.author] = $1.handle }
    }

    // MARK: What a post tells whom

    private func news(_ entry: LogEntry, _ people: [Hash32: String]) async throws -> [NewNotification] {
        let post = entry.post
        switch entry.event {
        case .hidden(.purged):
            guard people[post.author] != nil else { return [] }
            return [.init(for: post.author, .takenDown, key: post.id.hex, subject: post.id, created: context.now())]
        case .hidden: return []
        case .shown: break
        }
        // What comes late from far away is no news.
        guard post.created + Limits.Accounts.newsSeconds > context.now() else { return [] }

        /// What somebody is told of a post; nobody is told of what they did themselves.
        func tell(
            _ recipient: Hash32?, _ kind: Notification.Kind, _ subject: Hash32? = nil, key: String? = nil,
            detail: String = ""
        ) -> [NewNotification] {
            guard let recipient, recipient != post.author, people[recipient] != nil else { return [] }
            return [
                NewNotification(
                    for: recipient, kind, key: key ?? post.id.hex, subject: subject ?? post.id, actor: post.author,
                    detail: detail, created: post.created)
            ]
        }

        switch post.post.body {
        case .review(let review):
            let release = Hash32(review.release)
            // A review that is written anew is the same news.
            return tell(try await author(of: release), .review, release, key: "\(post.author.hex) \(post.slot)")
        case .comment(let comment):
            let subject = Hash32(comment.subject)
            let answered = try await author(of: Hash32(comment.replyTo))
            let owner = try await author(of: subject)
            let mentioned = mentions(comment.text, people).filter { $0 != answered && $0 != owner }
            return tell(answered, .reply) + (owner == answered ? [] : tell(owner, .comment))
                + mentioned.flatMap { tell($0, .mention) }
        case .reaction(let reaction) where !reaction.withdrawn:
            let subject = Hash32(reaction.subject)
            return tell(
                try await author(of: subject), .reaction, subject, key: "\(post.author.hex) \(post.slot)",
                detail: String(reaction.emoji.prefix(8)))
        case .follows(let list):
            return list.follows.flatMap { tell(Hash32($0.author), .follow, key: post.author.hex) }
        case .release:
            let ancestors = try await authors(of: post.post.refs.map(\.id))
            return try await toFollowers(of: post, .release, people) + ancestors.flatMap { tell($0, .derived) }
        case .imagePost(let images):
            let makers = try await authors(of: images.releases)
            let isSample = makers.contains(post.author)
            return (isSample ? [] : try await toFollowers(of: post, .images, people))
                + makers.flatMap { tell($0, .recipe) }
        case .article: return try await toFollowers(of: post, .article, people)
        case .workflow: return try await toFollowers(of: post, .workflow, people)
        case .collection(let collection):
            var news = try await toFollowers(of: post, .collection, people)
            for item in collection.items.suffix(Limits.Accounts.lookedAtItems).compactMap({ Hash32($0) }) {
                // Each item is told once, however often the collection changes.
                news += tell(
                    try await author(of: item), .collected, item, key: "\(post.author.hex) \(post.slot) \(item.hex)")
            }
            return news
        case .bountyEntry(let entry): return tell(try await author(of: Hash32(entry.bounty)), .bountyEntry)
        case .bountyAward(let award):
            let winners = try await authors(of: award.shares.map(\.entry))
            return winners.flatMap { tell($0, .bountyAward, Hash32(award.bounty)) }
        case .keyDocument(let document):
            guard document.version > 2, people[post.author] != nil else { return [] }
            return [.init(for: post.author, .keys, key: post.id.hex, created: post.created)]
        default: return []
        }
    }

    /// Everybody here who follows an author; an edit of what they published is no news.
    private func toFollowers(
        of post: LoggedPost, _ kind: Notification.Kind, _ people: [Hash32: String]
    ) async throws -> [NewNotification] {
        let everything = context.moderation.filter(for: .owner)
        var news: [NewNotification] = []
        var position = PagePosition.start
        for _ in 0..<Limits.Accounts.followerPages {
            let page = try await context.catalog.followers(
                post.author, limit: 100, position: position, everything)
            for follower in page.items where people[follower.author] != nil {
                let key = post.slot.isEmpty ? post.id.hex : "\(post.author.hex) \(post.slot)"
                news.append(
                    .init(
                        for: follower.author, kind, key: key, subject: post.id, actor: post.author,
                        created: post.created))
            }
            guard let next = page.next else { break }
            position = .after(next)
        }
        return news
    }

    private func author(of post: Hash32?) async throws -> Hash32? {
        guard let post else { return nil }
        return try await context.log.posts(ids: [post])[post]?.author
    }

    private func authors(of posts: [some Collection<UInt8>]) async throws -> Set<Hash32> {
        let ids = posts.compactMap { Hash32($0) }
        return Set(try await context.log.posts(ids: ids).values.map(\.author))
    }

    /// People here whom a text names as `@handle`.
    private func mentions(_ text: String, _ people: [Hash32: String]) -> [Hash32] {
        guard text.utf8.contains(UInt8(ascii: "@")) else { return [] }
        let names = Set(
            text.split(separator: "@").dropFirst().map { part in
                String(part.prefix { $0.isASCII && ($0.isLowercase || $0.isNumber || "-_.".contains($0)) })
            })
        return people.filter { names.contains($0.value) }.map(\.key).sorted()
    }
}
