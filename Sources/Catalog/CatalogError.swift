import GRDB

/// Why the catalog could not follow the log or answer.
public enum CatalogError: Error, Equatable, Sendable {
    /// SQLite refused; the reason names the statement.
    case database(path: String, reason: String)
    /// A cursor that this node never gave out for this list.
    case badCursor(String)
    case limit(String)
    /// Every positive 32-bit number was given out.
    case numbersExhausted
    /// The task was cancelled; nothing was changed.
    case cancelled

    public var message: String {
        switch self {
        case .database(let path, let reason):
            "the catalog in \(path) cannot be used: \(reason); `waggle reindex` builds it anew from the posts"
        case .badCursor(let cursor): "'\(cursor)' is no cursor of this list; start again without one"
        case .limit(let what): "over a limit: \(what)"
        case .numbersExhausted: "this node has given out all 2147483647 numbers"
        case .cancelled: "cancelled"
        }
    }

    /// The typed form of what GRDB or a query threw.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as CatalogError: self = error
        case is CancellationError: self = .cancelled
        case let error as DatabaseError where error.resultCode == .SQLITE_INTERRUPT: self = .cancelled
        default: self = .database(path: path, reason: "\(error)")
        }
    }
}
