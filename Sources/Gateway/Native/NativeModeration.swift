import Accounts
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Moderation
import Operations
import WaggleProtocol

/// Reports, requests and cases over the native API.
struct NativeModeration: Sendable {
    let services: GatewayServices
    let door: NativeDoor
    /// For those who send files with a request, here and by the form.
    let attaching: AddressPlaces

    func register(in routes: inout RouteTable) {
        routes.post("/api/w1/reports", shows: .nothing, .native, door.knocking(report))
        routes.post("/api/w1/takedowns", shows: .nothing, .native, door.knockingWithFiles(ask))
        routes.get("/api/w1/takedowns/{secret}", shows: .nothing, .native, door.reading(status))
        routes.get("/api/w1/transparency", shows: .nothing, .native, door.reading(transparency))
        routes.get("/api/w1/cases/{case}", shows: .account, .native, door.asking(.read, own))
        routes.post("/api/w1/cases/{case}/appeal", shows: .account, .native, door.writing(.social, appeal))
        routes.get("/api/w1/moderation/cases", shows: .account, .native, door.asking(.moderate, queue))
        routes.get("/api/w1/moderation/cases/{case}", shows: .account, .native, door.asking(.moderate, show))
        routes.post(
            "/api/w1/moderation/cases/{case}/{action}", shows: .account, .native, door.writing(.moderate, act))
    }

    /// With the rights of whoever sends it; of somebody without an account, by where they are.
    private func operations(_ call: NativeCall) -> OperationContext {
        call.grant.map { services.context().acting(for: $0.account) }
            ?? services.context().acting(asGuest: call.address)
    }

    private struct ReportRequest: Decodable {
        let subject: String
        let reason: String
        var text: String?
        var contact: String?
        var tell: String?
    }

    @Sendable private func report(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(ReportRequest.self, from: body)
        let receipt = try await ReportSubject(
            subject: asked.subject, reason: asked.reason, text: asked.text ?? "", contact: asked.contact ?? "",
            peer: asked.tell
        ).perform(in: operations(call))
        return try NativeReply(receipt, status: .created)
    }

    private struct TakedownRequest: Decodable {
        let subjects: [String]
        let reason: String
        let right: String
        let statement: String
        let signature: String
        let contact: String
    }

    /// JSON, or a form whose fields have the same names, with files beside them.
    @Sendable private func ask(_ call: NativeCall) async throws -> NativeReply {
        let (asked, files): (TakedownRequest, [AttachedFile]) =
            FormUploads.isOne(call.request)
            ? try await withFiles(call) : (try call.decode(TakedownRequest.self, from: try await call.body()), [])
        let receipt = try await RequestTakedown(
            subjects: asked.subjects, reason: asked.reason, right: asked.right, statement: asked.statement,
            signature: asked.signature, contact: asked.contact, files: files
        ).perform(in: operations(call))
        var reply = try NativeReply(receipt, status: .created)
        reply.isSecret = true
        return reply
    }

    private func withFiles(_ call: NativeCall) async throws -> (TakedownRequest, [AttachedFile]) {
        let form = await EvidenceForm.read(
            call.request.body, type: call.request.headers[.contentType], from: call.address, attaching,
            clock: services.clock)
        defer { form.leave() }
        if let refusal = form.refusal { throw refusal }
        func value(_ name: String) throws(GatewayError) -> String {
            guard let field = form.typed.first(where: { $0.name == name }) else {
                throw .badRequest(code: "bad-request", "The field \(name) is missing")
            }
            return field.value
        }
        let asked = TakedownRequest(
            subjects: form.typed.filter { $0.name == "subjects" }.map(\.value), reason: try value("reason"),
            right: try value("right"), statement: try value("statement"), signature: try value("signature"),
            contact: try value("contact"))
        return (asked, form.files)
    }

    @Sendable private func status(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(
            try await ShowCaseStatus(secret: call.context.parameter("secret") ?? "").perform(in: services.context()))
    }

    @Sendable private func transparency(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(try await ShowTransparency().perform(in: services.context()))
    }

    // MARK: Makers

    @Sendable private func own(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(try await ShowOwnCase(number: number(call)).perform(in: try call.operations(services)))
    }

    private struct AppealRequest: Decodable {
        let text: String
    }

    @Sendable private func appeal(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(AppealRequest.self, from: body)
        let operations = try call.operations(services)
        let line = try await AppealCase(number: number(call), text: asked.text).perform(in: operations)
        return try NativeReply(try await ShowOwnCase(number: line.number).perform(in: operations))
    }

    // MARK: Moderators

    @Sendable private func queue(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(try await ShowQueue(show: call.query["show"]).perform(in: try call.operations(services)))
    }

    private func number(_ call: NativeCall) -> String { call.context.parameter("case") ?? "" }

    @Sendable private func show(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(try await ShowCase(number: number(call)).perform(in: try call.operations(services)))
    }

    private struct ActionRequest: Decodable {
        var action: String?
        var account: String?
        var reason: String?
        var sets: [String]?
        var letter: String?
        var makerLetter: String?
        var list: String?
        var outcome: String?
        var text: String?
    }

    @Sendable private func act(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(ActionRequest.self, from: body.isEmpty ? Array("{}".utf8) : body)
        let (operations, number) = (try call.operations(services), number(call))
        let line: CaseLine
        switch call.context.parameter("action") {
        case "assign": line = try await AssignCase(number: number, to: asked.account).perform(in: operations)
        case "hide": line = try await HideCase(number: number).perform(in: operations)
        case "undo": line = try await UndoCase(number: number, reason: asked.reason ?? "").perform(in: operations)
        case "decide":
            line = try await DecideCase(
                number: number, action: asked.action ?? "", reason: asked.reason, sets: asked.sets ?? [],
                letter: asked.letter ?? "", makerLetter: asked.makerLetter, list: asked.list
            ).perform(in: operations)
        case "answer":
            line = try await AnswerCaseAppeal(
                number: number, isUpheld: asked.outcome == "upheld", text: asked.text ?? ""
            ).perform(in: operations)
        case "appeal": line = try await AppealCase(number: number, text: asked.text ?? "").perform(in: operations)
        default: throw GatewayError.notFound("A case can be: assign, hide, decide, undo, answer, appeal")
        }
        return try NativeReply(line)
    }
}
