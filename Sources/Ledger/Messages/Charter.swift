public import Digests
public import FoundationEssentials
import SwiftProtobuf
import WaggleProtocol

/// The rules of one currency: who decides, who may issue how much, who may freeze. Its name is the hash of its bytes, so it
/// never changes.
public struct Charter: Sendable {
    public struct Authority: Hashable, Sendable {
        public let key: Hash32
        /// The node behind it, and where it answers.
        public let node: String
        public let url: String
    }

    public struct Granter: Hashable, Sendable {
        public let account: AccountID
        /// Issued in one epoch at most.
        public let capPerEpoch: Int64
        /// To one account in one epoch at most; nil: no limit of its own.
        public let perRecipientPerEpoch: Int64?
        public let rewards: [Reward]
    }

    /// Published policy: audited, not enforced.
    public struct Reward: Hashable, Sendable {
        public let action: String
        public let amount: UInt64
        public let capPerEpoch: UInt64
    }

    /// The canonical encoding.
    public let bytes: Data
    /// SHA-256 of `"waggle/buzz/charter\0" ‖ bytes`.
    public let currency: Hash32
    public let name: String
    public let symbol: String
    public let authorities: [Authority]
    /// Faulty authorities that the currency survives; there are 3f + 1 in all.
    public let f: Int
    public let genesis: UInt64
    public let epochSeconds: UInt64
    public let granters: [AccountID: Granter]
    public let wardens: [Hash32]
    public let wardenThreshold: Int
    public let hasClawback: Bool
    public let maxFreezeEpochs: Int64
    public let maxHoldEpochs: Int64
    public let holdGraceEpochs: Int64
    public let maxOutputs: Int
    /// Orders that one account may have voted for in one epoch; nil: as many as its authority will take.
    public let ordersPerEpoch: UInt64?

    /// Signatures that make a certificate: 2f + 1. A test may break it.
    var quorum: Int { brokenQuorum ?? 2 * f + 1 }
    var brokenQuorum: Int?

    /// Reads a charter.
    /// - Throws: what is wrong with it.
    public init(bytes: Data) throws(MalformedMessage) {
        guard bytes.count <= Limits.Ledger.charterBytes else {
            throw MalformedMessage(what: "the charter has \(bytes.count) bytes")
        }
        try MessageShape.charter.check(ArraySlice(bytes))
        let wire: WireCharter
        do {
            wire = try WireCharter(serializedBytes: bytes)
        } catch {
            throw MalformedMessage(what: "the charter is not protobuf")
        }
        try Self.check(wire)
        self.bytes = bytes
        currency = SHA256.hash(Array("waggle/buzz/charter\0".utf8), bytes)
        name = wire.name
        symbol = wire.symbol
        authorities = wire.authorities.map {
            Authority(key: Hash32($0.key) ?? .zero, node: $0.peerID, url: $0.url)
        }
        f = Int(wire.f)
        genesis = UInt64(wire.genesisUnix)
        epochSeconds = wire.epochSeconds == 0 ? UInt64(Limits.Ledger.defaultEpochSeconds) : UInt64(wire.epochSeconds)
        granters = Dictionary(
            wire.granters.map { wire in
                let granter = Granter(
                    account: Hash32(wire.account) ?? .zero, capPerEpoch: Int64(clamping: wire.capPerEpoch),
                    perRecipientPerEpoch: wire.perRecipientPerEpoch == 0
                        ? nil : Int64(clamping: wire.perRecipientPerEpoch),
                    rewards: wire.rewards.map {
                        Reward(action: $0.action, amount: $0.amount, capPerEpoch: $0.capPerEpoch)
                    })
                return (granter.account, granter)
            }, uniquingKeysWith: { first, _ in first })
        wardens = wire.wardens.compactMap { Hash32($0) }
        wardenThreshold = Int(wire.wardenThreshold)
        hasClawback = wire.clawback
        maxFreezeEpochs = Int64(wire.maxFreezeEpochs)
        maxHoldEpochs = Int64(wire.maxHoldEpochs == 0 ? UInt32(Limits.Ledger.holdEpochs) : wire.maxHoldEpochs)
        holdGraceEpochs = Int64(
            wire.holdGraceEpochs == 0 ? UInt32(Limits.Ledger.holdGraceEpochs) : wire.holdGraceEpochs)
        maxOutputs = wire.maxOutputs == 0 ? Limits.Ledger.outputs : Int(wire.maxOutputs)
        ordersPerEpoch = wire.ordersPerEpoch == 0 ? nil : wire.ordersPerEpoch
    }

    /// The rules that the encoding alone does not keep.
    private static func check(_ wire: WireCharter) throws(MalformedMessage) {
        func require(_ holds: Bool, _ what: String) throws(MalformedMessage) {
            guard holds else { throw MalformedMessage(what: what) }
        }
        try require(wire.version == 0 && wire.parent.isEmpty, "amended charters are not known here")
        try require(!wire.closedLoop && wire.services.isEmpty, "closed-loop charters are not known here")
        try require(!wire.name.isEmpty && !wire.symbol.isEmpty, "a charter has a name and a symbol")
        try require(
            wire.authorities.count == 3 * Int(wire.f) + 1,
            "f = \(wire.f) needs \(3 * Int(wire.f) + 1) authorities, there are \(wire.authorities.count)")
        try require(areDistinct(wire.authorities.map(\.key)), "an authority's key is missing or given twice")
        try require(areDistinct(wire.granters.map(\.account)), "a granter's account is missing or given twice")
        try require(areDistinct(wire.wardens), "a warden's key is missing or given twice")
        try require(areDistinct(wire.admins), "an admin's key is missing or given twice")
        let issue = wire.granters.reduce(UInt64(0)) { sum, granter in
            let (next, isOver) = sum.addingReportingOverflow(granter.capPerEpoch)
            return isOver ? .max : next
        }
        try require(
            issue <= Limits.Ledger.issuePerEpoch,
            "the granters may issue \(issue) an epoch, at most \(Limits.Ledger.issuePerEpoch)")
        try require(
            wire.wardenThreshold <= wire.wardens.count && (wire.wardenThreshold > 0) == !wire.wardens.isEmpty,
            "the threshold of wardens is not from 1 to their number")
        try require(
            wire.adminThreshold <= wire.admins.count && (wire.adminThreshold > 0) == !wire.admins.isEmpty,
            "the threshold of admins is not from 1 to their number")
        try require(!wire.clawback || !wire.wardens.isEmpty, "clawback needs wardens")
        try require(wire.genesisUnix > 0, "the charter has no time of genesis")
        try require(
            wire.epochSeconds == 0 || Limits.Ledger.epochSeconds.contains(Int(wire.epochSeconds)),
            "an epoch has \(Limits.Ledger.epochSeconds.lowerBound) s to \(Limits.Ledger.epochSeconds.upperBound) s")
    }

    private static func areDistinct(_ names: [Data]) -> Bool {
        names.allSatisfy { $0.count == 32 } && Set(names).count == names.count
    }

    /// The epoch of a time in seconds since 1970; 0 before genesis.
    public func epoch(at seconds: UInt64) -> Int64 {
        seconds <= genesis ? 0 : Int64(clamping: (seconds - genesis) / epochSeconds)
    }
}
