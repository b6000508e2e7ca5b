import Digests
import Economy
import Federation
import FoundationEssentials
import Ledger
import WaggleProtocol

/// `waggle buzz rewards`: why a granter paid an epoch's rewards, counted again from the posts that are here.
///
/// Where several operators share a currency each rewards the members of its own node, and publishes its own list.
public struct ShowRewards: Operation {
    public static let name = "buzz rewards"
    public var currency: String?
    /// Nil for the last one that has ended.
    public var epoch: Int64?
    /// Whose list: the address of an operator's node, or the beginning of its account. Nil for this node's own, else the first
    /// that can be had.
    public var granter: String?
    /// With the list itself.
    public var isWhole: Bool

    public init(currency: String? = nil, epoch: Int64? = nil, granter: String? = nil, isWhole: Bool = false) {
        (self.currency, self.epoch, self.granter, self.isWhole) = (currency, epoch, granter, isWhole)
    }

    public struct Total: Codable, Sendable {
        public let account: String
        public let amount: Int64
    }

    public struct Action: Codable, Sendable {
        public let action: String
        public let facts: Int
        public let amount: Int64
    }

    /// Somebody who promises rewards in the currency.
    public struct Granter: Codable, Sendable {
        /// 64 hexadecimal digits.
        public let account: String
        /// Where its lists are.
        public let url: String
    }

    public struct Reply: Codable, Sendable {
        public let currency: String
        public let symbol: String
        public let epoch: Int64
        /// Whose list it is.
        public let granter: Granter
        /// All who promise rewards in the currency.
        public let granters: [Granter]
        /// SHA-256 of the list: the reference of the grants.
        public let evidence: String
        public let members: Int
        public let facts: Int
        public let actions: [Action]
        public let totals: [Total]
        /// What the log says was granted for it.
        public let granted: Int64
        /// What is wrong with it; empty when the posts that are here come to exactly this.
        public let faults: [String]
        /// Posts that it names and that are not here: what they show was not looked at.
        public let missing: Int
        /// The list, when it was asked for.
        public let text: String?
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let buzz = BuzzDesk(context)
        let view = try await buzz.view(currency)
        let charter = view.charter
        let epoch = epoch ?? max(0, view.epoch - 1)
        let all = Self.granters(view)
        let asked = try choose(all, view)
        _ = try? await context.currencies.follow(charter.currency)
        do {
            let (evidence, by) = try await find(epoch, view, asked, context)
            let desk = RewardDesk(context)
            var faults = evidence.faults(charter)
            let grants = try await desk.grants(evidence).flatMap(\.self)
            var granted: [AccountID: Int64] = [:]
            for output in grants { granted[output.account, default: 0] &+= output.amount }
            let due = Dictionary(uniqueKeysWithValues: evidence.outputs.map { ($0.account, $0.amount) })
            if granted != due {
                faults.append(
                    grants.isEmpty && !due.isEmpty
                        ? "nothing was granted for it yet" : "what was granted for it is not what it comes to")
            }
            let (contradictions, missing) = try await desk.check(evidence)
            faults += contradictions
            return Reply(
                currency: charter.currency.hex, symbol: charter.symbol, epoch: epoch, granter: by, granters: all,
                evidence: evidence.hash.hex, members: evidence.members.count, facts: evidence.lines.count,
                actions: RewardAction.allCases.map { action in
                    let lines = evidence.lines.filter { $0.fact.action == action }
                    return Action(
                        action: action.rawValue, facts: lines.count,
                        amount: Int64(clamping: lines.reduce(UInt64(0)) { $0 + $1.amount }))
                },
                totals: evidence.outputs.map { Total(account: $0.account.hex, amount: $0.amount) },
                granted: grants.reduce(0) { $0 &+ $1.amount }, faults: faults, missing: missing,
                text: isWhole ? evidence.text : nil)
        } catch {
            throw BountyDesk.words(error)
        }
    }

    // MARK: Whose list

