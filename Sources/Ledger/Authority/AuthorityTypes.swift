public import Digests

/// What an authority is asked.
public enum AuthorityRequest: Sendable {
    case order(SignedOrder)
    case proposal(Proposal)
    case certificate(QuorumCertificate)
    case final(Final)
    case unlock(UnlockRequest)

    /// The slot that it is about: whoever carries the authority out looks up what is final in it.
    public var slot: Slot {
        switch self {
        case .order(let signed): signed.order.slot
        case .proposal(let proposal): proposal.order.order.slot
        case .certificate(let certificate): certificate.order.order.slot
        case .final(let final): final.order.order.slot
        case .unlock(let request): request.slot
        }
    }
}

/// What it answers.
public enum AuthorityReply: Sendable, Equatable {
    case ballot(Ballot)
    case statement(Statement)
    /// The slot is decided.
    case final(Final)
    /// A final was taken: applied, or kept until what comes before it is.
    case accepted(slot: Hash32)
    case refusal(Refusal)
}

/// What an authority must not forget: its journal. State is made again from these alone, in their order.
public enum AuthorityRecord: Sendable, Equatable {
    /// The vote of a round, and above round 0 what justified it. It implies the promise not to act below the round.
    case vote(SignedOrder, round: UInt32, justification: [Statement])
    /// The highest certificate seen, which a commit was given for.
    case certificate(QuorumCertificate)
    /// A promise not to act below the statement's round.
    case promise(Slot, Statement)
    case final(Final)
    /// The newest epoch seen.
    case epoch(Int64)
}

/// Two things that honest authorities never sign together: more than f of them are faulty.
public enum LedgerEvidence: Sendable, Equatable {
    case certificates(QuorumCertificate, QuorumCertificate)
    case finals(Final, Final)
}

/// What comes of one request.
public struct AuthorityOutcome: Sendable {
    public let reply: AuthorityReply
    /// To be stored, in this order.
    public var records: [AuthorityRecord] = []
    /// Whether the records must be on disk before the reply leaves. Where not, losing them loses nothing but time.
    public var mustSync = false
    /// Finals that were applied now, in this order: what the log appends.
    public var applied: [Final] = []
    public var evidence: LedgerEvidence?
}
