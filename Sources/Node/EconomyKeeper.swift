import Logging
import Operations
import WaggleProtocol

extension Node {
    /// Decides bounties whose arbiter this node is, gives back what has expired, and pays rewards.
    func keepEconomy() async {
        while (try? await Task.sleep(for: .seconds(Limits.Economy.keepSeconds))) != nil {
            do throws(OperationError) {
                let reply = try await SettleBounties().run(in: context())
                if reply.settled + reply.expired > 0 {
                    logger.info(
                        "holds were closed", metadata: ["bounties": "\(reply.settled)", "expired": "\(reply.expired)"])
                }
                for trouble in Set(reply.troubles).sorted() {
                    logger.info("a hold could not be closed", metadata: ["why": "\(trouble)"])
                }
                let rewards = try await PayRewards().run(in: context())
                if rewards.grants > 0 { logger.info("rewards were granted", metadata: ["orders": "\(rewards.grants)"]) }
                for trouble in rewards.troubles {
                    logger.info("rewards could not be granted", metadata: ["why": "\(trouble)"])
                }
            } catch {
                // A restored node signs nothing before it knows what it signed, and says so elsewhere.
                if error.code != .conflict { logger.error("the economy", metadata: ["why": "\(error.message)"]) }
            }
        }
    }
}
