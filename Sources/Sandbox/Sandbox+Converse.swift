import Subprocess
public import SystemPackage
import WaggleProtocol

extension Sandbox {
    /// What stands between a program and this machine.
    public enum Confinement: Sendable, Hashable {
        case full
        /// Bounds on memory and files alone: what an operator may choose where no namespaces can be made.
        case boundsOnly
    }

    /// Runs a program that is spoken with line by line, until it ends by itself or the task is cancelled, when it is killed
    /// with everything that it started.
    ///
    /// - Parameters:
    ///   - path: absolute, as the program sees it.
    ///   - bindings: what it sees besides `/usr`. With `boundsOnly` it sees everything, under its own names.
    ///   - bounds: `seconds` does not count here: whoever speaks with it knows how long it may take.
    ///   - input: lines for it; when they end it finds the end of its standard input.
    ///   - complaint: called once with the end of its standard error, however it ended.
    ///   - line: called for each line of its standard output, without the line feed.
    /// - Returns: how it ended, with the end of its standard error.
    /// - Throws: as `run`.
    public func converse(
        _ path: FilePath, _ arguments: [String], confinement: Confinement = .full, bindings: [Binding] = [],
        environment: [String: String] = [:], bounds: Bounds, input: AsyncStream<[UInt8]>,
        complaint: @Sendable (String) -> Void = { _ in },
        line: @escaping @Sendable (String) -> Void
    ) async throws(SandboxError) -> Outcome {
        let tools = [Self.prlimit, Self.nice] + (confinement == .full ? [Self.bubblewrap] : [])
        for tool in tools where !Self.exists(tool) {
            throw .unavailable("\(tool) is missing; install bubblewrap, util-linux and coreutils")
        }
        let command =
            confinement == .full
            ? Self.command(path.string, arguments, bindings, environment, bounds)
            : Self.bounding(bounds) + [path.string] + arguments
        var variables = [Environment.Key: String]()
        if confinement == .boundsOnly {
            for (name, value) in environment.merging(["PATH": "/usr/bin", "HOME": "/tmp"], uniquingKeysWith: { $1 }) {
                variables[Environment.Key(stringLiteral: name)] = value
            }
        }
        let ended: Ended
        do {
            ended = try await Self.speak(Self.expendable(command), variables, input, line)
        } catch {
            throw .failed("\(path): \(error)")
        }
        complaint(ended.output)
        switch ended.status {
        case .exited(let code):
            guard code <= 128 else { throw .killed(signal: code - 128) }
            if code != 0, ended.output.utf8.starts(with: "bwrap: ".utf8) { throw .unavailable(ended.output) }
            return Outcome(exitCode: code, output: ended.output)
        case .signaled(let signal): throw .killed(signal: signal)
        }
    }

    /// Runs a program of this machine with everything within reach: for what the operator asked for, such as a package
    /// manager. It is killed when the task is cancelled.
    ///
    /// - Parameter line: called for each line that it prints.
    /// - Throws: `noProgram`, `failed`, `killed`.
    public static func runOpenly(
        _ path: FilePath, _ arguments: [String], line: @escaping @Sendable (String) -> Void
    ) async throws(SandboxError) -> Outcome {
        guard exists(path) else { throw .noProgram(path.string) }
        let ended: Ended
        do {
            ended = try await speakOpenly([path.string] + arguments, line)
        } catch {
            throw .failed("\(path): \(error)")
        }
        switch ended.status {
        case .exited(let code): return Outcome(exitCode: code, output: ended.output)
        case .signaled(let signal): throw .killed(signal: signal)
        }
    }

    /// When memory runs out the system ends this and not the node.
    private static func expendable(_ command: [String]) -> [String] {
        has("choom") ? ["/usr/bin/choom", "-n", "800", "--", nice.string] + command : [nice.string] + command
    }

    private enum Part: Sendable {
        case input, output
        case error(String)
    }

    private static func speak(
        _ command: [String], _ variables: [Environment.Key: String], _ input: AsyncStream<[UInt8]>,
        _ line: @escaping @Sendable (String) -> Void
    ) async throws -> Ended {
        var options = PlatformOptions()
        options.createSession = true
        let result = try await Subprocess.run(
            .path(FilePath(command[0])), arguments: Arguments(Array(command.dropFirst())),
            environment: .custom(variables), platformOptions: options, input: .inputWriter, output: .sequence,
            error: .sequence
        ) { execution in
            let (writer, output, error) = (
                execution.standardInputWriter, execution.standardOutput, execution.standardError
            )
            return try await withThrowingTaskGroup(of: Part.self) { group in
                group.addTask {
                    for await bytes in input {
                        // A program that ended does not read; its end is told by its outputs.
                        guard (try? await writer.write(bytes)) != nil else { break }
                    }
                    try? await writer.finish()
                    return .input
                }
                group.addTask {
                    try await Self.lines(of: output, line)
                    return .output
                }
                group.addTask {
                    var tail: [UInt8] = []
                    for try await buffer in error { Self.keep(buffer, &tail) }
                    return .error(String(decoding: tail.suffix(Limits.Sandbox.outputBytes), as: UTF8.self))
                }
                var (tail, isRead): (String?, Bool) = (nil, false)
                while tail == nil || !isRead, let part = try await group.next() {
                    switch part {
                    case .input: break
                    case .output: isRead = true
                    case .error(let text): tail = text
                    }
                }
                // It has ended; nobody reads what is still said to it.
                group.cancelAll()
                return tail ?? ""
            }
        }
        return Ended(status: result.terminationStatus, output: result.closureResult)
    }

    private static func speakOpenly(
        _ command: [String], _ line: @escaping @Sendable (String) -> Void
    ) async throws -> Ended {
        let result = try await Subprocess.run(
            .path(FilePath(command[0])), arguments: Arguments(Array(command.dropFirst())), input: .none,
            output: .sequence, error: .combinedWithOutput
        ) { execution in
            try await Self.lines(of: execution.standardOutput, line)
        }
        return Ended(
            status: result.terminationStatus,
            output: String(decoding: result.closureResult.suffix(Limits.Sandbox.outputBytes), as: UTF8.self))
    }

    /// Hands on whole lines; one that is too long is cut.
    ///
    /// - Returns: the end of all of it.
    @discardableResult
    private static func lines(
        of output: SubprocessOutputSequence, _ line: @Sendable (String) -> Void
    ) async throws -> [UInt8] {
        var tail: [UInt8] = []
        var rest: [UInt8] = []
        for try await buffer in output {
            keep(buffer, &tail)
            buffer.withUnsafeBytes { bytes in
                for byte in bytes {
                    if byte == UInt8(ascii: "\n") {
                        line(String(decoding: rest, as: UTF8.self))
                        rest.removeAll(keepingCapacity: true)
                    } else if rest.count < Limits.Sandbox.lineBytes {
                        rest.append(byte)
                    }
                }
            }
        }
        if !rest.isEmpty { line(String(decoding: rest, as: UTF8.self)) }
        return tail
    }

    private static func keep(_ buffer: SubprocessOutputSequence.Buffer, _ tail: inout [UInt8]) {
        buffer.withUnsafeBytes { tail += $0 }
        if tail.count > 2 * Limits.Sandbox.outputBytes { tail.removeFirst(tail.count - Limits.Sandbox.outputBytes) }
    }
}
