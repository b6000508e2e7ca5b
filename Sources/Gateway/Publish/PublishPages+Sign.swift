import Accounts
import Catalog
import Digests
import HTTPTypes
import Hummingbird
import Moderation
import Operations
import PostLog
import Synchronization
import SystemPackage
import WaggleProtocol

/// The last step: what will be signed, what may be wrong with it, and the signature.
extension PublishPages {
    private struct SampleItem {
        let fileTitle: String
        let fileWords: String
    }

    @Sendable func signPage(_ call: PageCall, _ typed: Query, _ trouble: FormTrouble) async throws -> Response {
        let draft = try await draft(call)
        guard draft.kind == .release else { return try await aboutPage(call, draft, typed, trouble) }
        return try await signPage(call, draft, typed, trouble)
    }

    /// What a field that is drafted from a file is called.
    private static func label(ofDrafted name: String) -> String {
        switch name {
        case "name": say("name")
        case "type": say("what-it-is")
        case "base model": say("base-model")
        case "trigger words": say("trigger-words")
        default: name
        }
    }

    func signPage(
        _ call: PageCall, _ draft: PublishDraft, _ typed: Query? = nil, _ trouble: FormTrouble? = nil
    ) async throws -> Response {
        let request = draft.request(account: call.account.handle)
        let drafted = try await DraftRelease(request).run(in: call.operations)
        let notes = try await pictureNotes(draft.samples, draft, call)
        let model = try await services.postLog.post(author: call.account.author, kind: .model, slot: request.slug)?.post
            .model
        let answered = draft["person"].isEmpty ? model.map { Self.answer($0.realPerson) } ?? "" : draft["person"]
        var facts: [FactView?] = [
            FactView(say("address"), "@\(call.account.handle)/\(request.slug)@\(request.version)"),
            FactView(
                say("files"), draft.files.map { "\($0.name), \(Wording.size($0.size))" }.joined(separator: "; ")),
        ]
        for field in drafted.fields where field.name != "description" {
            facts.append(FactView(Self.label(ofDrafted: field.name), field.value))
        }
        facts.append(FactView(say("tags"), (request.tags ?? []).joined(separator: ", ")))
        facts.append(FactView(say("level"), request.level ?? "PG"))
        for (role, label) in PublishDraft.ancestors {
            facts.append(FactView(label, draft[PublishDraft.field(role)]))
        }
        let description = drafted.fields.first { $0.name == "description" }?.value ?? ""
        var content = frame(draft, .sign)
        content["facts"] = facts.compactMap { $0 }
        content["description"] = description.isEmpty ? nil : Markdown.html(description, firstHeading: 3)
        content["findings"] = drafted.findings.filter { $0.flag?.hasPrefix("--real-person") != true }
            .map { FindingView($0) }
        content["samples"] = draft.samples.map { SampleItem(fileTitle: $0.name, fileWords: notes[$0.id] ?? "") }
        if !drafted.isRefused {
            // What was looked at is what is signed.
            content["form"] = FormView(
                PageAddress.with(draft.path + "/sign", [(PageCall.base, draft.state)]), sends: say("sign-and-publish"),
                fields: [
                    FieldView(
                        "person", say("does-it-depict-a-real-person"), .choice,
                        hint: say("somebody-who-can-be-recognised-alive"), value: answered,
                        isNeeded: true,
                        choices: [.init("", say("choose")), .init("no", say("no")), .init("yes", say("yes"))])
                ], typed: typed, trouble: trouble)
        }
        return pages.page(
            "publishsign", PageFrame(pageTitle: draft.title), content, headers: [.cacheControl: "private, no-cache"]
        )
    }

    private static func answer(_ statement: WireRealPerson) -> String {
        switch statement {
        case .yes: "yes"
        case .no: "no"
        default: ""
        }
    }

    @Sendable func sign(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let known = try await draft(call)
        try signing.begin(known.draft.id)
        defer { signing.end(known.draft.id) }
        try call.refuseStale(known.state)
        try await keep(typed, in: known, call)
        let draft = try await draft(call)
        guard !draft.files.isEmpty else {
            throw GatewayError.conflict(
                code: "no-file", "The files of this draft are not here any more; bring them again")
        }
        let path =
            switch draft.kind {
            case .release: try await signRelease(draft, call)
            case .images: try await signImages(draft, call)
            case .workflow: try await signWorkflow(draft, call)
            }
        try await UploadedFiles(services.uploads, call.account).drop(draft.files + draft.samples)
        try await services.accounts.delete(draft: draft.draft.id, of: call.account)
        return .done(at: path)
    }

