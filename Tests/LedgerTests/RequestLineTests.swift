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

    /// What is to be looked at next; nothing when it is another's turn, or nobody's.
    private func look(_ line: inout Line) -> [Line.Piece] {
        if case .look(let pieces) = line.takeUnchecked() { pieces } else { [] }
    }

    @Test("small visits are looked at together and written together, in the order in which they came")
    func together() {
        var line = Line(most: 100, checks: 1, perTransaction: 3)
        let entries = ["a", "b", "c", "d"].map { line.enter(requests(1), $0) }
        #expect(entries == [.begins, .waits, .waits, .waits], "one looks at all of them")
        let pieces = look(&line)
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
        let first = look(&line)
        let second = look(&line)
        #expect(first.map(\.requests.count) == [64] && second.map(\.requests.count) == [64])
        let third = look(&line)
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
        for _ in 0..<3 { next.append(line.put(look(&line))) }
        #expect(next == [.looksBesideWriter, .looks, .looks])
        let written = line.takeReady()?.map(\.caller)
        #expect(written == ["a", "b", "c"])
    }

    @Test("a few requests are not written while others are looked at, which whoever looks writes with them")
    func few() {
        var line = Line(most: 1000, checks: 1, perTransaction: 1000)
        let first = line.enter(requests(40), "a")
        #expect(first == .begins)
        let enough = line.put(look(&line))
        #expect(enough == .writes)
        let entries = [line.enter(requests(1), "b"), line.enter(requests(63), "c"), line.enter(requests(1), "d")]
        #expect(entries == [.begins, .waits, .waits])
        let many = line.takeReady()?.map(\.caller)
        #expect(many == ["a"], "enough, although somebody looks")
        let pieces = look(&line)
        #expect(pieces.count == 2)
        let next = line.put([pieces[0]])
        #expect(next == .looks, "the one who writes asks again")
        let few = line.takeReady()
        #expect(few == nil, "one request, and somebody looks at the next")
        let rest = line.put([pieces[1]])
        #expect(rest == .looksBesideWriter, "enough again")
        let written = line.takeReady()?.map(\.caller)
        #expect(written == ["b", "c"])
        let last = line.put(look(&line))
        #expect(last == .looks)
        let nobody = line.takeReady()
        #expect(nobody == nil)
        guard case .write = line.takeUnchecked() else {
            Issue.record("what the writer left is written by whoever looked")
            return
        }
        let end = line.takeReady()?.map(\.caller)
        #expect(end == ["d"])
        let after = line.takeReady()
        #expect(after == nil)
    }

    @Test("more requests than can be answered soon are refused until others are answered")
    func refusal() {
        var line = Line(most: 3, checks: 1, perTransaction: 10)
        let entries = [line.enter(requests(2), "a"), line.enter(requests(2), "b"), line.enter(requests(1), "c")]
        #expect(entries == [.begins, .refused, .waits])
        let pieces = look(&line)
        _ = line.put(pieces)
        let visits = line.takeReady() ?? []
        let before = line.enter(requests(1), "d")
        line.answered(visits)
        let after = line.enter(requests(3), "d")
        #expect(before == .refused && after == .begins)
    }
}
