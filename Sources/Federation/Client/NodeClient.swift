public import AsyncHTTPClient
public import Digests
public import FoundationEssentials
import HTTPTypes
import Identity
public import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import SwiftProtobuf
import Synchronization
public import WaggleProtocol

/// The `/w/1/` routes of one other node, as calls. Signs each request, follows no redirect, reads no more than is due.
public struct NodeClient: Sendable {
    public let url: PeerURL
    private let http: HTTPClient
    private let identity: NodeIdentity
    private let now: @Sendable () -> UInt64
    private let admit: Admit
    /// Told what time it is at the other node.
    private let clocks: PeerClocks?

    /// Waits until so many bytes of a blob may be received from an address.
    public typealias Admit = @Sendable (_ bytes: Int, _ peer: String) async throws -> Void

    public init(
        url: PeerURL, http: HTTPClient, identity: NodeIdentity, now: @escaping @Sendable () -> UInt64,
        admit: @escaping Admit = { _, _ in }, clocks: PeerClocks? = nil
    ) {
        self.url = url
        self.clocks = clocks
        self.admit = admit
        self.http = http
        self.identity = identity
        self.now = now
    }

    // MARK: Calls

    /// Who answers at this address. Unsigned.
    public func node() async throws(PeerError) -> NodeCard {
        let body = try await call(.GET, "/w/1/node", signed: false)
        let info: WireNodeInfo = try message(body)
        do throws(NodeCardError) {
            return try NodeCard(keyDocuments: info.keyChain, announce: info.announce)
        } catch {
            throw .malformed(url: url.description, detail: error.what)
        }
    }

    /// Addresses that the node dialled and proved; a hundred at most. Unsigned.
    public func peerAddresses() async throws(PeerError) -> [String] {
        let body = try await call(.GET, "/w/1/peers", signed: false, limit: Limits.Peers.addressesBytes)
        do {
            return try Self.addresses(in: body)
        } catch {
            throw .malformed(url: url.description, detail: "the list of addresses is not the JSON that it should be")
        }
    }

    static func addresses(in body: Data) throws -> [String] {
        struct Addresses: Decodable { let urls: [String] }
        return try JSONDecoder().decode(Addresses.self, from: body).urls
    }

    /// Posts by id; what the node does not have or give is left out.
    public func posts(ids: [Hash32]) async throws(PeerError) -> [Data] {
        var request = WirePostIDs()
        request.ids = ids.map(\.data)
        let batch: WirePostBatch = try await exchange("/w/1/posts/get", request)
        return batch.envelopes
    }

    /// Offers posts; one result for each, in order.
    public func offer(_ envelopes: [Data]) async throws(PeerError) -> [WirePostResult] {
        try await give(envelopes, naming: []).results
    }

    /// Gives posts whole, and names others that the node may ask for.
    ///
    /// - Returns: one result for each post given, in order, and the ids of those named that the node wants.
    public func give(_ envelopes: [Data], naming ids: [Hash32]) async throws(PeerError)
        -> (results: [WirePostResult], wanted: [Hash32])
    {
        var batch = WirePostBatch()
        batch.envelopes = envelopes
        batch.offered = ids.map(\.data)
        let reply: WirePostResults = try await exchange("/w/1/posts", batch)
        guard reply.results.count == envelopes.count, reply.wanted.count <= ids.count else {
            let detail = "\(reply.results.count) results for \(envelopes.count) posts, \(reply.wanted.count) wanted"
            throw .malformed(url: url.description, detail: detail)
        }
        // It may have what was named and nothing else.
        let named = Set(ids)
        return (reply.results, reply.wanted.compactMap { Hash32($0) }.filter { named.contains($0) })
    }

    /// One round of reconciliation.
    public func sync(_ scope: WireSyncScope, message bytes: [UInt8]) async throws(PeerError) -> [UInt8] {
        var request = WireSyncMessage()
        request.scope = scope
        request.message = Data(bytes)
        let reply: WireSyncMessage = try await exchange("/w/1/sync", request)
        return [UInt8](reply.message)
    }

    /// Which blobs are there.
    public func have(_ hashes: [Hash32]) async throws(PeerError) -> [WireBlobPresence.Presence] {
        var request = WireBlobHashes()
        request.sha256 = hashes.map(\.data)
        let reply: WireBlobPresence = try await exchange("/w/1/blobs/have", request)
        guard reply.presence.count == hashes.count else {
            throw .malformed(url: url.description, detail: "\(reply.presence.count) answers for \(hashes.count) hashes")
        }
        return reply.presence
    }

