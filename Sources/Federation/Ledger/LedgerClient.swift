import AsyncHTTPClient
public import Digests
public import FoundationEssentials
public import Ledger
import NIOCore
import NIOHTTP1
import WaggleProtocol

/// The client side of `/w/1/buzz/`: authorities of currencies, copies of their logs, witnesses.
///
/// Addresses are those that an operator typed, or of peers. Nothing is believed here: whoever asked checks signatures.
public struct LedgerClient: LedgerTransport {
    private let client: @Sendable (PeerURL) -> NodeClient

    public init(client: @escaping @Sendable (PeerURL) -> NodeClient) {
        self.client = client
    }

    public func charter(_ currency: Hash32?, at url: String) async throws(LedgerError) -> Data {
        try await get(currency.map { "/w/1/buzz/log/\($0.hex)/charter" } ?? "/w/1/buzz/charter", url)
    }

    public func submit(_ orders: [SignedOrder], at url: String) async throws(LedgerError) -> [AuthorityReply] {
        let body = try await call(url) { client throws(PeerError) in
            try await client.call(.POST, "/w/1/buzz/orders", body: OrderBatch.encode(orders), signed: false)
        }
        let replies = try Self.reading(url) { () throws(MalformedMessage) in try ReplyBatch.decode(body) }
        guard replies.count == orders.count else {
            throw .untrusted("\(url) gives \(replies.count) replies to \(orders.count) orders")
        }
        return replies
    }

    public func ask(_ requests: [AuthorityRequest], in currency: Hash32, at url: String) async throws(LedgerError)
        -> [AuthorityReply]
    {
        let body = try await call(url) { client throws(PeerError) in
            try await client.call(
                .POST, "/w/1/buzz/requests", body: RequestBatch.encode(requests, in: currency), signed: false)
        }
        let replies = try Self.reading(url) { () throws(MalformedMessage) in try ReplyBatch.decode(body) }
        guard replies.count == requests.count else {
            throw .untrusted("\(url) gives \(replies.count) replies to \(requests.count) requests")
        }
        return replies
    }

    public func checkpoints(_ currency: Hash32, at url: String) async throws(LedgerError) -> [String] {
        let body = try await get("/w/1/buzz/log/\(currency.hex)/checkpoints", url)
        return try Self.reading(url) { () throws(MalformedMessage) in try CheckpointBatch.decode(body) }
    }

    public func certificate(
        _ slot: Hash32, round: UInt32, value: Hash32, in currency: Hash32, at url: String
    ) async throws(LedgerError) -> QuorumCertificate {
        let body = try await get("/w/1/buzz/certificates/\(currency.hex)/\(slot.hex)/\(round)/\(value.hex)", url)
        return try Self.reading(url) { () throws(MalformedMessage) in try QuorumCertificate(bytes: body) }
    }

    public func statements(
        _ slot: Hash32, round: UInt32, value: Hash32, in currency: Hash32, at url: String
    ) async throws(LedgerError) -> [Statement] {
        let body = try await get("/w/1/buzz/statements/\(currency.hex)/\(slot.hex)/\(round)/\(value.hex)", url)
        return try Self.reading(url) { () throws(MalformedMessage) in try StatementBatch.decode(body) }
    }

    public func standing(_ account: AccountID, in currency: Hash32, at url: String) async throws(LedgerError)
        -> AccountStanding
    {
        let body = try await get("/w/1/buzz/accounts/\(currency.hex)/\(account.hex)", url)
        return try Self.reading(url) { () throws(MalformedMessage) in try AccountStanding(bytes: body) }
    }

    public func checkpoint(_ currency: Hash32, at url: String) async throws(LedgerError) -> String {
        String(decoding: try await get("/w/1/buzz/log/\(currency.hex)/checkpoint", url), as: UTF8.self)
    }

    public func witnessedCheckpoint(_ currency: Hash32, at url: String) async throws(LedgerError) -> String? {
        let text = String(decoding: try await get("/w/1/buzz/log/\(currency.hex)/witnessed", url), as: UTF8.self)
        return text.isEmpty ? nil : text
    }

    public func tile(_ path: LogTilePath, of currency: Hash32, at url: String) async throws(LedgerError) -> Data {
        try await get("/w/1/buzz/log/\(currency.hex)/tile/\(path.text)", url, limit: Limits.Ledger.bundleBytes)
    }

    public func rewards(_ epoch: Int64, of currency: Hash32, at url: String) async throws(LedgerError) -> String {
        let body = try await get(
            "/w/1/buzz/rewards/\(currency.hex)/\(epoch)", url, limit: Limits.Economy.evidenceBytes)
        return String(decoding: body, as: UTF8.self)
    }

    public func witness(_ request: WitnessRequest, at url: String) async throws(LedgerError) -> WitnessReply {
        let response = try await call(url) { client throws(PeerError) in
            let response = try await client.send(
                .POST, "/w/1/buzz/witness", body: Data(request.text.utf8), signed: false,
                extra: ["content-type": "text/plain; charset=utf-8"], deadline: .seconds(30))
            return (status: response.status.code, body: try await client.collect(response, limit: 16 << 10))
        }
        let text = String(decoding: response.body, as: UTF8.self)
        switch response.status {
        case 200:
            guard let signatures = SignedNote.signatures(lines: text) else {
                throw .untrusted("\(url) answers as a witness with no signature")
            }
            return .signed(signatures)
        case 409:
            guard let size = UInt64(text.split(separator: "\n").first ?? "") else { return .refused(text) }
            return .knows(size)
        default: return .refused("\(response.status)")
        }
    }

    // MARK: Below

    private func get(_ path: String, _ url: String, limit: Int = Limits.Wire.bodyBytes) async throws(LedgerError)
        -> Data
    {
        try await call(url) { client throws(PeerError) in
            try await client.call(.GET, path, signed: false, limit: limit)
        }
    }

    private func call<Value: Sendable>(
        _ url: String, _ body: (NodeClient) async throws(PeerError) -> Value
    ) async throws(LedgerError) -> Value {
        let address: PeerURL
        do {
            address = try PeerURL(url)
        } catch {
            throw .unreachable(url: url, reason: "it is no address of a node")
        }
        do throws(PeerError) {
            return try await body(client(address))
        } catch {
            switch error {
            case .refused(_, 404, _, let detail):
                throw .unknownCurrency(detail.isEmpty ? "that \(url) was asked for" : detail)
            case .refused(_, 503, _, let detail): throw .stopped("\(url): \(detail)")
            case .unreachable(_, let reason): throw .unreachable(url: url, reason: reason)
            default: throw .unreachable(url: url, reason: error.message)
            }
        }
    }

    private static func reading<Value>(
        _ url: String, _ body: () throws(MalformedMessage) -> Value
    ) throws(LedgerError) -> Value {
        do throws(MalformedMessage) {
            return try body()
        } catch {
            throw .untrusted("\(url) answers with something else: \(error.what)")
        }
    }
}
