import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Ledger
import Operations
import PostLog
import WaggleProtocol

private struct CurrencyItem {
    let currencyHref: String
    let currencyName: String
    let circulation: String
    let currencyTrust: String
    let isOwn: Bool
    let stopped: String?
    let warning: String?

    init(_ report: CurrencyReport) {
        currencyHref = "/buzz/\(report.currency)"
        currencyName = "\(report.name) (\(report.symbol))"
        circulation = "\(Wording.count(Int(report.issued &- report.burned))) \(report.symbol) in circulation"
        currencyTrust = report.trust
        isOwn = report.role == "authority"
        stopped = report.stopped.isEmpty ? nil : report.stopped
        warning = report.warning.isEmpty ? nil : report.warning
    }
}

private struct FinalItem {
    let finalHref: String
    let finalWords: String
    let finalDay: String?
    let finalAbout: String?

    init(_ final: FinalReport) {
        finalHref = "/buzz/\(final.currency)/finals/\(final.slot)"
        let change = final.change ?? 0
        finalWords = "\(change > 0 ? "+" : "")\(Wording.count(Int(change))) \(final.symbol), \(final.operation)"
        finalDay = final.time == 0 ? nil : Dates.day(final.time)
        finalAbout = final.reference.map { "\($0.prefix(16))…" }
    }
}

/// Currencies for people: what there is, each charter, accounts and receipts.
extension PageRoutes {
    func registerBuzz(in routes: inout RouteTable) {
        routes.get("/buzz", shows: .nothing, .page, buzz)
        routes.get("/buzz/{currency}", shows: .nothing, .page, currency)
        routes.get("/buzz/{currency}/accounts/{account}", shows: .nothing, .page, wallet)
        routes.get("/buzz/{currency}/finals/{final}", shows: .nothing, .page, final)
        routes.get("/buzz/{currency}/finals/{final}/receipt.json", shows: .nothing, .bytes, receipt)
    }

    /// What a page says of somebody who made something, with a way to tip them where they take a currency that is used here.
    func withTip(_ content: [String: Any], _ author: Hash32, _ subject: String) async throws -> [String: Any] {
        let profile = try await services.postLog.post(author: author, kind: .profile, slot: "")?.post.profile
        guard let accepted = profile?.currencies, !accepted.isEmpty else { return content }
        let known = try await services.context().currencies.store.charters().map(\.currency.hex)
        guard !Set(known).isDisjoint(with: accepted) else { return content }
        return content.merging(["tipHref": "/buzz/tip?to=\(PercentCoding.encode(subject))"]) { $1 }
    }

    private func run<O: Operations.Operation>(_ operation: O) async throws -> O.Reply {
        try await operation.run(in: services.context())
    }

    @Sendable private func buzz(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let items = try await run(ListCurrencies()).map(CurrencyItem.init)
        return pages.page(
            "buzz",
            PageFrame(
                pageTitle: "Buzz", summary: "Currencies that are used on \(services.configuration.nodeName).",
                canonical: canonical(request, context, "/buzz")),
            ["currencies": items, "hasCurrencies": !items.isEmpty])
    }

    @Sendable private func currency(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let rules = try await run(ShowRules(currency: context.parameter("currency") ?? ""))
        let report = rules.report
        let symbol = report.symbol
        func amount(_ value: Int64) -> String { "\(Wording.count(Int(value))) \(symbol)" }
        let facts = [
            FactView("Issued", amount(report.issued)), FactView("Burned", amount(report.burned)),
            FactView("Set aside", amount(report.held)), FactView("Accounts", Wording.count(report.accounts)),
            FactView("Orders", Wording.count(Int(clamping: report.finals))),
            FactView("Epoch now", "\(report.epoch)"), FactView("Decided at", rules.addresses.joined(separator: ", ")),
        ]
        var lines: [String] = []
        let issuers = Dictionary(grouping: rules.granters, by: \.capPerEpoch).sorted { $0.key > $1.key }
        for (cap, granters) in issuers {
            let by =
                rules.granters.count == 1 ? "" : " by each of \(Wording.count(granters.count, "granter", "granters"))"
            lines.append("At most \(amount(cap)) are issued\(by) in one epoch of \(rules.epochSeconds) s.")
        }
        if lines.isEmpty { lines.append("Nothing is issued, ever.") }
        // Granters of one charter mostly promise the same.
        for reward in rules.granters.flatMap(\.rewards) {
            let line =
                "Reward \(reward.action): \(reward.amount), at most \(reward.capPerEpoch) for one person in an epoch."
            if !lines.contains(line) { lines.append(line) }
        }
        lines.append("Buzz can be set aside for \(rules.maxHoldEpochs) epochs at most.")
        lines.append(
            rules.wardens.isEmpty
                ? "Nobody can freeze an account or take anything from it; a lost key is a lost account."
                : "\(rules.wardenThreshold) of \(rules.wardens.count) wardens can freeze accounts\(rules.hasClawback ? " and take back what is left" : "")."
        )
        return pages.page(
            "currency",
            PageFrame(
                pageTitle: report.name, summary: "\(report.name) (\(symbol)), a currency. \(report.trust).",
                canonical: canonical(request, context, "/buzz/\(report.currency)")),
            [
                "heading": "\(report.name) (\(symbol))", "trust": report.trust, "currencyID": report.currency,
                "stopped": report.stopped.isEmpty ? nil : report.stopped,
                "warning": report.warning.isEmpty ? nil : report.warning, "facts": facts.compactMap { $0 },
                "rules": lines,
                "trustWords": Self.words(rules),
                "rewardsHref": rules.granters.contains { !$0.rewards.isEmpty } && report.epoch > 0
                    ? "/buzz/\(report.currency)/rewards/\(report.epoch - 1)" : nil,
            ].compactMapValues { $0 })
    }

