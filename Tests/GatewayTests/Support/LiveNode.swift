import AsyncHTTPClient
import Digests
import Federation
import Foundation
import Gateway
import Identity
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import SwiftProtobuf
import Testing
import WaggleProtocol

extension TestNode {
    /// Runs the gateway as the node does, on a free port, until `body` ends.
    func serve<Value: Sendable>(_ body: @Sendable (LiveNode) async throws -> Value) async throws -> Value {
        let (ports, port) = AsyncStream<Int>.makeStream()
        let gateway = try Gateway(services) { port.yield($0) }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [gateway], logger: services.logger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let value = try await body(LiveNode(port: port, group: group))
            await group.triggerGracefulShutdown()
            try await tasks.next()
            return value
        }
    }
}

/// A gateway that listens.
struct LiveNode: Sendable {
    let port: Int
    let group: ServiceGroup
    var base: String { "http://127.0.0.1:\(port)" }

    /// Opens the stream and gives its frames to `body`.
    func stream<Value: Sendable>(
        _ query: String = "", by node: Person, _ body: @Sendable (inout FrameIterator) async throws -> Value
    ) async throws -> Value {
        let response = try await get("/w/1/stream\(query)", by: node)
        try #require(response.status == .ok)
        var frames = FrameIterator(response.body)
        return try await body(&frames)
    }

    func get(_ path: String, by node: Person) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: base + path)
        let fields = try RequestSigner(key: node.device, keyID: AuthorID.text(node.id)).fields(
            method: "GET", targetURI: base + path, bodyDigest: nil, now: TestNode.time)
        for field in fields { request.headers.add(name: field.name, value: field.value) }
        return try await HTTPClient.shared.execute(request, timeout: .seconds(60))
    }
}

/// Cuts the body of a stream into frames.
struct FrameIterator {
    private var chunks: HTTPClientResponse.Body.AsyncIterator
    private var bytes: [UInt8] = []

    init(_ body: HTTPClientResponse.Body) {
        chunks = body.makeAsyncIterator()
    }

    /// Nil at the end.
    mutating func next() async throws -> WireStreamFrame? {
        while true {
            var length = 0
            if let end = bytes.firstIndex(where: { $0 < 0x80 }) {
                for (place, byte) in bytes[...end].enumerated() { length |= Int(byte & 0x7f) << (7 * place) }
                if bytes.count > end + length {
                    let frame = try WireStreamFrame(serializedBytes: Array(bytes[(end + 1)...(end + length)]))
                    bytes.removeFirst(end + 1 + length)
                    return frame
                }
            }
            guard let chunk = try await chunks.next() else { return nil }
            bytes += chunk.readableBytesView
        }
    }
}
