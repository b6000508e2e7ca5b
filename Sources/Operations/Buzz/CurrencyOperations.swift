import Digests
import Federation
public import FoundationEssentials
import Identity
public import Ledger
import PostLog
import WaggleProtocol

/// `waggle buzz found`: a currency in which this node decides alone.
public struct FoundCurrency: Operation {
    public static let name = "buzz found"
    /// Whose profile lists it from now on; nil for nobody's.
    public var account: String?
    var draft: CharterDraft
    var wardens: WardenChoice?

    public init(
        account: String?, name: String, symbol: String, capPerEpoch: UInt64 = 1_000_000, epochSeconds: UInt32 = 86400,
        maxHoldEpochs: UInt32 = 30, hasRewards: Bool = true, wardens: WardenChoice? = nil
    ) {
        self.account = account
        draft = CharterDraft(name: name, symbol: symbol)
        draft.capPerEpoch = capPerEpoch
        draft.epochSeconds = epochSeconds
        draft.maxHoldEpochs = maxHoldEpochs
        if !hasRewards { draft.rewards = [] }
        self.wardens = wardens
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CurrencyReport {
        try context.checkWritable()
        let desk = BuzzDesk(context)
        guard let url = context.publicURL else {
            throw OperationError(
                .conflict, "the charter says where its authority answers; start the node with `waggle serve`")
        }
        let known = try await desk.asking { () throws(LedgerError) in try await context.currencies.all() }
        guard !known.contains(where: { $0.role == .authority && $0.charter.symbol == draft.symbol }) else {
            throw OperationError(.conflict, "this node decides in a currency \(draft.symbol) already")
        }
        var rules = draft
        rules.wardens = try await desk.resolved(wardens)
        let charter = try await desk.asking { [rules] () async throws(LedgerError) in
            try await context.currencies.found(rules, url: url)
        }
        if let account {
            _ = try await AcceptCurrency(account: account, currency: charter.currency.hex).run(in: context)
        }
        return await desk.report(try await desk.view(charter.currency.hex))
    }
}

/// `waggle buzz join`: follow and audit the currency of another node.
public struct JoinCurrency: Operation {
    public static let name = "buzz join"
    public var account: String?
    public var url: String
    /// Which, where that node decides in several: 64 hexadecimal digits.
    public var currency: String?

    public init(account: String?, url: String, currency: String? = nil) {
        self.account = account
        self.url = url
        self.currency = currency
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CurrencyReport {
        let desk = BuzzDesk(context)
        var id: Hash32?
        if let currency {
            guard let hash = Hash32(hex: currency) else {
                throw OperationError(.usage, "a currency that is not known yet is named by all 64 digits of its id")
            }
            id = hash
        }
        let base = url.hasSuffix("/") ? String(url.dropLast()) : url
        let charter = try await desk.asking { () throws(LedgerError) in
            try await context.currencies.join(id, at: base)
        }
        if let account {
            _ = try await AcceptCurrency(account: account, currency: charter.currency.hex).run(in: context)
        }
        return await desk.report(try await desk.view(charter.currency.hex))
    }
}

/// `waggle buzz accept`: lists a currency in a profile, or takes it out. Others tip in listed currencies only.
public struct AcceptCurrency: Operation {
    public static let name = "buzz accept"
    public var account: String
    public var currency: String?
    public var isAccepted: Bool

    public init(account: String, currency: String?, isAccepted: Bool = true) {
        self.account = account
        self.currency = currency
        self.isAccepted = isAccepted
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        let currency = try await BuzzDesk(context).view(currency).charter.currency.hex
        let posting = try Posting(context, as: account)
        var profile = try await posting.standing(.profile, "")?.post.profile ?? WireProfile()
        profile.currencies.removeAll { $0 == currency }
        if isAccepted { profile.currencies.append(currency) }
        if profile.home.isEmpty, let home = context.publicURL { profile.home = home }
        return try await posting.replace(.profile, slot: "", with: .profile(profile))
    }
}

/// `waggle buzz ls`.
public struct ListCurrencies: Operation {
    public static let name = "buzz ls"

    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [CurrencyReport] {
        let desk = BuzzDesk(context)
        var reports: [CurrencyReport] = []
        for view in try await desk.asking({ () throws(LedgerError) in try await context.currencies.all() }) {
            reports.append(await desk.report(view))
        }
        return reports
    }
}

/// `waggle buzz rules`: the charter.
public struct ShowRules: Operation {
    public static let name = "buzz rules"
    public var currency: String?

