public import Digests
public import FoundationEssentials
import Identity
import SwiftProtobuf
import WaggleProtocol

/// Proofs as bytes: what a post carries.
extension FraudProof {
    /// - Parameter currency: which it is about; whoever reads it learns which charter to check it with.
    public func bytes(in currency: Hash32) -> Data {
        encoded(
            WireFraudProof.with {
                $0.currency = currency.data
                $0.proof = wire
            })
    }

    /// Reads a proof, and the currency that it is about. It proves nothing before `verdict` says so.
    public static func read(_ bytes: Data) throws(MalformedMessage) -> (currency: Hash32, proof: FraudProof) {
        let wire: WireFraudProof = try decoded(bytes)
        guard let currency = Hash32(wire.currency) else { throw MalformedMessage(what: "a proof names no currency") }
        guard let proof = wire.proof else { throw MalformedMessage(what: "a proof shows nothing") }
        return (currency, try FraudProof(proof))
    }

    private var wire: WireFraudProof.OneOf_Proof {
        switch self {
        case .ballots(let first, let second):
            let pair = WireBallotPair(first, second)
            return first.phase == .vote ? .votes(pair) : .commits(pair)
        case .statements(let first, let second):
            return .statements(
                .with {
                    $0.slot = first.slot.data
                    $0.authority = UInt32(first.by.authority)
                    $0.first = WireStatementClaim(first)
                    $0.second = WireStatementClaim(second)
                })
        case .hiddenCommit(let commit, let claim):
            return .hiddenCommit(
                .with {
                    $0.slot = commit.slot.data
                    $0.authority = UInt32(commit.by.authority)
                    $0.round = commit.round
                    $0.value = commit.value.data
                    $0.sig = Data(commit.by.signature)
                    $0.statement = WireStatementClaim(claim)
                })
        case .finals(let first, let second): return .finals(.with { $0.finals = [first.wire, second.wire] })
        case .logs(let first, let second, let proof):
            return .logs(
                .with {
                    $0.first = first.encoded
                    $0.second = second.encoded
                    $0.proof = proof.map(\.data)
                })
        case .entry(let note, let position, let entry, let proof):
            return .entry(
                .with {
                    $0.note = note.encoded
                    $0.position = position
                    $0.entry = entry
                    $0.proof = proof.map(\.data)
                })
        case .checkpoint(let note): return .checkpoint(note.encoded)
        case .grants(let finals): return .grants(.with { $0.finals = finals.map(\.wire) })
        case .orders(let first, let second):
            return .orders(
                .with {
                    $0.first = first.wire
                    $0.second = second.wire
                })
        }
    }

    private init(_ wire: WireFraudProof.OneOf_Proof) throws(MalformedMessage) {
        switch wire {
        case .votes(let pair): self = try Self.ballots(.vote, pair)
        case .commits(let pair): self = try Self.ballots(.commit, pair)
        case .statements(let pair):
            self = .statements(
                try pair.first.claim(pair.slot, pair.authority), try pair.second.claim(pair.slot, pair.authority))
        case .hiddenCommit(let hidden):
            self = .hiddenCommit(
                Ballot(
                    phase: .commit, slot: try name(hidden.slot), round: hidden.round, value: try name(hidden.value),
                    by: try signature(hidden.authority, hidden.sig)),
                try hidden.statement.claim(hidden.slot, hidden.authority))
        case .finals(let set):
            guard set.finals.count == 2 else { throw MalformedMessage(what: "two finals contradict each other") }
            self = .finals(try Final(set.finals[0]), try Final(set.finals[1]))
        case .logs(let split):
            self = .logs(try note(split.first), try note(split.second), proof: try names(split.proof))
        case .entry(let bad):
            self = .entry(
                try note(bad.note), position: bad.position, entry: bad.entry, proof: try names(bad.proof))
        case .checkpoint(let text): self = .checkpoint(try note(text))
        case .grants(let set):
            guard set.finals.count <= Limits.Ledger.proofFinals else {
                throw MalformedMessage(what: "\(set.finals.count) finals, at most \(Limits.Ledger.proofFinals)")
            }
            self = .grants(try set.finals.map { final throws(MalformedMessage) in try Final(final) })
        case .orders(let pair): self = .orders(try SignedOrder(pair.first), try SignedOrder(pair.second))
        }
    }

    private static func ballots(_ phase: Ballot.Phase, _ pair: WireBallotPair) throws(MalformedMessage) -> FraudProof {
        let slot = try name(pair.slot)
        return .ballots(
            Ballot(
                phase: phase, slot: slot, round: pair.round, value: try name(pair.firstValue),
                by: try signature(pair.authority, pair.firstSig)),
            Ballot(
                phase: phase, slot: slot, round: pair.round, value: try name(pair.secondValue),
                by: try signature(pair.authority, pair.secondSig)))
    }
}

extension WireBallotPair {
    fileprivate init(_ first: Ballot, _ second: Ballot) {
        self = .with {
            $0.slot = first.slot.data
            $0.round = first.round
            $0.authority = UInt32(first.by.authority)
            $0.firstValue = first.value.data
            $0.firstSig = Data(first.by.signature)
            $0.secondValue = second.value.data
            $0.secondSig = Data(second.by.signature)
        }
    }
}

extension WireStatementClaim {
    fileprivate init(_ claim: StatementClaim) {
        self = .with {
            $0.round = claim.round
            $0.sig = Data(claim.by.signature)
            if let (round, value) = claim.highest {
                $0.highest = .with {
                    $0.round = round
                    $0.value = value.data
                }
            }
        }
    }

    fileprivate func claim(_ slot: Data, _ authority: UInt32) throws(MalformedMessage) -> StatementClaim {
        StatementClaim(
            slot: try name(slot), round: round,
            highest: hasHighest ? (highest.round, try name(highest.value)) : nil,
            by: try signature(authority, sig))
    }
}

// MARK: Parts

private func name(_ bytes: Data) throws(MalformedMessage) -> Hash32 {
    guard let name = Hash32(bytes) else { throw MalformedMessage(what: "a name has \(bytes.count) bytes, not 32") }
    return name
}

private func names(_ all: [Data]) throws(MalformedMessage) -> [Hash32] {
    guard all.count <= 128 else { throw MalformedMessage(what: "\(all.count) hashes lead to no root") }
    return try all.map { bytes throws(MalformedMessage) in try name(bytes) }
}

private func note(_ text: String) throws(MalformedMessage) -> SignedNote {
    guard let note = SignedNote(encoded: text) else { throw MalformedMessage(what: "a checkpoint is no signed note") }
    return note
}

private func signature(_ authority: UInt32, _ bytes: Data) throws(MalformedMessage) -> AuthoritySignature {
    guard authority < UInt32(Limits.Ledger.authorities), bytes.count == Ed25519.signatureBytes else {
        throw MalformedMessage(what: "an authority's signature has a place in the charter and 64 bytes")
    }
    return AuthoritySignature(authority: Int(authority), signature: Array(bytes))
}
