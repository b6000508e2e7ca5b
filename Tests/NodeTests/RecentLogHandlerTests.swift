import Logging
import Operations
import Synchronization
import Testing

@testable import Node

@Suite("What a node says")
struct RecentLogHandlerTests {
    /// Keeps what it is told.
    private struct Kept: LogHandler {
        final class Lines: Sendable {
            let all = Mutex<[String]>([])
        }

        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.notice

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let facts = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
            lines.all.withLock { $0.append("\(event.level) \(event.message) \(facts)") }
        }
    }

    @Test(
        "everything goes to one handler at its level, warnings and errors to the recent log too, with what belongs to each"
    )
    func both() {
        let (lines, recent) = (Kept.Lines(), RecentLog())
        var logger = Logger(label: "test") { _ in RecentLogHandler(recent, beside: Kept(lines: lines), now: { 7 }) }
        logger[metadataKey: "request"] = "1"
        logger.info("too little")
        logger.notice("a", metadata: ["b": "c"])
        logger.error("d")
        var quiet = logger
        quiet.logLevel = .critical
        quiet.warning("e", metadata: ["request": "2"])
        #expect(lines.all.withLock { $0 } == ["notice a b=c request=1", "error d request=1"])
        #expect(recent.lines.map(\.text) == ["e (request=2)", "d (request=1)"])
        #expect(recent.errors == 1 && recent.lines.allSatisfy { $0.time == 7 })
    }
}