    /// Small blobs in the order asked; nil for what the node does not give.
    public func blobs(_ hashes: [Hash32]) async throws(PeerError) -> [Data?] {
        var request = WireBlobHashes()
        request.sha256 = hashes.map(\.data)
        let reply: WireBlobBatch = try await exchange("/w/1/blobs/get", request)
        guard reply.blobs.count == hashes.count else {
            throw .malformed(url: url.description, detail: "\(reply.blobs.count) blobs for \(hashes.count) hashes")
        }
        do {
            try await admit(reply.blobs.reduce(0) { $0 + $1.count }, url.description)
        } catch {
            throw failure(error)
        }
        return reply.blobs.map { $0.isEmpty ? nil : $0 }
    }

    /// The unit hashes of a blob, and which units are there.
    public func pieces(_ sha256: Hash32) async throws(PeerError) -> WireBlobPieces {
        try message(try await call(.GET, "/w/1/blobs/\(sha256.hex)/pieces", limit: Limits.Wire.piecesBytes))
    }

    /// Brings a report to the moderators of the node.
    public func report(_ report: WireSealedReport) async throws(PeerError) {
        let _: WireReport = try await exchange("/w/1/reports", report)
    }

    /// Says what became of entries of the node's lists here.
    public func acknowledge(_ acks: WireActionAcks) async throws(PeerError) {
        let _: WireReport = try await exchange("/w/1/actions/ack", acks)
    }

    // MARK: Streams

    /// The peer's log from a cursor on (nil: from now on), until the peer ends it or the task is cancelled. Frames come in
    /// the bursts in which they arrived. Heartbeats are frames that carry a cursor and nothing else.
    ///
    /// - Parameter byGossip: the peer leaves out what this node has by its knowledge, and sends ids where it thinks that
    ///   others have sent the bytes.
    /// - Throws: `PeerError` when the peer sends other than frames, and what `onFrames` throws.
    public func stream(
        cursor: String?, byGossip: Bool = false, onFrames: @Sendable ([WireStreamFrame]) async throws -> Void
    ) async throws {
        let parameters = [cursor.map { "cursor=\($0)" }, byGossip ? "gossip=true" : nil].compactMap { $0 }
        let query = parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")
        let response = try await send(.GET, "/w/1/stream\(query)", body: nil, signed: true, deadline: .hours(24 * 365))
        if response.status == .conflict { throw PeerError.cursorUnknown }
        guard response.status == .ok else { throw try await refusal(response) }
        var frames = FrameReader()
        var chunks = response.body.makeAsyncIterator()
        while let chunk = try await next(&chunks) {
            frames.append(chunk.readableBytesView)
            let burst = try burst(&frames)
            if !burst.isEmpty { try await onFrames(burst) }
        }
    }

    private func burst(_ frames: inout FrameReader) throws(PeerError) -> [WireStreamFrame] {
        do {
            var burst: [WireStreamFrame] = []
            while let frame = try frames.next() { burst.append(frame) }
            return burst
        } catch is FrameReader.TooLarge {
            throw .tooLarge(url: url.description, limit: Limits.Wire.bodyBytes)
        } catch {
            throw .malformed(url: url.description, detail: "a frame of the stream is not protobuf")
        }
    }

    /// Where the peer's log ends now.
    public func newestCursor() async throws(PeerError) -> String {
        let found = Mutex("")
        do {
            try await stream(cursor: nil) { frames in
                found.withLock { $0 = frames.first?.cursor ?? "" }
                throw CancellationError()
            }
        } catch {
            let cursor = found.withLock { $0 }
            guard !cursor.isEmpty else { throw failure(error) }
            return cursor
        }
        throw .malformed(url: url.description, detail: "the stream has no first frame")
    }

    /// The bytes `range` of a blob, chunk by chunk.
    ///
    /// - Throws: `PeerError` when the peer sends other than asked for, and what `onChunk` throws.
    public func blob(
        _ sha256: Hash32, range: Range<UInt64>, of size: UInt64, onChunk: (ByteBuffer) async throws -> Void
    ) async throws {
        let headers = ["range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)", "accept-encoding": "identity"]
        let response = try await send(
            .GET, "/blobs/\(sha256.hex)", body: nil, signed: true, extra: headers, deadline: .hours(24))
        guard RangeReply.isOne(response, of: range) else { throw try await refusal(response) }
        try await RangeReply(response: response, url: url.description).read(range, of: size) { chunk in
            // Not read meanwhile, so the sender is held up too.
            try await admit(chunk.readableBytes, url.description)
            try await onChunk(chunk)
        }
    }

