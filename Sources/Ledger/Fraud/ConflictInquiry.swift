public import Digests

/// Two finals of one slot, and who is to blame for them: more than f authorities, found out by asking.
///
/// Finals of one round share more than f who committed twice. Those of different rounds r < s: more than f of the statements
/// that justify s are of authorities that committed in r. Either they hid it, or a certificate of a round from r on was shown
/// for another value. If it is of round r, its voters and those of the first final's certificate overlap in more than f double
/// votes; if of a later one, that round's own statements are the next to look at. Certificates and statements are
/// kept by every honest voter for this alone.
public struct ConflictInquiry: Sendable {
    /// What has to be asked of authorities.
    public enum Question: Hashable, Sendable {
        /// The certificate of a round for a value.
        case certificate(slot: Hash32, round: UInt32, value: Hash32)
        /// The statements that forced a value in a round.
        case justification(slot: Hash32, round: UInt32, value: Hash32)
    }

    private let charter: Charter
    private let first: Final
    private let second: Final
    private var watch: FraudWatch
    /// By round and value.
    private var levels: [UInt32: [Hash32: [Statement]]] = [:]
    private var ownCertificate: QuorumCertificate?
    /// Proofs found so far, each of which stands by itself.
    public private(set) var proofs: [FraudProof] = []
    public private(set) var culprits: Set<Int> = []
    /// What to ask next; nil when enough are named, or nothing more can be found.
    public private(set) var question: Question?

    /// Nil unless both are finals of one slot with different values.
    public init?(_ one: Final, _ two: Final, in charter: Charter) {
        guard FraudProof.finals(one, two).verdict(in: charter) != nil else { return nil }
        self.charter = charter
        (first, second) = one.round <= two.round ? (one, two) : (two, one)
        watch = FraudWatch(charter)
        note(watch.see(first) + watch.see(second))
        if charter.isJustified(second) { levels[second.round] = [second.value: second.justification] }
        goOn()
    }

    /// Takes an answer; one that is wrong, or is none to the question, changes nothing.
    public mutating func take(_ certificate: QuorumCertificate) {
        guard certificate.slotID == first.slotID, charter.isValid(certificate) else { return }
        if certificate.round == first.round, certificate.value == first.value { ownCertificate = certificate }
        note(watch.see(certificate))
        goOn()
    }

    public mutating func take(_ statements: [Statement]) {
        guard case .justification(_, let round, let value)? = question,
            charter.forced(first.order.order.slot, round: round, by: statements)?.order.id == value
        else { return }
        levels[round, default: [:]][value] = statements
        note(statements.flatMap { watch.see($0) })
        goOn()
    }

    private mutating func note(_ found: [FraudProof]) {
        for proof in found where !proofs.contains(proof) {
            guard let verdict = proof.verdict(in: charter), !verdict.culprits.isEmpty || verdict.isOverload else {
                continue
            }
            proofs.append(proof)
            culprits.formUnion(verdict.culprits)
        }
    }

    private mutating func goOn() {
        question = culprits.count > charter.f || first.round == second.round ? nil : next()
    }

    private func next() -> Question? {
        let slot = first.slotID
        var (round, value) = (second.round, second.value)
        // Rounds only go down, and never below the first final's.
        while round > first.round {
            guard let statements = levels[round]?[value] else {
                return .justification(slot: slot, round: round, value: value)
            }
            let best = statements.compactMap(\.highest).max { $0.round < $1.round }
            guard let best, best.round >= first.round, best.value != first.value else { return nil }
            (round, value) = (best.round, best.value)
        }
        return ownCertificate == nil ? .certificate(slot: slot, round: first.round, value: first.value) : nil
    }
}
