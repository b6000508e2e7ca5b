import Digests
import Foundation
import Identity
import Ledger
import Testing
import WaggleProtocol

@testable import Economy

/// What another implementation reads: from the bytes of the files alone.
@Suite("Bounties and rewards, byte for byte")
struct VectorTests {
    @Test("posts of kinds 23 to 25 are taken or refused as the vectors say")
    func bodies() throws {
        let vectors = try BountyVectors.file.read()
        for body in vectors.bodies {
            let envelope = Data(try #require(Hex.decode(body.envelope)))
            guard let id = body.id else {
                #expect(throws: PostError.self, "\(body.name)") { try SignedPost(envelope: envelope) }
                continue
            }
            let post = try SignedPost(envelope: envelope)
            #expect(post.id == id && post.kind.rawValue == body.kind, "\(body.name)")
        }
        #expect(Set(vectors.bodies.compactMap(\.kind)) == [23, 24, 25])
    }

    @Test("each hold of the vectors is decided as they say, and they have every kind of decision")
    func bounties() throws {
        let vectors = try BountyVectors.file.read()
        var found: Set<[String]> = []
        for vector in vectors.cases {
            for moment in vector.moments {
                #expect(try vector.moment(at: moment.now) == moment, "\(vector.name)")
                for hold in moment.holds { found.insert([hold.decision, hold.why ?? ""]) }
            }
            let (bounty, _) = try vector.opened()
            let amounts = Dictionary(uniqueKeysWithValues: bounty.backings.map { ($0.hold, $0.amount) })
            for hold in vector.moments.flatMap(\.holds) where hold.decision == "pay" {
                let sum = try #require(hold.outputs).reduce(0) { $0 + $1.amount }
                #expect(hold.isEscrow && sum == amounts[hold.hold], "\(vector.name)")
            }
        }
        #expect(
            found == [
                ["closed", ""], ["wait", ""], ["expire", ""], ["pay", "award"], ["pay", "rule"],
                ["give back", "asked"],
                ["give back", "no entries"], ["give back", "rule"],
            ])
        #expect(Set(vectors.cases.map { String($0.name.prefix { $0 != "," }) }).count == BountyRule.allCases.count)
    }

    @Test("the facts of the vectors come to their lists, whatever order they are in")
    func rewards() throws {
        let vectors = try RewardVectors.file.read()
        var actions: Set<RewardAction> = []
        for vector in vectors.cases {
            let list = try vector.list()
            #expect(list.text == vector.evidence && list.hash == vector.hash, "\(vector.name)")
            #expect(SHA256.hash(Array(vector.evidence.utf8)) == vector.hash, "\(vector.name)")
            #expect(list.outputs.map { .init(account: $0.account, amount: $0.amount) } == vector.outputs)
            #expect(list.lines.map { $0.fact.key ?? .zero } == vector.keys, "\(vector.name)")
            let read = try RewardEvidence(text: vector.evidence)
            #expect(read.faults(try vector.currency(), counted: Set(vector.counted)) == [], "\(vector.name)")
            actions.formUnion(list.lines.map(\.fact.action))
        }
        #expect(actions == Set(RewardAction.allCases))
    }

    @Test("texts that are no list are refused, lists that do not add up are found out")
    func lists() throws {
        let vectors = try RewardVectors.file.read()
        let charter = try #require(vectors.cases.first).currency()
        for list in vectors.lists {
            guard list.isList else {
                #expect(throws: MalformedEvidence.self, "\(list.name)") { try RewardEvidence(text: list.text) }
                continue
            }
            #expect(try RewardEvidence(text: list.text).faults(charter) != [], "\(list.name)")
        }
    }
}
