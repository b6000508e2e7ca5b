import Digests
import Identity
import Ledger

/// Certificates of a trace: the signatures that it names are made here.
extension TraceNames {
    func certificate(_ line: TraceValue) throws -> QuorumCertificate {
        let order = try signedOrder(line["order"])
        let round = try line["rnd"].round
        return QuorumCertificate(
            order: order, round: round, votes: try signatures(line["voters"], .vote, order.order, round))
    }

    func final(_ line: TraceValue) throws -> Final {
        let order = try signedOrder(line["order"])
        let round = try line["rnd"].round
        return Final(
            order: order, round: round, commits: try signatures(line["committers"], .commit, order.order, round),
            justification: try line["just"].isNull ? [] : line["just"].array.map(statement))
    }

    func statement(_ line: TraceValue) throws -> Statement {
        let slot = try slot(line["slot"]).id
        let round = try line["rnd"].round
        let highest = try line["qc"].isNull ? nil : certificate(line["qc"])
        let bytes = SignedBytes.statement(
            charter: charter.currency, slot: slot, round: round, highest: highest.map { ($0.round, $0.order.order.id) })
        return Statement(
            slot: slot, round: round, highest: highest,
            by: AuthoritySignature(
                authority: try authority(line["who"]), signature: try key(line["who"]).sign(bytes)))
    }

    private func signatures(_ names: TraceValue, _ phase: Ballot.Phase, _ order: Order, _ round: UInt32) throws
        -> [AuthoritySignature]
    {
        let bytes = SignedBytes.ballot(
            phase, charter: charter.currency, slot: order.slotID, round: round, value: order.id)
        return try names.array.map {
            AuthoritySignature(authority: try authority($0), signature: try key($0).sign(bytes))
        }
    }
}
