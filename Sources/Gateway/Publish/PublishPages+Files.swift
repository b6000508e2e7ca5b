import Accounts
import Digests
import HTTPTypes
import Hummingbird
import NIOCore
import Operations
import SystemPackage
import WaggleProtocol

/// Files of a draft: brought by a plain form, or a piece at a time by a script, which goes on where it broke.
extension PublishPages {
    private struct FileItem {
        let fileTitle: String
        let fileWords: String
        let removeAction: String
    }

    /// An upload that is not complete: a script goes on with it when the same file is chosen again.
    private struct PartItem {
        let partID: String
        let partTitle: String
        let partSize: String
        let partWords: String
        let removeAction: String
    }

    func filesPage(
        _ call: PageCall, _ draft: PublishDraft, _ part: PublishDraft.Part, trouble: FormTrouble? = nil
    ) async throws -> Response {
        let uploads = part == .files ? draft.files : draft.samples
        let isPicture = part == .samples || draft.kind == .images
        let notes = isPicture ? try await pictureNotes(uploads, draft, call) : [:]
        let remove = draft.path + "/remove"
        func removing(_ id: String) -> String {
            action(call, PageAddress.with(remove, [("upload", id), ("as", part.rawValue)]))
        }
        let here = uploads.map { upload in
            FileItem(
                fileTitle: upload.name,
                fileWords: [Wording.size(upload.size), notes[upload.id]].compactMap { $0 }.joined(separator: " · "),
                removeAction: removing(upload.id))
        }
        let parts = try await services.uploads.list(account: call.account.id).filter { !$0.isComplete }
        let accepts =
            isPicture
            ? Self.pictureTypes
            : draft.kind == .workflow ? "application/json,.json" : ""
        let isMany = draft.kind != .workflow
        let form = FormView(
            PageAddress.with(draft.path + "/files", [("as", part.rawValue)]), sends: say("send-it"),
            fields: [
                FieldView(
                    "file", isPicture ? say("pictures") : say("file"), .files(isMany: isMany, accepts: accepts),
                    hint: say("choose-or-drop-here-with-scripts"), isNeeded: true)
            ], trouble: trouble, isUpload: true)
        let step = part == .files ? PublishDraft.Step.files : .samples
        var content = frame(draft, step)
        content["form"] = form
        content["findings"] = try await graphFindings(draft, call)
        content["files"] = here
        content["cutParts"] = parts.map { upload in
            PartItem(
                partID: upload.id, partTitle: upload.name, partSize: "\(upload.size)",
                partWords:
                    say("of-are-here-choose-the-same", Wording.size(upload.offset), Wording.size(upload.size)),
                removeAction: removing(upload.id))
        }
        content["attachAction"] = action(call, PageAddress.with(draft.path + "/attach", [("as", part.rawValue)]))
        content["lost"] =
            draft.lost == 0
            ? nil
            : say("not-published-within-a-week-and", Wording.count(draft.lost, say("file-was"), say("files-were")))
        content["script"] = Self.scriptAddress
        content["quota"] =
            say("all-of-your-files-that-wait", "\(Wording.size(Limits.API.uploadBytes))")
        let after = draft.kind.steps.drop { $0 != step }.dropFirst().first
        if let after, draft.isOpen(after) {
            content["onwardHref"] = draft.path(after)
            content["onwardText"] = after.title
        }
        return pages.page(
            "publishfiles", PageFrame(pageTitle: draft.title), content,
            status: trouble == nil ? .ok : .unprocessableContent, headers: [.cacheControl: "private, no-cache"])
    }

    private func part(_ call: PageCall) throws -> PublishDraft.Part {
        try call.address.choice("as", of: PublishDraft.Part.allCases) ?? .files
    }

    // MARK: A plain form

    /// Takes the files of a form, as they come.
    @Sendable func receive(_ call: PageCall) async throws -> Response {
        let (draft, part) = (try await draft(call), try part(call))
        do {
            var form = FormUploads(services, call.account)
            let uploads = try await form.take(call.request)
            guard !uploads.isEmpty else { throw FormTrouble(say("choose-a-file"), in: "file") }
            try await add(uploads, to: draft, part, call)
        } catch {
            // Whatever is still on its way is of no use: the answer must not wait for it.
            let failure =
                (error as? FormTrouble)
                ?? FormTrouble(GatewayError(describing: error, call.context.logger).message, in: "file")
            return try await filesPage(call, draft, part, trouble: failure)
        }
        return SessionPages.seeOther(draft.path(part == .files ? .files : .samples))
    }

