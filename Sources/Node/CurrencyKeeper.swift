import FoundationEssentials
import Ledger
import Logging
import Operations
import WaggleProtocol

extension Node {
    /// Follows the logs of the currencies that this node joined, sends again what has no answer, and brings the checkpoints
    /// of those that it decides in before its peers.
    func keepCurrencies() async {
        var nextWitnesses: UInt64 = 0
        while (try? await Task.sleep(for: .seconds(Limits.Ledger.followSeconds))) != nil {
            do throws(LedgerError) {
                try await currencies.settlePending()
                for view in try await currencies.all() where view.role == .member && view.stopped == nil {
                    do throws(LedgerError) {
                        try await currencies.follow(view.charter.currency)
                    } catch {
                        tell(view, error)
                    }
                }
                if Node.now() >= nextWitnesses {
                    nextWitnesses = Node.now() + UInt64(Limits.Ledger.witnessSeconds)
                    _ = try await currencies.gatherSignatures(from: await GatherWitnesses.urls(context()))
                }
            } catch {
                logger.error("currencies", metadata: ["why": "\(error.message)"])
            }
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
}
