import Digests
import Foundation
import Identity
import Testing

@testable import Ledger

@Suite("A charter that goes from operator to operator")
struct CeremonyTests {
    private func one(_ name: String, cap: UInt64 = 100) -> CharterCeremony.Operator {
        CharterCeremony.Operator(
            key: TestCurrency.id(name), node: "node " + name, url: "http://" + name, capPerEpoch: cap)
    }

    private func drawn(_ names: [String] = ["a", "b", "c", "d"]) throws -> CharterCeremony {
        var ceremony = CharterCeremony(CharterDraft(name: "Honey", symbol: "HNY"), now: 1_000_000)
        for name in names { try ceremony.add(one(name, cap: name == "d" ? 0 : 100)) }
        return ceremony
    }

    @Test("each adds themselves, all sign, and what comes of it is the same charter for everybody")
    func ceremony() throws {
        var ceremony = try drawn()
        try ceremony.add(one("b", cap: 7))
        let charter = try ceremony.charter()
        #expect(charter.f == 1 && charter.quorum == 3)
        #expect(charter.authorities.map(\.url) == ["http://a", "http://b", "http://c", "http://d"])
        #expect(charter.granters.count == 3 && charter.granters[TestCurrency.id("b")]?.capPerEpoch == 7)
        #expect(charter.genesis == 1_000_000 - 1_000_000 % 86_400)
        for name in ["a", "b", "c", "d"] {
            #expect(try !ceremony.unsigned().isEmpty)
            ceremony = try CharterCeremony(json: ceremony.json)
            try ceremony.sign(TestCurrency.key(name))
        }
        try ceremony.sign(TestCurrency.key("a"))
        #expect(try ceremony.unsigned().isEmpty && ceremony.signatures.count == 4)
        #expect(try ceremony.charter().currency == charter.currency)
    }

    @Test("operators and others may be wardens; a file of before, which names none, is read as before")
    func wardens() throws {
        var rules = CharterDraft(name: "Honey", symbol: "HNY")
        func charter(_ wardens: CharterDraft.Wardens?) throws -> Charter {
            rules.wardens = wardens
            var ceremony = CharterCeremony(rules, now: 1_000_000)
            for name in ["a", "b", "c", "d"] { try ceremony.add(one(name)) }
            #expect(String(decoding: ceremony.json, as: UTF8.self).contains("wardens") == (wardens != nil))
            return try CharterCeremony(json: ceremony.json).charter()
        }
        func choice(_ names: [String], _ areOperators: Bool, _ threshold: Int) -> CharterDraft.Wardens {
            CharterDraft.Wardens(
                names.map { TestCurrency.id($0).hex }, areOperators: areOperators, threshold: threshold,
                hasClawback: true, maxFreezeEpochs: 3)
        }
        #expect(try charter(nil).wardens.isEmpty)
        let named = try charter(choice(["w"], true, 3))
        #expect(named.wardens == ["w", "a", "b", "c", "d"].map(TestCurrency.id) && named.wardenThreshold == 3)
        #expect(named.hasClawback && named.maxFreezeEpochs == 3)
        for wrong in [choice([], true, 5), choice([], true, 0), choice([], false, 1), choice(["a"], true, 1)] {
            #expect(throws: LedgerError.self, "\(wrong)") { try charter(wrong) }
        }
        let many = choice((0...16).map { "w\($0)" }, false, 1)
        #expect(throws: LedgerError.self) { try charter(many) }
    }

    @Test("there are 3f + 1 of them, with keys and addresses of their own; strangers do not sign")
    func refused() throws {
        for names in [["a"], ["a", "b", "c"], ["a", "b", "c", "d", "e"]] {
            #expect(throws: LedgerError.self) { try drawn(names).charter() }
        }
        let seven = try drawn(["a", "b", "c", "d", "e", "f", "g"]).charter()
        #expect(seven.f == 2 && seven.maxOutputs == 199, "a final of a later round fits into a log")
        #expect(try drawn().charter().maxOutputs == 256)
        var ceremony = try drawn()
        #expect(throws: LedgerError.self) { try ceremony.sign(TestCurrency.key("e")) }
        let copy = CharterCeremony.Operator(key: TestCurrency.id("e"), node: "", url: "http://a", capPerEpoch: 0)
        #expect(throws: LedgerError.self) { try ceremony.add(copy) }
        try ceremony.sign(TestCurrency.key("a"))
        #expect(throws: LedgerError.self, "what was signed would be another charter") { try ceremony.add(one("e")) }
    }

    @Test("a document that was changed after a signature is found out, and one that is none is refused")
    func changed() throws {
        var ceremony = try drawn()
        try ceremony.sign(TestCurrency.key("a"))
        let text = String(decoding: ceremony.json, as: UTF8.self)
        for (from, to) in [("\"HNY\"", "\"HNX\""), ("\"capPerEpoch\" : 100", "\"capPerEpoch\" : 101")] {
            #expect(text.contains(from))
            let forged = try CharterCeremony(json: Data(text.replacing(from, with: to, maxReplacements: 1).utf8))
            #expect(throws: LedgerError.self, "\(to)") { try forged.unsigned() }
        }
        for bad in ["", "{}", "[]", text.replacing("\"version\" : 1", with: "\"version\" : 2")] {
            #expect(throws: LedgerError.self) { try CharterCeremony(json: Data(bad.utf8)) }
        }
        #expect(throws: LedgerError.self) { try CharterCeremony(json: Data(count: 1 << 20)) }
    }
}
