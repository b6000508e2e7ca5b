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
            section.columns = [say("setting"), say("value"), say("from"), say("change")]
            section.rows = settings.map { row($0, visit) }
            return section
        }
        return DeskPage(
            say("settings"),
            lead:
                say("a-flag-a-variable-or-waggle"),
            sections: sections)
    }

    private func row(_ setting: SettingDescription, _ visit: AdminDesk.Visit) -> DeskRow {
        let view = setting.view
        let value = setting.isSecret && !view.value.isEmpty ? say("is-set") : view.value
        let origin = setting.isLocked ? say("locked", "\(view.origin)") : view.origin
        var forms: [DeskForm] = []
        if !setting.isLocked {
            let typed = visit.form["key"] == view.key ? visit.form["value"] : nil
            forms.append(
                DeskForm(
                    action: "/admin/settings", submit: say("set"), hidden: [("what", "set"), ("key", view.key)],
                    fields: [
                        DeskField(
                            "value", view.key, view.key == "rules" ? .area : .text,
                            value: typed ?? (setting.isSecret ? "" : view.value),
                            hint: setting.form + (setting.isLive ? "" : say("counts-from-the-next-start-on")),
                            maxLength: Limits.Gateway.rulesBytes)
                    ], label: say("set-2", "\(view.key)")))
            if view.origin != "default" {
                forms.append(
                    DeskForm(
                        action: "/admin/settings", submit: say("default"),
                        hidden: [("what", "unset"), ("key", view.key)],
                        label: say("take-back-the-choice-of", "\(view.key)")))
            }
        }
        return DeskRow(
            cells: [
                .init(view.key), .init(Wording.beginning(value.isEmpty ? "–" : value, characters: 120)),
                .init(origin),
            ], forms: forms, folded: view.key, isOpen: visit.form["key"] == view.key)
    }

    @Sendable private func changeSettings(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        let key = try visit.needed("key")
        switch try visit.needed("what") {
        case "set":
            let reply = try await ChooseSetting(key: key, value: visit.form["value"] ?? "").perform(in: visit.context)
            return reply.isLive ? .done : .show(say("is-kept-and-counts-from-the", "\(key)"))
        case "unset": _ = try await ChooseSetting(key: key, value: nil).perform(in: visit.context)
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
        return .done
    }

    // MARK: Announcements and mode

    @Sendable private func announcements(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let administration = visit.context.administration
        let now = visit.context.now()
        var list = DeskSection("announcements", say("above-every-page"))
        list.columns = [say("what"), say("by"), say("until"), ""]
        list.rows = administration.announcements.map { one -> DeskRow in
            DeskRow(
                cells: [
                    .init(one.text), .init(one.by),
                    .init(
                        one.expires.map { Dates.day($0) + ($0 <= now ? say("over") : "") } ?? say("it-is-taken-back")),
                ],
                forms: [
                    DeskForm(
                        action: "/admin/announcements", submit: say("take-back"),
                        hidden: [("what", "remove"), ("id", "\(one.id)")],
                        label: say("take-back-announcement", "\(one.id)"))
                ])
        }
        list.empty = say("nothing-is-announced")
        list.forms = [
            DeskForm(
                action: "/admin/announcements", submit: say("announce"), hidden: [("what", "add")],
                fields: [
                    DeskField(
                        "text", say("what-everybody-is-told"), .area, value: visit.form["text"] ?? "", isRequired: true,
                        maxLength: Limits.Administration.messageBytes),
                    DeskField(
                        "hours", say("hours-that-it-is-shown"), .number, value: visit.form["hours"] ?? ""),
                ], label: say("announce-something"), isQuiet: false)
        ]
        var mode = DeskSection("mode", say("mode"))
        let standing = administration.standing
        mode.sectionLead =
            standing.mode == .normal ? say("the-node-takes-part-as-usual") : ModeGate.words(standing) + "."
        mode.forms = [
            DeskForm(
                action: "/admin/announcements", submit: say("set-the-mode"), hidden: [("what", "mode")],
                fields: [
                    DeskField(
                        "mode", say("mode"),
                        .choice([
                            ("normal", say("normal"), ""),
                            ("read-only", say("read-only"), say("everything-is-shown-nothing-is-published")),
                            ("maintenance", say("maintenance"), say("visitors-and-peers-are-told-to")),
                        ]), value: visit.form["mode"] ?? standing.mode.rawValue),
                    DeskField(
                        "message", say("what-people-are-told"), value: visit.form["message"] ?? standing.message,
                        maxLength: Limits.Administration.messageBytes),
                ])
        ]
        return DeskPage(say("announcements"), sections: [list, mode])
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
        var section = DeskSection("log", say("lines"))
        section.sectionLead =
            log.firstBroken.map { say("line-was-changed-after-it-was", "\($0)") }
            ?? say("newest-first-nothing-in-it-can")
        section.columns = [
            say("line"), say("when"), say("who"), say("what"), say("to-whom-or-what"), say("how"), say("hash"),
        ]
        section.rows = log.entries.map { entry -> DeskRow in
            DeskRow(cells: [
                .init("\(entry.seq)"), .init(Self.moment(entry.time)),
                .init(entry.actor), .init(entry.action), .init(entry.subject),
                .init(Wording.beginning(entry.detail, characters: 200)),
                .init(String(entry.hash.hex.prefix(12))),
            ])
        }
        section.empty = say("nothing-was-done-yet-that-belongs")
        if let last = log.entries.last, last.seq > 1 {
            section.links = [LinkView(linkText: say("earlier"), linkHref: "/admin/audit?before=\(last.seq)")]
        }
        return DeskPage(say("audit-log"), sections: [section])
    }

    /// Day and second, on one line.
    static func moment(_ time: UInt64) -> String {
        String(Dates.timestamp(time).dropLast(5)).replacing("T", with: "\u{a0}")
    }
}
