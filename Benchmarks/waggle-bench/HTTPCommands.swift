import ArgumentParser
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// The bound of an answer over HTTP: the server library with bytes that are ready.
struct ServeBytesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http-bytes", abstract: "Serve the bytes of a file at every address, with nothing else in the way."
    )

    @Argument(help: "The file.")
    var file: String

    @Argument(help: "A port of 127.0.0.1.")
    var port: Int

    func run() async throws {
        let body = ByteBuffer(bytes: [UInt8](try Data(contentsOf: URL(filePath: file))))
        let router = Router()
        // "**" is at least one part of a path, so "/" is a route of its own.
        let answer: @Sendable (Request, BasicRequestContext) -> Response = { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/json; charset=utf-8"],
                body: ResponseBody(byteBuffer: body))
        }
        router.get("/", use: answer)
        router.get("**", use: answer)
        var application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)))
        application.logger.logLevel = .error
        try await application.runService()
    }
}

/// Asks a server over several connections, as fast as it answers or at a given pace.
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http-load", abstract: "Ask a server again and again; a JSON line of rates and times.",
        discussion: """
            With --rate, times count from the moment at which a request was due, not from when a connection was free: a server
            that stalls is blamed for everything that waited (coordinated omission).
            """)

    @Argument(help: "A port of 127.0.0.1.")
    var port: UInt16

    @Argument(help: "A file of paths, one a line; they are asked for in turn.")
    var paths: String

    @Option(help: "Connections, each on a thread of its own.")
    var connections = 16

    @Option(help: "How long, in seconds.")
    var seconds = 5.0

    @Option(help: "Requests a second of all together; 0 for as many as are answered.")
    var rate = 0.0

    private struct Line: Encodable {
        let requests: Int
        /// Answers that were not 200.
        let errors: Int
        let perSecond: Double
        /// Milliseconds.
        let p50: Double
        let p95: Double
        let p99: Double
        let worst: Double
        /// Bytes of the bodies.
        let bytes: Int
    }

    func run() async throws {
        let text = String(decoding: try Data(contentsOf: URL(filePath: paths)), as: UTF8.self)
        let paths = text.split(separator: "\n").map(String.init)
        guard !paths.isEmpty, connections > 0 else { throw BenchError(what: "there is nothing to ask") }
        let plan = LoadPlan(
            port: port, paths: paths, connections: connections, seconds: seconds, rate: rate,
            start: ContinuousClock.now + .milliseconds(50))
        let results = try await withThrowingTaskGroup(of: LoadResult.self) { group in
            for number in 0..<connections { group.addTask { try await plan.onThread(number) } }
            return try await group.reduce(into: LoadResult()) { $0.add($1) }
        }
        let times = results.milliseconds.sorted()
        func at(_ part: Double) -> Double {
            times.isEmpty ? 0 : (times[Int(Double(times.count - 1) * part)] * 1000).rounded() / 1000
        }
        let line = Line(
            requests: times.count, errors: results.errors, perSecond: Double(times.count) / seconds, p50: at(0.5),
            p95: at(0.95), p99: at(0.99), worst: at(1), bytes: results.bytes)
        print(String(decoding: try JSONEncoder().encode(line), as: UTF8.self))
    }
}
