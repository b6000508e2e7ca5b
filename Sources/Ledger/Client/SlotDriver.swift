import Digests
public import Identity
import WaggleProtocol

/// A client's side of one slot as a value: what authorities answer goes in, what is to be asked and kept comes out.
///
/// An order is on disk before it is sent for the first time; else the client's own crash would make it sign two orders for one
/// place. A quorum of votes makes a certificate, a quorum of commits a final. Where nothing moves for the round's patience
/// (2 s, then twice as long each round, 60 s at most), the next round is asked for: a quorum of statements fixes its value,
/// which may be the slot's default instead of the order. With one authority the first answer is the last one.
///
/// Whoever carries it out has one driver a slot, and of an account one at a time: the next place of a chain is filled after
/// the final of the one before.
public struct SlotDriver: Sendable {
    /// Who may ask for a slot's next round.
    public enum UnlockRight: Sendable {
        /// The account's key, or wardens' where the account is frozen; a hold's resolver.
        case keys([SigningKey])
        /// The same keys are elsewhere, and signed for these rounds ahead.
        case signed([UInt32: [KeySignature]])
        /// Anybody, of a hold that is over.
        case anybody
        /// Somebody else: the driver waits.
        case nobody
    }

    public enum Input: Sendable {
        /// Begins; also after the client was ended and started again.
        case start
        case reply(AuthorityReply, authority: Int)
        /// What an authority lacked was pushed to it, as far as it is here.
        case pushed(authority: Int)
        /// Time passed.
        case time
    }

    /// To be carried out in the order given; what is kept is on disk before the next effect begins.
    public enum Effect: Sendable {
        /// Keeps the order, before anybody has seen it.
        case keep(SignedOrder)
        case send(AuthorityRequest, authority: Int)
        /// Gives an authority the finals that it lacks, then says `pushed`.
        case push([CatchUp.Need], authority: Int)
        /// Somebody signed what nobody honest signs.
        case evidence(FraudProof)
        /// The last word, to be kept. Goods are given for a final and for nothing else.
        case ended(Outcome)
    }

    public enum Outcome: Sendable, Equatable {
        /// The slot is decided: by this order, another one of the same account, or the default.
        case final(Final)
        /// A quorum refuses, and nobody was seen to vote for it. It may still become final where a request was under way
        /// for long, so the order is remembered until its slot is decided.
        case refused(Refusal)
    }

    enum Phase: Sendable {
        case order
        case certificate(QuorumCertificate)
        case unlock
        case proposal(Proposal)
    }

    /// What is known of one authority in this phase.
    struct Peer: Sendable {
        /// Nothing more comes of asking it again in this phase.
        var isDone = false
        var isPushing = false
        /// It has what was there to push; its next refusal counts.
        var isCaughtUp = false
        var refusal: Refusal?
        /// The round that it says to have promised.
        var promised: UInt32 = 0
    }

    struct Key: Hashable {
        let phase: Ballot.Phase
        let round: UInt32
        let value: Hash32
    }

    public let order: SignedOrder
    public let charter: Charter
    private let right: UnlockRight
    private let isKept: Bool
    private let stretch: Double
    public private(set) var round: UInt32 = 0
    var phase = Phase.order
    var peers: [Peer]
    var ballots: [Key: [Int: AuthoritySignature]] = [:]
    var statements: [Statement] = []
    /// By value: the orders that may be voted for here.
    var orders: [Hash32: SignedOrder]
    /// By round and value: the statements that a proposal of this driver was justified by.
    var justifications: [UInt32: [Hash32: [Statement]]] = [:]
    var watch: FraudWatch
    /// Tests break authorities' rules, and those of clients with them.
    var broken: LedgerRule?
    var isVotedFor = false
    private var progress: UInt64 = 0
    private var asked: UInt64 = 0
    public private(set) var outcome: Outcome?

    /// - Parameters:
    ///   - isKept: the order is on disk already, and perhaps was sent.
    ///   - jitter: from 0 to 1, by chance: how much longer than needed it waits before a next round, so that two devices
    ///     of one account do not ask for rounds in step.
    public init(
        _ order: SignedOrder, charter: Charter, unlock right: UnlockRight, isKept: Bool = false, jitter: Double = 0
    ) {
        (self.order, self.charter, self.right, self.isKept) = (order, charter, right, isKept)
        stretch = 1 + max(0, min(1, jitter)) / 2
        peers = Array(repeating: Peer(), count: charter.authorities.count)
        orders = [order.order.id: order]
        watch = FraudWatch(charter)
    }

    public var slot: Slot { order.order.slot }
    var slotID: Hash32 { order.order.slotID }

