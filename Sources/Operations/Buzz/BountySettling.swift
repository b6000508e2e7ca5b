import Digests
import Economy
import FoundationEssentials
import Identity
import Ledger
import PostLog
import WaggleProtocol

extension BountyDesk {
    /// A copy is brought up to date; where the authority does not answer, what is here counts.
    func follow(_ currency: Hash32) async {
        _ = try? await context.currencies.follow(currency)
    }

    /// What a backer has set aside and not yet given.
    ///
    /// - Throws: `notFound` when that is nothing.
    func holds(of author: Hash32, _ known: KnownBounty) async throws(OperationError) -> [BountyBacking] {
        let account = try await buzz.account(of: author)
        let holds = known.bounty.backings.filter { $0.payer == account && $0.state == .open }
        guard !holds.isEmpty else {
            throw OperationError(.notFound, "that account has nothing set aside for this bounty")
        }
        return holds
    }

    /// Resolves a hold; one that somebody resolved before is resolved.
    func resolve(
        _ hold: Hash32, _ operation: OrderOperation, by key: SigningKey?, _ terms: BountyTerms
    ) async throws(OperationError) {
        _ = try await buzz.asking { () throws(LedgerError) in
            do throws(LedgerError) {
                _ = try await context.currencies.resolve(hold, operation, by: key, in: terms.currency)
            } catch {
                if case .refused(.slotUsed, _) = error { return }
                throw error
            }
        }
    }

    /// After a backer's word: what this node can do about it at once.
    func carryOut(_ terms: BountyTerms, _ holds: [BountyBacking], _ signer: Signer) async throws(OperationError)
        -> BountyReport
    {
        await follow(terms.currency)
        let known = try await known(terms.post)
        for backing in known.bounty.backings
        where backing.state == .open && backing.resolver == signer.device.publicKey && !known.bounty.isEscrow(backing) {
            guard holds.contains(where: { $0.hold == backing.hold }),
                let award = known.bounty.award(of: backing.payer), !award.shares.isEmpty
            else { continue }
            let parts = known.bounty.parts(of: backing.amount, by: award)
            try await resolve(backing.hold, .resolve(parts), by: signer.device, terms)
        }
        _ = try await settle(terms.post)
        await follow(terms.currency)
        return try await report(try await self.known(terms.post))
    }

    /// Does what is decided about the holds of a bounty, as its arbiter, and gives back what has expired. How many were
    /// closed.
    func settle(_ bounty: Hash32) async throws(OperationError) -> Int {
        guard let known = try await decided(bounty), let view = known.view, view.stopped == nil else { return 0 }
        let key = context.keyring.node.device
        guard known.terms.arbiter == key.publicKey else { return 0 }
        var count = 0
        var bounty = known.bounty
        for backing in bounty.backings {
            let operation: OrderOperation
            switch bounty.decision(on: backing, at: context.now(), epoch: view.epoch, view.charter) {
            case .closed, .wait: continue
            case .pay(let outputs, _): operation = .resolve(outputs)
            case .giveBack: operation = .resolve([])
            case .expire: operation = .expire
            }
            try await resolve(backing.hold, operation, by: operation == .expire ? nil : key, known.terms)
            count += 1
            // What was paid counts for those who follow by the rule.
            await follow(known.terms.currency)
            if let next = try await decided(known.terms.post) { bounty = next.bounty }
        }
        return count
    }
}

/// Does what is due about holds: as the arbiter of bounties, and, for everybody, giving back what has expired. A running
/// node does it by itself.
public struct SettleBounties: Operation {
    public static let name = "bounty settle"

    public init() {}

    public struct Reply: Codable, Sendable {
        /// Holds of bounties that were paid out or given back.
        public let settled: Int
        /// Holds that had expired.
        public let expired: Int
        /// What could not be done, and why; it is tried again.
        public let troubles: [String]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        try context.checkWritable()
        let desk = BountyDesk(context)
        var (settled, expired) = (0, 0)
        var troubles: [String] = []
        let key = context.keyring.node.device.publicKey
        var residents: Set<AccountID> = []
        for signer in context.keyring.accounts.values {
            if let account = try? await desk.buzz.account(of: signer.author) { residents.insert(account) }
        }
        for view in try await desk.buzz.asking({ () throws(LedgerError) in try await context.currencies.all() })
        where view.stopped == nil {
            let currency = view.charter.currency
            if view.isFollowed { await desk.follow(currency) }
            guard let ledger = await context.currencies.state(currency)?.ledger else { continue }
            var bounties: Set<Hash32> = []
            for (name, hold) in ledger.holds {
                if hold.expiry &+ view.charter.holdGraceEpochs <= view.epoch {
                    // Whoever decides a currency cleans up in it, and everybody for their own people.
                    guard view.role == .authority || residents.contains(hold.payer) || hold.resolver == key else {
                        continue
                    }
                    do throws(LedgerError) {
                        _ = try await context.currencies.resolve(name, .expire, by: nil, in: currency)
                        expired += 1
                    } catch {
                        troubles.append(error.message)
                    }
                } else if hold.resolver == key,
                    let opening = try? await context.currencies.store.find(name, in: currency),
                    let reference = opening.reference
                {
                    bounties.insert(reference)
                }
            }
            for bounty in bounties.sorted() {
                do throws(OperationError) {
                    settled += try await desk.settle(bounty)
                } catch {
                    troubles.append(error.message)
                }
            }
        }
        return Reply(settled: settled, expired: expired, troubles: troubles)
    }
}
