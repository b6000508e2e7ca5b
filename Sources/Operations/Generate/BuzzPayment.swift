import Accounts
import Digests
public import Generation
import Identity
import Ledger
import PostLog
import Synchronization
import WaggleProtocol

/// Pays for pictures in Buzz: a hold when they are ordered, which the node's key resolves when they are done. A share goes to
/// those who made the models; what is not taken goes back.
///
/// Everything is named after the job, so that a node that ended in between finds what it had begun.
public final class BuzzPayment: JobPayment {
    private let context = Mutex<(@Sendable () -> OperationContext?)?>(nil)

    public init() {}

    /// Says what it works with: operations need a payment before they are there themselves.
    public func use(_ context: @escaping @Sendable () -> OperationContext?) {
        self.context.withLock { $0 = context }
    }

    private func current() throws(GenerationError) -> OperationContext {
        guard let context = context.withLock({ $0 })?() else { throw .payment("the node is not ready") }
        return context
    }

    public func hold(_ job: Job) async throws(GenerationError) -> String? {
        guard job.price > 0 else { return nil }
        let context = try current()
        let desk = BuzzDesk(context)
        do {
            let view = try await desk.view(context.setting("generation.currency"))
            let currency = view.charter.currency
            guard let author = Hash32(hex: job.owner),
                let signer = context.keyring.accounts.values.first(where: { $0.author == author })
            else {
                throw GenerationError.payment("this node does not hold the payer's key, and cannot pay for them")
            }
            let payer = try await desk.account(of: author)
            let reference = Self.reference(job)
            try await charge(job.price, of: job, context)
            // It may have been made before the node ended.
            let earlier = try await context.currencies.store.mentions(of: reference, in: currency, limit: 8)
            if let made = earlier.first(where: { Self.isHold($0.final.order.order, of: payer) }) {
                return "\(currency.hex):\(made.final.order.order.id.hex)"
            }
            let operation = OrderOperation.hold(
                amount: job.price, resolver: context.keyring.node.device.publicKey, payees: [],
                expiry: view.epoch + max(1, min(view.charter.maxHoldEpochs, Limits.Generation.holdEpochs)))
            while true {
                do throws(LedgerError) {
                    let final = try await context.currencies.perform(
                        operation, of: payer, by: signer.device, reference: reference, in: currency)
                    return "\(currency.hex):\(final.order.order.id.hex)"
                } catch {
                    // The order is under way: whether it was taken has to be known before anything else.
                    guard case .unreachable = error else { throw error }
                    try await Task.sleep(for: .seconds(Limits.Generation.settleSeconds))
                }
            }
        } catch {
            try? await refund(job.price, of: job, context)
            throw Self.words(error)
        }
    }

    public func settle(_ job: Job) async throws(GenerationError) {
        guard let parts = job.hold?.split(separator: ":"), parts.count == 2, let currency = Hash32(hex: parts[0]),
            let hold = Hash32(hex: parts[1])
        else { return }
        let context = try current()
        do {
            let outputs = try await shares(job, currency, context)
            do throws(LedgerError) {
                _ = try await context.currencies.resolve(
                    hold, .resolve(outputs), by: context.keyring.node.device, in: currency)
            } catch {
                // Resolved before, and the answer was lost; or it waited so long that it went back to the payer.
                switch error {
                case .refused(.missingEarlier, _), .refused(.slotUsed, _), .refused(.expired, _): break
                default: throw error
                }
            }
            try await refund(job.price - job.captured, of: job, context)
        } catch {
            throw Self.words(error)
        }
    }

    /// Who gets what of a capture: the makers of the files together their share, in equal parts, and the node the rest.
    private func shares(
        _ job: Job, _ currency: Hash32, _ context: OperationContext
    ) async throws(OperationError) -> [Output] {
        guard job.captured > 0 else { return [] }
        let desk = BuzzDesk(context)
        let node = try await desk.account(of: try context.keyring.account("me").author)
        let percent = Int64(context.setting("generation.creator_share").flatMap { Int($0) } ?? 0)
        var makers: [AccountID] = []
        for release in Set(job.models.files.compactMap { $0.release.flatMap { Hash32(hex: $0) } }).sorted() {
            guard let logged = try? await context.log.posts(ids: [release])[release],
                try await desk.accepts(logged.author, currency),
                let account = try? await desk.account(of: logged.author), account != node, !makers.contains(account)
            else { continue }
            makers.append(account)
        }
        makers = Array(makers.prefix(Limits.Generation.paidMakers))
        let each = makers.isEmpty ? 0 : job.captured * percent / 100 / Int64(makers.count)
        guard each > 0 else { return [Output(account: node, amount: job.captured)] }
        let rest = job.captured - each * Int64(makers.count)
        return makers.map { Output(account: $0, amount: each) }
            + (rest > 0 ? [Output(account: node, amount: rest)] : [])
    }

    /// What a token may still spend.
    private func charge(_ amount: Int64, of job: Job, _ context: OperationContext) async throws {
        guard let token = job.token, job.isFirstHold else { return }
        try await context.accounts.charge(amount, token: token)
    }

    private func refund(_ amount: Int64, of job: Job, _ context: OperationContext) async throws {
        guard let token = job.token, amount > 0 else { return }
        try await context.accounts.refund(amount, token: token)
    }

    private static func isHold(_ order: Order, of payer: AccountID) -> Bool {
        guard case .account(payer, _) = order.slot, case .hold = order.operation else { return false }
        return true
    }

    /// What the ledger knows a job by.
    static func reference(_ job: Job) -> Hash32 { SHA256.hash(Array("waggle drawing \(job.id)".utf8)) }

    private static func words(_ error: any Error) -> GenerationError {
        switch error {
        case let error as GenerationError: error
        case let error as OperationError: .payment(error.message)
        case let error as LedgerError: .payment(error.message)
        case let error as AccountsError: .payment(error.message)
        default: .payment("\(error)")
        }
    }
}
