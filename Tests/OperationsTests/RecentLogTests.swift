import Testing
import WaggleProtocol

@testable import Operations

@Suite("The newest lines of the log")
struct RecentLogTests {
    @Test("so many are kept, newest first, each in bounds; errors are counted")
    func bounds() {
        let log = RecentLog()
        #expect(log.lines.isEmpty && log.errors == 0)
        let most = Limits.Administration.loggedLines
        for number in 0..<(most + 5) {
            log.note("line \(number)", isError: number % 2 == 0, at: UInt64(number))
        }
        #expect(log.lines.count == most)
        #expect(log.lines.first?.text == "line \(most + 4)" && log.lines.last?.text == "line 5")
        #expect(log.errors == (most + 6) / 2)
        log.note(String(repeating: "x", count: 10_000), isError: false, at: 1)
        #expect(log.lines.first?.text.count == Limits.Administration.loggedCharacters)
    }
}
