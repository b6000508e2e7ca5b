import Accounts
import HTTPTypes
import Hummingbird
import Moderation
import Operations
import WaggleProtocol

/// Pages on which people say that something has the wrong level, its maker asks for a review, and moderators lock it.
struct LevelPages: Sendable {
    let pages: PageRenderer
    let door: PageDoor
    private static let about = "of"

    func register(in routes: inout RouteTable) {
        routes.get("/levels", shows: .account, .page, door.page(.read) { try await show($0) })
        routes.post("/levels", shows: .account, .page, door.form(.social, again: again, vote))
        routes.post("/levels/review", shows: .account, .page, door.form(.social, again: again, review))
        routes.get("/levels/disputes", shows: .account, .page, door.page(.moderate) { try await disputes($0) })
        routes.post("/levels/lock", shows: .account, .page, door.form(.moderate, again: again, lock))
    }

    static func address(_ subject: String) -> String { PageAddress.with("/levels", [(about, subject)]) }

    // MARK: One thing

    private func subject(_ call: PageCall) throws(GatewayError) -> String {
        guard let subject = call.address[Self.about], !subject.isEmpty else {
            throw .notFound("Say whose level it is about")
        }
        return subject
    }

    @Sendable private func again(_ call: PageCall, _ typed: Query, _ trouble: FormTrouble) async throws -> Response {
        try await show(call, trouble: trouble)
    }

    private func show(_ call: PageCall, trouble: FormTrouble? = nil) async throws -> Response {
        // What somebody rated out of their own sight has no page for them any more.
        if let word = call.address["said"], let level = Level(word: word) {
            return pages.page(
                "level", PageFrame(pageTitle: say("level")), ["heading": say("level"), "said": level.word],
                headers: [.cacheControl: "private, no-store"])
        }
        let report = try await ShowLevel(try subject(call)).perform(in: call.operations)
        var content: [String: Any] = [
            "heading": report.title, "declared": report.declared, "level": report.level,
            "needed": "\(report.needed)", "isMilder": report.isFoundMilder,
        ]
        content["page"] = report.page.isEmpty ? nil : report.page
        content["own"] = report.own
        content["votes"] = Self.votes(report)
        content["trouble"] = trouble?.words
        if let lock = report.lock {
            content["lock"] =
                [
                    "lockNumber": lock.number, "lockReason": lock.reason, "lockAt": Dates.timestamp(lock.at),
                    "isOfOlderVersion": lock.isOfOlderVersion,
                ] as [String: Any]
        }
        if let review = report.review {
            content["review"] = ["reviewText": review.text, "reviewAt": Dates.timestamp(review.at)]
        }
        content["forms"] = forms(report, call).map { ["form": $0] }
        return pages.page(
            "level", PageFrame(pageTitle: say("level")), content, headers: [.cacheControl: "private, no-store"])
    }

    /// Nil when nobody spoke.
    private static func votes(_ report: LevelReport) -> String? {
        let voices = Level.words.compactMap { word in report.votes[word].map { "\(word): \($0)" } }
        return voices.isEmpty ? nil : voices.joined(separator: ", ")
    }

    private func forms(_ report: LevelReport, _ call: PageCall) -> [FormView] {
        var forms: [FormView] = []
        func field(_ value: String, more: [FieldView.Choice] = []) -> FieldView {
            FieldView(
                "level", say("level"), .choice, value: value, choices: Level.words.map { FieldView.Choice($0) } + more)
        }
        func address(_ path: String) -> String { PageAddress.with(path, [(Self.about, report.subject)]) }
        if report.isOwn {
            let text = FieldView(
                "text", say("why-its-level-is-wrong"), .text(rows: 3), most: Limits.Levels.reviewBytes, isNeeded: true)
            forms.append(
                FormView(
                    address("/levels/review"), sends: say("ask-for-a-review"), fields: [text],
                    label: say("ask-for-a-review"), id: "r"))
        } else {
            let none = FieldView.Choice("none", say("no-word-of-mine"))
            forms.append(
                FormView(
                    address("/levels"), sends: say("say-it"),
                    fields: [field(report.own ?? report.level, more: report.own == nil ? [] : [none])],
                    label: say("your-word"), id: "v"))
        }
        if call.visitor.grant.allows(.moderate) {
            let none = FieldView.Choice("none", say("not-locked"))
            forms.append(
                FormView(
                    address("/levels/lock"), sends: say("lock-the-level"),
                    fields: [
                        field(report.level, more: report.lock == nil ? [] : [none]),
                        FieldView("reason", say("why"), most: Limits.Moderation.reasonBytes),
                    ], label: say("lock-the-level"), id: "l"))
        }
        return forms
    }

    @Sendable private func vote(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let level = typed["level"] ?? ""
        let subject = try subject(call)
        let report = try await VoteLevel(
            account: call.account.handle, subject: subject, level: level == "none" ? nil : level
        ).perform(in: call.operations)
        let isSeen = Level(word: report.level).map(call.filter.contains) ?? false
        return .done(at: isSeen ? Self.address(subject) : PageAddress.with("/levels", [("said", report.level)]))
    }

    @Sendable private func review(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let subject = try subject(call)
        _ = try await AskLevelReview(subject: subject, text: typed["text"] ?? "").perform(in: call.operations)
        return .done(at: Self.address(subject))
    }

    // MARK: Moderators

    private func disputes(_ call: PageCall) async throws -> Response {
        let all = try await ListLevelDisputes().perform(in: call.operations)
        func lines(_ reports: [LevelReport]) -> [[String: Any]] {
            reports.map { report in
                var line: [String: Any] = [
                    "levelHref": Self.address(report.subject), "levelTitle": report.title, "level": report.level,
                    "declared": report.declared, "isMilder": report.isFoundMilder,
                ]
                line["votes"] = Self.votes(report)
                line["reviewText"] = report.review?.text
                line["lockWords"] = report.lock.map {
                    "\($0.number), @\($0.by)\($0.reason.isEmpty ? "" : ", ")\($0.reason)"
                }
                return line
            }
        }
        return pages.page(
            "leveldisputes", PageFrame(pageTitle: say("levels-in-dispute")),
            [
                "disputes": lines(all.disputes), "hasDisputes": !all.disputes.isEmpty, "locked": lines(all.locked),
                "hasLocked": !all.locked.isEmpty,
            ], headers: [.cacheControl: "private, no-store"])
    }

    @Sendable private func lock(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let (subject, level) = (try subject(call), typed["level"] ?? "")
        if level == "none" {
            _ = try await UnlockLevel(subject: subject).perform(in: call.operations)
        } else {
            _ = try await LockLevel(subject: subject, level: level, reason: typed["reason"] ?? "").perform(
                in: call.operations)
        }
        return .done(at: Self.address(subject))
    }
}
