import Digests
import FoundationEssentials
import Identity
public import Ledger
import PostLog
import SwiftProtobuf
import WaggleProtocol

/// A proof that an operator of a currency lied.
public struct FraudReport: Codable, Sendable {
    /// 64 hexadecimal digits.
    public let currency: String
    public let symbol: String
    /// SHA-256 of the proof.
    public let proof: String
    /// "doubleVote", "splitLog", …
    public let offence: String
    /// The same in words.
    public let words: String
    /// Who is shown to lie: where they answer. Empty where more lied than the proof can name.
    public let operators: [String]
    /// Their keys.
    public let keys: [String]
    /// Whether it shows more liars than the currency survives.
    public let isOverload: Bool
    /// Unix seconds: when it came to be here.
    public let time: UInt64

    init(_ fraud: KnownFraud, _ charter: Charter) {
        (currency, symbol, proof) = (charter.currency.hex, charter.symbol, fraud.name.hex)
        (offence, words) = (fraud.offence.rawValue, fraud.offence.words)
        let named = fraud.culprits.sorted().filter(charter.authorities.indices.contains)
        operators = named.map { charter.authorities[$0].url }
        keys = named.map { charter.authorities[$0].key.hex }
        (isOverload, time) = (fraud.isOverload, fraud.time)
    }
}

extension FraudVerdict.Offence {
    /// What somebody did, in words for a person.
    public var words: String {
        switch self {
        case .doubleVote: "voted for two orders in one round of one place"
        case .doubleCommit: "committed to two orders in one round of one place"
        case .doubleStatement: "stated two different things about one place in one round"
        case .hiddenCommit: "hid what it had committed to"
        case .conflictingFinals: "made two orders final in one place"
        case .splitLog: "signed two logs, of which neither continues the other"
        case .badEntry: "signed a log with an entry that is no final"
        case .badCheckpoint: "signed other accounts, holds or sums than its own log comes to"
        case .overIssue: "let a granter issue more than the charter allows"
        case .overpaidHold: "let a hold pay out more than it has, or to somebody whom it does not name"
        case .doubleOrder: "gave two orders for one place"
        }
    }
}

/// `waggle buzz fraud`: operators of currencies known here that are proven to lie.
public struct ListFrauds: Operation {
    public static let name = "buzz fraud"
    /// Nil for all.
    public var currency: String?

    public init(currency: String? = nil) {
        self.currency = currency
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [FraudReport] {
        let desk = BuzzDesk(context)
        let views: [CurrencyView]
        if let currency {
            views = [try await desk.view(currency)]
        } else {
            views = try await desk.asking { () async throws(LedgerError) in try await context.currencies.all() }
        }
        var reports: [FraudReport] = []
        for view in views {
            let frauds = try await desk.asking { () async throws(LedgerError) in
                try await context.currencies.store.frauds(in: view.charter.currency)
            }
            reports += frauds.map { FraudReport($0, view.charter) }
        }
        return reports
    }
}

/// Writes a post of each proof that was found here: every node can check it.
public struct PublishFrauds: Operation {
    public static let name = "buzz fraud publish"

    public init() {}

    public struct Reply: Codable, Sendable {
        public let posts: [String]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let desk = BuzzDesk(context)
        var posts: [String] = []
        let found = try await desk.asking { () async throws(LedgerError) in
            try await context.currencies.store.unpostedFrauds()
        }
        guard !found.isEmpty else { return Reply(posts: []) }
        let posting = try Posting(context, as: "me")
        for fraud in found {
            guard let body = try? WireFraudProof(serializedBytes: fraud.bytes) else { continue }
            // One that no post has room for is known here alone, and names nobody elsewhere.
            if fraud.bytes.count <= Limits.Ledger.postedProofBytes {
                let post = try posting.sign { post in
                    post.kind = PostKind.fraudProof.rawValue
                    post.fraudProof = body
                }
                try await posting.submit([post])
                posts.append(post.id.hex)
            }
            try await desk.asking { () async throws(LedgerError) in
                try await context.currencies.store.notePosted(fraud)
            }
        }
        return Reply(posts: posts)
    }
}

/// Proofs in posts of others.
public struct FraudDesk: Sendable {
    /// What was looked at so far.
    public struct Reading: Sendable {
        fileprivate var seen: Set<Hash32> = []
        /// Of all posts about ledgers, when they were looked at last.
        fileprivate var sum: ReconciliationSum?
        /// Currencies that were known then.
        fileprivate var currencies = 0

        public init() {}
    }

    private let context: OperationContext

    public init(_ context: OperationContext) {
        self.context = context
    }

    /// Looks at posts that were not looked at before, and at all again when another currency is known here. A proof is
    /// checked here, whoever wrote the post.
    ///
    /// - Returns: how many proofs were right.
    public func read(_ reading: inout Reading) async throws(OperationError) -> Int {
        let known = await context.currencies.sharedCurrencies
        let index = context.log.offered.group(.ledger)
        let sum = index.sum(of: 0..<index.count)
        guard sum != reading.sum || known != reading.currencies else { return 0 }
        if known != reading.currencies { reading.seen = [] }
        (reading.sum, reading.currencies) = (sum, known)
        var new: [Hash32] = []
        index.forEachID(in: 0..<index.count) { if !reading.seen.contains($0) { new.append($0) } }
        var count = 0
        for start in stride(from: 0, to: new.count, by: 256) {
            let part = Array(new[start..<min(start + 256, new.count)])
            let posts: [Hash32: LoggedPost]
            do {
                posts = try await context.log.posts(ids: part)
            } catch {
                throw OperationError(error)
            }
            for id in part {
                reading.seen.insert(id)
                guard case .fraudProof(let body)? = posts[id]?.post.body,
                    let bytes = try? body.serializedBytes() as Data
                else { continue }
                do throws(LedgerError) {
                    if try await context.currencies.take(proof: bytes, isPosted: true) { count += 1 }
                } catch {
                    // Bytes that are no proof are looked at once; where a log has to be read, that may be possible later.
                    switch error {
                    case .unreachable, .busy: reading.seen.remove(id)
                    default: break
                    }
                }
            }
        }
        return count
    }
}
