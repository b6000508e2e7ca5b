public import Digests
import FoundationEssentials
import SwiftProtobuf
import WaggleProtocol

/// What a founder chooses of a charter in which one node decides alone.
public struct CharterDraft: Codable, Hashable, Sendable {
    public var name: String
    public var symbol: String
    /// Issued in one epoch at most.
    public var capPerEpoch: UInt64
    public var epochSeconds: UInt32
    public var maxHoldEpochs: UInt32
    /// Action, amount, most for one account in an epoch.
    public var rewards: [Reward]

    public struct Reward: Codable, Hashable, Sendable {
        public var action: String
        public var amount: UInt64
        public var capPerEpoch: UInt64

        public init(_ action: String, _ amount: UInt64, capPerEpoch: UInt64) {
            (self.action, self.amount, self.capPerEpoch) = (action, amount, capPerEpoch)
        }
    }

    public init(name: String, symbol: String) {
        self.name = name
        self.symbol = symbol
        capPerEpoch = 1_000_000
        epochSeconds = UInt32(Limits.Ledger.defaultEpochSeconds)
        maxHoldEpochs = UInt32(Limits.Ledger.holdEpochs)
        rewards = [
            Reward("daily-boost", 25, capPerEpoch: 25), Reward("first-post", 25, capPerEpoch: 25),
            Reward("reaction-given", 2, capPerEpoch: 100), Reward("reaction-received", 2, capPerEpoch: 100),
            Reward("collected", 2, capPerEpoch: 100), Reward("follow", 10, capPerEpoch: 30),
            Reward("image-for-model", 50, capPerEpoch: 1_600),
        ]
    }

    /// - Parameters:
    ///   - authority: decides, grants, and is known as the node behind `url`.
    ///   - genesis: unix seconds.
    public func charter(authority: Hash32, url: String, genesis: UInt64) throws(LedgerError) -> Charter {
        var wire = WireCharter()
        wire.name = name
        wire.symbol = symbol
        wire.authorities = [
            .with {
                $0.key = authority.data
                $0.url = url
            }
        ]
        // Epochs begin at midnight (UTC), where they are days.
        let length = UInt64(epochSeconds)
        wire.genesisUnix = Int64(clamping: length == 0 ? genesis : max(1, genesis - genesis % length))
        wire.epochSeconds = epochSeconds == Limits.Ledger.defaultEpochSeconds ? 0 : epochSeconds
        wire.maxHoldEpochs = maxHoldEpochs == Limits.Ledger.holdEpochs ? 0 : maxHoldEpochs
        if capPerEpoch > 0 {
            wire.granters = [
                .with {
                    $0.account = authority.data
                    $0.capPerEpoch = capPerEpoch
                    $0.rewards = rewards.map { reward in
                        .with {
                            $0.action = reward.action
                            $0.amount = reward.amount
                            $0.capPerEpoch = reward.capPerEpoch
                        }
                    }
                }
            ]
        }
        do {
            return try Charter(bytes: wire.serializedBytes())
        } catch let error as MalformedMessage {
            throw .malformed(error.what)
        } catch {
            throw .malformed("the charter cannot be written")
        }
    }
}
