public import Logging
public import Operations

/// Hands warnings and errors on to a `RecentLog`, beside whatever else a process does with its log.
public struct RecentLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel = Logger.Level.warning
    private let recent: RecentLog
    private let now: @Sendable () -> UInt64

    /// - Parameter now: Unix seconds.
    public init(_ recent: RecentLog, now: @escaping @Sendable () -> UInt64) {
        self.recent = recent
        self.now = now
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        guard event.level >= .warning else { return }
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let facts = all.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        recent.note(
            facts.isEmpty ? "\(event.message)" : "\(event.message) (\(facts))", isError: event.level >= .error,
            at: now())
    }
}
