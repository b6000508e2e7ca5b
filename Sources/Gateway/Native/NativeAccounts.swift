import Accounts
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import Moderation
import Operations
import WaggleProtocol

/// The door of the native API: registering, signing in, tokens, and who the caller is.
struct NativeAccounts: Sendable {
    let services: GatewayServices
    let door: NativeDoor
    let origins: Origins

    func register(in routes: inout RouteTable) {
        routes.post("/api/w1/setup", shows: .nothing, .native, door.knocking(setUp))
        routes.post("/api/w1/accounts", shows: .nothing, .native, door.knocking(signUp))
        routes.post("/api/w1/challenges", shows: .nothing, .native, door.knocking(challenge))
        routes.post("/api/w1/sessions", shows: .nothing, .native, door.knocking(signIn))
        routes.delete("/api/w1/sessions/current", shows: .account, .native, door.writing(.read, signOut))
        routes.get("/api/w1/me", shows: .account, .native, door.asking(.read, me))
        routes.patch("/api/w1/me", shows: .account, .native, door.writing(.social, changeMe))
        routes.put(
            "/api/w1/me/passphrase", shows: .account, .native, door.writing(.read, byToken: false, changePassphrase))
        routes.get("/api/w1/tokens", shows: .account, .native, door.asking(.read, tokens))
        routes.post("/api/w1/tokens", shows: .account, .native, door.writing(.read, byToken: false, newToken))
        routes.delete("/api/w1/tokens/{id}", shows: .account, .native, door.writing(.read, revoke))
    }

    // MARK: Coming in

    private struct SessionReply: Encodable {
        let account: String
        let author: String
        let role: String
        let state: String
        /// 24 recovery words, shown this once; absent when this node has not made the keys.
        var words: String?
        let expires: Nullable<String>
    }

    private func reply(_ session: OpenedSession, words: String? = nil, status: HTTPResponse.Status = .ok) throws
        -> NativeReply
    {
        let account = session.account
        var reply = try NativeReply(
            SessionReply(
                account: account.handle, author: AuthorID.text(account.author), role: account.role.rawValue,
                state: account.state.rawValue, words: words, expires: Nullable(Dates.timestamp(session.expires))),
            status: status, headers: [.setCookie: CallerIdentity.cookie(session, now: services.now())])
        reply.isSecret = true
        return reply
    }

    private struct SetUpRequest: Decodable {
        let token: String
        let passphrase: String
    }

    @Sendable private func setUp(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(SetUpRequest.self, from: body)
        return try reply(
            try await services.accounts.setUp(
                token: asked.token, owner: "me", passphrase: asked.passphrase, from: call.address))
    }

    private struct SignUpRequest: Decodable {
        let account: String
        let passphrase: String
        var name: String?
        var invite: String?
        var application: String?
        /// The person's own word; nodes for adults alone ask for it.
        var isAdult: Bool?
        /// For somebody who keeps the keys: the author, its key documents, and a challenge that one of its devices signed.
        var author: String?
        var documents: [Data]?
        var nonce: String?
        var key: String?
        var signature: String?
    }

    @Sendable private func signUp(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(SignUpRequest.self, from: body)
        guard (asked.name ?? "").utf8.count <= Limits.Text.nameBytes else {
            throw GatewayError.badRequest(code: "limit", "A name has at most \(Limits.Text.nameBytes) bytes")
        }
        let signUp = SignUp(
            Registration(
                handle: asked.account, passphrase: asked.passphrase, invite: asked.invite ?? "",
                application: asked.application ?? ""), displayName: asked.name ?? "", isAdult: asked.isAdult ?? false)
        let made: SignUp.Reply
        if let author = asked.author {
            let proof = try proof(author, asked.nonce, asked.key, asked.signature)
            guard (asked.documents ?? []).count <= Limits.Gateway.introducedDocuments else {
                throw GatewayError.tooManyItems(limit: Limits.Gateway.introducedDocuments)
            }
            made = try await signUp.run(
                in: services.context(), author: proof.author, key: proof.key, documents: asked.documents ?? [])
        } else {
            made = try await signUp.run(in: services.context())
        }
        guard made.account.state == .active else {
            var reply = try NativeReply(
                SessionReply(
                    account: made.account.handle, author: AuthorID.text(made.account.author),
                    role: made.account.role.rawValue, state: made.account.state.rawValue, words: made.words,
                    expires: Nullable(nil)), status: .accepted)
            reply.isSecret = true
            return reply
        }
        let session = try await services.accounts.openSession(for: made.account)
        return try reply(session, words: made.words, status: .created)
    }

    private struct ChallengeReply: Encodable {
        let nonce: String
        /// What the key signs, as UTF-8.
        let text: String
        let expires: String
    }

    @Sendable private func challenge(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let challenge = services.accounts.challenge(origin: call.base, node: services.nodeID)
        return try NativeReply(
            ChallengeReply(
                nonce: challenge.nonce, text: challenge.text, expires: Dates.timestamp(challenge.expires)),
            status: .created)
    }

    private struct SignInRequest: Decodable {
        var account: String?
        var passphrase: String?
        var author: String?
        var nonce: String?
        var key: String?
        var signature: String?
    }

    @Sendable private func signIn(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(SignInRequest.self, from: body)
        if let author = asked.author {
            let proof = try proof(author, asked.nonce, asked.key, asked.signature)
            try await proof.check(in: services.context())
            guard let account = try await services.accounts.account(author: proof.author) else {
                throw AccountsError.badChallenge
            }
            return try reply(try await services.accounts.openSession(for: account))
        }
        guard let account = asked.account, let passphrase = asked.passphrase else {
            throw GatewayError.badRequest(
                code: "bad-body", "Give account and passphrase, or author, nonce, key and signature")
        }
        return try reply(
            try await services.accounts.signIn(handle: account, passphrase: passphrase, from: call.address))
    }

