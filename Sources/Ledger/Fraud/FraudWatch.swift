import Digests
import WaggleProtocol

/// Remembers what authorities and payers signed, and says when two of these things cannot be an honest party's.
///
/// Signatures are looked at only when two things contradict each other, so it costs next to nothing as long as nobody lies;
/// and what nobody signed neither makes a proof nor hides one. What it remembers is bounded: the oldest slots are forgotten.
public struct FraudWatch: Sendable {
    fileprivate struct Place: Hashable {
        let authority: Int
        let phase: Ballot.Phase?
        let round: UInt32
    }

    fileprivate struct Seen: Sendable {
        var ballots: [Place: Ballot] = [:]
        var claims: [Place: StatementClaim] = [:]
        var final: Final?
        var order: SignedOrder?
        /// What was shown before is not shown again: whoever repeats a lie costs nothing more.
        var shown: Set<Place> = []
        var hiders: Set<Int> = []
        var isConflictShown = false
        var isDoubleOrderShown = false
    }

    private let charter: Charter
    private var slots: [Hash32: Seen] = [:]
    /// In the order in which they were seen first, the oldest from `first` on.
    private var age: [Hash32] = []
    private var first = 0

    public init(_ charter: Charter) {
        self.charter = charter
    }

    public mutating func see(_ ballot: Ballot) -> [FraudProof] {
        guard charter.authorities.indices.contains(ballot.by.authority) else { return [] }
        return change(ballot.slot) { [charter] in $0.see(ballot, charter) }
    }

    public mutating func see(_ statement: Statement) -> [FraudProof] {
        guard charter.authorities.indices.contains(statement.by.authority) else { return [] }
        let shown = statement.highest.map { see($0) } ?? []
        return shown + change(statement.slot) { [charter] in $0.see(StatementClaim(statement), charter) }
    }

    public mutating func see(_ certificate: QuorumCertificate) -> [FraudProof] {
        guard certificate.order.order.currency == charter.currency else { return [] }
        return certificate.votes.prefix(charter.authorities.count).flatMap { vote in
            see(
                Ballot(
                    phase: .vote, slot: certificate.slotID, round: certificate.round, value: certificate.value, by: vote
                ))
        }
    }

    public mutating func see(_ final: Final) -> [FraudProof] {
        guard final.order.order.currency == charter.currency else { return [] }
        let commits = final.commits.prefix(charter.authorities.count).flatMap { commit in
            see(
                Ballot(phase: .commit, slot: final.slotID, round: final.round, value: final.value, by: commit))
        }
        let stated = final.justification.prefix(charter.authorities.count).flatMap { see($0) }
        return commits + stated + change(final.slotID) { [charter] in $0.see(final, charter) }
    }

    public mutating func see(_ order: SignedOrder) -> [FraudProof] {
        guard order.order.currency == charter.currency else { return [] }
        return change(order.order.slotID) { [charter] in $0.see(order, charter) }
    }

    public mutating func see(_ request: AuthorityRequest) -> [FraudProof] {
        switch request {
        case .order(let order): see(order)
        case .proposal(let proposal): proposal.justification.prefix(charter.authorities.count).flatMap { see($0) }
        case .certificate(let certificate): see(certificate)
        case .final(let final): see(final)
        case .unlock: []
        }
    }

    public mutating func see(_ reply: AuthorityReply) -> [FraudProof] {
        switch reply {
        case .ballot(let ballot): see(ballot)
        case .statement(let statement): see(statement)
        case .final(let final): see(final)
        case .refusal(let refusal): refusal.conflicting.map { see($0) } ?? []
        case .accepted: []
        }
    }

    private mutating func change(_ slot: Hash32, _ body: (inout Seen) -> [FraudProof]) -> [FraudProof] {
        if slots[slot] == nil {
            slots[slot] = Seen()
            age.append(slot)
            if slots.count > Limits.Ledger.watchedSlots {
                slots[age[first]] = nil
                first += 1
                if first > Limits.Ledger.watchedSlots {
                    age.removeFirst(first)
                    first = 0
                }
            }
        }
        return body(&slots[slot, default: Seen()])
    }
}

