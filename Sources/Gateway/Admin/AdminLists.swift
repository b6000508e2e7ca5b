import Accounts
import Hummingbird
import Moderation
import Operations
import WaggleProtocol

/// Lists of what has no place here: those that this node listens to, what of them waits for a person, and one's own.
///
/// Moderators decide about entries. How far a list is trusted is for admins to say.
struct AdminLists: Sendable {
    let desk: AdminDesk
    private static let entriesShown = 100

    func register(in routes: inout RouteTable) {
        desk.get(.lists, in: &routes, page)
        desk.post(.lists, in: &routes, act, page)
    }

    @Sendable private func page(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let all = try await ListLists().perform(in: visit.context)
        let isAdmin = visit.account.role == .admin
        var page = DeskPage(
            say("lists"), lead: say("a-list-is-words-of-its"))
        if let name = visit.query["list"] ?? visit.form["list"], !name.isEmpty,
            let details = try? await ShowList(list: name, limit: Self.entriesShown).perform(in: visit.context)
        {
            page.sections.append(Self.details(details, isAdmin))
        }
        page.sections.append(Self.sources(all.filter { $0.subscription != nil }, isAdmin))
        if isAdmin { page.sections.append(Self.subscribing(visit)) }
        page.sections.append(Self.own(all.filter(\.isOwn), visit))
        return page
    }

    private static func form(
        _ what: String, _ submit: String, _ list: String, fields: [DeskField] = [], hidden: [(String, String)] = [],
        label: String? = nil
    ) -> DeskForm {
        DeskForm(
            action: "/admin/lists", submit: submit, hidden: [("what", what), ("list", list)] + hidden, fields: fields,
            label: label ?? "\(submit) \(list)")
    }

    // MARK: One list

    private static func details(_ details: ListDetails, _ isAdmin: Bool) -> DeskSection {
        let list = details.list.list
        var section = DeskSection("list", details.list.name.isEmpty ? list : details.list.name)
        section.sectionLead = details.list.purpose.isEmpty ? nil : details.list.purpose
        var facts: [FactView?] = [
            FactView(say("list"), list), FactView(say("entries"), Wording.count(details.list.entries)),
            FactView(say("version-2"), "\(details.list.version)"),
        ]
        if let preview = details.preview, preview.entries > 0 {
            let hides = say(
                "here-by-local-users", Wording.count(preview.items, say("item"), say("items")),
                Wording.count(preview.local))
            facts.append(
                FactView(
                    say("what-waits-would-hide"), preview.isBraked ? say("that-is-too-much-at-a-time", hides) : hides))
        }
        if let step = details.steps.first {
            facts.append(
                FactView(say("can-be-taken-back"), say("of-by", "\(step.kind)", Dates.day(step.at), "\(step.by)")))
        }
        section.sectionFacts = facts.compactMap { $0 }
        section.columns = [
            say("subject"), say("what-it-asks-for"), say("why"), say("how-it-stands"), say("what-to-do"),
        ]
        section.rows = details.entries.map { entry -> DeskRow in
            let isWaiting = entry.state == "waiting" || entry.state == "held"
            let hidden = [("subject", entry.subject)]
            let short = entry.subject.prefix(24)
            return DeskRow(
                cells: [
                    .init(entry.subject, isCode: true), .init(entry.severity),
                    .init(entry.reason + (entry.basis == "human" ? "" : " (\(entry.basis))")),
                    .init(entry.action.map { "\(entry.state): \($0)" } ?? entry.state),
                ],
                forms: isWaiting
                    ? [
                        form("approve", say("approve"), list, hidden: hidden, label: say("approve-3", "\(short)")),
                        form("reject", say("reject"), list, hidden: hidden, label: say("reject-3", "\(short)")),
                    ] : [])
        }
        section.empty = say("it-has-no-entries-here")
        let waiting = details.entries.contains { $0.state == "waiting" || $0.state == "held" }
        if waiting {
            section.forms.append(
                form(
                    "approve", say("approve-all-that-waits"), list,
                    fields: [
                        DeskField("most", say("the-gravest-that-they-may-do"), .menu(Severity.words), value: "block")
                    ]))
        }
        if details.list.subscription != nil {
            section.forms.append(form("undo", say("undo-the-last-decision"), list))
            if isAdmin, let subscription = details.list.subscription {
                section.forms.append(changing(list, subscription))
                section.forms.append(form("unsubscribe", say("unsubscribe"), list))
            }
        }
        if details.list.isOwn {
            section.forms.append(
                form(
                    "withdraw", say("withdraw"), list,
                    fields: [DeskField("subjects", say("subjects-or-case-numbers-one-a"), .area, isRequired: true)]))
        }
        section.forms.append(
            form(
                "fork", say("fork-it"), list,
                fields: [DeskField("slug", say("name-of-your-own-copy"), isRequired: true, maxLength: 40)]))
        let query = PercentCoding.encode(list)
        section.links = [
            LinkView(linkText: say("export-as-csv"), linkHref: "/api/w1/moderation/lists/export?list=\(query)"),
            LinkView(
                linkText: say("domains-for-mastodon"),
                linkHref: "/api/w1/moderation/lists/export?mastodon=true&list=\(query)"),
        ]
        return section
    }

