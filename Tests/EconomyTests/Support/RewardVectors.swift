import Digests
import Foundation
import Identity
import Ledger

@testable import Economy

/// `rewards.json`: what members did in an epoch, and the list that says what it comes to.
struct RewardVectors: Codable, Equatable {
    var description =
        "Rewards (spec/rewards.md). cases: facts of one epoch, in no order, members, and keys of facts that earlier lists have; "
        + "then the evidence list, its hash, and what it pays. lists: texts that are no list, or whose facts do not come to what "
        + "they say by the charter."
    var cases: [Case] = []
    var lists: [List] = []

    struct Case: Codable, Equatable {
        let name: String
        let charter: String
        let granter: Hash32
        let epoch: Int64
        let members: [Member]
        let facts: [Fact]
        let counted: [Hash32]
        var evidence = ""
        var hash: Hash32?
        var outputs: [BountyVectors.Paid] = []
        /// Of the facts that the list has, in its order; zeroes for those that each epoch has anew.
        var keys: [Hash32] = []
    }

    struct Member: Codable, Equatable {
        let author: Hash32
        let account: Hash32
        let admitted: UInt64
    }

    struct Fact: Codable, Equatable {
        let action: String
        let actor: Hash32
        let recipient: Hash32
        let post: Hash32
        let created: UInt64
        let subject: Hash32
    }

    struct List: Codable, Equatable {
        let name: String
        let text: String
        /// Whether it can be read.
        let isList: Bool
    }

    /// What charters rewarded first. A file of vectors keeps its charters when others come to reward more.
    static func firstRewards(_ draft: CharterDraft) -> [CharterDraft.Reward] {
        draft.rewards.filter { $0.action != RewardAction.generatorFeedback.rawValue }
    }

    static let file = VectorFile(name: "rewards.json") { try make() }

    static func make() throws -> RewardVectors {
        var vectors = RewardVectors()
        for seed in 1...6 as ClosedRange<UInt64> {
            var written = try Case(seed: seed)
            try written.count()
            vectors.cases.append(written)
        }
        var feedback = try Case.feedback()
        try feedback.count()
        vectors.cases.append(feedback)
        let good = vectors.cases[0].evidence
        let lines = good.split(separator: "\n").map(String.init)
        func text(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }
        let facts = lines.indices.filter { lines[$0].hasPrefix("fact ") }
        var swapped = lines
        swapped.swapAt(facts[0], facts[1])
        let other = lines.map { $0.hasPrefix("fact ") ? $0 + "0" : $0 }
        vectors.lists = [
            .init(name: "a fact more than once", text: text(lines + [lines[facts[0]]]), isList: true),
            .init(name: "facts in another order", text: text(swapped), isList: true),
            .init(name: "tenfold amounts", text: text(other), isList: true),
            .init(name: "no members", text: text(lines.filter { !$0.hasPrefix("member ") }), isList: true),
            .init(name: "another version", text: good.replacing("rewards/1", with: "rewards/2"), isList: false),
            .init(name: "no last line feed", text: String(good.dropLast()), isList: false),
            .init(name: "a line feed more", text: good + "\n", isList: false),
            .init(name: "two spaces", text: good.replacing("epoch ", with: "epoch  "), isList: false),
            .init(name: "a leading zero", text: good.replacing("epoch ", with: "epoch 0"), isList: false),
            .init(name: "a member behind a fact", text: good + lines[4] + "\n", isList: false),
            .init(name: "a fact cut short", text: text(lines + ["fact x"]), isList: false),
            .init(name: "nothing", text: "", isList: false),
        ]
        return vectors
    }
}

