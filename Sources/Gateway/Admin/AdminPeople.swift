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
        var section = DeskSection("users", "Accounts")
        section.sectionLead =
            "\(Wording.count(all.count, "account", "accounts")). The role limited reads and says nothing; a disabled account cannot be used."
        section.columns = ["Name", "Role", "State", "Since", "Room", "Change"]
        section.rows = found.prefix(Limits.Accounts.listed).map { account -> DeskRow in
            DeskRow(
                cells: [
                    .init("@\(account.handle)"), .init(account.role.rawValue),
                    .init(account.state.rawValue, isBad: account.state == .disabled), .init(Dates.day(account.created)),
                    .init(account.storage.bytes.map { Wording.size($0) } ?? "no limit"),
                ], forms: Self.forms(account))
        }
        section.empty = "Nobody has this name."
        return DeskPage("Users", sections: [section])
    }

    private static func forms(_ account: Account) -> [DeskForm] {
        var forms = [
            DeskForm(
                action: "/admin/users", submit: "Set role", hidden: [("what", "role"), ("account", account.handle)],
                fields: [
                    DeskField(
                        "role", "Role of @\(account.handle)", .menu(AccountRole.allCases.map(\.rawValue)),
                        value: account.role.rawValue)
                ], label: "Role of @\(account.handle)"),
            DeskForm(
                action: "/admin/users", submit: "Set quota", hidden: [("what", "quota"), ("account", account.handle)],
                fields: [
                    DeskField(
                        "quota", "Quota of @\(account.handle)",
                        value: account.quota == nil
                            ? "role" : account.storage.bytes.map { "\($0 / 1_000_000_000)GB" } ?? "none",
                        hint: "50GB, none for no limit, or role", maxLength: 40)
                ], label: "Quota of @\(account.handle)"),
        ]
        if account.state != .moved {
            let isActive = account.state == .active
            forms.append(
                DeskForm(
                    action: "/admin/users", submit: isActive ? "Disable" : "Enable",
                    hidden: [
                        ("what", "state"), ("account", account.handle), ("state", isActive ? "disabled" : "active"),
                    ], label: "\(isActive ? "Disable" : "Enable") @\(account.handle)"))
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
        var section = DeskSection("waiting", "Waiting")
        section.sectionLead = Self.words(context.registrationMode)
        section.columns = ["Name", "Since", "What they wrote", "Answer"]
        section.rows = waiting.map { account -> DeskRow in
            DeskRow(
                cells: [
                    .init("@\(account.handle)"), .init(Dates.day(account.created)), .init(account.application),
                ],
                forms: [
                    DeskForm(
                        action: "/admin/registrations", submit: "Approve",
                        hidden: [("what", "approve"), ("account", account.handle)],
                        label: "Approve @\(account.handle)", isQuiet: false),
                    DeskForm(
                        action: "/admin/registrations", submit: "Reject",
                        hidden: [("what", "reject"), ("account", account.handle)],
                        fields: [
                            DeskField(
                                "reason", "Why not @\(account.handle)",
                                value: visit.form["account"] == account.handle ? visit.form["reason"] ?? "" : "",
                                hint: "They are told.", maxLength: Limits.Administration.reasonBytes)
                        ], label: "Reject @\(account.handle)"),
                ])
        }
        section.empty = "Nobody waits for an answer."
        if waiting.count > 1 {
            var everybody: [(String, String)] = [("what", "all")]
            for account in waiting { everybody.append(("account", account.handle)) }
            section.forms = [
                DeskForm(
                    action: "/admin/registrations", submit: "Approve all \(waiting.count)",
                    hidden: everybody, label: "Approve all")
            ]
        }
        section.links =
            visit.account.role == .admin
            ? [LinkView(linkText: "Who may join", linkHref: "/setup/people")] : []
        var turnedDown = DeskSection("rejected", "Turned down")
        turnedDown.columns = ["Name", "Why", ""]
        turnedDown.rows = all.filter { $0.state == .rejected }.map { account -> DeskRow in
            DeskRow(
                cells: [.init("@\(account.handle)"), .init(account.reason)],
                forms: [
                    DeskForm(
                        action: "/admin/registrations", submit: "Approve after all",
                        hidden: [("what", "approve"), ("account", account.handle)],
                        label: "Approve @\(account.handle) after all")
                ])
        }
        turnedDown.empty = "Nobody was turned down."
        return DeskPage("Registrations", sections: [section, turnedDown])
    }

    private static func words(_ mode: RegistrationMode) -> String {
        switch mode {
        case .open: "Everybody may join at once; nobody needs to wait."
        case .application: "Everybody may ask, and you decide."
        case .invite: "Only people with an invite may join."
        case .closed: "Nobody can register at the moment."
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
        var section = DeskSection("open", "Open invites")
        section.columns = ["Made by", "For", "As", "Until", ""]
        section.rows = try await ListInvites().perform(in: visit.context).map { invite -> DeskRow in
            DeskRow(
                cells: [
                    .init("@\(invite.by)"), .init(Wording.count(invite.uses, "person", "people")), .init(invite.role),
                    .init(Dates.day(invite.expires)),
                ],
                forms: [
                    DeskForm(
                        action: "/admin/invites", submit: "Take back",
                        hidden: [("what", "revoke"), ("invite", "\(invite.id)")],
                        label: "Take back invite \(invite.id)")
                ])
        }
        section.empty = "There is none that can still be used."
        var new = DeskSection("new", "A new invite")
        new.forms = [
            DeskForm(
                action: "/admin/invites", submit: "Make it", hidden: [("what", "new")],
                fields: [
                    DeskField("uses", "How many people may use it", .number, value: visit.form["uses"] ?? "1"),
                    DeskField("days", "Days that it is good for", .number, value: visit.form["days"] ?? "7"),
                    DeskField(
                        "role", "What those who come may do", .menu(AccountRole.allCases.map(\.rawValue)),
                        value: visit.form["role"] ?? "member"),
                ], isQuiet: false)
        ]
        return DeskPage("Invites", sections: [section, new])
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
            return .show("Shown this once: \(made.invite) – good until \(Dates.day(made.expires)).")
        case "revoke":
            _ = try await RevokeInvite(id: try visit.number("invite")).perform(in: visit.context)
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
        return .done
    }
}
