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

private struct Option {
    let optionValue: String
    let optionLabel: String
}

/// Bounties and tips for people, and what whoever is signed in does with them.
struct BountyPages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let people: CallerIdentity
    let origins: Origins
    let door: PageDoor
    private static let formBytes = 128 << 10

    func register(in routes: inout RouteTable) {
        routes.get("/bounties", shows: .list, .page, list)
        routes.post("/bounties", shows: .account, .page, door.keeping(create))
        routes.get("/bounties/new", shows: .nothing, .page, form)
        routes.get("/bounties/{bounty}", shows: .bounty, .page, show)
        routes.post("/bounties/{bounty}/fund", shows: .account, .page, door.keeping(fund))
        routes.post("/bounties/{bounty}/enter", shows: .account, .page, door.keeping(enter))
        routes.post("/bounties/{bounty}/award", shows: .account, .page, door.keeping(award))
        routes.post("/bounties/{bounty}/refund", shows: .account, .page, door.keeping(refund))
        routes.get("/buzz/tip", shows: .nothing, .page, tipForm)
        routes.post("/buzz/tip", shows: .account, .page, door.keeping(tip))
        routes.get("/buzz/{currency}/rewards/{epoch}", shows: .nothing, .page, rewards)
    }

    // MARK: Who asks

    /// - Returns: who is signed in, and the operations that see what they may see.
    private func reader(_ request: Request, _ context: GatewayContext) async throws -> (Account?, OperationContext) {
        let account = try await people.grant(request, context)?.account
        return (account, services.context().showing(to: account?.viewer ?? .anonymous))
    }

    /// - Throws: `unauthorized` when nobody is signed in, `forbidden` for who may not spend.
    private func member(_ request: Request, _ context: GatewayContext) async throws -> (Account, OperationContext) {
        guard let grant = try await people.grant(request, context) else { throw CallerIdentity.unauthorized }
        guard grant.allows(.spend) else {
            throw GatewayError.forbidden(code: "scope-missing", "This needs the scope spend")
        }
        return (grant.account, services.context().acting(for: grant.account))
    }

    private func fields(_ request: Request) async throws -> Query {
        let body = try await WireBody.collect(request.body, limit: Self.formBytes, clock: services.clock)
        return try Query(String(decoding: body, as: UTF8.self))
    }

    private func seeOther(_ path: String) -> Response {
        Response(status: .seeOther, headers: [.location: path, .cacheControl: "no-store"])
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
            "heading": "Bounties", "bounties": page.items.map(BountyItem.init), "hasBounties": !page.items.isEmpty,
            "onlyOpen": isOpen,
            "tabSets": [
                TabsView(
                    tabsLabel: "Which",
                    tabs: [
                        TabView(tabName: "All", tabHref: "/bounties", isCurrent: !isOpen),
                        TabView(tabName: "Take entries", tabHref: "/bounties?show=open", isCurrent: isOpen),
                    ])
            ],
        ]
        content.merge(Pager("/bounties", parameters, cursor: query["after"], next: page.next).content) { _, new in new }
        return pages.page(
            "bounties",
            PageFrame(
                pageTitle: "Bounties", summary: "Bounties on \(services.configuration.nodeName).",
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
            FactView("Set aside", BountyItem.money(line)), FactView("Backers", Wording.count(line.backers)),
            FactView("Wanted", line.wanted), FactView("Tags", report.tags.joined(separator: ", ")),
            FactView("Entries until", Dates.timestamp(line.deadline)),
            FactView("Backers award until", Dates.timestamp(line.decided)),
            FactView("Arbiter", "the node \(report.arbiterNode)"),
        ]
        var content: [String: Any] = [
            "heading": line.title.isEmpty ? "A bounty that was taken back" : line.title,
            "phase": BountyItem.phase(line.phase), "money": BountyItem.money(line), "symbol": line.symbol,
            "poster": line.name.isEmpty ? line.poster : line.name, "textHTML": about,
            "facts": facts.compactMap { $0 }, "trust": report.trust,
            "ruleWords":
                "The arbiter pays out what each backer awards. What a backer does not award in time: \(BountyItem.rule(line.rule)). Where nobody enters, all goes back. Should the arbiter be gone for good, what is set aside goes back by itself.",
            "entries": entries, "hasEntries": !entries.isEmpty,
            "backings": report.backings.map { BackingItem($0, line) }, "hasBackings": !report.backings.isEmpty,
            "unknownArbiter": !report.isArbiterKnown, "isSignedIn": account != nil, "isOpen": isOpen,
            "canAward": !holds.isEmpty && services.now() <= line.decided && entries.contains { $0.entryCounts },
            "canRefund": !holds.isEmpty, "path": path, "bountyID": line.bounty, "arbiterID": report.arbiter,
            "shortID": String(line.bounty.prefix(16)),
        ]
        if !line.handle.isEmpty { content["posterHref"] = "/@\(PercentCoding.encode(line.handle))" }
        if !report.stopped.isEmpty { content["stopped"] = report.stopped }
        if report.answered > 0, services.now() > report.answered + 86400 {
            content["silent"] =
                "The currency's authority has not answered since \(Dates.day(report.answered)). What is set aside moves only when it does; the receipts below prove what was set aside."
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
                        linkText: "Version \(release.body.version)",
                        linkHref: "/models/\(release.modelID)?modelVersionId=\(release.id)"))
            } else if let images = try await services.catalog.imagePost(post: post, filter),
                let first = images.images.first
            {
                links.append(LinkView(linkText: "Picture", linkHref: PageAddress.image(first.id)))
            }
        }
        return links
    }

    @Sendable private func form(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await form(try await people.grant(request, context)?.account)
    }

    private func form(_ account: Account?, trouble: String? = nil) async throws -> Response {
        let currencies = try await options()
        var content: [String: Any] = [
            "isSignedIn": account != nil, "currencies": currencies, "levels": Level.words,
            "rules": BountyRule.allCases.map {
                Option(optionValue: $0.rawValue, optionLabel: BountyItem.rule($0.rawValue))
            },
        ]
        content["trouble"] = trouble
        return pages.page(
            "newbounty", PageFrame(pageTitle: "New bounty"), content,
            status: trouble == nil ? .ok : .unprocessableContent, headers: [.cacheControl: "no-store"])
    }

    private func options() async throws -> [Option] {
        try await ListCurrencies().run(in: services.context()).filter { $0.stopped.isEmpty }.map {
            Option(optionValue: $0.currency, optionLabel: "\($0.name) (\($0.symbol)) · \($0.trust)")
        }
    }

    // MARK: Doing

    @Sendable private func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (account, operations) = try await member(request, context)
        let form = try await fields(request)
        let days = UInt64(try form.integer("days", in: 1...365) ?? 14)
        let judging = UInt64(try form.integer("judging", in: 0...365) ?? 3)
        let deadline = services.now() + days * 86400
        do throws(OperationError) {
            let report = try await NewBounty(
                account: account.handle, title: form["title"] ?? "", text: form["text"] ?? "",
                wanted: form["wanted"] ?? "", tags: form.list("tags"), level: form["level"],
                currency: form["currency"], amount: UInt64(form["amount"] ?? "") ?? 0, deadline: deadline,
                decided: deadline + judging * 86400, rule: form["rule"] ?? ""
            ).run(in: operations)
            return seeOther("/bounties/\(report.summary.bounty)")
        } catch {
            guard [.usage, .failed, .conflict].contains(error.code) else { throw error }
            return try await self.form(account, trouble: error.message)
        }
    }

    @Sendable private func fund(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (account, operations) = try await member(request, context)
        let (id, form) = (try id(context), try await fields(request))
        _ = try await FundBounty(
            account: account.handle, bounty: id, amount: UInt64(form["amount"] ?? "") ?? 0,
            isPledge: form["pledge"] == "yes"
        ).run(in: operations)
        return seeOther("/bounties/\(id)")
    }

    @Sendable private func enter(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (account, operations) = try await member(request, context)
        let (id, form) = (try id(context), try await fields(request))
        let works = (form["works"] ?? "").split(whereSeparator: { $0 == " " || $0 == "," || $0.isNewline })
        let visible = VisiblePosts(services, services.moderation.filter(for: account.viewer))
        for work in works {
            // Operations look things up as the operator.
            guard let post = Hash32(hex: work) else { continue }
            guard try await visible.includes(post) else {
                throw GatewayError.notFound("There is no post \(post.hex) here that you may see")
            }
        }
        _ = try await EnterBounty(
            account: account.handle, bounty: id, works: works.map(String.init), text: form["text"] ?? ""
        ).run(in: operations)
        return seeOther("/bounties/\(id)")
    }

    @Sendable private func award(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (account, operations) = try await member(request, context)
        let (id, form) = (try id(context), try await fields(request))
        let report = try await ShowBounty(bounty: id).run(in: operations)
        let shares = report.entries.compactMap { entry -> AwardBounty.Share? in
            guard let weight = form[entry.post].flatMap({ UInt32($0) }), weight > 0 else { return nil }
            return AwardBounty.Share(entry: entry.post, weight: weight)
        }
        _ = try await AwardBounty(account: account.handle, bounty: id, shares: shares).run(in: operations)
        return seeOther("/bounties/\(id)")
    }

    @Sendable private func refund(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (account, operations) = try await member(request, context)
        let id = try id(context)
        _ = try await RefundBounty(account: account.handle, bounty: id).run(in: operations)
        return seeOther("/bounties/\(id)")
    }

    // MARK: Tips

    @Sendable private func tipForm(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let account = try await people.grant(request, context)?.account
        return try await tipForm(try Query(request)["to"] ?? "", account)
    }

    private func tipForm(_ subject: String, _ account: Account?, trouble: String? = nil, receipt: String? = nil)
        async throws -> Response
    {
        let filter = services.moderation.filter(for: account?.viewer ?? .anonymous)
        let about = try await tipped(subject, filter)
        var content: [String: Any] = [
            "isSignedIn": account != nil, "currencies": try await options(), "subject": subject, "about": about.text,
        ]
        content["aboutHref"] = about.href
        content["trouble"] = trouble
        content["receiptHref"] = receipt
        return pages.page(
            "tip", PageFrame(pageTitle: "Tip"), content, status: trouble == nil ? .ok : .unprocessableContent,
            headers: [.cacheControl: "no-store"])
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

    @Sendable private func tip(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (account, operations) = try await member(request, context)
        let form = try await fields(request)
        let subject = form["to"] ?? ""
        _ = try await tipped(subject, services.moderation.filter(for: account.viewer))
        do {
            let final = try await TipSubject(
                account: account.handle, subject: subject, amount: UInt64(form["amount"] ?? "") ?? 0,
                currency: form["currency"]
            ).run(in: operations)
            return try await tipForm(
                subject, account, receipt: "/buzz/\(final.currency)/finals/\(final.slot)")
        } catch let error as OperationError {
            return try await tipForm(subject, account, trouble: error.message)
        }
    }

    // MARK: Rewards

    @Sendable private func rewards(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let epoch = Int64(context.parameter("epoch") ?? "") else {
            throw GatewayError.notFound("An epoch is a number")
        }
        let name = context.parameter("currency") ?? ""
        let found = try await ShowRewards(currency: name, epoch: epoch).run(in: services.context())
        let rules = try await ShowRules(currency: name).run(in: services.context()).report
        func amount(_ value: Int64) -> String { "\(Wording.count(Int(value))) \(found.symbol)" }
        let facts =
            found.actions.filter { $0.facts > 0 }.map {
                FactView($0.action, "\(Wording.count($0.facts)), \(amount($0.amount))")
            } + [
                FactView("Members", Wording.count(found.members)), FactView("Granted", amount(found.granted)),
                FactView("Hash of the list", found.evidence),
            ]
        return pages.page(
            "rewards",
            PageFrame(
                pageTitle: "Rewards", summary: "Rewards of epoch \(epoch) in \(rules.name).",
                canonical: origins.base(for: request, context) + "/buzz/\(found.currency)/rewards/\(epoch)"),
            [
                "heading": "Rewards of epoch \(epoch)", "currencyName": rules.name,
                "currencyHref": "/buzz/\(found.currency)", "trust": rules.trust, "faults": found.faults,
                "facts": facts.compactMap { $0 }, "epoch": "\(epoch)", "hasTotals": !found.totals.isEmpty,
                "totals": found.totals.prefix(Limits.Economy.rewardLines).map {
                    LinkView(
                        linkText: "\(amount($0.amount)) to \($0.account.prefix(16))…",
                        linkHref: "/buzz/\(found.currency)/accounts/\($0.account)")
                },
                "listHref": "/w/1/buzz/rewards/\(found.currency)/\(epoch)",
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
