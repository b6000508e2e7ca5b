import Accounts
import Catalog
import Digests
import HTTPTypes
import Hummingbird
import Moderation
import Operations
import PostLog
import WaggleProtocol

/// `/publish`: from a file to a signed post, step by step. What was typed and the files that were brought are kept on this node
/// with each step, so that a wizard may be left and gone on with days later, from another machine.
struct PublishPages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let door: PageDoor
    let signing = DraftsBeingSigned()

    func register(in routes: inout RouteTable) {
        routes.get("/publish", shows: .account, .page, door.page(.publish, start))
        routes.post("/publish", shows: .account, .page, door.form(.publish, begin))
        routes.get("/publish/{draft}", shows: .account, .page, door.page(.publish, step))
        routes.post("/publish/{draft}", shows: .account, .page, door.form(.publish, again: aboutPage, save))
        routes.post("/publish/{draft}/files", shows: .account, .page, door.upload(.publish, receive))
        routes.post("/publish/{draft}/attach", shows: .account, .page, door.form(.publish, attach))
        routes.post("/publish/{draft}/remove", shows: .account, .page, door.form(.publish, remove))
        routes.post("/publish/{draft}/sign", shows: .account, .page, door.form(.publish, again: signPage, sign))
        routes.post("/publish/{draft}/discard", shows: .account, .page, door.form(.publish, discard))
        let script = StaticText(Templates.publishScript, type: "text/javascript; charset=utf-8")
        routes.get("/publish.js", shows: .nothing, .page) { request, _ in script.response(to: request) }
    }

    static let scriptAddress =
        "/publish.js?v=\(SHA256.hash(Array(Templates.publishScript.utf8)).hex.prefix(8))"

    func draft(_ call: PageCall) async throws -> PublishDraft {
        try await PublishDraft(try call.part("draft"), of: call.account, services)
    }

    // MARK: Beginning

    private struct KindView {
        let kindTitle: String
        let kindWords: String
        let kindValue: String
        let kindAction: String
    }

    private struct DraftItem {
        let draftTitle: String
        let draftHref: String
        let draftWords: String
        let discardAction: String
    }

    @Sendable private func start(_ call: PageCall) async throws -> Response {
        var items: [DraftItem] = []
        for draft in try await services.accounts.drafts(of: call.account) {
            guard let kind = PublishDraft.Kind(rawValue: draft.kind) else { continue }
            let shown = try await PublishDraft(draft, kind, of: call.account, services)
            items.append(
                DraftItem(
                    draftTitle: shown.title, draftHref: shown.path,
                    draftWords: say("last-changed", "\(kind.title)", Dates.day(draft.updated)),
                    discardAction: action(call, shown.path + "/discard")))
        }
        let model = call.address["model"].flatMap { Slug.isValid($0) ? $0 : nil }
        func kind(_ kind: PublishDraft.Kind, _ title: String? = nil, _ words: String) -> KindView {
            KindView(
                kindTitle: title ?? kind.title, kindWords: words, kindValue: kind.rawValue,
                kindAction: action(call, PageAddress.with("/publish", [("model", kind == .release ? model ?? "" : "")]))
            )
        }
        let content: [String: Any] = [
            "drafts": items,
            "kinds": [
                kind(
                    .release, model.map { say("a-new-version-of", "\($0)") },
                    say("a-file-that-others-download-lora")),
                kind(.images, nil, say("up-to-with-the-recipes-that-they", "\(Limits.Post.images)")),
                kind(.workflow, nil, say("a-graph-saved-as-json")),
            ],
        ]
        return pages.page(
            "publish", PageFrame(pageTitle: say("publish")), content, headers: [.cacheControl: "private, no-cache"])
    }

    /// The address of a small form, as one of this person's.
    func action(_ call: PageCall, _ path: String) -> String {
        PageAddress.adding(FormToken.parameter, FormToken.make(session: call.visitor.session), to: path)
    }

    @Sendable private func begin(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        guard let kind = typed["kind"].flatMap({ PublishDraft.Kind(rawValue: $0) }) else {
            throw GatewayError.badRequest(code: "bad-parameter", "Choose what to publish")
        }
        var fields: [String: [String]] = [:]
        if kind == .release, let model = call.address["model"], Slug.isValid(model) { fields["model"] = [model] }
        let draft = try await services.accounts.newDraft(kind.rawValue, fields, of: call.account)
        return .done(at: "/publish/\(draft.id)")
    }

    @Sendable private func discard(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let draft = try await draft(call)
        for upload in draft.files + draft.samples {
            try await services.uploads.remove(upload.id, account: call.account.id)
        }
        try await services.accounts.delete(draft: draft.draft.id, of: call.account)
        return .done(at: "/publish")
    }

    // MARK: Steps

    @Sendable private func step(_ call: PageCall) async throws -> Response {
        let draft = try await draft(call)
        let wanted = try call.address.choice("step", of: PublishDraft.Step.allCases)
        let step = wanted ?? (draft.files.isEmpty ? .files : .about)
        guard draft.kind.steps.contains(step), draft.isOpen(step) else {
            let open = draft.kind.steps.last { draft.isOpen($0) } ?? .files
            return SessionPages.seeOther(draft.path(open))
        }
        switch step {
        case .files: return try await filesPage(call, draft, .files)
        case .about: return try await aboutPage(call, draft)
        case .samples: return try await filesPage(call, draft, .samples)
        case .sign: return try await signPage(call, draft)
        }
    }

    /// What all steps of a draft have.
    func frame(_ draft: PublishDraft, _ step: PublishDraft.Step) -> [String: Any] {
        let steps = draft.kind.steps.map { other in
            TabView(
                tabName: other.title, tabHref: draft.isOpen(other) ? draft.path(other) : draft.path,
                isCurrent: other == step)
        }
        return [
            "heading": draft.title, "crumb": LinkView(linkText: say("publish"), linkHref: "/publish"),
            "tabSets": [TabsView(tabsLabel: say("steps"), tabs: steps)], "lead": draft.kind.title,
        ]
    }

    // MARK: About it

    @Sendable func aboutPage(
        _ call: PageCall, _ typed: Query, _ trouble: FormTrouble
    ) async throws -> Response {
        try await aboutPage(call, try await draft(call), typed, trouble)
    }

    func aboutPage(
        _ call: PageCall, _ draft: PublishDraft, _ typed: Query? = nil, _ trouble: FormTrouble? = nil
    ) async throws -> Response {
        let isLast = draft.kind.steps.last == .about
        let fields =
            switch draft.kind {
            case .release: try await ReleaseFields(draft, call, services).all
            case .images: Self.imageFields(draft)
            case .workflow: Self.workflowFields(draft)
            }
        let form = FormView(
            PageAddress.with(isLast ? draft.path + "/sign" : draft.path, [(PageCall.base, draft.state)]),
            sends: isLast ? say("sign-and-publish") : say("save-and-go-on"),
            fields: fields, typed: typed, trouble: trouble)
        var content = frame(draft, .about)
        content["form"] = form
        content["findings"] = try await graphFindings(draft, call)
        return pages.page(
            "publishabout", PageFrame(pageTitle: draft.title), content, headers: [.cacheControl: "private, no-cache"])
    }

    /// Formats that pictures have, for the browser's own dialogue.
    static let pictureTypes = "image/png,image/jpeg,image/webp,image/gif,image/avif"

    static func level(_ value: String, of label: String = say("content-level")) -> FieldView {
        FieldView(
            "level", label, .choice,
            hint: say("pg-is-for-everybody-xxx-is"), value: value,
            choices: Level.words.filter { Level(word: $0).map { $0 < .blocked } ?? false }.map { .init($0) })
    }

    static func tags(_ value: String) -> FieldView {
        FieldView("tags", say("tags"), hint: say("with-commas-between"), value: value, most: 1000)
    }

    private static func imageFields(_ draft: PublishDraft) -> [FieldView] {
        [
            level(draft["level"]),
            FieldView(
                "title", say("title"), hint: say("may-be-empty"), value: draft["title"], most: Limits.Text.nameBytes),
            FieldView(
                "text", say("about-them"), .text(rows: 4), hint: say("in-markdown-may-be-empty"), value: draft["text"],
                most: Limits.Text.descriptionBytes),
        ]
    }

    private static func workflowFields(_ draft: PublishDraft) -> [FieldView] {
        [
            FieldView(
                "name", say("name"), value: draft["name"], most: Limits.Text.nameBytes, isNeeded: true),
            FieldView(
                "text", say("what-it-does-and-what-it"), .text(rows: 6), hint: say("in-markdown"), value: draft["text"],
                most: Limits.Text.descriptionBytes),
            tags(draft["tags"]), level(draft["level"]),
        ]
    }

    /// Keeps what was typed, and then says what is wrong with it: nothing of it is lost by a wrong word.
    @Sendable private func save(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let draft = try await draft(call)
        try call.refuseStale(draft.state)
        try await keep(typed, in: draft, call)
        try ReleaseFields.check(typed)
        _ = try await lineage(try await self.draft(call), call)
        let next = try await self.draft(call)
        return .done(at: next.path(next.isOpen(.samples) ? .samples : .about))
    }

    func keep(_ typed: Query, in draft: PublishDraft, _ call: PageCall) async throws {
        let names = Set(typed.names)
        _ = try await services.accounts.change(draft: draft.draft.id, of: call.account) { draft in
            for name in names where PublishDraft.Part(rawValue: name) == nil && !name.hasPrefix("names.") {
                draft.fields[name] = typed.values(name)
            }
            // A box that is not ticked is not sent.
            if names.contains("licence"), !names.contains("allows") { draft.fields["allows"] = [] }
        }
    }
}
