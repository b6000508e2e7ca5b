import Digests
import Federation
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Identity
import NIOCore
import SwiftProtobuf
import Testing
import WaggleProtocol

@testable import Gateway

extension TestNode {
    /// Sends requests through the real router.
    func test<Value: Sendable>(_ body: @Sendable (Client) async throws -> Value) async throws -> Value {
        try await test(with: services, body)
    }

    /// The same of a node that serves from something else.
    func test<Value: Sendable>(
        with services: GatewayServices, _ body: @Sendable (Client) async throws -> Value
    ) async throws -> Value {
        let gateway = try Gateway(services)
        return try await gateway.application.test(.router) { client in
            try await body(Client(client: client))
        }
    }

    /// Sends requests through sockets.
    func testLive<Value: Sendable>(_ body: @Sendable (Client) async throws -> Value) async throws -> Value {
        let gateway = try Gateway(services)
        return try await gateway.application.test(.ahc(.http)) { client in
            try await body(Client(client: client))
        }
    }
}

struct Client: Sendable {
    let client: any TestClientProtocol

    func callAsFunction(
        _ method: HTTPRequest.Method = .get, _ path: String, _ headers: HTTPFields = [:], body: [UInt8]? = nil
    ) async throws -> Answer {
        let body = body.map { ByteBuffer(bytes: $0) }
        return Answer(try await client.execute(uri: path, method: method, headers: headers, body: body))
    }

    /// A request signed by a node.
    ///
    /// - Parameters:
    ///   - content: a body that is no message.
    ///   - sent: goes out in place of the body that was signed.
    func signed(
        _ method: HTTPRequest.Method, _ path: String, by node: Person, _ headers: HTTPFields = [:],
        message: (any SwiftProtobuf.Message)? = nil, content: [UInt8]? = nil, sent: [UInt8]? = nil,
        base: String = "https://hive.example", time: UInt64 = TestNode.time,
        change: (inout HTTPFields) -> Void = { _ in }
    ) async throws -> Answer {
        let body: [UInt8]? = try content ?? message.map { try $0.serializedBytes() }
        var headers = headers
        if body != nil, headers[.contentType] == nil { headers[.contentType] = "application/x-protobuf" }
        let fields = try RequestSigner(key: node.device, keyID: AuthorID.text(node.id)).fields(
            method: method.rawValue, targetURI: base + path,
            bodyDigest: body.flatMap { $0.isEmpty ? nil : SHA256.hash($0) }, now: time)
        for field in fields { headers[try #require(HTTPField.Name(field.name))] = field.value }
        change(&headers)
        return try await self(method, path, headers, body: sent ?? body)
    }
}

struct Answer: Sendable {
    let status: HTTPResponse.Status
    let headers: HTTPFields
    let bytes: [UInt8]

    init(_ response: TestResponse) {
        status = response.status
        headers = response.headers
        bytes = [UInt8](response.body.readableBytesView)
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    func message<Message: SwiftProtobuf.Message>(_: Message.Type) throws -> Message {
        try Message(serializedBytes: bytes)
    }

    func json() throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    func errorCode() throws -> String { try message(WireErrorReply.self).code }
}
