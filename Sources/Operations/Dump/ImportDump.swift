import Catalog
import Digests
import FoundationEssentials
import Identity
import PostLog
import SystemPackage
import WaggleProtocol

/// `waggle import`: takes the posts of a dump in. Each is verified like one that a peer brings; nothing of the file is
/// believed but the signed bytes.
public struct ImportDump: Operation {
    public static let name = "import"
    /// Absolute path of the file.
    public var path: String

    public init(path: String) {
        self.path = path
    }

    public struct Reply: Codable, Sendable {
        public var posts = 0
        public var new = 0
        /// Were here already.
        public var known = 0
        /// Refused because something is wrong with them: no envelope, no valid signature, another id than the line says.
        public var invalid = 0
        /// Refused because this node does not want them: above its ceiling, taken down here.
        public var unwanted = 0
        /// Why the first were refused, at most ten.
        public var reasons: [String] = []
        /// False when the file ends before its last line.
        public var isComplete = false
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        do {
            let (file, size) = try RegularFile.open(FilePath(path))
            defer { try? file.close() }
            var lines = try ZstdLines(file)
            var reply = Reply()
            var batch: [Data] = []
            try Self.readHead(try lines.next())
            while let line = try lines.next() {
                try Task.checkCancellation()
                switch Self.read(line) {
                case .post(let envelope): batch.append(envelope)
                case .end(let posts): reply.isComplete = posts == reply.posts + batch.count
                case .bad(let reason):
                    reply.posts += 1
                    reply.refuse(reason, isInvalid: true)
                }
                guard batch.count >= Limits.Dump.batch else { continue }
                try await Self.take(batch, context, &reply)
                batch = []
                let position = (try? file.seek(offset: 0, from: .current)) ?? 0
                context.progress(
                    Progress(activity: "\(reply.posts) posts", done: UInt64(position), total: size))
            }
            try await Self.take(batch, context, &reply)
            if !lines.isComplete { reply.isComplete = false }
            await context.catalog.waitUntilApplied(context.log.newestSeq)
            return reply
        } catch let error as OperationError {
            throw error
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(path): \(error)")
        }
    }

    private static func readHead(_ line: [UInt8]?) throws(OperationError) {
        guard let line, let head = try? JSONDecoder().decode(DumpLine.Envelope.self, from: Data(line)),
            let version = head.waggle_dump
        else { throw OperationError(.integrity, "this is no dump of a Waggle node") }
        guard version == DumpLine.version else {
            throw OperationError(
                .usage, "this is a dump of version \(version), and this program reads version \(DumpLine.version)")
        }
    }

    private enum Line {
        case post(Data)
        case end(posts: Int)
        case bad(String)
    }

    private static func read(_ line: [UInt8]) -> Line {
        guard let found = try? JSONDecoder().decode(DumpLine.Envelope.self, from: Data(line)) else {
            return .bad("a line is no JSON object of a dump")
        }
        guard let envelope = found.envelope else {
            return found.posts.map { .end(posts: $0) } ?? .bad("a line has no envelope")
        }
        // What the line says beside the envelope is for people; when it names another post, the line was tampered with.
        guard let post = try? SignedPost(envelope: envelope) else { return .bad("an envelope is no signed post") }
        guard found.id == nil || found.id == post.id.hex else {
            return .bad("a line says it is post \(found.id?.prefix(64) ?? "") and holds \(post.id.hex)")
        }
        return .post(envelope)
    }

    private static func take(
        _ batch: [Data], _ context: OperationContext, _ reply: inout Reply
    ) async throws {
        guard !batch.isEmpty else { return }
        for result in try await context.log.intake.submit(batch, from: .local) {
            reply.posts += 1
            switch result {
            case .new: reply.new += 1
            case .have: reply.known += 1
            case .invalid(let reason), .unauthorised(let reason): reply.refuse(reason, isInvalid: true)
            case .policy(let reason): reply.refuse(reason, isInvalid: false)
            case .rate: reply.refuse("too many at once", isInvalid: false)
            case .future: reply.refuse("dated later than this machine's clock", isInvalid: true)
            case .parked(let author):
                reply.refuse("the keys of \(AuthorID.text(author)) are not in the dump", isInvalid: true)
            }
        }
    }
}

extension ImportDump.Reply {
    fileprivate mutating func refuse(_ reason: String, isInvalid: Bool) {
        if isInvalid { invalid += 1 } else { unwanted += 1 }
        if reasons.count < 10 { reasons.append(reason) }
    }
}
