import Digests
import Identity
import Testing
import WaggleProtocol

@testable import PostLog

@Suite("Room for posts that wait")
struct ParkingRoomTests {
    private let author: TestAuthor

    init() throws {
        author = try TestAuthor("ana")
    }

    private func node(_ number: Int) -> IntakeSource { .peer(testHash("node \(number)")) }

    /// Parks comments of different text until one is refused, or so many are parked.
    private func fill(_ parking: inout Parking, _ source: IntakeSource, _ count: Int, _ name: String) throws -> Int {
        for number in 0..<count {
            let post = try author.comment("\(name) \(number)")
            guard parking.park(post, from: source, need: .chain, since: 1000, now: 1000) else { return number }
        }
        return count
    }

    @Test("when all room is used up, whoever has most gives way, and the newcomer never has more than the others")
    func largestGivesWay() throws {
        var parking = Parking(room: 100_000)
        let hostile = try (0..<2).map { try fill(&parking, node($0), 500, "hostile \($0)") }
        #expect(hostile.reduce(0, +) < 1000, "the room is not that large")
        #expect(try fill(&parking, node(9), 30, "honest") == 30)
        #expect(parking.held(by: node(9)) > 0)
        let total = (0..<10).map { parking.held(by: node($0)) }.reduce(0, +)
        #expect(total <= 100_000)
        // Asking for more, it gets no more than its share.
        _ = try fill(&parking, node(9), 5000, "greedy")
        #expect(parking.held(by: node(9)) <= 100_000 / 2 + 1000)
        #expect((0..<10).contains { $0 != 9 && parking.held(by: node($0)) > 0 })
    }

    @Test("peers that the operator named are not crowded out by any number of strangers")
    func namedFirst() throws {
        var parking = Parking(room: 100_000)
        let named = IntakeSource.trusted(testHash("named"))
        #expect(try fill(&parking, named, 50, "named") == 50)
        let before = parking.held(by: named)
        for number in 0..<40 { _ = try fill(&parking, node(number), 20, "stranger \(number)") }
        #expect(parking.held(by: named) == before)
        // And they find room when strangers have it all.
        #expect(try fill(&parking, .trusted(testHash("late")), 50, "late") == 50)
    }

    @Test("counts are right after everything has left")
    func empty() throws {
        var parking = Parking(room: 50_000)
        for number in 0..<10 { _ = try fill(&parking, node(number), 50, "\(number)") }
        #expect(parking.count > 0)
        parking.expire(now: 1000 + Limits.Parking.seconds)
        #expect(parking.count == 0)
        #expect((0..<10).allSatisfy { parking.held(by: node($0)) == 0 })
        #expect(parking.release(try KeyChain(genesis: author.genesis)).isEmpty)
    }
}
