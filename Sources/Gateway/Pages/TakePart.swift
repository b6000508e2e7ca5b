import Accounts
import Catalog
import Digests
import Identity
import WaggleProtocol

/// What somebody who is signed in may do with what a page shows; for others, the way to sign in.
struct TakePart {
    /// A reaction that pages offer.
    struct Emoji {
        let emoji: String
        let name: String
    }

    static let emojis = [
        Emoji(emoji: "👍", name: say("thumbs-up")), Emoji(emoji: "❤️", name: say("heart")),
        Emoji(emoji: "😂", name: say("laughter")),
        Emoji(emoji: "🔥", name: say("fire")), Emoji(emoji: "🐝", name: say("bee")),
    ]

    private struct EmojiButton {
        let emojiValue: String
        let emojiLabel: String
        let isGiven: Bool
    }

    private let subject: Hash32
    private let path: String

    /// - Parameters:
    ///   - subject: the post that the page is about.
    ///   - path: of the page.
    init(_ subject: Hash32, at path: String) {
        self.subject = subject
        self.path = path
    }

    /// - Parameters:
    ///   - given: the viewer's own reactions.
    ///   - links: what else may be done.
    ///   - comments: whether the page has the form of a comment.
    func content(given: [String], links: [LinkView] = [], comments: Bool = true) -> [String: Any] {
        guard PageVisitor.may(.review), let session = PageVisitor.current?.session else {
            guard PageVisitor.current == nil else { return [:] }
            return ["partSignIn": PageAddress.with("/signin", [("next", path)])]
        }
        let react = PageAddress.with("/reactions", [("on", subject.hex), ("back", path)])
        var values: [String: Any] = [
            "takesPart": true,
            "reactAction": PageAddress.adding(FormToken.parameter, FormToken.make(session: session), to: react),
            "emojis": Self.emojis.map { emoji in
                EmojiButton(
                    emojiValue: emoji.emoji, emojiLabel: emoji.name, isGiven: given.contains(emoji.emoji))
            },
            "partLinks": links,
        ]
        if comments {
            values["form"] = TalkPages.commentForm(
                PageAddress.with("/comments/new", [("on", subject.hex), ("back", path)]))
        }
        return values
    }
}

extension PageRoutes {
    /// Where the author of something changes it.
    func editLinks(_ path: String, _ author: CreatorView) -> [LinkView] {
        guard PageVisitor.isAuthor(author.author), PageVisitor.may(.publish) else { return [] }
        return [LinkView(linkText: say("edit"), linkHref: path + "/edit")]
    }

    /// What a page offers to whoever is signed in.
    ///
    /// - Parameters:
    ///   - post: what the page is about.
    ///   - owner: its author, who may change it or take it back.
    func takePart(
        _ post: Hash32, at path: String, by owner: Hash32, links: [LinkView] = [], isCollectable: Bool = true,
        comments: Bool = true
    ) async throws -> [String: Any] {
        guard let account = PageVisitor.current?.account else {
            return TakePart(post, at: path).content(given: [])
        }
        var all = links
        if isCollectable, PageVisitor.may(.social) {
            let collect = PageAddress.with("/collections/add", [("item", post.hex), ("back", path)])
            all.append(LinkView(linkText: say("add-to-a-collection"), linkHref: collect))
        }
        if owner == account.author {
            all.append(LinkView(linkText: say("take-it-back"), linkHref: "/posts/\(post.hex)/retract"))
        }
        let given = try await services.catalog.reaction(of: account.author, on: post)
        return TakePart(post, at: path).content(given: given, links: all, comments: comments)
    }
}
