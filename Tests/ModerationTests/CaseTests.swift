import Digests
import Foundation
import Testing
import WaggleProtocol

@testable import Moderation

@Suite("Cases")
struct CaseTests {
    private func withModeration(_ body: (Moderation, String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("case-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("moderation.db").path
        try await body(try Moderation(ceiling: .xxx, path: path), path)
    }

    private let subject = ListSubject.exact(.blob(SHA256.hash([1])))
    private let other = ListSubject.exact(.blob(SHA256.hash([2])))

    private func report(_ reporter: String, _ reason: String = "spam", at: UInt64 = 100) -> CaseReport {
        CaseReport(reporter: reporter, reason: reason, at: at, sealed: [1, 2, 3])
    }

    @Test("reports about one thing are one case, a person counts once, and the gravest reason stands")
    func merged() async throws {
        try await withModeration { moderation, path in
            let first = try await moderation.open(.report, [subject], report("a"))
            #expect(first.item.number == "R-1" && first.isNew)
            let second = try await moderation.open(.report, [subject], report("b", "ncii"))
            #expect(second.item.id == first.item.id && second.item.reports == 2 && second.item.reason == "ncii")
            let again = try await moderation.open(.report, [subject], report("a", "hate"))
            #expect(!again.isNew && again.item.reports == 2 && again.item.reason == "ncii")
            // Two people without an account are two.
            for _ in 0..<2 { _ = try await moderation.open(.report, [other], report("")) }
            #expect(try await moderation.openCases().map(\.reports) == [2, 2])
            let restarted = try Moderation(ceiling: .xxx, path: path)
            #expect(try await restarted.openCases().map(\.number) == ["R-1", "R-2"])
            #expect(try await restarted.reports(of: 1).map(\.reporter) == ["a", "b"])
            // What was decided is another case when it is reported again.
            _ = try await restarted.change(1) { $0.state = .decided }
            #expect(try await restarted.open(.report, [subject], report("c")).item.number == "R-3")
            #expect(try await restarted.cases(about: subject).map(\.id) == [3, 1])
        }
    }

    @Test("one person's reports are bounded by the day")
    func flood() async throws {
        try await withModeration { moderation, _ in
            for number in 0..<Limits.Cases.reportsPerReporter {
                let subject = ListSubject.exact(.post(SHA256.hash(Array("\(number)".utf8))))
                _ = try await moderation.open(.report, [subject], report("a", at: 100_000))
            }
            await #expect(throws: ModerationError.self) {
                try await moderation.open(.report, [subject], report("a", at: 100_001))
            }
            _ = try await moderation.open(.report, [subject], report("b", at: 100_001))
            _ = try await moderation.open(.report, [subject], report("a", at: 100_001 + Limits.Cases.reporterSeconds))
        }
    }

    @Test("a request is found by its secret alone")
    func secret() async throws {
        try await withModeration { moderation, _ in
            let hash = SHA256.hash(Array("secret".utf8))
            let opened = try await moderation.open(.takedown, [subject, other], report("", "likeness"), secret: hash)
            #expect(opened.item.number == "T-1")
            #expect(try await moderation.moderationCase(secret: hash)?.id == 1)
            #expect(try await moderation.moderationCase(secret: .zero) == nil)
            #expect(ModerationCase.id("T-1") == 1 && ModerationCase.id("r-20") == 20)
            for text in ["", "T", "T-", "T-0", "X-1", "T-1x", "1"] {
                #expect(ModerationCase.id(text) == nil, "\(text)")
            }
        }
    }

    private func item(_ id: Int64, _ kind: ModerationCase.Kind, _ reason: String, _ opened: UInt64, reports: Int = 1)
        -> ModerationCase
    {
        ModerationCase(id: id, kind: kind, subjects: [], reason: reason, opened: opened, reports: reports)
    }

    @Test("what has a deadline is told of after 24 and 40 hours, and overdue after 48")
    func clock() {
        let request = item(1, .takedown, "likeness", 1000)
        let hour: UInt64 = 3600
        for (hours, urgency) in [
            (0, CaseClock.Urgency.none), (23, .none), (24, .soon), (39, .soon), (40, .urgent), (47, .urgent),
            (48, .overdue), (1000, .overdue),
        ] as [(UInt64, CaseClock.Urgency)] {
            #expect(CaseClock(now: 1000 + hours * hour).urgency(request) == urgency, "\(hours) h")
        }
        #expect(CaseClock(now: 1_000_000).urgency(item(2, .report, "spam", 0)) == .none)
        #expect(CaseClock.deadline(item(2, .report, "ncii", 0)) == 48 * hour)
        var decided = request
        decided.state = .decided
        #expect(CaseClock(now: 1_000_000).urgency(decided) == .none)
    }

    @Test("the queue begins with what is overdue, then requests, then what most people reported, then the oldest")
    func order() {
        let now: UInt64 = 1_000_000
        let cases = [
            item(1, .report, "spam", 10), item(2, .report, "spam", 5, reports: 9), item(3, .takedown, "dmca", now - 10),
            item(4, .report, "ncii", now - 50 * 3600), item(5, .report, "spam", 1),
        ]
        #expect(CaseClock(now: now).sorted(cases).map(\.id) == [4, 3, 2, 5, 1])
    }

    @Test("a decision is taken back within 30 days, but for a purge; one appeal within 20")
    func times() {
        var request = item(1, .takedown, "likeness", 0)
        func decide(_ action: CaseAction) {
            request.decision = .init(action: action, reason: "likeness", by: "me", at: 1000, letter: "")
        }
        let day: UInt64 = 86_400
        decide(.block)
        if let decision = request.decision {
            #expect(CaseClock(now: 1000 + 30 * day - 1).canUndo(decision))
            #expect(!CaseClock(now: 1000 + 30 * day).canUndo(decision))
        }
        #expect(CaseClock(now: 1000 + 20 * day - 1).canAppeal(request))
        #expect(!CaseClock(now: 1000 + 20 * day).canAppeal(request))
        request.appeal = .init(by: "a", text: "x", at: 1)
        #expect(!CaseClock(now: 1001).canAppeal(request))
        request.appeal = nil
        // What was said without a case is taken back by the answer to an appeal alone.
        for action in [CaseAction.purge, .label] {
            decide(action)
            if let decision = request.decision { #expect(!CaseClock(now: 1001).canUndo(decision)) }
        }
        #expect(!CaseAction.decisions.contains(.label))
        decide(.keep)
        #expect(!CaseClock(now: 1001).canAppeal(request))
    }

    @Test("files go a month after the decision, or when nobody took the case up; what the law wants kept stays")
    func files() {
        let day: UInt64 = 86_400
        let (month, later) = (CaseClock(now: 1000 + 30 * day), CaseClock(now: 1001 + 30 * day))
        for reason in ["likeness", "minor-safety"] {
            var request = item(1, .takedown, reason, 1000)
            #expect(!month.canForgetFiles(request) && later.canForgetFiles(request), "\(reason)")
            request.assigned = "mod"
            #expect(!later.canForgetFiles(request))
            (request.assigned, request.state) = ("", .hidden)
            #expect(!later.canForgetFiles(request))
            request.state = .decided
            request.decision = .init(action: .keep, reason: reason, by: "me", at: 1000, letter: "")
            #expect(!month.canForgetFiles(request) && later.canForgetFiles(request))
            request.decision = .init(action: .block, reason: reason, by: "me", at: 1000, letter: "")
            #expect(later.canForgetFiles(request) == (reason == "likeness"))
            request.appeal = .init(by: "a", text: "x", at: 1001)
            #expect(!later.canForgetFiles(request))
        }
    }

    @Test("decisions are appended to a log that nothing changes, and strikes of a year count")
    func kept() async throws {
        try await withModeration { moderation, path in
            for number in 0..<3 {
                try await moderation.log(
                    DecisionLine(at: 10, action: "block", reason: "spam", subject: "R-\(number)", seconds: 5))
            }
            #expect(try await moderation.decisions().map(\.text) == (0..<3).map { "\($0 + 1) 10 block spam R-\($0)" })
            let author = SHA256.hash([9])
            let year = Limits.Cases.strikeSeconds
            for id: Int64 in [1, 1, 2] { try await moderation.strike(author, case: id, at: 100) }
            #expect(try await moderation.strikes(of: author, now: 200) == 2)
            #expect(try await moderation.strikes(of: author, now: 101 + year) == 0)
            try await moderation.liftStrikes(ofCase: 1)
            #expect(try await moderation.strikes(of: author, now: 200) == 1)
            let node = SHA256.hash([8])
            for outcome in [1, 2] { try await moderation.acknowledge(author, by: node, outcome: outcome, at: 5) }
            #expect(try await moderation.acks(of: [author]).map(\.word) == ["applied"])
        }
    }
}
