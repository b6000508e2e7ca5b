import Accounts
import Catalog
import Digests
import Economy
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import Ledger
import Moderation
import Operations
import PostLog
import WaggleProtocol

/// Bounties and tips for people, and what whoever is signed in does with them.
struct BountyPages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let people: CallerIdentity
    let origins: Origins
    let door: PageDoor

    func register(in routes: inout RouteTable) {
        routes.get("/bounties", shows: .list, .page, list)
        routes.post(
            "/bounties", shows: .account, .page, door.form(.spend, again: { try await newPage($1, $2) }, create))
        routes.get("/bounties/new", shows: .nothing, .page, newPage)
        routes.get("/bounties/{bounty}", shows: .bounty, .page, show)
        routes.post("/bounties/{bounty}/fund", shows: .account, .page, door.form(.spend, fund))
        routes.post("/bounties/{bounty}/enter", shows: .account, .page, door.form(.spend, enter))
        routes.post("/bounties/{bounty}/award", shows: .account, .page, door.form(.spend, award))
        routes.post("/bounties/{bounty}/refund", shows: .account, .page, door.form(.spend, refund))
        routes.get("/buzz/tip", shows: .nothing, .page, tipPage)
        routes.post(
            "/buzz/tip", shows: .account, .page,
            door.form(.spend, again: { try await tipPage($0.address["to"] ?? "", $1, $2) }, tip))
        routes.get("/buzz/{currency}/rewards/{epoch}", shows: .nothing, .page, rewards)
    }

    // MARK: Who asks

    /// - Returns: who is signed in, and the operations that see what they may see.
    private func reader(_ request: Request, _ context: GatewayContext) async throws -> (Account?, OperationContext) {
        let account = try await people.grant(request, context)?.account
        return (account, services.context().showing(to: account?.viewer ?? .anonymous))
    }

    private func id(_ context: GatewayContext) throws(GatewayError) -> String {
        guard let id = Hash32(hex: context.parameter("bounty") ?? "") else {
            throw .notFound("There is no such bounty here")
        }
        return id.hex
    }

    private func isPrivate(_ account: Account?) -> HTTPFields {
        [.cacheControl: account == nil ? "public, max-age=30" : "private, no-store"]
    }

    // MARK: Reading

    @Sendable private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try Query(request)
        let (account, operations) = try await reader(request, context)
        let isOpen = query["show"] == "open"
        let page = try await ListBounties(
            isOpenOnly: isOpen, poster: nil, limit: Limits.Gateway.cards, cursor: query["after"]
        ).run(in: operations)
        let parameters = [(name: "show", value: isOpen ? "open" : "")]
        var content: [String: Any] = [
            "heading": say("bounties"), "bounties": page.items.map(BountyItem.init), "hasBounties": !page.items.isEmpty,
            "onlyOpen": isOpen,
            "tabSets": [
                TabsView(
                    tabsLabel: say("which"),
                    tabs: [
                        TabView(tabName: say("all"), tabHref: "/bounties", isCurrent: !isOpen),
                        TabView(tabName: say("take-entries"), tabHref: "/bounties?show=open", isCurrent: isOpen),
                    ])
            ],
        ]
        content.merge(Pager("/bounties", parameters, cursor: query["after"], next: page.next).content) { _, new in new }
        return pages.page(
            "bounties",
            PageFrame(
                pageTitle: say("bounties"), summary: say("bounties-on", "\(services.configuration.nodeName)"),
                canonical: origins.base(for: request, context) + PageAddress.with("/bounties", parameters)), content,
            headers: isPrivate(account))
    }

    @Sendable private func show(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (account, operations) = try await reader(request, context)
        let report = try await ShowBounty(bounty: id(context)).run(in: operations)
        let line = report.summary
        let filter = services.moderation.filter(for: account?.viewer ?? .anonymous)
        var entries: [EntryItem] = []
        for entry in report.entries {
            entries.append(EntryItem(entry, line.symbol, works: try await links(entry.works, filter)))
        }
        let own = try await services.ledgerAccount(of: account)
        let holds = report.backings.filter { $0.account == own && ($0.state == "open" || $0.state == "expired") }
        let isOpen = line.phase == BountyPhase.open.rawValue
        let path = "/bounties/\(line.bounty)"
        let about = Markdown.html(report.text, firstHeading: 2)
        let facts = [
            FactView(say("set-aside"), BountyItem.money(line)), FactView(say("backers"), Wording.count(line.backers)),
            FactView(say("wanted"), line.wanted), FactView(say("tags"), report.tags.joined(separator: ", ")),
            FactView(say("entries-until"), Dates.minute(line.deadline)),
            FactView(say("backers-award-until"), Dates.minute(line.decided)),
            FactView(say("arbiter"), say("the-node", "\(report.arbiterNode)")),
        ]
        var content: [String: Any] = [
            "heading": line.title.isEmpty ? say("a-bounty-that-was-taken-back") : line.title,
            "phase": BountyItem.phase(line.phase), "money": BountyItem.money(line), "symbol": line.symbol,
            "poster": line.name.isEmpty ? line.poster : line.name, "textHTML": about,
            "facts": facts.compactMap { $0 }, "trust": report.trust,
            "ruleWords":
                say("the-arbiter-pays-out-what-each", "\(BountyItem.rule(line.rule))"),
            "entries": entries, "hasEntries": !entries.isEmpty,
            "backings": report.backings.map { BackingItem($0, line) }, "hasBackings": !report.backings.isEmpty,
            "unknownArbiter": !report.isArbiterKnown, "isSignedIn": account != nil,
            "acts": acts(
                report, isOpen: isOpen,
                canAward: !holds.isEmpty && services.now() <= line.decided && entries.contains { $0.entryCounts },
                canRefund: !holds.isEmpty),
            "bountyID": line.bounty, "arbiterID": report.arbiter,
            "shortID": String(line.bounty.prefix(16)),
        ]
        if !line.handle.isEmpty { content["posterHref"] = "/@\(PercentCoding.encode(line.handle))" }
        if !report.stopped.isEmpty { content["stopped"] = report.stopped }
        if report.answered > 0, services.now() > report.answered + 86400 {
            content["silent"] =
                say("the-currency-s-authority-has-not", "\(Dates.day(report.answered))")
        }
        return pages.page(
            "bounty",
            PageFrame(
                pageTitle: line.title, summary: Wording.beginning(Markdown.plain(report.text), characters: 200),
                canonical: origins.base(for: request, context) + path), content, headers: isPrivate(account))
    }

    /// Pages of what an entry shows, as far as the viewer may see it.
    private func links(_ works: [String], _ filter: ViewerFilter) async throws -> [LinkView] {
        var links: [LinkView] = []
        for post in works.compactMap({ Hash32(hex: $0) }) {
            if let model = try await services.catalog.model(post: post, filter, detail: .brief) {
                links.append(LinkView(linkText: model.body.name, linkHref: PageAddress.model(model)))
            } else if let release = try await services.catalog.release(post: post, filter, detail: .card) {
                links.append(
                    LinkView(
                        linkText: say("version", "\(release.body.version)"),
                        linkHref: "/models/\(release.modelID)?modelVersionId=\(release.id)"))
            } else if let images = try await services.catalog.imagePost(post: post, filter),
                let first = images.images.first
            {
                links.append(LinkView(linkText: say("picture"), linkHref: PageAddress.image(first.id)))
            }
        }
        return links
    }

    // MARK: Forms

    private func options() async throws -> [FieldView.Choice] {
        try await ListCurrencies().run(in: services.context()).filter { $0.stopped.isEmpty }.map {
            FieldView.Choice($0.currency, "\($0.name) (\($0.symbol)) · \($0.trust)")
        }
    }

    private static let formHeaders: HTTPFields = [.cacheControl: "private, no-store"]

    @Sendable private func newPage(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await newPage()
    }

    private func newPage(_ typed: Query? = nil, _ trouble: FormTrouble? = nil) async throws -> Response {
        let currencies = try await options()
        let isSignedIn = PageVisitor.current != nil
        var content: [String: Any] = [
            "isSignedIn": isSignedIn, "hasNoCurrency": isSignedIn && currencies.isEmpty,
            "crumb": LinkView(linkText: say("bounties"), linkHref: "/bounties"),
        ]
        // What was typed is shown again whatever became of the currencies.
        if isSignedIn, !currencies.isEmpty || typed != nil {
            content["form"] = FormView(
                "/bounties", sends: say("post-it"), fields: Self.newFields(currencies), typed: typed, trouble: trouble)
        }
        return pages.page("newbounty", PageFrame(pageTitle: say("new-bounty")), content, headers: Self.formHeaders)
    }

    private static func newFields(_ currencies: [FieldView.Choice]) -> [FieldView] {
        [
            FieldView("title", say("what-you-wish-for-in-a"), most: Limits.Text.nameBytes, isNeeded: true),
            FieldView(
                "text", say("more-about-it"), .text(rows: 8), hint: say("in-markdown"),
                most: Limits.Text.descriptionBytes),
            FieldView("wanted", say("what-it-is-to-be"), hint: say("a-model-type-such-as-lora"), most: 64),
            PublishPages.tags(""), PublishPages.level(Level.pg.word),
            FieldView(
                "currency", say("currency"), .choice, value: currencies.first?.choiceValue ?? "", choices: currencies),
            FieldView("amount", say("what-you-set-aside"), .number, most: 20, isNeeded: true),
            FieldView("days", say("days-for-entries"), .number, value: "14", most: 3, isNeeded: true),
            FieldView("judging", say("days-for-backers-to-decide"), .number, value: "3", most: 3, isNeeded: true),
            FieldView(
                "rule", say("what-happens-to-what-a-silent"), .choice,
                value: BountyRule.allCases[0].rawValue,
                choices: BountyRule.allCases.map { .init($0.rawValue, BountyItem.rule($0.rawValue)) }),
        ]
    }

    private struct ActView {
        let actTitle: String
        let form: FormView
    }

    /// What whoever is signed in may do with a bounty.
    private func acts(_ report: BountyReport, isOpen: Bool, canAward: Bool, canRefund: Bool) -> [ActView] {
        guard PageVisitor.may(.spend) else { return [] }
        let path = "/bounties/\(report.summary.bounty)"
        var acts: [ActView] = []
        if isOpen {
            acts.append(
                ActView(
                    actTitle: say("back-it"),
                    form: FormView(
                        path + "/fund", sends: say("set-it-aside"),
                        fields: [
                            FieldView(
                                "amount", say("how-much-in", "\(report.summary.symbol)"), .number, most: 20,
                                isNeeded: true),
                            FieldView(
                                "pledge", say("as-a-pledge-in-my-own"), .box, value: "yes"),
                        ], label: say("back-it"), id: "fund")))
            acts.append(
                ActView(
                    actTitle: say("enter"),
                    form: FormView(
                        path + "/enter", sends: say("enter"),
                        fields: [
                            FieldView(
                                "works", say("what-you-enter"), hint: say("ids-of-posts-or-maker-name"),
                                most: 2000),
                            FieldView(
                                "text", say("what-you-say-about-it"), .text(rows: 4), most: Limits.Text.commentBytes),
                        ], label: say("enter"), id: "enter")))
        }
        if canAward {
            let entries = report.entries.filter(\.counts)
            acts.append(
                ActView(
                    actTitle: say("give-what-you-set-aside"),
                    form: FormView(
                        path + "/award", sends: say("award"),
                        fields: entries.map { entry in
                            FieldView(
                                entry.post, say("weight-of", "\(entry.name)"), .number, hint: say("0-for-nothing"),
                                value: "0",
                                most: 4)
                        }, label: say("award"), id: "award")))
        }
        if canRefund {
            acts.append(
                ActView(
                    actTitle: say("take-back"),
                    form: FormView(
                        path + "/refund", sends: say("take-back-what-i-set-aside"), fields: [], label: say("take-back"),
                        id: "refund")))
        }
        return acts
    }

    // MARK: Doing

    @Sendable private func create(_ call: PageCall, _ form: Query) async throws -> FormOutcome {
        let days = UInt64(try form.integer("days", in: 1...365) ?? 14)
        let judging = UInt64(try form.integer("judging", in: 0...365) ?? 3)
        let deadline = services.now() + days * 86400
        let report = try await NewBounty(
            account: call.account.handle, title: form["title"] ?? "", text: form["text"] ?? "",
            wanted: form["wanted"] ?? "", tags: form.list("tags"), level: form["level"],
            currency: form["currency"], amount: UInt64(form["amount"] ?? "") ?? 0, deadline: deadline,
            decided: deadline + judging * 86400, rule: form["rule"] ?? ""
        ).run(in: call.operations)
        return .done(at: "/bounties/\(report.summary.bounty)")
    }

    @Sendable private func fund(_ call: PageCall, _ form: Query) async throws -> FormOutcome {
        let id = try id(call.context)
        _ = try await FundBounty(
            account: call.account.handle, bounty: id, amount: UInt64(form["amount"] ?? "") ?? 0,
            isPledge: form["pledge"] == "yes"
        ).run(in: call.operations)
        return .done(at: "/bounties/\(id)")
    }

    @Sendable private func enter(_ call: PageCall, _ form: Query) async throws -> FormOutcome {
        let id = try id(call.context)
        let works = (form["works"] ?? "").split(whereSeparator: { $0 == " " || $0 == "," || $0.isNewline })
        let visible = VisiblePosts(services, call.filter)
        for work in works {
            // Operations look things up as the operator.
            guard let post = Hash32(hex: work) else { continue }
            guard try await visible.includes(post) else {
                throw GatewayError.notFound("There is no post \(post.hex) here that you may see")
            }
        }
        _ = try await EnterBounty(
            account: call.account.handle, bounty: id, works: works.map(String.init), text: form["text"] ?? ""
        ).run(in: call.operations)
        return .done(at: "/bounties/\(id)")
    }

    @Sendable private func award(_ call: PageCall, _ form: Query) async throws -> FormOutcome {
        let id = try id(call.context)
        let report = try await ShowBounty(bounty: id).run(in: call.operations)
        let shares = report.entries.compactMap { entry -> AwardBounty.Share? in
            guard let weight = form[entry.post].flatMap({ UInt32($0) }), weight > 0 else { return nil }
            return AwardBounty.Share(entry: entry.post, weight: weight)
        }
        _ = try await AwardBounty(account: call.account.handle, bounty: id, shares: shares).run(in: call.operations)
        return .done(at: "/bounties/\(id)")
    }

    @Sendable private func refund(_ call: PageCall, _ form: Query) async throws -> FormOutcome {
        let id = try id(call.context)
        _ = try await RefundBounty(account: call.account.handle, bounty: id).run(in: call.operations)
        return .done(at: "/bounties/\(id)")
    }

    // MARK: Tips

    @Sendable private func tipPage(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await tipPage(try Query(request)["to"] ?? "")
    }

    private func tipPage(
        _ subject: String, _ typed: Query? = nil, _ trouble: FormTrouble? = nil
    ) async throws -> Response {
        let account = PageVisitor.current?.account
        let about = try await tipped(subject, services.moderation.filter(for: account?.viewer ?? .anonymous))
        let (path, currencies) = (PageAddress.with("/buzz/tip", [("to", subject)]), try await options())
        var content: [String: Any] = [
            "subject": subject, "about": about.text, "hasNoCurrency": account != nil && currencies.isEmpty,
        ]
        content["aboutHref"] = about.href
        if account == nil {
            content["signInHref"] = PageAddress.with("/signin", [("next", path)])
        } else if !currencies.isEmpty || typed != nil {
            content["form"] = FormView(
                path, sends: say("tip"),
                fields: [
                    FieldView(
                        "currency", say("currency"), .choice, value: currencies.first?.choiceValue ?? "",
                        choices: currencies),
                    FieldView("amount", say("how-much"), .number, most: 20, isNeeded: true),
                ], typed: typed, trouble: trouble)
        }
        return pages.page("tip", PageFrame(pageTitle: say("tip")), content, headers: Self.formHeaders)
    }

    /// What a tip is for: the id of a model's, release's or image's post, or of a person.
    private func tipped(_ subject: String, _ filter: ViewerFilter) async throws -> (text: String, href: String?) {
        if let post = Hash32(hex: subject), let link = try await links([post.hex], filter).first {
            return (link.linkText, link.linkHref)
        }
        let handle = subject.hasPrefix("@") ? String(subject.dropFirst()) : subject
        let reference = AuthorID.parse(subject).map { CreatorReference.author($0) } ?? .handle(handle)
        if let person = try await services.catalog.creator(reference, filter) {
            return (person.name, PageAddress.creator(person))
        }
        throw GatewayError.notFound("There is nothing here by this name that could be tipped")
    }

    @Sendable private func tip(_ call: PageCall, _ form: Query) async throws -> FormOutcome {
        let subject = call.address["to"] ?? ""
        _ = try await tipped(subject, call.filter)
        let final = try await TipSubject(
            account: call.account.handle, subject: subject, amount: UInt64(form["amount"] ?? "") ?? 0,
            currency: form["currency"]
        ).run(in: call.operations)
        return .done(at: "/buzz/\(final.currency)/finals/\(final.slot)")
    }

    // MARK: Rewards

    @Sendable private func rewards(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let epoch = Int64(context.parameter("epoch") ?? "") else {
            throw GatewayError.notFound("An epoch is a number")
        }
        let name = context.parameter("currency") ?? ""
        let found = try await ShowRewards(currency: name, epoch: epoch, granter: try Query(request)["granter"])
            .run(in: services.context())
        let rules = try await ShowRules(currency: name).run(in: services.context()).report
        func amount(_ value: Int64) -> String { "\(Wording.count(Int(value))) \(found.symbol)" }
        let facts =
            found.actions.filter { $0.facts > 0 }.map {
                FactView($0.action, "\(Wording.count($0.facts)), \(amount($0.amount))")
            } + [
                FactView(say("members"), Wording.count(found.members)), FactView(say("granted"), amount(found.granted)),
                FactView(say("hash-of-the-list"), found.evidence),
            ]
        // Where several grant, each has its own list.
        let path = "/buzz/\(found.currency)/rewards/\(epoch)"
        let tabs = found.granters.map { granter in
            TabView(
                tabName: granter.url.firstRange(of: "://").map { String(granter.url[$0.upperBound...]) } ?? granter.url,
                tabHref: "\(path)?granter=\(granter.account)", isCurrent: granter.account == found.granter.account)
        }
        // The address is what a charter says: anything.
        let isElsewhere =
            found.granter.account != (await services.context().currencies.publicKey?.hex)
            && ["http://", "https://"].contains { found.granter.url.hasPrefix($0) }
        return pages.page(
            "rewards",
            PageFrame(
                pageTitle: say("rewards"), summary: say("rewards-of-epoch-in", "\(epoch)", "\(rules.name)"),
                canonical: origins.base(for: request, context) + path),
            [
                "heading": say("rewards-of-epoch", "\(epoch)"), "currencyName": rules.name,
                "currencyHref": "/buzz/\(found.currency)", "trust": rules.trust, "faults": found.faults,
                "facts": facts.compactMap { $0 }, "epoch": "\(epoch)", "hasTotals": !found.totals.isEmpty,
                "totals": found.totals.prefix(Limits.Economy.rewardLines).map {
                    LinkView(
                        linkText: say("to-2", amount($0.amount), "\($0.account.prefix(16))…"),
                        linkHref: "/buzz/\(found.currency)/accounts/\($0.account)")
                },
                "listHref": "\(isElsewhere ? found.granter.url : "")/w/1/buzz/rewards/\(found.currency)/\(epoch)",
                "tabSets": tabs.count > 1 ? [TabsView(tabsLabel: say("who-grants"), tabs: tabs)] : [],
            ])
    }
}

extension GatewayServices {
    /// The account in currencies of somebody at home here.
    func ledgerAccount(of account: Account?) async throws -> String? {
        guard let account else { return nil }
        return try await postLog.keyChain(of: account.author)?.ledgerAccount?.hex
    }
}
