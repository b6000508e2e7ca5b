import Digests
import Ledger
import Testing
import WaggleProtocol

@testable import Economy

@Suite("Rewards: what a granter pays for an epoch")
struct RewardTests {
    private static let genesis: UInt64 = 86400 * 200

    private static func name(_ text: String) -> Hash32 { SHA256.hash(Array(text.utf8)) }

    private static func charter(cap: UInt64 = 1_000_000) throws -> Charter {
        var draft = CharterDraft(name: "Honey", symbol: "HNY")
        draft.capPerEpoch = cap
        return try draft.charter(authority: name("node"), url: "https://hive.example", genesis: genesis)
    }

    private static func plan(_ charter: Charter, epoch: Int64 = 3) throws -> RewardPlan {
        RewardPlan(charter, granter: try #require(charter.granters.values.first), epoch: epoch)
    }

    private static func member(_ person: String, admitted: UInt64 = genesis) -> RewardMember {
        RewardMember(author: name(person), account: name("account of \(person)"), admitted: admitted)
    }

    private static func fact(
        _ action: RewardAction, _ actor: String, _ recipient: String, about subject: String = "", at time: UInt64
    ) -> RewardFact {
        RewardFact(
            action, actor: name(actor), recipient: name(recipient), post: name("\(action) \(actor) \(subject) \(time)"),
            created: time, subject: subject.isEmpty ? .zero : name(subject))
    }

    private static func facts(_ random: inout SplitMix, _ people: [String], _ span: Range<UInt64>) -> [RewardFact] {
        (0..<Int.random(in: 0...400, using: &random)).map { _ in
            let action = RewardAction.allCases.randomElement(using: &random)!
            let (a, b) = (people.randomElement(using: &random)!, people.randomElement(using: &random)!)
            let isOwn = [.dailyBoost, .firstPost, .reactionGiven, .follow, .generatorFeedback].contains(action)
            return fact(
                action, a, isOwn ? a : b, about: action.isOnceAnEpoch ? "" : people.randomElement(using: &random)!,
                at: UInt64.random(in: span.lowerBound - 5000..<span.upperBound + 5000, using: &random))
        }
    }

    @Test(
        "no cap is passed, order does not matter, a list counts up to itself, and nothing counts twice",
        arguments: 0..<200)
    func properties(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let cap = UInt64.random(in: 1...3000, using: &random)
        let charter = try Self.charter(cap: cap)
        let plan = try Self.plan(charter)
        let people = (0..<Int.random(in: 1...12, using: &random)).map { "p\($0)" }
        let members = people.dropLast().map { person in
            Self.member(person, admitted: Self.genesis + UInt64.random(in: 0...(86400 * 4), using: &random))
        }
        var facts = Self.facts(&random, people, plan.span)
        let list = plan.evidence(facts, members: members)
        facts.shuffle(using: &random)
        #expect(plan.evidence(facts + facts, members: members.reversed()) == list, "seed \(seed): order and repeats")
        #expect(try RewardEvidence(text: list.text) == list, "seed \(seed)")
        #expect(list.faults(charter) == [], "seed \(seed): counted again")
        let total = list.lines.reduce(0) { $0 + $1.amount }
        #expect(total <= cap && total == UInt64(list.outputs.reduce(0) { $0 + $1.amount }), "seed \(seed)")
        for member in members {
            for reward in plan.granter.rewards {
                let sum = list.lines.filter { $0.account == member.account && $0.fact.action.rawValue == reward.action }
                    .reduce(0) { $0 + $1.amount }
                #expect(sum <= reward.capPerEpoch, "seed \(seed): \(reward.action)")
            }
        }
        let known = Dictionary(uniqueKeysWithValues: members.map { ($0.author, $0) })
        for line in list.lines {
            #expect(
                known[line.fact.recipient]?.account == line.account && known[line.fact.actor] != nil, "seed \(seed)")
            #expect(plan.span.contains(line.fact.created), "seed \(seed)")
            if [.reactionReceived, .collected, .imageForModel].contains(line.fact.action) {
                #expect(line.fact.actor != line.fact.recipient, "seed \(seed): nobody rewards themselves")
            }
        }
        #expect(Set(list.keys).count == list.keys.count, "seed \(seed)")
        // The same things done anew in the next epoch are worth nothing.
        let next = try Self.plan(charter, epoch: 4)
        let again = facts.map { fact in
            RewardFact(
                fact.action, actor: fact.actor, recipient: fact.recipient, post: fact.post,
                created: fact.created + charter.epochSeconds, subject: fact.subject)
        }
        let later = next.evidence(again, members: members, counted: Set(list.keys))
        #expect(Set(later.keys).isDisjoint(with: list.keys), "seed \(seed)")
    }

