import Digests
import Foundation
import Ledger
import Testing
import WaggleProtocol

@testable import Economy

@Suite("What a node remembers of bounties and rewards")
struct StoreTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "economy-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func store() throws -> EconomyStore { try EconomyStore(path: folder.appending(path: "economy.db").path) }

    private func name(_ text: String) -> Hash32 { SHA256.hash(Array(text.utf8)) }

    @Test("terms and first arrivals stay as they were, over restarts")
    func bounties() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var body = WireBounty()
        body.title = "Old maps"
        (body.currency, body.arbiter, body.arbiterNode) = (name("c").data, name("a").data, name("n").data)
        (body.deadline, body.decided, body.rule) = (10, 20, .split)
        let (bounty, poster) = (name("bounty"), name("poster"))
        let first = try store()
        try await first.keep(body, of: bounty, by: poster)
        try await first.noteArrivals([name("e")], of: bounty, at: 5)
        try await first.noteArrivals([name("e"), name("f")], of: bounty, at: 7)
        body.rule = .refund
        try await first.keep(body, of: bounty, by: name("another"))
        let again = try store()
        let terms = try #require(try await again.terms(of: bounty))
        #expect(terms.rule == .split && terms.poster == poster && terms.lastArrival == 20)
        #expect(try await again.arrivals(of: bounty) == [name("e"): 5, name("f"): 7])
        #expect(try await again.terms(of: name("unknown")) == nil)
    }

    @Test("the list of an epoch is made once; what it counted is never counted again")
    func rewards() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let charter = try CharterDraft(name: "Honey", symbol: "HNY").charter(
            authority: name("node"), url: "https://hive.example", genesis: 86400)
        let plan = RewardPlan(charter, granter: try #require(charter.granters.values.first), epoch: 4)
        let member = RewardMember(author: name("a"), account: name("x"), admitted: 86400)
        let fact = RewardFact(
            .follow, actor: name("a"), recipient: name("a"), post: name("p"), created: plan.span.lowerBound,
            subject: name("b"))
        let list = plan.evidence([fact], members: [member])
        let store = try store()
        #expect(try await store.keep(list) == list)
        #expect(try await store.keep(plan.evidence([], members: [])) == list, "another list changes nothing")
        #expect(try await store.unpaid(in: charter.currency) == [4])
        #expect(try await store.newestEvidence(of: charter.currency) == 4)
        try await store.notePaid(list)
        #expect(try await store.unpaid(in: charter.currency) == [])
        #expect(try await store.evidence(of: charter.currency, epoch: 4)?.isPaid == true)
        let key = try #require(fact.key)
        #expect(try await store.counted([key, name("other")], in: charter.currency) == [key])
        #expect(try await store.counted([key], in: name("another currency")) == [])
    }
}
