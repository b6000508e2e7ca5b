import Digests
public import FoundationEssentials
import Identity
import Ledger
import WaggleProtocol

/// A charter on its way as `waggle buzz charter` shows it.
public struct CharterReport: Codable, Sendable {
    public struct Operator: Codable, Sendable {
        public let key: String
        public let node: String
        public let url: String
        public let capPerEpoch: UInt64
        public let hasSigned: Bool
    }

    public let name: String
    public let symbol: String
    /// 64 hexadecimal digits; nil while there are not 4, 7, 10, … operators.
    public let currency: String?
    /// Operators that may fail or lie; nil as above.
    public let faults: Int?
    public let operators: [Operator]
    /// Whether it can be used: everybody signed.
    public let isComplete: Bool
    /// Unix seconds.
    public let genesis: UInt64
    public let epochSeconds: UInt32
    public let maxHoldEpochs: UInt32
    public let rewards: Int
    /// Who may freeze accounts; nil where nobody may.
    public let wardens: WardenChoice?
    /// Why it is no charter yet; empty when it is one.
    public let missing: String

    init(_ ceremony: CharterCeremony) throws(LedgerError) {
        let rules = ceremony.rules
        (name, symbol, genesis) = (rules.name, rules.symbol, ceremony.genesis)
        (epochSeconds, maxHoldEpochs, rewards) = (rules.epochSeconds, rules.maxHoldEpochs, rules.rewards.count)
        wardens = rules.wardens.map { WardenChoice($0) }
        var charter: Charter?
        var why = ""
        do throws(LedgerError) {
            charter = try ceremony.charter()
        } catch {
            why = error.message
        }
        // Signatures that are of another charter are an error, not a state.
        var unsigned = ceremony.operators
        if charter != nil { unsigned = try ceremony.unsigned() }
        (currency, faults, missing) = (charter?.currency.hex, charter?.f, why)
        operators = ceremony.operators.map { one in
            Operator(
                key: one.key, node: one.node, url: one.url, capPerEpoch: one.capPerEpoch,
                hasSigned: !unsigned.contains(one))
        }
        isComplete = charter != nil && unsigned.isEmpty
    }
}

/// What an operation on a charter gives back: the document to pass on, and what it says.
public struct CharterDocument: Codable, Sendable {
    /// JSON.
    public let document: Data
    public let report: CharterReport

    init(_ ceremony: CharterCeremony) throws(LedgerError) {
        (document, report) = (ceremony.json, try CharterReport(ceremony))
    }
}

/// `waggle buzz charter draft`: begins a charter of several operators, or adds this node to one.
public struct DraftCharter: Operation {
    public static let name = "buzz charter draft"
    /// The document so far; nil begins one.
    public var document: Data?
    /// For a new one.
    var rules: CharterDraft?
    var wardens: WardenChoice?
    /// What this node may issue in one epoch; 0 for nothing.
    public var capPerEpoch: UInt64

    public init(adding capPerEpoch: UInt64, to document: Data) {
        (self.document, self.capPerEpoch) = (document, capPerEpoch)
    }

    public init(
        name: String, symbol: String, capPerEpoch: UInt64, epochSeconds: UInt32, maxHoldEpochs: UInt32,
        hasRewards: Bool, wardens: WardenChoice? = nil
    ) {
        self.capPerEpoch = capPerEpoch
        var draft = CharterDraft(name: name, symbol: symbol)
        (draft.epochSeconds, draft.maxHoldEpochs) = (epochSeconds, maxHoldEpochs)
        draft.capPerEpoch = 0
        if !hasRewards { draft.rewards = [] }
        rules = draft
        self.wardens = wardens
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CharterDocument {
        try context.checkWritable()
        guard let url = context.publicURL else {
            throw OperationError(
                .conflict, "the charter says where each operator answers; start the node with `waggle serve`")
        }
        let node = AuthorID.text(context.keyring.node.author)
        let desk = BuzzDesk(context)
        var rules = rules
        rules?.wardens = try await desk.resolved(wardens)
        return try await desk.asking { [rules] () async throws(LedgerError) in
            var ceremony: CharterCeremony
            if let document {
                ceremony = try CharterCeremony(json: document)
            } else if let rules {
                ceremony = CharterCeremony(rules, now: context.now())
            } else {
                throw LedgerError.malformed("there is neither a draft nor what one begins with")
            }
            let own = try await context.currencies.draftOperator(node: node, url: url, capPerEpoch: capPerEpoch)
            try ceremony.add(own)
            return try CharterDocument(ceremony)
        }
    }
}

/// `waggle buzz charter sign`: agrees to a charter as one of its operators.
public struct SignCharter: Operation {
    public static let name = "buzz charter sign"
    public var document: Data

    public init(document: Data) {
        self.document = document
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CharterDocument {
        try context.checkWritable()
        return try await BuzzDesk(context).asking { () async throws(LedgerError) in
            let ceremony = try CharterCeremony(json: document)
            // One that was changed after somebody signed it is not signed again.
            _ = try ceremony.unsigned()
            return try CharterDocument(try await context.currencies.sign(ceremony))
        }
    }
}

/// `waggle buzz charter show`: what a document says. It needs no node.
public struct ShowCharterDocument: Sendable {
    public let document: Data

    public init(document: Data) {
        self.document = document
    }

    public func run() throws(OperationError) -> CharterReport {
        do throws(LedgerError) {
            return try CharterReport(CharterCeremony(json: document))
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle buzz found --charter`: takes this node's place in a currency that its operators drew up together.
public struct FoundTogether: Operation {
    public static let name = "buzz found together"
    /// Whose profile lists it from now on; nil for nobody's.
    public var account: String?
    public var document: Data

    public init(account: String?, document: Data) {
        (self.account, self.document) = (account, document)
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CurrencyReport {
        try context.checkWritable()
        let desk = BuzzDesk(context)
        let ceremony = try await desk.asking { () throws(LedgerError) in try CharterCeremony(json: document) }
        let key = await context.currencies.publicKey?.hex
        if let own = ceremony.operators.first(where: { $0.key == key }), own.url != context.publicURL {
            throw OperationError(
                .conflict,
                "the charter says for good that this node answers at \(own.url), and it is served at "
                    + "\(context.publicURL ?? "no address"): start it with --public-url \(own.url)")
        }
        let charter = try await desk.asking { () async throws(LedgerError) in
            try await context.currencies.found(ceremony)
        }
        if let account {
            _ = try await AcceptCurrency(account: account, currency: charter.currency.hex).run(in: context)
        }
        return await desk.report(try await desk.view(charter.currency.hex))
    }
}
