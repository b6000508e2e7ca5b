import Accounts
import BlobStore
import Catalog
import Digests
import FoundationEssentials
import Glibc
import Identity
import Moderation
import Operations
import SystemPackage
import WaggleProtocol

/// Makes a release of a commit.
struct HubPublication: Sendable {
    let services: GatewayServices
    let account: Account
    let slug: String
    let commit: HubCommit
    /// Endings of files that become sample images.
    let pictures: [String]

    /// - Returns: the release; the model's post when only words changed.
    func publish() async throws -> Hash32 {
        let model = try await services.catalog.model(
            author: account.author, slug: slug, services.moderation.filter(for: .owner))
        let before = model?.releases.first
        let isAboutWords = commit.largeFiles.isEmpty && commit.keptSmallFiles.isEmpty && commit.deleted.isEmpty
        if isAboutWords, let before {
            try await describe()
            return before.post
        }
        let folder = services.context().home.temporary.appending(
            Home.commitPrefix + Hex.encode(SecureRandom.bytes(8)))
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let (files, samples, kept) = try await gather(before, in: folder)
        guard !files.isEmpty else {
            throw GatewayError.unprocessable(
                code: "no-files", "A release has at least one file besides the model card; commit them together")
        }
        let reply = try await PublishRelease(try await request(files, samples, model, kept)).run(
            in: services.context().acting(for: account))
        for upload in try await services.uploads.list(account: account.id)
        where commit.largeFiles.contains(where: { $0.sha256 == upload.sha256 }) {
            try await services.uploads.remove(upload.id, account: account.id)
        }
        guard let post = Hash32(hex: reply.release) else { throw GatewayError.unavailable("No release came of it") }
        return post
    }

    /// Puts the files of the new release into one folder under their names: those of the release before that the commit
    /// leaves, and its own.
    private func gather(
        _ before: ReleaseView?, in folder: FilePath
    ) async throws -> (files: [String], samples: [String], kept: [String: Hash32]) {
        var kept: [String: Hash32] = [:]
        var names: [String] = []
        func place(_ name: String) -> FilePath {
            if !names.contains(name) { names.append(name) }
            let path = folder.appending(name)
            unlink(path.string)
            return path
        }
        let replaced = Set(commit.largeFiles.map(\.path) + commit.smallFiles.map(\.path) + commit.deleted)
        for view in before?.files ?? [] {
            let name = BlobAddress.name(of: view).text
            guard !replaced.contains(name), let hash = Hash32(view.file.sha256) else { continue }
            _ = try await services.blobs.export(hash, to: place(name))
            kept[name] = hash
        }
        let uploads = try await services.uploads.list(account: account.id)
        for file in commit.largeFiles {
            if let upload = uploads.first(where: { $0.sha256 == file.sha256 && $0.isComplete }) {
                let path = place(file.path)
                guard link(upload.path.string, path.string) == 0 else {
                    throw GatewayError.unavailable("The upload of \(file.path) cannot be read")
                }
            } else if try await BlobGate(catalog: services.catalog, moderation: services.moderation)
                .look(file.sha256, for: account.viewer) == .show
            {
                _ = try await services.blobs.export(file.sha256, to: place(file.path))
            } else {
                throw GatewayError.unprocessable(
                    code: "not-uploaded", "The bytes of \(file.path) were not uploaded; send them before the commit")
            }
        }
        for file in commit.keptSmallFiles {
            try Data(file.content).write(to: URL(filePath: place(file.path).string))
        }
        func isPicture(_ name: String) -> Bool {
            pictures.contains(name.split(separator: ".").last.map { $0.lowercased() } ?? "")
        }
        // Weights first: the first file is the one that tools take.
        let files = names.filter { !isPicture($0) }.sorted { weight($0) < weight($1) }
        return (
            files.map { folder.appending($0).string }, names.filter(isPicture).map { folder.appending($0).string },
            kept
        )
    }

    private func weight(_ name: String) -> Int {
        let weights = ["safetensors", "gguf", "ckpt", "pt", "bin", "onnx"]
        return weights.firstIndex(of: name.split(separator: ".").last.map { $0.lowercased() } ?? "") ?? weights.count
    }

    /// - Parameter kept: the files of the release before, by name.
    private func request(
        _ files: [String], _ samples: [String], _ model: ModelView?, _ kept: [String: Hash32]
    ) async throws -> PublishRequest {
        let card = commit.readme.map { HubCard($0) }
        let versions = model?.releases.map(\.body.version) ?? []
        var number = versions.count + 1
        while versions.contains("\(number)") { number += 1 }
        let named = commit.version.flatMap { versions.contains($0) ? nil : $0 }
        let claimed = kept.merging(commit.largeFiles.map { ($0.path, $0.sha256) }) { _, last in last }
        var request = PublishRequest(
            files: files.map { .init(path: $0, sha256: claimed[FilePath($0).lastComponent?.string ?? ""]?.hex) },
            account: account.handle, slug: slug, version: named ?? "\(number)",
            baseModel: card?.fields["base_model_name"] ?? card?.fields["base_model"]
                ?? model?.releases.first?.body.baseModel,
            description: card.flatMap { $0.text.isEmpty ? nil : $0.text },
            triggerWords: card?.fields["instance_prompt"].map { [$0] }, tags: card.map(\.tags),
            samples: samples, changes: commit.summary, licence: licence(card))
        let draft = try await DraftRelease(request).run(in: services.context().acting(for: account))
        if !draft.fields.contains(where: { $0.name == "type" }) {
            request.type = card?.tags.contains("lora") == true ? "LORA" : "Other"
        }
        return request
    }

    private func licence(_ card: HubCard?) -> LicenceTerms? {
        guard let name = card?.fields["license"] else { return nil }
        var licence = LicenceTerms()
        licence.name = name
        return licence
    }

    /// A commit of the model card alone changes what is said, and no release.
    private func describe() async throws {
        guard let card = commit.readme.map({ HubCard($0) }) else { return }
        _ = try await EditModel(
            account: account.handle, slug: slug, description: card.text, tags: card.tags.isEmpty ? nil : card.tags,
            licence: licence(card)
        ).run(in: services.context().acting(for: account))
    }
}
