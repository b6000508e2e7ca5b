import GRDB

/// What can go wrong with what a node remembers of bounties and rewards.
public enum EconomyError: Error, Equatable, Sendable {
    case diskFull(path: String)
    case damaged(path: String, detail: String)
    case database(path: String, detail: String)

    public var message: String {
        switch self {
        case .diskFull(let path): "there is no room left for \(path)"
        case .damaged(let path, let detail): "\(path) is damaged: \(detail)"
        case .database(let path, let detail): "\(path) cannot be used: \(detail)"
        }
    }

    init(_ error: any Error, path: String) {
        switch error {
        case let error as EconomyError: self = error
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL: self = .diskFull(path: path)
        case let error as DatabaseError where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode):
            self = .damaged(path: path, detail: error.message ?? "\(error)")
        case let error as DatabaseError: self = .database(path: path, detail: error.message ?? "\(error)")
        default: self = .database(path: path, detail: "\(error)")
        }
    }
}
