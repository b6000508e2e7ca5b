public import Digests
public import FoundationEssentials
import SwiftProtobuf
import WaggleProtocol

/// Requests of all kinds to an authority of one currency, in one message.
public enum RequestBatch {
    public static func encode(_ requests: [AuthorityRequest], in currency: Hash32) -> Data {
        encoded(
            WireRequestBatch.with {
                $0.currency = currency.data
                $0.requests = requests.map(\.wire)
            })
    }

    /// - Throws: `MalformedMessage` for the first request that is none, too, and for one of another currency.
    public static func decode(_ bytes: Data) throws(MalformedMessage) -> (
        currency: Hash32, requests: [AuthorityRequest]
    ) {
        let batch: WireRequestBatch = try decoded(bytes)
        guard let currency = Hash32(batch.currency) else { throw MalformedMessage(what: "no currency is named") }
        guard (1...Limits.Ledger.ordersPerRequest).contains(batch.requests.count) else {
            throw MalformedMessage(what: "1 to \(Limits.Ledger.ordersPerRequest) requests come in one message")
        }
        let requests = try batch.requests.map { wire throws(MalformedMessage) in try AuthorityRequest(wire) }
        guard requests.allSatisfy({ $0.currency ?? currency == currency }) else {
            throw MalformedMessage(what: "a request is of another currency than its batch")
        }
        return (currency, requests)
    }

    /// Requests in as many messages as the limits need.
    public static func parts(_ requests: [AuthorityRequest]) -> [[AuthorityRequest]] {
        guard requests.count > 1 else { return [requests] }
        var parts: [[AuthorityRequest]] = []
        var size = 0
        for request in requests {
            let bytes = ((try? request.wire.serializedBytes() as Data)?.count ?? 0) + 8
            if parts.isEmpty || size + bytes > Limits.Ledger.messageBytes / 2
                || parts.last?.count ?? 0 >= Limits.Ledger.ordersPerRequest
            {
                parts.append([])
                size = 0
            }
            parts[parts.count - 1].append(request)
            size += bytes
        }
        return parts
    }
}

/// Checkpoints of several logs, as encoded notes.
public enum CheckpointBatch {
    public static func encode(_ notes: [String]) -> Data {
        encoded(WireCheckpointBatch.with { $0.notes = notes })
    }

    /// - Throws: `MalformedMessage` for more than a currency has authorities.
    public static func decode(_ bytes: Data) throws(MalformedMessage) -> [String] {
        let batch: WireCheckpointBatch = try decoded(bytes)
        guard batch.notes.count <= Limits.Ledger.authorities else {
            throw MalformedMessage(what: "\(batch.notes.count) checkpoints, at most \(Limits.Ledger.authorities)")
        }
        return batch.notes
    }
}

/// The statements that justified a round above 0.
public enum StatementBatch {
    public static func encode(_ statements: [Statement]) -> Data {
        encoded(WireStatementBatch.with { $0.statements = statements.map(\.wire) })
    }

    public static func decode(_ bytes: Data) throws(MalformedMessage) -> [Statement] {
        try [Statement](decoded(bytes, as: WireStatementBatch.self).statements)
    }
}

extension AuthorityRequest {
    /// What it is worth among the requests that one address may make: signatures of authorities have to be looked at.
    public var cost: Int {
        func of(_ statements: [Statement]) -> Int {
            statements.reduce(0) { $0 + 1 + ($1.highest?.votes.count ?? 0) }
        }
        let signatures =
            switch self {
            case .order, .unlock: 0
            case .certificate(let certificate): certificate.votes.count
            case .final(let final): final.commits.count + of(final.justification)
            case .proposal(let proposal): of(proposal.justification)
            }
        return 1 + signatures / Limits.Ledger.signaturesPerRequest
    }

    /// Which currency it says to be of; nil for an unlock request, whose signature alone has it.
    var currency: Hash32? {
        switch self {
        case .order(let signed): signed.order.currency
        case .proposal(let proposal): proposal.order.order.currency
        case .certificate(let certificate): certificate.order.order.currency
        case .final(let final): final.order.order.currency
        case .unlock: nil
        }
    }

    fileprivate var wire: WireAuthorityRequest {
        .with {
            switch self {
            case .order(let signed): $0.order = signed.wire
            case .certificate(let certificate): $0.certificate = certificate.wire
            case .final(let final): $0.final = final.wire
            case .unlock(let request): $0.unlock = request.wire
            case .proposal(let proposal): $0.proposal = proposal.wire
            }
        }
    }

    fileprivate init(_ wire: WireAuthorityRequest) throws(MalformedMessage) {
        switch wire.request {
        case .order(let order)?: self = .order(try SignedOrder(order))
        case .certificate(let certificate)?: self = .certificate(try QuorumCertificate(certificate))
        case .final(let final)?: self = .final(try Final(final))
        case .unlock(let request)?: self = .unlock(try UnlockRequest(request))
        case .proposal(let proposal)?: self = .proposal(try Proposal(proposal))
        case nil: throw MalformedMessage(what: "a request asks nothing")
        }
    }
}
