/// Why a program could not be run apart from everything else.
public enum SandboxError: Error, Hashable, Sendable {
    /// A tool that makes the sandbox is missing, or the system does not let this user make one.
    case unavailable(String)
    /// The program is not installed.
    case noProgram(String)
    /// It ran longer than it may, and was killed.
    case timedOut(seconds: Int)
    /// It was killed by the system, mostly because it took more memory or time than it may.
    case killed(signal: Int32)
    /// It could not be started, or the task was cancelled.
    case failed(String)
}

extension SandboxError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unavailable(let why): "no sandbox can be made here: \(why)"
        case .noProgram(let name): "\(name) is not installed"
        case .timedOut(let seconds): "it took longer than \(seconds) seconds"
        case .killed(let signal): "it was stopped by signal \(signal)"
        case .failed(let why): why
        }
    }
}
