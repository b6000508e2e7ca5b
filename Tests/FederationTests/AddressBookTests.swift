import Digests
import Foundation
import Identity
import Testing
import WaggleProtocol

@testable import Federation

private func node(_ number: Int) -> Hash32 { SHA256.hash(Array("node \(number)".utf8)) }

@Suite("The address book")
struct AddressBookTests {
    @Test("one source fills its own share of what is untried, and pushes out nothing that was proved")
    func shares() {
        var book = AddressBook()
        for number in 0..<Limits.Peers.table - 100 {
            book.prove("https://n\(number).example", node: node(number), now: 10)
        }
        for round in 0..<50 {
            book.learn((0..<30).map { "https://fake\(round)-\($0).example" }, from: node(1), now: 20)
        }
        #expect(book.entries.values.count { $0.source == node(1) } == Limits.Peers.exchanged)
        for source in 0..<50 {
            book.learn((0..<30).map { "https://other\(source)-\($0).example" }, from: node(5000 + source), now: 20)
        }
        #expect(book.entries.count == Limits.Peers.table)
        #expect(book.proved.count == Limits.Peers.table - 100)
    }

    @Test("an address that does not answer is tried after growing pauses, and forgotten in the end")
    func backoff() {
        var random = SplitMix(seed: 5)
        var book = AddressBook()
        book.prove("https://a.example", node: node(1), now: 100)
        var now: UInt64 = 100
        var pauses: [UInt64] = []
        while book.entries["https://a.example"] != nil {
            book.fail("https://a.example", now: now, random: &random)
            guard let entry = book.entries["https://a.example"] else { break }
            pauses.append(entry.nextTry - now)
            #expect(book.candidates(5, except: [], now: now, random: &random).isEmpty)
            now = entry.nextTry
        }
        #expect(pauses.allSatisfy { $0 <= Limits.Peers.backoffSecondsAtMost })
        #expect(pauses.last! > Limits.Peers.backoffSecondsAtMost / 2)
        #expect(now >= 100 + Limits.Peers.forgottenSeconds)
        book.learn(["https://b.example"], from: node(2), now: 0)
        for _ in 0..<5 { book.fail("https://b.example", now: 0, random: &random) }
        #expect(book.entries.isEmpty, "what was never proved goes soon")
    }

    @Test("candidates are half proved and half new, and none is a node that is talked to")
    func candidates() {
        var random = SplitMix(seed: 6)
        var book = AddressBook()
        for number in 0..<10 { book.prove("https://p\(number).example", node: node(number), now: 1) }
        book.learn((0..<10).map { "https://f\($0).example" }, from: node(99), now: 1)
        let chosen = book.candidates(8, except: [node(0), node(1)], now: 1, random: &random)
        #expect(chosen.count == 8 && chosen.count { $0.provedAt > 0 } == 4)
        #expect(!chosen.contains { $0.node == node(0) || $0.node == node(1) })
        // A node that moved has one address.
        book.prove("https://moved.example", node: node(3), now: 2)
        #expect(book.entries["https://p3.example"] == nil)
    }

    @Test("anchors are dialled first after a restart, and there are no more than two")
    func anchors() throws {
        var book = AddressBook()
        var random = SplitMix(seed: 5)
        for number in 0..<50 { book.prove("https://p\(number).example", node: node(number), now: 1) }
        book.setAnchors(["https://p7.example", "https://p31.example", "https://p9.example"])
        book.advance("https://p7.example", cursor: "log.12")
        // What is kept is what is read again.
        let kept = try book.entries.values.map { entry in
            try JSONDecoder().decode(AddressBook.Entry.self, from: JSONEncoder().encode(entry))
        }
        let again = AddressBook(kept)
        let first = again.candidates(4, except: [], now: 1, random: &random).map(\.url)
        #expect(first.count == 4 && Set(first.prefix(2)) == ["https://p7.example", "https://p31.example"])
        #expect(again.entries["https://p7.example"]?.cursor == "log.12")
        book.setAnchors(["https://p9.example"])
        #expect(book.candidates(1, except: [], now: 1, random: &random).first?.url == "https://p9.example")
        // Entries of before had neither.
        let old = Data(#"{"url":"https://o.example","provedAt":3,"failingSince":0,"failures":0,"nextTry":0}"#.utf8)
        #expect(try JSONDecoder().decode(AddressBook.Entry.self, from: old).isAnchor == nil)
    }

    @Test("a list of first addresses is read when the named key signed it, and not when anything of it was changed")
    func bootstrap() throws {
        let key = try #require(SigningKey(seed: Array(repeating: 7, count: 32)))
        let text = BootstrapList.text(["https://a.example", "http://b.example:7700"], signedBy: key)
        let list = try BootstrapList(text, signedBy: key.publicKey)
        #expect(list.urls == ["https://a.example", "http://b.example:7700"])
        #expect(throws: BootstrapList.Failure.otherKey(key.publicKey)) { try BootstrapList(text, signedBy: node(1)) }
        let changed = text.replacing("a.example", with: "e.example")
        #expect(throws: BootstrapList.Failure.badSignature) { try BootstrapList(changed, signedBy: key.publicKey) }
        #expect(throws: BootstrapList.Failure.noSignature) { try BootstrapList("", signedBy: key.publicKey) }
        #expect(throws: BootstrapList.Failure.noSignature) {
            try BootstrapList("https://a.example\n", signedBy: key.publicKey)
        }
    }

    private struct Vector: Decodable {
        struct Refused: Decodable { let text: String }

        let key: String
        let text: String
        let urls: [String]
        let refused: [Refused]
    }

    @Test("the recorded list is read, and its changed copies are not")
    func recorded() throws {
        let vector = try vectors("bootstrap.json", as: Vector.self)
        let key = try #require(Hex.decode(vector.key).flatMap { Hash32($0) })
        #expect(try BootstrapList(vector.text, signedBy: key).urls == vector.urls)
        for refused in vector.refused {
            #expect(throws: BootstrapList.Failure.self) { try BootstrapList(refused.text, signedBy: key) }
        }
    }

    @Test("neighbourhoods are networks of 24 and 48 bits and registered domains")
    func neighbourhoods() throws {
        func places(_ url: String, _ address: String) throws -> Set<Neighbourhood> {
            Neighbourhood.all(of: try PeerURL(url), [try #require(IPAddress(address))])
        }
        #expect(
            try !places("https://a.example", "93.184.216.34").isDisjoint(
                with: places("https://b.test", "93.184.216.99")))
        #expect(
            try places("https://a.example", "93.184.216.34").isDisjoint(with: places("https://b.test", "93.184.217.34"))
        )
        #expect(
            try !places("https://a.node.example", "1.2.3.4").isDisjoint(
                with: places("https://b.node.example", "5.6.7.8")))
        #expect(try places("https://a.co.uk", "1.2.3.4").isDisjoint(with: places("https://b.co.uk", "5.6.7.8")))
        #expect(
            try !places("https://x.example", "2001:db8:1:2::1").isDisjoint(
                with: places("https://y.test", "2001:db8:1:ffff::9")))
    }
}
