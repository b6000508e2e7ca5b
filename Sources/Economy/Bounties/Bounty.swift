public import Digests
public import Ledger
import WaggleProtocol

/// How far a bounty is.
public enum BountyPhase: String, Codable, CaseIterable, Sendable {
    /// Entries are taken.
    case open
    /// Backers award.
    case judging
    /// The arbiter does what is to be done; where it is gone, holds expire.
    case settling
    /// Nothing is set aside any more.
    case closed
}

/// What is to be done with one hold now.
public enum BountyDecision: Hashable, Sendable {
    case closed
    /// Nothing before then (unix seconds), unless its backer awards.
    case wait(until: UInt64)
    case pay([Output], PaidBy)
    case giveBack(GivenBack)
    /// Nobody may pay it out any more; anybody may give it back.
    case expire

    public enum PaidBy: Hashable, Sendable {
        /// The backer's own award.
        case award(Hash32)
        /// The rule that was fixed when the bounty was made.
        case rule
    }

    public enum GivenBack: String, Sendable {
        /// The backer asked for it while nobody had entered.
        case asked
        /// The deadline passed and nobody had entered.
        case noEntries
        /// By the rule.
        case rule
    }
}

/// A bounty with all that is known of it: decides what happens to each hold, and does nothing itself.
///
/// Every hold has an automatic exit: its backer's award, the rule, or its expiry, which needs neither backer nor arbiter.
/// Whoever has the same posts and the same log finds the same decisions, but for the order in which entries arrived,
/// which the arbiter alone knows.
public struct Bounty: Sendable {
    public let terms: BountyTerms
    /// Those that count, the first to arrive first.
    public let entries: [BountyEntry]
    public let awards: [BountyAward]
    public let backings: [BountyBacking]

    public init(_ terms: BountyTerms, entries: [BountyEntry], awards: [BountyAward], backings: [BountyBacking]) {
        self.terms = terms
        self.entries = Array(
            entries.filter {
                $0.created <= terms.deadline && $0.arrived <= terms.lastArrival
                    && $0.account != nil
            }.sorted { ($0.arrived, $0.created, $0.post) < ($1.arrived, $1.created, $1.post) }
                .prefix(Limits.Economy.entries))
        self.awards = awards
        self.backings = backings
    }

    // MARK: Sums

    /// Whether the arbiter decides about it. What is in another's hand is a pledge, which can be withdrawn.
    public func isEscrow(_ backing: BountyBacking) -> Bool {
        backing.resolver == terms.arbiter && backing.isForAnybody
    }

    /// In the arbiter's hand now.
    public var escrowed: Int64 { sum { isEscrow($0) && $0.state == .open ? $0.amount : 0 } }
    /// Promised and not in the arbiter's hand.
    public var pledged: Int64 { sum { !isEscrow($0) && $0.state == .open ? $0.amount : 0 } }
    public var paid: Int64 { sum(\.paid) }
    public var returned: Int64 { sum(\.returned) }

    private func sum(_ part: (BountyBacking) -> Int64) -> Int64 { backings.reduce(0) { $0 &+ part($1) } }

    public func phase(at now: UInt64) -> BountyPhase {
        if now <= terms.deadline { return .open }
        let hasEscrow = backings.contains { isEscrow($0) && $0.state == .open }
        if !hasEscrow && pledged == 0 { return .closed }
        if now <= terms.decided, !entries.isEmpty { return .judging }
        return hasEscrow ? .settling : .closed
    }

    // MARK: Deciding

    /// What the arbiter does with a hold, or anybody once it has expired.
    ///
    /// - Parameters:
    ///   - now: unix seconds.
    ///   - epoch: of the currency's authority.
    public func decision(on backing: BountyBacking, at now: UInt64, epoch: Int64, _ charter: Charter) -> BountyDecision
    {
        guard backing.state == .open else { return .closed }
        if epoch > backing.expiry {
            let end = backing.expiry + charter.holdGraceEpochs
            return epoch >= end ? .expire : .wait(until: charter.start(of: end))
        }
        guard isEscrow(backing) else {
            return .wait(until: charter.start(of: backing.expiry + charter.holdGraceEpochs))
        }
        if let award = award(of: backing.payer) {
            if award.shares.isEmpty { return .giveBack(.asked) }
            return .pay(parts(of: backing.amount, by: award), .award(award.post))
        }
        // Entries may be on their way for a while after the deadline.
        if entries.isEmpty {
            return now > terms.lastArrival ? .giveBack(.noEntries) : .wait(until: terms.lastArrival + 1)
        }
        guard now > terms.decided else { return .wait(until: terms.decided + 1) }
        let winners = winners(of: backing)
        if winners.isEmpty { return .giveBack(.rule) }
        return .pay(Self.parts(of: backing.amount, among: winners), .rule)
    }

