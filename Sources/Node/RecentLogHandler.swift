public import Logging
public import Operations

/// Hands warnings and errors on to a `RecentLog`, and everything to what else a process does with its log.
///
/// What goes with every line of a request is kept here alone and handed on with a line, so that requests of which nothing
/// is said have nothing put into words.
public struct RecentLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    private var other: any LogHandler
    private let recent: RecentLog
    private let now: @Sendable () -> UInt64

    /// - Parameter now: Unix seconds.
    public init(_ recent: RecentLog, beside other: any LogHandler, now: @escaping @Sendable () -> UInt64) {
        self.recent = recent
        self.other = other
        self.now = now
    }

    /// From where on the other handler is told; the recent log has warnings and errors in any case.
    public var logLevel: Logger.Level {
        get { min(other.logLevel, .warning) }
        set { other.logLevel = newValue }
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var event = event
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        event.metadata = all
        if event.level >= other.logLevel { other.log(event: event) }
        guard event.level >= .warning else { return }
        let facts = all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        recent.note(
            facts.isEmpty ? "\(event.message)" : "\(event.message) (\(facts))", isError: event.level >= .error,
            at: now())
    }
}
