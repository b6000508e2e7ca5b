public import PostLog

/// Entries of the log with the numbers of everything in them that an address can name.
public struct PreparedEntries: Sendable {
    /// In the log's order.
    public let entries: [LogEntry]
    let allotment: LocalFacts.Allotment
}
