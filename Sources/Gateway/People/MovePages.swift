import Accounts
import Digests
import Federation
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import Operations
import PostLog
import WaggleProtocol

/// `/signup/move` and `/account/move`: how people come here from another node with what they are, and go to another.
///
/// The old home leads to the new one with a link that names both; the 24 words are typed at the new one alone.
struct MovePages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let people: CallerIdentity
    let door: PageDoor
    private let once: OncePerForm
    private let knocks = KnockLimit()
    private let room: MoveRoom

    init(services: GatewayServices, pages: PageRenderer, people: CallerIdentity, door: PageDoor, room: MoveRoom) {
        self.services = services
        self.pages = pages
        self.people = people
        self.door = door
        self.room = room
        once = OncePerForm(accounts: services.accounts)
    }

    func register(in routes: inout RouteTable) {
        routes.get("/signup/move", shows: .nothing, .page) { request, _ in comePage(try Query(request)) }
        routes.post("/signup/move", shows: .nothing, .page, come)
        routes.get("/account/move", shows: .account, .page, door.page(.read) { try await page($0) })
        routes.post(
            "/account/move", shows: .account, .page, door.form(.read, again: { try await page($0, $1, $2) }, go))
        routes.post(
            "/account/move/finish", shows: .account, .page,
            door.form(.social, again: { try await page($0, finishing: $1, $2) }, finish))
    }

    // MARK: Coming

    private func comePage(
        _ address: Query, typed: Query? = nil, trouble: FormTrouble? = nil, status: HTTPResponse.Status = .ok
    ) -> Response {
        let context = services.context()
        if context.registrationMode == .closed { return pages.takesNobody(status: status) }
        // Who sends it twice gets what the first one came to.
        let action = PageAddress.adding(
            FormToken.parameter, Hex.encode(SecureRandom.bytes(16)), to: "/signup/move")
        var fields = [
            FieldView(
                "from", say("address-of-your-old-home"), .address, hint: say("as-in-https"),
                value: address["from"] ?? "", most: Limits.Wire.urlBytes, isNeeded: true),
            FieldView(
                "words", say("your-24-recovery-words"), .text(rows: 4), hint: say("with-spaces-between-them"),
                most: Self.wordsBytes, isNeeded: true, autocomplete: "off"),
            RegistrationFields.handle(value: RegistrationFields.name(address["account"])),
            RegistrationFields.passphrase(),
        ]
        fields += RegistrationFields.admission(context, invite: address["invite"] ?? "")
        fields.append(
            FieldView(
                "author", say("author-id"), hint: say("only-where-you-changed-your-words"),
                value: address["author"] ?? "", most: 80))
        let form = FormView(action, sends: say("move-here"), fields: fields, typed: typed, trouble: trouble)
        var response = pages.form(
            say("move-to", services.configuration.nodeName), form, lead: say("your-keys-posts-and-followers-come"),
            more: [
                "after": [
                    LinkView(linkText: say("open-a-new-account"), linkHref: "/signup"),
                    LinkView(linkText: say("the-rules-of-this-node"), linkHref: "/rules"),
                ]
            ])
        response.status = status
        return response
    }

    /// 24 words of at most 8 letters, with more than one space between them.
    private static let wordsBytes = 1000

    @Sendable private func come(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try people.refuseForgery(request, context)
        let body = try await PageDoor.body(of: request, services)
        let (typed, address) = (try Query(String(decoding: body, as: UTF8.self)), try Query(request))
        let caller = RemoteAddress.of(request, context)
        let name = ["move", caller, address[FormToken.parameter] ?? "", SHA256.hash(body).hex].joined(separator: " ")
        return try await once.shared(name) {
            do {
                try knocks.take(caller, now: services.now())
                return try await moveHere(typed, request, by: caller)
            } catch {
                let (trouble, failure) = try Self.trouble(error, context)
                var response = comePage(
                    address, typed: typed, trouble: trouble, status: failure?.status ?? .unprocessableContent)
                response.headers[.retryAfter] = failure?.headers[.retryAfter]
                return response
            }
        }
    }

    /// What is wrong with what was typed, at its field, and with what it is answered; nil for words that do not fit.
    ///
    /// - Throws: what is wrong with this node.
    private static func trouble(
        _ error: any Error, _ context: GatewayContext
    ) throws -> (FormTrouble, GatewayError?) {
        if let trouble = error as? FormTrouble { return (trouble, nil) }
        if let trouble = error as? MoveTrouble {
            let field =
                switch trouble.part {
                case .words: "words"
                case .author: "author"
                case .from: "from"
                }
            return (FormTrouble(trouble.reason.message, in: field), nil)
        }
        let failure = GatewayError(describing: error, context.logger)
        guard failure.status.code < 500 else { throw failure }
        var field = RegistrationFields.field(of: error)
        if case .wrongCredentials? = error as? AccountsError { field = "passphrase" }
        return (FormTrouble(failure.message, in: field), failure)
    }

    private func moveHere(_ typed: Query, _ request: Request, by caller: String) async throws -> Response {
        let move = MoveHere(
            RegistrationFields.registration(typed), words: Self.words(typed["words"] ?? ""),
            author: String((typed["author"] ?? "").trimmed), from: String((typed["from"] ?? "").trimmed),
            isAdult: typed["adult"] == "yes")
        let reply = try await room.taking(for: caller, now: services.now()) {
            try await move.run(in: services.context())
        }
        guard reply.account.state != .pending else {
            return pages.page(
                "moved", PageFrame(pageTitle: say("your-account")),
                [
                    "heading": say("welcome", reply.account.handle), "lead": say("your-request-was-taken-a-person"),
                    "moveLines": [say("when-it-is-open-sign-in")], "onwardHref": "/", "onwardText": say("to-this-node"),
                ], headers: [.cacheControl: "no-store"])
        }
        let session = try await services.accounts.openSession(for: reply.account)
        try await people.closeSession(of: request)
        let cookie: HTTPFields = [.setCookie: CallerIdentity.cookie(session, now: services.now())]
        guard let outcome = reply.outcome else { return SessionPages.seeOther("/account/move", cookie) }
        // The page is theirs already: its frame says who they are.
        var head = request.head
        head.headerFields[.cookie] = "\(CallerIdentity.cookieName)=\(session.token.text)"
        let arrived = try await people.visitor(Request(head: head, body: request.body))
        return PageVisitor.$current.withValue(arrived) {
            outcomePage(reply.account, outcome, headers: cookie)
        }
    }

    /// The words, with or without the numbers that stand before them in a list.
    private static func words(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).filter { $0.contains(where: \.isLetter) }.joined(separator: " ")
    }

    private func outcomePage(_ account: Account, _ outcome: FinishedMove, headers: HTTPFields = [:]) -> Response {
        var lines = [Wording.count(outcome.posts, say("post-of-yours-came-along"), say("posts-of-yours-came-along"))]
        if outcome.isOpen {
            lines.append(say("several-other-keys-sign-for-you"))
        } else {
            if !outcome.withdrawn.isEmpty {
                lines.append(say("signs-no-longer", outcome.withdrawn.joined(separator: ", ")))
            }
            lines.append(outcome.isOldHomeTold ? say("your-old-home-knows-it") : say("your-old-home-hears-of-it"))
            lines += outcome.balances.filter { $0.isOpen || $0.balance > 0 }.map { balance in
                let name = balance.symbol.isEmpty ? String(balance.currency.prefix(16)) : balance.symbol
                return balance.isOpen
                    ? say("not-yet-with-you", name, FormTrouble(balance.outcome).words)
                    : say("goes-along", "\(Wording.count(Int(balance.balance))) \(name)")
            }
        }
        var all = headers
        all[.cacheControl] = "no-store"
        return pages.page(
            "moved", PageFrame(pageTitle: say("move")),
            [
                "heading": say("welcome", account.handle),
                "lead": outcome.isOpen ? say("you-are-here-one-thing-is") : say("you-live-here-now"),
                "moveLines": lines, "onwardHref": outcome.isOpen ? "/account/move" : "/account",
                "onwardText": outcome.isOpen ? say("choose-them") : say("go-on"),
            ], headers: all)
    }

    // MARK: Here, and going

    private struct Come {
        let comeWords: String
        let form: FormView
    }

    private struct Go {
        let isNode: Bool
        let goHref: String?
        let goText: String?
        let form: FormView
    }

    private func page(
        _ call: PageCall, _ typed: Query? = nil, _ trouble: FormTrouble? = nil, finishing: Query? = nil,
        _ finishTrouble: FormTrouble? = nil, goHref: String? = nil
    ) async throws -> Response {
        let home = call.operations.publicURL ?? ""
        let isNode = call.account.custody == .node
        let go = Go(
            isNode: isNode, goHref: goHref, goText: goHref.map { _ in say("go-on-at", typed?["to"] ?? "") },
            form: FormView(
                "/account/move", sends: say("go-on"),
                fields: [
                    FieldView(
                        "to", say("address-of-your-new-home"), .address, hint: say("as-in-https"),
                        most: Limits.Wire.urlBytes, isNeeded: true)
                ], typed: typed, trouble: trouble, label: say("move"), id: "go"))
        var content: [String: Any] = [
            "heading": say("move"), "tabSets": MePages.rooms("/account/move"), "go": go,
            "command": "waggle account move \(call.account.handle) --from \(home)",
        ]
        if isNode { content["come"] = try await coming(call, home, finishing, finishTrouble) }
        return pages.page(
            "memove", PageFrame(pageTitle: say("move")), content, headers: [.cacheControl: "private, no-store"])
    }

    /// The second half of a move to this node; nil for somebody who has none before them.
    private func coming(
        _ call: PageCall, _ home: String, _ typed: Query?, _ trouble: FormTrouble?
    ) async throws -> Come? {
        let author = call.account.author
        let own = call.operations.keyring.accounts[call.account.handle]?.device.publicKey
        let devices = try await services.postLog.keyChain(of: author)?.devices ?? [:]
        let others = devices.filter { $0.key != own && $0.value.revocation == nil }
        let said = try await services.postLog.post(author: author, kind: .profile, slot: "")?.post.profile.home ?? ""
        let isElsewhere = !said.isEmpty && !call.operations.urls.contains(said)
        guard isElsewhere || !others.isEmpty else { return nil }
        let boxes = others.sorted { ($0.value.notBefore, $0.key) < ($1.value.notBefore, $1.key) }.map { key, device in
            let name = device.label.isEmpty ? say("without-a-name") : device.label
            return FieldView("kept", say("goes-on-signing", name, "\(key.hex.prefix(16))"), .box, value: key.hex)
        }
        var fields = [
            FieldView(
                "from", say("address-of-your-old-home"), .address, hint: say("where-what-you-signed-is-fetched"),
                value: isElsewhere ? said : "", most: Limits.Wire.urlBytes)
        ]
        fields += boxes
        fields.append(
            FieldView(
                "passphrase", say("your-passphrase"), .passphrase(isNew: false),
                most: Limits.Accounts.passphraseBytes, isNeeded: true))
        return Come(
            comeWords: isElsewhere ? say("your-profile-still-names", said) : say("other-keys-sign-for-you-too"),
            form: FormView(
                "/account/move/finish", sends: say("finish-it"), fields: fields, typed: typed, trouble: trouble,
                label: say("finish-it"), id: "come"))
    }

    /// Leads to the new home, with what it needs to know: nothing of it is secret.
    @Sendable private func go(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let text = String((typed["to"] ?? "").trimmed)
        let home = call.operations.publicURL ?? ""
        let base = try Self.base(of: text)
        guard base != home, !call.operations.urls.contains(base) else {
            throw FormTrouble(say("this-is-the-node-that-you"), in: "to")
        }
        let href =
            base + PageAddress.with("/signup/move", [("from", home), ("account", call.account.handle)])
        return .page(try await page(call, typed, goHref: href))
    }

    private static func base(of text: String) throws(FormTrouble) -> String {
        do throws(PeerURLError) {
            return try PeerURL(text.contains("://") ? text : "https://" + text).description
        } catch {
            throw FormTrouble("\(error)", in: "to")
        }
    }

    @Sendable private func finish(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let kept = typed.values("kept").compactMap { Hash32(hex: $0) }
        let finish = FinishMove(
            account: call.account, from: String((typed["from"] ?? "").trimmed), kept: Set(kept))
        do {
            let caller = RemoteAddress.of(call.request, call.context)
            let outcome = try await room.taking(for: caller, now: services.now()) {
                try await finish.run(passphrase: typed["passphrase"] ?? "", in: services.context())
            }
            return .page(outcomePage(call.account, outcome))
        } catch {
            let (trouble, failure) = try Self.trouble(error, call.context)
            // The door tells when to try again.
            if failure?.headers[.retryAfter] != nil { throw error }
            throw trouble
        }
    }
}
