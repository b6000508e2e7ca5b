import Digests
import HTTPTypes
import Hummingbird
import NIOCore
import SwiftProtobuf
import Synchronization
import WaggleProtocol

/// Bodies between nodes: protobuf, at most 1 MiB, optionally zstd-coded.
struct WireBody: Sendable {
    static let mediaType = "application/x-protobuf"
    /// Answers below this size are not worth coding.
    private static let codedFrom = 1024

    /// As sent: what `Content-Digest` covers.
    let content: [UInt8]
    private let isCoded: Bool

    /// Reads the body of a request. Nothing is buffered beyond the limit, and a body that trickles in is given up.
    init(of request: Request, clock: any Clock<Duration>) async throws {
        let limit = Limits.Wire.bodyBytes
        if let declared = request.headers[.contentLength].flatMap(Int.init), declared > limit {
            throw GatewayError.bodyTooLarge(limit: limit)
        }
        guard request.headers[.contentType].map({ $0.split(separator: ";")[0].trimmed == Self.mediaType }) ?? false
        else { throw GatewayError.unsupportedMediaType(Self.mediaType) }
        switch request.headers[.contentEncoding]?.lowercased() {
        case nil, "identity": isCoded = false
        case "zstd": isCoded = true
        default: throw GatewayError.unsupportedMediaType("plain or coded with zstd")
        }
        content = try await Self.collect(request.body, limit: limit, clock: clock)
    }

    /// Most bodies are here before anybody asks for them: only one that is not pays for a timer.
    static func collect(_ body: RequestBody, limit: Int, clock: any Clock<Duration>) async throws -> [UInt8] {
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            let reading = Reading()
            group.addImmediateTask {
                defer { reading.hasEnded.store(true, ordering: .releasing) }
                do {
                    let buffer = try await body.collect(upTo: limit)
                    return [UInt8](buffer.readableBytesView)
                } catch is NIOTooManyBytesError {
                    throw GatewayError.bodyTooLarge(limit: limit)
                }
            }
            if !reading.hasEnded.load(ordering: .acquiring) {
                group.addTask {
                    try await clock.sleep(for: .seconds(Limits.Gateway.bodySeconds))
                    throw GatewayError.bodyTooSlow
                }
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }

    /// How far a body has come.
    private final class Reading: Sendable {
        let hasEnded = Atomic(false)
    }

    /// The message in the body.
    func message<Message: SwiftProtobuf.Message>(_: Message.Type) throws(GatewayError) -> Message {
        var bytes = content
        if isCoded {
            guard let plain = Zstd.decompress(content, limit: Limits.Wire.bodyBytes) else {
                throw .badRequest(code: "bad-coding", "The body is not zstd, or has more than a MiB when decoded")
            }
            bytes = plain
        }
        do {
            return try Message(serializedBytes: bytes)
        } catch {
            throw .badRequest(code: "bad-message", "The body is no \(Message.protoMessageName) message")
        }
    }

    /// The answer with a message, zstd-coded when the caller takes that and it is worth it.
    static func reply(_ message: some SwiftProtobuf.Message, to request: Request) -> Response {
        var response = Response.protobuf(message)
        response.headers[.vary] = "Accept-Encoding"
        guard (response.body.contentLength ?? 0) >= codedFrom, acceptsZstd(request),
            let bytes: [UInt8] = try? message.serializedBytes(), let coded = Zstd.compress(bytes)
        else { return response }
        response.headers[.contentEncoding] = "zstd"
        response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: coded))
        return response
    }

    private static func acceptsZstd(_ request: Request) -> Bool {
        let codings = request.headers[values: .acceptEncoding].flatMap { $0.lowercased().split(separator: ",") }
        return codings.contains { coding in
            let parts = coding.split(separator: ";")
            guard parts.first?.trimmed == "zstd" else { return false }
            return !parts.dropFirst().contains { ["q=0", "q=0.0", "q=0.00", "q=0.000"].contains($0.trimmed) }
        }
    }
}
