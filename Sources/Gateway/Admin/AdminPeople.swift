import Accounts
import Administration
import Hummingbird
import Operations
import WaggleProtocol

/// Users, registrations and invites.
struct AdminPeople: Sendable {
    let desk: AdminDesk

    func register(in routes: inout RouteTable) {
        desk.get(.users, in: &routes, users)
        desk.post(.users, in: &routes, changeUser, users)
        desk.get(.registrations, in: &routes, registrations)
        desk.post(.registrations, in: &routes, decide, registrations)
        desk.get(.invites, in: &routes, invites)
        desk.post(.invites, in: &routes, changeInvites, invites)
    }

    // MARK: Users

    @Sendable private func users(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let wanted = (visit.query["q"] ?? "").lowercased()
        let all = try await visit.context.accounts.all().filter { ![.pending, .rejected].contains($0.state) }
        let found = all.filter { wanted.isEmpty || $0.handle.contains(wanted) }
        var section = DeskSection("users", say("accounts"))
        section.sectionLead =
            say("the-role-limited-reads-and-says", Wording.count(all.count, say("account-2"), say("accounts-2")))
        section.columns = [say("name"), say("role"), say("state"), say("since-2"), say("room"), say("change")]
        section.rows = found.prefix(Limits.Accounts.listed).map { account -> DeskRow in
            DeskRow(
                cells: [
                    .init("@\(account.handle)"), .init(account.role.rawValue),
                    .init(account.state.rawValue, isBad: account.state == .disabled), .init(Dates.day(account.created)),
                    .init(account.storage.bytes.map { Wording.size($0) } ?? say("no-limit")),
                ], forms: Self.forms(account, visit), folded: "@\(account.handle)",
                isOpen: visit.form["account"] == account.handle)
        }
        section.empty = say("nobody-has-this-name")
        section.search = ("/admin/users", say("part-of-a-name"), wanted)
        if found.count > Limits.Accounts.listed {
            section.links = [
                LinkView(
                    linkText: say("the-first-are-shown-look-for", "\(Wording.count(Limits.Accounts.listed))"),
                    linkHref: "#users-q")
            ]
        }
        return DeskPage(say("users"), sections: [section])
    }

    private static func forms(_ account: Account, _ visit: AdminDesk.Visit) -> [DeskForm] {
        let typed = visit.form["account"] == account.handle ? visit.form["quota"] : nil
        var forms = [
            DeskForm(
                action: "/admin/users", submit: say("set-role"),
                hidden: [("what", "role"), ("account", account.handle)],
                fields: [
                    DeskField(
                        "role", say("role-of", "\(account.handle)"), .menu(AccountRole.allCases.map(\.rawValue)),
                        value: account.role.rawValue)
                ], label: say("role-of", "\(account.handle)")),
            DeskForm(
                action: "/admin/users", submit: say("set-quota"),
                hidden: [("what", "quota"), ("account", account.handle)],
                fields: [
                    DeskField(
                        "quota", say("quota-of", "\(account.handle)"),
                        value: typed
                            ?? (account.quota == nil
                                ? "role" : account.storage.bytes.map { "\($0 / 1_000_000_000)GB" } ?? "none"),
                        hint: say("50gb-none-for-no-limit-or"), maxLength: 40)
                ], label: say("quota-of", "\(account.handle)")),
        ]
        if account.state != .moved {
            let isActive = account.state == .active
            forms.append(
                DeskForm(
                    action: "/admin/users", submit: isActive ? say("disable") : say("enable"),
                    hidden: [
                        ("what", "state"), ("account", account.handle), ("state", isActive ? "disabled" : "active"),
                    ], label: isActive ? say("disable-2", account.handle) : say("enable-2", account.handle)))
        }
        return forms
    }

