import ArgumentParser
import AsyncHTTPClient
import Digests
import Federation
import Foundation
import Identity
import NIOCore
import NIOHTTP1
import Synchronization
import WaggleProtocol

/// How soon many readers of a node's stream have what is said there.
struct StreamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Say things at a node at a steady pace, and read its stream as so many nodes; JSON of milliseconds.")

    @Argument(help: "The node's URL.")
    var url: String

    @Option(help: "The key file of an account there.")
    var key: String

    @Option(help: "A token of that account with the scope publish.")
    var token: String

    @Option(help: "Readers.")
    var readers = 50

    @Option(help: "Posts a second.")
    var rate = 2000

    @Option(help: "Seconds.")
    var seconds = 15

    private struct Result: Encodable {
        let posts: Int
        let readers: Int
        /// Posts a second that were taken.
        let rate: Double
        /// From when a post was sent until a reader had it: milliseconds.
        let p50: Double
        let p99: Double
        let worst: Double
        /// Posts that some reader did not get within ten seconds after the last.
        let missing: Int
    }

    /// Posts of one request.
    private static let batch = 100
    private static let http = {
        var configuration = HTTPClient.Configuration()
        // One connection for each reader, for as long as it reads, and some to hand posts in.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    func run() async throws {
        let signer = try Self.signer(key)
        let count = rate * seconds / Self.batch * Self.batch
        let start = UInt64(Date().timeIntervalSince1970)
        let posts = try (0..<count).map { number in
            var post = WirePost()
            post.created = start
            post.comment.subject = signer.author.data
            post.comment.text =
                "Number \(number) of many; a comment of the usual length, as people write under a model."
            return try signer.sign(post)
        }
        let numbers = Dictionary(uniqueKeysWithValues: posts.enumerated().map { ($1.id, $0) })
        let watch = Watch(posts: count, readers: readers)
        let address = try PeerURL(url)
        var streams: [Task<Void, any Error>] = []
        for reader in 0..<readers {
            let (identity, documents) = try NodeIdentity.passing(now: start)
            let client = NodeClient(url: address, http: Self.http, identity: identity) {
                UInt64(Date().timeIntervalSince1970)
            }
            let results = try await client.offer(documents)
            guard results.allSatisfy({ $0.status == .new }) else { throw BenchError(what: "a reader is not let in") }
            streams.append(
                Task {
                    try await client.stream(cursor: nil) { frames in
                        watch.open(reader)
                        let now = ContinuousClock.now
                        for frame in frames where !frame.envelope.isEmpty {
                            if let id = try? OpenedEnvelope(frame.envelope).id, let number = numbers[id] {
                                watch.arrived(number, at: reader, now)
                            }
                        }
                    }
                })
        }
        while watch.openCount < readers { try await Task.sleep(for: .milliseconds(10)) }
        let began = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for first in stride(from: 0, to: count, by: Self.batch) {
                let due = began + .seconds(1) * (Double(first) / Double(rate))
                try await Task.sleep(until: due)
                group.addTask { try await hand(in: posts[first..<first + Self.batch], first, watch) }
            }
            try await group.waitForAll()
        }
        let taken = Double(count) / ((ContinuousClock.now - began) / .seconds(1))
        let end = ContinuousClock.now + .seconds(10)
        while watch.missing > 0, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(20)) }
        for stream in streams { stream.cancel() }
        let delays = watch.delays
        let result = Result(
            posts: count, readers: readers, rate: taken, p50: delays[delays.count / 2],
            p99: delays[delays.count * 99 / 100], worst: delays[delays.count - 1], missing: watch.missing)
        print(String(decoding: try JSONEncoder().encode(result), as: UTF8.self))
        try await Self.http.shutdown()
    }

    private static func signer(_ path: String) throws -> Signer {
        let file = try KeyFile(path: path, passphrase: nil)
        guard let device = SigningKey(seed: file.secret) else { throw BenchError(what: "\(path) has no signing key") }
        return Signer(author: file.author, device: device)
    }

    private func hand(in posts: ArraySlice<SignedPost>, _ first: Int, _ watch: Watch) async throws {
        var request = HTTPClientRequest(url: url + "/api/w1/posts")
        request.method = .POST
        request.headers = ["Authorization": "Bearer \(token)", "Content-Type": "application/json"]
        let body = try JSONEncoder().encode(["envelopes": posts.map { $0.envelope.base64EncodedString() }])
        request.body = .bytes(ByteBuffer(bytes: body))
        watch.sent(first..<first + posts.count, .now)
        let response = try await Self.http.execute(request, timeout: .seconds(60))
        let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
        guard response.status == .ok, !text.contains("\"invalid\""), !text.contains("\"rate\"") else {
            throw BenchError(what: "the node answers \(response.status): \(text.prefix(300))")
        }
    }
}

/// When each post was sent, and when each reader had it.
private final class Watch: Sendable {
    private struct State {
        var sent: [ContinuousClock.Instant?]
        /// Milliseconds; each post once a reader.
        var delays: [Double] = []
        var open: Set<Int> = []
    }

    private let state: Mutex<State>
    private let all: Int

    init(posts: Int, readers: Int) {
        all = posts * readers
        var state = State(sent: Array(repeating: nil, count: posts))
        state.delays.reserveCapacity(posts * readers)
        self.state = Mutex(state)
    }

    func open(_ reader: Int) { state.withLock { _ = $0.open.insert(reader) } }
    var openCount: Int { state.withLock { $0.open.count } }

    func sent(_ posts: Range<Int>, _ now: ContinuousClock.Instant) {
        state.withLock { state in
            for post in posts { state.sent[post] = now }
        }
    }

    func arrived(_ post: Int, at reader: Int, _ now: ContinuousClock.Instant) {
        state.withLock { state in
            guard let sent = state.sent[post] else { return }
            state.delays.append((now - sent) / .milliseconds(1))
        }
    }

    var missing: Int { state.withLock { all - $0.delays.count } }
    var delays: [Double] { state.withLock { $0.delays.sorted() } }
}
