import Digests
public import Identity
import WaggleProtocol

/// One honest authority of a currency, as a value: requests in, replies and records to store out.
///
/// Each slot is decided in two phases without a leader: an order gets votes; a quorum of votes is a certificate and gets
/// commits; a quorum of commits is final, and only then does anything happen. A slot whose votes are split is unlocked by
/// rounds: a quorum of statements fixes the value of the next round. With one authority all of it is one step.
///
/// Rounds, promises and the rule of the highest certificate are those of Paxos and PBFT's view change, for each slot by
/// itself and driven by the slot's owner; the chains of accounts are FastPay's (arXiv 2003.11506).
public struct Authority: Sendable {
    /// What is known of a slot that is not decided here.
    struct SlotRecord: Equatable, Sendable {
        /// No action below this round; above 0, no round-0 vote either.
        var promised: UInt32 = 0
        var votes: [UInt32: SignedOrder] = [:]
        /// What justified votes above round 0. Kept for blame.
        var justifications: [UInt32: [Statement]] = [:]
        var certificate: QuorumCertificate?
        var statements: [UInt32: Statement] = [:]
        /// What was signed last of each phase. It comes back in certificates, and is not verified there. Not stored: after a
        /// start it is verified like everybody's.
        var signed: [Ballot.Phase: Ballot] = [:]
    }

    public let charter: Charter
    /// This authority's place in the charter.
    public let index: Int
    private let key: SigningKey
    public internal(set) var ledger = LedgerState()
    public internal(set) var epoch: Int64 = 0
    var slots: [Hash32: SlotRecord] = [:]
    /// Finals whose predecessors are not applied here yet.
    var waiting: [Hash32: Final] = [:]
    var broken: LedgerRule?

    /// - Parameter index: the authority whose key this is; nil is returned when it is not.
    public init?(_ charter: Charter, index: Int, key: SigningKey) {
        guard charter.authorities.indices.contains(index), charter.authorities[index].key == key.publicKey else {
            return nil
        }
        self.charter = charter
        self.index = index
        self.key = key
    }

    /// - Parameters:
    ///   - decided: what is final in the request's slot and was applied here, looked up by whoever keeps the finals.
    ///   - now: the epoch by this authority's clock.
    public mutating func handle(_ request: AuthorityRequest, decided: Final?, now: Int64) -> AuthorityOutcome {
        if case .final(let final) = request { return take(final, decided) }
        if let decided { return AuthorityOutcome(reply: .final(decided)) }
        switch request {
        case .order(let signed): return vote(signed, now)
        case .proposal(let proposal): return vote(proposal)
        case .certificate(let certificate): return commit(certificate)
        case .unlock(let request): return state(request, now)
        case .final(let final): return take(final, decided)
        }
    }

    /// Makes the state again from stored records.
    ///
    /// - Returns: finals that were applied, as in an outcome.
    @discardableResult
    public mutating func restore(_ record: AuthorityRecord) -> [Final] {
        apply(record)
    }

    // MARK: Votes

    private mutating func vote(_ signed: SignedOrder, _ now: Int64) -> AuthorityOutcome {
        let order = signed.order
        let record = slots[order.slotID]
        if let promised = record?.promised, promised > 0 { return promisedRefusal(order.slotID, promised) }
        if let earlier = record?.votes[0] {
            // The record may have survived a crash that the reply did not: the same vote is signed again.
            if earlier.order == order { return AuthorityOutcome(reply: ballot(.vote, order, 0)) }
            if !allowsSecondVote(order.slot) { return conflict(order.slotID, earlier) }
        }
        var records = advance(to: now)
        if let code = refusalCode(signed) { return refuse(order.slot, code, records) }
        if charter.quorum == 1 {
            let final = Final(order: signed, round: 0, commits: [sign(.commit, order, 0)])
            records.append(.final(final))
            let applied = apply(.final(final))
            return AuthorityOutcome(
                reply: .final(final), records: records, mustSync: broken != .voteIsSynced, applied: applied)
        }
        return vote(signed, round: 0, [], records)
    }

