public import Catalog
public import Digests

/// What the mirror rules want, what of it is here, and what a run will do about the rest. The runner carries out exactly
/// this.
public struct MirrorPlan: Sendable {
    /// One for each rule, in the rules' order.
    public var rules: [RulePlan]
    /// What a run fetches, in this order.
    public var fetches: [Fetch] = []
    /// Copies of the store's own cache that a rule wants: they are pinned to it and not fetched.
    public var keeps: [Keep] = []
    /// Wanted, and neither here nor to be fetched.
    public var unfit: [Unfit] = []
    /// Peers that did not say what they hold.
    public var silentPeers: [Hash32] = []

    /// Bytes that a run fetches.
    public var fetchBytes: UInt64 { fetches.reduce(0) { $0 + $1.bytes } }

    /// A file to fetch.
    public struct Fetch: Sendable {
        public let candidate: MirrorCandidate
        /// The rule that takes it.
        public let rule: MirrorRule
        /// Bytes still to come; fewer than its size when a part is here.
        public let bytes: UInt64
        /// Peers that hold it, or a part of it; empty when only web addresses that its release names may have it.
        public let holders: [Hash32]
    }

    public struct Keep: Sendable {
        public let candidate: MirrorCandidate
        public let rule: MirrorRule
    }

    /// A file that is wanted and not fetched, and why each rule that wants it does not take it.
    public struct Unfit: Sendable {
        public let candidate: MirrorCandidate
        public let obstacles: [(rule: Int64, obstacle: MirrorObstacle)]
    }

    /// A number of blobs and their bytes.
    public struct Sum: Sendable, Hashable {
        public var blobs = 0
        public var bytes: UInt64 = 0

        public init() {}

        /// Counts one more blob.
        public mutating func add(_ bytes: UInt64) {
            blobs += 1
            self.bytes += bytes
        }
    }

    /// One rule's part. `wanted` = `present` + `shared` + sizes of `fetch` + `unfit`, in blobs.
    public struct RulePlan: Sendable {
        public let rule: MirrorRule
        /// All that the rule matches.
        public var wanted = Sum()
        /// Of it, what is here already, by whatever way it came.
        public var present = Sum()
        /// What an older rule takes or keeps.
        public var shared = Sum()
        /// What a run fetches for this rule; the bytes are those still to come.
        public var fetch = Sum()
        public var unfit = Sum()
        /// Of `fetch`, what each peer holds. The same blob counts for each.
        public var holders: [Hash32: Sum] = [:]
        /// Bytes that the rule holds here before the run.
        public var used: UInt64 = 0
    }
}

/// Why a rule does not take a file that it wants.
public enum MirrorObstacle: Sendable, Hashable {
    case paused
    /// The rule's own budget has only so many bytes left.
    case ruleBudget(left: UInt64)
    /// The store's budget has only so many bytes left, all that may be evicted counted in.
    case storeBudget(left: UInt64)
    /// The disk has only so many bytes above the reserve.
    case disk(left: UInt64)
    /// Nobody who answered has it.
    case noHolder(asked: Int, silent: Int)

    /// A stable word for programs.
    public var code: String {
        switch self {
        case .paused: "paused"
        case .ruleBudget: "rule-budget"
        case .storeBudget: "store-budget"
        case .disk: "disk"
        case .noHolder: "no-holder"
        }
    }

    /// For a person; sizes in bytes, because a plan is exact.
    public var message: String {
        switch self {
        case .paused: "the rule is paused; `waggle mirror resume` goes on"
        case .ruleBudget(let left): "the rule's budget has \(left) bytes left; add a rule with more and remove this one"
        case .storeBudget(let left): "storage.budget has \(left) bytes left; raise it, or trim another rule"
        case .disk(let left): "the disk has \(left) bytes above what is kept free; it goes on when there is room"
        case .noHolder(let asked, let silent):
            silent == 0
                ? "none of the \(asked) peers has it now"
                : "none of the peers that answered has it; \(silent) of \(asked) did not answer"
        }
    }
}
