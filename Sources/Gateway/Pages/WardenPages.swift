import Accounts
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Moderation
import Operations
import WaggleProtocol

private struct FrozenItem {
    let frozenHref: String
    let frozenAccount: String
    let frozenWords: String
    let freezeHref: String?
    /// Why: a post that is here, else what is named.
    let reason: LinkView?
    let reasonName: String?
    let taken: [LinkView]

    init(_ frozen: ShowWardens.Frozen, _ report: CurrencyReport, _ reason: LinkView?) {
        func amount(_ value: Int64) -> String { "\(Wording.count(Int(value))) \(report.symbol)" }
        func href(_ final: FinalReport) -> String { "/buzz/\(report.currency)/finals/\(final.slot)" }
        frozenHref = "/buzz/\(report.currency)/accounts/\(frozen.account)"
        frozenAccount = "\(frozen.account.prefix(16))…"
        frozenWords = say("frozen-through-epoch-has", "\(frozen.until)", amount(frozen.balance))
        freezeHref = frozen.freeze.map(href)
        self.reason = reason
        reasonName = reason == nil ? frozen.freeze?.reference.map { "\($0.prefix(16))…" } : nil
        taken = frozen.taken.map { final in
            LinkView(
                linkText: say("wardens-took", amount(0 &- (final.change ?? 0)), Dates.day(final.time)),
                linkHref: href(final))
        }
    }
}

private struct WardenAct {
    let actTitle: String
    let actWords: String
    let form: FormView
}

