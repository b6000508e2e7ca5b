import Digests
import Ledger

/// How one operator of a currency of several answers.
public struct OperatorReport: Codable, Sendable {
    /// 64 hexadecimal digits.
    public let currency: String
    public let symbol: String
    public let key: String
    /// The node's id; empty where the charter does not say.
    public let node: String
    public let url: String
    /// Whether it is this node.
    public let isOwn: Bool
    public let isAnswering: Bool
    /// Whether it is proven to lie.
    public let isLiar: Bool
    /// Milliseconds until it answers, lately; nil before its first answer.
    public let latency: Double?
    /// Unix seconds of its last answer; 0 for none since this node started.
    public let answered: UInt64
    /// Why it did not answer last; empty while it does.
    public let error: String
    /// Entries of its log, by its own word.
    public let finals: UInt64

    init(_ health: AuthorityHealth, _ charter: Charter, isLiar: Bool) {
        let authority = charter.authorities[health.authority]
        (currency, symbol) = (charter.currency.hex, charter.symbol)
        (key, node, url) = (authority.key.hex, authority.node, authority.url)
        (isOwn, isAnswering, self.isLiar) = (health.isOwn, health.isOwn || health.isAnswering, isLiar)
        (latency, answered, finals) = (health.latency, health.answered, health.size)
        error = isAnswering ? "" : health.error
    }

    /// In words for a person.
    public var state: String {
        var words: String
        if isOwn {
            words = "this node"
        } else if isAnswering, let latency {
            words = "answers in \(latency < 10 ? "\((latency * 10).rounded() / 10)" : "\(Int(latency.rounded()))") ms"
        } else {
            words = error.isEmpty ? "not asked yet" : "does not answer"
        }
        if isLiar { words += ", proven to lie" }
        return words
    }
}

/// `waggle buzz operators`.
public struct ListOperators: Operation {
    public static let name = "buzz operators"
    /// Nil for all.
    public var currency: String?

    public init(currency: String? = nil) {
        self.currency = currency
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [OperatorReport] {
        var one: Hash32?
        if let currency { one = try await BuzzDesk(context).view(currency).charter.currency }
        let only = one
        return await context.currencies.health().filter { only == nil || $0.charter.currency == only }.flatMap {
            known in
            known.authorities.map { health in
                OperatorReport(health, known.charter, isLiar: known.liars.contains(health.authority))
            }
        }
    }
}
