import Accounts
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import Ledger
import Operations
import PostLog
import WaggleProtocol

/// Currencies over the native API: what everybody may read of them, and tips.
struct NativeBuzz: Sendable {
    let services: GatewayServices
    let door: NativeDoor

    func register(in routes: inout RouteTable) {
        routes.get("/api/w1/buzz", shows: .nothing, .native, door.reading(currencies))
        routes.get("/api/w1/buzz/{currency}", shows: .nothing, .native, door.reading(rules))
        routes.get("/api/w1/buzz/{currency}/accounts/{account}", shows: .nothing, .native, door.reading(balance))
        routes.get("/api/w1/buzz/{currency}/accounts/{account}/finals", shows: .nothing, .native, door.reading(history))
        routes.get("/api/w1/buzz/{currency}/finals/{final}", shows: .nothing, .native, door.reading(final))
        routes.post("/api/w1/buzz/tips", shows: .account, .native, door.writing(.spend, tip))
        routes.put("/api/w1/buzz/{currency}/accepted", shows: .account, .native, door.writing(.social, accept))
        routes.delete("/api/w1/buzz/{currency}/accepted", shows: .account, .native, door.writing(.social, refuse))
    }

    private func run<O: Operations.Operation>(_ operation: O) async throws -> O.Reply {
        try await operation.run(in: services.context())
    }

    private func currency(_ call: NativeCall) -> String { call.context.parameter("currency") ?? "" }

    // MARK: Reading

    @Sendable private func currencies(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(NativeList(items: try await run(ListCurrencies()), nextCursor: nil))
    }

    @Sendable private func rules(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(try await run(ShowRules(currency: currency(call))))
    }

    /// An account is a person, by handle or author id, or its own 64 digits.
    @Sendable private func balance(_ call: NativeCall) async throws -> NativeReply {
        let account = call.context.parameter("account") ?? ""
        let known = try await run(ShowBalance(account: account, currency: currency(call), asksAuthority: false))
        guard let report = known.first else { throw NativeReads.nothing }
        // Its authority is asked for whoever's account it is, and for nobody else.
        guard !report.isCurrent, let grant = call.grant,
            try await services.context().log.keyChain(of: grant.account.author)?.ledgerAccount?.hex == report.account,
            let own = try await run(ShowBalance(account: report.account, currency: currency(call))).first
        else { return try NativeReply(report) }
        return try NativeReply(own)
    }

    @Sendable private func history(_ call: NativeCall) async throws -> NativeReply {
        let account = call.context.parameter("account") ?? ""
        guard !account.contains("/") else { throw NativeReads.nothing }
        let limit = try call.limit(20, most: Limits.Ledger.historyPage)
        let before = call.query["cursor"].flatMap { UInt64($0) }
        let finals = try await run(
            ShowHistory(subject: account, currency: currency(call), limit: limit, before: before, asksAuthority: false))
        let next = finals.count == limit ? finals.last?.position.map { "\($0)" } : nil
        return try NativeReply(NativeList(items: finals, nextCursor: next))
    }

    @Sendable private func final(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(
            try await run(
                ExplainFinal(
                    final: call.context.parameter("final") ?? "", currency: currency(call), asksAuthority: false)))
    }

    // MARK: Writing

    private struct TipRequest: Decodable {
        /// 64 digits of a post, or a person.
        let subject: String
        let amount: UInt64
        var currency: String?
    }

    @Sendable private func tip(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(TipRequest.self, from: body)
        let account = try call.account
        if let post = Hash32(hex: asked.subject) {
            guard try await VisiblePosts(services, call.filter).includes(post) else {
                throw GatewayError.notFound("There is no post \(post.hex) here that you may see")
            }
        } else if asked.subject.contains("/") {
            throw GatewayError.badRequest(
                code: "bad-body", "A subject is named by the 64 digits of its post, or is a person")
        }
        guard let amount = Int64(exactly: asked.amount), amount > 0 else {
            throw GatewayError.badRequest(code: "bad-body", "amount is 1 or more")
        }
        let operation = TipSubject(
            account: account.handle, subject: asked.subject, amount: asked.amount, currency: asked.currency)
        guard case .token(let token, _) = call.grant?.source else {
            return try NativeReply(try await run(operation), status: .created)
        }
        try await services.accounts.charge(amount, token: token)
        do {
            return try NativeReply(try await run(operation), status: .created)
        } catch {
            // An order that was kept and not answered as it should be may still become final: then it stays spent.
            if let error = error as? OperationError, error.isUnderWay != true {
                try await services.accounts.refund(amount, token: token)
            }
            throw error
        }
    }

    @Sendable private func accept(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        try NativeReply(
            try await run(AcceptCurrency(account: try call.account.handle, currency: currency(call))))
    }

    @Sendable private func refuse(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        _ = try await run(
            AcceptCurrency(account: try call.account.handle, currency: currency(call), isAccepted: false))
        return NativeReply(.noContent)
    }
}
