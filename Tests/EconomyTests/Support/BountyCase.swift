import Digests
import Foundation
import Identity
import Ledger
import SwiftProtobuf
import WaggleProtocol

@testable import Economy

/// A person of a vector: author, device key, account.
struct VectorPerson {
    let key: SigningKey
    let author: Hash32
    let account: AccountID

    init(_ name: String) {
        key = Self.key(name)
        author = SHA256.hash(Array("author \(name)".utf8))
        account = Self.key("account \(name)").publicKey
    }

    static func key(_ name: String) -> SigningKey { SigningKey(seed: SHA256.hash(Array(name.utf8)).bytes)! }

    func sign(_ body: WirePost.OneOf_Body, created: UInt64) throws -> SignedPost {
        var post = WirePost()
        post.created = created
        post.body = body
        return try Signer(author: author, device: key).sign(post)
    }
}

/// One bounty from a seed: a rule, backers of whom some pledge and some award, hunters of whom some are late.
struct BountyCase {
    private var random: SplitMix
    private let seed: UInt64
    private let charter: Charter
    private let bounty: SignedPost
    private let terms: BountyTerms
    private var people: [VectorPerson] = []
    private var entries: [(post: SignedPost, arrived: UInt64)] = []
    private var awards: [SignedPost] = []
    private var orders: [Order] = []

    private static let genesis: UInt64 = 86400 * 20_000

    init(seed: UInt64) throws {
        self.seed = seed
        random = SplitMix(seed: seed)
        var draft = CharterDraft(name: "Honey", symbol: "HNY")
        draft.rewards = RewardVectors.firstRewards(draft)
        charter = try draft.charter(
            authority: VectorPerson.key("authority").publicKey, url: "https://hive.example", genesis: Self.genesis)
        let poster = VectorPerson("poster")
        let deadline = Self.genesis + 86400 * UInt64.random(in: 1...5, using: &random)
        var body = Self.body
        body.currency = charter.currency.data
        body.deadline = deadline
        body.decided = deadline + [0, 600, 7200, 200_000][Int(seed % 4)]
        body.rule = BountyRule.allCases[Int(seed / 4) % 4].wire
        bounty = try poster.sign(.bounty(body), created: Self.genesis + 100)
        guard let terms = BountyTerms(post: bounty.id, poster: bounty.author, body) else {
            throw VectorError("no terms")
        }
        self.terms = terms
        try fill()
    }

    /// A bounty that lacks a currency and times.
    static var body: WireBounty {
        .with {
            $0.title = "Old maps"
            $0.text = "Maps as they were drawn *before* 1700."
            $0.level = 1
            $0.tags = ["maps"]
            $0.arbiter = VectorPerson.key("arbiter").publicKey.data
            $0.arbiterNode = SHA256.hash(Array("arbiter's node".utf8)).data
            $0.wanted = "LORA"
        }
    }

    private mutating func fill() throws {
        let backers = (0..<Int.random(in: 2...4, using: &random)).map { VectorPerson("backer \($0)") }
        let hunters = (0..<Int.random(in: 0...4, using: &random)).map { VectorPerson("hunter \($0)") }
        people = backers + hunters
        for (index, backer) in backers.enumerated() { try back(backer, isPledge: index == 2) }
        for (index, hunter) in hunters.enumerated() {
            // The second says to be in time, the third is not.
            let created = terms.deadline - UInt64.random(in: 10...9000, using: &random) + (index == 2 ? 9001 : 0)
            let body = WireBountyEntry.with {
                $0.bounty = bounty.id.data
                $0.text = "By \(index)"
                $0.works = index == 0 ? [] : [SHA256.hash([UInt8(index)]).data]
            }
            let post = try hunter.sign(.bountyEntry(body), created: created)
            entries.append((post, created + (index == 1 ? 90_000 : UInt64.random(in: 0...60, using: &random))))
        }
        // One backer awards, perhaps twice or too late; another asks for everything back.
        for time in [terms.deadline - 5, terms.decided, terms.decided + 1] where Bool.random(using: &random) {
            let weights = entries.map { ($0.post.id, UInt32.random(in: 1...1000, using: &random)) }
            try award(backers[0], weights.filter { _ in Bool.random(using: &random) }, at: time)
        }
        if Bool.random(using: &random) { try award(backers[1], [], at: terms.deadline) }
        // One hold was closed by somebody already.
        if backers.count > 3, let last = orders.last {
            let outputs = hunters.first.map { [Output(account: $0.account, amount: 1)] } ?? []
            orders.append(
                try Order(
                    currency: charter.currency, slot: .hold(last.id), seed % 2 == 0 ? .resolve(outputs) : .expire))
        }
    }

    private mutating func back(_ person: VectorPerson, isPledge: Bool) throws {
        orders.append(
            try Order(
                currency: charter.currency, slot: .account(person.account, seq: 1),
                .hold(
                    amount: Int64.random(in: 1...1000, using: &random),
                    resolver: isPledge ? person.account : VectorPerson.key("arbiter").publicKey, payees: [],
                    expiry: charter.expiry(forDecisionAt: terms.decided)), reference: bounty.id))
    }

    private mutating func award(_ person: VectorPerson, _ weights: [(Hash32, UInt32)], at time: UInt64) throws {
        let body = WireBountyAward.with {
            $0.bounty = bounty.id.data
            $0.shares = weights.map { entry, weight in
                .with {
                    $0.entry = entry.data
                    $0.weight = weight
                }
            }
        }
        awards.append(try person.sign(.bountyAward(body), created: time))
    }

    func written() throws -> BountyVectors.Case {
        var written = BountyVectors.Case(
            name: "\(terms.rule.rawValue), seed \(seed)", charter: Hex.encode(charter.bytes),
            bounty: Hex.encode(bounty.envelope),
            accounts: Dictionary(uniqueKeysWithValues: people.map { ($0.author.hex, $0.account) }),
            entries: entries.map { .init(envelope: Hex.encode($0.post.envelope), arrived: $0.arrived) },
            awards: awards.map { Hex.encode($0.envelope) }, orders: orders.map { Hex.encode($0.bytes) })
        let expiry = charter.expiry(forDecisionAt: terms.decided)
        let times = [
            terms.deadline, terms.lastArrival, terms.lastArrival + 1, terms.decided, terms.decided + 1,
            charter.start(of: expiry + 1), charter.start(of: expiry + charter.holdGraceEpochs),
        ]
        written.moments = try Set(times).sorted().map { try written.moment(at: $0) }
        return written
    }
}
