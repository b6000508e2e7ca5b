import Foundation
import Glibc
import Synchronization
import Testing

/// A node: a home, the real `waggle serve` process on it, and the real command line.
final class TestNode: Sendable {
    let name: String
    let home: String
    private let world: World
    private let state = Mutex<(server: ChildProcess?, url: String, arguments: [String], log: String)>((nil, "", [], ""))

    init(_ name: String, home: String, world: World) {
        self.name = name
        self.home = home
        self.world = world
        world.atEnd { await self.kill() }
        world.addLog { self.log }
    }

    // MARK: The server

    /// Where the running server listens: `http://127.0.0.1:PORT`.
    var url: String { state.withLock { $0.url } }

    /// The process id of the running server.
    var processID: pid_t? { state.withLock { $0.server?.id } }

    var isRunning: Bool { state.withLock { $0.server }?.isRunning ?? false }

    /// What the servers of this home printed, the latest last.
    var log: String {
        state.withLock { state in
            let now = state.server.map { $0.output.text + $0.errors.text } ?? ""
            return "---- \(name) ----\n\(state.log)\(now)\n"
        }
    }

    /// Starts the server and returns when it says where it serves.
    func start(_ arguments: [String]) async throws {
        let server = try Waggle.start(["serve", "--listen", "127.0.0.1:0", "--home", home] + arguments)
        state.withLock { state in
            if let before = state.server { state.log += before.output.text + before.errors.text }
            state.server = server
            state.arguments = arguments
        }
        let watch = Task { if (try? await Task.sleep(for: .seconds(60))) != nil { server.send(SIGKILL) } }
        defer { watch.cancel() }
        guard let line = await server.output.line(with: " serves http"), let url = line.split(separator: " ").last
        else { throw HarnessError("\(name) does not serve: \(await server.errors.whole)") }
        state.withLock { $0.url = String(url) }
    }

    /// Starts the server again as it was started last.
    func restart() async throws {
        try await start(state.withLock { $0.arguments })
    }

    /// `kill -9`.
    func kill() async {
        guard let server = state.withLock({ $0.server }) else { return }
        server.send(SIGKILL)
        _ = await server.ended()
    }

    /// SIGTERM, and how the server ended.
    func stop() async -> ChildProcess.Exit? {
        guard let server = state.withLock({ $0.server }) else { return nil }
        server.send(SIGTERM)
        return await server.ended(within: 30)
    }

    // MARK: The command line

    /// Runs a command on this home.
    func run(_ arguments: String...) async throws -> CommandResult {
        try await Waggle.run(arguments + ["--home", home])
    }

    /// Runs a command that must succeed.
    @discardableResult
    func ok(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws -> CommandResult {
        let result = try await Waggle.run(arguments + ["--home", home])
        try #require(result.exit == 0, "\(arguments): \(result)", sourceLocation: sourceLocation)
        return result
    }

    /// What a command prints with `--json`.
    func json<Value: Decodable>(
        _ type: Value.Type, _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Value {
        let result = try await Waggle.run(arguments + ["--json", "--home", home])
        try #require(result.exit == 0, "\(arguments): \(result)", sourceLocation: sourceLocation)
        return try result.json(type)
    }

    // MARK: HTTP

    func get(_ path: String, _ fields: [String: String] = [:]) async throws -> HTTPReply {
        try await HTTP.send("GET", url + path, fields)
    }

    /// The reply of an API route.
    func api<Value: Decodable>(
        _ type: Value.Type, _ path: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Value {
        let reply = try await get(path)
        try #require(reply.status == 200, "\(path): \(reply.text)", sourceLocation: sourceLocation)
        return try JSONDecoder().decode(type, from: Data(reply.body))
    }
}

/// What a command did.
struct CommandResult: Sendable, CustomStringConvertible {
    let exit: Int32
    let output: String
    let errors: String

    var description: String { "exit \(exit)\n\(output)\n\(errors)" }

    func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: Data(output.utf8))
    }
}

/// The program under test.
enum Waggle {
    /// `WAGGLE_BINARY`, else the program beside the test bundle, where the package manager puts both.
    static let program: String = {
        if let given = ProcessInfo.processInfo.environment["WAGGLE_BINARY"] { return given }
        let bundle = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let beside = bundle.appending(path: "waggle").path
        if access(beside, X_OK) == 0 { return beside }
        return URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "waggle").path
    }()

    /// Nothing of the caller's own nodes and settings reaches the tests.
    private static func environment(_ extra: [String: String]) -> [String: String] {
        let kept = ProcessInfo.processInfo.environment.filter { ["PATH", "LD_LIBRARY_PATH", "LANG"].contains($0.key) }
        return kept.merging(["HOME": "/nonexistent", "WAGGLE_LOG_LEVEL": "info"]) { $1 }.merging(
            (try? World.current.environment) ?? [:]
        ) { $1 }
        .merging(extra) { $1 }
    }

    static func start(
        _ arguments: [String], environment extra: [String: String] = [:]
    ) throws -> ChildProcess {
        try ChildProcess(program, arguments, environment: environment(extra))
    }

    static func run(
        _ arguments: [String], environment extra: [String: String] = [:]
    ) async throws -> CommandResult {
        let child = try start(arguments, environment: extra)
        let exit = await child.ended()
        let (output, errors) = await (child.output.whole, child.errors.whole)
        guard case .code(let code) = exit else {
            throw HarnessError("waggle \(arguments.joined(separator: " ")) ended by \(exit)\n\(output)\n\(errors)")
        }
        return CommandResult(exit: code, output: output, errors: errors)
    }
}
