import Foundation
import Glibc
import Synchronization

/// A program of its own: what it prints is awaited line by line, its end is awaited, and any signal can be sent to it.
final class ChildProcess: Sendable {
    /// How a process ended.
    enum Exit: Equatable, Sendable {
        case code(Int32)
        case signal(Int32)
    }

    let id: pid_t
    let output: ProcessText
    let errors: ProcessText
    private let end = Mutex<(exit: Exit?, waiting: [CheckedContinuation<Exit, Never>])>((nil, []))

    /// Starts a program; its standard input is empty.
    init(_ program: String, _ arguments: [String], environment: [String: String]) throws {
        let started = try Self.one.withLock { _ in try Self.spawn(program, arguments, environment) }
        id = started.id
        output = ProcessText(started.output)
        errors = ProcessText(started.errors)
        Thread.detachNewThread { self.reap() }
    }

    /// One at a time: between the making of a pipe and its mark no other child may inherit it, or it would never end.
    private static let one = Mutex(())

    private static func spawn(
        _ program: String, _ arguments: [String], _ environment: [String: String]
    ) throws -> (id: pid_t, output: Int32, errors: Int32) {
        let outputPipe = try pipe()
        let errorPipe = try pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, outputPipe.write, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errorPipe.write, STDERR_FILENO)
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + variables).forEach { free($0) } }
        var id: pid_t = 0
        let failure = posix_spawn(&id, program, &actions, nil, words, variables)
        close(outputPipe.write)
        close(errorPipe.write)
        guard failure == 0 else {
            close(outputPipe.read)
            close(errorPipe.read)
            throw HarnessError("\(program) does not start: \(String(cString: strerror(failure)))")
        }
        return (id, outputPipe.read, errorPipe.read)
    }

    /// The process's end. One that is still running after so many seconds is killed.
    func ended(within seconds: Double = 90) async -> Exit {
        let watch = Task {
            if (try? await Task.sleep(for: .seconds(seconds))) != nil { self.send(SIGKILL) }
        }
        defer { watch.cancel() }
        return await withCheckedContinuation { waiting in
            let known = end.withLock { end in
                if end.exit == nil { end.waiting.append(waiting) }
                return end.exit
            }
            if let known { waiting.resume(returning: known) }
        }
    }

    var isRunning: Bool { end.withLock { $0.exit == nil } }

    /// Sends a signal, unless the process has ended.
    func send(_ signal: Int32) {
        end.withLock { end in
            if end.exit == nil { _ = Glibc.kill(id, signal) }
        }
    }

    private func reap() {
        // The process stays in the table until it is taken out under the lock, so no signal meets a stranger.
        var information = siginfo_t()
        while waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let (exit, waiting) = end.withLock { end in
            var status: Int32 = 0
            waitpid(id, &status, 0)
            let exit: Exit = status & 0x7f == 0 ? .code(status >> 8 & 0xff) : .signal(status & 0x7f)
            defer { end.waiting = [] }
            end.exit = exit
            return (exit, end.waiting)
        }
        waiting.forEach { $0.resume(returning: exit) }
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            throw HarnessError("no pipe: \(String(cString: strerror(errno)))")
        }
        return (ends[0], ends[1])
    }
}

/// Everything a process prints to one of its streams.
final class ProcessText: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isComplete = false
        var waiting: [CheckedContinuation<Void, Never>] = []

        mutating func wake() -> [CheckedContinuation<Void, Never>] {
            defer { waiting = [] }
            return waiting
        }
    }

    private let state = Mutex(State())

    fileprivate init(_ descriptor: Int32) {
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                let waiting = self.state.withLock { state in
                    if count > 0 { state.bytes += buffer[..<count] } else { state.isComplete = true }
                    return state.wake()
                }
                waiting.forEach { $0.resume() }
                if count <= 0 { break }
            }
            close(descriptor)
        }
    }

    /// What was printed so far.
    var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }

    /// All that the process prints until it closes the stream.
    var whole: String {
        get async {
            while await more() {}
            return text
        }
    }

    /// The first line that has `part` in it; nil when the stream ends without one.
    func line(with part: String) async -> String? {
        while true {
            // Asked before the text is read, so that nothing that arrives in between is missed.
            let isComplete = state.withLock { $0.isComplete }
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            if let line = lines.dropLast().first(where: { $0.contains(part) }) { return String(line) }
            if isComplete { return nil }
            _ = await more(than: text.utf8.count)
        }
    }

    /// Waits until there is more text than that; false when there will be none.
    private func more(than count: Int = .max) async -> Bool {
        await withCheckedContinuation { waiting in
            let isThere = state.withLock { state in
                let isThere = state.isComplete || state.bytes.count > count
                if !isThere { state.waiting.append(waiting) }
                return isThere
            }
            if isThere { waiting.resume() }
        }
        return !state.withLock { $0.isComplete }
    }
}

/// What the tests' own machinery could not do.
struct HarnessError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
