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
        circulation = say("in-circulation", Wording.count(Int(report.issued &- report.burned)), report.symbol)
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
        finalWords = say(
            "change-by", (change > 0 ? "+" : "") + Wording.count(Int(change)), final.symbol, final.operation)
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
                pageTitle: say("buzz"), summary: say("currencies-that-are-used-on", services.configuration.nodeName),
                canonical: canonical(request, context, "/buzz")),
            ["currencies": items, "hasCurrencies": !items.isEmpty])
    }

    @Sendable private func currency(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let rules = try await run(ShowRules(currency: context.parameter("currency") ?? ""))
        let report = rules.report
        let symbol = report.symbol
        func amount(_ value: Int64) -> String { "\(Wording.count(Int(value))) \(symbol)" }
        let facts = [
            FactView(say("issued"), amount(report.issued)), FactView(say("burned"), amount(report.burned)),
            FactView(say("set-aside"), amount(report.held)), FactView(say("accounts"), Wording.count(report.accounts)),
            FactView(say("orders"), Wording.count(Int(clamping: report.finals))),
            FactView(say("epoch-now"), "\(report.epoch)"),
            FactView(say("decided-at"), rules.addresses.joined(separator: ", ")),
        ]
        var lines: [String] = []
        let issuers = Dictionary(grouping: rules.granters, by: \.capPerEpoch).sorted { $0.key > $1.key }
        for (cap, granters) in issuers {
            let several = Wording.count(granters.count, say("granter"), say("granters"))
            lines.append(
                rules.granters.count == 1
                    ? say("at-most-are-issued-in-an-epoch", amount(cap), "\(rules.epochSeconds)")
                    : say("at-most-are-issued-by-each", amount(cap), several, "\(rules.epochSeconds)"))
        }
        if lines.isEmpty { lines.append(say("nothing-is-issued-ever")) }
        // Granters of one charter mostly promise the same.
        for reward in rules.granters.flatMap(\.rewards) {
            let line = say("a-reward-is-at-most", reward.action, "\(reward.amount)", "\(reward.capPerEpoch)")
            if !lines.contains(line) { lines.append(line) }
        }
        lines.append(say("buzz-can-be-set-aside-for", "\(rules.maxHoldEpochs)"))
        let (needed, wardens) = ("\(rules.wardenThreshold)", "\(rules.wardens.count)")
        lines.append(
            rules.wardens.isEmpty
                ? say("nobody-can-freeze-an-account")
                : rules.hasClawback
                    ? say("wardens-can-freeze-and-take", needed, wardens) : say("wardens-can-freeze", needed, wardens))
        return pages.page(
            "currency",
            PageFrame(
                pageTitle: report.name, summary: say("a-currency-and-its-trust", report.name, symbol, report.trust),
                canonical: canonical(request, context, "/buzz/\(report.currency)")),
            [
                "heading": "\(report.name) (\(symbol))", "trust": report.trust, "currencyID": report.currency,
                "stopped": report.stopped.isEmpty ? nil : report.stopped,
                "warning": report.warning.isEmpty ? nil : report.warning, "facts": facts.compactMap { $0 },
                "rules": lines,
                "trustWords": Self.words(rules),
                "wardensHref": rules.wardens.isEmpty ? nil : "/buzz/\(report.currency)/wardens",
                "rewardsHref": rules.granters.contains { !$0.rewards.isEmpty } && report.epoch > 0
                    ? "/buzz/\(report.currency)/rewards/\(report.epoch - 1)" : nil,
            ].compactMapValues { $0 })
    }

    /// What the number of operators means, honestly.
    private static func words(_ rules: ShowRules.Reply) -> String {
        guard rules.authorities.count == 1 else {
            let (all, quorum) = (rules.report.operators, rules.report.quorum)
            return say("operators-have-to-agree", "\(quorum)", "\(all)", "\(all - quorum)")
        }
        let witnesses = rules.report.witnesses
        return witnesses == 0
            ? say("one-operator-decides-unwitnessed")
            : say(
                "one-operator-decides-witnessed", Wording.count(witnesses, say("other-node"), say("other-nodes-2")))
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
            FactView(say("balance"), amount(balance.balance)), FactView(say("set-aside"), amount(balance.held)),
            FactView(say("orders-given"), Wording.count(Int(clamping: balance.orders))),
            balance.frozenUntil.flatMap { FactView(say("frozen"), say("through-epoch", "\($0)")) },
            balance.doubleOrders.flatMap { places in
                FactView(
                    say("two-orders-for-one-place"),
                    say("usually-two-devices", places.map(String.init).joined(separator: ", ")))
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
                pageTitle: say("account"), summary: say("an-account-in", rules.name),
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
            FactView(say("what"), final.operation), FactView(say("by"), final.from),
            FactView(say("about-2"), final.reference ?? ""), FactView(say("order"), final.order),
            FactView(say("place-in-the-log"), final.position.map { "\($0)" } ?? ""),
            FactView(say("here-since-2"), final.time == 0 ? "" : Dates.day(final.time)),
        ]
        facts += final.outputs.map {
            FactView(say("paid"), say("to-2", "\(Wording.count(Int($0.amount))) \(rules.symbol)", $0.account))
        }
        if let isOpen = explained.isOpen, let expiry = explained.expiry {
            let until = isOpen ? say("is-open-until-epoch", "\(expiry)") : say("is-closed-until-epoch", "\(expiry)")
            facts.append(FactView(say("set-aside"), until))
        }
        var content: [String: Any] = [
            "heading": say("receipt"), "currencyName": rules.name, "currencyHref": "/buzz/\(rules.currency)",
            "trust": explained.trust, "facts": facts.compactMap { $0 },
            "proof": Self.proof(explained, rules),
        ]
        if explained.receipt != nil { content["receiptHref"] = "\(path)/receipt.json" }
        return pages.page(
            "final",
            PageFrame(
                pageTitle: say("receipt"), summary: say("an-order-in", rules.name),
                canonical: canonical(request, context, path)),
            content)
    }

    /// Who signed it, as far as this node can show.
    private static func proof(_ explained: ExplainFinal.Reply, _ rules: CurrencyReport) -> String {
        if let orders = explained.checkpoint {
            return say("it-is-in-the-signed-log", Wording.count(Int(clamping: orders)))
        }
        guard explained.receipt != nil else { return say("no-signed-checkpoint-covers-it") }
        return say("operators-signed-it", "\(rules.quorum)", "\(rules.operators)")
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
