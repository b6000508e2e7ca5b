public import Digests
public import Ledger
import WaggleProtocol

/// What a granter's charter gives for what its members did in one epoch. A value: whoever has the same facts finds the same.
public struct RewardPlan: Sendable {
    public let charter: Charter
    public let granter: Charter.Granter
    public let epoch: Int64

    public init(_ charter: Charter, granter: Charter.Granter, epoch: Int64) {
        (self.charter, self.granter, self.epoch) = (charter, granter, epoch)
    }

    /// Unix seconds of the epoch: from, and before.
    public var span: Range<UInt64> {
        let start = charter.start(of: epoch)
        return start..<max(start, charter.start(of: epoch + 1))
    }

    /// What is counted, and what it comes to.
    ///
    /// - Parameters:
    ///   - facts: in any order.
    ///   - counted: keys of facts that an earlier list has.
    public func evidence(
        _ facts: [RewardFact], members: [RewardMember], counted: Set<Hash32> = []
    ) -> RewardEvidence {
        let known = Dictionary(members.map { ($0.author, $0) }) { first, _ in first }
        var lines: [RewardEvidence.Line] = []
        var keys = counted
        var once: Set<Once> = []
        var sums: [Sum: UInt64] = [:]
        var totals: [AccountID: UInt64] = [:]
        var models: [Hash32: UInt64] = [:]
        var room = UInt64(max(0, granter.capPerEpoch))
        let rewards = Dictionary(granter.rewards.map { ($0.action, $0) }) { first, _ in first }
        let most = granter.perRecipientPerEpoch.map { UInt64(max(0, $0)) } ?? .max
        // The earliest count, where a cap is reached: of an action, of an account, of the granter.
        let sorted = Set(facts).sorted {
            ($0.created, $0.post, $0.action.order, $0.recipient, $0.subject)
                < ($1.created, $1.post, $1.action.order, $1.recipient, $1.subject)
        }
        for fact in sorted {
            guard let reward = rewards[fact.action.rawValue], reward.amount > 0, span.contains(fact.created),
                let recipient = known[fact.recipient], let actor = known[fact.actor], isAllowed(fact, actor)
            else { continue }
            if let key = fact.key, keys.contains(key) { continue }
            // Each reactor counts once for an author in an epoch, however much of theirs they react to.
            let repeated = Once(
                action: fact.action, recipient: fact.recipient,
                actor: fact.action == .reactionReceived ? fact.actor : fact.action.isOnceAnEpoch ? .zero : fact.post,
                subject: fact.action == .reactionReceived || fact.action.isOnceAnEpoch ? .zero : fact.subject)
            guard !once.contains(repeated) else { continue }
            let place = Sum(action: fact.action, account: recipient.account)
            let amount = min(
                reward.amount, reward.capPerEpoch - min(reward.capPerEpoch, sums[place] ?? 0),
                most - min(most, totals[recipient.account] ?? 0), room,
                fact.action == .imageForModel
                    ? Limits.Economy.modelCap - min(Limits.Economy.modelCap, models[fact.subject] ?? 0) : .max)
            guard amount > 0 else { continue }
            sums[place, default: 0] += amount
            totals[recipient.account, default: 0] += amount
            room -= amount
            if fact.action == .imageForModel { models[fact.subject, default: 0] += amount }
            once.insert(repeated)
            if let key = fact.key { keys.insert(key) }
            lines.append(.init(fact: fact, account: recipient.account, amount: amount))
        }
        return RewardEvidence(
            currency: charter.currency, epoch: epoch, granter: granter.account,
            members: members.sorted { $0.author < $1.author }, lines: lines)
    }

    /// Nobody rewards themselves, and who has just come counts for others only later.
    private func isAllowed(_ fact: RewardFact, _ actor: RewardMember) -> Bool {
        switch fact.action {
        case .dailyBoost, .firstPost, .generatorFeedback: return fact.actor == fact.recipient
        case .follow, .reactionGiven: return fact.actor == fact.recipient && fact.subject != fact.actor
        case .reactionReceived, .collected, .imageForModel:
            let age = UInt64(Limits.Economy.reactorAgeEpochs) * charter.epochSeconds
            let since = span.lowerBound
            return fact.actor != fact.recipient && since >= age && actor.admitted <= since - age
        }
    }

    private struct Once: Hashable {
        let action: RewardAction
        let recipient: Hash32
        let actor: Hash32
        let subject: Hash32
    }

    private struct Sum: Hashable {
        let action: RewardAction
        let account: AccountID
    }
}
