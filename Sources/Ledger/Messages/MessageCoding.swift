import Digests
public import FoundationEssentials
import Identity
import SwiftProtobuf
import WaggleProtocol

// Messages between clients and authorities as bytes. Reading checks counts and lengths; signatures are checked where they
// are used.

extension SignedOrder {
    public init(bytes: Data) throws(MalformedMessage) { try self.init(decoded(bytes, as: WireSignedOrder.self)) }
    public var bytes: Data { Data(written) }

    init(_ wire: WireSignedOrder) throws(MalformedMessage) {
        self.init(try Order(bytes: wire.order), signatures: try [KeySignature](wire.signatures))
    }

    var wire: WireSignedOrder {
        .with {
            $0.order = order.bytes
            $0.signatures = signatures.map(\.wire)
        }
    }
}

extension QuorumCertificate {
    public init(bytes: Data) throws(MalformedMessage) { try self.init(decoded(bytes, as: WireQuorumCertificate.self)) }
    public var bytes: Data { encoded(wire) }

    init(_ wire: WireQuorumCertificate) throws(MalformedMessage) {
        guard wire.justHash.isEmpty || wire.justHash.count == 32 else {
            throw MalformedMessage(what: "the name of a justification has 32 bytes")
        }
        self.init(
            order: try SignedOrder(wire.order), round: wire.round, votes: try [AuthoritySignature](wire.votes),
            justification: Hash32(wire.justHash))
    }

    var wire: WireQuorumCertificate {
        .with {
            $0.order = order.wire
            $0.round = round
            $0.votes = votes.map(\.wire)
            $0.justHash = justification?.data ?? Data()
        }
    }
}

extension Final {
    public init(bytes: Data) throws(MalformedMessage) {
        let raw = ArraySlice(bytes)
        if bytes.count <= Limits.Ledger.messageBytes, MessageShape.final.isMet(by: raw) {
            try self.init(checked: raw)
        } else {
            try self.init(decoded(bytes, as: WireFinal.self))
        }
    }
    public var bytes: Data { Data(written) }

    init(_ wire: WireFinal) throws(MalformedMessage) {
        self.init(
            order: try SignedOrder(wire.order), round: wire.round, commits: try [AuthoritySignature](wire.commits),
            justification: try [Statement](wire.just))
    }

    var wire: WireFinal {
        .with {
            $0.order = order.wire
            $0.round = round
            $0.commits = commits.map(\.wire)
            $0.just = justification.map(\.wire)
        }
    }
}

extension Statement {
    public init(bytes: Data) throws(MalformedMessage) { try self.init(decoded(bytes, as: WireStatement.self)) }
    public var bytes: Data { encoded(wire) }

    init(_ wire: WireStatement) throws(MalformedMessage) {
        guard let slot = Hash32(wire.slot) else { throw MalformedMessage(what: "a statement names no slot") }
        self.init(
            slot: slot, round: wire.round, highest: wire.hasHighest ? try QuorumCertificate(wire.highest) : nil,
            by: try AuthoritySignature(wire.authority, wire.sig))
    }

    var wire: WireStatement {
        .with {
            $0.slot = slot.data
            $0.round = round
            if let highest { $0.highest = highest.wire }
            $0.authority = UInt32(by.authority)
            $0.sig = Data(by.signature)
        }
    }
}

extension Proposal {
    public init(bytes: Data) throws(MalformedMessage) { try self.init(decoded(bytes, as: WireProposal.self)) }
    public var bytes: Data { encoded(wire) }

    init(_ wire: WireProposal) throws(MalformedMessage) {
        self.init(
            order: try SignedOrder(wire.order), round: wire.round, justification: try [Statement](wire.just))
    }

    var wire: WireProposal {
        .with {
            $0.order = order.wire
            $0.round = round
            $0.just = justification.map(\.wire)
        }
    }
}

extension UnlockRequest {
    public init(bytes: Data) throws(MalformedMessage) { try self.init(decoded(bytes, as: WireUnlockRequest.self)) }
    public var bytes: Data { encoded(wire) }

    init(_ wire: WireUnlockRequest) throws(MalformedMessage) {
        guard let slot = Slot(wire.slot) else { throw MalformedMessage(what: "an unlock request names no slot") }
        self.init(slot: slot, round: wire.round, signatures: try [KeySignature](wire.signatures))
    }

    var wire: WireUnlockRequest {
        .with {
            $0.slot = slot.wire
            $0.round = round
            $0.signatures = signatures.map(\.wire)
        }
    }
}

// MARK: Signatures

extension KeySignature {
    fileprivate var wire: WireSignature {
        .with {
            $0.key = key.data
            $0.sig = Data(signature)
        }
    }
}

extension [KeySignature] {
    fileprivate init(_ wire: [WireSignature]) throws(MalformedMessage) {
        guard wire.count <= Limits.Ledger.signatures else {
            throw MalformedMessage(what: "\(wire.count) signatures, at most \(Limits.Ledger.signatures)")
        }
        self = try wire.map { signature throws(MalformedMessage) in
            guard let key = Hash32(signature.key), signature.sig.count == Ed25519.signatureBytes else {
                throw .badSignature
            }
            return KeySignature(key: key, signature: [UInt8](signature.sig))
        }
    }
}

extension AuthoritySignature {
    init(_ authority: UInt32, _ signature: Data) throws(MalformedMessage) {
        guard authority < UInt32(Limits.Ledger.authorities), signature.count == Ed25519.signatureBytes else {
            throw .badAuthoritySignature
        }
        self.init(authority: Int(authority), signature: Array(signature))
    }

    fileprivate var wire: WireAuthoritySignature {
        .with {
            $0.authority = UInt32(authority)
            $0.sig = Data(signature)
        }
    }
}

extension [AuthoritySignature] {
    fileprivate init(_ wire: [WireAuthoritySignature]) throws(MalformedMessage) {
        guard wire.count <= Limits.Ledger.authorities else {
            throw MalformedMessage(what: "\(wire.count) authorities, at most \(Limits.Ledger.authorities)")
        }
        self = try wire.map { signature throws(MalformedMessage) in
            try AuthoritySignature(signature.authority, signature.sig)
        }
    }
}

extension [Statement] {
    init(_ wire: [WireStatement]) throws(MalformedMessage) {
        guard wire.count <= Limits.Ledger.authorities else {
            throw MalformedMessage(what: "\(wire.count) statements, at most \(Limits.Ledger.authorities)")
        }
        self = try wire.map { statement throws(MalformedMessage) in try Statement(statement) }
    }
}
