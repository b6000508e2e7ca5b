public import Digests
import FoundationEssentials
import SwiftProtobuf
import WaggleProtocol

/// What founders choose of a charter.
public struct CharterDraft: Codable, Hashable, Sendable {
    public var name: String
    public var symbol: String
    /// Issued in one epoch at most, by each granter.
    public var capPerEpoch: UInt64
    public var epochSeconds: UInt32
    public var maxHoldEpochs: UInt32
    /// Action, amount, most for one account in an epoch.
    public var rewards: [Reward]
    /// Nil where nobody may freeze anything.
    public var wardens: Wardens?

    /// Who may freeze accounts, and perhaps take back what a frozen one has.
    public struct Wardens: Codable, Hashable, Sendable {
        /// 64 hexadecimal digits each.
        public var accounts: [String]
        /// Whether the operators' own accounts are wardens, too.
        public var areOperators: Bool
        /// How many of them it takes to take something back.
        public var threshold: Int
        public var hasClawback: Bool
        /// Epochs that one freeze lasts at most.
        public var maxFreezeEpochs: UInt32

        public init(
            _ accounts: [String], areOperators: Bool, threshold: Int, hasClawback: Bool, maxFreezeEpochs: UInt32
        ) {
            (self.accounts, self.areOperators, self.threshold) = (accounts, areOperators, threshold)
            (self.hasClawback, self.maxFreezeEpochs) = (hasClawback, maxFreezeEpochs)
        }
    }

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
            Reward("image-for-model", 50, capPerEpoch: 1_600), Reward("generator-feedback", 4, capPerEpoch: 40),
        ]
    }

    /// - Parameters:
    ///   - authority: decides, grants, and is known as the node behind `url`.
    ///   - genesis: unix seconds.
    public func charter(authority: Hash32, url: String, genesis: UInt64) throws(LedgerError) -> Charter {
        try charter(
            [Founder(key: authority, node: "", url: url, capPerEpoch: capPerEpoch)], genesis: epochStart(genesis))
    }

    /// Somebody who decides, and grants where there is a cap.
    struct Founder {
        let key: Hash32
        let node: String
        let url: String
        let capPerEpoch: UInt64
    }

    /// Epochs begin at midnight (UTC), where they are days.
    func epochStart(_ time: UInt64) -> UInt64 {
        let length = UInt64(epochSeconds)
        return length == 0 ? time : max(1, time - time % length)
    }

    /// Outputs of an order at most, so that its final fits into an entry of a log even when a later round decided it: then a
    /// quorum of statements is in it, each with the order and the votes for it.
    static func mostOutputs(of authorities: Int) -> Int {
        let quorum = authorities - (authorities - 1) / 3
        let room = Limits.Ledger.entryBytes / (quorum + 1) - (Limits.Ledger.orderRestBytes + 72 * quorum)
        return authorities == 1
            ? Limits.Ledger.outputs : max(1, min(Limits.Ledger.outputs, room / Limits.Ledger.outputBytes))
    }

    /// - Parameter genesis: unix seconds, where an epoch begins.
    func charter(_ founders: [Founder], genesis: UInt64) throws(LedgerError) -> Charter {
        var wire = WireCharter()
        wire.name = name
        wire.symbol = symbol
        wire.authorities = founders.map { founder in
            .with {
                $0.key = founder.key.data
                $0.peerID = founder.node
                $0.url = founder.url
            }
        }
        wire.f = UInt32((founders.count - 1) / 3)
        let outputs = Self.mostOutputs(of: founders.count)
        wire.maxOutputs = outputs == Limits.Ledger.outputs ? 0 : UInt32(outputs)
        wire.genesisUnix = Int64(clamping: genesis)
        wire.epochSeconds = epochSeconds == Limits.Ledger.defaultEpochSeconds ? 0 : epochSeconds
        wire.maxHoldEpochs = maxHoldEpochs == Limits.Ledger.holdEpochs ? 0 : maxHoldEpochs
        if let wardens {
            var keys = try wardens.accounts.map { text throws(LedgerError) in
                guard let key = Hash32(hex: text) else { throw .malformed("\(text) is no warden's account") }
                return key.data
            }
            if wardens.areOperators { keys += founders.map(\.key.data) }
            guard (1...max(1, keys.count)).contains(wardens.threshold), keys.count <= Limits.Ledger.wardens else {
                throw .malformed(
                    "\(wardens.threshold) of \(keys.count) wardens: it takes 1 to all of them, and there are at most "
                        + "\(Limits.Ledger.wardens)")
            }
            wire.wardens = keys
            wire.wardenThreshold = UInt32(wardens.threshold)
            wire.clawback = wardens.hasClawback
            wire.maxFreezeEpochs = wardens.maxFreezeEpochs
        }
        wire.granters = founders.filter { $0.capPerEpoch > 0 }.map { founder in
            .with {
                $0.account = founder.key.data
                $0.capPerEpoch = founder.capPerEpoch
                $0.rewards = rewards.map { reward in
                    .with {
                        $0.action = reward.action
                        $0.amount = reward.amount
                        $0.capPerEpoch = reward.capPerEpoch
                    }
                }
            }
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
