import Accounts
import Catalog
import Digests
import Hummingbird
import Moderation
import Operations
import PostLog
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
        add("/articles/new", .publish, articlePage, editArticle)
        add("/articles/{id}/edit", .publish, articlePage, editArticle)
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
            throw FormTrouble("\(what) has at least a word", in: name)
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
            "/models/\(model.id)/edit", sends: "Sign the change",
            fields: [
                FieldView("name", "Name", value: model.body.name, most: Limits.Text.nameBytes, isNeeded: true),
                FieldView(
                    "description", "About it", .text(rows: 10), hint: "In Markdown.", value: model.body.description_p,
                    most: Limits.Text.descriptionBytes),
                PublishPages.tags(model.body.tags.joined(separator: ", ")),
                FieldView("licence", "Licence", value: model.body.licence.name, most: 100),
            ], typed: typed, trouble: trouble)
        return pages.form(
            "Edit \(model.body.name)", form,
            lead: "Versions are signed once and never change; what is said of the model may.",
            crumb: LinkView(linkText: model.body.name, linkHref: PageAddress.model(model)))
    }

    @Sendable private func editModel(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let model = try await model(call)
        var licence = LicenceTerms()
        licence.name = typed["licence"] ?? ""
        _ = try await EditModel(
            account: call.account.handle, slug: model.slug, title: try Self.needed(typed, "name", "A name"),
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
            article.map { PageAddress.article($0) + "/edit" } ?? "/articles/new", sends: "Sign and publish",
            fields: [
                FieldView("title", "Title", value: article?.title ?? "", most: Limits.Text.nameBytes, isNeeded: true),
                FieldView(
                    "text", "Text", .text(rows: 18), hint: "In Markdown.", value: article?.text ?? "",
                    most: Limits.Text.descriptionBytes, isNeeded: true),
                PublishPages.tags(article?.tags.joined(separator: ", ") ?? ""),
                PublishPages.level(article?.level.word ?? Level.pg.word),
            ], typed: typed, trouble: trouble)
        return pages.form(
            article == nil ? "Write an article" : "Edit an article", form,
            crumb: article.map { LinkView(linkText: $0.title, linkHref: PageAddress.article($0)) }
                ?? LinkView(linkText: "Publish", linkHref: "/publish"))
    }

    @Sendable private func editArticle(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let existing = try await article(call)
        let title = try Self.needed(typed, "title", "A title")
        let text = try Self.needed(typed, "text", "An article")
        let author = call.account.author
        let slug: String
        if let existing {
            slug = existing.slug
        } else {
            slug = try await services.postLog.freeSlug(for: title, .article, of: author)
        }
        _ = try await WriteArticle(
            account: call.account.handle, slug: slug, title: title, text: text,
            tags: PublishDraft.list(typed["tags"] ?? ""), level: typed["level"]
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
            path + "/edit", sends: "Sign the change",
            fields: [
                FieldView("name", "Name", value: workflow.name, most: Limits.Text.nameBytes, isNeeded: true),
                FieldView(
                    "description", "About it", .text(rows: 8), hint: "In Markdown.", value: workflow.description,
                    most: Limits.Text.descriptionBytes),
                PublishPages.tags(workflow.tags.joined(separator: ", ")), PublishPages.level(workflow.level.word),
            ], typed: typed, trouble: trouble)
        return pages.form("Edit a workflow", form, crumb: LinkView(linkText: workflow.name, linkHref: path))
    }

    @Sendable private func editWorkflow(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let workflow = try await workflow(call)
        _ = try await PublishWorkflow(
            account: call.account.handle, slug: workflow.slug, title: try Self.needed(typed, "name", "A name"),
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
            FieldView("name", "Name", value: collection?.name ?? "", most: Limits.Text.nameBytes, isNeeded: true),
            FieldView(
                "description", "About it", .text(rows: 5), hint: "In Markdown; may be empty.",
                value: collection?.description ?? "", most: Limits.Text.descriptionBytes),
            PublishPages.level(collection?.level.word ?? Level.pg.word),
        ]
        if let collection {
            let links = SubjectLinks(services: services, filter: owner)
            let post = try await services.postLog.post(
                author: call.account.author, kind: .collection, slot: collection.slug)
            for item in (post?.post.collection.items ?? []).prefix(Limits.Gateway.cards) {
                guard let id = Hash32(item) else { continue }
                let name = try await links.link(id)?.linkText ?? "Something that is not here any more"
                fields.append(FieldView("remove", "Take out: \(name)", .box, value: id.hex))
            }
        }
        let form = FormView(
            collection.map { PageAddress.collection($0) + "/edit" } ?? "/collections/new",
            sends: collection == nil ? "Begin it" : "Sign the change", fields: fields, typed: typed, trouble: trouble)
        return pages.form(
            collection == nil ? "A new collection" : "Edit a collection", form,
            lead: "Models, versions and images are added on their own pages.",
            crumb: collection.map { LinkView(linkText: $0.name, linkHref: PageAddress.collection($0)) }
                ?? LinkView(linkText: "Collections", linkHref: "/collections"))
    }

    @Sendable private func editCollection(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let existing = try await collection(call)
        let name = try Self.needed(typed, "name", "A name")
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
