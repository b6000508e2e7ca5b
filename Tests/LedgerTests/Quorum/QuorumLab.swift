import Digests
import Identity

@testable import Ledger

/// Authorities 0 to 2 are honest, 3 signs whatever is useful.
struct QuorumLab {
    let currency: TestCurrency
    var charter: Charter { currency.charter }
    private(set) var honest: [SimulatedAuthority]
    var oracle: QuorumOracle
    private var random = SplitMix(seed: 1)
    private var grants: UInt64 = 0

    init(_ broken: LedgerRule?) throws {
        currency = try TestCurrency(f: 1)
        oracle = QuorumOracle(currency.charter, liars: 1)
        honest = (0..<3).map { [charter = currency.charter] in
            SimulatedAuthority(charter, index: $0, broken: broken, skew: 0)
        }
    }

    mutating func order(_ account: String, _ seq: UInt64, _ operation: OrderOperation) throws -> SignedOrder {
        let order = try currency.order(account, seq, operation)
        oracle.note(order.order, signers: [TestCurrency.id(account)])
        return order
    }

    mutating func ask(_ request: AuthorityRequest, _ index: Int) throws -> AuthorityReply {
        let reply = honest[index].handle(request, epoch: 0)
        switch reply {
        case .ballot(let ballot): try oracle.saw(ballot, newest: 1)
        case .statement(let statement): try oracle.saw(statement)
        default: break
        }
        return reply
    }

    private mutating func ballots(_ request: AuthorityRequest, of names: [Int]) throws -> [AuthoritySignature] {
        var found: [AuthoritySignature] = []
        for name in names {
            if case .ballot(let ballot) = try ask(request, name) { found.append(ballot.by) }
        }
        return found
    }

    mutating func votes(
        _ order: SignedOrder, _ round: UInt32 = 0, _ statements: [Statement] = [], of names: [Int]
    ) throws -> [AuthoritySignature] {
        try ballots(
            round == 0
                ? .order(order) : .proposal(Proposal(order: order, round: round, justification: statements)), of: names)
    }

    mutating func commits(_ certificate: QuorumCertificate, of names: [Int]) throws -> [AuthoritySignature] {
        try ballots(.certificate(certificate), of: names)
    }

    mutating func statements(_ slot: Slot, _ round: UInt32, of names: [Int], by signers: [String]) throws -> [Statement]
    {
        let request = UnlockRequest(
            slot: slot, round: round, currency: charter.currency, signedBy: signers.map(TestCurrency.key))
        var found: [Statement] = []
        for name in names {
            if case .statement(let statement) = try ask(.unlock(request), name) { found.append(statement) }
        }
        return found
    }

    /// A certificate of these votes and the liar's.
    func certificate(_ order: SignedOrder, _ round: UInt32, _ votes: [AuthoritySignature]) -> QuorumCertificate {
        let bytes = SignedBytes.ballot(
            .vote, charter: charter.currency, slot: order.order.slotID, round: round, value: order.order.id)
        let liar = AuthoritySignature(authority: 3, signature: TestCurrency.key("a3").sign(bytes))
        return QuorumCertificate(order: order, round: round, votes: votes + [liar])
    }

    /// The liar's statement that it knows nothing.
    func lie(_ slot: Slot, _ round: UInt32) -> Statement {
        let bytes = SignedBytes.statement(charter: charter.currency, slot: slot.id, round: round, highest: nil)
        return Statement(
            slot: slot.id, round: round, highest: nil,
            by: AuthoritySignature(authority: 3, signature: TestCurrency.key("a3").sign(bytes)))
    }

    mutating func finish(_ final: Final) throws {
        for name in 0..<3 { _ = try ask(.final(final), name) }
    }

    mutating func decide(_ order: SignedOrder) throws {
        let votes = try votes(order, of: [0, 1, 2])
        try finish(
            Final(order: order, round: 0, commits: try commits(certificate(order, 0, votes), of: [0, 1, 2])))
    }

    mutating func fund(_ names: [String]) throws {
        grants += 1
        try decide(
            order("G", grants, .grant(epoch: 0, names.map { Output(account: TestCurrency.id($0), amount: 10) })))
    }

    func payment(_ to: String) -> OrderOperation {
        .transfer([Output(account: TestCurrency.id(to), amount: 10)])
    }

    mutating func crash(_ index: Int) {
        // Nothing of what was not synced survives.
        honest[index].restart(losing: .everything, using: &random)
    }
}