    /// A key that signed a challenge of this node.
    private func proof(
        _ author: String, _ nonce: String?, _ key: String?, _ signature: String?
    ) throws -> KeySignIn {
        guard let author = AuthorID.parse(author) ?? Hash32(hex: author), let nonce,
            let key = key.flatMap({ Hash32(hex: $0) }),
            let signature = signature.flatMap({ Hex.decode($0, count: Ed25519.signatureBytes) })
        else {
            throw GatewayError.badRequest(
                code: "bad-body", "author is w1…; nonce, key and signature are hexadecimal digits")
        }
        try services.accounts.redeem(nonce: nonce, signature: signature, key: key)
        return KeySignIn(author: author, key: key)
    }

    @Sendable private func signOut(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        guard case .session(let id) = call.grant?.source else {
            throw GatewayError.badRequest(
                code: "no-session", "This is no session; a token is revoked at /api/w1/tokens")
        }
        try await services.accounts.closeSession(id)
        return NativeReply(.noContent, headers: [.setCookie: CallerIdentity.noCookie])
    }

    // MARK: Me

    @Sendable private func me(_ call: NativeCall) async throws -> NativeReply {
        guard let grant = call.grant else { throw CallerIdentity.unauthorized }
        return try await me(grant, grant.account)
    }

    private func me(_ grant: Grant, _ account: Account) async throws -> NativeReply {
        let storage = NativeMe.Storage(
            quota: Nullable(account.storage.bytes), stored: try await services.context().storedBytes(of: account),
            uploads: try await UploadedFiles(services.uploads, account).begunBytes())
        return try NativeReply(
            NativeMe(
                account: account.handle, author: AuthorID.text(account.author), role: account.role.rawValue,
                custody: account.custody.rawValue, scopes: grant.scopes.sorted().map(\.rawValue),
                levels: NativeEncoder.words(account.seenLevels),
                blurFrom: Nullable(Level(rawValue: account.blurFrom)?.word), isAdult: account.adultSince != nil,
                storage: storage, created: Dates.timestamp(account.created),
                expires: Nullable(grant.expires.map { Dates.timestamp($0) })))
    }

    private struct ChangeRequest: Decodable {
        var name: String?
        var about: String?
        var links: [String]?
        /// Words of levels that the account wants to see.
        var levels: [String]?
        /// The word of the level from which on pages blur pictures; "none" for no blur.
        var blurFrom: String?
        /// The person's own word that they are an adult where they live.
        var isAdult: Bool?
    }

    @Sendable private func changeMe(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(ChangeRequest.self, from: body)
        guard let grant = call.grant else { throw CallerIdentity.unauthorized }
        var account = grant.account
        let viewing = ViewingChoice(
            levels: try asked.levels.map { try $0.reduce(Level.pg.rawValue) { $0 | (try Self.level($1)).rawValue } },
            blurFrom: try asked.blurFrom.map { try $0 == "none" ? 0 : Self.level($0).rawValue }, isAdult: asked.isAdult)
        if viewing != ViewingChoice() {
            account = try await services.accounts.set(viewing, of: account.handle)
        }
        if asked.name != nil || asked.about != nil || asked.links != nil {
            _ = try await SetProfile(
                account: account.handle, displayName: asked.name, about: asked.about, links: asked.links
            ).run(in: try call.operations(services))
        }
        return try await me(grant, account)
    }

    private static func level(_ word: String) throws(GatewayError) -> Level {
        guard let level = Level(word: word), level < .blocked else {
            throw .badRequest(code: "bad-body", "levels are PG, PG-13, R, X and XXX")
        }
        return level
    }

    private struct PassphraseRequest: Decodable {
        let old: String
        let new: String
    }

    @Sendable private func changePassphrase(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(PassphraseRequest.self, from: body)
        guard case .session(let id) = call.grant?.source else { throw NativeDoor.sessionNeeded }
        try await services.accounts.changePassphrase(
            of: try call.account, from: asked.old, to: asked.new, keeping: id)
        return NativeReply(.noContent)
    }

    // MARK: Tokens

    private struct TokenList: Encodable {
        let items: [TokenLine]
    }

    @Sendable private func tokens(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(
            TokenList(items: try await services.accounts.tokens(of: try call.account).map { TokenLine($0) }))
    }

    private struct TokenRequest: Decodable {
        var label: String?
        let scopes: [String]
        /// Seconds from now.
        var expiresIn: UInt64?
        var buzzLimit: UInt64?
    }

    @Sendable private func newToken(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(TokenRequest.self, from: body)
        guard asked.expiresIn.map({ $0 < 1 << 40 }) ?? true else {
            throw GatewayError.badRequest(code: "bad-body", "expires_in is a number of seconds below 2^40")
        }
        let made = try await NewAPIToken(
            account: try call.account.handle, label: asked.label ?? "",
            scopes: try TokenScope.list(asked.scopes.joined(separator: ",")), seconds: asked.expiresIn,
            buzzLimit: asked.buzzLimit
        ).run(in: services.context())
        var reply = try NativeReply.created(made, at: "/api/w1/tokens/\(made.id)")
        reply.isSecret = true
        return reply
    }

    @Sendable private func revoke(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        guard let id = call.context.parameter("id").flatMap({ Int64($0) }) else { throw NativeReads.nothing }
        // A token may end itself, and nothing else.
        if case .token(let own, _) = call.grant?.source, own != id { throw NativeDoor.sessionNeeded }
        try await services.accounts.revoke(token: id, of: try call.account)
        return NativeReply(.noContent)
    }
}
