import Accounts
import BlobStore
import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import NIOCore
import PostLog
import SystemPackage
import WaggleProtocol

/// What has to be preserved for an authority before it goes, under lock: copies sealed under the node's key, in a folder that
/// nothing serves, lists or backs up.
struct Evidence {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    private func folder(_ item: ModerationCase) -> FilePath {
        context.home.evidence.appending(item.number)
    }

    /// Locks the files and posts that a case names, once; only of reasons of which the law wants evidence kept.
    ///
    /// - Throws: `failed` when it cannot be kept: then nothing is deleted.
    func lock(_ subjects: [ListSubject], _ item: ModerationCase, reason: String) async throws(OperationError) {
        guard ReasonCode.sealed.contains(reason) else { return }
        let folder = folder(item)
        do {
            try FileManager.default.createDirectory(
                atPath: folder.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            for subject in subjects {
                switch subject {
                case .exact(.blob(let hash)): try await lock(hash, folder)
                case .exact(.post(let id)):
                    guard let post = try await context.log.posts(ids: [id])[id] else { continue }
                    try write(Array(post.envelope), to: folder.appending("\(id.hex).post"))
                default: continue
                }
            }
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "the evidence of \(item.number) cannot be kept: \(error)")
        }
    }

    /// In pieces, so that a file of any size is sealed in little memory.
    private func lock(_ hash: Hash32, _ folder: FilePath) async throws {
        let reader: BlobReader
        do {
            reader = try await context.blobs.openRefused(hash)
        } catch BlobError.notFound {
            return
        }
        let step = UInt64(Limits.Cases.evidencePieceBytes)
        var number = 0
        for start in stride(from: 0, to: max(1, reader.size), by: UInt64.Stride(step)) {
            let piece = folder.appending("\(hash.hex).\(number)")
            number += 1
            if (try? FileManager.default.attributesOfItem(atPath: piece.string)) != nil { continue }
            let bytes = try await reader.read(start..<min(start + step, reader.size))
            try write(Array(bytes.readableBytesView), to: piece)
        }
    }

