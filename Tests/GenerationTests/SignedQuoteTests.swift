import Digests
import Identity
import Testing
import WaggleProtocol

@testable import Generation

@Suite("Prices that a node signed")
struct SignedQuoteTests {
    private static let made: UInt64 = 1_772_323_200

    private static func key(_ seed: UInt8) throws -> SigningKey {
        try #require(SigningKey(seed: Array(repeating: seed, count: 32)))
    }

    private static func quote(by key: SigningKey) throws -> SignedQuote {
        let order = try SignedQuote.order(try Samples.plan(), Samples.models())
        return try SignedQuote(
            SignedQuote.Statement(
                node: Hash32(words: (1, 2, 3, 4)), payer: "ada", order: order, work: 900, price: 12,
                currency: Hash32(words: (5, 5, 5, 5)), payees: [Hash32(words: (6, 6, 6, 6))], created: made), by: key)
    }

    @Test("a quote holds for whom it was made for, for exactly that order, for an hour")
    func holds() throws {
        let key = try Self.key(7)
        let quote = try SignedQuote(try Self.quote(by: key).text, by: key.publicKey)
        #expect(quote.statement.price == 12 && quote.statement.payees.count == 1)
        let order = try SignedQuote.order(try Samples.plan(), Samples.models())
        let end = Self.made + Limits.Generation.quoteSeconds
        try quote.check(payer: "ada", order: order, now: end)
        #expect(throws: GenerationError.self) { try quote.check(payer: "ada", order: order, now: end + 1) }
        #expect(throws: GenerationError.self) { try quote.check(payer: "bea", order: order, now: Self.made) }
        // Nobody pays the price of a small picture for a large one, or of one model for another's.
        let others = [
            try SignedQuote.order(try Samples.plan(width: 256), Samples.models()),
            try SignedQuote.order(try Samples.plan(batch: 2), Samples.models()),
            try SignedQuote.order(try Samples.plan(prompt: "a wasp"), Samples.models()),
            try SignedQuote.order(try Samples.plan(), Samples.models(2)),
            try SignedQuote.order(try Samples.plan(), Samples.models(1, loras: 1)),
        ]
        #expect(Set(others + [order]).count == 6)
        for other in others {
            #expect(throws: GenerationError.self) { try quote.check(payer: "ada", order: other, now: Self.made) }
        }
    }

    @Test("what this node did not sign is no quote of its")
    func forged() throws {
        let (key, other) = (try Self.key(7), try Self.key(8))
        let text = try Self.quote(by: key).text
        let foreign = try Self.quote(by: other).text
        let forgeries = [
            foreign, "", "{}", text + " x", String(text.dropLast(2)), text.replacing("payload", with: "pAyload"),
            String(repeating: "[", count: Limits.Generation.quoteBytes), text + String(repeating: " ", count: 20_000),
        ]
        for forgery in forgeries {
            #expect(throws: GenerationError.self, "\(forgery.prefix(80))") {
                try SignedQuote(forgery, by: key.publicKey)
            }
        }
        #expect(throws: GenerationError.self) { try SignedQuote(text, by: other.publicKey) }
    }
}
