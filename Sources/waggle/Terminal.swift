import ArgumentParser
import Foundation
import Glibc
import Operations
import Synchronization

/// Where words go: data on standard output, everything else on standard error.
enum Terminal {
    static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// A reader that goes away must end the command quietly, not kill it: writes report it.
    static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGINT) { _ in _exit(130) }
    }

    /// Lines of data, without what in a stranger's text would steer the terminal.
    static func print(_ text: String) {
        write(Data((lines(text) + "\n").utf8))
    }

    /// Data as it is. A reader that has gone away (`| head`) has seen enough: the command ends, and nothing failed.
    static func write(_ data: Data) {
        if (try? FileHandle.standardOutput.write(contentsOf: data)) == nil { exit(0) }
    }

    /// Words about the data.
    static func note(_ text: String) {
        tell(lines(text) + "\n")
    }

    /// Characters for standard error as they are; when nobody reads them any more the work goes on.
    static func tell(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// A value as JSON, keys sorted.
    static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        write(try encoder.encode(value) + Data("\n".utf8))
    }

    /// What signing one post came to.
    static func signed(_ reply: PostReply, json: Bool) throws {
        if json { return try Self.json(reply) }
        if !reply.isNew { note("Said before; nothing changed.") }
        Self.print(reply.post)
    }

    /// Asks a yes-or-no question; no when nobody can answer.
    static func confirm(_ question: String) -> Bool {
        guard isInteractive else { return false }
        tell(question + " [y/N] ")
        return ["y", "yes"].contains((readLine() ?? "").lowercased())
    }

    /// Asks for a line that is not shown while it is typed; nil when nobody can answer.
    static func secret(_ question: String) -> String? {
        guard isInteractive else { return nil }
        var shown = termios()
        guard tcgetattr(STDIN_FILENO, &shown) == 0 else { return nil }
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown)
            tell("\n")
        }
        tell(question + " ")
        return readLine()
    }

    /// All that is piped in, at most 64 KiB.
    static func standardInput() -> String {
        var bytes = Data()
        while bytes.count < 64 << 10, let more = try? FileHandle.standardInput.read(upToCount: 4096), !more.isEmpty {
            bytes += more
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Says what went wrong and ends the process with the code of its class.
    static func fail(_ error: any Error) -> Never {
        if let error = error as? OperationError {
            note("waggle: \(error.message)")
            exit(error.code.exitCode)
        }
        let code = Waggle.exitCode(for: error)
        if code == .success || error is ExitCode { Waggle.exit(withError: error) }
        note(Waggle.fullMessage(for: error))
        // The parser's own code for a wrong command line is 64; ours is 2.
        exit(code == .validationFailure ? 2 : code.rawValue)
    }

    /// Each line without what would steer a terminal or turn the line around; columns stay columns.
    private static func lines(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map { plain(String($0)) }
                .joined(separator: "\t")
        }.joined(separator: "\n")
    }

    /// A stranger's text without what would steer a terminal or turn the line around, in one line.
    static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: false
                    default: true
                    }
                }))
    }

    /// Columns with a tab between them, whatever is in them.
    static func columns(_ texts: [String]) {
        print(texts.map { plain($0) }.joined(separator: "\t"))
    }

    /// "1 entry", "2 entries".
    static func count(_ number: some BinaryInteger, _ one: String, _ many: String) -> String {
        "\(number) \(number == 1 ? one : many)"
    }

    /// What became of an account in each currency.
    static func tell(balances: [RotatedBalance]) {
        for line in balances {
            let name = line.symbol.isEmpty ? String(line.currency.prefix(16)) : plain(line.symbol)
            print("  \(name): \(line.balance), \(plain(line.outcome))")
            for url in line.silent ?? [] { note("\(plain(url)) did not answer, and hears of it from the others.") }
        }
    }

    /// A time span: "3 min 20 s".
    static func duration(_ seconds: UInt64) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min \(seconds % 60) s"
        case ..<86400: "\(seconds / 3600) h \(seconds / 60 % 60) min"
        default: "\(seconds / 86400) d \(seconds / 3600 % 24) h"
        }
    }

    static func date(_ seconds: UInt64) -> String {
        // Signed posts may hold any number; those beyond the year 9999 have no date.
        guard seconds < 253_402_300_800 else { return "after the year 9999" }
        return seconds == 0 ? "never" : Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }
}

/// Progress on standard error: one line that rewrites itself on a terminal, nothing elsewhere.
final class ProgressLine: Sendable {
    private struct State {
        var activity = ""
        var began = Date()
        var firstDone: UInt64 = 0
        var shown = Date.distantPast
        var isDirty = false
    }

    private let state = Mutex(State())
    private let isShown = isatty(STDERR_FILENO) == 1

    func show(_ step: Operations.Progress) {
        guard isShown else { return }
        state.withLock { state in
            let now = Date()
            if step.activity != state.activity {
                state.activity = step.activity
                state.began = now
                state.firstDone = step.done
            }
            guard now.timeIntervalSince(state.shown) > 0.1 || step.done == step.total else { return }
            state.shown = now
            state.isDirty = true
            let line = "\r\u{1b}[K" + text(step, state, now)
            Terminal.tell(line)
        }
    }

    /// Clears the line, so that what is printed next begins at the left.
    func finish() {
        state.withLock { state in
            if state.isDirty { Terminal.tell("\r\u{1b}[K") }
            state.isDirty = false
        }
    }

    private func text(_ step: Operations.Progress, _ state: State, _ now: Date) -> String {
        // What has no bytes has no rate either.
        guard step.done > 0 || step.total > 0 else { return step.activity }
        let seconds = now.timeIntervalSince(state.began)
        let rate = seconds > 0.2 ? Double(step.done - min(step.done, state.firstDone)) / seconds : 0
        var text = "\(step.activity): \(ByteSize.text(step.done))"
        if step.total > 0 { text += " of \(ByteSize.text(step.total))" }
        if rate > 0 {
            text += ", \(ByteSize.text(UInt64(rate)))/s"
            if step.total > step.done {
                let left = Int(Double(step.total - step.done) / rate)
                text += ", \(Terminal.duration(UInt64(left))) left"
            }
        }
        return text
    }
}