    /// What the number of operators means, honestly.
    private static func words(_ rules: ShowRules.Reply) -> String {
        guard rules.authorities.count == 1 else {
            let (all, quorum) = (rules.report.operators, rules.report.quorum)
            return
                "\(quorum) of \(all) operators have to agree; \(all - quorum) of them may fail or lie, and the currency "
                + "goes on. A fork of the log, or a second word about one payment, names whoever signed it."
        }
        let witnesses = rules.report.witnesses
        return "One operator decides. The currency dies with that node, and its operator could rewrite it; "
            + (witnesses == 0
                ? "no other node that is known here has signed that it has not, so only receipts in people's hands would show it."
                : "\(Wording.count(witnesses, "other node", "other nodes")) signed within a week that it has not, "
                    + "and receipts in people's hands would show it.")
    }

    @Sendable private func wallet(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let account = context.parameter("account") ?? ""
        let name = context.parameter("currency") ?? ""
        let rules = try await run(ShowRules(currency: name)).report
        guard let balance = try await run(ShowBalance(account: account, currency: name, asksAuthority: false)).first
        else {
            throw GatewayError.notFound("There is no such account")
        }
        let before = try Query(request)["before"].flatMap { UInt64($0) }
        let finals = try await run(
            ShowHistory(
                subject: balance.account, currency: name, limit: Limits.Gateway.cards, before: before,
                asksAuthority: false))
        let path = "/buzz/\(rules.currency)/accounts/\(balance.account)"
        func amount(_ value: Int64) -> String { "\(Wording.count(Int(value))) \(rules.symbol)" }
        let facts = [
            FactView("Balance", amount(balance.balance)), FactView("Set aside", amount(balance.held)),
            FactView("Orders given", Wording.count(Int(clamping: balance.orders))),
            balance.frozenUntil.flatMap { FactView("Frozen", "through epoch \($0)") },
            balance.doubleOrders.flatMap { places in
                FactView(
                    "Two orders for one place",
                    "\(places.map(String.init).joined(separator: ", ")): usually two devices; at most one of the two counts"
                )
            },
        ]
        var content: [String: Any] = [
            "heading": amount(balance.balance), "currencyName": rules.name, "currencyHref": "/buzz/\(rules.currency)",
            "trust": rules.trust, "isOld": !balance.isCurrent, "facts": facts.compactMap { $0 },
            "finals": finals.map(FinalItem.init), "hasFinals": !finals.isEmpty, "accountID": balance.account,
        ]
        if !rules.stopped.isEmpty { content["stopped"] = rules.stopped }
        if !rules.warning.isEmpty { content["warning"] = rules.warning }
        if finals.count == Limits.Gateway.cards, let last = finals.last?.position {
            content["earlier"] = "\(path)?before=\(last)"
        }
        return pages.page(
            "wallet",
            PageFrame(
                pageTitle: "Account", summary: "An account of \(rules.name).",
                canonical: canonical(request, context, path)), content, headers: [.cacheControl: "no-store"])
    }

    @Sendable private func final(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let name = context.parameter("currency") ?? ""
        let explained = try await run(
            ExplainFinal(final: context.parameter("final") ?? "", currency: name, asksAuthority: false))
        let rules = try await run(ShowRules(currency: name)).report
        let final = explained.final
        let path = "/buzz/\(rules.currency)/finals/\(final.slot)"
        var facts = [
            FactView("What", final.operation), FactView("By", final.from), FactView("About", final.reference ?? ""),
            FactView("Order", final.order), FactView("Place in the log", final.position.map { "\($0)" } ?? ""),
            FactView("Here since", final.time == 0 ? "" : Dates.day(final.time)),
        ]
        facts += final.outputs.map {
            FactView("Paid", "\(Wording.count(Int($0.amount))) \(rules.symbol) to \($0.account)")
        }
        if let isOpen = explained.isOpen, let expiry = explained.expiry {
            facts.append(FactView("Set aside", "\(isOpen ? "open" : "closed"), expires after epoch \(expiry)"))
        }
        var content: [String: Any] = [
            "heading": "Receipt", "currencyName": rules.name, "currencyHref": "/buzz/\(rules.currency)",
            "trust": explained.trust, "facts": facts.compactMap { $0 },
            "proof": explained.checkpoint.map {
                "It is in the log of \(Wording.count(Int(clamping: $0))) orders that the authority signed."
            }
                ?? (explained.receipt == nil
                    ? "No signed checkpoint that covers it is here yet."
                    : "\(rules.quorum) of \(rules.operators) operators signed it: whoever has the charter checks that alone.")
                ,
        ]
        if explained.receipt != nil { content["receiptHref"] = "\(path)/receipt.json" }
        return pages.page(
            "final",
            PageFrame(
                pageTitle: "Receipt", summary: "An order in \(rules.name).",
                canonical: canonical(request, context, path)),
            content)
    }

    @Sendable private func receipt(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let explained = try await run(
            ExplainFinal(
                final: context.parameter("final") ?? "", currency: context.parameter("currency") ?? "",
                asksAuthority: false))
        guard let receipt = explained.receipt else {
            throw GatewayError.notFound("No signed checkpoint that covers it is here yet")
        }
        return .json(receipt, headers: [.cacheControl: "no-store"])
    }
}
