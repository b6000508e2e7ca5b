public import Accounts
import Digests
import FoundationEssentials
import Glibc
import Identity
import PostLog
public import SystemPackage
import WaggleProtocol

/// Everything that a person has here, in one archive: what they signed, in the format of dumps, which `waggle import` of any
/// node takes; their recovery secret, sealed under their passphrase; and the list of the files that their posts name.
///
/// No `Operation`: what it makes is a file that whoever asked for it reads and deletes.
public struct ExportAccount: Sendable {
    public let account: Account
    /// Opens the recovery secret, where this node holds it; nil leaves it out.
    public let passphrase: String?

    public init(account: Account, passphrase: String?) {
        self.account = account
        self.passphrase = passphrase
    }

    /// Ids of posts that are read at a time.
    private static let batch = 500

    /// - Returns: a new file in the home's temporary folder.
    /// - Throws: `auth` for a wrong passphrase, `limits` when the disk is full, `failed`.
    public func run(in context: OperationContext) async throws(OperationError) -> FilePath {
        let name = "\(Home.exportPrefix)\(Hex.encode(SecureRandom.bytes(16)))"
        let archive = context.home.temporary.appending("\(name).tar")
        let dump = context.home.temporary.appending("\(name).ndjson.zst")
        let key = context.home.temporary.appending("\(name).recovery")
        defer { for path in [dump, key] { unlink(path.string) } }
        do {
            let file = try FileDescriptor.open(
                archive, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: [.ownerReadWrite])
            defer { try? file.close() }
            var contents = ["posts.ndjson.zst  what you signed; `waggle import` of any node takes it"]
            let files = try await writePosts(to: dump, context)
            let tar = TarWriter(file, time: context.now())
            try tar.add("posts.ndjson.zst", from: dump)
            if let passphrase, account.custody == .node {
                try await writeKey(to: key, passphrase, context)
                try tar.add("recovery.key", from: key)
                contents.append(
                    "recovery.key      your recovery secret, sealed under your passphrase; `waggle key recover` takes it"
                )
            }
            try tar.add("files.txt", Array(files.utf8))
            contents.append("files.txt         SHA-256, bytes and name of each file that your posts name")
            try tar.add("account.json", try await AccountRecord(of: account, context).json())
            contents.append(
                "account.json      what is on this node alone: settings, drafts, tokens without secrets, news")
            let about = """
                Everything of @\(account.handle), \(AuthorID.text(account.author)),
                written by \(context.software) on \(context.publicURL ?? "a node").

                \(contents.joined(separator: "\n"))

                The files themselves are fetched by their SHA-256 from any node that has them: waggle get SHA256
                To move to another node, run there: waggle account move NAME --from \(context.publicURL ?? "THIS-NODE")

                """
            try tar.add("README.txt", Array(about.utf8))
            try tar.finish()
            return archive
        } catch {
            unlink(archive.string)
            throw Self.words(error)
        }
    }

    private static func words(_ error: any Error) -> OperationError {
        switch error {
        case let error as OperationError: error
        case let error as AccountsError: OperationError(error)
        case let error as PostLogError: OperationError(error)
        case let error as KeyFileError: OperationError(.failed, error.message)
        case Errno.noSpace, Errno.diskQuotaExceeded:
            OperationError(.limits, "this node's disk is full; try again when its operator has made room")
        default: OperationError(.failed, "the export: \(error)")
        }
    }

    /// - Returns: the lines of the list of files.
    private func writePosts(to path: FilePath, _ context: OperationContext) async throws -> String {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: [.ownerReadWrite])
        defer { try? file.close() }
        var writer = try ZstdWriter(file)
        try writer.write(
            DumpLine.bytes(
                DumpLine.Head(
                    waggle_dump: DumpLine.version, node: AuthorID.text(context.keyring.node.author),
                    software: context.software, created: context.now())))
        var (count, files) = (0, "")
        let known = try await context.log.keyChainEnvelopes(of: account.author)
        for envelope in known.keyDocuments + known.checkpoints {
            let key = try SignedPost(stored: envelope)
            try writer.write(DumpLine.bytes(key.post, id: key.id, author: account.author, envelope: envelope))
            count += 1
        }
        let index = try await context.log.index(ofAuthor: account.author, limit: Limits.Gateway.builtScopeIDs)
        var ids: [Hash32] = []
        index.forEachID(in: 0..<index.count) { ids.append($0) }
        for start in stride(from: 0, to: ids.count, by: Self.batch) {
            let batch = Array(ids[start..<min(start + Self.batch, ids.count)])
            let posts = try await context.log.posts(ids: batch)
            for id in batch {
                guard let post = posts[id], post.kind != .keyDocument, post.kind != .checkpoint else { continue }
                try writer.write(DumpLine.bytes(post.post, id: id, author: post.author, envelope: post.envelope))
                count += 1
                for named in post.post.namedFiles {
                    // A name is one line, whatever is in it.
                    let name = named.name.filter { !$0.isNewline }
                    files += "\(Hex.encode(named.sha256))  \(named.size)  \(name)\n"
                }
            }
        }
        try writer.write(DumpLine.bytes(DumpLine.Tail(posts: count)))
        try writer.finish()
        return files
    }

    private func writeKey(to path: FilePath, _ passphrase: String, _ context: OperationContext) async throws {
        let secret = try await context.accounts.root(of: account, passphrase: passphrase)
        let documents = try await context.log.keyChainEnvelopes(of: account.author).keyDocuments
        let file = KeyFile(author: account.author, label: account.handle, secret: secret, documents: documents)
        try file.write(to: path.string, passphrase: passphrase)
    }
}

extension WirePost {
    /// Files and pictures that a post names, with their sizes; pictures have no names of their own.
    fileprivate var namedFiles: [(sha256: Data, size: UInt64, name: String)] {
        let graph = workflow.graph.sha256.isEmpty ? [] : [workflow.graph]
        let covers = [article.cover].filter { !$0.isEmpty }
        return (release.files + graph).map { ($0.sha256, $0.size, $0.name) } + covers.map { ($0, 0, "cover") }
            + (imagePost.images + review.images).map { ($0.blob, $0.size, $0.mediaType) }
    }
}
