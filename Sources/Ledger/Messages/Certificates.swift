public import Digests

/// One authority's signature on a certificate.
public struct AuthoritySignature: Hashable, Sendable {
    /// Its place in the charter.
    public let authority: Int
    /// 64 bytes.
    public let signature: [UInt8]

    public init(authority: Int, signature: [UInt8]) {
        self.authority = authority
        self.signature = signature
    }
}

/// What somebody found who looked at the signatures of a certificate or a final before: the one writer is spared it, and
/// another core can do it. It is nothing that the message says, so it makes no message another one.
struct LookedAt: Hashable, Sendable {
    /// Of each signature whether it is good; nil for one that was not looked at.
    var found: [Bool?] = []

    func isGood(_ place: Int) -> Bool? { found.indices.contains(place) ? found[place] : nil }

    static func == (left: Self, right: Self) -> Bool { true }
    func hash(into hasher: inout Hasher) {}
}

/// What one authority says of one value in one round of one slot.
public struct Ballot: Hashable, Sendable {
    public enum Phase: String, Sendable {
        /// "I will vote for no other value in this round."
        case vote
        /// "I have seen a quorum of votes, and will not forget it."
        case commit
    }

    public let phase: Phase
    public let slot: Hash32
    public let round: UInt32
    public let value: Hash32
    public let by: AuthoritySignature
}

/// A quorum of votes for an order. It is a lock, not money: a later round may still decide otherwise.
public struct QuorumCertificate: Hashable, Sendable {
    public let order: SignedOrder
    public let round: UInt32
    public let votes: [AuthoritySignature]
    /// In a round above 0, the name of the statements that justified it (`Statement.name(of:)`).
    public let justification: Hash32?
    var lookedAt = LookedAt()

    public init(order: SignedOrder, round: UInt32, votes: [AuthoritySignature], justification: Hash32? = nil) {
        self.order = order
        self.round = round
        self.votes = votes
        self.justification = justification
    }

    var value: Hash32 { order.order.id }
    var slotID: Hash32 { order.order.slotID }
}

/// A quorum of commits: the order has happened, and nothing else ever will in its slot.
public struct Final: Hashable, Sendable {
    public let order: SignedOrder
    public let round: UInt32
    public let commits: [AuthoritySignature]
    /// In a round above 0, the statements that forced the value.
    public let justification: [Statement]
    var lookedAt = LookedAt()

    public init(order: SignedOrder, round: UInt32, commits: [AuthoritySignature], justification: [Statement] = []) {
        self.order = order
        self.round = round
        self.commits = commits
        self.justification = justification
    }

    public var value: Hash32 { order.order.id }
    public var slotID: Hash32 { order.order.slotID }
}

/// One authority's answer to an unlock request: the highest certificate it knows in the slot, and the promise not to act in
/// rounds below `round`.
public struct Statement: Hashable, Sendable {
    public let slot: Hash32
    public let round: UInt32
    public let highest: QuorumCertificate?
    public let by: AuthoritySignature

    public init(slot: Hash32, round: UInt32, highest: QuorumCertificate?, by: AuthoritySignature) {
        self.slot = slot
        self.round = round
        self.highest = highest
        self.by = by
    }

    func signedBytes(_ charter: Hash32) -> [UInt8] {
        SignedBytes.statement(
            charter: charter, slot: slot, round: round, highest: highest.map { ($0.round, $0.value) })
    }

    /// SHA-256 over what each statement signs, with its signature, in the order of authorities.
    static func name(of statements: [Statement], charter: Hash32) -> Hash32 {
        let hasher = SHA256()
        for statement in statements.sorted(by: { $0.by.authority < $1.by.authority }) {
            hasher.update(statement.signedBytes(charter))
            hasher.update(statement.by.signature)
        }
        return hasher.finalize()
    }
}

/// The value of a round above 0 with the statements that force it.
public struct Proposal: Hashable, Sendable {
    public let order: SignedOrder
    public let round: UInt32
    public let justification: [Statement]

    public init(order: SignedOrder, round: UInt32, justification: [Statement]) {
        self.order = order
        self.round = round
        self.justification = justification
    }
}
