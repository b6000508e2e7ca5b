import Testing

@testable import Federation

@Suite("Turns of the runs of a source")
struct TurnTests {
    @Test("runs are received in the order in which they were asked for, each when the one before it was received")
    func order() async {
        let first = Turn(after: nil)
        let second = Turn(after: first)
        let third = Turn(after: second)
        #expect(first.hasCome)
        #expect(!second.hasCome && !third.hasCome)
        await first.come()
        first.end()
        #expect(second.hasCome)
        #expect(!third.hasCome)
        await second.come()
        second.end()
        #expect(third.hasCome)
        third.end()
        #expect(Turn(after: third).hasCome, "one that is asked for when nothing is under way")
    }

    @Test("whoever waits goes on when it has come, however many they are")
    func waiting() async {
        let first = Turn(after: nil)
        let second = Turn(after: first)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    await second.come()
                    return second.hasCome
                }
            }
            first.end()
            for await hasCome in group { #expect(hasCome) }
        }
    }

    @Test("a run that is given up does not wait for the one before it, and holds up none behind it")
    func cancelled() async {
        let first = Turn(after: nil)
        let second = Turn(after: first)
        let third = Turn(after: second)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await second.come()
                second.end()
            }
            group.cancelAll()
        }
        #expect(third.hasCome)
        first.end()
    }
}
