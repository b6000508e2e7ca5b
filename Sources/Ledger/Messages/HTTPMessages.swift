import Digests
public import FoundationEssentials
import SwiftProtobuf
import WaggleProtocol

/// Many orders in one request.
public enum OrderBatch {
    public static func encode(_ orders: [SignedOrder]) -> Data {
        encoded(WireOrderBatch.with { $0.orders = orders.map(\.wire) })
    }

    /// - Throws: `MalformedMessage` for the first order that is none, too.
    public static func decode(_ bytes: Data) throws(MalformedMessage) -> [SignedOrder] {
        let raw = ArraySlice(bytes)
        if !bytes.isEmpty, bytes.count <= Limits.Ledger.messageBytes, MessageShape.orders.isMet(by: raw) {
            return try SignedOrder.all(in: raw)
        }
        let batch: WireOrderBatch = try decoded(bytes)
        guard (1...Limits.Ledger.ordersPerRequest).contains(batch.orders.count) else {
            throw MalformedMessage(what: "1 to \(Limits.Ledger.ordersPerRequest) orders come in one request")
        }
        return try batch.orders.map { order throws(MalformedMessage) in try SignedOrder(order) }
    }
}

/// The replies to them, or to requests of other kinds.
public enum ReplyBatch {
    public static func encode(_ replies: [AuthorityReply]) -> Data {
        var writer = WireWriter(capacity: 384 * replies.count)
        for reply in replies { writer.field(1, reply.written) }
        return Data(writer.bytes)
    }

    public static func decode(_ bytes: Data) throws(MalformedMessage) -> [AuthorityReply] {
        let batch: WireReplyBatch = try decoded(bytes)
        return try batch.replies.map { reply throws(MalformedMessage) in try AuthorityReply(reply) }
    }
}

extension AuthorityReply {
    fileprivate var written: [UInt8] {
        guard case .final(let final) = self else { return Array(encoded(wire)) }
        let bytes = final.written
        var writer = WireWriter(capacity: bytes.count + 4)
        writer.field(1, bytes)
        return writer.bytes
    }

    fileprivate var wire: WireAuthorityReply {
        .with {
            switch self {
            case .final(let final): $0.final = final.wire
            case .refusal(let refusal): $0.refusal = refusal.wire
            case .ballot(let ballot):
                switch ballot.phase {
                case .vote: $0.vote = ballot.vote
                case .commit: $0.commit = ballot.commit
                }
            case .statement(let statement): $0.statement = statement.wire
            case .accepted(let slot): $0.accepted = slot.data
            }
        }
    }

    fileprivate init(_ wire: WireAuthorityReply) throws(MalformedMessage) {
        switch wire.reply {
        case .final(let final)?: self = .final(try Final(final))
        case .refusal(let refusal)?: self = .refusal(try Refusal(refusal))
        case .vote(let vote)?: self = .ballot(try Ballot(vote))
        case .commit(let commit)?: self = .ballot(try Ballot(commit))
        case .statement(let statement)?: self = .statement(try Statement(statement))
        case .accepted(let slot)?:
            guard let slot = Hash32(slot) else { throw MalformedMessage(what: "a reply names no slot") }
            self = .accepted(slot: slot)
        case nil: throw MalformedMessage(what: "a reply says nothing")
        }
    }
}

extension Ballot {
    init(_ wire: WireVote) throws(MalformedMessage) {
        try self.init(.vote, wire.slot, wire.round, wire.value, try AuthoritySignature(wire.authority, wire.sig))
    }

    init(_ wire: WireCommit) throws(MalformedMessage) {
        try self.init(.commit, wire.slot, wire.round, wire.value, try AuthoritySignature(wire.authority, wire.sig))
    }

    private init(
        _ phase: Phase, _ slot: Data, _ round: UInt32, _ value: Data, _ by: AuthoritySignature
    ) throws(MalformedMessage) {
        guard let slot = Hash32(slot), let value = Hash32(value) else {
            throw MalformedMessage(what: "a \(phase.rawValue) names a slot and an order")
        }
        self.init(phase: phase, slot: slot, round: round, value: value, by: by)
    }

    var vote: WireVote {
        .with {
            ($0.slot, $0.round, $0.value) = (slot.data, round, value.data)
            ($0.authority, $0.sig) = (UInt32(by.authority), Data(by.signature))
        }
    }

    var commit: WireCommit {
        .with {
            ($0.slot, $0.round, $0.value) = (slot.data, round, value.data)
            ($0.authority, $0.sig) = (UInt32(by.authority), Data(by.signature))
        }
    }
}

extension AccountStanding {
    public var bytes: Data {
        encoded(
            WireAccountStanding.with {
                $0.key = key.data
                $0.nextSeq = nextSeq
                $0.balance = balance
                $0.frozenUntil = frozenUntil
                $0.epoch = epoch
            })
    }

    public init(bytes: Data) throws(MalformedMessage) {
        let wire: WireAccountStanding = try decoded(bytes)
        guard let key = Hash32(wire.key), wire.nextSeq > 0 else {
            throw MalformedMessage(what: "an account has a key and a next place")
        }
        self.init(
            key: key, nextSeq: wire.nextSeq, balance: wire.balance, frozenUntil: wire.frozenUntil, epoch: wire.epoch)
    }
}

extension Refusal {
    fileprivate var wire: WireRefusal {
        .with {
            $0.slot = slot.data
            $0.code = code.wire
            $0.nextSeq = nextSeq
            $0.balance = balance
            if let conflicting { $0.conflicting = conflicting.wire }
            $0.promised = promised
        }
    }

    fileprivate init(_ wire: WireRefusal) throws(MalformedMessage) {
        guard let slot = Hash32(wire.slot), let code = RefusalCode(wire.code) else {
            throw MalformedMessage(what: "a refusal names a slot and a reason")
        }
        self.init(slot: slot, code: code)
        (nextSeq, balance, promised) = (wire.nextSeq, wire.balance, wire.promised)
        conflicting = wire.hasConflicting ? try SignedOrder(wire.conflicting) : nil
    }
}
