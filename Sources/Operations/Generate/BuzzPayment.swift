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
    private struct Work: Sendable {
        let context: @Sendable () -> OperationContext?
    }

    // Not the function itself, which a mutex would wrap once more each time that it is read.
    private let work = Mutex<Work?>(nil)

    public init() {}

    /// Says what it works with: operations need a payment before they are there themselves.
    public func use(_ context: @escaping @Sendable () -> OperationContext?) {
        work.withLock { $0 = Work(context: context) }
    }

    private func current() throws(GenerationError) -> OperationContext {
        guard let context = work.withLock({ $0 })?.context() else { throw .payment("the node is not ready") }
        return context
    }

    public func hold(_ job: Job) async throws(GenerationError) -> String? {
        guard job.price > 0 else { return nil }
        let context = try current()
        do {
            if let token = job.token {
                try await context.accounts.charge(job.price, token: token, for: Self.purpose(job))
            }
            do {
                return try await open(job, context).text
            } catch {
                try await settle(job, spent: 0, context)
                throw error
            }
        } catch {
            throw Self.words(error)
        }
    }

    /// The hold of a job: the one that was made before the node ended, else a new one.
    private func open(_ job: Job, _ context: OperationContext) async throws -> Hold {
        let desk = BuzzDesk(context)
        let view = try await desk.view(context.setting("generation.currency"))
        let currency = view.charter.currency
        guard let author = Hash32(hex: job.owner),
            let signer = context.keyring.accounts.values.first(where: { $0.author == author })
        else {
            throw GenerationError.payment("this node does not hold the payer's key, and cannot pay for them")
        }
        let payer = try await desk.account(of: author)
        let reference = Self.reference(job)
        let payees = try await Self.payees(job.models, currency, context)
        while true {
            do throws(LedgerError) {
                if view.isFollowed { _ = try await context.currencies.follow(currency) }
                let earlier = try await context.currencies.store.mentions(of: reference, in: currency, limit: 8)
                if let made = earlier.lazy.compactMap({ Hold($0.final.order.order, of: payer, in: currency) }).first {
                    return made
                }
                let operation = OrderOperation.hold(
                    amount: job.price, resolver: context.keyring.node.device.publicKey, payees: payees,
                    expiry: view.epoch + max(1, min(view.charter.maxHoldEpochs, Limits.Generation.holdEpochs)))
                let final = try await context.currencies.perform(
                    operation, of: payer, by: signer.device, reference: reference, in: currency)
                return Hold(currency: currency, name: final.order.order.id, payees: payees)
            } catch {
                // Once the order is under way, whether it was taken has to be known before anything else.
                guard case .unreachable = error,
                    try await context.currencies.pending(in: currency).contains(where: {
                        $0.order.reference == reference
                    })
                else { throw error }
                try await Task.sleep(for: .seconds(Limits.Generation.settleSeconds))
            }
        }
    }

    public func settle(_ job: Job) async throws(GenerationError) -> Int64 {
        let context = try current()
        var spent = job.captured
        do {
            if let hold = job.hold.flatMap(Hold.init) {
                do throws(LedgerError) {
                    _ = try await context.currencies.resolve(
                        hold.name, .resolve(shares(of: job.captured, hold, context)), by: context.keyring.node.device,
                        in: hold.currency)
                } catch {
                    switch error {
                    // Resolved before, and the answer was lost; or several authorities gave it back, because they did not
                    // agree in time.
                    case .refused(.missingEarlier, _), .refused(.slotUsed, _):
                        spent = try await taken(of: hold, context) ?? spent
                    // It waited so long that it goes back to the payer.
                    case .refused(.expired, _): spent = 0
                    default: throw error
                    }
                }
            }
            try await settle(job, spent: spent, context)
            return spent
        } catch {
            throw Self.words(error)
        }
    }

    /// What was paid out of a hold that is closed; nil where its end is not known here.
    private func taken(of hold: Hold, _ context: OperationContext) async throws(LedgerError) -> Int64? {
        let slot = Slot.hold(hold.name).id
        guard let final = try await context.currencies.store.final(of: hold.currency, slot: slot) else { return nil }
        guard case .resolve(let outputs) = final.order.order.operation else { return 0 }
        return outputs.reduce(0) { $0 &+ $1.amount }
    }

    /// What a token may spend: what was not spent after all counts no longer.
    private func settle(_ job: Job, spent: Int64, _ context: OperationContext) async throws(AccountsError) {
        guard let token = job.token else { return }
        try await context.accounts.settle(Self.purpose(job), token: token, spent: spent)
    }

    // MARK: Who is paid

    /// What a job would be paid in, and whom its hold could be paid to.
    static func parties(
        _ models: ModelSet, _ context: OperationContext
    ) async throws(OperationError) -> (currency: Hash32, payees: [AccountID]) {
        let currency = try await BuzzDesk(context).view(context.setting("generation.currency")).charter.currency
        return (currency, try await payees(models, currency, context))
    }

    /// Whom a hold can be paid to: the node, and those who made the files and take the currency.
    private static func payees(
        _ models: ModelSet, _ currency: Hash32, _ context: OperationContext
    ) async throws(OperationError) -> [AccountID] {
        let desk = BuzzDesk(context)
        var payees = [try await desk.account(of: try context.keyring.account("me").author)]
        for release in Set(models.files.compactMap { $0.release.flatMap { Hash32(hex: $0) } }).sorted() {
            guard payees.count <= Limits.Generation.paidMakers,
                let logged = try? await context.log.posts(ids: [release])[release],
                try await desk.accepts(logged.author, currency),
                let account = try? await desk.account(of: logged.author), !payees.contains(account)
            else { continue }
            payees.append(account)
        }
        return payees
    }

    /// Who gets what of a capture: the makers together their share, in equal parts, and the node the rest.
    private func shares(of captured: Int64, _ hold: Hold, _ context: OperationContext) -> [Output] {
        guard captured > 0, let node = hold.payees.first else { return [] }
        let makers = hold.payees.dropFirst()
        let percent = min(max(0, context.setting("generation.creator_share").flatMap { Int64($0) } ?? 0), 100)
        let each = makers.isEmpty ? 0 : captured * percent / 100 / Int64(makers.count)
        let rest = captured - each * Int64(makers.count)
        return ([Output(account: node, amount: rest)] + makers.map { Output(account: $0, amount: each) })
            .filter { $0.amount > 0 }
    }

    // MARK: Names

    /// A hold as a job remembers it.
    private struct Hold {
        let currency: Hash32
        let name: Hash32
        /// The node first.
        let payees: [AccountID]

        init(currency: Hash32, name: Hash32, payees: [AccountID]) {
            (self.currency, self.name, self.payees) = (currency, name, payees)
        }

        /// Nil for any other order.
        init?(_ order: Order, of payer: AccountID, in currency: Hash32) {
            guard case .account(payer, _) = order.slot, case .hold(_, _, let payees, _) = order.operation else {
                return nil
            }
            self.init(currency: currency, name: order.id, payees: payees)
        }

        init?(_ text: String) {
            let parts = text.split(separator: ":")
            guard parts.count >= 2, let currency = Hash32(hex: parts[0]), let name = Hash32(hex: parts[1]) else {
                return nil
            }
            let payees = parts.dropFirst(2).first?.split(separator: ",") ?? []
            self.init(currency: currency, name: name, payees: payees.compactMap { Hash32(hex: $0) })
        }

        var text: String { "\(currency.hex):\(name.hex):\(payees.map(\.hex).joined(separator: ","))" }
    }

    /// What the ledger knows a job by.
    static func reference(_ job: Job) -> Hash32 { SHA256.hash(Array("waggle drawing \(job.id)".utf8)) }

    private static func purpose(_ job: Job) -> String { "drawing \(job.id)" }

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
