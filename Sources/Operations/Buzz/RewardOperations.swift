import Digests
import Economy
import FoundationEssentials
import Identity
import Ledger
import PostLog
import WaggleProtocol

/// Pays what charters promise for what people did in epochs that have ended, in currencies that this node grants. A running
/// node does it by itself; done again it does nothing.
public struct PayRewards: Operation {
    public static let name = "buzz rewards pay"

    public init() {}

    public struct Reply: Codable, Sendable {
        /// Grants that became final.
        public let grants: Int
        /// What could not be done, and why; it is tried again.
        public let troubles: [String]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        try context.checkWritable()
        var grants = 0
        var troubles: [String] = []
        let desk = BuzzDesk(context)
        for view in try await desk.asking({ () throws(LedgerError) in try await context.currencies.all() }) {
            do {
                grants += try await RewardDesk(context).pay(view)
                grants += try await ReportRewards(context).pay(view)
            } catch {
                troubles.append("\(view.charter.symbol): \(BountyDesk.words(error).message)")
            }
        }
        return Reply(grants: grants, troubles: troubles)
    }
}

/// `waggle buzz rewards`: why an epoch's rewards were granted, counted again from the posts that are here.
public struct ShowRewards: Operation {
    public static let name = "buzz rewards"
    public var currency: String?
    /// Nil for the last one that has ended.
    public var epoch: Int64?
    /// With the list itself.
    public var isWhole: Bool

    public init(currency: String? = nil, epoch: Int64? = nil, isWhole: Bool = false) {
        (self.currency, self.epoch, self.isWhole) = (currency, epoch, isWhole)
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

    public struct Reply: Codable, Sendable {
        public let currency: String
        public let symbol: String
        public let epoch: Int64
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
        _ = try? await context.currencies.follow(charter.currency)
        do {
            let evidence = try await find(epoch, view, context)
            guard evidence.currency == charter.currency, evidence.epoch == epoch else {
                throw OperationError(.integrity, "the list is of another currency or epoch")
            }
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
                currency: charter.currency.hex, symbol: charter.symbol, epoch: epoch, evidence: evidence.hash.hex,
                members: evidence.members.count, facts: evidence.lines.count,
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

    /// The list that was made here, or, of another node's currency, the one that it publishes.
    private func find(_ epoch: Int64, _ view: CurrencyView, _ context: OperationContext) async throws -> RewardEvidence
    {
        if let own = try await context.economy.evidence(of: view.charter.currency, epoch: epoch) { return own.evidence }
        guard view.role == .member else {
            throw OperationError(.notFound, "no rewards of \(view.charter.symbol) were counted for epoch \(epoch)")
        }
        let text = try await context.currencies.rewards(epoch, of: view.charter.currency)
        do throws(MalformedEvidence) {
            return try RewardEvidence(text: text)
        } catch {
            throw OperationError(.integrity, "\(view.url) answers with no evidence list: \(error.what)")
        }
    }
}