    private func write(_ bytes: [UInt8], to path: FilePath) throws {
        let sealed = context.keyring.node.device.custodyKey.seal(bytes)
        try Data(sealed).write(to: URL(filePath: path.string), options: .atomic)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path.string)
    }

    // MARK: For an authority

    /// What lies in the folder: names of posts, and of files with their pieces.
    private func kept(_ item: ModerationCase) -> (posts: [String], files: [String: Int]) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder(item).string)) ?? []
        var files: [String: Int] = [:]
        for name in names where !name.hasSuffix(".post") {
            if let dot = name.lastIndex(of: ".") { files[String(name[..<dot]), default: 0] += 1 }
        }
        return (names.filter { $0.hasSuffix(".post") }.sorted(), files)
    }

    func export(_ item: ModerationCase, to target: FilePath) async throws(OperationError) -> ExportEvidence.Reply {
        let kept = kept(item)
        let attachments = Attachments(context)
        let attached = attachments.count(item.number)
        guard !kept.posts.isEmpty || !kept.files.isEmpty || attached > 0 else {
            throw OperationError(.notFound, "there is no evidence of \(item.number) here")
        }
        let pack = try await description(item, kept.files.keys.sorted())
        do {
            try FileManager.default.createDirectory(
                atPath: target.string, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            for name in kept.posts {
                let post = try opened(folder(item).appending(name))
                try Data(post).write(to: URL(filePath: target.appending(name).string))
            }
            for (name, pieces) in kept.files {
                let path = target.appending(name).string
                guard
                    FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
                else { throw OperationError(.failed, "\(path) cannot be written") }
                let file = try FileDescriptor.open(FilePath(path), .writeOnly)
                defer { try? file.close() }
                for number in 0..<pieces {
                    try file.writeAll(try opened(folder(item).appending("\(name).\(number)")))
                }
            }
            // What came with the request, by number: names of strangers are no names for files.
            for index in 0..<attached {
                let bytes = try attachments.open(item.number, index)
                try Data(bytes).write(to: URL(filePath: target.appending("attached-\(index + 1)").string))
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try encoder.encode(pack).write(to: URL(filePath: target.appending("case.json").string))
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(target) cannot be written: \(error)")
        }
        return ExportEvidence.Reply(
            number: item.number, folder: target.string, files: kept.files.count, posts: kept.posts.count)
    }

    func destroy(_ item: ModerationCase) throws(OperationError) {
        do {
            try FileManager.default.removeItem(atPath: folder(item).string)
        } catch {
            throw OperationError(.failed, "the evidence of \(item.number) cannot be deleted: \(error)")
        }
    }

    private func opened(_ path: FilePath) throws -> [UInt8] {
        let sealed = try Data(contentsOf: URL(filePath: path.string))
        guard let bytes = context.keyring.node.device.custodyKey.open(Array(sealed)) else {
            throw OperationError(.integrity, "\(path) cannot be opened: the node's key is another one")
        }
        return bytes
    }

    /// What an authority asks for: what it is, who brought it and when, as far as this node knows.
    private struct Pack: Codable {
        struct File: Codable {
            let sha256: String
            let bytes: UInt64?
            let name: String
            let authors: [String]
        }

        struct Person: Codable {
            let author: String
            let account: String?
            let registered: UInt64?
        }

        let number: String
        let node: String
        let reason: String
        let opened: UInt64
        let subjects: [String]
        let files: [File]
        let people: [Person]
        let actions: [AuditLine]
    }

    private func description(_ item: ModerationCase, _ files: [String]) async throws(OperationError) -> Pack {
        var described: [Pack.File] = []
        var authors: Set<Hash32> = []
        for name in files {
            guard let hash = Hash32(hex: name) else { continue }
            let reference = try? await context.catalog.blobReference(hash)
            let size = (try? await context.blobs.facts(hash))?.size
            authors.formUnion(reference?.authors ?? [])
            described.append(
                Pack.File(
                    sha256: name, bytes: size, name: reference?.fileName ?? "",
                    authors: (reference?.authors ?? []).map(AuthorID.text)))
        }
        for subject in item.subjects.compactMap({ ListSubject(text: $0) }) {
            if let maker = await CaseDesk(context).maker(of: subject) { authors.insert(maker) }
        }
        let accounts = (try? await context.accounts.all()) ?? []
        let people = authors.sorted().map { author in
            let account = accounts.first { $0.author == author }
            return Pack.Person(
                author: AuthorID.text(author), account: account?.handle, registered: account?.created)
        }
        return Pack(
            number: item.number, node: AuthorID.text(context.keyring.node.author), reason: item.reason,
            opened: item.opened, subjects: item.subjects, files: described, people: people,
            actions: try await AuditLine.all(of: item, in: context))
    }
}

/// `waggle mod evidence`: writes what was locked of a case into a folder, for an authority; or deletes it when it was handed over.
/// Only for the operator, at the command line.
public struct ExportEvidence: Operation {
    public static let name = "mod evidence"
    public var number: String
    /// Absolute, and not there yet; empty to delete.
    public var folder: String
    public var destroys: Bool

    public init(number: String, folder: String, destroys: Bool = false) {
        self.number = number
        self.folder = folder
        self.destroys = destroys
    }

    public struct Reply: Codable, Sendable {
        public let number: String
        public let folder: String
        public let files: Int
        public let posts: Int
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        guard context.caller == nil, context.guest == nil else {
            throw OperationError(.auth, "evidence is for the operator, at the command line")
        }
        let item = try await CaseDesk(context).find(number)
        let evidence = Evidence(context)
        guard !destroys else {
            try evidence.destroy(item)
            return Reply(number: item.number, folder: "", files: 0, posts: 0)
        }
        return try await evidence.export(item, to: FilePath(folder))
    }
}

extension ExportEvidence: AuditedOperation {
    public var auditSubject: String { number.uppercased() }
    public var auditDetail: String { destroys ? "deleted" : "exported" }
}