extension RewardVectors.Case {
    /// People who do all kinds of things, some of them strangers, newcomers, or in another epoch.
    init(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let genesis: UInt64 = 86400 * 20_000
        var draft = CharterDraft(name: "Honey", symbol: "HNY")
        draft.capPerEpoch = seed % 3 == 0 ? 150 : 1_000_000
        draft.rewards = RewardVectors.firstRewards(draft)
        let charter = try draft.charter(
            authority: VectorPerson.key("authority").publicKey, url: "https://hive.example", genesis: genesis)
        let start = charter.start(of: 3)
        let people = (0..<6).map { VectorPerson("person \($0)") }
        // The last is a stranger, the one before came in this epoch.
        let members = people.dropLast().enumerated().map { index, person in
            RewardVectors.Member(
                author: person.author, account: person.account, admitted: index == 4 ? start + 60 : genesis)
        }
        let facts = (0..<40).map { index in
            let action = RewardAction.allCases.dropLast().randomElement(using: &random)!
            let (actor, other) = (people.randomElement(using: &random)!, people.randomElement(using: &random)!)
            let isOwn = [.dailyBoost, .firstPost, .reactionGiven, .follow].contains(action)
            let subject = action == .follow ? other.author : SHA256.hash([UInt8.random(in: 0...5, using: &random)])
            return RewardVectors.Fact(
                action: action.rawValue, actor: actor.author, recipient: isOwn ? actor.author : other.author,
                post: SHA256.hash(Array("post \(seed) \(index)".utf8)),
                created: UInt64.random(in: start - 3000..<start + 89_400, using: &random),
                subject: action.isOnceAnEpoch ? .zero : subject)
        }
        self.init(
            name: "seed \(seed)", charter: Hex.encode(charter.bytes), granter: charter.granters.keys.min() ?? .zero,
            epoch: 3, members: members, facts: facts,
            counted: try facts.prefix(4).compactMap { try $0.fact().key })
    }

    /// What people thought of pictures that were drawn for them: each picture once, up to the cap, and only their own.
    static func feedback() throws -> Self {
        let genesis: UInt64 = 86400 * 20_000
        let charter = try CharterDraft(name: "Honey", symbol: "HNY").charter(
            authority: VectorPerson.key("authority").publicKey, url: "https://hive.example", genesis: genesis)
        let start = charter.start(of: 3)
        let people = (0..<5).map { VectorPerson("person \($0)") }
        let (first, second) = (people[0].author, people[1].author)
        let stranger = SHA256.hash(Array("stranger".utf8))
        func fact(
            _ actor: Hash32, _ picture: UInt8, _ post: String, _ created: UInt64, to recipient: Hash32? = nil
        ) -> RewardVectors.Fact {
            RewardVectors.Fact(
                action: RewardAction.generatorFeedback.rawValue, actor: actor, recipient: recipient ?? actor,
                post: SHA256.hash(Array(post.utf8)), created: created, subject: SHA256.hash([picture]))
        }
        var facts: [RewardVectors.Fact] = []
        for number in UInt8(0)..<12 {
            facts.append(fact(first, number, "feedback \(number)", start + 60 * UInt64(number)))
        }
        facts += [
            fact(second, 0, "of another", start + 5), fact(second, 0, "again", start + 6),
            fact(second, 1, "before", start - 1), fact(second, 20, "for another", start + 7, to: first),
            fact(stranger, 21, "of a stranger", start + 8), fact(first, 22, "over the cap", start + 3600),
        ]
        return Self(
            name: "feedback", charter: Hex.encode(charter.bytes), granter: charter.granters.keys.min() ?? .zero,
            epoch: 3,
            members: people.enumerated().map { index, person in
                RewardVectors.Member(
                    author: person.author, account: person.account, admitted: index == 4 ? start + 60 : genesis)
            }, facts: facts, counted: [try facts[11].fact().key].compactMap { $0 })
    }

    func currency() throws -> Charter {
        guard let bytes = Hex.decode(charter) else { throw VectorError("no charter") }
        return try Charter(bytes: Data(bytes))
    }

    /// The list that these facts come to.
    func list() throws -> RewardEvidence {
        let charter = try currency()
        guard let granter = charter.granters[granter] else { throw VectorError("no granter") }
        return RewardPlan(charter, granter: granter, epoch: epoch).evidence(
            try facts.map { try $0.fact() },
            members: members.map { RewardMember(author: $0.author, account: $0.account, admitted: $0.admitted) },
            counted: Set(counted))
    }

    fileprivate mutating func count() throws {
        let list = try list()
        evidence = list.text
        hash = list.hash
        outputs = list.outputs.map { .init(account: $0.account, amount: $0.amount) }
        keys = list.lines.map { $0.fact.key ?? .zero }
    }
}

extension RewardVectors.Fact {
    func fact() throws -> RewardFact {
        guard let action = RewardAction(rawValue: action) else { throw VectorError("no action") }
        return RewardFact(action, actor: actor, recipient: recipient, post: post, created: created, subject: subject)
    }
}
