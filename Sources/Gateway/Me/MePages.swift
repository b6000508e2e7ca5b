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

/// `/account`: what is somebody's own. Settings, keys, tokens and the export.
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
    }

    /// The rooms of `/account`, with where one is.
    static func rooms(_ current: String) -> [TabsView] {
        let rooms = [
            ("/account", say("you")), ("/account/notifications", say("news")), ("/account/library", say("library")),
            ("/account/settings", say("settings")),
            ("/account/keys", say("keys")), ("/account/tokens", say("tokens")), ("/account/export", say("export")),
            ("/account/move", say("move")),
        ]
        return [
            TabsView(
                tabsLabel: say("yours"),
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
            FactView(
                say("news"),
                unread == 0 ? say("nothing-new") : Wording.count(unread, say("new-thing"), say("new-things"))),
            FactView(say("drafts"), drafts == 0 ? "" : Wording.count(drafts)),
            FactView(say("models"), Wording.count(creator?.modelCount ?? 0)),
            FactView(say("images"), Wording.count(creator?.imageCount ?? 0)),
            FactView(say("followers"), Wording.count(creator?.followers ?? 0)),
            FactView(say("role-here"), account.role.rawValue),
            FactView(say("here-since-2"), Dates.day(account.created)),
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
        return page("me", say("you"), at: "/account", content)
    }

    // MARK: Settings

    @Sendable private func settings(
        _ call: PageCall, _ typed: Query? = nil, _ trouble: FormTrouble? = nil
    ) async throws -> Response {
        let profile = try await services.postLog.post(author: call.account.author, kind: .profile, slot: "")?.post
            .profile
        let form = FormView(
            "/account/settings", sends: say("save"),
            fields: [
                FieldView(
                    "name", say("what-people-read"), value: profile?.name ?? "", most: Limits.Text.nameBytes,
                    autocomplete: "nickname"),
                FieldView(
                    "about", say("about-you"), .text(rows: 6), hint: say("in-markdown-public"),
                    value: profile?.about ?? "",
                    most: Limits.Text.descriptionBytes),
                FieldView(
                    "links", say("links"), .text(rows: 3), hint: say("one-a-line"),
                    value: (profile?.links ?? []).joined(separator: "\n"),
                    most: 4000),
            ]
                + Self.viewing(call.account), typed: typed, trouble: trouble)
        return page(
            "mesettings", say("settings"), at: "/account/settings",
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
                "levels", say("show-me-what-is", "\(level.word)"), .box, value: level.word,
                isTicked: account.levels & level.rawValue != 0)
        } + [
            FieldView("adult", say("i-am-an-adult-where-i"), .box, value: "yes", isTicked: account.adultSince != nil),
            FieldView(
                "blur", say("blur-pictures"), .choice, value: blur,
                choices: [.init("", say("never"))] + levels.map { .init($0.word, say("from-on", "\($0.word)")) }),
        ]
    }

    @Sendable private func changeProfile(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let links = (typed["links"] ?? "").split(whereSeparator: \.isNewline).map { String($0.trimmed) }.filter {
            !$0.isEmpty
        }
        if let bad = links.first(where: { MarkdownAddress.allowed(Array($0.utf8)) == nil }) {
            throw FormTrouble(say("is-no-address-of-a-web", "\(bad.prefix(80))"), in: "links")
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
            throw FormTrouble(say("these-levels-are-shown-to-adults"), in: "adult")
        }
        _ = try await SetProfile(
            account: call.account.handle, displayName: typed["name"] ?? "", about: typed["about"] ?? "", links: links
        ).run(in: call.operations)
        return .done(at: "/account/settings?saved=yes")
    }

    private func passphrasePage(_ call: PageCall, _ typed: Query? = nil, _ trouble: FormTrouble? = nil) -> Response {
        let form = FormView(
            "/account/passphrase", sends: say("change-it"),
            fields: [
                FieldView(
                    "old-passphrase", say("the-one-so-far"), .passphrase(isNew: false),
                    most: Limits.Accounts.passphraseBytes, isNeeded: true),
                FieldView(
                    "new-passphrase", say("the-new-one"), .passphrase(isNew: true),
                    hint: say("at-least-characters-several-words-are", "\(Limits.Accounts.passphraseCharacters)"),
                    most: Limits.Accounts.passphraseBytes, isNeeded: true),
            ], typed: typed, trouble: trouble)
        return pages.form(
            say("change-the-passphrase"), form, lead: say("all-other-sessions-end"),
            crumb: LinkView(linkText: say("settings"), linkHref: "/account/settings"))
    }

    @Sendable private func changePassphrase(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        guard case .session(let id) = call.visitor.grant.source else { throw NativeDoor.sessionNeeded }
        do throws(AccountsError) {
            try await services.accounts.changePassphrase(
                of: call.account, from: typed["old-passphrase"] ?? "", to: typed["new-passphrase"] ?? "", keeping: id)
        } catch {
            switch error {
            case .wrongCredentials: throw FormTrouble(say("this-is-not-the-passphrase-so"), in: "old-passphrase")
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
                keyStart: String(key.hex.prefix(16)),
                keyLabel: device.label.isEmpty ? say("without-a-name") : device.label,
                keyWords: [
                    key == own ? say("signs-what-you-do-on-these") : nil,
                    device.notBefore == 0 ? nil : say("since-3", Dates.day(device.notBefore)),
                    device.revocation.map { say("withdrawn-2", Dates.day($0.since)) },
                ].compactMap { $0 }.joined(separator: " · "))
        }
        var content: [String: Any] = [
            "authorID": AuthorID.text(call.account.author), "keyItems": items,
            "custody": Self.words(call.account.custody), "areKeysDisputed": chain?.isDisputed ?? false,
        ]
        if call.account.custody == .node {
            content["form"] = FormView(
                "/account/keys", sends: say("show-the-24-words"),
                fields: [
                    FieldView(
                        "passphrase", say("your-passphrase"), .passphrase(isNew: false),
                        most: Limits.Accounts.passphraseBytes, isNeeded: true)
                ], trouble: trouble)
        }
        return page("mekeys", say("keys"), at: "/account/keys", content)
    }

    private static func words(_ custody: Custody) -> String {
        switch custody {
        case .keyFile: say("your-key-is-a-file-in")
        case .node:
            say("this-node-holds-your-signing-key")
        case .own:
            say("your-keys-are-with-you-what")
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
            throw FormTrouble(say("this-is-not-your-passphrase"), in: "passphrase")
        }
        return .page(
            pages.page(
                "words", PageFrame(pageTitle: say("your-words")),
                [
                    "heading": say("your-recovery-words"), "hasWords": true,
                    "recoveryWords": words.split(separator: " ").map(String.init), "onwardHref": "/account/keys",
                    "onwardText": say("i-wrote-them-down"),
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
        ("30", say("a-month")), ("90", say("three-months")), ("365", say("a-year")), ("", say("until-i-revoke-it")),
    ]

    @Sendable private func tokens(
        _ call: PageCall, _ typed: Query? = nil, _ trouble: FormTrouble? = nil
    ) async throws -> Response {
        let items = try await services.accounts.tokens(of: call.account).map { token in
            TokenItem(
                tokenLabel: token.label.isEmpty ? say("token", "\(token.id)") : token.label,
                tokenWords: [
                    token.scopes.sorted().map(\.rawValue).joined(separator: ", "),
                    say("made", Dates.day(token.created)),
                    token.expires.map { say("until-2", Dates.day($0)) },
                    token.lastUsed.map { say("last-used", "\(Dates.day($0))") } ?? say("not-used-yet"),
                ].compactMap { $0 }.joined(separator: " · "),
                revokeAction: PageAddress.adding(
                    FormToken.parameter, FormToken.make(session: call.visitor.session),
                    to: "/account/tokens/\(token.id)/revoke"))
        }
        let scopes = TokenScope.allCases.filter { call.account.role.scopes.contains($0) }
        let form = FormView(
            "/account/tokens", sends: say("make-it"),
            fields: [
                FieldView("label", say("what-it-is-for"), most: Limits.Accounts.labelBytes, isNeeded: true),
                FieldView("days", say("it-lasts"), .choice, value: "90", choices: Self.lives.map { .init($0.0, $0.1) }),
                FieldView(
                    "limit", say("buzz-that-it-may-spend-in"), .number,
                    hint: say("only-with-the-scope-spend-empty"), most: 20),
            ]
                + scopes.map {
                    FieldView(
                        "scopes", say("may", "\(Self.words($0))"), .box, value: $0.rawValue, isTicked: $0 == .read)
                }, typed: typed, trouble: trouble)
        return page("metokens", say("tokens"), at: "/account/tokens", ["form": form, "tokens": items])
    }

    private static func words(_ scope: TokenScope) -> String {
        switch scope {
        case .read: say("read-what-you-may-see-read")
        case .publish: say("publish-models-and-images-publish")
        case .review: say("review-comment-and-react-review")
        case .social: say("change-your-profile-follows-and-collections")
        case .generate: say("draw-pictures-generate")
        case .spend: say("spend-buzz-spend")
        case .moderate: say("moderate-moderate")
        case .admin: say("run-this-node-admin")
        }
    }

    @Sendable private func newToken(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        let scopes = Set(typed.values("scopes").compactMap { TokenScope(rawValue: $0) })
            .intersection(call.account.role.scopes)
        guard !scopes.isEmpty else { throw FormTrouble(say("choose-at-least-one-thing-that")) }
        let seconds = typed["days"].flatMap { UInt64($0) }.map { min($0, 3650) * 86400 }
        var limit: UInt64?
        if let text = typed["limit"] {
            guard let amount = UInt64(text) else { throw FormTrouble(say("an-amount-is-a-whole-number"), in: "limit") }
            limit = amount
        }
        let made = try await NewAPIToken(
            account: call.account.handle, label: typed["label"] ?? "", scopes: scopes, seconds: seconds,
            buzzLimit: limit
        ).run(in: call.operations)
        return .page(
            page(
                "metoken", say("a-new-token"), at: "/account/tokens", ["token": made.token],
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
                    "passphrase", say("your-passphrase"), .passphrase(isNew: false),
                    hint: say("with-it-your-recovery-secret-comes"),
                    most: Limits.Accounts.passphraseBytes))
        }
        let form = FormView("/account/export", sends: say("download-everything"), fields: fields, trouble: trouble)
        return page("meexport", say("export"), at: "/account/export", ["form": form])
    }

    @Sendable private func export(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        do throws(OperationError) {
            let path = try await ExportAccount(account: call.account, passphrase: typed["passphrase"]).run(
                in: call.operations)
            return .page(try ExportFile.response(path, name: "waggle-\(call.account.handle).tar"))
        } catch {
            guard error.code == .auth else { throw error }
            throw FormTrouble(say("this-is-not-your-passphrase"), in: "passphrase")
        }
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
