import Accounts
import Digests
public import FoundationEssentials
import Glibc
import Identity
import Moderation
import SystemPackage
import WaggleProtocol

/// A file that somebody sends with a request, as evidence.
public struct AttachedFile: Codable, Sendable {
    public let name: String
    public let bytes: Data

    public init(name: String, bytes: Data) {
        self.name = name
        self.bytes = bytes
    }
}

/// What is kept in the sealed words of a request about a file that came with it.
struct AttachedNote: Codable, Sendable {
    let name: String
    let size: Int
    let sha256: String
}

/// Files that came with requests: sealed under the node's key beside what is locked, never scanned, listed or served but to the
/// moderators of the case, and gone when nobody can appeal any more.
struct Attachments {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    private static let folder = "attached"
    /// Before there is a case.
    private static let pending = "new-"

    private func folder(_ number: String) -> FilePath {
        context.home.evidence.appending(number).appending(Self.folder)
    }

    /// Files on their way to a case.
    struct Pending {
        fileprivate let path: FilePath
        /// What the room holds for them.
        fileprivate let bytes: Int
        let notes: [AttachedNote]
    }

    /// Seals files before there is a case, so that no case is told of that lacks them.
    ///
    /// - Throws: `limits` for more than a request may bring, than its sender may in a day, or than is kept of all.
    func keep(_ files: [AttachedFile]) throws(OperationError) -> Pending? {
        let files = files.filter { !$0.bytes.isEmpty }
        guard !files.isEmpty else { return nil }
        let total = files.reduce(0) { $0 + $1.bytes.count }
        guard files.count <= Limits.Cases.attachedFiles,
            files.allSatisfy({ $0.bytes.count <= Limits.Cases.attachedBytes }),
            total <= Limits.Cases.attachedBytesPerRequest
        else {
            throw OperationError(
                .limits,
                "a request brings at most \(Limits.Cases.attachedFiles) files, \(Limits.Cases.attachedBytes >> 20) MiB each and "
                    + "\(Limits.Cases.attachedBytesPerRequest >> 20) MiB together")
        }
        let sender = context.caller.map { "@\($0.handle)" } ?? context.guest
        try context.attachmentRoom.reserve(total, from: sender, at: context.now(), kept: bytesKept)
        let path = context.home.evidence.appending(Self.pending + Hex.encode(SecureRandom.bytes(8)))
        do {
            try FileManager.default.createDirectory(
                atPath: path.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            for (index, file) in files.enumerated() {
                let sealed = context.keyring.node.device.custodyKey.seal(Array(file.bytes))
                let target = path.appending("\(index)").string
                try Data(sealed).write(to: URL(filePath: target), options: .atomic)
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: target)
            }
        } catch {
            try? FileManager.default.removeItem(atPath: path.string)
            context.attachmentRoom.release(total)
            throw OperationError(.failed, "the files cannot be kept: \(error)")
        }
        let notes = files.map { file in
            AttachedNote(
                name: Self.plain(file.name), size: file.bytes.count, sha256: SHA256.hash(Array(file.bytes)).hex)
        }
        return Pending(path: path, bytes: total, notes: notes)
    }