    /// A function of its own: a copy of the state that lived on beside its change would be a copy of every account.
    private func refusalCode(_ signed: SignedOrder) -> RefusalCode? {
        Admission(charter: charter, state: ledger, epoch: epoch, broken: broken).refusal(signed)
    }

    private mutating func vote(_ proposal: Proposal) -> AuthorityOutcome {
        let order = proposal.order.order
        let record = slots[order.slotID]
        if let promised = record?.promised, promised > proposal.round { return promisedRefusal(order.slotID, promised) }
        let forced = charter.forced(
            order.slot, round: proposal.round, by: proposal.justification, breaking: broken)
        guard let forced, forced.order == order || broken == .voteIsForced else {
            return refuse(order.slotID, .malformed)
        }
        if let earlier = record?.votes[proposal.round] {
            guard earlier.order == order else { return conflict(order.slotID, earlier) }
            return AuthorityOutcome(reply: ballot(.vote, order, proposal.round))
        }
        return vote(proposal.order, round: proposal.round, proposal.justification, [])
    }

    private mutating func vote(
        _ signed: SignedOrder, round: UInt32, _ justification: [Statement], _ earlier: [AuthorityRecord]
    ) -> AuthorityOutcome {
        let record = AuthorityRecord.vote(signed, round: round, justification: justification)
        _ = apply(record)
        return AuthorityOutcome(
            reply: ballot(.vote, signed.order, round), records: earlier + [record], mustSync: broken != .voteIsSynced)
    }

    private func allowsSecondVote(_ slot: Slot) -> Bool {
        if case .hold = slot, broken == .holdIsLocked { return true }
        return broken == .oneVoteARound
    }

    // MARK: Commits

    private mutating func commit(_ certificate: QuorumCertificate) -> AuthorityOutcome {
        let slot = certificate.slotID
        guard charter.isValid(certificate, own: signed(.vote, slot, certificate.round, certificate.value)) else {
            return refuse(slot, .malformed)
        }
        let record = slots[slot]
        if let promised = record?.promised, promised > certificate.round, broken != .commitKeepsPromise {
            return promisedRefusal(slot, promised)
        }
        var records: [AuthorityRecord] = []
        if let own = record?.certificate, own.round >= certificate.round {
            // A commit below the highest would be one that nothing remembers: with enough liars, the second of a round.
            guard own.round == certificate.round else { return promisedRefusal(slot, own.round) }
            if own.round == certificate.round, own.value != certificate.value {
                var outcome = refuse(slot, .malformed)
                outcome.evidence = .certificates(own, certificate)
                return outcome
            }
        } else {
            records.append(.certificate(certificate))
            _ = apply(records[0])
        }
        return AuthorityOutcome(
            reply: ballot(.commit, certificate.order.order, certificate.round), records: records,
            mustSync: !records.isEmpty && broken != .certificateIsSynced)
    }

    // MARK: Finals

    private mutating func take(_ final: Final, _ decided: Final?) -> AuthorityOutcome {
        guard charter.isValid(final, own: signed(.commit, final.slotID, final.round, final.value)),
            charter.isJustified(final, breaking: broken)
        else { return refuse(final.slotID, .malformed) }
        let final = Final(
            order: checked(final.order), round: final.round, commits: final.commits,
            justification: final.justification)
        if let known = decided ?? waiting[final.slotID] {
            var outcome = AuthorityOutcome(reply: .accepted(slot: final.slotID))
            if known.value != final.value { outcome.evidence = .finals(known, final) }
            // A copy that waits may be one that somebody cut the client's signature off: the next one takes its place.
            guard decided == nil, known.value == final.value, known != final else { return outcome }
        }
        if ledger.isReady(final.order.order.slot), !isWhole(final) { return refuse(final.slotID, .unauthorized) }
        let applied = apply(.final(final))
        // Others have it: what is lost of it is learnt again.
        return AuthorityOutcome(reply: .accepted(slot: final.slotID), records: [.final(final)], applied: applied)
    }

