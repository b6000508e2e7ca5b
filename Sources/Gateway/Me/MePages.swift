import Accounts
import Catalog
import Digests
import FoundationEssentials
import Glibc
import HTTPTypes
import Hummingbird
import Identity
import Moderation
import NIOCore
import Operations
import PostLog
import SystemPackage
import WaggleProtocol

/// `/account`: what is somebody's own. Settings, keys, tokens, the export and the way to another node.
struct MePages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let door: PageDoor

    func register(in routes: inout RouteTable) {
        routes.get("/account", shows: .account, .page, door.page(.read, overview))
        routes.get("/account/settings", shows: .account, .page, door.page { try await settings($0) })
        routes.post("/account/settings", shows: .account, .page, door.form(.social, again: settings, changeProfile))
        routes.get("/account/passphrase", shows: .account, .page, door.page { passphrasePage($0) })
        routes.post(
            "/account/passphrase", shows: .account, .page,
            door.form(.read, again: { passphrasePage($0, $1, $2) }, changePassphrase))
        routes.get("/account/keys", shows: .account, .page, door.page { try await keys($0) })
        routes.post(
            "/account/keys", shows: .account, .page, door.form(.read, again: { try await keys($0, $1, $2) }, showWords))
        routes.get("/account/tokens", shows: .account, .page, door.page { try await tokens($0) })
        routes.post("/account/tokens", shows: .account, .page, door.form(.read, again: tokens, newToken))
        routes.post("/account/tokens/{id}/revoke", shows: .account, .page, door.form(.read, revoke))
        routes.get("/account/export", shows: .account, .page, door.page { exportPage($0) })
        routes.post(
            "/account/export", shows: .account, .page, door.form(.read, again: { exportPage($0, $1, $2) }, export))
        routes.get("/account/move", shows: .account, .page, door.page(.read, move))
    }

    /// The rooms of `/account`, with where one is.
    static func rooms(_ current: String) -> [TabsView] {
        let rooms = [
            ("/account", "You"), ("/account/notifications", "News"), ("/account/library", "Library"),
            ("/account/settings", "Settings"),
            ("/account/keys", "Keys"), ("/account/tokens", "Tokens"), ("/account/export", "Export"),
            ("/account/move", "Move"),
        ]
        return [
            TabsView(
                tabsLabel: "Yours",
                tabs: rooms.map { TabView(tabName: $0.1, tabHref: $0.0, isCurrent: $0.0 == current) })
        ]
    }

    private func page(
        _ template: String, _ title: String, at room: String, _ content: [String: Any],
        headers: HTTPFields = [.cacheControl: "private, no-cache"]
    ) -> Response {
        var values = content
        values["heading"] = values["heading"] ?? title
        values["tabSets"] = Self.rooms(room)
        return pages.page(template, PageFrame(pageTitle: title), values, headers: headers)
    }

    // MARK: Overview

    @Sendable private func overview(_ call: PageCall) async throws -> Response {
        let account = call.account
        let creator = try await services.catalog.creator(.author(account.author), call.filter)
        let unread = try await services.accounts.unreadNotifications(of: account)
        let drafts = try await services.accounts.drafts(of: account).count
        let facts = [
            FactView("News", unread == 0 ? "nothing new" : Wording.count(unread, "new thing", "new things")),
            FactView("Drafts", drafts == 0 ? "" : Wording.count(drafts)),
            FactView("Models", Wording.count(creator?.modelCount ?? 0)),
            FactView("Images", Wording.count(creator?.imageCount ?? 0)),
            FactView("Followers", Wording.count(creator?.followers ?? 0)),
            FactView("Role here", account.role.rawValue), FactView("Here since", Dates.day(account.created)),
        ]
        var content: [String: Any] = [
            "heading": creator?.name ?? "@\(account.handle)", "handle": "@\(account.handle)",
            "facts": facts.compactMap { $0 },
            "signOutAction": "/signout",
        ]
        switch account.role {
        case .admin: content["staffHref"] = "/admin"
        case .moderator: content["staffHref"] = "/admin/registrations"
        default: break
        }
        content["profileHref"] = creator.map { PageAddress.creator($0) }
        return page("me", "You", at: "/account", content)
    }

    // MARK: Settings

    @Sendable private func settings(
        _ call: PageCall, _ typed: Query? = nil, _ trouble: FormTrouble? = nil
    ) async throws -> Response {
        let profile = try await services.postLog.post(author: call.account.author, kind: .profile, slot: "")?.post
            .profile
        let form = FormView(
            "/account/settings", sends: "Save",
            fields: [
                FieldView(
                    "name", "What people read", value: profile?.name ?? "", most: Limits.Text.nameBytes,
                    autocomplete: "nickname"),
                FieldView(
                    "about", "About you", .text(rows: 6), hint: "In Markdown; public.", value: profile?.about ?? "",
                    most: Limits.Text.descriptionBytes),
                FieldView(
                    "links", "Links", .text(rows: 3), hint: "One a line.",
                    value: (profile?.links ?? []).joined(separator: "\n"),
                    most: 4000),
            ]
                + Self.viewing(call.account), typed: typed, trouble: trouble)
        return page(
            "mesettings", "Settings", at: "/account/settings",
            [
                "form": form, "hasPassphrase": call.account.hasPassphrase,
                "saved": call.address["saved"] != nil,
            ])
    }

    /// What somebody chooses to see.
    private static func viewing(_ account: Account) -> [FieldView] {
        let levels = Level.words.compactMap { Level(word: $0) }.filter { $0 < .blocked && $0 > .pg }
        let blur = Level(rawValue: account.blurFrom)?.word ?? ""
        return levels.map { level in
            FieldView(
                "levels", "Show me what is \(level.word)", .box, value: level.word,
                isTicked: account.levels & level.rawValue != 0)
        } + [
            FieldView("adult", "I am an adult where I live", .box, value: "yes", isTicked: account.adultSince != nil),
            FieldView(
                "blur", "Blur pictures", .choice, value: blur,
                choices: [.init("", "Never")] + levels.map { .init($0.word, "From \($0.word) on") }),
        ]
    }

    @Sendable private func changeProfile(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let links = (typed["links"] ?? "").split(whereSeparator: \.isNewline).map { String($0.trimmed) }.filter {
            !$0.isEmpty
        }
        if let bad = links.first(where: { MarkdownAddress.allowed(Array($0.utf8)) == nil }) {
            throw FormTrouble("\"\(bad.prefix(80))\" is no address of a web page", in: "links")
        }
        var bits = Level.pg.rawValue
        for word in typed.values("levels") {
            bits |= Level(word: word).flatMap { $0 < .blocked ? $0.rawValue : nil } ?? 0
        }
        do throws(AccountsError) {
            _ = try await services.accounts.set(
                ViewingChoice(
                    levels: bits, blurFrom: Level(word: typed["blur"] ?? "")?.rawValue ?? 0,
                    isAdult: typed["adult"] == "yes"), of: call.account.handle)
        } catch {
            guard case .ageNeeded = error else { throw error }
            throw FormTrouble("These levels are shown to adults alone: say that you are one", in: "adult")
        }
        _ = try await SetProfile(
            account: call.account.handle, displayName: typed["name"] ?? "", about: typed["about"] ?? "", links: links
        ).run(in: call.operations)
        return .done(at: "/account/settings?saved=yes")
    }

    private func passphrasePage(_ call: PageCall, _ typed: Query? = nil, _ trouble: FormTrouble? = nil) -> Response {
        let form = FormView(
            "/account/passphrase", sends: "Change it",
            fields: [
                FieldView(
                    "old-passphrase", "The one so far", .passphrase(isNew: false),
                    most: Limits.Accounts.passphraseBytes, isNeeded: true),
                FieldView(
                    "new-passphrase", "The new one", .passphrase(isNew: true),
                    hint: "At least \(Limits.Accounts.passphraseCharacters) characters; several words are good.",
                    most: Limits.Accounts.passphraseBytes, isNeeded: true),
            ], typed: typed, trouble: trouble)
        return pages.form(
            "Change the passphrase", form, lead: "All other sessions end.",
            crumb: LinkView(linkText: "Settings", linkHref: "/account/settings"))
    }

    @Sendable private func changePassphrase(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        guard case .session(let id) = call.visitor.grant.source else { throw NativeDoor.sessionNeeded }
        do throws(AccountsError) {
            try await services.accounts.changePassphrase(
                of: call.account, from: typed["old-passphrase"] ?? "", to: typed["new-passphrase"] ?? "", keeping: id)
        } catch {
            switch error {
            case .wrongCredentials: throw FormTrouble("This is not the passphrase so far", in: "old-passphrase")
            case .weakPassphrase, .longPassphrase: throw FormTrouble(error.message, in: "new-passphrase")
            default: throw error
            }
        }
        return .done(at: "/account/settings?saved=yes")
    }

    // MARK: Keys

    private struct KeyItem {
        let keyStart: String
        let keyLabel: String
        let keyWords: String
    }

    @Sendable private func keys(
        _ call: PageCall, _ typed: Query? = nil, _ trouble: FormTrouble? = nil
    ) async throws -> Response {
        let chain = try await services.postLog.keyChain(of: call.account.author)
        let own = call.operations.keyring.accounts[call.account.handle]?.device.publicKey
        let devices = (chain?.devices ?? [:]).sorted { ($0.value.notBefore, $0.key) < ($1.value.notBefore, $1.key) }
        let items = devices.map { key, device in
            KeyItem(
                keyStart: String(key.hex.prefix(16)), keyLabel: device.label.isEmpty ? "without a name" : device.label,
                keyWords: [
                    key == own ? "signs what you do on these pages" : nil,
                    device.notBefore == 0 ? nil : "since \(Dates.day(device.notBefore))",
                    device.revocation.map { "withdrawn \(Dates.day($0.since))" },
                ].compactMap { $0 }.joined(separator: " · "))
        }
        var content: [String: Any] = [
            "authorID": AuthorID.text(call.account.author), "keyItems": items,
            "custody": Self.words(call.account.custody), "areKeysDisputed": chain?.isDisputed ?? false,
        ]
        if call.account.custody == .node {
            content["form"] = FormView(
                "/account/keys", sends: "Show the 24 words",
                fields: [
                    FieldView(
                        "passphrase", "Your passphrase", .passphrase(isNew: false),
                        most: Limits.Accounts.passphraseBytes, isNeeded: true)
                ], trouble: trouble)
        }
        return page("mekeys", "Keys", at: "/account/keys", content)
    }

    private static func words(_ custody: Custody) -> String {
        switch custody {
        case .keyFile: "Your key is a file in the home of this node. The command line rotates and exports it."
        case .node:
            "This node holds your signing key, sealed, and your recovery secret under your passphrase. The 24 words are yours alone: with them you take everything elsewhere."
        case .own:
            "Your keys are with you. What you do on these pages that needs a signature is done by your own program."
        }
    }

    /// The words again, for whoever knows the passphrase.
    @Sendable private func showWords(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let words: String
        do throws(AccountsError) {
            let bytes = try await services.accounts.root(
                of: call.account, passphrase: typed["passphrase"] ?? "")
            words = RecoverySecret(bytes: bytes)?.words ?? ""
        } catch {
            guard case .wrongCredentials = error else { throw error }
            throw FormTrouble("This is not your passphrase", in: "passphrase")
        }
        return .page(
            pages.page(
                "words", PageFrame(pageTitle: "Your words"),
                [
                    "heading": "Your recovery words", "hasWords": true,
                    "recoveryWords": words.split(separator: " ").map(String.init), "onwardHref": "/account/keys",
                    "onwardText": "I wrote them down",
                ], headers: [.cacheControl: "no-store"]))
    }

    // MARK: Tokens

    private struct TokenItem {
        let tokenLabel: String
        let tokenWords: String
        let revokeAction: String
    }

    /// How long a token lasts, as the form offers it: days.
    private static let lives = [
        ("30", "A month"), ("90", "Three months"), ("365", "A year"), ("", "Until I revoke it"),
    ]

    @Sendable private func tokens(
        _ call: PageCall, _ typed: Query? = nil, _ trouble: FormTrouble? = nil
    ) async throws -> Response {
        let items = try await services.accounts.tokens(of: call.account).map { token in
            TokenItem(
                tokenLabel: token.label.isEmpty ? "Token \(token.id)" : token.label,
                tokenWords: [
                    token.scopes.sorted().map(\.rawValue).joined(separator: ", "), "made \(Dates.day(token.created))",
                    token.expires.map { "until \(Dates.day($0))" },
                    token.lastUsed.map { "last used \(Dates.day($0))" } ?? "not used yet",
                ].compactMap { $0 }.joined(separator: " · "),
                revokeAction: PageAddress.adding(
                    FormToken.parameter, FormToken.make(session: call.visitor.session),
                    to: "/account/tokens/\(token.id)/revoke"))
        }
        let scopes = TokenScope.allCases.filter { call.account.role.scopes.contains($0) }
        let form = FormView(
            "/account/tokens", sends: "Make it",
            fields: [
                FieldView("label", "What it is for", most: Limits.Accounts.labelBytes, isNeeded: true),
                FieldView("days", "It lasts", .choice, value: "90", choices: Self.lives.map { .init($0.0, $0.1) }),
                FieldView(
                    "limit", "Buzz that it may spend in all", .number,
                    hint: "Only with the scope spend; empty for no limit.", most: 20),
            ]
                + scopes.map {
                    FieldView("scopes", "May \(Self.words($0))", .box, value: $0.rawValue, isTicked: $0 == .read)
                }, typed: typed, trouble: trouble)
        return page("metokens", "Tokens", at: "/account/tokens", ["form": form, "tokens": items])
    }

    private static func words(_ scope: TokenScope) -> String {
        switch scope {
        case .read: "read what you may see (read)"
        case .publish: "publish models and images (publish)"
        case .review: "review, comment and react (review)"
        case .social: "change your profile, follows and collections (social)"
        case .generate: "draw pictures (generate)"
        case .spend: "spend Buzz (spend)"
        case .moderate: "moderate (moderate)"
        case .admin: "run this node (admin)"
        }
    }

    @Sendable private func newToken(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let scopes = Set(typed.values("scopes").compactMap { TokenScope(rawValue: $0) })
            .intersection(call.account.role.scopes)
        guard !scopes.isEmpty else { throw FormTrouble("Choose at least one thing that it may do") }
        let seconds = typed["days"].flatMap { UInt64($0) }.map { min($0, 3650) * 86400 }
        var limit: UInt64?
        if let text = typed["limit"] {
            guard let amount = UInt64(text) else { throw FormTrouble("An amount is a whole number", in: "limit") }
            limit = amount
        }
        let made = try await NewAPIToken(
            account: call.account.handle, label: typed["label"] ?? "", scopes: scopes, seconds: seconds,
            buzzLimit: limit
        ).run(in: call.operations)
        return .page(
            page(
                "metoken", "A new token", at: "/account/tokens", ["token": made.token],
                headers: [.cacheControl: "no-store"])
        )
    }

    @Sendable private func revoke(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        guard let id = Int64(try call.part("id")) else {
            throw GatewayError.notFound("There is no such token of yours")
        }
        try await services.accounts.revoke(token: id, of: call.account)
        return .done(at: "/account/tokens")
    }

    // MARK: Taking everything along

    private func exportPage(_ call: PageCall, _ typed: Query? = nil, _ trouble: FormTrouble? = nil) -> Response {
        var fields: [FieldView] = []
        if call.account.custody == .node {
            fields.append(
                FieldView(
                    "passphrase", "Your passphrase", .passphrase(isNew: false),
                    hint: "With it your recovery secret comes along, sealed under it. Empty leaves it out.",
                    most: Limits.Accounts.passphraseBytes))
        }
        let form = FormView("/account/export", sends: "Download everything", fields: fields, trouble: trouble)
        return page("meexport", "Export", at: "/account/export", ["form": form])
    }

    @Sendable private func export(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        do throws(OperationError) {
            let path = try await ExportAccount(account: call.account, passphrase: typed["passphrase"]).run(
                in: call.operations)
            return .page(try ExportFile.response(path, name: "waggle-\(call.account.handle).tar"))
        } catch {
            guard error.code == .auth else { throw error }
            throw FormTrouble("This is not your passphrase", in: "passphrase")
        }
    }

    @Sendable private func move(_ call: PageCall) async throws -> Response {
        let home = call.operations.publicURL ?? ""
        return page(
            "memove", "Move", at: "/account/move",
            [
                "command": "waggle account move \(call.account.handle) --from \(home)", "home": home,
                "isNode": call.account.custody == .node,
            ])
    }
}

/// A file that is sent once and then is not there any more.
enum ExportFile {
    static func response(_ path: FilePath, name: String) throws(OperationError) -> Response {
        let file: SystemPackage.FileDescriptor
        let size: Int64
        do {
            file = try SystemPackage.FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
            size = try file.seek(offset: 0, from: .end)
            try file.seek(offset: 0, from: .start)
        } catch {
            throw OperationError(.failed, "\(path): \(error)")
        }
        // Open files stay readable without a name, and end with the process, whatever happens.
        unlink(path.string)
        let body = ResponseBody(contentLength: Int(size)) { writer in
            defer { try? file.close() }
            while true {
                let chunk = try [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, filled in
                    filled = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                guard !chunk.isEmpty else { break }
                try await writer.write(ByteBuffer(bytes: chunk))
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/x-tar", .cacheControl: "no-store",
                .contentDisposition: "attachment; filename=\"\(name)\"",
            ], body: body)
    }
}
