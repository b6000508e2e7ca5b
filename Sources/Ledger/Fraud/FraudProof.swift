public import Digests
public import FoundationEssentials

/// What one authority signed in a statement, without the certificate that it showed.
public struct StatementClaim: Hashable, Sendable {
    public let slot: Hash32
    public let round: UInt32
    /// Round and value of the highest certificate that it says to know.
    public let highestRound: UInt32?
    public let highestValue: Hash32?
    public let by: AuthoritySignature

    public init(_ statement: Statement) {
        self.init(
            slot: statement.slot, round: statement.round, highest: statement.highest.map { ($0.round, $0.value) },
            by: statement.by)
    }

    init(slot: Hash32, round: UInt32, highest: (round: UInt32, value: Hash32)?, by: AuthoritySignature) {
        (self.slot, self.round, self.by) = (slot, round, by)
        (highestRound, highestValue) = (highest?.round, highest?.value)
    }

    var highest: (round: UInt32, value: Hash32)? {
        highestRound.flatMap { round in highestValue.map { (round, $0) } }
    }

    func isSigned(in charter: Charter) -> Bool {
        charter.isSigned(
            by, SignedBytes.statement(charter: charter.currency, slot: slot, round: round, highest: highest))
    }

    /// Whether both say the same of the same.
    func agrees(with other: StatementClaim) -> Bool {
        highestRound == other.highestRound && highestValue == other.highestValue
    }
}

/// Signed statements that cannot all be an honest party's. Whoever has the charter checks one without asking anybody.
public enum FraudProof: Hashable, Sendable {
    /// Two votes or two commits of one authority in one round of one slot, for different values.
    case ballots(Ballot, Ballot)
    /// Two statements of one authority for one round of one slot that show different certificates.
    case statements(StatementClaim, StatementClaim)
    /// A commit, and a statement of the same authority for a later round that shows no certificate so high.
    case hiddenCommit(Ballot, StatementClaim)
    /// Two finals of one slot. Names those whom the two alone show; `ConflictInquiry` finds the others.
    case finals(Final, Final)
    /// Two checkpoints of one authority that are not of one log, and, where their sizes differ, the hashes that lead from
    /// the beginning of the larger log to its root (`LogProof.prefix`).
    case logs(SignedNote, SignedNote, proof: [Hash32])
    /// An entry of a log, under a root that its authority signed, that is no final at all.
    case entry(SignedNote, position: UInt64, entry: Data, proof: [Hash32])
    /// A checkpoint that is not what its own log comes to. Whoever checks it needs the log.
    case checkpoint(SignedNote)
    /// Finals by which a granter issued more than the charter allows, or a hold and an order that pays out what it may not:
    /// those who signed them are faulty as a set.
    case grants([Final])
    /// Two orders of one key for one slot. Shown, not punished: usually two devices of one person.
    case orders(SignedOrder, SignedOrder)
}

/// What a proof shows.
public struct FraudVerdict: Hashable, Sendable {
    public enum Offence: String, Sendable, CaseIterable {
        case doubleVote, doubleCommit, doubleStatement, hiddenCommit, conflictingFinals, splitLog, badEntry
        case badCheckpoint, overIssue, overpaidHold, doubleOrder
    }

    public let offence: Offence
    /// Authorities, by their places in the charter, each of which is faulty by itself.
    public let culprits: Set<Int>
    /// More than f authorities are faulty, whether they are named or not: the currency cannot go on.
    public let isOverload: Bool
    /// Of a double order, who signed it.
    public let payer: Hash32?
    /// The slot that it is about, by its id.
    public let slot: Hash32?

    init(
        _ offence: Offence, _ culprits: Set<Int>, in charter: Charter, isOverload: Bool = false, payer: Hash32? = nil,
        slot: Hash32? = nil
    ) {
        (self.offence, self.culprits, self.payer, self.slot) = (offence, culprits, payer, slot)
        self.isOverload = isOverload || culprits.count > charter.f
    }
}
