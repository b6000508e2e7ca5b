/// Why what the operator decided could not be read or kept.
public enum AdministrationError: Error, Equatable, Sendable {
    case database(path: String, reason: String)
    case limit(String)
    /// No announcement has this number.
    case noAnnouncement(Int64)
    case cancelled

    public var message: String {
        switch self {
        case .database(let path, let reason):
            "what the operator decided, in \(path), cannot be used: \(reason); `waggle doctor` checks the database"
        case .limit(let what): "over a limit: \(what)"
        case .noAnnouncement(let id):
            "there is no announcement \(id); `waggle announce ls` lists those that there are"
        case .cancelled: "nothing was kept: it was cancelled"
        }
    }
}
