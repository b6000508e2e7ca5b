/// How one rule stands at a moment.
public struct MirrorStatus: Sendable {
    /// What a rule is doing.
    public enum Activity: String, Sendable, Codable {
        /// Files are being fetched for it.
        case fetching
        /// Everything it wants is here.
        case complete
        /// Something is missing; it is tried again whenever something changes, and every minute.
        case waiting
        /// There is no room; it goes on by itself when there is.
        case full
        /// Paused by the operator.
        case paused
    }

    /// What the rule wants, has and lacks, as in a plan.
    public let plan: MirrorPlan.RulePlan
    public let activity: Activity
    /// Why it does not go on, or that nothing matches, in words; else empty.
    public let reason: String
    /// Names of the files under way.
    public let files: [String]
    /// Bytes a second.
    public let rate: UInt64
    /// Seconds until the pass under way is done at this rate; nil when that cannot be said.
    public let secondsLeft: UInt64?

    /// Bytes that are wanted and not here.
    public var missingBytes: UInt64 { plan.wanted.bytes - min(plan.wanted.bytes, plan.present.bytes) }

    init(_ plan: MirrorPlan.RulePlan, unfit: [MirrorPlan.Unfit], part: MirrorActivity.Part?, at second: UInt64) {
        self.plan = plan
        let obstacles = unfit.compactMap { file in
            file.obstacles.first { $0.rule == plan.rule.n }?.obstacle
        }
        let lack = obstacles.first { obstacle in
            switch obstacle {
            case .disk, .storeBudget, .ruleBudget: true
            case .paused, .noHolder: false
            }
        }
        files = part.map { $0.files.values.sorted() } ?? []
        rate = part?.rate.bytesPerSecond(at: second) ?? 0
        let left = part.map { $0.toFetch - min($0.toFetch, $0.doneBytes) } ?? 0
        secondsLeft = rate > 0 && left > 0 ? left / rate : nil
        if plan.rule.isPaused {
            (activity, reason) = (.paused, MirrorObstacle.paused.message)
        } else if !files.isEmpty {
            (activity, reason) = (.fetching, "")
        } else if plan.fetch.blobs == 0, let lack {
            (activity, reason) = (.full, lack.message)
        } else if plan.fetch.blobs > 0 {
            (activity, reason) = (.waiting, plan.rule.lastError)
        } else {
            (activity, reason) = (
                .complete, plan.wanted.blobs == 0 ? "nothing that is known here matches the rule yet" : ""
            )
        }
    }
}
