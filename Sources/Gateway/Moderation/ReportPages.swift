import Accounts
import HTTPTypes
import Hummingbird
import Moderation
import NIOCore
import Operations
import Synchronization
import WaggleProtocol

/// Pages on which people report something or ask for it to be taken down, and see what came of that; and what this node says
/// in public of how it moderates. None needs an account.
final class ReportPages: Sendable {
    private let services: GatewayServices
    private let pages: PageRenderer
    private let people: CallerIdentity
    private let limiter = Mutex(RequestLimiter())
    private static let formBytes = 64 << 10
    private let attaching: AddressPlaces

    /// - Parameter attaching: for those who send files with a request, here and over the API.
    init(services: GatewayServices, pages: PageRenderer, people: CallerIdentity, attaching: AddressPlaces) {
        self.services = services
        self.pages = pages
        self.people = people
        self.attaching = attaching
    }

    func register(in routes: inout RouteTable) {
        routes.get("/report", shows: .nothing, .page) { request, _ in
            try self.reportForm(about: Query(request)["about"] ?? "")
        }
        routes.post("/report", shows: .nothing, .page, report)
        routes.get("/report/likeness", shows: .nothing, .page) { request, _ in
            try self.requestForm(about: Query(request)["about"] ?? "")
        }
        routes.post("/report/likeness", shows: .nothing, .page, ask)
        routes.get("/report/status/{secret}", shows: .nothing, .page, status)
        routes.post("/report/status/{secret}", shows: .nothing, .page, appeal)
        routes.get("/transparency", shows: .nothing, .page, transparency)
    }

    private static let kept: HTTPFields = [.cacheControl: "no-store"]

    /// Who sends a form, as far as they say so: bounded by where it comes from.
    private func sender(_ request: Request, _ context: GatewayContext) async throws -> OperationContext {
        try people.refuseForgery(request, context)
        let address = RemoteAddress.of(request, context)
        let standing = limiter.withLock {
            $0.take(address, limit: Limits.API.knocksPerMinute, now: services.now())
        }
        if let wait = standing.wait { throw GatewayError.tooManyRequests(retryAfter: wait) }
        if let grant = try await people.grant(request, context) { return services.context().acting(for: grant.account) }
        return services.context().acting(asGuest: address)
    }

    private func fields(_ request: Request) async throws -> Query {
        let body = try await WireBody.collect(request.body, limit: Self.formBytes, clock: services.clock)
        return try Query(String(decoding: body, as: UTF8.self))
    }

    // MARK: Reports

    private func reportForm(about: String, typed: Query? = nil, trouble: FormTrouble? = nil) -> Response {
        let form = FormView(
            "/report", sends: say("report"),
            fields: [
                FieldView(
                    "about", say("what"), hint: say("an-address-of-this-node-a"), value: about, most: 2000,
                    isNeeded: true),
                FieldView(
                    "reason", say("why"), .choice, value: ReasonCode.all.first ?? "",
                    choices: ReasonCode.all.map { .init($0, Self.reason($0)) }),
                FieldView("text", say("in-your-words"), .text(rows: 5), most: 16_000),
                FieldView("contact", say("how-you-can-be-reached-if"), most: 1000),
                FieldView("tell", say("a-node-whose-moderators-are-to"), most: 2000),
            ], typed: typed, trouble: trouble)
        return pages.page(
            "report", PageFrame(pageTitle: say("report-something")),
            ["about": PercentCoding.encode(typed?["about"] ?? about), "form": form], headers: Self.kept)
    }

    /// What a code means, for whoever reports something.
    private static func reason(_ code: String) -> String {
        switch code {
        case "spam": say("reason-spam")
        case "malware": say("reason-malware")
        case "impersonation": say("reason-impersonation")
        case "license": say("reason-license")
        case "stolen-work": say("reason-stolen-work")
        case "likeness": say("reason-likeness")
        case "ncii": say("reason-ncii")
        case "minor-safety": say("reason-minor-safety")
        case "gore": say("reason-gore")
        case "hate": say("reason-hate")
        case "harassment": say("reason-harassment")
        case "scam": say("reason-scam")
        case "dmca": say("reason-dmca")
        case "court-order": say("reason-court-order")
        case "privacy": say("reason-privacy")
        case "misleading": say("reason-misleading")
        case "other": say("reason-other")
        default: code
        }
    }

