import Testing

@testable import Ledger

@Suite("The line before an authority")
struct RequestLineTests {
    private typealias Line = RequestLine<String>
    private let request: AuthorityRequest

    init() throws {
        let currency = try TestCurrency()
        request = .order(
            try currency.order("u1", 1, .transfer([Output(account: TestCurrency.id("u2"), amount: 1)])))
    }

    private func requests(_ count: Int) -> [AuthorityRequest] { Array(repeating: request, count: count) }

    @Test("small visits are looked at together and written together, in the order in which they came")
    func together() {
        var line = Line(most: 100, checks: 1, perTransaction: 3)
        let entries = ["a", "b", "c", "d"].map { line.enter(requests(1), $0) }
        #expect(entries == [.begins, .waits, .waits, .waits], "one looks at all of them")
        let pieces = line.takeUnchecked() ?? []
        #expect(pieces.count == 4)
        let next = line.put(pieces)
        #expect(next == .writes, "there is nothing left to look at")
        var written: [[String]] = []
        while let visits = line.takeReady() { written.append(visits.map(\.caller)) }
        #expect(written == [["a", "b", "c"], ["d"]])
        let again = line.enter(requests(1), "e")
        #expect(again == .begins, "whoever looked has gone")
    }

    @Test("several look at the requests of one visit, which is written when all were looked at")
    func pieces() {
        var line = Line(most: 1000, checks: 2, perTransaction: 1000)
        let entries = [line.enter(requests(150), "a"), line.enter(requests(1), "b")]
        #expect(entries == [.begins, .begins])
        let first = line.takeUnchecked() ?? []
        let second = line.takeUnchecked() ?? []
        #expect(first.map(\.requests.count) == [64] && second.map(\.requests.count) == [64])
        let third = line.takeUnchecked() ?? []
        #expect(third.map(\.requests.count) == [22, 1], "what is left, and who came next")
        let next = [line.put(second), line.put(first)]
        #expect(next == [.looks, .looks])
        let last = line.put(third)
        #expect(last == .writes)
        let visits = line.takeReady() ?? []
        #expect(visits.map(\.caller) == ["a", "b"] && visits.map(\.requests.count) == [150, 1])
    }

    @Test("what is looked at is written while somebody looks at the next, by one writer")
    func beside() {
        var line = Line(most: 1000, checks: 1, perTransaction: 1000)
        let entries = [line.enter(requests(64), "a"), line.enter(requests(64), "b"), line.enter(requests(64), "c")]
        #expect(entries == [.begins, .waits, .waits])
        var next: [Line.Next] = []
        while let pieces = line.takeUnchecked() { next.append(line.put(pieces)) }
        #expect(next == [.looksBesideWriter, .looks, .looks])
        let written = line.takeReady()?.map(\.caller)
        #expect(written == ["a", "b", "c"])
    }

    @Test("more requests than can be answered soon are refused until others are answered")
    func refusal() {
        var line = Line(most: 3, checks: 1, perTransaction: 10)
        let entries = [line.enter(requests(2), "a"), line.enter(requests(2), "b"), line.enter(requests(1), "c")]
        #expect(entries == [.begins, .refused, .waits])
        let pieces = line.takeUnchecked() ?? []
        _ = line.put(pieces)
        let visits = line.takeReady() ?? []
        let before = line.enter(requests(1), "d")
        line.answered(visits)
        let after = line.enter(requests(3), "d")
        #expect(before == .refused && after == .begins)
    }
}
