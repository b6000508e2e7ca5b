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
        let batch: WireOrderBatch = try decoded(bytes)
        guard (1...Limits.Ledger.ordersPerRequest).contains(batch.orders.count) else {
            throw MalformedMessage(what: "1 to \(Limits.Ledger.ordersPerRequest) orders come in one request")
        }
        return try batch.orders.map { order throws(MalformedMessage) in try SignedOrder(order) }
    }
}

/// The replies to them.
public enum ReplyBatch {
    public static func encode(_ replies: [AuthorityReply]) -> Data {
        encoded(
            WireReplyBatch.with { batch in
                batch.replies = replies.map { reply in
                    WireAuthorityReply.with {
                        switch reply {
                        case .final(let final): $0.final = final.wire
                        case .refusal(let refusal): $0.refusal = refusal.wire
                        // A lone authority answers orders with the two above alone.
                        case .ballot, .statement, .accepted: break
                        }
                    }
                }
            })
    }

    public static func decode(_ bytes: Data) throws(MalformedMessage) -> [AuthorityReply] {
        let batch: WireReplyBatch = try decoded(bytes)
        return try batch.replies.map { reply throws(MalformedMessage) in
            switch reply.reply {
            case .final(let final)?: .final(try Final(final))
            case .refusal(let refusal)?: .refusal(try Refusal(refusal))
            case nil: throw MalformedMessage(what: "a reply says nothing")
            }
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
