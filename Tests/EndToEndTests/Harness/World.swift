import Foundation
import Glibc
import Synchronization
import Testing

/// Where one test lives: a folder, the nodes and servers it starts, and their end.
final class World: Sendable {
    @TaskLocal private static var running: World?

    /// For an expectation that failed; an error that ends the test is seen outside of it.
    fileprivate static func printCurrentLogs() { running?.printLogs() }

    /// The world of the test that asks.
    static var current: World {
        get throws {
            guard let running else { throw HarnessError("the test's suite has no .nodes trait") }
            return running
        }
    }

    let folder: String
    /// What every program of the test is started with beside the usual.
    private let variables = Mutex<[String: String]>([:])
    private let closers = Mutex<[@Sendable () async -> Void]>([])
    private let logs = Mutex<[@Sendable () -> String]>([])

    private init() throws {
        var template = Array((FileManager.default.temporaryDirectory.path + "/waggle-test-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw HarnessError("no temporary folder") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Runs when the test is over, the newest first.
    func atEnd(_ close: @escaping @Sendable () async -> Void) {
        closers.withLock { $0.append(close) }
    }

    /// Is printed when the test fails.
    func addLog(_ text: @escaping @Sendable () -> String) {
        logs.withLock { $0.append(text) }
    }

    var environment: [String: String] { variables.withLock { $0 } }

    func setEnvironment(_ name: String, _ value: String) {
        variables.withLock { $0[name] = value }
    }

    func path(_ name: String) -> String { folder + "/" + name }

    /// Writes a file of the test and returns its path.
    func write(_ bytes: [UInt8], as name: String) throws -> String {
        let path = path(name)
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    /// A node with a home and a running server.
    func node(_ name: String, _ arguments: String...) async throws -> TestNode {
        let node = TestNode(name, home: path(name), world: self)
        try await node.start(arguments)
        return node
    }

    private func end() async {
        for close in closers.withLock({ $0 }).reversed() { await close() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    fileprivate static func run(_ body: @Sendable () async throws -> Void) async throws {
        let world = try World()
        let result: Result<Void, any Error>
        do {
            try await $running.withValue(world) { try await body() }
            result = .success(())
        } catch {
            world.printLogs()
            result = .failure(error)
        }
        await world.end()
        try result.get()
    }

    /// Prints what the test's processes said.
    private func printLogs() {
        for log in logs.withLock({ $0 }) { FileHandle.standardError.write(Data(log().utf8)) }
    }
}

/// Gives each test of a suite a `World`. Few run at a time: each starts several servers.
struct NodesTrait: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Stage.shared.withPlace { try await World.run(function) }
    }
}

extension Trait where Self == NodesTrait {
    static var nodes: NodesTrait { NodesTrait() }
}

extension Trait where Self == IssueHandlingTrait {
    /// Prints the nodes' logs with a failure.
    static var logsOnFailure: IssueHandlingTrait {
        .compactMapIssues { issue in
            World.printCurrentLogs()
            return issue
        }
    }
}

/// How many tests with real processes run at the same time.
private actor Stage {
    static let shared = Stage()
    private var free = 3
    private var waiting: [CheckedContinuation<Void, Never>] = []

    nonisolated func withPlace(_ body: @Sendable () async throws -> Void) async throws {
        await take()
        let result: Result<Void, any Error>
        do {
            try await body()
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await leave()
        try result.get()
    }

    private func take() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    private func leave() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}

/// Asks again and again until there is an answer: for states of another process that it announces to nobody.
func eventually<Value: Sendable>(
    _ what: String, within seconds: Double = 30, _ body: () async throws -> Value?
) async throws -> Value {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(seconds)
    while true {
        if let value = try await body() { return value }
        guard clock.now < deadline else { throw HarnessError("it never came to this in \(seconds) s: \(what)") }
        try await Task.sleep(for: .milliseconds(25))
    }
}

/// Asks until it is so.
func eventually(_ what: String, within seconds: Double = 30, isTrue body: () async throws -> Bool) async throws {
    _ = try await eventually(what, within: seconds) { try await body() ? true : nil }
}

/// Runs blocking work on a thread of its own, not on the threads that everybody shares.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}