fileprivate extension FraudWatch.Seen {
    mutating func see(_ ballot: Ballot, _ charter: Charter) -> [FraudProof] {
        let place = FraudWatch.Place(authority: ballot.by.authority, phase: ballot.phase, round: ballot.round)
        if let known = ballots[place], known.value == ballot.value {
            // The same, unless what came first was made up.
            guard known.by != ballot.by, !charter.isSigned(known) else { return [] }
        } else if let known = ballots[place] {
            guard !shown.contains(place), charter.isSigned(ballot) else { return [] }
            guard !charter.isSigned(known) else {
                shown.insert(place)
                return [.ballots(known, ballot)]
            }
            // What was taken for the authority's own was not: the real one is looked at from the beginning.
        } else {
            guard ballots.count < Limits.Ledger.watchedSignatures else { return [] }
        }
        ballots[place] = ballot
        guard ballot.phase == .commit else { return [] }
        return show(
            claims.values.filter { $0.by.authority == ballot.by.authority }.map { (ballot, $0) }, charter)
    }

    mutating func see(_ claim: StatementClaim, _ charter: Charter) -> [FraudProof] {
        let place = FraudWatch.Place(authority: claim.by.authority, phase: nil, round: claim.round)
        if let known = claims[place], known.agrees(with: claim) {
            guard known.by != claim.by, !known.isSigned(in: charter) else { return [] }
        } else if let known = claims[place] {
            guard !shown.contains(place), claim.isSigned(in: charter) else { return [] }
            guard !known.isSigned(in: charter) else {
                shown.insert(place)
                // Both are real: the second may hide what the first shows.
                return [.statements(known, claim)] + hidden(by: claim, charter)
            }
        } else {
            guard claims.count < Limits.Ledger.watchedSignatures else { return [] }
        }
        claims[place] = claim
        return hidden(by: claim, charter)
    }

    private mutating func hidden(by claim: StatementClaim, _ charter: Charter) -> [FraudProof] {
        let commits = ballots.values.filter { $0.phase == .commit && $0.by.authority == claim.by.authority }
        return show(commits.map { ($0, claim) }, charter)
    }

    /// The first of these that is a proof; one is enough for an authority.
    private mutating func show(_ pairs: [(Ballot, StatementClaim)], _ charter: Charter) -> [FraudProof] {
        for (commit, claim) in pairs where !hiders.contains(commit.by.authority) {
            guard let proof = Self.hidden(commit, claim, charter) else { continue }
            hiders.insert(commit.by.authority)
            return [proof]
        }
        return []
    }

    private static func hidden(_ commit: Ballot, _ claim: StatementClaim, _ charter: Charter) -> FraudProof? {
        guard claim.round > commit.round, claim.highestRound.map({ $0 < commit.round }) ?? true else { return nil }
        let proof = FraudProof.hiddenCommit(commit, claim)
        return proof.verdict(in: charter) == nil ? nil : proof
    }

    mutating func see(_ final: Final, _ charter: Charter) -> [FraudProof] {
        guard let known = self.final else {
            self.final = final
            return []
        }
        guard known.value != final.value, !isConflictShown, charter.isValid(final) else { return [] }
        guard charter.isValid(known) else {
            self.final = final
            return []
        }
        isConflictShown = true
        return [.finals(known, final)]
    }

    mutating func see(_ order: SignedOrder, _ charter: Charter) -> [FraudProof] {
        guard let known = self.order else {
            self.order = order
            return []
        }
        guard known.order != order.order, !isDoubleOrderShown else { return [] }
        let proof = FraudProof.orders(known, order)
        if proof.verdict(in: charter) != nil {
            isDoubleOrderShown = true
            return [proof]
        }
        let isReal = order.signatures.contains { order.isSigned(by: $0.key) }
        let isKnownReal = known.signatures.contains { known.isSigned(by: $0.key) }
        if isReal, !isKnownReal { self.order = order }
        return []
    }
}
