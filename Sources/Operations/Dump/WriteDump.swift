import Catalog
import Digests
import FoundationEssentials
import Glibc
import Identity
import Moderation
import PostLog
import SystemPackage
import WaggleProtocol

/// `waggle dump`: every post that a visitor may see, and the key documents that it takes to check them, in one file.
public struct WriteDump: Operation {
    public static let name = "dump"

    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> DumpFacts {
        let now = context.now()
        let folder = DumpFolder(context.home)
        let name = "public-\(Self.day(now)).ndjson.zst"
        let part = folder.path.appending(".\(name).part")
        guard folder.begin() else { throw OperationError(.conflict, "a dump is being written already") }
        defer { folder.end() }
        do {
            try FileManager.default.createDirectory(
                atPath: folder.path.string, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            folder.sweep()
            let file = try FileDescriptor.open(
                part, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
            defer { try? file.close() }
            let (posts, size, sha256) = try await Self.write(file, context, now)
            let facts = DumpFacts(name: name, size: size, sha256: sha256.hex, posts: posts, created: now)
            try folder.take(part, facts)
            return facts
        } catch let error as OperationError {
            throw error
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "the dump: \(error)")
        }
    }

    private static func write(
        _ file: FileDescriptor, _ context: OperationContext, _ now: UInt64
    ) async throws -> (posts: Int, size: UInt64, sha256: Hash32) {
        await context.catalog.waitUntilApplied(context.log.newestSeq)
        let visible = VisiblePosts(
            log: context.log, catalog: context.catalog, moderation: context.moderation,
            filter: context.moderation.filter(for: .anonymous))
        var writer = try ZstdWriter(file)
        try writer.write(
            DumpLine.bytes(
                DumpLine.Head(
                    waggle_dump: DumpLine.version, node: AuthorID.text(context.keyring.node.author),
                    software: context.software, created: now)))
        var introduced: Set<Hash32> = []
        var count = 0
        var number: Int64? = 0
        while let after = number {
            try Task.checkCancellation()
            let batch = try await context.log.inForce(after: after, limit: Limits.Dump.batch)
            number = batch.next
            for post in batch.posts where try await isPublic(post, visible, context) {
                // A reader has the keys of an author before what they signed.
                if introduced.insert(post.author).inserted {
                    let known = try await context.log.keyChainEnvelopes(of: post.author)
                    for envelope in known.keyDocuments + known.checkpoints {
                        let key = try SignedPost(stored: envelope)
                        try writer.write(
                            DumpLine.bytes(key.post, id: key.id, author: post.author, envelope: envelope))
                        count += 1
                    }
                }
                try writer.write(
                    DumpLine.bytes(post.post, id: post.id, author: post.author, envelope: post.envelope))
                count += 1
            }
            context.progress(Progress(activity: "\(count) posts", done: 0, total: 0))
        }
        try writer.write(DumpLine.bytes(DumpLine.Tail(posts: count)))
        try writer.finish()
        return (count, writer.size, writer.digest())
    }

    /// What visitors see, and what says which release of it is the newest. Follows are nobody else's business here, and a
    /// node's announce is asked of the node.
    private static func isPublic(
        _ post: LoggedPost, _ visible: VisiblePosts, _ context: OperationContext
    ) async throws -> Bool {
        guard case .channel(let channel) = post.post.body else { return try await visible.includes(post) }
        return try await context.catalog.model(
            author: post.author, slug: channel.modelSlug, context.moderation.filter(for: .anonymous),
            detail: .init(releases: 0, images: 0)) != nil
    }

    /// `2026-03-01`, in UTC.
    static func day(_ seconds: UInt64) -> String {
        var time = time_t(clamping: seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    }
}