    @Sendable private func report(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try people.refuseForgery(request, context)
        let form = try await fields(request)
        do {
            let receipt = try await ReportSubject(
                subject: form["about"] ?? "", reason: form["reason"] ?? "", text: form["text"] ?? "",
                contact: form["contact"] ?? "", peer: (form["tell"] ?? "").isEmpty ? nil : form["tell"]
            ).perform(in: try await sender(request, context))
            return receiptPage(receipt)
        } catch {
            return try again(error, context) { reportForm(about: "", typed: form, trouble: $0) }
        }
    }

    /// The form once more, with what was typed and why it was refused.
    private func again(
        _ error: any Error, _ context: GatewayContext, _ form: (FormTrouble) -> Response
    ) throws -> Response {
        let failure = GatewayError(describing: error, context.logger)
        guard failure.status.code < 500 else { throw failure }
        var response = form(FormTrouble(failure.message))
        response.status =
            failure.status == .badRequest || failure.status == .notFound ? .unprocessableContent : failure.status
        response.headers.append(contentsOf: failure.headers.filter { $0.name == .retryAfter })
        return response
    }

    private func receiptPage(_ receipt: CaseReceipt) -> Response {
        var content: [String: Any] = ["number": receipt.number, "isNew": receipt.isNew]
        if !receipt.secret.isEmpty { content["statusHref"] = "/report/status/\(receipt.secret)" }
        if let deadline = receipt.deadline { content["deadline"] = Dates.minute(deadline) }
        return pages.page(
            "receipt", PageFrame(pageTitle: receipt.number), content, status: .created, headers: Self.kept)
    }

    // MARK: Requests

    private func requestForm(about: String, typed: Query? = nil, trouble: FormTrouble? = nil) -> Response {
        let (count, size) = ("\(Limits.Cases.attachedFiles)", "\(Limits.Cases.attachedBytes >> 20)")
        let hint = say("files-that-show-it-hint", count, size)
        let form = FormView(
            "/report/likeness", sends: say("send"),
            fields: [
                FieldView(
                    "about", say("where-it-is"), .text(rows: 3), hint: say("addresses-of-this-node-or-sha"),
                    value: about,
                    most: 16_000, isNeeded: true),
                FieldView(
                    "reason", say("why"), .choice, value: "likeness",
                    choices: [
                        .init("likeness", say("it-shows-me")), .init("ncii", say("it-is-an-intimate-image")),
                        .init("dmca", say("it-is-my-work")), .init("court-order", say("a-court-ordered-it")),
                        .init("privacy", say("it-tells-private-things")),
                    ]),
                FieldView(
                    "right", say("who-you-are"), .choice, value: "depicted",
                    choices: [
                        .init("depicted", say("the-person-it-shows")),
                        .init("agent", say("somebody-who-acts-for-them")),
                        .init("rights-holder", say("the-owner-of-the-rights")),
                    ]),
                FieldView("statement", say("what-happened"), .text(rows: 5), most: 16_000, isNeeded: true),
                FieldView("contact", say("how-we-reach-you"), most: 1000, isNeeded: true),
                FieldView("faith", say("what-i-say-is-true-to"), .box, value: "yes"),
                FieldView(
                    "signature", say("your-name-as-your-signature"), most: 200, isNeeded: true, autocomplete: "name"),
                FieldView(
                    "files", say("files-that-show-it"), .files(isMany: true, accepts: ""),
                    hint: hint),
            ], typed: typed, trouble: trouble, isUpload: true)
        return pages.page(
            "takedown", PageFrame(pageTitle: say("ask-for-something-to-be-taken")), ["form": form],
            headers: Self.kept)
    }

    @Sendable private func ask(_ request: Request, _ context: GatewayContext) async throws -> Response {
        // Counted before anything of it is read.
        let operations = try await sender(request, context)
        guard FormUploads.isOne(request) else {
            return try await ask(try await fields(request), [], operations, context)
        }
        let form = await EvidenceForm.read(
            request.body, type: request.headers[.contentType], from: RemoteAddress.of(request, context), attaching,
            clock: services.clock)
        defer { form.leave() }
        let typed = try Query(fields: form.typed)
        guard let refusal = form.refusal else { return try await ask(typed, form.files, operations, context) }
        // Fields come before files: what was typed outlives a file that is refused.
        guard !form.typed.isEmpty else { throw refusal }
        return try again(refusal, context) { requestForm(about: "", typed: typed, trouble: $0) }
    }

