import Accounts
import HTTPTypes
import Hummingbird
import Moderation
import NIOCore
import Operations
import WaggleProtocol

/// The moderators' pages: what waits, and one case with all that is known of it. Access keys: j and k go from case to case,
/// a assigns, h hides.
struct QueuePages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let people: CallerIdentity
    private static let formBytes = 64 << 10
    private static let kept: HTTPFields = [.cacheControl: "private, no-store"]

    func register(in routes: inout RouteTable) {
        routes.get("/moderation", shows: .account, .page, queue)
        routes.get("/moderation/{case}", shows: .account, .page, show)
        routes.get("/moderation/{case}/files/{number}", shows: .account, .page, file)
        routes.post("/moderation/{case}", shows: .account, .page, act)
    }

    /// - Throws: `unauthorized` when nobody is signed in, `forbidden` for who may not moderate.
    private func moderator(_ request: Request, _ context: GatewayContext) async throws -> OperationContext {
        guard let grant = try await people.grant(request, context) else { throw CallerIdentity.unauthorized }
        guard grant.allows(.moderate) else {
            throw GatewayError.forbidden(code: "scope-missing", "This needs the scope moderate")
        }
        return services.context().acting(for: grant.account)
    }

    @Sendable private func queue(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let operations = try await moderator(request, context)
        let show = try Query(request)["show"].flatMap { $0.isEmpty ? nil : $0 }
        let queue = try await ShowQueue(show: show).perform(in: operations)
        let tabs: [String?] = [nil] + ShowQueue.choices
        var content: [String: Any] = [
            "tabSets": [
                TabsView(
                    tabsLabel: say("which"),
                    tabs: tabs.map { choice in
                        TabView(
                            tabName: Self.title(of: choice),
                            tabHref: choice.map { "/moderation?show=\($0)" } ?? "/moderation", isCurrent: choice == show
                        )
                    })
            ],
            "hasCases": !queue.cases.isEmpty, "cases": queue.cases.map(Self.line),
            "counts":
                say(
                    "open-unassigned-overdue-appeals", "\(queue.counts.open)", "\(queue.counts.unassigned)",
                    "\(queue.counts.overdue)", "\(queue.counts.appeals)"),
        ]
        let reasons = queue.counts.reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.key): \($0.value)" }
        if !reasons.isEmpty { content["reasons"] = reasons.joined(separator: ", ") }
        return pages.page("queue", PageFrame(pageTitle: say("moderation")), content, headers: Self.kept)
    }

    /// What a part of the queue is called.
    private static func title(of choice: String?) -> String {
        switch choice {
        case nil: say("open")
        case "mine": say("mine")
        case "unassigned": say("unassigned")
        case "overdue": say("overdue")
        case "appeals": say("appeals")
        case "decided": say("decided")
        case let other?: other
        }
    }

    private static func line(_ line: CaseLine) -> [String: Any] {
        var values: [String: Any] = [
            "caseHref": "/moderation/\(line.number)", "caseNumber": line.number, "caseSubject": line.subject,
            "caseReason": line.reason,
            "caseReports": line.reports == 1 ? say("1-report") : say("reports", "\(line.reports)"),
            "caseAssigned": line.assigned.isEmpty ? say("nobody-3") : "@\(line.assigned)",
            "caseState": line.decision ?? line.state, "caseOpened": Dates.minute(line.opened),
            "isUrgent": line.urgency != "none", "caseUrgency": line.urgency, "hasAppeal": line.hasOpenAppeal,
        ]
        if let deadline = line.deadline { values["caseDeadline"] = Dates.minute(deadline) }
        return values
    }

    @Sendable private func show(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let operations = try await moderator(request, context)
        return try await page(context.parameter("case") ?? "", operations)
    }

    /// A file that came with a request: bytes of a stranger, which no browser is to show or run as part of this site.
    @Sendable private func file(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let operations = try await moderator(request, context)
        guard let number = context.parameter("number").flatMap({ Int($0) }), number > 0 else {
            throw GatewayError.notFound("There is no such file")
        }
        let file = try await ShowAttachment(number: context.parameter("case") ?? "", index: number - 1).perform(
            in: operations)
        var headers = Self.kept
        headers[.contentType] = "application/octet-stream"
        headers[.contentDisposition] = "attachment; filename*=UTF-8''\(PercentCoding.encode(file.name))"
        headers[.contentSecurityPolicy] = "sandbox; default-src 'none'"
        return Response(
            status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: file.bytes)))
    }

    private func page(_ number: String, _ operations: OperationContext, trouble: String? = nil) async throws -> Response
    {
        let details = try await ShowCase(number: number).perform(in: operations)
        let queue = try await ListQueueNumbers().perform(in: operations)
        let place = queue.firstIndex(of: details.line.number)
        let line = details.line
        var content = Self.line(line)
        content["page"] = line.page.isEmpty ? nil : line.page
        content["isDecided"] = line.state == "decided"
        content["isHidden"] = line.state == "hidden"
        content["reports"] = details.reports.map { report -> [String: Any] in
            var values: [String: Any] = [
                "reporter": report.reporter.isEmpty ? say("somebody-without-an-account") : report.reporter,
                "reportReason": report.reason, "reportText": report.text, "reportAt": Dates.minute(report.at),
            ]
            if !report.contact.isEmpty { values["reportContact"] = report.contact }
            return values
        }
        content["hasFiles"] = !details.files.isEmpty
        content["files"] = details.files.map { file -> [String: Any] in
            [
                "fileHref": "/moderation/\(line.number)/files/\(file.index + 1)", "fileName": file.name,
                "fileSize": Wording.size(UInt64(file.bytes)), "fileHash": file.sha256,
            ]
        }
        content["spread"] = details.spread.map { set -> [String: Any] in
            [
                "setName": set.name, "setTitle": "\(set.title) (\(set.subjects.count))", "isNamed": set.name == "named",
                "setSubjects": Array(set.subjects.prefix(50)),
            ]
        }
        content["hasHolders"] = !details.holders.isEmpty
        content["holders"] = details.holders
        content["hasAcks"] = !details.acks.isEmpty
        content["acks"] = details.acks.map {
            ["ackNode": $0.node, "ackOutcome": $0.outcome, "ackAt": Dates.minute($0.at)]
        }
        content["audit"] = details.audit.map { record in
            [
                "auditAt": Dates.minute(record.at), "auditActor": record.actor, "auditAction": record.action,
                "auditAfter": record.detail,
            ]
        }
        content["earlier"] = details.earlier.isEmpty ? nil : details.earlier.joined(separator: ", ")
        content["maker"] = details.maker.isEmpty ? nil : details.maker
        content["strikes"] = details.strikes
        content["canUndo"] = details.canUndo
        content["letter"] = line.kind == "takedown" ? details.letters["asked-removed"] ?? "" : ""
        content["makerLetter"] = details.letters["maker-removed"] ?? ""
        if let decision = details.decision {
            let decided = say(
                "by-6", "\(decision.action)", "\(decision.reason)", "\(decision.by)", Dates.minute(decision.at))
            content["decided"] = decision.undone.map { say("taken-back-at", decided, Dates.minute($0)) } ?? decided
        }
        if let appeal = details.appeal {
            content["appealText"] = appeal.text
            content["appealOpen"] = appeal.outcome == nil
            content["appealOutcome"] = appeal.outcome
        }
        if let place {
            if place + 1 < queue.count { content["nextHref"] = "/moderation/\(queue[place + 1])" }
            if place > 0 { content["previousHref"] = "/moderation/\(queue[place - 1])" }
        }
        content["trouble"] = trouble
        return pages.page(
            "case", PageFrame(pageTitle: line.number), content,
            status: trouble == nil ? .ok : .unprocessableContent, headers: Self.kept)
    }

    @Sendable private func act(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let operations = try await moderator(request, context)
        let number = context.parameter("case") ?? ""
        let body = try await WireBody.collect(request.body, limit: Self.formBytes, clock: services.clock)
        let form = try Query(String(decoding: body, as: UTF8.self))
        do throws(OperationError) {
            switch form["do"] {
            case "assign": _ = try await AssignCase(number: number, to: nil).perform(in: operations)
            case "hide": _ = try await HideCase(number: number).perform(in: operations)
            case "undo": _ = try await UndoCase(number: number, reason: form["why"] ?? "").perform(in: operations)
            case "uphold", "reject":
                _ = try await AnswerCaseAppeal(
                    number: number, isUpheld: form["do"] == "uphold", text: form["why"] ?? ""
                ).perform(in: operations)
            case "keep", "block", "purge":
                if form["do"] == "purge", form["sure"] != "yes" {
                    throw OperationError(.usage, "A purge deletes for good: say that you are sure")
                }
                _ = try await DecideCase(
                    number: number, action: form["do"] ?? "", sets: form.values("set"), letter: form["letter"] ?? "",
                    makerLetter: form["maker"], list: form["tell"] == "yes" ? nil : ""
                ).perform(in: operations)
            default: throw OperationError(.usage, "There is no such button")
            }
        } catch {
            guard [.usage, .conflict, .auth, .limits].contains(error.code) else { throw error }
            return try await page(number, operations, trouble: error.message)
        }
        return Response(
            status: .seeOther, headers: [.location: "/moderation/\(number)", .cacheControl: "no-store"])
    }
}
