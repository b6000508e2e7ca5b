import Digests
import Identity

/// Whether certificates are what they say. All signatures are checked by the one verifier.
extension Charter {
    /// - Parameter own: a signature that whoever asks made over the same: it is not verified again.
    func isValid(_ certificate: QuorumCertificate, own: AuthoritySignature? = nil) -> Bool {
        isQuorum(certificate.votes, .vote, certificate.order.order, certificate.round, own, certificate.lookedAt)
    }

    func isValid(_ final: Final, own: AuthoritySignature? = nil) -> Bool {
        isQuorum(final.commits, .commit, final.order.order, final.round, own, final.lookedAt)
    }

    /// Looks at all votes now but those of one authority, who knows its own.
    func lookingAt(_ certificate: QuorumCertificate, but own: Int) -> QuorumCertificate {
        var certificate = certificate
        certificate.lookedAt = look(
            certificate.votes, .vote, certificate.order.order, certificate.round, but: own)
        return certificate
    }

    /// Looks at all commits now but those of one authority, who knows its own.
    func lookingAt(_ final: Final, but own: Int) -> Final {
        var final = final
        final.lookedAt = look(final.commits, .commit, final.order.order, final.round, but: own)
        return final
    }

    private func look(
        _ signatures: [AuthoritySignature], _ phase: Ballot.Phase, _ order: Order, _ round: UInt32, but own: Int
    ) -> LookedAt {
        guard order.currency == currency, areDistinct(signatures.map(\.authority)) else { return LookedAt() }
        let bytes = SignedBytes.ballot(phase, charter: currency, slot: order.slotID, round: round, value: order.id)
        return LookedAt(found: signatures.map { $0.authority == own ? nil : isSigned($0, bytes) })
    }

    /// Whether a final of a round above 0 shows why its order was voted for there. There is no such round where one
    /// authority decides alone: nothing is ever unlocked.
    func isJustified(_ final: Final, breaking rule: LedgerRule? = nil) -> Bool {
        guard final.round > 0, rule != .voteIsForced else { return true }
        return authorities.count > 1
            && forced(final.order.order.slot, round: final.round, by: final.justification, breaking: rule)?.order
                == final.order.order
    }

    private func isQuorum(
        _ signatures: [AuthoritySignature], _ phase: Ballot.Phase, _ order: Order, _ round: UInt32,
        _ own: AuthoritySignature?, _ lookedAt: LookedAt
    ) -> Bool {
        guard order.currency == currency, areDistinct(signatures.map(\.authority)) else { return false }
        let bytes = SignedBytes.ballot(phase, charter: currency, slot: order.slotID, round: round, value: order.id)
        return signatures.enumerated().allSatisfy { place, by in
            by == own || lookedAt.isGood(place) ?? isSigned(by, bytes)
        }
    }

    /// The order that statements force in a round: that of the highest certificate shown, else the slot's default. Nil
    /// unless they are valid statements of a quorum for this slot and round.
    func forced(_ slot: Slot, round: UInt32, by statements: [Statement], breaking rule: LedgerRule? = nil)
        -> SignedOrder?
    {
        guard round > 0, areDistinct(statements.map(\.by.authority)) else { return nil }
        let slotID = slot.id
        var best: QuorumCertificate?
        for statement in statements {
            guard statement.slot == slotID, statement.round == round,
                isSigned(statement.by, statement.signedBytes(currency))
            else { return nil }
            guard let highest = statement.highest else { continue }
            guard highest.slotID == slotID, highest.round < round, isValid(highest) else { return nil }
            if best.map({ rule == .unlockTakesHighest ? highest.round < $0.round : highest.round > $0.round }) ?? true {
                best = highest
            }
        }
        if let best, rule != .unlockFollowsCertificates { return best.order }
        return (try? Order(currency: currency, slot: slot, .default)).map { SignedOrder($0) }
    }

    /// Whether a quorum of different authorities is named, and nobody else.
    private func areDistinct(_ indices: [Int]) -> Bool {
        indices.count >= quorum && Set(indices).count == indices.count
            && indices.allSatisfy(authorities.indices.contains)
    }

    /// Whether a signature of an authority that the charter has is over `bytes`.
    func isSigned(_ by: AuthoritySignature, _ bytes: [UInt8]) -> Bool {
        authorities.indices.contains(by.authority)
            && Ed25519.verify(by.signature, message: bytes, key: authorities[by.authority].key)
    }
}