    /// Adds complete uploads to a draft, where it has room for them.
    private func add(_ uploads: [Upload], to draft: PublishDraft, _ part: PublishDraft.Part, _ call: PageCall)
        async throws
    {
        let most =
            draft.kind == .workflow
            ? 1 : part == .samples || draft.kind == .images ? Limits.Post.images : Limits.Post.releaseFiles
        let here = part == .files ? draft.files : draft.samples
        let present = here.map(\.id)
        var ids: [String] = []
        for upload in uploads where !present.contains(upload.id) && !ids.contains(upload.id) {
            // Of one file that was brought twice at once, from two tabs say, one is kept.
            let twins = (here + uploads.filter { ids.contains($0.id) }).filter { $0.name == upload.name }
            if await isTwin(upload, of: twins) {
                try await services.uploads.remove(upload.id, account: call.account.id)
            } else {
                ids.append(upload.id)
            }
        }
        guard present.count + ids.count <= most else {
            for upload in uploads { try await services.uploads.remove(upload.id, account: call.account.id) }
            throw FormTrouble(
                say("there-is-room-for-take-one", Wording.count(most, say("file-2"), say("files-2"))), in: "file")
        }
        let kept = ids
        _ = try await services.accounts.change(draft: draft.draft.id, of: call.account) { draft in
            let known = draft.fields[part.rawValue] ?? []
            draft.fields[part.rawValue] = known + kept.filter { !known.contains($0) }
        }
        try await dropTwins(part, call)
    }

    /// Requests that bring one file at the same moment do not see each other's. Each looks once more when its own is in the
    /// draft, and they come to the same: the first in the list stays.
    private func dropTwins(_ part: PublishDraft.Part, _ call: PageCall) async throws {
        let draft = try await draft(call)
        var (kept, twins): ([Upload], [String]) = ([], [])
        for upload in part == .files ? draft.files : draft.samples {
            if await isTwin(upload, of: kept.filter { $0.name == upload.name }) {
                twins.append(upload.id)
            } else {
                kept.append(upload)
            }
        }
        guard !twins.isEmpty else { return }
        let dropped = twins
        _ = try await services.accounts.change(draft: draft.draft.id, of: call.account) { draft in
            draft.fields[part.rawValue]?.removeAll { dropped.contains($0) }
        }
        for id in dropped { try await services.uploads.remove(id, account: call.account.id) }
    }

    /// What another request took away meanwhile is nobody's twin.
    private func isTwin(_ upload: Upload, of others: [Upload]) async -> Bool {
        for other in others where (try? await services.uploads.areEqual(upload, other)) == true { return true }
        return false
    }

    // MARK: Scripts

    /// What a script brought, through the API that programs use.
    @Sendable func attach(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let (draft, part) = (try await draft(call), try part(call))
        let uploads = try await UploadedFiles(services.uploads, call.account).complete(typed.values("upload"))
        try await add(uploads, to: draft, part, call)
        return .done(at: draft.path(part == .files ? .files : .samples))
    }

    @Sendable func remove(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let (draft, part) = (try await draft(call), try part(call))
        let id = call.address["upload"] ?? ""
        try await services.uploads.remove(id, account: call.account.id)
        _ = try await services.accounts.change(draft: draft.draft.id, of: call.account) { draft in
            draft.fields[part.rawValue]?.removeAll { $0 == id }
            draft.fields["names.\(id)"] = nil
        }
        return .done(at: draft.path(part == .files ? .files : .samples))
    }

    // MARK: Pictures

    /// What each picture says of itself, by upload: made with the draft's file, with another, or nothing; and what it gives away.
    func pictureNotes(
        _ pictures: [Upload], _ draft: PublishDraft, _ call: PageCall
    ) async throws -> [String: String] {
        guard !pictures.isEmpty else { return [:] }
        let files = draft.kind == .release ? try await names(of: draft, call) : []
        var notes: [String: String] = [:]
        for picture in pictures {
            do throws(OperationError) {
                let found = try await InspectSamples(
                    account: call.account.handle, files: files, samples: [picture.path.string]
                ).run(in: call.operations)
                notes[picture.id] = found.first.map { sample in
                    let leak = sample.leak.map { say("names-a-place-on-your-machine", $0) }
                    return ["\(sample.width) × \(sample.height)", Self.words(sample), leak].compactMap { $0 }
                        .joined(separator: " · ")
                }
            } catch {
                // Nobody signs it, and whoever brought it takes it away here.
                guard [.usage, .limits, .auth].contains(error.code) else { throw error }
                notes[picture.id] = error.message
            }
        }
        return notes
    }

    static func words(_ sample: InspectSamples.Sample) -> String {
        if sample.isMadeWithFile { return say("made-with-this-file-by-its") }
        let others = sample.resources.filter { $0.match != .file }.map(\.name).filter { !$0.isEmpty }
        if !others.isEmpty { return say("names-other-files", "\(others.prefix(3).joined(separator: ", "))") }
        return sample.prompt.isEmpty ? say("tells-no-recipe") : say("has-a-recipe-that-names-no")
    }

    /// The hashes of a draft's files, which take a while to read: kept with it.
    private func names(of draft: PublishDraft, _ call: PageCall) async throws -> [HashNames] {
        var all: [HashNames] = []
        for file in draft.files {
            let key = "names.\(file.id)"
            if let known = draft.draft.fields[key], let sha256 = known.first {
                all.append(HashNames(sha256: sha256, autov3: known.dropFirst().first))
                continue
            }
            let names = try await NameFile(path: file.path.string).run(in: call.operations)
            all.append(names)
            _ = try await services.accounts.change(draft: draft.draft.id, of: call.account) { draft in
                draft.fields[key] = [names.sha256] + [names.autov3].compactMap { $0 }
            }
        }
        return all
    }
}