    func bring(_ pending: Pending, to item: ModerationCase) throws(OperationError) {
        let target = folder(item.number)
        do {
            try FileManager.default.createDirectory(
                atPath: target.removingLastComponent().string, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            try FileManager.default.moveItem(atPath: pending.path.string, toPath: target.string)
        } catch {
            throw OperationError(.failed, "the files of \(item.number) cannot be kept: \(error)")
        }
        context.attachmentRoom.release(pending.bytes)
    }

    func drop(_ pending: Pending) {
        try? FileManager.default.removeItem(atPath: pending.path.string)
        context.attachmentRoom.release(pending.bytes)
    }

    /// A name for people, without anything that a path or a header could be made of.
    private static func plain(_ name: String) -> String {
        let last = name.split(whereSeparator: { "/\\".contains($0) }).last.map(String.init) ?? ""
        let kept = last.unicodeScalars.filter { $0.properties.generalCategory != .control && $0 != "\"" }
        let text = String(String.UnicodeScalarView(kept)).firstBytes(Limits.Cases.attachedNameBytes)
        return text.isEmpty || text.allSatisfy({ $0 == "." }) ? "file" : text
    }

    // MARK: Reading

    /// - Throws: `notFound`, `integrity`.
    func open(_ number: String, _ index: Int) throws(OperationError) -> [UInt8] {
        let path = folder(number).appending("\(index)").string
        guard let sealed = try? Data(contentsOf: URL(filePath: path)) else {
            throw OperationError(
                .notFound, "there is no such file with \(number), or it was deleted after the decision")
        }
        guard let bytes = context.keyring.node.device.custodyKey.open(Array(sealed)) else {
            throw OperationError(.integrity, "\(path) cannot be opened: the node's key is another one")
        }
        return bytes
    }

    /// How many files a case has here.
    func count(_ number: String) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: folder(number).string))?.count ?? 0
    }

    /// Of files with cases.
    private func bytesKept() -> Int {
        let manager = FileManager.default
        let names = (try? manager.contentsOfDirectory(atPath: context.home.evidence.string)) ?? []
        return names.filter { !$0.hasPrefix(Self.pending) }.reduce(0) { sum, name in
            let path = folder(name)
            let files = (try? manager.contentsOfDirectory(atPath: path.string)) ?? []
            return files.reduce(sum) { sum, file in
                sum + Int(Self.facts(path.appending(file))?.st_size ?? 0)
            }
        }
    }

    private static func facts(_ path: FilePath) -> stat? {
        var facts = stat()
        return lstat(path.string, &facts) == 0 ? facts : nil
    }

    // MARK: Forgetting

    /// Deletes files whose case needs them no longer, and what never came to a case.
    func sweep(at now: UInt64) async throws(OperationError) {
        let manager = FileManager.default
        for name in (try? manager.contentsOfDirectory(atPath: context.home.evidence.string)) ?? [] {
            if name.hasPrefix(Self.pending) {
                let path = context.home.evidence.appending(name).string
                let made = UInt64(clamping: Self.facts(FilePath(path))?.st_mtim.tv_sec ?? 0)
                if made + Limits.Cases.pendingSeconds < now { try? manager.removeItem(atPath: path) }
                continue
            }
            guard count(name) > 0, let id = ModerationCase.id(name) else { continue }
            do {
                guard let item = try await context.moderation.moderationCase(id),
                    CaseClock(now: now).canForgetFiles(item)
                else { continue }
                try? manager.removeItem(atPath: folder(name).string)
            } catch {
                throw OperationError(error)
            }
        }
    }
}

/// A file that came with a request, for the moderators of the case.
public struct ShowAttachment: Operation {
    public static let name = "mod attachment"
    public var number: String
    /// From 0.
    public var index: Int

    public init(number: String, index: Int) {
        self.number = number
        self.index = index
    }

    public func run(in context: OperationContext) async throws(OperationError) -> AttachedFile {
        let desk = CaseDesk(context)
        let item = try await desk.find(number)
        // Of such material nobody but an authority sees anything: `waggle mod evidence`.
        guard !ReasonCode.sealed.contains(item.reason) else {
            throw OperationError(.auth, "what came with \(item.number) is under lock")
        }
        let notes: [AttachedNote]
        do {
            notes = try await context.moderation.reports(of: item.id).flatMap { desk.open($0.sealed).files ?? [] }
        } catch {
            throw OperationError(error)
        }
        guard notes.indices.contains(index) else {
            throw OperationError(.notFound, "there is no such file with \(item.number)")
        }
        return AttachedFile(
            name: notes[index].name, bytes: Data(try Attachments(context).open(item.number, index)))
    }
}

extension ShowAttachment: AuditedOperation {
    public var auditSubject: String { number.uppercased() }
    public var auditDetail: String { "file \(index + 1)" }
}

/// Deletes files of requests that are over.
public struct AttachmentSweep: Sendable {
    private let context: OperationContext

    public init(_ context: OperationContext) {
        self.context = context
    }

    /// - Parameter now: unix seconds.
    public func run(at now: UInt64) async throws(OperationError) {
        try await Attachments(context).sweep(at: now)
    }
}
