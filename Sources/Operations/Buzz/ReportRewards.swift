import Accounts
import Digests
import Identity
import Ledger
import Moderation
import PostLog
import WaggleProtocol

/// Rewards people for reports that were right, as charters say (`accepted-report`).
///
/// There is no public list of these: who reported something is nobody's business. The grant's reference names it to this node
/// alone. What a report is worth is on the disk before it is granted, and what is final already is found by its reference, so
/// nothing is paid twice.
struct ReportRewards {
    static let action = "accepted-report"
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    /// - Returns: how many were paid.
    func pay(_ view: CurrencyView) async throws -> Int {
        let charter = view.charter
        guard let key = await context.currencies.publicKey, let granter = charter.granters[key], view.stopped == nil,
            let reward = granter.rewards.first(where: { $0.action == Self.action }), reward.amount > 0
        else { return 0 }
        let now = context.now()
        let since = now - min(now, Limits.Cases.rewardSeconds)
        let due = try await context.moderation.unpaidReports(in: charter.currency, since: since)
        guard !due.isEmpty else { return 0 }
        // What others decided has to be here, and an order that has no answer yet may become final: found too late, it would be
        // paid twice.
        if view.isFollowed { try await context.currencies.follow(charter.currency) }
        try await context.currencies.settlePending()
        guard try await !context.currencies.pending(in: charter.currency).contains(where: { $0.order.slot.isOf(key) })
        else { return 0 }
        let accounts = try await context.accounts.all().filter { $0.state == .active }
        let epoch = charter.epoch(at: now)
        var count = 0
        for (report, kept) in due {
            let reporter = accounts.first { $0.handle == report.reporter }
            guard let author = reporter?.author,
                let account = try await context.log.keyChain(of: author)?.ledgerAccount
            else { continue }
            let amount: UInt64
            if let kept {
                amount = kept
            } else {
                let given = try await context.moderation.rewarded(report.reporter, in: charter.currency, epoch: epoch)
                amount = min(reward.amount, reward.capPerEpoch - min(reward.capPerEpoch, given))
                try await context.moderation.keepReward(
                    of: report, in: charter.currency, epoch: epoch, amount: amount, isPaid: amount == 0)
                if amount == 0 { continue }
            }
            let reference = report.reference(in: charter.currency)
            let found = try await context.currencies.store.mentions(of: reference, in: charter.currency, limit: 1)
            if found.isEmpty {
                _ = try await context.currencies.grant(
                    [Output(account: account, amount: Int64(clamping: amount))], reference: reference,
                    in: charter.currency)
                count += 1
            }
            try await context.moderation.keepReward(
                of: report, in: charter.currency, epoch: epoch, amount: amount, isPaid: true)
        }
        return count
    }
}
