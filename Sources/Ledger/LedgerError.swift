import Digests
import GRDB

/// What can go wrong with a node's ledger.
public enum LedgerError: Error, Equatable, Sendable {
    case malformed(String)
    /// The currency is not known here.
    case unknownCurrency(String)
    /// The key is not the charter's.
    case wrongKey(String)
    /// The database is older than the key: a backup was put back, and signing on would contradict what was signed since.
    case olderThanKey(path: String, generation: Int64, key: Int64)
    /// More requests wait than can be answered soon.
    case busy
    /// An authority said no.
    case refused(RefusalCode, String)
    /// Whoever is asked does not answer; whether the order arrived is not known.
    case unreachable(url: String, reason: String)
    /// The currency cannot be used here for now.
    case stopped(String)
    /// What was answered is not what was signed.
    case untrusted(String)
    case diskFull(path: String)
    case damaged(path: String, detail: String)
    case database(path: String, detail: String)

    public var message: String {
        switch self {
        case .malformed(let what): "the message is malformed: \(what)"
        case .unknownCurrency(let name): "the currency \(name) is not known here"
        case .wrongKey(let what): what
        case .olderThanKey(let path, let generation, let key):
            """
            \(path) is older than the authority's key: it was last started for the \(generation)th time, the key for the \
            \(key)th. It was put back from a backup; an authority that signed on would contradict itself
            """
        case .refused(_, let words): words
        case .unreachable(let url, let reason): "\(url) does not answer: \(reason)"
        case .stopped(let why): why
        case .untrusted(let what): what
        case .busy: "too many requests wait; try again in a moment"
        case .diskFull(let path): "there is no room left for \(path)"
        case .damaged(let path, let detail): "\(path) is damaged: \(detail)"
        case .database(let path, let detail): "\(path) cannot be used: \(detail)"
        }
    }

    init(_ error: any Error, path: String) {
        switch error {
        case let error as LedgerError: self = error
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL: self = .diskFull(path: path)
        case let error as DatabaseError where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode):
            self = .damaged(path: path, detail: error.message ?? "\(error)")
        case let error as MalformedMessage: self = .damaged(path: path, detail: error.what)
        case let error as DatabaseError: self = .database(path: path, detail: error.message ?? "\(error)")
        default: self = .database(path: path, detail: "\(error)")
        }
    }
}