    /// Whether whoever may give the order signed this copy of it. Votes do not cover client's signatures, so a final can be
    /// passed on without them; a log with such an entry would not stand an audit. An order that a later round decided was
    /// looked at before it got the votes of its first.
    private func isWhole(_ final: Final) -> Bool {
        var admission = Admission(charter: charter, state: ledger, epoch: epoch)
        admission.broken = broken
        return final.round > 0 || admission.isAuthorised(final.order)
    }

    // MARK: Statements

    private mutating func state(_ request: UnlockRequest, _ now: Int64) -> AuthorityOutcome {
        let slot = request.slot.id
        // A lone authority is never split: an unlock would only let anybody wedge a slot.
        guard charter.authorities.count > 1, request.round > 0 else { return refuse(slot, .unauthorized) }
        let record = slots[slot] ?? SlotRecord()
        if let earlier = record.statements[request.round] { return AuthorityOutcome(reply: .statement(earlier)) }
        if request.round <= record.promised { return promisedRefusal(slot, record.promised) }
        guard request.round - record.promised <= Limits.Ledger.roundsAhead else { return refuse(slot, .malformed) }
        guard ledger.isReady(request.slot) else { return refuse(request.slot, .missingEarlier, []) }
        let records = advance(to: now)
        guard mayUnlock(request) else {
            var outcome = refuse(slot, .unauthorized)
            outcome.records = records
            return outcome
        }
        let highest = record.certificate
        let bytes = SignedBytes.statement(
            charter: charter.currency, slot: slot, round: request.round, highest: highest.map { ($0.round, $0.value) })
        let statement = Statement(
            slot: slot, round: request.round, highest: highest,
            by: AuthoritySignature(authority: index, signature: key.sign(bytes)))
        _ = apply(.promise(request.slot, statement))
        return AuthorityOutcome(
            reply: .statement(statement), records: records + [.promise(request.slot, statement)],
            mustSync: broken != .promiseIsSynced)
    }

    /// The account's key, or wardens where the account is frozen; a hold's resolver, and anybody once it is over. Before
    /// that a payer could force a refund under a payment that is on its way.
    private func mayUnlock(_ request: UnlockRequest) -> Bool {
        switch request.slot {
        case .account(let id, _):
            let account = ledger.account(id)
            if request.isSigned(by: account.key, charter) { return true }
            return account.frozenUntil >= epoch && charter.wardenThreshold > 0
                && request.count(of: charter.wardens, charter) >= charter.wardenThreshold
        case .hold(let name):
            guard let hold = ledger.holds[name] else { return false }
            return hold.isExpired(at: epoch, charter) || broken == .holdUnlocksLate
                || request.isSigned(by: hold.resolver, charter)
        }
    }

    // MARK: Records

    private mutating func advance(to now: Int64) -> [AuthorityRecord] {
        guard now > epoch else { return [] }
        _ = apply(.epoch(now))
        return [.epoch(now)]
    }

    /// The only place that changes anything. Returns finals that were applied.
    private mutating func apply(_ record: AuthorityRecord) -> [Final] {
        switch record {
        case .epoch(let newest): epoch = max(epoch, newest)
        case .vote(let signed, let round, let justification):
            change(signed.order.slotID) {
                $0.votes[round] = signed
                $0.promised = max($0.promised, round)
                if !justification.isEmpty { $0.justifications[round] = justification }
                $0.votes.keepNewest()
            }
        case .certificate(let certificate):
            change(certificate.slotID) {
                if $0.certificate.map({ $0.round < certificate.round }) ?? true { $0.certificate = certificate }
            }
            if broken == .creditAtFinal, case .account = certificate.order.order.slot {
                for output in certificate.order.order.operation.outputs {
                    ledger.accounts[output.account, default: .init(key: output.account)].balance += output.amount
                }
            }
        case .promise(let slot, let statement):
            change(slot.id) {
                $0.promised = max($0.promised, statement.round)
                $0.statements[statement.round] = statement
                $0.statements.keepNewest()
            }
        case .final(let final):
            waiting[final.slotID] = final
            return drain(from: final.order.order.slot)
        }
        return []
    }