    @Test("each action is paid to whom it should be, within its cap")
    func actions() throws {
        let plan = try Self.plan(try Self.charter())
        let time = plan.span.lowerBound + 10
        let members = [Self.member("a"), Self.member("b")]
        func paid(_ facts: [RewardFact]) -> [String: Int64] {
            let outputs = plan.evidence(facts, members: members).outputs
            return Dictionary(
                uniqueKeysWithValues: outputs.map { ($0.account == members[0].account ? "a" : "b", $0.amount) })
        }
        #expect(
            paid([Self.fact(.dailyBoost, "a", "a", at: time), Self.fact(.dailyBoost, "a", "a", at: time + 1)]) == [
                "a": 25
            ])
        #expect(paid([Self.fact(.firstPost, "b", "b", at: time)]) == ["b": 25])
        #expect(paid([Self.fact(.reactionGiven, "a", "a", about: "x", at: time)]) == ["a": 2])
        #expect(paid([Self.fact(.reactionReceived, "a", "b", about: "x", at: time)]) == ["b": 2])
        #expect(paid([Self.fact(.collected, "a", "b", about: "x", at: time)]) == ["b": 2])
        #expect(paid([Self.fact(.imageForModel, "a", "b", about: "m", at: time)]) == ["b": 50])
        let follows = (UInt64(0)..<5).map { Self.fact(.follow, "a", "a", about: "person \($0)", at: time + $0) }
        #expect(paid(follows) == ["a": 30])
        let opinions = (UInt64(0)..<12).map {
            Self.fact(.generatorFeedback, "a", "a", about: "picture \($0)", at: time + $0)
        }
        #expect(paid(Array(opinions.prefix(2))) == ["a": 8] && paid(opinions) == ["a": 40])
        #expect(
            paid([opinions[0], Self.fact(.generatorFeedback, "a", "a", about: "picture 0", at: time + 99)]) == ["a": 4])
        #expect(paid([Self.fact(.generatorFeedback, "a", "b", about: "picture", at: time)]) == [:])
        // Strangers count for nothing, neither as givers nor as takers.
        #expect(paid([Self.fact(.reactionReceived, "stranger", "b", about: "x", at: time)]) == [:])
        #expect(paid([Self.fact(.reactionReceived, "a", "stranger", about: "x", at: time)]) == [:])
        // Ten reactions of one person to one author are one.
        #expect(
            paid((0..<10).map { Self.fact(.reactionReceived, "a", "b", about: "post \($0)", at: time) }) == ["b": 2])
    }

    @Test("whoever was admitted in this epoch counts for others only later")
    func newcomers() throws {
        let plan = try Self.plan(try Self.charter())
        let members = [Self.member("a"), Self.member("new", admitted: plan.span.lowerBound - 86399)]
        let fact = Self.fact(.reactionReceived, "new", "a", about: "x", at: plan.span.lowerBound)
        #expect(plan.evidence([fact], members: members).lines == [])
        let older = [Self.member("a"), Self.member("new", admitted: plan.span.lowerBound - 86400)]
        #expect(plan.evidence([fact], members: older).lines.count == 1)
    }

    @Test("numbers that no honest list has are refused, and make nothing overflow")
    func hugeNumbers() throws {
        let charter = try Self.charter()
        let plan = try Self.plan(charter)
        let time = plan.span.lowerBound
        let facts = [
            Self.fact(.dailyBoost, "a", "a", at: time), Self.fact(.reactionReceived, "a", "b", about: "x", at: time),
            Self.fact(.reactionReceived, "b", "a", about: "y", at: time),
        ]
        let text = plan.evidence(facts, members: [Self.member("a"), Self.member("b")]).text
        for (from, to) in [
            (" 2\n", " \(UInt64.max)\n"), ("epoch 3", "epoch \(Int64.max)"), ("epoch 3", "epoch \(Int64.min)"),
        ] {
            #expect(text.contains(from))
            #expect(throws: MalformedEvidence.self, "\(to)") {
                try RewardEvidence(text: text.replacing(from, with: to))
            }
        }
        // Admitted at the end of time: read, and found out.
        let late = try RewardEvidence(text: text.replacing(" \(Self.genesis)\n", with: " \(UInt64.max)\n"))
        #expect(late.faults(charter) != [])
        let future = try RewardEvidence(
            text: text.replacing("epoch 3", with: "epoch \(Limits.Ledger.orderEpochs.upperBound)"))
        #expect(future.faults(charter) != [])
    }

    @Test("a list that was changed is found out, or is none")
    func forged() throws {
        let charter = try Self.charter()
        let plan = try Self.plan(charter)
        let list = plan.evidence(
            [Self.fact(.dailyBoost, "a", "a", at: plan.span.lowerBound)], members: [Self.member("a")])
        let text = list.text
        for (from, to) in [(" 25\n", " 26\n"), ("epoch 3", "epoch 4"), ("daily-boost", "collected")] {
            #expect(try RewardEvidence(text: text.replacing(from, with: to)).faults(charter) != [], "\(to)")
        }
        for bad in ["", "waggle.rewards/1\n", text + "x\n", text.replacing("epoch 3", with: "epoch 03"), text + "\n"] {
            #expect(throws: MalformedEvidence.self, "\(bad.suffix(20))") { try RewardEvidence(text: bad) }
        }
    }
}
