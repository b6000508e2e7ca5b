import Accounts
import Catalog
import Digests
import Hummingbird
import Identity
import Moderation
import Operations
import PostLog
import SystemPackage
import WaggleProtocol

/// Taking part with forms: reviews, comments, reactions, follows, items of collections, and taking back what one said.
struct TalkPages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let door: PageDoor

    func register(in routes: inout RouteTable) {
        routes.get("/comments/new", shows: .account, .page, door.page(.review) { try await commentPage($0) })
        routes.post("/comments/new", shows: .account, .page, door.form(.review, again: commentPage, comment))
        routes.get("/reviews/new", shows: .account, .page, door.page(.review) { try await reviewPage($0) })
        routes.post("/reviews/new", shows: .account, .page, door.filesForm(.review, again: reviewPage, review))
        routes.post("/reactions", shows: .account, .page, door.form(.review, react))
        routes.post("/follows", shows: .account, .page, door.form(.social, follow))
        routes.get("/collections/add", shows: .account, .page, door.page(.social) { try await collectPage($0) })
        routes.post("/collections/add", shows: .account, .page, door.form(.social, again: collectPage, collect))
        routes.get("/posts/{id}/retract", shows: .account, .page, door.page { try await retractPage($0) })
        routes.post("/posts/{id}/retract", shows: .account, .page, door.form(.read, again: retractPage, retract))
    }

    /// The post that a form is about, where the caller may see it, with its page.
    private func subject(_ call: PageCall, _ name: String) async throws -> (post: String, link: LinkView) {
        let post = try await NamedPosts(services: services, filter: call.filter).post(call.address[name] ?? "")
        guard let id = Hash32(hex: post),
            let link = try await SubjectLinks(services: services, filter: call.filter).link(id)
        else { throw GatewayError.notFound("There is no such post here") }
        return (post, link)
    }

    /// The address of a form with what it is about.
    private func action(_ call: PageCall, _ names: String...) -> String {
        PageAddress.with(
            call.request.uri.path, (names + ["back"]).map { name in (name, call.address[name] ?? "") })
    }

    // MARK: Comments

    @Sendable private func commentPage(
        _ call: PageCall, _ typed: Query? = nil, _ trouble: FormTrouble? = nil
    ) async throws -> Response {
        let (_, link) = try await subject(call, "on")
        let form = Self.commentForm(action(call, "on", "to"), typed: typed, trouble: trouble)
        var more: [String: Any] = [:]
        if let answered = try await answered(call) { more["quote"] = Markdown.html(answered, firstHeading: 4) }
        let isAnswer = call.address["to"] != nil
        return pages.form(
            isAnswer ? say("answer-a-comment") : say("comment"), form,
            crumb: LinkView(linkText: link.linkText, linkHref: call.back ?? link.linkHref),
            more: more)
    }

    static func commentForm(
        _ action: String, typed: Query? = nil, trouble: FormTrouble? = nil
    ) -> FormView {
        FormView(
            action, sends: say("say-it"),
            fields: [
                FieldView(
                    "text", say("your-comment"), .text(rows: 5), hint: say("in-markdown-signed-with-your-key"),
                    most: Limits.Text.commentBytes, isNeeded: true)
            ], typed: typed, trouble: trouble, label: say("comment"), id: "c")
    }

    /// The text of the comment that another one answers.
    private func answered(_ call: PageCall) async throws -> String? {
        guard let id = call.address["to"].flatMap({ Hash32(hex: $0) }) else { return nil }
        guard try await VisiblePosts(services, call.filter).includes(id) else {
            throw GatewayError.notFound("There is no such comment here")
        }
        return try await services.postLog.posts(ids: [id])[id]?.post.comment.text
    }

    @Sendable private func comment(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let (post, link) = try await subject(call, "on")
        _ = try await answered(call)
        let text = try Self.text(typed, "text", most: Limits.Text.commentBytes, called: say("a-comment-2"))
        _ = try await WriteComment(
            account: call.account.handle, subject: post, replyTo: call.address["to"], text: text
        ).run(in: call.operations)
        return .done(at: call.back ?? link.linkHref)
    }

    /// A text that must be there.
    private static func text(
        _ typed: Query, _ name: String, most: Int, called what: String
    ) throws(FormTrouble) -> String {
        let text = typed[name] ?? ""
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw FormTrouble(say("has-at-least-a-word", "\(what)"), in: name)
        }
        guard text.utf8.count <= most else {
            throw FormTrouble(
                say("has-at-most-bytes-this-one", "\(what)", Wording.count(most), Wording.count(text.utf8.count)),
                in: name)
        }
        return text
    }

    // MARK: Reviews

    private func release(_ call: PageCall) async throws -> ReleaseView {
        guard let post = call.address["release"].flatMap({ Hash32(hex: $0) }),
            let release = try await services.catalog.release(
                post: post, call.filter, detail: .init(releases: 0, images: 0))
        else { throw GatewayError.notFound("There is no such release here") }
        return release
    }

    @Sendable private func reviewPage(
        _ call: PageCall, _ typed: Query? = nil, _ trouble: FormTrouble? = nil
    ) async throws -> Response {
        let release = try await release(call)
        let (_, link) = try await subject(call, "release")
        // One a person and release: what was said before is where to go on.
        let before = try await services.postLog.post(
            author: call.account.author, kind: .review, slot: release.post.hex)?.post.review
        let form = FormView(
            action(call, "release"), sends: before == nil ? say("review-it") : say("change-the-review"),
            fields: [
                FieldView(
                    "verdict", say("do-you-recommend-it"), .choice,
                    value: before.map { $0.recommended ? "yes" : "no" } ?? "",
                    isNeeded: true,
                    choices: [
                        .init("", say("choose")), .init("yes", say("yes-i-recommend-it")),
                        .init("no", say("no-i-do-not")),
                    ]),
                FieldView(
                    "text", say("why"), .text(rows: 6), hint: say("in-markdown-may-be-empty"),
                    value: before?.text ?? "",
                    most: Limits.Text.commentBytes),
            ] + Self.pictures(before), typed: typed, trouble: trouble, isUpload: true)
        return pages.form(
            say("review"), form, lead: say("one-review-a-person-and-version"),
            crumb: LinkView(linkText: link.linkText, linkHref: link.linkHref))
    }

    /// Files come last: what is typed is read before them, and so never lost with them.
    private static func pictures(_ before: WireReview?) -> [FieldView] {
        let kept = before?.images.count ?? 0
        let keep = FieldView(
            "keep", say("keep-of-before", Wording.count(kept, say("picture-2"), say("pictures-2"))), .box, value: "yes",
            isTicked: true)
        let level = PublishPages.level(
            before?.images.first.map { Level(declared: $0.level).word } ?? Level.pg.word,
            of: say("content-level-of-the-pictures"))
        return (kept > 0 ? [keep] : []) + [
            level,
            FieldView(
                "file", say("pictures-made-with-it"), .files(isMany: true, accepts: PublishPages.pictureTypes),
                hint: say("up-to-with-the-recipes-that", "\(Limits.Post.images)")),
        ]
    }

    @Sendable private func review(_ call: PageCall, _ typed: Query, _ files: [Upload]) async throws -> FormOutcome {
        let release = try await release(call)
        guard let verdict = typed["verdict"], ["yes", "no"].contains(verdict) else {
            throw FormTrouble(say("say-whether-you-recommend-it"), in: "verdict")
        }
        let text = typed["text"] ?? ""
        guard text.utf8.count <= Limits.Text.commentBytes else {
            throw FormTrouble(
                say("a-review-has-at-most-bytes", "\(Wording.count(Limits.Text.commentBytes))"), in: "text")
        }
        _ = try await WriteReview(
            account: call.account.handle, reference: release.post.hex, isRecommended: verdict == "yes", text: text,
            images: files.map(\.path.string), level: typed["level"], keepsImages: typed["keep"] == "yes"
        ).run(in: call.operations)
        return .done(at: call.back ?? "/models/\(release.modelID)?modelVersionId=\(release.id)")
    }

    // MARK: Reactions and follows

    /// A button that was pressed before takes the reaction back.
    @Sendable private func react(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let (post, link) = try await subject(call, "on")
        guard let id = Hash32(hex: post), let emoji = typed["emoji"],
            TakePart.emojis.contains(where: { $0.emoji == emoji })
        else {
            throw GatewayError.badRequest(code: "bad-parameter", "Choose one of the reactions")
        }
        let isGiven = try await services.catalog.reaction(of: call.account.author, on: id).contains(emoji)
        _ = try await React(
            account: call.account.handle, subject: post, emoji: emoji, isWithdrawn: isGiven
        ).run(in: call.operations)
        return .done(at: call.back ?? link.linkHref)
    }

    @Sendable private func follow(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let name = call.address["author"] ?? ""
        guard let author = AuthorID.parse(name),
            let creator = try await services.catalog.creator(.author(author), call.filter)
        else { throw GatewayError.notFound("There is nobody with this id here") }
        _ = try await ChangeFollows(
            account: call.account.handle, author: name, isFollowing: typed["do"] != "unfollow"
        ).run(in: call.operations)
        return .done(at: call.back ?? PageAddress.creator(creator))
    }

    // MARK: Collections

    private func collections(_ call: PageCall) async throws -> [CollectionView] {
        var query = CollectionQuery()
        query.creator = .author(call.account.author)
        query.limit = Limits.Gateway.names
        return try await services.catalog.collections(query, call.filter).items
    }

    @Sendable private func collectPage(
        _ call: PageCall, _ typed: Query? = nil, _ trouble: FormTrouble? = nil
    ) async throws -> Response {
        let (_, link) = try await subject(call, "item")
        let mine = try await collections(call)
        let form = FormView(
            action(call, "item"), sends: say("add-it"),
            fields: [
                FieldView(
                    "collection", say("collection"), .choice, value: mine.first?.slug ?? "",
                    choices: mine.map { .init($0.slug, $0.name) } + [.init("", say("a-new-one-2"))]),
                FieldView("name", say("name-of-the-new-one"), most: Limits.Text.nameBytes),
                FieldView(
                    "level", say("its-level"), .choice, hint: say("for-a-new-one"), value: Level.pg.word,
                    choices: Level.words.filter { Level(word: $0).map { $0 < .blocked } ?? false }.map { .init($0) }),
            ], typed: typed, trouble: trouble)
        return pages.form(
            say("add-to-a-collection"), form, lead: link.linkText,
            crumb: LinkView(linkText: link.linkText, linkHref: call.back ?? link.linkHref))
    }

    @Sendable private func collect(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let (post, _) = try await subject(call, "item")
        var slug = typed["collection"] ?? ""
        if slug.isEmpty {
            let name = try Self.text(typed, "name", most: Limits.Text.nameBytes, called: say("a-name"))
            slug = try await services.postLog.freeSlug(for: name, .collection, of: call.account.author)
            _ = try await EditCollection(
                account: call.account.handle, slug: slug, title: name, description: nil, level: typed["level"]
            ).run(in: call.operations)
        }
        _ = try await ChangeCollection(account: call.account.handle, slug: slug, added: [post]).run(in: call.operations)
        let collection = try await services.catalog.collection(author: call.account.author, slug: slug, call.filter)
        return .done(at: collection.map { PageAddress.collection($0) } ?? call.back ?? "/collections")
    }

    // MARK: Taking back

    /// A post that the caller signed.
    private func own(_ call: PageCall) async throws -> LoggedPost {
        guard let id = Hash32(hex: try call.part("id")), let post = try await services.postLog.posts(ids: [id])[id],
            post.author == call.account.author
        else { throw GatewayError.notFound("No post of yours has this id") }
        return post
    }

    @Sendable private func retractPage(
        _ call: PageCall, _ typed: Query? = nil, _ trouble: FormTrouble? = nil
    ) async throws -> Response {
        let post = try await own(call)
        let link = try await SubjectLinks(services: services, filter: call.filter).link(post.id)
        let form = FormView(
            action(call), sends: say("take-it-back"),
            fields: [
                FieldView(
                    "reason", say("why"), .text(rows: 2),
                    hint: say("public-beside-the-mark-that-it"),
                    most: Limits.Text.nameBytes)
            ], typed: typed, trouble: trouble)
        let what = Self.what(post.kind)
        return pages.form(
            say("take-back-2", "\(what)"), form,
            lead: say("other-nodes-are-told-and-stop"),
            crumb: link)
    }

    private static func what(_ kind: PostKind) -> String {
        switch kind {
        case .review: say("a-review")
        case .comment: say("a-comment")
        case .reaction: say("a-reaction")
        case .model: say("a-model-with-all-of-its")
        case .release: say("a-version")
        case .imagePost: say("a-post-of-images")
        case .collection: say("a-collection")
        case .article: say("an-article")
        case .workflow: say("a-workflow")
        default: say("a-post")
        }
    }

    @Sendable private func retract(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let post = try await own(call)
        let scope = TokenScope.taking(back: post.kind)
        guard call.visitor.grant.allows(scope) else {
            throw GatewayError.forbidden(code: "scope-missing", "This needs the scope \(scope.rawValue)")
        }
        _ = try await RetractPost(
            account: call.account.handle, subject: post.id.hex, reason: typed["reason"] ?? ""
        ).run(in: call.operations)
        return .done(at: call.back ?? "/account")
    }
}

extension TokenScope {
    /// Taking back needs the scope that saying needs.
    static func taking(back kind: PostKind) -> TokenScope {
        switch kind {
        case .review, .comment, .reaction: .review
        case .profile, .follows, .collection: .social
        default: .publish
        }
    }
}
