import GRDB

/// Why a moderation decision could not be read or kept.
public enum ModerationError: Error, Equatable, Sendable {
    case database(path: String, reason: String)
    case diskFull(path: String)
    case limit(String)
    /// Somebody else's request about the same thing waits for a moderator.
    case askedAlready
    /// The task was cancelled before the decision was kept.
    case cancelled

    public var message: String {
        switch self {
        case .database(let path, let reason):
            "moderation decisions in \(path) cannot be used: \(reason); `waggle doctor` checks the database"
        case .diskFull(let path): "there is no room left for \(path); free some space and try again"
        case .limit(let what): "over a limit: \(what)"
        case .askedAlready: "somebody else who shows it asked already; a moderator will look at it"
        case .cancelled: "the decision was not kept: it was cancelled"
        }
    }

    init(_ error: any Error, path: String) {
        if let error = error as? DatabaseError, error.resultCode == .SQLITE_FULL {
            self = .diskFull(path: path)
        } else {
            self = .database(path: path, reason: "\(error)")
        }
    }
}