    private func ask(
        _ form: Query, _ files: [AttachedFile], _ operations: OperationContext, _ context: GatewayContext
    ) async throws -> Response {
        do {
            guard form["faith"] == "yes" else {
                throw GatewayError.unprocessable(code: "faith", say("confirm-that-what-you-say-is"))
            }
            let receipt = try await RequestTakedown(
                subjects: (form["about"] ?? "").split(whereSeparator: \.isNewline).map(String.init),
                reason: form["reason"] ?? "likeness", right: form["right"] ?? "", statement: form["statement"] ?? "",
                signature: form["signature"] ?? "", contact: form["contact"] ?? "", files: files
            ).perform(in: operations)
            return receiptPage(receipt)
        } catch {
            return try again(error, context) { requestForm(about: "", typed: form, trouble: $0) }
        }
    }

    @Sendable private func status(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await statusPage(context.parameter("secret") ?? "")
    }

    private func statusPage(_ secret: String, trouble: String? = nil) async throws -> Response {
        let status = try await ShowCaseStatus(secret: secret).perform(in: services.context())
        let word =
            switch status.decision ?? status.state {
            case "hidden": say("hidden-until-somebody-decides")
            case "keep": say("decided-it-stays")
            case "block", "purge": say("decided-it-was-removed")
            case "decided": say("the-decision-was-taken-back")
            default: say("waits-for-a-decision")
            }
        var content: [String: Any] = [
            "number": status.number, "word": word, "opened": Dates.minute(status.opened),
            "canAppeal": status.canAppeal, "statusHref": "/report/status/\(secret)",
        ]
        if let deadline = status.deadline, status.decision == nil { content["deadline"] = Dates.minute(deadline) }
        content["appeal"] = status.appeal
        content["letter"] = status.letter.isEmpty ? nil : status.letter
        content["trouble"] = trouble
        return pages.page(
            "casestatus", PageFrame(pageTitle: status.number), content,
            status: trouble == nil ? .ok : .unprocessableContent, headers: Self.kept)
    }

    @Sendable private func appeal(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let operations = try await sender(request, context)
        let secret = context.parameter("secret") ?? ""
        let form = try await fields(request)
        let status = try await ShowCaseStatus(secret: secret).perform(in: services.context())
        do throws(OperationError) {
            _ = try await AppealCase(number: status.number, text: form["text"] ?? "", secret: secret).run(
                in: operations)
            return Response(
                status: .seeOther, headers: [.location: "/report/status/\(secret)", .cacheControl: "no-store"])
        } catch {
            guard [.usage, .conflict].contains(error.code) else { throw error }
            return try await statusPage(secret, trouble: error.message)
        }
    }

    // MARK: In public

    @Sendable private func transparency(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let report = try await ShowTransparency().perform(in: services.context())
        var facts = [
            FactView(say("open-cases"), Wording.count(report.openCases)),
            FactView(say("open-appeals"), Wording.count(report.openAppeals)),
            FactView(say("decisions-in-the-log"), Wording.count(Int(clamping: report.head.size))),
            FactView(say("root-of-the-log"), report.head.root),
        ].compactMap { $0 }
        if let seconds = report.medianSeconds, let fact = FactView(say("median-time-to-a-decision"), Self.span(seconds))
        {
            facts.append(fact)
        }
        if let day = report.head.signedDay, let fact = FactView(say("signed-head-of"), day) { facts.append(fact) }
        let content: [String: Any] = [
            "facts": facts,
            "hasCounts": !report.counts.isEmpty,
            "counts": report.counts.map {
                ["month": $0.month, "action": $0.action, "reason": $0.reason, "count": "\($0.count)"]
            },
            "hasLists": !report.lists.isEmpty,
            "lists": report.lists.map { list -> [String: String] in
                let how = say("up-to", "\(list.mode)", "\(list.grant)")
                return ["list": list.list, "how": list.isShadow ? say("in-shadow", how) : how]
            },
        ]
        return pages.page(
            "transparency",
            PageFrame(
                pageTitle: say("transparency"), summary: say("how-moderates", "\(services.configuration.nodeName)")),
            content)
    }

    private static func span(_ seconds: UInt64) -> String {
        seconds < 3600
            ? say("minutes", "\(seconds / 60)")
            : seconds < 172_800 ? say("hours", "\(seconds / 3600)") : say("days", "\(seconds / 86_400)")
    }
}