    /// When `time` is wanted, by the clock of `handle`; nil when it has ended.
    public var wakeUp: UInt64? {
        outcome == nil ? min(asked + Limits.Ledger.resendMilliseconds, patienceEnd) : nil
    }

    /// - Parameter now: milliseconds of a clock that never goes back.
    public mutating func handle(_ input: Input, at now: UInt64) -> [Effect] {
        guard outcome == nil else { return [] }
        switch input {
        case .start:
            return (isKept ? [] : [.keep(order)]) + enter(phase, round, at: now)
        case .reply(let reply, let authority):
            guard peers.indices.contains(authority) else { return [] }
            return take(reply, authority, now)
        case .pushed(let authority):
            guard peers.indices.contains(authority), peers[authority].isPushing else { return [] }
            peers[authority].isPushing = false
            peers[authority].isCaughtUp = true
            peers[authority].refusal = nil
            return [ask(authority)].compactMap(\.self)
        case .time:
            if now >= patienceEnd, charter.quorum > 1, let effects = nextRound(at: now) { return effects }
            guard now >= asked + Limits.Ledger.resendMilliseconds else { return [] }
            asked = now
            return peers.indices.compactMap { peers[$0].isDone || peers[$0].isPushing ? nil : ask($0) }
        }
    }

    // MARK: Phases

    mutating func enter(_ phase: Phase, _ round: UInt32, at now: UInt64) -> [Effect] {
        (self.phase, self.round, progress, asked) = (phase, round, now, now)
        for index in peers.indices {
            peers[index].isDone = false
            if case .unlock = phase { peers[index].isCaughtUp = false }
        }
        return peers.indices.compactMap { ask($0) }
    }

    private func ask(_ authority: Int) -> Effect? {
        let request: AuthorityRequest
        switch phase {
        case .order: request = .order(order)
        case .certificate(let certificate): request = .certificate(certificate)
        case .proposal(let proposal): request = .proposal(proposal)
        case .unlock:
            request = .unlock(unlockRequest)
        }
        return .send(request, authority: authority)
    }

    private var unlockRequest: UnlockRequest {
        switch right {
        case .signed(let rounds): UnlockRequest(slot: slot, round: round, signatures: rounds[round] ?? [])
        case .keys(let keys): UnlockRequest(slot: slot, round: round, currency: charter.currency, signedBy: keys)
        case .anybody, .nobody: UnlockRequest(slot: slot, round: round, signatures: [])
        }
    }

    private var patienceEnd: UInt64 {
        let (least, most) = (Limits.Ledger.patienceMilliseconds, Limits.Ledger.mostPatienceMilliseconds)
        let patience = min(least << Int(min(round, 5)), most)
        return progress + UInt64(Double(patience) * stretch)
    }

    /// Asks for a round that a quorum has not promised to pass over.
    mutating func nextRound(at now: UInt64, above: UInt32 = 0) -> [Effect]? {
        if case .nobody = right { return nil }
        let last = max(round, above, credibleRound)
        guard last < .max else { return nil }
        var next = last + 1
        if case .signed(let rounds) = right {
            guard let signed = rounds.keys.filter({ $0 > last }).min() else { return nil }
            next = signed
        }
        statements = []
        return enter(.unlock, next, at: now)
    }

    /// The round that authorities promised, as far as it can be believed: f of them may lie, and a round that is asked for
    /// is never taken back. So more than f say at least so much, or it is not far from here.
    private var credibleRound: UInt32 {
        let claims = peers.map(\.promised).sorted(by: >)
        // Few rounds are signed for: one liar alone shall not use them up.
        if case .signed = right { return claims[charter.f] }
        let (reach, isOver) = round.addingReportingOverflow(Limits.Ledger.roundsBelieved)
        let near = claims.first { $0 <= (isOver ? .max : reach) } ?? 0
        return max(claims[charter.f], near)
    }

    // MARK: The end

    /// - Parameter final: checked.
    mutating func finish(_ final: Final) -> [Effect] {
        // Somebody may have cut the client's signature off; those who audit want it.
        let own = final.value == order.order.id
        let kept =
            own && final.order != order
            ? Final(order: order, round: final.round, commits: final.commits, justification: final.justification)
            : final
        outcome = .final(kept)
        let broadcast = charter.quorum == 1 ? [] : peers.indices.map { Effect.send(.final(kept), authority: $0) }
        return [.ended(.final(kept))] + broadcast
    }

    mutating func giveUp(_ refusal: Refusal) -> [Effect] {
        outcome = .refused(refusal)
        return [.ended(.refused(refusal))]
    }
}
