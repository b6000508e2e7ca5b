import Accounts
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Ledger
import Operations
import WaggleProtocol

/// Bounties and rewards over the native API.
struct NativeBounties: Sendable {
    let services: GatewayServices
    let door: NativeDoor

    func register(in routes: inout RouteTable) {
        routes.get("/api/w1/bounties", shows: .list, .native, door.reading(list))
        routes.post("/api/w1/bounties", shows: .account, .native, door.writing(.spend, create))
        routes.get("/api/w1/bounties/{bounty}", shows: .bounty, .native, door.reading(show))
        routes.post("/api/w1/bounties/{bounty}/backings", shows: .account, .native, door.writing(.spend, fund))
        routes.post("/api/w1/bounties/{bounty}/entries", shows: .account, .native, door.writing(.social, enter))
        routes.post("/api/w1/bounties/{bounty}/awards", shows: .account, .native, door.writing(.spend, award))
        routes.post("/api/w1/bounties/{bounty}/refund", shows: .account, .native, door.writing(.spend, refund))
        routes.get("/api/w1/buzz/{currency}/rewards/{epoch}", shows: .nothing, .native, door.reading(rewards))
    }

    private func id(_ call: NativeCall) throws(GatewayError) -> String {
        guard let id = Hash32(hex: call.context.parameter("bounty") ?? "") else {
            throw .notFound("There is no such bounty here; it is named by the 64 digits of its post")
        }
        return id.hex
    }

    private func seen(_ call: NativeCall) -> OperationContext { services.context().showing(to: call.viewer) }

    // MARK: Reading

    @Sendable private func list(_ call: NativeCall) async throws -> NativeReply {
        let page = try await ListBounties(
            isOpenOnly: try call.boolean("open"), poster: call.query["by"], limit: try call.limit(),
            cursor: call.query["cursor"]
        ).run(in: seen(call))
        return try NativeReply(NativeList(items: page.items, nextCursor: page.next))
    }

    @Sendable private func show(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(try await ShowBounty(bounty: id(call)).run(in: seen(call)))
    }

    @Sendable private func rewards(_ call: NativeCall) async throws -> NativeReply {
        guard let epoch = Int64(call.context.parameter("epoch") ?? "") else { throw NativeReads.nothing }
        return try NativeReply(
            try await ShowRewards(
                currency: call.context.parameter("currency") ?? "", epoch: epoch, granter: call.query["granter"]
            ).run(in: services.context()))
    }

    // MARK: Writing

    private struct BountyRequest: Decodable {
        let title: String
        var text: String?
        var wanted: String?
        var tags: [String]?
        var level: String?
        var currency: String?
        let amount: UInt64
        /// Unix seconds.
        let deadline: UInt64
        let decided: UInt64
        let rule: String
    }

    @Sendable private func create(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(BountyRequest.self, from: body)
        let operation = NewBounty(
            account: try call.account.handle, title: asked.title, text: asked.text ?? "", wanted: asked.wanted ?? "",
            tags: asked.tags ?? [], level: asked.level, currency: asked.currency, amount: asked.amount,
            deadline: asked.deadline, decided: asked.decided, rule: asked.rule)
        let report = try await services.spending(asked.amount, call) {
            try await operation.run(in: try call.operations(services))
        }
        return try NativeReply.created(report, at: "/api/w1/bounties/\(report.summary.bounty)")
    }

    private struct BackingRequest: Decodable {
        let amount: UInt64
        var isPledge: Bool?
    }

    @Sendable private func fund(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(BackingRequest.self, from: body)
        let operation = FundBounty(
            account: try call.account.handle, bounty: try id(call), amount: asked.amount,
            isPledge: asked.isPledge ?? false)
        return try NativeReply(
            try await services.spending(asked.amount, call) {
                try await operation.run(in: try call.operations(services))
            }, status: .created)
    }

    private struct EntryRequest: Decodable {
        /// 64 digits of posts.
        var works: [String]?
        var text: String?
    }

    @Sendable private func enter(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(EntryRequest.self, from: body)
        let visible = VisiblePosts(services, call.filter)
        for work in asked.works ?? [] {
            guard let post = Hash32(hex: work) else {
                throw GatewayError.badRequest(code: "bad-body", "Works are named by the 64 digits of their posts")
            }
            guard try await visible.includes(post) else {
                throw GatewayError.notFound("There is no post \(post.hex) here that you may see")
            }
        }
        let reply = try await EnterBounty(
            account: try call.account.handle, bounty: try id(call), works: asked.works ?? [], text: asked.text ?? ""
        ).run(in: try call.operations(services))
        return try NativeReply(reply, status: reply.isNew ? .created : .ok)
    }

    private struct AwardRequest: Decodable {
        struct Share: Decodable {
            let entry: String
            let weight: UInt32
        }

        let shares: [Share]
        var text: String?
    }

    @Sendable private func award(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(AwardRequest.self, from: body)
        let operation = AwardBounty(
            account: try call.account.handle, bounty: try id(call),
            shares: asked.shares.map { AwardBounty.Share(entry: $0.entry, weight: $0.weight) }, text: asked.text ?? "")
        return try NativeReply(try await operation.run(in: try call.operations(services)), status: .created)
    }

    @Sendable private func refund(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        try NativeReply(
            try await RefundBounty(account: try call.account.handle, bounty: try id(call))
                .run(in: try call.operations(services)))
    }
}

extension GatewayServices {
    /// Does something that costs an amount, within what the caller's token may spend.
    func spending<Reply>(_ amount: UInt64, _ call: NativeCall, _ body: () async throws -> Reply) async throws -> Reply {
        guard case .token(let token, _) = call.grant?.source, amount > 0 else { return try await body() }
        guard let amount = Int64(exactly: amount) else {
            throw GatewayError.badRequest(code: "bad-body", "amount is out of range")
        }
        try await accounts.charge(amount, token: token)
        do {
            return try await body()
        } catch {
            // An order that was kept and not answered as it should be may still become final: then it stays spent.
            if let error = error as? OperationError,
                error.isRefused == true || [.usage, .notFound, .conflict, .auth].contains(error.code)
            {
                try await accounts.refund(amount, token: token)
            }
            throw error
        }
    }
}
