import BlobStore
import Digests
import Federation
import Identity
import Moderation
import WaggleProtocol

/// `waggle mirror add`: a running node works its rules by itself.
public struct AddMirror: Operation {
    public static let name = "mirror add"
    /// Number, node id or address of a peer; nil for whoever has the files.
    public var from: String?
    public var types: [String]
    public var bases: [String]
    public var tags: [String]
    /// `@handle`s or author ids.
    public var creators: [String]
    /// "PG" … "XXX"; nil for this node's ceiling.
    public var maxLevel: String?
    /// Bytes; 0 for no limit.
    public var budget: UInt64
    /// Bytes of the disk that the rule leaves free.
    public var keepFree: UInt64

    public init(
        from: String?, types: [String], bases: [String], tags: [String] = [], creators: [String] = [],
        maxLevel: String?, budget: UInt64, keepFree: UInt64 = 0
    ) {
        self.from = from
        self.types = types
        self.bases = bases
        self.tags = tags
        self.creators = creators
        self.maxLevel = maxLevel
        self.budget = budget
        self.keepFree = keepFree
    }

    public func run(in context: OperationContext) async throws(OperationError) -> MirrorReport {
        let terms = try await terms(in: context)
        return try await OperationError.mirroring {
            let rule = try await context.federation.peers.addMirrorRule(terms, now: context.now())
            context.federation.mirrorSoon()
            return MirrorReport(rule, used: try await context.blobs.pinnedBytes(.mirrorRule("\(rule.n)")))
        }
    }

    fileprivate func terms(in context: OperationContext) async throws(OperationError) -> MirrorRule.Terms {
        let level = if let maxLevel { try Level(typed: maxLevel) } else { context.moderation.ceiling }
        let words = types + bases + tags + creators
        guard words.count <= Limits.Mirror.words, words.allSatisfy({ $0.utf8.count <= Limits.Mirror.wordBytes }) else {
            throw OperationError(
                .limits,
                "a rule has at most \(Limits.Mirror.words) words of \(Limits.Mirror.wordBytes) bytes; add several")
        }
        guard words.allSatisfy({ !$0.isEmpty && !$0.contains("\n") }) else {
            throw OperationError(.usage, "a type, base, tag or creator is one line of text")
        }
        var authors: [Hash32] = []
        for creator in creators { authors.append(try await SubjectResolver(context).author(creator)) }
        do {
            return MirrorRule.Terms(
                node: try await context.peer(from)?.node, types: types, bases: bases, tags: tags, creators: authors,
                maxLevel: min(level, context.moderation.ceiling), budget: budget, keepFree: keepFree)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle mirror ls`.
public struct ListMirrors: Operation {
    public static let name = "mirror ls"
    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [MirrorReport] {
        try await OperationError.mirroring {
            var reports: [MirrorReport] = []
            for rule in try await context.federation.peers.mirrorRules() {
                let used = try await context.blobs.pinnedBytes(.mirrorRule("\(rule.n)"))
                reports.append(MirrorReport(rule, used: used))
            }
            return reports
        }
    }
}

/// `waggle mirror status`.
public struct ShowMirrors: Operation {
    public static let name = "mirror status"
    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [MirrorStatusReport] {
        try await OperationError.mirroring {
            try await context.federation.mirrorStatus().map { MirrorStatusReport($0) }
        }
    }
}

/// `waggle mirror plan`: what a run would do now, to the byte. Nothing is fetched.
public struct PlanMirrors: Operation {
    public static let name = "mirror plan"
    /// A rule that is thought to be there too.
    public var adding: AddMirror?

    public init(adding: AddMirror? = nil) {
        self.adding = adding
    }

    public func run(in context: OperationContext) async throws(OperationError) -> MirrorPlanReport {
        let terms = try await adding?.terms(in: context)
        return try await OperationError.mirroring {
            let plan = try await context.federation.mirrorRunner.plan(adding: terms)
            let peers = try await context.federation.peers.peers()
            return MirrorPlanReport(plan, limit: Limits.Mirror.listedFiles) { node in
                peers.first { $0.node == node }?.url ?? AuthorID.text(node)
            }
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
        /// Bytes that were not fetched, because other files here have the same tensors.
        public let reusedBytes: UInt64
        /// Blobs that no peer could give, or that no rule has room for, in words.
        public let failures: [String]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        try await OperationError.mirroring {
            let result = try await context.federation.mirrorRunner.run { files, done, total in
                let activity = "mirroring \(files) file\(files == 1 ? "" : "s")"
                context.progress(Progress(activity: activity, done: done, total: total))
            }
            return Reply(
                fetchedBlobs: result.blobs, fetchedBytes: result.bytes, reusedBytes: result.reusedBytes,
                failures: result.failures)
        }
    }
}

/// `waggle mirror pause` and `resume`: of one rule or of all, over restarts.
public struct PauseMirrors: Operation {
    public static let name = "mirror pause"
    /// nil for all rules.
    public var n: Int64?
    public var isPaused: Bool

    public init(n: Int64?, isPaused: Bool) {
        self.n = n
        self.isPaused = isPaused
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [MirrorReport] {
        try await OperationError.mirroring {
            var reports: [MirrorReport] = []
            for rule in try await context.federation.setMirrors(n, paused: isPaused) {
                let used = try await context.blobs.pinnedBytes(.mirrorRule("\(rule.n)"))
                reports.append(MirrorReport(rule, used: used))
            }
            return reports
        }
    }
}

/// `waggle mirror rm`: what the rule fetched stays until room is needed.
public struct RemoveMirror: Operation {
    public static let name = "mirror rm"
    public var n: Int64

    public init(n: Int64) {
        self.n = n
    }

    public func run(in context: OperationContext) async throws(OperationError) -> MirrorReport {
        try await OperationError.mirroring {
            let used = try await context.blobs.pinnedBytes(.mirrorRule("\(n)"))
            return MirrorReport(try await context.federation.removeMirror(n), used: used)
        }
    }
}

extension OperationContext {
    /// A peer by number, node id or address; nil when none is named.
    fileprivate func peer(_ name: String?) async throws(PeerStoreError) -> Peer? {
        guard let name else { return nil }
        let found = try await federation.peers.peers().first { peer in
            "\(peer.n)" == name || peer.url == name || AuthorID.text(peer.node) == name
        }
        guard let found else { throw .noSuchPeer(name) }
        return found
    }
}

extension OperationError {
    /// Runs what touches rules, peers and blobs, with the errors of all of them in words.
    fileprivate static func mirroring<Value>(_ body: () async throws -> Value) async throws(OperationError) -> Value {
        do {
            return try await body()
        } catch let error as OperationError {
            throw error
        } catch let error as PeerStoreError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}
