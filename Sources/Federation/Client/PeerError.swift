public import Digests
import Glibc
import Identity
import NIOCore
import WaggleProtocol

/// Why an exchange with another node failed, and what to do about it.
public enum PeerError: Error, Equatable, Sendable {
    case invalidAddress(String, reason: String)
    case unreachable(url: String, reason: String)
    case refused(url: String, status: Int, code: String, detail: String)
    case tooLarge(url: String, limit: Int)
    case stalled(url: String)
    /// It did not come to an end in time.
    case late(url: String, seconds: Int64)
    case malformed(url: String, detail: String)
    case wrongNode(url: String, expected: Hash32, found: Hash32)
    case ownNode(url: String)
    case cursorUnknown

    /// What the system or the HTTP client says of a connection that failed, in words for a person.
    public static func reason(_ error: any Error) -> String {
        // Its own description wraps the system's words into those of NIO, with the number of the error.
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
        return String(describing: error)
    }

    public var message: String {
        switch self {
        case .invalidAddress(let url, let reason): "\(url) is no address of a node: \(reason)"
        case .unreachable(let url, let reason): "\(url) does not answer: \(reason). Is the node running there?"
        case .refused(let url, let status, let code, let detail):
            "\(url) answered \(status)\(code.isEmpty ? "" : " \(code)")\(detail.isEmpty ? "" : ": \(detail)")"
        case .tooLarge(let url, let limit): "\(url) sent more than \(limit) bytes where less is due; it was cut off"
        case .stalled(let url):
            "\(url) sent fewer than \(Limits.Blob.paceBytes) bytes in \(Limits.Blob.paceSeconds) s; it was given up"
        case .late(let url, let seconds): "\(url) takes longer than \(seconds) s; it was given up"
        case .malformed(let url, let detail): "\(url) sent what is no answer of a node: \(detail)"
        case .wrongNode(let url, let expected, let found):
            "\(url) is node \(AuthorID.short(found)), not \(AuthorID.short(expected)); "
                + "if it was set up anew, remove the peer and add it again"
        case .ownNode(let url): "\(url) is this node itself"
        case .cursorUnknown: "the peer's log was renewed; reconciling"
        }
    }
}