    private static func changing(_ list: String, _ now: ListReport.Subscription) -> DeskForm {
        form("subscribe", say("change-how-far-it-is-trusted"), list, fields: trust(now) + [place("\(now.place)")])
    }

    private static func trust(_ now: ListReport.Subscription?) -> [DeskField] {
        [
            DeskField("mode", say("how"), .menu(["draft", "automatic"]), value: now?.mode ?? "draft"),
            DeskField(
                "grant", say("the-gravest-that-it-may-do"), .menu(Severity.words), value: now?.grant ?? "hide"),
            DeskField(
                "reasons", say("only-for-these-reasons"), value: now?.reasons.joined(separator: " ") ?? "",
                hint: say("likeness-ncii-nothing-for-all")),
            DeskField(
                "shadow", say("shadow-only-say-what-it-would"), .box, value: now?.isShadow == true ? "yes" : ""),
        ]
    }

    private static func place(_ value: String = "") -> DeskField {
        DeskField("place", say("place-of-lists-that-contradict-each"), .number, value: value)
    }

    // MARK: Sources

    private static func sources(_ lists: [ListReport], _ isAdmin: Bool) -> DeskSection {
        var section = DeskSection("sources", say("what-this-node-listens-to"))
        section.columns = [say("list"), say("how-far-it-is-trusted"), say("act-wait"), say("what-to-do")]
        section.rows = lists.compactMap { list -> DeskRow? in
            guard let subscription = list.subscription else { return nil }
            var how = say("may-2", "\(subscription.place)", "\(subscription.mode)", "\(subscription.grant)")
            if subscription.isShadow { how = say("in-shadow", how) }
            if let needed = subscription.needed, let lists = subscription.lists {
                how = say("of-lists", how, "\(needed)", "\(lists.count)")
            }
            if subscription.held > 0 { how = say("held-back", how, "\(subscription.held)") }
            return DeskRow(
                cells: [
                    .init(list.list, href: "/admin/lists?list=\(PercentCoding.encode(list.list))"), .init(how),
                    .init("\(subscription.acting), \(subscription.waiting)", isBad: subscription.held > 0),
                ],
                forms: isAdmin
                    ? [form("undo", say("undo"), list.list), form("unsubscribe", say("unsubscribe"), list.list)]
                    : [form("undo", say("undo"), list.list)])
        }
        section.empty = say("none-yet-everything-is-decided-by")
        return section
    }

    private static func subscribing(_ visit: AdminDesk.Visit) -> DeskSection {
        var section = DeskSection("subscribe", say("listen-to-a-list"))
        section.forms = [
            DeskForm(
                action: "/admin/lists", submit: say("subscribe"), hidden: [("what", "subscribe")],
                fields: [
                    DeskField(
                        "list", say("list"), value: visit.form["list"] ?? "",
                        hint: say("keeper-name-the-keeper-s-id"), isRequired: true,
                        maxLength: 200)
                ] + trust(nil) + [
                    place(),
                    DeskField("of", say("of-a-consensus-the-lists-that"), hint: say("with-blanks-between")),
                    DeskField("needed", say("of-a-consensus-how-many-have"), .number),
                ], label: say("subscribe-to-a-list"), isQuiet: false)
        ]
        return section
    }

    // MARK: Lists of one's own

