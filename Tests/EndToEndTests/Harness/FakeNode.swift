import Digests
import Foundation
import Identity
import SwiftProtobuf
import Synchronization
import WaggleProtocol

/// A node that is none: it has valid keys and answers a real node's calls with whatever a test wants it to say.
final class FakeNode: Sendable {
    /// A call that came in.
    struct Call: Sendable {
        let method: String
        let path: String
        let fields: [(name: String, value: String)]
        let body: [UInt8]

        /// The bytes asked for by a `Range` field, both ends included.
        var range: ClosedRange<Int>? {
            let value = fields.first { $0.name.lowercased() == "range" }?.value ?? ""
            let ends = value.dropFirst("bytes=".count).split(separator: "-").compactMap { Int($0) }
            return ends.count == 2 ? ends[0]...ends[1] : nil
        }
    }

    /// Answers a call; nil leaves it to the polite answers.
    typealias Answer = @Sendable (Call, Connection) -> Bool

    private struct State {
        var posts: [(id: Hash32, envelope: Data)] = []
        var pieces: [Hash32: FileDigests] = [:]
        var calls: [Call] = []
        var waiting: [(path: String, CheckedContinuation<Void, Never>)] = []
        var streams: [Connection] = []
        var streamsOpened = 0
        var open: [Connection] = []
    }

    let persona: Persona
    private let answer: Answer
    private let state = Mutex(State())
    private let listener = Mutex<Listener?>(nil)

    init(_ world: World, answer: @escaping Answer = { _, _ in false }) throws {
        persona = try Persona(.node)
        self.answer = answer
        let listener = try Listener { [weak self] connection in self?.serve(connection) }
        self.listener.withLock { $0 = listener }
        world.atEnd {
            listener.stop()
            self.state.withLock { $0.open }.forEach { $0.cut() }
        }
    }

    var port: UInt16 { listener.withLock { $0?.port ?? 0 } }
    var url: String { "http://127.0.0.1:\(port)" }

    /// Has these posts to give, under the ids that they should have.
    func have(_ envelopes: [Data], under ids: [Hash32]? = nil) throws {
        let ids = try ids ?? envelopes.map { try $0.postID }
        state.withLock { $0.posts += zip(ids, envelopes).map { ($0, $1) } }
    }

    /// Claims to have a blob; the bytes are the test's to answer.
    func claim(_ facts: FileDigests) {
        state.withLock { $0.pieces[facts.sha256] = facts }
    }

    /// Calls whose path begins so.
    func calls(_ prefix: String) -> [Call] {
        state.withLock { $0.calls.filter { $0.path.hasPrefix(prefix) } }
    }

