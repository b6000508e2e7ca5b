import Accounts
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Moderation
import Operations
import WaggleProtocol

/// Lists over the native API: those that this node listens to, and one's own. What a list is called goes into the query or the
/// body, because it has a slash in it.
struct NativeLists: Sendable {
    let services: GatewayServices
    let door: NativeDoor

    func register(in routes: inout RouteTable) {
        routes.get("/api/w1/moderation/lists", shows: .account, .native, door.asking(.moderate, all))
        routes.get("/api/w1/moderation/lists/show", shows: .account, .native, door.asking(.moderate, show))
        routes.get("/api/w1/moderation/lists/export", shows: .account, .native, door.asking(.moderate, export))
        routes.post("/api/w1/moderation/lists/{action}", shows: .account, .native, door.writing(.moderate, act))
    }

    @Sendable private func all(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(try await ListLists().perform(in: try call.operations(services)))
    }

    private func name(_ call: NativeCall) throws(GatewayError) -> String {
        guard let name = call.query["list"], !name.isEmpty else {
            throw .badRequest(code: "bad-parameter", "list is the name of a list, such as @keeper/name")
        }
        return name
    }

    @Sendable private func show(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(
            try await ShowList(
                list: try name(call), waitingOnly: try call.boolean("waiting"), limit: try call.limit(200, most: 1000)
            ).perform(in: try call.operations(services)))
    }

    @Sendable private func export(_ call: NativeCall) async throws -> NativeReply {
        let file = try await ExportList(list: try name(call), isMastodon: try call.boolean("mastodon")).perform(
            in: try call.operations(services))
        var reply = NativeReply(
            .ok,
            headers: [.contentType: "text/csv; charset=utf-8", .contentDisposition: "attachment; filename=list.csv"])
        reply.body = Array(file.text.utf8)
        return reply
    }

    private struct Request: Decodable {
        let list: String
        var subjects: [String]?
        // Of a list of one's own.
        var title: String?
        var purpose: String?
        var policyUrl: String?
        var appealUrl: String?
        var salted: Bool?
        var severity: String?
        var reason: String?
        var label: String?
        var until: UInt64?
        var text: String?
        var slug: String?
        // Of a subscription, and of what is decided about entries.
        var mode: String?
        var grant: String?
        var reasons: [String]?
        var shadow: Bool?
        var place: Int?
        var lists: [String]?
        var needed: Int?
        var most: String?
        var remove: Bool?
    }

    @Sendable private func act(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(Request.self, from: body)
        let operations = try call.operations(services)
        let action = call.context.parameter("action") ?? ""
        if let reply = try await say(action, asked, as: try call.account.handle, operations) { return reply }
        let (list, subjects) = (asked.list, asked.subjects ?? [])
        switch action {
        case "approve", "reject":
            return try NativeReply(
                try await DecideListEntries(
                    list: list, subjects: subjects, isApproved: action == "approve", most: asked.most
                ).perform(in: operations))
        case "undo": return try NativeReply(try await UndoList(list: list).perform(in: operations))
        case "subscribe", "unsubscribe", "allow":
            // How far a list is trusted is for admins to say.
            guard call.grant?.allows(.admin) == true else {
                throw GatewayError.forbidden(code: "scope-missing", "This needs the scope admin")
            }
            if action == "allow" {
                return try NativeReply(
                    try await AllowSubjects(subjects: subjects, isAllowed: asked.remove != true).perform(in: operations)
                )
            }
            if action == "unsubscribe" {
                return try NativeReply(try await UnsubscribeList(list: list).perform(in: operations))
            }
            return try NativeReply(
                try await SubscribeList(
                    list: list, mode: asked.mode, grant: asked.grant, reasons: asked.reasons, isShadow: asked.shadow,
                    place: asked.place, lists: asked.lists ?? [], needed: asked.needed
                ).perform(in: operations))
        default:
            throw GatewayError.notFound(
                "With a list one can: new, add, withdraw, import, fork, subscribe, unsubscribe, approve, reject, undo, allow"
            )
        }
    }

    /// What is done to a list of the caller's own; nil for anything else.
    private func say(
        _ action: String, _ asked: Request, as account: String, _ operations: OperationContext
    ) async throws -> NativeReply? {
        let (list, subjects) = (asked.list, asked.subjects ?? [])
        switch action {
        case "new":
            return try NativeReply(
                try await NewList(
                    account: account, list: list, title: asked.title ?? "", purpose: asked.purpose ?? "",
                    policyURL: asked.policyUrl ?? "", appealURL: asked.appealUrl ?? "", isSalted: asked.salted ?? false
                ).perform(in: operations), status: .created)
        case "add":
            return try NativeReply(
                try await AddToList(
                    account: account, list: list, subjects: subjects, severity: asked.severity ?? "block",
                    reason: asked.reason ?? "", label: asked.label ?? "", until: asked.until ?? 0,
                    isSalted: asked.salted ?? false
                ).perform(in: operations))
        case "withdraw":
            return try NativeReply(
                try await WithdrawFromList(account: account, list: list, subjects: subjects).perform(in: operations))
        case "import":
            return try NativeReply(
                try await ImportList(account: account, list: list, text: asked.text ?? "").perform(in: operations))
        case "fork":
            return try NativeReply(
                try await ForkList(account: account, list: list, slug: asked.slug ?? "").perform(in: operations),
                status: .created)
        default: return nil
        }
    }
}