    private static func own(_ lists: [ListReport], _ visit: AdminDesk.Visit) -> DeskSection {
        var section = DeskSection("own", say("lists-of-people-here"))
        section.columns = [say("list"), say("entries")]
        section.rows = lists.map { list in
            DeskRow(cells: [
                .init(list.list, href: "/admin/lists?list=\(PercentCoding.encode(list.list))"),
                .init(Wording.count(list.entries)),
            ])
        }
        section.empty = say("nobody-here-keeps-one")
        func list() -> DeskField {
            DeskField("list", say("your-list"), value: visit.form["list"] ?? "", isRequired: true, maxLength: 40)
        }
        section.forms = [
            DeskForm(
                action: "/admin/lists", submit: say("make-or-change-the-list"), hidden: [("what", "new")],
                fields: [
                    list(), DeskField("title", say("its-name-for-people"), maxLength: 200),
                    DeskField("purpose", say("what-it-is-for"), .area, maxLength: 16_000),
                    DeskField("salted", say("with-a-salt-so-that-it"), .box),
                ], label: say("a-list-of-your-own")),
            DeskForm(
                action: "/admin/lists", submit: say("put-on-the-list"), hidden: [("what", "add")],
                fields: [
                    list(),
                    DeskField(
                        "subjects", say("subjects-one-a-line"), .area, value: visit.form["subjects"] ?? "",
                        hint:
                            say("a-sha-256-maker-name-version"),
                        isRequired: true, maxLength: 16_000),
                    DeskField("severity", say("how-grave"), .menu(Severity.words), value: "block"),
                    DeskField("reason", say("why"), .menu(ReasonCode.all), value: "spam"),
                    DeskField("salted", say("name-files-and-pictures-by-salted"), .box),
                ], label: say("say-something-on-a-list-of")),
            DeskForm(
                action: "/admin/lists", submit: say("import"), hidden: [("what", "import")],
                fields: [
                    list(),
                    DeskField(
                        "text", say("csv-or-domain-blocks-of-mastodon"), .area, value: visit.form["text"] ?? "",
                        isRequired: true, maxLength: 60_000),
                ], label: say("import-into-a-list-of-your")),
        ]
        return section
    }

    // MARK: Acting

    private static func lines(_ text: String?) -> [String] {
        (text ?? "").split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") }
            .filter { !$0.isEmpty }
    }

    @Sendable private func act(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        let (context, account) = (visit.context, visit.account.handle)
        let list = try visit.needed("list")
        let what = try visit.needed("what")
        let subject = visit.form["subject"].map { [$0] } ?? []
        switch what {
        case "approve":
            _ = try await DecideListEntries(
                list: list, subjects: subject, isApproved: true, most: visit.form["most"]
            ).perform(in: context)
        case "reject":
            _ = try await DecideListEntries(list: list, subjects: subject, isApproved: false).perform(in: context)
        case "undo": _ = try await UndoList(list: list).perform(in: context)
        case "new":
            _ = try await NewList(
                account: account, list: list, title: visit.form["title"] ?? "", purpose: visit.form["purpose"] ?? "",
                isSalted: visit.form["salted"] == "yes"
            ).perform(in: context)
        case "add":
            _ = try await AddToList(
                account: account, list: list, subjects: Self.lines(visit.form["subjects"]),
                severity: visit.form["severity"] ?? "", reason: visit.form["reason"] ?? "",
                isSalted: visit.form["salted"] == "yes"
            ).perform(in: context)
        case "withdraw":
            _ = try await WithdrawFromList(
                account: account, list: list, subjects: Self.lines(visit.form["subjects"])
            ).perform(in: context)
        case "fork":
            _ = try await ForkList(account: account, list: list, slug: try visit.needed("slug")).perform(in: context)
        case "import":
            _ = try await ImportList(account: account, list: list, text: try visit.needed("text")).perform(in: context)
        case "subscribe", "unsubscribe":
            guard visit.account.role == .admin else {
                throw OperationError(.auth, "how far a list is trusted is for admins to say")
            }
            if what == "unsubscribe" {
                _ = try await UnsubscribeList(list: list).perform(in: context)
            } else {
                _ = try await Self.subscription(list, visit.form).perform(in: context)
            }
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
        return .done
    }

    private static func subscription(_ list: String, _ form: Query) -> SubscribeList {
        SubscribeList(
            list: list, mode: form["mode"], grant: form["grant"],
            reasons: (form["reasons"] ?? "").split(whereSeparator: { " ,".contains($0) }).map(String.init),
            isShadow: form["shadow"] == "yes", place: form["place"].flatMap { Int($0) },
            lists: (form["of"] ?? "").split(separator: " ").map(String.init),
            needed: form["needed"].flatMap { Int($0) })
    }
}