    /// Who gets a silent backer's money, by the rule.
    private func winners(of backing: BountyBacking) -> [(account: AccountID, weight: UInt64)] {
        let accounts = entries.compactMap(\.account).uniqued()
        switch terms.rule {
        case .refund: return []
        case .first: return accounts.prefix(1).map { ($0, 1) }
        case .split: return accounts.prefix(Limits.Economy.splits).map { ($0, 1) }
        case .mostAwarded:
            let given = awarded(by: backings.filter { $0.payer != backing.payer })
            let most = given.values.max() ?? 0
            guard most > 0 else { return [] }
            return accounts.filter { given[$0] == most }.prefix(1).map { ($0, 1) }
        }
    }

    /// What each hunter got of these backings, or would get by the awards of those that are open.
    private func awarded(by backings: [BountyBacking]) -> [AccountID: Int64] {
        var sums: [AccountID: Int64] = [:]
        for backing in backings {
            let outputs: [Output] =
                switch backing.state {
                case .paid(let outputs): outputs
                case .returned: []
                case .open:
                    isEscrow(backing) ? award(of: backing.payer).map { parts(of: backing.amount, by: $0) } ?? [] : []
                }
            for output in outputs { sums[output.account, default: 0] &+= output.amount }
        }
        return sums
    }

    /// The newest award of a backer that counts: made before the decision, for entries that count. To get everything back
    /// counts while there are none.
    public func award(of payer: AccountID) -> BountyAward? {
        let counted = Set(entries.map(\.post))
        let own = awards.filter { award in
            award.account == payer && award.created <= terms.decided
                && (award.shares.isEmpty ? entries.isEmpty : award.shares.contains { counted.contains($0.entry) })
        }
        return own.max { ($0.created, $0.post) < ($1.created, $1.post) }
    }

    /// What an award gives of an amount. Shares of entries that do not count are divided among the others.
    public func parts(of amount: Int64, by award: BountyAward) -> [Output] {
        let accounts = Dictionary(entries.map { ($0.post, $0.account) }) { first, _ in first }
        return Self.parts(
            of: amount,
            among: award.shares.compactMap { share in
                (accounts[share.entry] ?? nil).map { ($0, UInt64(share.weight)) }
            })
    }

    /// An amount in parts that add up to it: what is left by rounding goes to the first. Nobody gets nothing.
    static func parts(of amount: Int64, among weights: [(account: AccountID, weight: UInt64)]) -> [Output] {
        let total = weights.reduce(UInt64(0)) { $0 + $1.weight }
        guard total > 0, amount > 0 else { return [] }
        var order: [AccountID] = []
        var sums: [AccountID: Int64] = [:]
        var rest = amount
        for (account, weight) in weights {
            let part = Int64(UInt128(amount) * UInt128(weight) / UInt128(total))
            if sums.updateValue((sums[account] ?? 0) + part, forKey: account) == nil { order.append(account) }
            rest -= part
        }
        if let first = order.first { sums[first, default: 0] += rest }
        return order.compactMap { account in
            sums[account].flatMap { $0 > 0 ? Output(account: account, amount: $0) : nil }
        }
    }
}

extension Charter {
    /// Unix seconds at which an epoch begins.
    public func start(of epoch: Int64) -> UInt64 {
        let span = UInt64(max(0, epoch)).multipliedReportingOverflow(by: epochSeconds)
        let start = span.partialValue.addingReportingOverflow(genesis)
        return span.overflow || start.overflow ? .max : start.partialValue
    }

    /// The epoch through which a hold for a bounty is made: the arbiter has two after the decision.
    public func expiry(forDecisionAt decided: UInt64) -> Int64 {
        epoch(at: decided) + Limits.Economy.settlingEpochs
    }
}

extension Sequence where Element: Hashable {
    /// Each element once, in its first place.
    func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
