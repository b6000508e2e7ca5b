/// One action of a node: what the command line, the API and the pages all call.
///
/// A request is a value that travels as JSON over the home's Unix socket, or runs in the same process when no server
/// does. Its reply does too.
public protocol Operation: Codable, Sendable {
    associatedtype Reply: Codable & Sendable

    /// The stable name on the socket: "publish", "peer add".
    static var name: String { get }

    func run(in context: OperationContext) async throws(OperationError) -> Reply
}

/// An operation's reply when there is nothing to say.
public struct Done: Codable, Sendable {
    public init() {}
}

/// Why an action did not happen: what, why, and what to do next, in words for a person; and a class for programs.
public struct OperationError: Error, Codable, Equatable, Sendable {
    /// The class decides the exit code of the command line and the status of the API.
    public enum Code: String, Codable, Sendable {
        case failed
        case usage
        case notFound = "not-found"
        case network
        case auth
        case integrity
        case conflict
        case limits
        /// More than the account may have kept on this node.
        case quota = "over-quota"
        /// Too often; `retryAfter` says when it may be tried again.
        case rate

        /// Exit codes of the command line: 1 failed check, 2 usage, 3 not found, 4 network, 5 auth, 6 integrity,
        /// 7 conflict, 8 disk or limits.
        public var exitCode: Int32 {
            switch self {
            case .failed: 1
            case .usage: 2
            case .notFound: 3
            case .network: 4
            case .auth: 5
            case .integrity: 6
            case .conflict: 7
            case .limits, .quota, .rate: 8
            }
        }
    }

    public let code: Code
    public let message: String
    /// Seconds; of `rate` alone.
    public let retryAfter: UInt64?
    /// True when a payment was refused for good: nothing of it can become final any more.
    public let isRefused: Bool?
    /// True when an order was kept whose answer is not known: what was asked for may still happen.
    public let isUnderWay: Bool?

    public init(
        _ code: Code, _ message: String, retryAfter: UInt64? = nil, isRefused: Bool? = nil, isUnderWay: Bool? = nil
    ) {
        self.isUnderWay = isUnderWay
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
        self.isRefused = isRefused
    }
}

/// How far a long action is.
public struct Progress: Codable, Equatable, Sendable {
    /// What is being done, in a few words: "hashing my-lora.safetensors".
    public let activity: String
    /// Bytes.
    public let done: UInt64
    /// Bytes; 0 when unknown.
    public let total: UInt64

    public init(activity: String, done: UInt64, total: UInt64) {
        self.activity = activity
        self.done = done
        self.total = total
    }
}
