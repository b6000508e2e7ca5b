import Digests
import Identity
import WaggleProtocol

/// What an answer means. Nothing in it is believed that is not signed, but for reasons of refusals, which cost time at most.
extension SlotDriver {
    mutating func take(_ reply: AuthorityReply, _ authority: Int, _ now: UInt64) -> [Effect] {
        switch reply {
        case .final(let final): take(final)
        case .ballot(let ballot): take(ballot, now)
        case .statement(let statement): take(statement, now)
        case .refusal(let refusal): take(refusal, authority)
        case .accepted: []
        }
    }

    private mutating func take(_ final: Final) -> [Effect] {
        guard final.slotID == slotID, isSignedByClient(final), charter.isValid(final),
            charter.isJustified(final, breaking: broken)
        else { return [] }
        return evidence(watch.see(final)) + finish(final)
    }

    /// A copy that a client's signature was cut off helps nobody: others have it whole.
    private func isSignedByClient(_ final: Final) -> Bool {
        let signed = final.order
        return final.round > 0 || final.value == order.order.id || signed.order.operation == .expire
            || signed.signatures.contains { signed.isSigned(by: $0.key) }
    }

    private func evidence(_ proofs: [FraudProof]) -> [Effect] { proofs.map { .evidence($0) } }

    // MARK: Votes and commits

    private mutating func take(_ ballot: Ballot, _ now: UInt64) -> [Effect] {
        let authority = ballot.by.authority
        guard ballot.slot == slotID, ballot.round <= round, peers.indices.contains(authority) else { return [] }
        var effects: [Effect] = evidence(watch.see(ballot))
        let key = Key(phase: ballot.phase, round: ballot.round, value: ballot.value)
        guard let signed = orders[ballot.value], isWanted(ballot), ballots[key]?[authority] == nil,
            charter.isSigned(ballot)
        else { return effects }
        ballots[key, default: [:]][authority] = ballot.by
        if ballot.round == round { peers[authority].isDone = true }
        if ballot.phase == .vote { isVotedFor = true }
        guard let signatures = ballots[key], signatures.count == charter.quorum else { return effects }
        let quorum = signatures.sorted { $0.key < $1.key }.map(\.value)
        let justification = justifications[ballot.round]?[ballot.value] ?? []
        // What somebody else proposed, or this client before it was ended: without its statements nobody would take the final,
        // and the next round decides the same.
        guard ballot.round == 0 || !justification.isEmpty else { return effects }
        switch ballot.phase {
        case .vote:
            let certificate = QuorumCertificate(
                order: signed, round: round, votes: quorum,
                justification: justification.isEmpty
                    ? nil : Statement.name(of: justification, charter: charter.currency))
            effects += enter(.certificate(certificate), round, at: now)
        case .commit:
            effects += finish(
                Final(order: signed, round: ballot.round, commits: quorum, justification: justification))
        }
        return effects
    }

    /// A late vote is worth nothing once the round has its certificate, or the next one was asked for; commits of any round
    /// make a final.
    private func isWanted(_ ballot: Ballot) -> Bool {
        guard ballot.phase == .vote else { return true }
        return switch phase {
        case .order, .proposal: ballot.round == round
        case .certificate, .unlock: false
        }
    }

    // MARK: Statements

    private mutating func take(_ statement: Statement, _ now: UInt64) -> [Effect] {
        let authority = statement.by.authority
        guard statement.slot == slotID, peers.indices.contains(authority), statement.round <= round else { return [] }
        let effects = evidence(watch.see(statement))
        guard case .unlock = phase, statement.round == round, charter.isSigned(statement),
            !statements.contains(where: { $0.by.authority == authority })
        else { return effects }
        if let highest = statement.highest {
            guard highest.slotID == slotID, charter.isValid(highest) else { return effects }
            // Another device was further already: its round's statements are not here, so the one after it is asked for.
            if highest.round >= round { return effects + (nextRound(at: now, above: highest.round) ?? []) }
        }
        statements.append(statement)
        peers[authority].isDone = true
        guard statements.count == charter.quorum,
            let forced = charter.forced(slot, round: round, by: statements, breaking: broken)
        else { return effects }
        let value = forced.order.id
        let signed = orders[value] ?? forced
        orders[value] = signed
        justifications[round, default: [:]][value] = statements
        let proposal = Proposal(order: signed, round: round, justification: statements)
        return effects + enter(.proposal(proposal), round, at: now)
    }

    // MARK: Refusals

    private mutating func take(_ refusal: Refusal, _ authority: Int) -> [Effect] {
        guard refusal.slot == slotID else { return [] }
        var effects: [Effect] = []
        if let other = refusal.conflicting, other.order.slotID == slotID, refusal.code == .conflict {
            effects = evidence(watch.see(order) + watch.see(other))
        }
        peers[authority].refusal = refusal
        switch refusal.code {
        case .promised:
            peers[authority].promised = max(peers[authority].promised, refusal.promised)
            peers[authority].isDone = true
        case .conflict: peers[authority].isDone = true
        case .missingEarlier, .insufficient, .notReady:
            guard charter.quorum > 1, !peers[authority].isCaughtUp else { break }
            guard !peers[authority].isPushing else { return effects }
            peers[authority].isPushing = true
            return effects + [.push(CatchUp.needs(after: refusal, for: order.order), authority: authority)]
        default: break
        }
        return effects + (hopeless().map { giveUp($0) } ?? [])
    }

    /// The reason of most, when a quorum refuses the order for good and nobody was seen to vote for it.
    private func hopeless() -> Refusal? {
        guard case .order = phase, !isVotedFor else { return nil }
        let refusals = peers.compactMap { peer -> Refusal? in
            guard let refusal = peer.refusal, !peer.isPushing else { return nil }
            return switch refusal.code {
            case .promised, .conflict: charter.quorum == 1 ? refusal : nil
            default: refusal
            }
        }
        guard refusals.count >= charter.quorum else { return nil }
        let counts = Dictionary(grouping: refusals, by: \.code)
        return counts.values.max {
            $0.count == $1.count ? $0[0].code.rawValue > $1[0].code.rawValue : $0.count < $1.count
        }?[0]
    }
}

extension Charter {
    func isSigned(_ ballot: Ballot) -> Bool {
        isSigned(
            ballot.by,
            SignedBytes.ballot(
                ballot.phase, charter: currency, slot: ballot.slot, round: ballot.round, value: ballot.value))
    }

    func isSigned(_ statement: Statement) -> Bool { isSigned(statement.by, statement.signedBytes(currency)) }
}
