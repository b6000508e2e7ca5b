import Accounts
import Catalog
import Digests
import HTTPTypes
import Hummingbird
import Moderation
import Operations
import PostLog
import SystemPackage
import WaggleProtocol

/// The last step: what will be signed, what may be wrong with it, and the signature.
extension PublishPages {
    private struct FindingView {
        let findingKind: String
        let findingWords: String
        let isGrave: Bool
    }

    private struct SampleItem {
        let fileTitle: String
        let fileWords: String
    }

    @Sendable func signPage(_ call: PageCall, _ typed: Query, _ trouble: FormTrouble) async throws -> Response {
        let draft = try await draft(call)
        guard draft.kind == .release else { return try await aboutPage(call, draft, typed, trouble) }
        return try await signPage(call, draft, typed, trouble)
    }

    func signPage(
        _ call: PageCall, _ draft: PublishDraft, _ typed: Query? = nil, _ trouble: FormTrouble? = nil
    ) async throws -> Response {
        let request = draft.request(account: call.account.handle)
        let drafted = try await DraftRelease(request).run(in: call.operations)
        let notes = try await sampleNotes(draft, call)
        let model = try await services.postLog.post(author: call.account.author, kind: .model, slot: request.slug)?.post
            .model
        let answered = draft["person"].isEmpty ? model.map { Self.answer($0.realPerson) } ?? "" : draft["person"]
        let facts =
            [
                FactView("Address", "@\(call.account.handle)/\(request.slug)@\(request.version)"),
                FactView("Files", draft.files.map { "\($0.name), \(Wording.size($0.size))" }.joined(separator: "; ")),
            ]
            + drafted.fields.filter { $0.name != "description" }.map { field in
                FactView(field.name.prefix(1).uppercased() + field.name.dropFirst(), field.value)
            } + [
                FactView("Tags", (request.tags ?? []).joined(separator: ", ")),
                FactView("Level", request.level ?? "PG"),
            ]
        let description = drafted.fields.first { $0.name == "description" }?.value ?? ""
        var content = frame(draft, .sign)
        content["facts"] = facts.compactMap { $0 }
        content["description"] = description.isEmpty ? nil : Markdown.html(description, firstHeading: 3)
        content["findings"] = drafted.findings.filter { !$0.text.contains("--real-person") }.map { finding in
            FindingView(
                findingKind: finding.severity, findingWords: finding.text, isGrave: finding.severity != "note")
        }
        content["samples"] = draft.samples.map { SampleItem(fileTitle: $0.name, fileWords: notes[$0.id] ?? "") }
        if !drafted.isRefused {
            content["form"] = FormView(
                draft.path + "/sign", sends: "Sign and publish",
                fields: [
                    FieldView(
                        "person", "Does it depict a real person?", .choice,
                        hint: "Somebody who can be recognised, alive or not. Many nodes want to know.", value: answered,
                        isNeeded: true,
                        choices: [.init("", "Choose"), .init("no", "No"), .init("yes", "Yes")])
                ], typed: typed, trouble: trouble)
        }
        return pages.page(
            "publishsign", PageFrame(pageTitle: draft.title), content, headers: [.cacheControl: "private, no-cache"])
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
        let request = draft.request(account: call.account.handle)
        guard request.realPerson != nil else {
            throw FormTrouble("Say whether it depicts a real person", in: "person")
        }
        let reply = try await PublishRelease(request).run(in: call.operations)
        guard let post = Hash32(hex: reply.release),
            let release = try await services.catalog.release(
                post: post, services.moderation.filter(for: .owner), detail: .init(releases: 0, images: 0))
        else { return "/account" }
        return "/models/\(release.modelID)?modelVersionId=\(release.id)"
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
        guard !name.isEmpty else { throw FormTrouble("Give it a name", in: "name") }
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