    private func signRelease(_ draft: PublishDraft, _ call: PageCall) async throws -> String {
        var request = draft.request(account: call.account.handle)
        guard request.realPerson != nil else {
            throw FormTrouble(say("say-whether-it-depicts-a-real"), in: "person")
        }
        request.lineage = try await lineage(draft, call)
        let reply = try await PublishRelease(request).run(in: call.operations)
        guard let post = Hash32(hex: reply.release),
            let release = try await services.catalog.release(
                post: post, services.moderation.filter(for: .owner), detail: .init(releases: 0, images: 0))
        else { return "/account" }
        return "/models/\(release.modelID)?modelVersionId=\(release.id)"
    }

    /// What a release was made from, as far as its author may see that.
    ///
    /// - Throws: `FormTrouble` at the field that names what is not here.
    func lineage(_ draft: PublishDraft, _ call: PageCall) async throws -> [Ancestor] {
        let visible = NamedPosts(services: services, filter: call.filter)
        var ancestors: [Ancestor] = []
        for (role, _) in PublishDraft.ancestors {
            for text in PublishDraft.list(draft[PublishDraft.field(role)]) {
                do {
                    // Operations find things as the operator does.
                    let found = try await ShowRelease(reference: text).run(in: call.operations)
                    ancestors.append(Ancestor(role: role, reference: try await visible.release(found.release)))
                } catch {
                    let failure = GatewayError(describing: error, call.context.logger)
                    guard failure.status.code < 500 else { throw failure }
                    throw FormTrouble(
                        say("no-version-that-you-may-see", "\(text.prefix(80))"), in: PublishDraft.field(role))
                }
            }
        }
        guard ancestors.count <= Limits.Post.refs else {
            throw FormTrouble(
                say("at-most-versions-can-be-named", "\(Limits.Post.refs)"),
                in: PublishDraft.field(.base))
        }
        return ancestors
    }

    private func signImages(_ draft: PublishDraft, _ call: PageCall) async throws -> String {
        let reply = try await PostImages(
            account: call.account.handle, images: draft.files.map(\.path.string), level: draft["level"],
            title: draft["title"], text: draft["text"]
        ).run(in: call.operations)
        guard let post = Hash32(hex: reply.post) else { return "/images" }
        let shown = try await services.catalog.imagePost(post: post, services.moderation.filter(for: .owner))
        return shown?.images.first.map { PageAddress.image($0.id) } ?? "/images"
    }

    private func signWorkflow(_ draft: PublishDraft, _ call: PageCall) async throws -> String {
        let name = String(draft["name"].trimmed)
        guard !name.isEmpty else { throw FormTrouble(say("give-it-a-name"), in: "name") }
        let author = call.account.author
        let slug = try await services.postLog.freeSlug(for: name, .workflow, of: author)
        _ = try await PublishWorkflow(
            account: call.account.handle, slug: slug, graph: draft.files.first?.path.string, title: name,
            description: draft["text"], tags: PublishDraft.list(draft["tags"]), level: draft["level"]
        ).run(in: call.operations)
        let owner = services.moderation.filter(for: .owner)
        let workflow = try await services.catalog.workflow(author: author, slug: slug, owner)
        return workflow.map { PageAddress.workflow($0) } ?? "/workflows"
    }
}

/// Drafts that a request signs at this moment. Two tabs that send one draft at once would both find it there, and sign it twice.
final class DraftsBeingSigned: Sendable {
    private let ids = Mutex<Set<String>>([])

    /// - Throws: `conflict` while another request signs it.
    func begin(_ id: String) throws(GatewayError) {
        guard ids.withLock({ $0.insert(id).inserted }) else {
            throw .conflict(code: "being-signed", say("this-draft-is-being-signed"))
        }
    }

    func end(_ id: String) {
        ids.withLock { _ = $0.remove(id) }
    }
}
