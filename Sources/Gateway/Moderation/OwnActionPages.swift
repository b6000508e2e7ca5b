import Accounts
import HTTPTypes
import Hummingbird
import Operations
import WaggleProtocol

/// What lists of others do here to somebody's own things and what this node says of them, with the one appeal against each; and the same over the native API.
struct OwnActionPages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let door: PageDoor
    let native: NativeDoor

    func register(in routes: inout RouteTable) {
        routes.get("/account/appeals", shows: .account, .page, door.page(.read) { try await show($0) })
        routes.post(
            "/account/appeals", shows: .account, .page,
            door.form(.social, again: { call, _, trouble in try await show(call, trouble: trouble) }, appeal))
        routes.get("/api/w1/appeals", shows: .account, .native, native.asking(.read, list))
        routes.post("/api/w1/appeals", shows: .account, .native, native.writing(.social, appeal))
    }

    private func show(_ call: PageCall, trouble: FormTrouble? = nil) async throws -> Response {
        let actions = try await ListOwnActions(account: call.account.handle).perform(in: call.operations).actions
        let failed = call.address["entry"]
        var content: [String: Any] = ["hasActions": !actions.isEmpty]
        content["actions"] = actions.map { action -> [String: Any] in
            var line: [String: Any] = [
                "actionTitle": action.title.isEmpty ? action.caseNumber : action.title, "actionList": action.list,
                "actionWord": action.action, "actionReason": action.reason, "actionCase": action.caseNumber,
            ]
            if let appeal = action.appeal {
                line["appealText"] = appeal.text
                line["appealOutcome"] = appeal.outcome ?? say("waits-for-an-answer")
                line["appealAnswer"] = appeal.answer.flatMap { $0.isEmpty ? nil : $0 }
            } else {
                line["form"] = FormView(
                    PageAddress.with("/account/appeals", [("entry", action.entry)]), sends: say("appeal-2"),
                    fields: [
                        FieldView(
                            "text", say("why-it-is-wrong"), .text(rows: 4),
                            hint: action.entry.hasPrefix("L-") ? nil : say("an-appeal-is-public"),
                            most: Limits.Cases.textBytes, isNeeded: true)
                    ], trouble: action.entry == failed ? trouble : nil, label: say("appeal-2"),
                    id: "a\(action.entry.prefix(8))")
            }
            return line
        }
        return pages.page(
            "ownactions", PageFrame(pageTitle: say("lists-and-your-things")), content,
            headers: [.cacheControl: "private, no-store"])
    }

    @Sendable private func appeal(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        try await appeal(call.address["entry"] ?? "", typed["text"] ?? "", as: call.account, in: call.operations)
        return .done(at: "/account/appeals")
    }

    /// Against a lock it is kept here; everything else is signed, and travels to whoever said it.
    ///
    /// - Returns: the post, or the case.
    @discardableResult
    private func appeal(
        _ entry: String, _ text: String, as account: Account, in operations: OperationContext
    ) async throws -> NativeReply {
        guard !entry.uppercased().hasPrefix("L-") else {
            let line = try await AppealCase(number: entry, text: text).perform(in: operations)
            return try NativeReply(
                try await ShowOwnCase(number: line.number).perform(in: operations), status: .created)
        }
        return try NativeReply(
            try await AppealEntry(account: account.handle, entry: entry, text: text).perform(in: operations),
            status: .created)
    }

    // MARK: The native API

    private struct Request: Decodable {
        let entry: String
        let text: String
    }

    @Sendable private func list(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(
            try await ListOwnActions(account: try call.account.handle).perform(in: try call.operations(services)))
    }

    @Sendable private func appeal(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(Request.self, from: body)
        return try await appeal(asked.entry, asked.text, as: try call.account, in: try call.operations(services))
    }
}
