public import Catalog
public import Digests

/// Computes a `MirrorPlan`: a value that is told everything and asks nobody. It is given each wanted file once, in the
/// order in which they are to be fetched.
public struct MirrorPlanner: Sendable {
    /// How a file stands here.
    public enum Standing: Sendable, Hashable {
        case absent
        /// So many of its bytes are here and verified; room for all of it is reserved.
        case partial(heldBytes: UInt64)
        /// A whole copy that stays: pinned, leased, or somebody else's file.
        case kept
        /// A whole copy of the store's that nothing holds.
        case cached
    }

    /// Who has a file.
    public enum Holders: Sendable, Hashable {
        /// Nobody was asked, because nothing is fetched now.
        case notAsked
        /// Those that said so.
        case known(Set<Hash32>)
    }

    /// Room for what is fetched.
    public struct Room: Sendable, Hashable {
        /// Bytes that the store's budget can give, all that may be evicted counted in; nil for no limit.
        public var budgetLeft: UInt64?
        /// Bytes of the disk that may be taken, all that may be evicted counted in and `keepFree` left alone; nil when
        /// unknown.
        public var diskLeft: UInt64?
        /// The store's own reserve, in bytes.
        public var keepFree: UInt64

        public init(budgetLeft: UInt64?, diskLeft: UInt64?, keepFree: UInt64) {
            self.budgetLeft = budgetLeft
            self.diskLeft = diskLeft
            self.keepFree = keepFree
        }

        mutating func take(_ bytes: UInt64) {
            budgetLeft = budgetLeft.map { $0 - min($0, bytes) }
            diskLeft = diskLeft.map { $0 - min($0, bytes) }
        }
    }

    /// A file that some rule may want.
    public struct Item: Sendable {
        public var candidate: MirrorCandidate
        /// The rules whose terms match it, by number.
        public var rules: [Int64]
        public var standing: Standing
        public var holders: Holders
        /// The rule that it is pinned to, be it still to come; that rule goes on with it.
        public var pinnedTo: Int64?

        public init(
            candidate: MirrorCandidate, rules: [Int64], standing: Standing, holders: Holders, pinnedTo: Int64? = nil
        ) {
            self.candidate = candidate
            self.rules = rules
            self.standing = standing
            self.holders = holders
            self.pinnedTo = pinnedTo
        }
    }

    private let peers: Set<Hash32>
    private let silent: Set<Hash32>
    private var room: Room
    private var plan: MirrorPlan
    private let place: [Int64: Int]

    /// - Parameters:
    ///   - rules: oldest first.
    ///   - used: bytes that each rule holds here.
    ///   - peers: those that may be asked; `silent` are those of them that did not answer.
    public init(
        rules: [MirrorRule], used: [Int64: UInt64], peers: Set<Hash32>, silent: Set<Hash32>, room: Room
    ) {
        self.peers = peers
        self.silent = silent
        self.room = room
        plan = MirrorPlan(rules: rules.map { MirrorPlan.RulePlan(rule: $0, used: used[$0.n] ?? 0) })
        plan.silentPeers = silent.sorted()
        place = Dictionary(uniqueKeysWithValues: rules.enumerated().map { ($1.n, $0) })
        left = rules.map { rule in
            rule.terms.budget == 0 ? nil : rule.terms.budget - min(rule.terms.budget, used[rule.n] ?? 0)
        }
    }

    /// What is left of each rule's budget; nil for no limit.
    private var left: [UInt64?]

    /// Decides on one file.
    public mutating func add(_ item: Item) {
        let size = item.candidate.size
        let wanting = item.rules.compactMap { place[$0] }.filter { isOffered(item, to: plan.rules[$0].rule) }.sorted()
        guard !wanting.isEmpty else { return }
        for at in wanting { plan.rules[at].wanted.add(size) }
        if item.standing == .kept {
            for at in wanting { plan.rules[at].present.add(size) }
            return
        }
        let takers = wanting.filter { plan.rules[$0].rule.n == item.pinnedTo } + wanting
        let obstacles = wanting.map { (at: $0, obstacle: obstacle(item, at: $0)) }
        let taker = takers.first { at in obstacles.contains { $0.at == at && $0.obstacle == nil } }
        guard let taker else {
            // A copy that no rule has room for stays what it is: cache that is here.
            if item.standing == .cached {
                for at in wanting { plan.rules[at].present.add(size) }
            } else {
                for at in wanting { plan.rules[at].unfit.add(size) }
                plan.unfit.append(
                    MirrorPlan.Unfit(
                        candidate: item.candidate,
                        obstacles: obstacles.compactMap { found in
                            found.obstacle.map { (plan.rules[found.at].rule.n, $0) }
                        }))
            }
            return
        }
        take(item, at: taker)
        for at in wanting where at != taker {
            if item.standing == .cached { plan.rules[at].present.add(size) } else { plan.rules[at].shared.add(size) }
        }
    }

    /// The plan for all that was added.
    public func finish() -> MirrorPlan { plan }

    /// A rule for one peer's files does not want what that peer says it has not.
    private func isOffered(_ item: Item, to rule: MirrorRule) -> Bool {
        guard let node = rule.terms.node, case .known(let holders) = item.holders else { return true }
        return holders.contains(node) || silent.contains(node) || !peers.contains(node)
    }

    private mutating func take(_ item: Item, at index: Int) {
        let size = item.candidate.size
        let rule = plan.rules[index].rule
        left[index] = left[index].map { $0 - min($0, size) }
        if item.standing == .cached {
            room.take(size)
            plan.rules[index].present.add(size)
            plan.keeps.append(MirrorPlan.Keep(candidate: item.candidate, rule: rule))
            return
        }
        var bytes = size
        if case .partial(let held) = item.standing { bytes -= min(size, held) } else { room.take(size) }
        let holders = self.holders(item, rule).sorted()
        plan.rules[index].fetch.add(bytes)
        for holder in holders { plan.rules[index].holders[holder, default: .init()].add(bytes) }
        plan.fetches.append(
            MirrorPlan.Fetch(candidate: item.candidate, rule: rule, bytes: bytes, holders: holders))
    }

    private func holders(_ item: Item, _ rule: MirrorRule) -> Set<Hash32> {
        guard case .known(let holders) = item.holders else { return [] }
        return rule.terms.node.map { holders.intersection([$0]) } ?? holders
    }

    /// Why the rule cannot take the file; nil when it can.
    private func obstacle(_ item: Item, at index: Int) -> MirrorObstacle? {
        let rule = plan.rules[index].rule
        let size = item.candidate.size
        if rule.isPaused { return .paused }
        if let left = left[index], left < size { return .ruleBudget(left: left) }
        if case .partial = item.standing {
            // Its room was reserved when it was begun.
        } else {
            if let left = room.budgetLeft, left < size { return .storeBudget(left: left) }
            if let left = room.diskLeft {
                let more = max(rule.terms.keepFree, room.keepFree) - room.keepFree
                let own = left - min(left, more)
                if own < size { return .disk(left: own) }
            }
        }
        let isOnTheWeb = rule.terms.node == nil && item.candidate.hasMirrors
        if item.standing != .cached, !isOnTheWeb, case .known = item.holders, holders(item, rule).isEmpty {
            let asked = rule.terms.node.map { Set([$0]) } ?? peers
            return .noHolder(asked: asked.count, silent: asked.intersection(silent).count)
        }
        return nil
    }
}