/// `/buzz/{currency}/wardens`: who is frozen and why, for everybody; freezing and taking back, for wardens.
struct WardenPages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let door: PageDoor
    private static let headers: HTTPFields = [.cacheControl: "private, no-store"]

    /// The forms of the page.
    private enum Act: String {
        case freeze, draft, document
    }

    /// What was sent with one of them, and why it is shown again.
    private struct Typed {
        let act: Act
        let values: Query
        var trouble: FormTrouble?
    }

    func register(in routes: inout RouteTable) {
        routes.get("/buzz/{currency}/wardens", shows: .nothing, .page) { _, context in
            try await page(context.parameter("currency") ?? "", services.context())
        }
        add(.freeze, freeze, to: &routes)
        add(.draft, draft, to: &routes)
        add(.document, document, to: &routes)
    }

    private func add(_ act: Act, _ handler: @escaping PageDoor.FormHandler, to routes: inout RouteTable) {
        routes.post(
            "/buzz/{currency}/wardens/\(act.rawValue)", shows: .account, .page,
            door.form(
                .spend,
                again: { call, values, trouble in
                    try await page(
                        try call.part("currency"), call.operations, Typed(act: act, values: values, trouble: trouble))
                }, handler))
    }

    // MARK: The page

    private func page(
        _ currency: String, _ operations: OperationContext, _ typed: Typed? = nil, shows report: ClawbackReport? = nil
    ) async throws -> Response {
        let account = PageVisitor.current?.account
        let found = try await ShowWardens(currency: currency, account: account?.handle).run(
            in: account.map { services.context().acting(for: $0) } ?? operations)
        let links = SubjectLinks(
            services: services, filter: services.moderation.filter(for: account?.viewer ?? .anonymous))
        var items: [FrozenItem] = []
        for frozen in found.frozen {
            var reason: LinkView?
            if let post = frozen.freeze?.reference.flatMap({ Hash32(hex: $0) }) { reason = try await links.link(post) }
            items.append(FrozenItem(frozen, found.report, reason))
        }
        let path = "/buzz/\(found.report.currency)/wardens"
        var content: [String: Any] = [
            "rulesWords": Self.words(found), "frozen": items, "hasFrozen": !items.isEmpty,
            "crumb": LinkView(linkText: found.report.name, linkHref: "/buzz/\(found.report.currency)"),
            "facts": report.map { Self.facts($0) } ?? [], "hasDocument": report != nil,
            "acts": found.isWarden ? acts(found, path, typed, report) : [],
        ]
        if !found.report.stopped.isEmpty { content["stopped"] = found.report.stopped }
        if !found.report.warning.isEmpty { content["warning"] = found.report.warning }
        return pages.page("wardens", PageFrame(pageTitle: say("wardens")), content, headers: Self.headers)
    }

    private static func words(_ found: ShowWardens.Reply) -> String {
        guard !found.wardens.isEmpty else { return say("nobody-freezes-accounts-here") }
        let (count, most) = ("\(found.wardens.count)", "\(found.maxFreezeEpochs)")
        return found.hasClawback
            ? say("each-warden-freezes-and-of-them", count, most, "\(found.threshold)")
            : say("each-warden-freezes", count, most)
    }

    private static func facts(_ report: ClawbackReport) -> [FactView] {
        [
            FactView(say("takes-from"), "\(Wording.count(Int(report.amount))) \(report.symbol), \(report.account)"),
            FactView(say("gives-to"), report.to), FactView(say("about-it"), report.reference ?? ""),
            FactView(
                say("signed-by"), say("of-needed", "\(report.signed.count)", "\(report.threshold)")),
        ].compactMap { $0 }
    }

    private func acts(
        _ found: ShowWardens.Reply, _ path: String, _ typed: Typed?, _ report: ClawbackReport?
    ) -> [WardenAct] {
        func form(_ act: Act, _ sends: String, _ fields: [FieldView]) -> FormView {
            let own = typed?.act == act ? typed : nil
            return FormView(
                "\(path)/\(act.rawValue)", sends: sends, fields: fields, typed: own?.values, trouble: own?.trouble,
                label: sends, id: act.rawValue)
        }
        let whose = FieldView("account", say("whose-account"), most: Limits.Text.nameBytes, isNeeded: true)
        let about = FieldView("about", say("the-post-that-says-why"), hint: say("everybody-can-read-it"), most: 200)
        var acts = [
            WardenAct(
                actTitle: say("freeze-an-account"), actWords: say("a-freeze-ends-by-itself-and"),
                form: form(
                    .freeze, say("freeze"),
                    [
                        whose,
                        FieldView(
                            "epochs", say("for-how-many-epochs"), .number, value: "\(found.maxFreezeEpochs)", most: 10,
                            isNeeded: true), about,
                    ]))
        ]
        guard found.hasClawback else { return acts }
        acts.append(
            WardenAct(
                actTitle: say("take-something-back"), actWords: say("what-was-passed-on-is-not"),
                form: form(
                    .draft, say("begin-and-sign"),
                    [
                        whose, FieldView("amount", say("how-much"), .number, most: 20, isNeeded: true),
                        FieldView("to", say("who-gets-it"), most: Limits.Text.nameBytes, isNeeded: true), about,
                    ])))
        let isReady = report.map { $0.signed.count >= $0.threshold } ?? false
        acts.append(
            WardenAct(
                actTitle: say("what-another-warden-began"), actWords: say("pass-the-text-on-until-enough"),
                form: form(
                    .document, say("go-on"),
                    [
                        FieldView(
                            "document", say("the-text"), .text(rows: 8),
                            value: report.map { String(decoding: $0.document, as: UTF8.self) } ?? "",
                            most: Limits.Ledger.charterBytes, isNeeded: true),
                        FieldView(
                            "act", say("what-to-do-with-it"), .choice,
                            value: isReady ? "send" : report == nil ? "show" : "sign",
                            choices: [
                                .init("show", say("show-what-it-asks-for")), .init("sign", say("sign-it")),
                                .init("send", say("do-it-enough-have-signed")),
                            ]),
                    ])))
        return acts
    }

    // MARK: What wardens do

    @Sendable private func freeze(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        guard let epochs = UInt32(typed["epochs"] ?? "") else {
            throw FormTrouble(say("a-number-of-epochs"), in: "epochs")
        }
        let final = try await FreezeAccount(
            account: call.account.handle, subject: typed["account"] ?? "", epochs: epochs, reason: typed["about"],
            currency: try call.part("currency")
        ).run(in: call.operations)
        return .done(at: "/buzz/\(final.currency)/wardens")
    }

    @Sendable private func draft(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let report = try await DraftClawback(
            account: call.account.handle, subject: typed["account"] ?? "", amount: UInt64(typed["amount"] ?? "") ?? 0,
            to: typed["to"] ?? "", reason: typed["about"], currency: try call.part("currency")
        ).run(in: call.operations)
        return .page(try await page(report.currency, call.operations, shows: report))
    }

    @Sendable private func document(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let document = Data((typed["document"] ?? "").utf8)
        let report: ClawbackReport
        switch typed["act"] {
        case "send":
            let final = try await SendClawback(document: document).run(in: call.operations)
            return .done(at: "/buzz/\(final.currency)/finals/\(final.slot)")
        case "sign":
            report = try await SignClawback(account: call.account.handle, document: document).run(in: call.operations)
        default: report = try await ShowClawback(document: document).run(in: call.operations)
        }
        return .page(try await page(report.currency, call.operations, shows: report))
    }
}
