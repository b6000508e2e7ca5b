import Ledger

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