    @Sendable private func changeUser(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        let account = try visit.needed("account")
        switch try visit.needed("what") {
        case "role":
            guard let role = AccountRole(rawValue: try visit.needed("role")) else {
                throw OperationError(.usage, "there is no such role")
            }
            _ = try await SetAccountRole(account: account, role: role).perform(in: visit.context)
        case "state":
            guard let state = AccountState(rawValue: try visit.needed("state")), [.active, .disabled].contains(state)
            else { throw OperationError(.usage, "an account is made active or disabled") }
            _ = try await SetAccountState(account: account, state: state).perform(in: visit.context)
        case "quota":
            _ = try await SetAccountQuota(account: account, quota: try visit.needed("quota"))
                .perform(in: visit.context)
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
        return .done
    }

    // MARK: Registrations

    @Sendable private func registrations(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let context = visit.context
        let all = try await context.accounts.all()
        let waiting = all.filter { $0.state == .pending }.sorted { $0.created < $1.created }
        var section = DeskSection("waiting", say("waiting"))
        section.sectionLead = Self.words(context.registrationMode)
        section.columns = [say("name"), say("since-2"), say("what-they-wrote"), say("answer")]
        section.rows = waiting.map { account -> DeskRow in
            DeskRow(
                cells: [
                    .init("@\(account.handle)"), .init(Dates.day(account.created)), .init(account.application),
                ],
                forms: [
                    DeskForm(
                        action: "/admin/registrations", submit: say("approve"),
                        hidden: [("what", "approve"), ("account", account.handle)],
                        label: say("approve-2", "\(account.handle)"), isQuiet: false),
                    DeskForm(
                        action: "/admin/registrations", submit: say("reject"),
                        hidden: [("what", "reject"), ("account", account.handle)],
                        fields: [
                            DeskField(
                                "reason", say("why-not", "\(account.handle)"),
                                value: visit.form["account"] == account.handle ? visit.form["reason"] ?? "" : "",
                                hint: say("they-are-told"), maxLength: Limits.Administration.reasonBytes)
                        ], label: say("reject-2", "\(account.handle)")),
                ])
        }
        section.empty = say("nobody-waits-for-an-answer")
        if waiting.count > 1 {
            var everybody: [(String, String)] = [("what", "all")]
            for account in waiting { everybody.append(("account", account.handle)) }
            section.forms = [
                DeskForm(
                    action: "/admin/registrations", submit: say("approve-all", "\(waiting.count)"),
                    hidden: everybody, label: say("approve-all-2"))
            ]
        }
        section.links =
            visit.account.role == .admin
            ? [LinkView(linkText: say("who-may-join"), linkHref: "/setup/people")] : []
        var turnedDown = DeskSection("rejected", say("turned-down"))
        turnedDown.columns = [say("name"), say("why"), ""]
        turnedDown.rows = all.filter { $0.state == .rejected }.map { account -> DeskRow in
            DeskRow(
                cells: [.init("@\(account.handle)"), .init(account.reason)],
                forms: [
                    DeskForm(
                        action: "/admin/registrations", submit: say("approve-after-all"),
                        hidden: [("what", "approve"), ("account", account.handle)],
                        label: say("approve-after-all-2", "\(account.handle)"))
                ])
        }
        turnedDown.empty = say("nobody-was-turned-down")
        return DeskPage(say("registrations"), sections: [section, turnedDown])
    }

    private static func words(_ mode: RegistrationMode) -> String {
        switch mode {
        case .open: say("everybody-may-join-at-once-nobody")
        case .application: say("everybody-may-ask-and-you-decide")
        case .invite: say("only-people-with-an-invite-may")
        case .closed: say("nobody-can-register-at-the-moment")
        }
    }

    @Sendable private func decide(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        let what = try visit.needed("what")
        let names = what == "all" ? visit.form.values("account") : [try visit.needed("account")]
        for account in names.prefix(Limits.Accounts.listed) {
            // Moderators answer applications, and make nobody active who is not one.
            let state = try await visit.context.accounts.account(handle: account)?.state
            guard let state, [.pending, .rejected].contains(state) else {
                throw OperationError(.conflict, "@\(account) does not wait for an answer any more")
            }
            switch what {
            case "approve", "all":
                _ = try await SetAccountState(account: account, state: .active).perform(in: visit.context)
            case "reject":
                _ = try await RejectRegistration(account: account, reason: visit.form["reason"] ?? "")
                    .perform(in: visit.context)
            default: throw OperationError(.usage, "there is nothing of this kind to do")
            }
        }
        return .done
    }

    // MARK: Invites

    @Sendable private func invites(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        var section = DeskSection("open", say("open-invites"))
        section.columns = [say("made-by"), say("for"), say("as"), say("until"), ""]
        section.rows = try await ListInvites().perform(in: visit.context).map { invite -> DeskRow in
            DeskRow(
                cells: [
                    .init("@\(invite.by)"), .init(Wording.count(invite.uses, say("person"), say("people"))),
                    .init(invite.role),
                    .init(Dates.day(invite.expires)),
                ],
                forms: [
                    DeskForm(
                        action: "/admin/invites", submit: say("take-back"),
                        hidden: [("what", "revoke"), ("invite", "\(invite.id)")],
                        label: say("take-back-invite", "\(invite.id)"))
                ])
        }
        section.empty = say("there-is-none-that-can-still")
        var new = DeskSection("new", say("a-new-invite"))
        new.forms = [
            DeskForm(
                action: "/admin/invites", submit: say("make-it"), hidden: [("what", "new")],
                fields: [
                    DeskField("uses", say("how-many-people-may-use-it"), .number, value: visit.form["uses"] ?? "1"),
                    DeskField("days", say("days-that-it-is-good-for"), .number, value: visit.form["days"] ?? "7"),
                    DeskField(
                        "role", say("what-those-who-come-may-do"), .menu(AccountRole.allCases.map(\.rawValue)),
                        value: visit.form["role"] ?? "member"),
                ], isQuiet: false)
        ]
        return DeskPage(say("invites"), sections: [section, new])
    }

    @Sendable private func changeInvites(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        switch try visit.needed("what") {
        case "new":
            let (uses, days) = (try visit.number("uses"), try visit.number("days"))
            guard let role = AccountRole(rawValue: try visit.needed("role")), (1...3650).contains(days) else {
                throw OperationError(.usage, "an invite has a role, and is good for some days")
            }
            let made = try await NewInvite(
                account: visit.account.handle, uses: Int(clamping: uses), seconds: UInt64(days) * 86_400, role: role
            ).perform(in: visit.context)
            return .show(say("shown-this-once-good-until", "\(made.invite)", "\(Dates.day(made.expires))"))
        case "revoke":
            _ = try await RevokeInvite(id: try visit.number("invite")).perform(in: visit.context)
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
        return .done
    }
}
