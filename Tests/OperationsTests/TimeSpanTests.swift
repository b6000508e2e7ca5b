import Operations
import Testing

@Suite("Spans of time")
struct TimeSpanTests {
    @Test(
        "spans are a number and a letter",
        arguments: [("30d", 2_592_000), ("12h", 43200), ("1s", 1), ("2w", 1_209_600)])
    func good(_ text: String, _ seconds: UInt64) {
        #expect(TimeSpan(text)?.seconds == seconds)
    }

    @Test(
        "anything else is none",
        arguments: ["", "d", "0d", "-1d", "1", "1.5d", "30 d", "99999999999999999999d", "101y"])
    func bad(_ text: String) {
        #expect(TimeSpan(text) == nil)
    }
}