    public init(currency: String?) {
        self.currency = currency
    }

    public struct Reply: Codable, Sendable {
        public struct Reward: Codable, Sendable {
            public let action: String
            public let amount: UInt64
            public let capPerEpoch: UInt64
        }

        public struct Granter: Codable, Sendable {
            public let account: String
            public let capPerEpoch: Int64
            public let perRecipientPerEpoch: Int64?
            public let rewards: [Reward]
        }

        public let report: CurrencyReport
        /// Unix seconds.
        public let genesis: UInt64
        public let epochSeconds: UInt64
        public let authorities: [String]
        /// Where they answer, in the same order.
        public let addresses: [String]
        public let granters: [Granter]
        public let wardens: [String]
        public let wardenThreshold: Int
        public let hasClawback: Bool
        public let maxHoldEpochs: Int64
        public let holdGraceEpochs: Int64
        public let maxFreezeEpochs: Int64
        /// Base 64: what the currency's id is the hash of.
        public let charter: Data
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let desk = BuzzDesk(context)
        let view = try await desk.view(currency)
        let charter = view.charter
        return Reply(
            report: await desk.report(view), genesis: charter.genesis, epochSeconds: charter.epochSeconds,
            authorities: charter.authorities.map(\.key.hex), addresses: charter.authorities.map(\.url),
            granters: charter.granters.values.sorted { $0.account < $1.account }.map { granter in
                Reply.Granter(
                    account: granter.account.hex, capPerEpoch: granter.capPerEpoch,
                    perRecipientPerEpoch: granter.perRecipientPerEpoch,
                    rewards: granter.rewards.map {
                        Reply.Reward(action: $0.action, amount: $0.amount, capPerEpoch: $0.capPerEpoch)
                    })
            },
            wardens: charter.wardens.map(\.hex), wardenThreshold: charter.wardenThreshold,
            hasClawback: charter.hasClawback, maxHoldEpochs: charter.maxHoldEpochs,
            holdGraceEpochs: charter.holdGraceEpochs, maxFreezeEpochs: charter.maxFreezeEpochs, charter: charter.bytes)
    }
}

/// `waggle buzz resume`: a restored authority fetches what it signed after the backup, and signs again.
public struct ResumeCurrency: Operation {
    public static let name = "buzz resume"
    public var currency: String?
    /// A node that follows the log; nil gives up what was signed since.
    public var url: String?

    public init(currency: String?, url: String?) {
        self.currency = currency
        self.url = url
    }

    public struct Reply: Codable, Sendable {
        /// Finals that were fetched.
        public let fetched: UInt64
        public let report: CurrencyReport
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let desk = BuzzDesk(context)
        let view = try await desk.view(currency)
        let url = url
        let fetched = try await desk.asking { () throws(LedgerError) in
            try await context.currencies.resume(view.charter.currency, from: url)
        }
        return Reply(fetched: fetched, report: await desk.report(try await desk.view(view.charter.currency.hex)))
    }
}

/// Has peers sign the newest checkpoints of the currencies that are decided here.
public struct GatherWitnesses: Operation {
    public static let name = "buzz witness"

    public init() {}

    public struct Reply: Codable, Sendable {
        public let signed: Int
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let witnesses = await Self.witnesses(context)
        return Reply(
            signed: try await BuzzDesk(context).asking { () throws(LedgerError) in
                try await context.currencies.gatherSignatures(from: witnesses)
            })
    }

    /// Peers that can be asked, and whose keys are known here.
    public static func witnesses(_ context: OperationContext) async -> [WitnessAddress] {
        var found: [WitnessAddress] = []
        for peer in (try? await context.federation.peers.unblockedPeers()) ?? [] where !peer.url.isEmpty {
            let devices = (try? await context.log.keyChain(of: peer.node))?.devices ?? [:]
            let keys = devices.filter { $0.value.scopes.contains(.node) }.map(\.key)
            if !keys.isEmpty { found.append(WitnessAddress(url: peer.url, keys: Set(keys))) }
        }
        return found
    }
}
