import Digests
import Foundation
import Identity
import Testing

@testable import Ledger

/// Four nodes that decide in a currency together, and one that joined it.
struct QuorumWorld {
    static let names = ["a", "b", "c", "d"]

    let world: LedgerWorld
    var nodes: [Currencies]
    let member: Currencies
    let charter: Charter
    /// What a test's account signs with.
    let payer = TestCurrency.key("payer")
    let payee = TestCurrency.id("payee")

    /// How fast the time of rounds passes: slowly where none must come to nothing because the machine is busy.
    let pace: Double

    init(
        skew: [Int64] = [0, 0, 0, 0], pace: Double = 0.005, wardens: CharterDraft.Wardens? = nil
    ) async throws {
        self.pace = pace
        world = try LedgerWorld()
        nodes = []
        var rules = CharterDraft(name: "Honey", symbol: "HNY")
        rules.wardens = wardens
        var ceremony = CharterCeremony(rules, now: world.now)
        for (name, skew) in zip(Self.names, skew) {
            let node = try await world.node(name, skew: skew, pace: pace)
            try ceremony.add(try await node.draftOperator(node: name, url: "http://" + name, capPerEpoch: 1000))
            nodes.append(node)
        }
        for node in nodes { ceremony = try await node.sign(ceremony) }
        charter = try ceremony.charter()
        for node in nodes { #expect(try await node.found(ceremony).currency == charter.currency) }
        member = try await world.node("m", pace: pace)
        _ = try await member.join(nil, at: "http://a")
    }

    var currency: Hash32 { charter.currency }

    /// Opens a node again, as it is on the disk.
    func again(_ name: String) async throws -> Currencies { try await world.node(name, pace: pace) }

    /// Gives the payer something to spend.
    func fund(_ amount: Int64 = 100) async throws {
        _ = try await nodes[0].grant([Output(account: payer.publicKey, amount: amount)], reference: nil, in: currency)
    }

    @discardableResult
    func pay(_ amount: Int64, at node: Currencies, reference: String? = nil) async throws -> Final {
        try await node.perform(
            .transfer([Output(account: payee, amount: amount)]), of: payer.publicKey, by: payer,
            reference: reference.map { SHA256.hash(Array($0.utf8)) }, in: currency)
    }

    func order(_ seq: UInt64, _ amount: Int64) throws -> SignedOrder {
        SignedOrder(
            try Order(
                currency: currency, slot: .account(payer.publicKey, seq: seq),
                .transfer([Output(account: payee, amount: amount)])), signedBy: [payer])
    }

    /// Everybody reads everybody's log; then all have the same, and every log stands an audit.
    func expectAgreement(_ sourceLocation: SourceLocation = #_sourceLocation) async throws {
        for node in nodes + [member] { _ = try await node.follow(currency) }
        let states = try await (nodes + [member]).asyncMap { try #require(await $0.state(currency)) }
        for state in states {
            #expect(state.ledger == states[0].ledger && state.size == states[0].size, sourceLocation: sourceLocation)
        }
        for node in nodes {
            let report = try await StoredAudit(node.store).run(charter, against: try await node.checkpoint(currency))
            #expect(report.entries == states[0].size, sourceLocation: sourceLocation)
        }
        let copy = try await StoredAudit(member.store).run(charter, against: nil)
        #expect(copy.entries == states[0].size, sourceLocation: sourceLocation)
    }

    /// The key of an authority, for what only it can sign.
    func key(_ name: String) throws -> SigningKey {
        try #require(try LedgerKeyFile(path: world.path(name + ".authority"))).key
    }
}

extension Sequence {
    func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
