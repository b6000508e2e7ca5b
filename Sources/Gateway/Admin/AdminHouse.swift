import Accounts
import Administration
import Digests
import Hummingbird
import Operations
import WaggleProtocol

/// Settings, announcements and mode, and the audit log.
struct AdminHouse: Sendable {
    let desk: AdminDesk

    func register(in routes: inout RouteTable) {
        desk.get(.settings, in: &routes, settings)
        desk.post(.settings, in: &routes, changeSettings, settings)
        desk.get(.announcements, in: &routes, announcements)
        desk.post(.announcements, in: &routes, changeAnnouncements, announcements)
        desk.get(.audit, in: &routes, audit)
    }

    // MARK: Settings

    @Sendable private func settings(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let all = try await DescribeSettings().perform(in: visit.context)
        let groups = Dictionary(grouping: all) { setting in
            setting.view.key.contains(".") ? String(setting.view.key.prefix { $0 != "." }) : "node"
        }
        let sections = groups.sorted { $0.key < $1.key }.map { group, settings -> DeskSection in
            var section = DeskSection("s-\(group)", group.prefix(1).uppercased() + group.dropFirst())
            section.columns = ["Setting", "Value", "From", "Change"]
            section.rows = settings.map { row($0, visit) }
            return section
        }
        return DeskPage(
            "Settings",
            lead:
                "A flag, a variable or waggle.toml decides over what is chosen here, and is shown as such. `waggle config set` does the same.",
            sections: sections)
    }

    private func row(_ setting: SettingDescription, _ visit: AdminDesk.Visit) -> DeskRow {
        let view = setting.view
        let value = setting.isSecret && !view.value.isEmpty ? "(set)" : view.value
        let origin = setting.isLocked ? "\(view.origin): locked" : view.origin
        var forms: [DeskForm] = []
        if !setting.isLocked {
            let typed = visit.form["key"] == view.key ? visit.form["value"] : nil
            forms.append(
                DeskForm(
                    action: "/admin/settings", submit: "Set", hidden: [("what", "set"), ("key", view.key)],
                    fields: [
                        DeskField(
                            "value", view.key, view.key == "rules" ? .area : .text,
                            value: typed ?? (setting.isSecret ? "" : view.value),
                            hint: setting.form + (setting.isLive ? "" : "; counts from the next start on"),
                            maxLength: Limits.Gateway.rulesBytes)
                    ], label: "Set \(view.key)"))
            if view.origin != "default" {
                forms.append(
                    DeskForm(
                        action: "/admin/settings", submit: "Default", hidden: [("what", "unset"), ("key", view.key)],
                        label: "Take back the choice of \(view.key)"))
            }
        }
        return DeskRow(
            cells: [
                .init(view.key, isCode: true), .init(Wording.beginning(value.isEmpty ? "–" : value, characters: 120)),
                .init(origin),
            ], forms: forms)
    }

    @Sendable private func changeSettings(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        let key = try visit.needed("key")
        switch try visit.needed("what") {
        case "set":
            let reply = try await ChooseSetting(key: key, value: visit.form["value"] ?? "").perform(in: visit.context)
            return reply.isLive ? .done : .show("\(key) is kept, and counts from the next start of the server on.")
        case "unset": _ = try await ChooseSetting(key: key, value: nil).perform(in: visit.context)
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
        return .done
    }

    // MARK: Announcements and mode

    @Sendable private func announcements(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let administration = visit.context.administration
        let now = visit.context.now()
        var list = DeskSection("announcements", "Above every page")
        list.columns = ["What", "By", "Until", ""]
        list.rows = administration.announcements.map { one -> DeskRow in
            DeskRow(
                cells: [
                    .init(one.text), .init(one.by),
                    .init(
                        one.expires.map { Dates.day($0) + ($0 <= now ? ", over" : "") } ?? "it is taken back"),
                ],
                forms: [
                    DeskForm(
                        action: "/admin/announcements", submit: "Take back",
                        hidden: [("what", "remove"), ("id", "\(one.id)")],
                        label: "Take back announcement \(one.id)")
                ])
        }
        list.empty = "Nothing is announced."
        list.forms = [
            DeskForm(
                action: "/admin/announcements", submit: "Announce", hidden: [("what", "add")],
                fields: [
                    DeskField(
                        "text", "What everybody is told", .area, value: visit.form["text"] ?? "", isRequired: true,
                        maxLength: Limits.Administration.messageBytes),
                    DeskField(
                        "hours", "Hours that it is shown", .number, value: visit.form["hours"] ?? ""),
                ], label: "Announce something", isQuiet: false)
        ]
        var mode = DeskSection("mode", "Mode")
        let standing = administration.standing
        mode.sectionLead = standing.mode == .normal ? "The node takes part as usual." : ModeGate.words(standing) + "."
        mode.forms = [
            DeskForm(
                action: "/admin/announcements", submit: "Set the mode", hidden: [("what", "mode")],
                fields: [
                    DeskField(
                        "mode", "Mode",
                        .choice([
                            ("normal", "Normal", ""),
                            ("read-only", "Read-only", "everything is shown, nothing is published or uploaded"),
                            ("maintenance", "Maintenance", "visitors and peers are told to come back; admins go on"),
                        ]), value: visit.form["mode"] ?? standing.mode.rawValue),
                    DeskField(
                        "message", "What people are told", value: visit.form["message"] ?? standing.message,
                        maxLength: Limits.Administration.messageBytes),
                ])
        ]
        return DeskPage("Announcements", sections: [list, mode])
    }

    @Sendable private func changeAnnouncements(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        switch try visit.needed("what") {
        case "add":
            let hours = visit.form["hours"]
            let number = hours.flatMap { UInt64($0) }
            guard hours == nil || number != nil else { throw OperationError(.usage, "hours are a number") }
            _ = try await Announce(text: try visit.needed("text"), seconds: number.map { min($0, 1 << 20) * 3600 })
                .perform(in: visit.context)
        case "remove": _ = try await TakeBackAnnouncement(id: try visit.number("id")).perform(in: visit.context)
        case "mode":
            guard let mode = NodeMode(rawValue: try visit.needed("mode")) else {
                throw OperationError(.usage, "modes are normal, read-only and maintenance")
            }
            _ = try await SetMode(mode: mode, message: visit.form["message"] ?? "").perform(in: visit.context)
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
        return .done
    }

    // MARK: Audit

    @Sendable private func audit(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let before = visit.query["before"].flatMap { Int64($0) }
        let log = try await ShowAudit(before: before, limit: Limits.Administration.page).perform(in: visit.context)
        var section = DeskSection("log", "Lines")
        section.sectionLead =
            log.firstBroken.map { "Line \($0) was changed after it was written: compare db/admin.db with a backup." }
            ?? "Newest first. Nothing in it can be changed: each line has the hash of the one before."
        section.columns = ["Line", "When", "Who", "What", "To whom or what", "How", "Hash"]
        section.rows = log.entries.map { entry -> DeskRow in
            DeskRow(cells: [
                .init("\(entry.seq)"), .init(String(Dates.timestamp(entry.time).dropLast(5).replacing("T", with: " "))),
                .init(entry.actor), .init(entry.action), .init(entry.subject),
                .init(Wording.beginning(entry.detail, characters: 200)),
                .init(String(entry.hash.hex.prefix(12)), isCode: true),
            ])
        }
        section.empty = "Nothing was done yet that belongs here."
        if let last = log.entries.last, last.seq > 1 {
            section.links = [LinkView(linkText: "Earlier", linkHref: "/admin/audit?before=\(last.seq)")]
        }
        return DeskPage("Audit log", sections: [section])
    }
}