    /// Returns when a call with such a path has come.
    func called(_ prefix: String) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                let isThere = state.calls.contains { $0.path.hasPrefix(prefix) }
                if !isThere { state.waiting.append((prefix, continuation)) }
                return isThere
            }
            if isThere { continuation.resume() }
        }
    }

    /// Sends bytes, frames or not, to whoever follows the stream.
    func stream(_ bytes: [UInt8]) {
        let streams = state.withLock { $0.streams }
        let chunk = Array((String(bytes.count, radix: 16) + "\r\n").utf8) + bytes + [13, 10]
        let gone = streams.filter { !$0.write(chunk) }
        state.withLock { state in state.streams.removeAll { stream in gone.contains { $0 === stream } } }
    }

    /// How often the stream was followed; the look at where it ends, which comes before reconciliation, does not count.
    var streamsOpened: Int { state.withLock { $0.streamsOpened } }

    /// Ends all streams.
    func cutStreams() {
        let streams = state.withLock { state in
            defer { state.streams = [] }
            return state.streams
        }
        streams.forEach { $0.cut() }
    }

    /// A stream frame: its length, cursor and envelope.
    static func frame(_ envelope: Data, cursor: Int) throws -> [UInt8] {
        var frame = WireStreamFrame()
        frame.cursor = "00000000000000000000000000000001.\(cursor)"
        frame.envelope = envelope
        let bytes: [UInt8] = try frame.serializedBytes()
        return varint(bytes.count) + bytes
    }

    static func varint(_ number: Int) -> [UInt8] {
        var (rest, bytes) = (number, [UInt8]())
        repeat {
            bytes.append(UInt8(rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        return bytes
    }

    /// A whole reply.
    static func reply(_ status: String, _ body: [UInt8], _ fields: String = "") -> [UInt8] {
        let head = "HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\(fields)\r\n"
        return Array(head.utf8) + body
    }

    // MARK: Serving

    private func serve(_ connection: Connection) {
        state.withLock { $0.open.append(connection) }
        guard let call = Self.read(connection) else { return connection.cut() }
        let waiting = state.withLock { state in
            state.calls.append(call)
            defer { state.waiting.removeAll { call.path.hasPrefix($0.path) } }
            return state.waiting.filter { call.path.hasPrefix($0.path) }.map(\.1)
        }
        waiting.forEach { $0.resume() }
        if answer(call, connection) { return }
        guard let reply = try? politeReply(call) else {
            if call.path.hasPrefix("/w/1/stream") { return begin(connection, at: call.path) }
            connection.write(Self.reply("404 Not Found", []))
            return connection.cut()
        }
        connection.write(Self.reply("200 OK", reply, "Content-Type: application/x-protobuf\r\n"))
        connection.endWriting()
    }

    /// A whole request; nil when the other side is gone before.
    static func read(_ connection: Connection) -> Call? {
        var bytes: [UInt8] = []
        while true {
            if let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
                let (words, fields) = HTTP.head(bytes[..<end.lowerBound])
                guard words.count == 3 else { return nil }
                let length = fields.first { $0.name.lowercased() == "content-length" }.flatMap { Int($0.value) } ?? 0
                while bytes.count < end.upperBound + length {
                    let more = connection.read()
                    if more.isEmpty { return nil }
                    bytes += more
                }
                return Call(
                    method: words[0], path: words[1], fields: fields, body: Array(bytes[end.upperBound...]))
            }
            let more = connection.read()
            if more.isEmpty { return nil }
            bytes += more
        }
    }

    /// What a well-behaved node would say. Nil where it would say 404, or has a stream to offer.
    private func politeReply(_ call: Call) throws -> [UInt8]? {
        switch call.path.split(separator: "?")[0] {
        case "/w/1/node":
            var info = WireNodeInfo()
            info.keyChain = persona.documents
            info.announce = try persona.post {
                $0.nodeAnnounce.urls = [url]
                $0.nodeAnnounce.name = "fake"
                $0.nodeAnnounce.software = "fake/1"
            }
            return try info.serializedBytes()
        case "/w/1/posts":
            var results = WirePostResults()
            results.results = try WirePostBatch(serializedBytes: call.body).envelopes.map { _ in
                var result = WirePostResult()
                result.status = .new
                return result
            }
            return try results.serializedBytes()
        case "/w/1/sync":
            // Negentropy v1: one range up to infinity, with the list of all ids.
            let ids = state.withLock { $0.posts.map(\.id) }
            var reply = WireSyncMessage()
            // Its numbers have their highest digit first.
            let count = Self.varint(ids.count).reversed().enumerated().map { at, digit in
                at == Self.varint(ids.count).count - 1 ? digit & 0x7f : digit | 0x80
            }
            reply.message = Data([0x61, 0, 0, 2] + count + ids.flatMap(\.bytes))
            return try reply.serializedBytes()
        case "/w/1/posts/get":
            let wanted = Set(try WirePostIDs(serializedBytes: call.body).ids)
            var batch = WirePostBatch()
            batch.envelopes = state.withLock { $0.posts.filter { wanted.contains($0.id.data) }.map(\.envelope) }
            return try batch.serializedBytes()
        case "/w/1/blobs/have":
            let known = state.withLock { $0.pieces }
            var reply = WireBlobPresence()
            reply.presence = try WireBlobHashes(serializedBytes: call.body).sha256.map { hash in
                Hash32(hash).flatMap { known[$0] } == nil ? .none : .whole
            }
            return try reply.serializedBytes()
        default:
            guard call.path.hasPrefix("/w/1/blobs/"), call.path.hasSuffix("/pieces"),
                let hash = Hash32(hex: call.path.split(separator: "/")[3]),
                let facts = state.withLock({ $0.pieces[hash] })
            else { return nil }
            var pieces = WireBlobPieces()
            pieces.size = facts.size
            pieces.piecesRoot = facts.piecesRoot.data
            pieces.units = facts.layer.map(\.data)
            return try pieces.serializedBytes()
        }
    }

    /// Opens a stream: a heartbeat, then what the test sends.
    private func begin(_ connection: Connection, at path: String) {
        connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        state.withLock { state in
            state.streams.append(connection)
            if path.contains("cursor=") { state.streamsOpened += 1 }
        }
        if let frame = try? Self.frame(Data(), cursor: 1) { stream(frame) }
    }
}
