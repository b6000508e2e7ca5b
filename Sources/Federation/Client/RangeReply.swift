import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import WaggleProtocol

/// The answer to a request for one range of a file, read with suspicion: not a byte more than asked for, and no drip.
struct RangeReply {
    let response: HTTPClientResponse
    /// For messages.
    let url: String

    /// Whether the status is that of the range, or of a whole file that the range may be.
    static func isOne(_ response: HTTPClientResponse, of range: Range<UInt64>) -> Bool {
        response.status == .partialContent || (response.status == .ok && range.lowerBound == 0)
    }

    /// Passes the bytes on, chunk by chunk.
    ///
    /// - Parameter size: of the whole file. A source that has another one under this name is no use, and not to blame: the
    ///   post that signs the size may be wrong.
    /// - Throws: `PeerError` when other than asked for is sent, and what `onChunk` throws.
    func read(_ range: Range<UInt64>, of size: UInt64, onChunk: (ByteBuffer) async throws -> Void) async throws {
        let length = UInt64(range.count)
        if let total, total != size {
            throw PeerError.malformed(url: url, detail: "a file of \(total) bytes where \(size) are signed")
        }
        if response.status == .ok, let declared = response.headers.first(name: "content-length").flatMap(UInt64.init),
            declared != length
        {
            throw PeerError.malformed(
                url: url, detail: "a blob of \(declared) bytes where \(length) are signed")
        }
        var received: UInt64 = 0
        var chunks = response.body.makeAsyncIterator()
        var pace = Pace()
        while let chunk = try await pace.wait(for: { () throws(PeerError) in try await next(&chunks) }) {
            received += UInt64(chunk.readableBytes)
            guard pace.isKept(with: chunk.readableBytes) else { throw PeerError.stalled(url: url) }
            guard received <= length else { throw PeerError.tooLarge(url: url, limit: Int(length)) }
            try await onChunk(chunk)
        }
        guard received == length else {
            throw PeerError.malformed(url: url, detail: "\(received) of \(length) bytes arrived")
        }
    }

    /// What `Content-Range` says of the size of the whole; nil when it does not.
    private var total: UInt64? {
        guard response.status == .partialContent else { return nil }
        return response.headers.first(name: "content-range")?.split(separator: "/").last.flatMap { UInt64($0) }
    }

    private func next(_ chunks: inout HTTPClientResponse.Body.AsyncIterator) async throws(PeerError) -> ByteBuffer? {
        do {
            return try await chunks.next()
        } catch {
            throw .unreachable(url: url, reason: String(describing: error))
        }
    }
}

/// Notices a source that drips: each stretch of so many seconds that was spent waiting for it must bring so many bytes. Time
/// that the reader itself takes does not count. Complete silence is the connection's own time limit to notice.
private struct Pace {
    private let clock = ContinuousClock()
    private var waited = Duration.zero
    private var bytes = 0

    mutating func wait<Value>(for next: () async throws(PeerError) -> Value) async throws(PeerError) -> Value {
        let began = clock.now
        defer { waited += clock.now - began }
        return try await next()
    }

    /// False at the end of a stretch that brought too little.
    mutating func isKept(with count: Int) -> Bool {
        bytes += count
        guard waited >= .seconds(Limits.Blob.paceSeconds) else { return true }
        defer { (waited, bytes) = (.zero, 0) }
        return bytes >= Limits.Blob.paceBytes
    }
}
