import Accounts
import Digests
import HTTPTypes
import Hummingbird
import Identity
import Operations
import WaggleProtocol

/// `POST /api/w1/moves`: somebody of another node makes this one their home; `POST /api/w1/me/move` finishes a move that
/// stopped half-way. What the pages of `MovePages` do.
struct NativeMoves: Sendable {
    let services: GatewayServices
    let door: NativeDoor
    let room: MoveRoom

    func register(in routes: inout RouteTable) {
        routes.post("/api/w1/moves", shows: .nothing, .native, door.knocking(come))
        routes.post("/api/w1/me/move", shows: .account, .native, door.writing(.social, byToken: false, finish))
    }

    private struct ComeRequest: Decodable {
        /// Address of the old home.
        let from: String
        /// The 24 words.
        let words: String
        let account: String
        let passphrase: String
        /// For words that were rotated to.
        var author: String?
        var invite: String?
        var application: String?
        var isAdult: Bool?
    }

    private struct FinishRequest: Decodable {
        let passphrase: String
        var from: String?
        /// Keys that go on signing, beside this node's: 64 hexadecimal digits each.
        var kept: [String]?
    }

    private struct Balance: Encodable {
        let currency: String
        let symbol: String
        let balance: Int64
        let outcome: String
        /// Did not come along yet.
        let isOpen: Bool
    }

    private struct MoveReply: Encodable {
        let account: String
        let author: String
        let state: String
        /// Of the session; null while there is none.
        let expires: Nullable<String>
        /// Posts that came along this time.
        let posts: Int
        /// Something is left: a person has to look at the account, or several other keys sign for it.
        let isOpen: Bool
        /// Labels of keys that sign no longer.
        let withdrawn: [String]
        let isOldHomeTold: Bool
        let balances: [Balance]

        init(_ account: Account, _ outcome: FinishedMove?, expires: UInt64?) {
            self.account = account.handle
            author = AuthorID.text(account.author)
            state = account.state.rawValue
            self.expires = Nullable(expires.map { Dates.timestamp($0) })
            posts = outcome?.posts ?? 0
            isOpen = outcome?.isOpen ?? true
            withdrawn = outcome?.withdrawn ?? []
            isOldHomeTold = outcome?.isOldHomeTold ?? false
            balances = (outcome?.balances ?? []).map {
                Balance(
                    currency: $0.currency, symbol: $0.symbol, balance: $0.balance, outcome: $0.outcome,
                    isOpen: $0.isOpen)
            }
        }
    }

    @Sendable private func come(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(ComeRequest.self, from: body)
        let move = MoveHere(
            Registration(
                handle: asked.account, passphrase: asked.passphrase, invite: asked.invite ?? "",
                application: asked.application ?? ""), words: asked.words, author: asked.author ?? "", from: asked.from,
            isAdult: asked.isAdult ?? false)
        let came = try await Self.telling {
            try await taking(call) { try await move.run(in: services.context()) }
        }
        guard came.account.state == .active else {
            return try NativeReply(MoveReply(came.account, nil, expires: nil), status: .accepted)
        }
        let session = try await services.accounts.openSession(for: came.account)
        var reply = try NativeReply(
            MoveReply(came.account, came.outcome, expires: session.expires), status: .created,
            headers: [.setCookie: CallerIdentity.cookie(session, now: services.now())])
        reply.isSecret = true
        return reply
    }

    @Sendable private func finish(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(FinishRequest.self, from: body)
        let kept = try asked.kept?.map { text throws(GatewayError) in
            guard let key = Hash32(hex: text) else {
                throw .badRequest(code: "bad-body", "kept has keys of 64 hexadecimal digits")
            }
            return key
        }
        let account = try call.account
        let finish = FinishMove(account: account, from: asked.from ?? "", kept: kept.map { Set($0) })
        let outcome = try await Self.telling {
            try await taking(call) { try await finish.run(passphrase: asked.passphrase, in: services.context()) }
        }
        return try NativeReply(MoveReply(account, outcome, expires: call.grant?.expires))
    }

    private func taking<Value>(_ call: NativeCall, _ body: () async throws -> Value) async throws -> Value {
        try await room.taking(for: call.address, now: services.now(), body)
    }

    /// With what is wrong with the request in words of the API.
    private static func telling<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let trouble as MoveTrouble {
            let code =
                switch trouble.part {
                case .words: "bad-words"
                case .author: "bad-author"
                case .from: "bad-old-home"
                }
            throw GatewayError.unprocessable(code: code, trouble.reason.message)
        }
    }
}
