public import Digests
import FoundationEssentials
public import Identity
import WaggleProtocol

/// A price that a node signed: whoever orders exactly this within its time pays this, whatever became of prices meanwhile.
public struct SignedQuote: Sendable {
    public struct Statement: Codable, Hashable, Sendable {
        /// The node that made it: author id.
        public var node: String
        /// For whom: an author id, "guest …", or empty for the operator.
        public var payer: String
        /// SHA-256 of what is drawn: the plan with its seed, and every file by its full hash.
        public var order: String
        /// Thousandths of a unit; see `GenerationPrice`.
        public var work: Int64
        /// Buzz.
        public var price: Int64
        /// Which currency, by id; nil where nothing is paid.
        public var currency: String?
        /// Accounts that can be paid of it: the node's first, then those of the models' makers.
        public var payees: [String]
        /// Unix seconds: made, and the last moment at which it holds.
        public var created: UInt64
        public var expires: UInt64

        public init(
            node: Hash32, payer: String, order: Hash32, work: Int64, price: Int64, currency: Hash32?,
            payees: [Hash32], created: UInt64
        ) {
            self.node = node.hex
            self.payer = payer
            self.order = order.hex
            self.work = work
            self.price = price
            self.currency = currency?.hex
            self.payees = payees.map(\.hex)
            self.created = created
            expires = created + Limits.Generation.quoteSeconds
        }
    }

    /// Its DSSE type.
    public static let type = "application/vnd.waggle.quote.v1+json"

    public let statement: Statement
    /// The envelope.
    public let text: String

    public init(_ statement: Statement, by key: SigningKey) throws(GenerationError) {
        self.statement = statement
        text = try SignedText.write(statement, type: Self.type, by: key)
    }

    /// Reads a quote that `key` signed.
    ///
    /// - Throws: `badField` for anything else.
    public init(_ text: String, by key: Hash32) throws(GenerationError) {
        guard text.utf8.count <= Limits.Generation.quoteBytes,
            let found = SignedText.read(text, as: Statement.self, type: Self.type), found.key == key
        else { throw Self.refusal("one that this node signed; ask for a new one") }
        (statement, self.text) = (found.statement, text)
    }

    /// The name of what is ordered.
    public static func order(_ plan: GenerationPlan, _ models: ModelSet) throws(GenerationError) -> Hash32 {
        struct Order: Encodable {
            let plan: GenerationPlan
            let files: [String]
        }
        do {
            let order = Order(plan: plan, files: models.files.map(\.sha256))
            return SHA256.hash(Array(try SignedText.encoder.encode(order)))
        } catch {
            throw .badReply("the order cannot be written: \(error)")
        }
    }

    /// Whether it holds for an order.
    ///
    /// - Throws: `badField` saying why it does not.
    public func check(payer: String, order: Hash32, now: UInt64) throws(GenerationError) {
        guard statement.payer == payer else { throw Self.refusal("one that was made for you") }
        guard now <= statement.expires else { throw Self.refusal("one that has not expired; ask for a new one") }
        guard statement.order == order.hex else {
            throw Self.refusal("one for exactly this order, its seed included; ask for a new one")
        }
    }

    private static func refusal(_ expected: String) -> GenerationError {
        .badField(field: "quote", value: "a signed quote", expected: expected)
    }
}
