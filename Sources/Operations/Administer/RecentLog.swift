import Synchronization
import WaggleProtocol

/// The newest warnings and errors of this process, for the page that says how the node is. The log itself is kept by whoever
/// runs the program; nothing of this outlives it.
public final class RecentLog: Sendable {
    /// One line.
    public struct Line: Sendable, Hashable {
        /// Unix seconds.
        public let time: UInt64
        public let isError: Bool
        public let text: String
    }

    private struct State {
        var lines: [Line] = []
        var errors = 0
    }

    private let state = Mutex(State())

    public init() {}

    /// A process has one log.
    public static let shared = RecentLog()

    /// Newest first.
    public var lines: [Line] { state.withLock { $0.lines.reversed() } }

    /// Errors since the process began.
    public var errors: Int { state.withLock { $0.errors } }

    /// Keeps a line, and drops the oldest of too many.
    public func note(_ text: String, isError: Bool, at time: UInt64) {
        let line = Line(
            time: time, isError: isError, text: String(text.prefix(Limits.Administration.loggedCharacters)))
        state.withLock { state in
            if isError { state.errors += 1 }
            state.lines.append(line)
            if state.lines.count > Limits.Administration.loggedLines { state.lines.removeFirst() }
        }
    }
}