    private mutating func change(_ slot: Hash32, _ body: (inout SlotRecord) -> Void) {
        body(&slots[slot, default: SlotRecord()])
    }

    /// Applies what waits in the slot, and what that made ready in turn.
    private mutating func drain(from slot: Slot) -> [Final] {
        var applied: [Final] = []
        var candidates = [slot]
        while let slot = candidates.popLast() {
            // A slot's id is a hash, and most often nothing waits any more.
            guard !waiting.isEmpty, ledger.isReady(slot) else { continue }
            let id = slot.id
            guard let final = waiting.removeValue(forKey: id), isWhole(final) else { continue }
            ledger.apply(final.order.order)
            slots[id] = nil
            applied.append(final)
            guard case .account(let account, let seq) = slot else { continue }
            if broken == .appliedOnce {
                ledger.accounts[account]?.nextSeq -= 1
                ledger.apply(final.order.order)
            }
            candidates.append(.account(account, seq: seq &+ 1))
            if case .hold = final.order.order.operation { candidates.append(.hold(final.value)) }
        }
        return applied
    }

    // MARK: Replies

    private func sign(_ phase: Ballot.Phase, _ order: Order, _ round: UInt32) -> AuthoritySignature {
        let bytes = SignedBytes.ballot(
            phase, charter: charter.currency, slot: order.slotID, round: round, value: order.id)
        return AuthoritySignature(authority: index, signature: key.sign(bytes))
    }

    private mutating func ballot(_ phase: Ballot.Phase, _ order: Order, _ round: UInt32) -> AuthorityReply {
        let ballot = Ballot(
            phase: phase, slot: order.slotID, round: round, value: order.id,
            by: signed(phase, order.slotID, round, order.id) ?? sign(phase, order, round))
        slots[order.slotID]?.signed[phase] = ballot
        return .ballot(ballot)
    }

    /// This authority's own signature, where it is remembered.
    private func signed(_ phase: Ballot.Phase, _ slot: Hash32, _ round: UInt32, _ value: Hash32)
        -> AuthoritySignature?
    {
        guard let ballot = slots[slot]?.signed[phase], ballot.round == round, ballot.value == value else { return nil }
        return ballot.by
    }

    /// The order as it was when it was voted for: what comes with the same signatures was looked at then.
    private func checked(_ signed: SignedOrder) -> SignedOrder {
        slots[signed.order.slotID]?.votes.values.first { $0 == signed } ?? signed
    }

    private func refuse(_ slot: Hash32, _ code: RefusalCode) -> AuthorityOutcome {
        AuthorityOutcome(reply: .refusal(Refusal(slot: slot, code: code)))
    }

    /// A refused order is told where its account stands.
    private func refuse(_ slot: Slot, _ code: RefusalCode, _ records: [AuthorityRecord]) -> AuthorityOutcome {
        var refusal = Refusal(slot: slot.id, code: code)
        if case .account(let id, _) = slot {
            let account = ledger.account(id)
            (refusal.nextSeq, refusal.balance) = (account.nextSeq, account.balance)
        }
        return AuthorityOutcome(reply: .refusal(refusal), records: records)
    }

    private func conflict(_ slot: Hash32, _ earlier: SignedOrder) -> AuthorityOutcome {
        var refusal = Refusal(slot: slot, code: .conflict)
        refusal.conflicting = earlier
        return AuthorityOutcome(reply: .refusal(refusal))
    }

    private func promisedRefusal(_ slot: Hash32, _ round: UInt32) -> AuthorityOutcome {
        var refusal = Refusal(slot: slot, code: .promised)
        refusal.promised = round
        return AuthorityOutcome(reply: .refusal(refusal))
    }
}

extension Dictionary where Key == UInt32 {
    /// Whoever asks for ever more rounds fills no memory: what is far below the promise is never acted on again.
    fileprivate mutating func keepNewest() {
        if count > Limits.Ledger.roundsKept, let oldest = keys.min() { self[oldest] = nil }
    }
}