    private func next(_ chunks: inout HTTPClientResponse.Body.AsyncIterator) async throws(PeerError) -> ByteBuffer? {
        do {
            return try await chunks.next()
        } catch {
            throw failure(error)
        }
    }

    // MARK: Below

    private func exchange<Request: SwiftProtobuf.Message, Reply: SwiftProtobuf.Message>(
        _ path: String, _ request: Request
    ) async throws(PeerError) -> Reply {
        let body: Data
        do {
            body = try request.serializedBytes()
        } catch {
            throw .malformed(url: url.description, detail: "the request cannot be serialized")
        }
        return try message(try await call(.POST, path, body: body))
    }

    func message<Reply: SwiftProtobuf.Message>(_ body: Data) throws(PeerError) -> Reply {
        do {
            return try Reply(serializedBytes: body)
        } catch {
            throw .malformed(url: url.description, detail: "the reply is not protobuf")
        }
    }

    func call(
        _ method: HTTPMethod, _ path: String, body: Data? = nil, signed: Bool = true, limit: Int = Limits.Wire.bodyBytes
    ) async throws(PeerError) -> Data {
        let response = try await send(method, path, body: body, signed: signed, deadline: .seconds(30))
        guard response.status == .ok else { throw try await refusal(response) }
        return try await collect(response, limit: limit)
    }

    func collect(_ response: HTTPClientResponse, limit: Int) async throws(PeerError) -> Data {
        do {
            let buffer = try await response.body.collect(upTo: limit)
            return Data(buffer: buffer)
        } catch is NIOTooManyBytesError {
            throw .tooLarge(url: url.description, limit: limit)
        } catch {
            throw failure(error)
        }
    }

    func send(
        _ method: HTTPMethod, _ path: String, body: Data?, signed: Bool, extra: [String: String] = [:],
        deadline: TimeAmount
    ) async throws(PeerError) -> HTTPClientResponse {
        let target = url.appending(path)
        var request = HTTPClientRequest(url: target)
        request.method = method
        for (name, value) in extra { request.headers.replaceOrAdd(name: name, value: value) }
        if let body {
            if extra["content-type"] == nil {
                request.headers.replaceOrAdd(name: "content-type", value: "application/x-protobuf")
            }
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        if signed {
            let signer = RequestSigner(key: identity.key, keyID: AuthorID.text(identity.id))
            do {
                let fields = try signer.fields(
                    method: method.rawValue, targetURI: target, bodyDigest: body.map { SHA256.hash($0) }, now: now())
                for (name, value) in fields { request.headers.replaceOrAdd(name: name, value: value) }
            } catch {
                throw .malformed(url: url.description, detail: "the request cannot be signed: \(error)")
            }
        }
        do {
            let sent = now()
            let response = try await http.execute(request, deadline: .now() + deadline)
            clocks?.note(url.description, date: response.headers.first(name: "date"), sent: sent, received: now())
            return response
        } catch {
            throw failure(error)
        }
    }

    func refusal(_ response: HTTPClientResponse) async throws(PeerError) -> PeerError {
        let body = (try? await collect(response, limit: 4096)) ?? Data()
        let reply = try? WireErrorReply(serializedBytes: body)
        return .refused(
            url: url.description, status: Int(response.status.code), code: reply?.code ?? "",
            detail: String((reply?.message ?? "").prefix(300)))
    }

    private func failure(_ error: any Error) -> PeerError {
        if let error = error as? PeerError { return error }
        return .unreachable(url: url.description, reason: PeerError.reason(error))
    }
}

/// Cuts a stream of length-delimited frames.
struct FrameReader {
    struct TooLarge: Error {}

    private var bytes = Data()

    mutating func append(_ chunk: some Collection<UInt8>) {
        bytes.append(contentsOf: chunk)
    }

    /// The next whole frame; nil until more bytes arrive.
    mutating func next() throws -> WireStreamFrame? {
        var length = 0
        var shift = 0
        var at = bytes.startIndex
        while true {
            guard at < bytes.endIndex else { return nil }
            guard shift < 28 else { throw TooLarge() }
            let byte = bytes[at]
            at += 1
            length |= Int(byte & 0x7f) << shift
            shift += 7
            if byte < 0x80 { break }
        }
        guard length <= Limits.Wire.bodyBytes else { throw TooLarge() }
        guard bytes.endIndex - at >= length else { return nil }
        let frame = try WireStreamFrame(serializedBytes: bytes[at..<at + length])
        bytes.removeSubrange(..<(at + length))
        return frame
    }
}