    /// Who promises rewards, in the order of the charter's operators. A granter that decides nothing is asked for at the node
    /// that the currency was joined at.
    private static func granters(_ view: CurrencyView) -> [Granter] {
        let charter = view.charter
        let promising = charter.granters.values.filter { !$0.rewards.isEmpty }.map(\.account)
        let operators = charter.authorities.map(\.key)
        let decided = operators.filter(promising.contains)
        let others = promising.filter { !operators.contains($0) }.sorted()
        return (decided + others).map { account in
            let place = operators.firstIndex(of: account)
            // A lone operator is asked where it was joined: its own address may have changed since.
            let url = operators.count == 1 ? view.url : place.map { charter.authorities[$0].url } ?? view.url
            return Granter(account: account.hex, url: url)
        }
    }

    /// Those whose lists will do.
    private func choose(_ all: [Granter], _ view: CurrencyView) throws(OperationError) -> [Granter] {
        guard let granter, !granter.isEmpty else { return all }
        let name = (granter.hasSuffix("/") ? String(granter.dropLast()) : granter).lowercased()
        let found = all.filter { $0.url.lowercased() == name || (name.utf8.count >= 8 && $0.account.hasPrefix(name)) }
        guard !found.isEmpty else {
            throw OperationError(
                .notFound,
                "nobody at \(granter) promises rewards in \(view.charter.symbol): "
                    + (all.isEmpty ? "it has none" : "say \(all.map(\.url).joined(separator: " or "))"))
        }
        return found
    }

    /// The list that was made here, or the first one of the others that is what it should be.
    private func find(
        _ epoch: Int64, _ view: CurrencyView, _ granters: [Granter], _ context: OperationContext
    ) async throws -> (RewardEvidence, Granter) {
        let own = await context.currencies.publicKey?.hex
        if let by = granters.first(where: { $0.account == own }),
            let stored = try await context.economy.evidence(of: view.charter.currency, epoch: epoch)
        {
            return (stored.evidence, by)
        }
        guard (0..<view.epoch).contains(epoch) else { throw Self.nothing(epoch, view) }
        var why: OperationError?
        for by in granters where by.account != own {
            do {
                return (try await fetch(epoch, view, by, context), by)
            } catch {
                why = BountyDesk.words(error)
            }
        }
        throw why ?? Self.nothing(epoch, view)
    }

    private static func nothing(_ epoch: Int64, _ view: CurrencyView) -> OperationError {
        OperationError(.notFound, "no rewards of \(view.charter.symbol) were counted for epoch \(epoch)")
    }

    private func fetch(
        _ epoch: Int64, _ view: CurrencyView, _ by: Granter, _ context: OperationContext
    ) async throws -> RewardEvidence {
        guard let account = Hash32(hex: by.account) else { throw Self.nothing(epoch, view) }
        let name = OtherGranters.Name(currency: view.charter.currency, epoch: epoch, granter: account)
        let late = LedgerError.unreachable(
            url: by.url, reason: "its list takes longer than \(Limits.Economy.listSeconds) s")
        return try await context.economy.otherGranters.list(name, now: context.now()) {
            try await context.federation.waiting(.seconds(Limits.Economy.listSeconds), orThrow: late) {
                try await Self.read(epoch, view, by, context)
            }
        }
    }

    /// The list as the granter's node gives it, when it is the one that was asked for.
    private static func read(
        _ epoch: Int64, _ view: CurrencyView, _ by: Granter, _ context: OperationContext
    ) async throws -> RewardEvidence {
        let text = try await context.currencies.rewards(epoch, of: view.charter.currency, at: by.url)
        let evidence: RewardEvidence
        do throws(MalformedEvidence) {
            evidence = try RewardEvidence(text: text)
        } catch {
            throw OperationError(.integrity, "\(by.url) answers with no evidence list: \(error.what)")
        }
        guard evidence.currency == view.charter.currency, evidence.epoch == epoch, evidence.granter.hex == by.account
        else {
            throw OperationError(.integrity, "\(by.url) answers with the list of another currency, epoch or granter")
        }
        return evidence
    }
}
