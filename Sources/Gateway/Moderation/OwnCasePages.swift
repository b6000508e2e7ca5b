import Accounts
import Digests
import HTTPTypes
import Hummingbird
import Operations
import WaggleProtocol

/// What was decided about something of somebody's own, and the one appeal against it.
struct OwnCasePages: Sendable {
    let pages: PageRenderer
    let door: PageDoor

    func register(in routes: inout RouteTable) {
        routes.get("/account/cases/{case}", shows: .account, .page, door.page(.read) { try await show($0) })
        routes.post(
            "/account/cases/{case}", shows: .account, .page,
            door.form(.read, again: { call, _, trouble in try await show(call, trouble: trouble.words) }, appeal))
    }

    private func show(_ call: PageCall, trouble: String? = nil) async throws -> Response {
        let number = try call.part("case")
        let found = try await ShowOwnCase(number: number).perform(in: call.operations)
        let word =
            switch found.decision {
            case "keep": say("decided-it-stays")
            case "block": say("what-you-published-is-not-shown")
            case "purge": say("what-you-published-was-deleted-here")
            case "label": say("something-is-said-of-what-you-published")
            default: say("the-decision-was-taken-back")
            }
        let action = "/account/cases/\(found.number)"
        var content: [String: Any] = [
            "number": found.number, "word": "\(word) (\(found.reason))", "opened": Dates.minute(found.decidedAt),
            "canAppeal": found.canAppeal,
            "statusHref": PageAddress.adding(
                FormToken.parameter, FormToken.make(session: call.visitor.session), to: action),
        ]
        content["appeal"] = found.hasAppealed ? found.outcome ?? say("waits-for-an-answer") : nil
        let letters = [found.letter, found.answer ?? ""].filter { !$0.isEmpty }
        content["letter"] = letters.isEmpty ? nil : letters.joined(separator: "\n\n")
        content["trouble"] = trouble
        return pages.page(
            "casestatus", PageFrame(pageTitle: found.number), content, headers: [.cacheControl: "private, no-store"])
    }

    @Sendable private func appeal(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let number = try call.part("case")
        _ = try await AppealCase(number: number, text: typed["text"] ?? "").perform(in: call.operations)
        return .done(at: "/account/cases/\(number.uppercased())")
    }
}
