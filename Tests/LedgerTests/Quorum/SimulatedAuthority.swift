import Digests

@testable import Ledger

/// An honest authority with a disk: what was not synced when it crashes is lost, but for any beginning of it.
struct SimulatedAuthority {
    let index: Int
    private(set) var authority: Authority
    private let fresh: Authority
    /// Epochs that its clock is ahead.
    let skew: Int64
    var isAlive = true
    private var disk: [AuthorityRecord] = []
    private var unsynced: [AuthorityRecord] = []
    /// What was applied, by slot, and in the order in which it was: its log.
    private(set) var finals: [Hash32: Final] = [:]
    private(set) var log: [Final] = []
    private(set) var evidence: [LedgerEvidence] = []
    /// What it must keep for blame: certificates, and the statements that justified votes.
    private var certificates: [QuorumCertificate] = []
    private var justifications: [Proposal] = []

    init(_ charter: Charter, index: Int, broken: LedgerRule?, skew: Int64) {
        let key = TestCurrency.key(TestCurrency.authorities[index])
        var authority = Authority(charter, index: index, key: key)!
        authority.broken = broken
        (self.index, self.authority, fresh, self.skew) = (index, authority, authority, skew)
    }

    var ledger: LedgerState { authority.ledger }

    mutating func handle(_ request: AuthorityRequest, epoch: Int64) -> AuthorityReply {
        let outcome = authority.handle(request, decided: finals[request.slot.id], now: max(0, epoch + skew))
        unsynced += outcome.records
        for record in outcome.records { keep(record) }
        note(outcome.applied)
        if outcome.mustSync { sync() }
        if let found = outcome.evidence { evidence.append(found) }
        return outcome.reply
    }

    private mutating func note(_ applied: [Final]) {
        for final in applied { finals[final.slotID] = final }
        log += applied
    }

    private mutating func keep(_ record: AuthorityRecord) {
        switch record {
        case .certificate(let certificate): certificates.append(certificate)
        case .vote(let order, let round, let justification) where round > 0:
            justifications.append(Proposal(order: order, round: round, justification: justification))
        default: break
        }
    }

    func lacks(_ slot: Hash32) -> Bool { finals[slot] == nil && authority.waiting[slot] == nil }
    var isWaiting: Bool { !authority.waiting.isEmpty }

    mutating func sync() {
        disk += unsynced
        unsynced = []
    }

    enum Loss { case something, everything }

    mutating func restart(losing loss: Loss = .something, using random: inout SplitMix) {
        if loss == .something { disk += unsynced.prefix(.random(in: 0...unsynced.count, using: &random)) }
        unsynced = []
        (authority, finals, log) = (fresh, [:], [])
        for record in disk { note(authority.restore(record)) }
        isAlive = true
    }

    /// What it answers to a question about blame.
    func answer(_ question: ConflictInquiry.Question, _ inquiry: inout ConflictInquiry) {
        switch question {
        case .certificate(let slot, let round, let value):
            let found = certificates.first { $0.slotID == slot && $0.round == round && $0.value == value }
            if let found { inquiry.take(found) }
        case .justification(let slot, let round, let value):
            let found = justifications.first {
                $0.order.order.slotID == slot && $0.round == round && $0.order.order.id == value
            }
            if let found { inquiry.take(found.justification) }
        }
    }
}
