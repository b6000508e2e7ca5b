import Catalog
import Digests
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
    public let tags: [String]
    /// Author ids.
    public let creators: [String]
    public let maxLevel: String
    /// Bytes; 0 for no limit of its own.
    public let budget: UInt64
    /// Bytes of the disk that the rule leaves free.
    public let keepFree: UInt64
    public let isPaused: Bool
    /// Bytes that the rule holds here.
    public let used: UInt64

    init(_ rule: MirrorRule, used: UInt64) {
        n = rule.n
        from = rule.terms.node.map { AuthorID.text($0) }
        types = rule.terms.types
        bases = rule.terms.bases
        tags = rule.terms.tags
        creators = rule.terms.creators.map { AuthorID.text($0) }
        maxLevel = rule.terms.maxLevel.word
        budget = rule.terms.budget
        keepFree = rule.terms.keepFree
        isPaused = rule.isPaused
        self.used = used
    }
}

/// `waggle mirror status`: one rule.
public struct MirrorStatusReport: Codable, Sendable {
    public let rule: MirrorReport
    /// "fetching", "complete", "waiting", "full" or "paused".
    public let activity: String
    /// Why it does not go on; empty when it does.
    public let reason: String
    public let wanted: BlobSum
    public let present: BlobSum
    /// Bytes that are wanted and not here.
    public let missingBytes: UInt64
    /// Files under way.
    public let files: [String]
    /// Bytes a second.
    public let rate: UInt64
    /// Seconds; nil when it cannot be said.
    public let secondsLeft: UInt64?
    /// Unix seconds; 0 for never.
    public let lastRun: UInt64
    public let lastError: String

    init(_ status: MirrorStatus) {
        rule = MirrorReport(status.plan.rule, used: status.plan.used)
        activity = status.activity.rawValue
        reason = status.reason
        wanted = BlobSum(status.plan.wanted)
        present = BlobSum(status.plan.present)
        missingBytes = status.missingBytes
        files = status.files
        rate = status.rate
        secondsLeft = status.secondsLeft
        lastRun = status.plan.rule.lastRun
        lastError = status.plan.rule.lastError
    }
}

/// `waggle mirror plan`: what a run would do now. All sums are exact; lists end after `Limits.Mirror.listedFiles` files.
public struct MirrorPlanReport: Codable, Sendable {
    public let rules: [Rule]
    /// What a run fetches, each blob once; bytes are those still to come.
    public let fetch: BlobSum
    public let files: [File]
    public let unfit: [Unfit]
    /// Peers that did not say what they hold.
    public let silentPeers: [String]

    public struct Rule: Codable, Sendable {
        public let rule: MirrorReport
        /// `wanted` = `present` + `shared` + the whole sizes of `fetch` + `unfit`.
        public let wanted: BlobSum
        /// Here already, by whatever way it came: not fetched.
        public let present: BlobSum
        /// Counted with an older rule that wants it too.
        public let shared: BlobSum
        public let fetch: BlobSum
        public let unfit: BlobSum
        public let holders: [Holder]
    }

    /// A peer, and what it holds of what a rule fetches.
    public struct Holder: Codable, Sendable {
        public let peer: String
        public let held: BlobSum
    }

    public struct File: Codable, Sendable {
        public let sha256: String
        public let name: String
        public let size: UInt64
        /// Bytes still to come.
        public let bytes: UInt64
        public let rule: Int64
        /// Peers that hold it, or a part of it.
        public let holders: [String]
    }

    public struct Unfit: Codable, Sendable {
        public let sha256: String
        public let name: String
        public let size: UInt64
        public let obstacles: [Obstacle]
    }

    public struct Obstacle: Codable, Sendable {
        public let rule: Int64
        /// "paused", "rule-budget", "store-budget", "disk" or "no-holder".
        public let code: String
        public let message: String
    }

    /// - Parameters:
    ///   - limit: files of each list.
    ///   - name: what a peer is called.
    init(_ plan: MirrorPlan, limit: Int, name: (Hash32) -> String) {
        rules = plan.rules.map { rule in
            Rule(
                rule: MirrorReport(rule.rule, used: rule.used), wanted: BlobSum(rule.wanted),
                present: BlobSum(rule.present), shared: BlobSum(rule.shared), fetch: BlobSum(rule.fetch),
                unfit: BlobSum(rule.unfit),
                holders: rule.holders.sorted { $0.key < $1.key }.map {
                    Holder(peer: name($0.key), held: BlobSum($0.value))
                })
        }
        fetch = BlobSum(plan.fetches.reduce(into: MirrorPlan.Sum()) { $0.add($1.bytes) })
        files = plan.fetches.prefix(limit).map { fetch in
            File(
                sha256: fetch.candidate.sha256.hex, name: fetch.candidate.title, size: fetch.candidate.size,
                bytes: fetch.bytes, rule: fetch.rule.n, holders: fetch.holders.map(name))
        }
        unfit = plan.unfit.prefix(limit).map { unfit in
            Unfit(
                sha256: unfit.candidate.sha256.hex, name: unfit.candidate.title, size: unfit.candidate.size,
                obstacles: unfit.obstacles.map {
                    Obstacle(rule: $0.rule, code: $0.obstacle.code, message: $0.obstacle.message)
                })
        }
        silentPeers = plan.silentPeers.map(name)
    }
}
