import Federation
import Identity
import Moderation

/// A mirror rule as `waggle mirror ls` shows it.
public struct MirrorReport: Codable, Sendable {
    public let n: Int64
    /// Node id; nil for whoever has the files.
    public let from: String?
    public let types: [String]
    public let bases: [String]
    public let maxLevel: String
    /// Bytes.
    public let budget: UInt64
    /// Bytes that the rule has fetched.
    public let used: UInt64

    init(_ rule: MirrorRule, used: UInt64) {
        n = rule.n
        from = rule.node.map { AuthorID.text($0) }
        types = rule.types
        bases = rule.bases
        maxLevel = rule.maxLevel.word
        budget = rule.budget
        self.used = used
    }
}

/// `waggle mirror add`: a running node works its rules by itself.
public struct AddMirror: Operation {
    public static let name = "mirror add"
    /// Number, node id or address of a peer; nil for whoever has the files.
    public var from: String?
    public var types: [String]
    public var bases: [String]
    /// "PG" … "XXX"; nil for this node's ceiling.
    public var maxLevel: String?
    /// Bytes.
    public var budget: UInt64

    public init(from: String?, types: [String], bases: [String], maxLevel: String?, budget: UInt64) {
        self.from = from
        self.types = types
        self.bases = bases
        self.maxLevel = maxLevel
        self.budget = budget
    }

    public func run(in context: OperationContext) async throws(OperationError) -> MirrorReport {
        let level = if let maxLevel { try Level(typed: maxLevel) } else { context.moderation.ceiling }
        guard budget > 0 else { throw OperationError(.usage, "say how much room it may take: --budget 100GB") }
        do {
            let peers = try await context.federation.peers.peers()
            let peer = from.map { name in
                peers.first { "\($0.n)" == name || $0.url == name || AuthorID.text($0.node) == name }
            }
            if case .some(nil) = peer { throw PeerStoreError.noSuchPeer(from ?? "") }
            let rule = try await context.federation.peers.addMirrorRule(
                node: peer??.node, types: types, bases: bases, maxLevel: min(level, context.moderation.ceiling),
                budget: budget, now: context.now())
            context.federation.mirrorSoon()
            return MirrorReport(rule, used: 0)
        } catch let error as PeerStoreError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

/// `waggle mirror ls`.
public struct ListMirrors: Operation {
    public static let name = "mirror ls"
    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [MirrorReport] {
        do {
            let runner = context.federation.mirrorRunner
            var reports: [MirrorReport] = []
            for rule in try await context.federation.peers.mirrorRules() {
                reports.append(MirrorReport(rule, used: try await runner.usedBytes(rule)))
            }
            return reports
        } catch let error as PeerStoreError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

/// `waggle mirror run`: works all rules once and returns when nothing more can be fetched now.
public struct RunMirrors: Operation {
    public static let name = "mirror run"
    public init() {}

    public struct Reply: Codable, Sendable {
        public let fetchedBlobs: Int
        public let fetchedBytes: UInt64
        /// Blobs that no peer could give, or that no rule has room for, in words.
        public let failures: [String]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        do {
            let result = try await context.federation.mirrorRunner.run { name, done, total in
                context.progress(Progress(activity: "fetching \(name)", done: done, total: total))
            }
            return Reply(
                fetchedBlobs: result.blobs, fetchedBytes: result.bytes, failures: result.failures)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}
