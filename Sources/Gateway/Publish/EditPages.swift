import Accounts
import Catalog
import Digests
import Hummingbird
import Moderation
import Operations
import PostLog
import SystemPackage
import WaggleProtocol

/// Writing what has no files, and changing what is published already: models' words, articles, workflows and collections.
struct EditPages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let door: PageDoor

    func register(in routes: inout RouteTable) {
        func add(
            _ path: String, _ scope: TokenScope, _ page: @escaping PageMaker, _ act: @escaping PageDoor.FormHandler
        ) {
            routes.get(path, shows: .account, .page, door.page(scope) { try await page($0, nil, nil) })
            routes.post(path, shows: .account, .page, door.form(scope, again: { try await page($0, $1, $2) }, act))
        }
        add("/models/{id}/edit", .publish, modelPage, editModel)
        for path in ["/articles/new", "/articles/{id}/edit"] {
            routes.get(path, shows: .account, .page, door.page(.publish) { try await articlePage($0, nil, nil) })
            routes.post(
                path, shows: .account, .page,
                door.filesForm(.publish, again: { try await articlePage($0, $1, $2) }, editArticle))
        }
        add("/workflows/{id}/edit", .publish, workflowPage, editWorkflow)
        add("/collections/new", .social, collectionPage, editCollection)
        add("/collections/{id}/edit", .social, collectionPage, editCollection)
    }

    private typealias PageMaker = @Sendable (PageCall, Query?, FormTrouble?) async throws -> Response

    private static let notYours = GatewayError.notFound("There is nothing of yours at this address")

    private func number(_ call: PageCall) -> Int32? { call.context.parameter("id").flatMap { Int32($0) } }

    private static func isOwn(_ creator: CreatorView, _ call: PageCall) -> Bool {
        creator.author == call.account.author
    }

    /// A text that must be there.
    private static func needed(_ typed: Query, _ name: String, _ what: String) throws(FormTrouble) -> String {
        let text = typed[name] ?? ""
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw FormTrouble(say("has-at-least-a-word", "\(what)"), in: name)
        }
        return text
    }

    // MARK: Models

    /// Their author's own eyes: what they published of whatever level.
    private var owner: ViewerFilter { services.moderation.filter(for: .owner) }

    private func model(_ call: PageCall) async throws -> ModelView {
        guard let id = number(call), let model = try await services.catalog.model(id: id, owner, detail: .brief),
            Self.isOwn(model.author, call)
        else { throw Self.notYours }
        return model
    }

    @Sendable private func modelPage(_ call: PageCall, _ typed: Query?, _ trouble: FormTrouble?) async throws
        -> Response
    {
        let model = try await model(call)
        let form = FormView(
            PageAddress.with("/models/\(model.id)/edit", [(PageCall.base, model.post.hex)]),
            sends: say("sign-the-change"),
            fields: [
                FieldView("name", say("name"), value: model.body.name, most: Limits.Text.nameBytes, isNeeded: true),
                FieldView(
                    "description", say("about-it"), .text(rows: 10), hint: say("in-markdown"),
                    value: model.body.description_p,
                    most: Limits.Text.descriptionBytes),
                PublishPages.tags(model.body.tags.joined(separator: ", ")),
                FieldView("licence", say("licence-2"), value: model.body.licence.name, most: 100),
            ], typed: typed, trouble: trouble)
        return pages.form(
            say("edit-2", "\(model.body.name)"), form,
            lead: say("versions-are-signed-once-and-never"),
            crumb: LinkView(linkText: model.body.name, linkHref: PageAddress.model(model)))
    }

    @Sendable private func editModel(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let model = try await model(call)
        try call.refuseStale(model.post.hex)
        var licence = LicenceTerms()
        licence.name = typed["licence"] ?? ""
        _ = try await EditModel(
            account: call.account.handle, slug: model.slug, title: try Self.needed(typed, "name", say("a-name")),
            description: typed["description"] ?? "", tags: PublishDraft.list(typed["tags"] ?? ""), licence: licence
        ).run(in: call.operations)
        return .done(at: PageAddress.model(model))
    }

    // MARK: Articles

    /// Nil for a new one.
    private func article(_ call: PageCall) async throws -> ArticleView? {
        guard call.context.parameter("id") != nil else { return nil }
        guard let id = number(call), let article = try await services.catalog.article(id: id, owner),
            Self.isOwn(article.author, call)
        else { throw Self.notYours }
        return article
    }

    @Sendable private func articlePage(_ call: PageCall, _ typed: Query?, _ trouble: FormTrouble?) async throws
        -> Response
    {
        let article = try await article(call)
        let form = FormView(
            article.map { PageAddress.with(PageAddress.article($0) + "/edit", [(PageCall.base, $0.post.hex)]) }
                ?? "/articles/new", sends: say("sign-and-publish"),
            fields: [
                FieldView(
                    "title", say("title"), value: article?.title ?? "", most: Limits.Text.nameBytes, isNeeded: true),
                FieldView(
                    "text", say("text"), .text(rows: 18), hint: say("in-markdown"), value: article?.text ?? "",
                    most: Limits.Text.descriptionBytes, isNeeded: true),
                PublishPages.tags(article?.tags.joined(separator: ", ") ?? ""),
                PublishPages.level(article?.level.word ?? Level.pg.word),
            ] + Self.cover(article), typed: typed, trouble: trouble, isUpload: true)
        return pages.form(
            article == nil ? say("write-an-article") : say("edit-an-article"), form,
            crumb: article.map { LinkView(linkText: $0.title, linkHref: PageAddress.article($0)) }
                ?? LinkView(linkText: say("publish"), linkHref: "/publish"))
    }

    private static func cover(_ article: ArticleView?) -> [FieldView] {
        let remove = FieldView("uncover", say("take-the-cover-away"), .box, value: "yes")
        return (article?.cover == nil ? [] : [remove]) + [
            FieldView(
                "file", article?.cover == nil ? say("cover") : say("another-cover"),
                .files(isMany: false, accepts: PublishPages.pictureTypes),
                hint: say("a-picture-above-the-text-12"))
        ]
    }

    @Sendable private func editArticle(_ call: PageCall, _ typed: Query, _ files: [Upload]) async throws -> FormOutcome
    {
        let existing = try await article(call)
        if let existing { try call.refuseStale(existing.post.hex) }
        let title = try Self.needed(typed, "title", say("a-title"))
        let text = try Self.needed(typed, "text", say("an-article-2"))
        let author = call.account.author
        let slug: String
        if let existing {
            slug = existing.slug
        } else {
            slug = try await services.postLog.freeSlug(for: title, .article, of: author)
        }
        _ = try await WriteArticle(
            account: call.account.handle, slug: slug, title: title, text: text,
            tags: PublishDraft.list(typed["tags"] ?? ""), level: typed["level"],
            cover: files.first?.path.string ?? (typed["uncover"] == "yes" ? "" : nil)
        ).run(in: call.operations)
        let article = try await services.catalog.article(author: author, slug: slug, owner)
        return .done(at: article.map { PageAddress.article($0) } ?? "/articles")
    }

    // MARK: Workflows

    private func workflow(_ call: PageCall) async throws -> WorkflowView {
        guard let id = number(call), let workflow = try await services.catalog.workflow(id: id, owner),
            Self.isOwn(workflow.author, call)
        else { throw Self.notYours }
        return workflow
    }

    @Sendable private func workflowPage(_ call: PageCall, _ typed: Query?, _ trouble: FormTrouble?) async throws
        -> Response
    {
        let workflow = try await workflow(call)
        let path = PageAddress.workflow(workflow)
        let form = FormView(
            PageAddress.with(path + "/edit", [(PageCall.base, workflow.post.hex)]), sends: say("sign-the-change"),
            fields: [
                FieldView("name", say("name"), value: workflow.name, most: Limits.Text.nameBytes, isNeeded: true),
                FieldView(
                    "description", say("about-it"), .text(rows: 8), hint: say("in-markdown"),
                    value: workflow.description,
                    most: Limits.Text.descriptionBytes),
                PublishPages.tags(workflow.tags.joined(separator: ", ")), PublishPages.level(workflow.level.word),
            ], typed: typed, trouble: trouble)
        return pages.form(say("edit-a-workflow"), form, crumb: LinkView(linkText: workflow.name, linkHref: path))
    }

    @Sendable private func editWorkflow(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let workflow = try await workflow(call)
        try call.refuseStale(workflow.post.hex)
        _ = try await PublishWorkflow(
            account: call.account.handle, slug: workflow.slug, title: try Self.needed(typed, "name", say("a-name")),
            description: typed["description"] ?? "", tags: PublishDraft.list(typed["tags"] ?? ""), level: typed["level"]
        ).run(in: call.operations)
        return .done(at: PageAddress.workflow(workflow))
    }

    // MARK: Collections

    private func collection(_ call: PageCall) async throws -> CollectionView? {
        guard call.context.parameter("id") != nil else { return nil }
        guard let id = number(call), let collection = try await services.catalog.collection(id: id, owner),
            Self.isOwn(collection.author, call)
        else { throw Self.notYours }
        return collection
    }

    @Sendable private func collectionPage(_ call: PageCall, _ typed: Query?, _ trouble: FormTrouble?) async throws
        -> Response
    {
        let collection = try await collection(call)
        var fields = [
            FieldView("name", say("name"), value: collection?.name ?? "", most: Limits.Text.nameBytes, isNeeded: true),
            FieldView(
                "description", say("about-it"), .text(rows: 5), hint: say("in-markdown-may-be-empty"),
                value: collection?.description ?? "", most: Limits.Text.descriptionBytes),
            PublishPages.level(collection?.level.word ?? Level.pg.word),
        ]
        if let collection {
            let links = SubjectLinks(services: services, filter: owner)
            let post = try await services.postLog.post(
                author: call.account.author, kind: .collection, slot: collection.slug)
            for item in (post?.post.collection.items ?? []).prefix(Limits.Gateway.cards) {
                guard let id = Hash32(item) else { continue }
                let name = try await links.link(id)?.linkText ?? say("something-that-is-not-here-any")
                fields.append(FieldView("remove", say("take-out", "\(name)"), .box, value: id.hex))
            }
        }
        let form = FormView(
            collection.map { PageAddress.collection($0) + "/edit" } ?? "/collections/new",
            sends: collection == nil ? say("begin-it") : say("sign-the-change"), fields: fields, typed: typed,
            trouble: trouble)
        return pages.form(
            collection == nil ? say("a-new-collection") : say("edit-a-collection"), form,
            lead: say("models-versions-and-images-are-added"),
            crumb: collection.map { LinkView(linkText: $0.name, linkHref: PageAddress.collection($0)) }
                ?? LinkView(linkText: say("collections"), linkHref: "/collections"))
    }

    @Sendable private func editCollection(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let existing = try await collection(call)
        let name = try Self.needed(typed, "name", say("a-name"))
        let author = call.account.author
        let slug: String
        if let existing {
            slug = existing.slug
        } else {
            slug = try await services.postLog.freeSlug(for: name, .collection, of: author)
        }
        _ = try await EditCollection(
            account: call.account.handle, slug: slug, title: name, description: typed["description"] ?? "",
            level: typed["level"]
        ).run(in: call.operations)
        let removed = typed.values("remove")
        if !removed.isEmpty {
            _ = try await ChangeCollection(account: call.account.handle, slug: slug, removed: removed).run(
                in: call.operations)
        }
        let collection = try await services.catalog.collection(author: author, slug: slug, owner)
        return .done(at: collection.map { PageAddress.collection($0) } ?? "/collections")
    }
}
