import FoundationEssentials
import Ledger
import Logging
import Operations
import PostLog
import WaggleProtocol

extension Node {
    /// Follows the logs of the currencies that this node joined, sends again what has no answer, and brings the checkpoints
    /// of those that it decides in before its peers.
    func keepCurrencies() async {
        await withTaskGroup(of: Void.self) { group in
            // Beside each other: an order that its authorities do not answer takes its time.
            group.addTask { await self.settleOrders() }
            group.addTask { await self.followCurrencies() }
            await group.waitForAll()
        }
    }

    private func settleOrders() async {
        while (try? await Task.sleep(for: .seconds(Limits.Ledger.followSeconds))) != nil {
            do throws(LedgerError) {
                try await currencies.settlePending()
            } catch {
                logger.error("orders under way", metadata: ["why": "\(error.message)"])
            }
        }
    }

    private func followCurrencies() async {
        var nextWitnesses: UInt64 = 0
        while (try? await Task.sleep(for: .seconds(Limits.Ledger.followSeconds))) != nil {
            do throws(LedgerError) {
                for view in try await currencies.all() where view.isFollowed && view.stopped == nil {
                    guard await currencies.isDue(view.charter.currency) else { continue }
                    do throws(LedgerError) {
                        try await currencies.follow(view.charter.currency)
                        try await currencies.compareCheckpoints(view.charter.currency)
                    } catch {
                        tell(view, error)
                    }
                }
                if Node.now() >= nextWitnesses {
                    nextWitnesses = Node.now() + UInt64(Limits.Ledger.witnessSeconds)
                    _ = try await currencies.gatherSignatures(from: await GatherWitnesses.witnesses(context()))
                }
            } catch {
                logger.error("currencies", metadata: ["why": "\(error.message)"])
            }
            await tellOfTips()
        }
    }

    /// Tells people at home here of tips that other nodes' people gave them.
    private func tellOfTips() async {
        do {
            try await TipNews(context()).catchUp()
        } catch {
            if Task.isCancelled { return }
            // Nothing is lost: the next look begins where this one stopped.
            logger.error("news of tips", metadata: ["why": "\(error)"])
        }
    }

    private func tell(_ view: CurrencyView, _ error: LedgerError) {
        let metadata: Logger.Metadata = ["currency": "\(view.charter.symbol)", "why": "\(error.message)"]
        if case .untrusted = error {
            logger.error("a currency's authority cannot be believed", metadata: metadata)
        } else {
            logger.info("a currency could not be followed", metadata: metadata)
        }
    }

    /// Writes a post of each proof that is found here, and checks those that others post.
    func keepProofs() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.publishProofs()
                for await _ in self.currencies.fraudNews() { await self.publishProofs() }
            }
            group.addTask {
                var reading = FraudDesk.Reading()
                await self.readProofs(&reading)
                for await _ in self.log.changes() { await self.readProofs(&reading) }
            }
            await group.waitForAll()
        }
    }

    private func publishProofs() async {
        do throws(OperationError) {
            for post in try await PublishFrauds().run(in: context()).posts {
                logger.error("an operator of a currency is proven to lie", metadata: ["post": "\(post)"])
            }
        } catch {
            // A restored node signs nothing before it knows what it signed; the proofs are kept.
            logger.warning("a proof could not be posted", metadata: ["why": "\(error.message)"])
        }
    }

    private func readProofs(_ reading: inout FraudDesk.Reading) async {
        do throws(OperationError) {
            _ = try await FraudDesk(context()).read(&reading)
        } catch {
            logger.warning("proofs could not be read", metadata: ["why": "\(error.message)"])
        }
    }
}
