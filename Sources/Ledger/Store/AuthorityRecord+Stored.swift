import Digests
import FoundationEssentials
import SwiftProtobuf
import WaggleProtocol

/// Records of undecided slots as rows. A vote and a promise are messages of the protocol already.
extension AuthorityRecord {
    private enum Kind: Int {
        case vote = 1
        case certificate, promise
    }

    /// Nil for what has columns of its own.
    var stored: (slot: Hash32, kind: Int, bytes: Data)? {
        switch self {
        case .final, .epoch: nil
        case .vote(let signed, let round, let justification):
            // The proposal of the round, which for round 0 has no statements.
            (
                signed.order.slotID, Kind.vote.rawValue,
                Proposal(order: signed, round: round, justification: justification).bytes
            )
        case .certificate(let certificate): (certificate.slotID, Kind.certificate.rawValue, certificate.bytes)
        case .promise(let slot, let statement):
            (slot.id, Kind.promise.rawValue, Self.prefixed(slot, statement))
        }
    }

    init(kind: Int, bytes: Data) throws(MalformedMessage) {
        switch Kind(rawValue: kind) {
        case .vote?:
            let proposal = try Proposal(bytes: bytes)
            self = .vote(proposal.order, round: proposal.round, justification: proposal.justification)
        case .certificate?: self = .certificate(try QuorumCertificate(bytes: bytes))
        case .promise?:
            let start = bytes.startIndex
            guard let length = bytes.first.map(Int.init), bytes.count > length + 1,
                let wire = try? WireSlot(serializedBytes: bytes[start + 1..<start + 1 + length]), let slot = Slot(wire)
            else { throw MalformedMessage(what: "a stored promise names no slot") }
            self = .promise(slot, try Statement(bytes: Data(bytes[(start + 1 + length)...])))
        case nil: throw MalformedMessage(what: "a record of kind \(kind)")
        }
    }

    /// The slot in front (one byte of length): a statement names it by its id alone.
    private static func prefixed(_ slot: Slot, _ statement: Statement) -> Data {
        let name = (try? slot.wire.serializedBytes() as Data) ?? Data()
        return Data([UInt8(name.count)]) + name + statement.bytes
    }
}
