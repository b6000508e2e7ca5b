import Foundation
import Synchronization

/// Where the demonstration plays: two nodes and the files that are published.
struct Stage: Sendable {
    let maker: DemoNode
    let mirror: DemoNode
    /// Model files and pictures that are made for the demonstration.
    let files: String
    /// The demo model as it is shipped.
    let model: String
    let examples: String

    init(waggle: String, examples: String, root: String) throws {
        let program = URL(filePath: waggle).path
        files = root + "/files"
        self.examples = URL(filePath: examples).path
        model = self.examples + "/demo-model"
        try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: true)
        maker = DemoNode(program: program, home: root + "/maker", name: "Honeycomb", port: 7711)
        mirror = DemoNode(program: program, home: root + "/mirror", name: "Meadow", port: 7712)
    }

    func stop() async {
        await maker.stop()
        await mirror.stop()
    }
}

/// Says something at once, also to a program that reads along.
func tell(_ words: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data((words + "\n").utf8))
}

/// Why the demonstration cannot go on, in words.
struct DemoError: Error, CustomStringConvertible {
    let description: String
}

/// A node: its home, its server, and the commands that are given to it.
final class DemoNode: Sendable {
    let program: String
    let home: String
    let name: String
    private let wantedPort: Int
    private struct Server {
        let process: Process
        let url: String
    }
    private let server = Mutex<Server?>(nil)

    var url: String { server.withLock { $0?.url } ?? "" }

    init(program: String, home: String, name: String, port: Int) {
        self.program = program
        self.home = home
        self.name = name
        wantedPort = port
    }

    /// The command line that a person would type for this node.
    func line(_ words: String) -> String { "\(program) \(words) --home \(home)" }

    private func process(_ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("WAGGLE_") }
        environment["WAGGLE_HOME"] = home
        environment["WAGGLE_NAME"] = name
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        return process
    }

    /// Runs a command to its end and gives back what it printed.
    @discardableResult
    func run(_ arguments: String...) async throws -> String {
        try await run(arguments)
    }

    @discardableResult
    func run(_ arguments: [String]) async throws -> String {
        try Task.checkCancellation()
        let process = process(arguments)
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        async let printed = Self.everything(from: output)
        async let said = Self.everything(from: errors)
        let status = try await withCheckedThrowingContinuation { (done: CheckedContinuation<Int32, any Error>) in
            process.terminationHandler = { done.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                try? output.fileHandleForWriting.close()
                try? errors.fileHandleForWriting.close()
                done.resume(throwing: error)
            }
        }
        let (text, complaint) = await (printed, said)
        guard status == 0 else {
            throw DemoError(
                description: "`waggle \(arguments.joined(separator: " "))` ended with \(status):\n\(complaint)")
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// What a command prints with `--json`.
    func json<Value: Decodable>(_ type: Value.Type, _ arguments: String...) async throws -> Value {
        try JSONDecoder().decode(type, from: Data(try await run(arguments + ["--json"]).utf8))
    }

    private static func everything(from pipe: Pipe) async -> String {
        await withCheckedContinuation { done in
            DispatchQueue.global().async {
                let data = (try? pipe.fileHandleForReading.readToEnd()) ?? nil
                done.resume(returning: String(decoding: data ?? Data(), as: UTF8.self))
            }
        }
    }

    /// Starts the server and returns when it can be reached.
    func serve() async throws {
        try await run("init")
        // The port that a person can remember, or any other when somebody has it.
        for port in [wantedPort, 0] {
            let process = process(["serve", "--listen", "127.0.0.1:\(port)"])
            let output = Pipe()
            let log = home + ".log"
            try Data().write(to: URL(filePath: log))
            process.standardOutput = output
            process.standardError = FileHandle(forWritingAtPath: log)
            try process.run()
            guard let url = await Self.address(from: output) else {
                process.waitUntilExit()
                if port != 0 { continue }
                let why = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                throw DemoError(description: "the node \(name) did not start: \(why)")
            }
            return server.withLock { $0 = Server(process: process, url: url) }
        }
    }

    /// The first address that a server prints; nil when it ends before that.
    private static func address(from pipe: Pipe) async -> String? {
        await withCheckedContinuation { done in
            DispatchQueue.global().async {
                var text = ""
                while true {
                    let more = pipe.fileHandleForReading.availableData
                    guard !more.isEmpty else { return done.resume(returning: nil) }
                    text += String(decoding: more, as: UTF8.self)
                    if let start = text.range(of: "http://"), let end = text[start.lowerBound...].firstIndex(of: "\n") {
                        return done.resume(returning: String(text[start.lowerBound..<end]))
                    }
                }
            }
        }
    }

    /// Asks the server to end and waits until it has.
    func stop() async {
        guard let process = server.withLock({ $0?.process }), process.isRunning else { return }
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            DispatchQueue.global().async {
                process.terminate()
                process.waitUntilExit()
                done.resume()
            }
        }
    }
}
