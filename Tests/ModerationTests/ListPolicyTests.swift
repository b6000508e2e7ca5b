import Digests
import Formats
import Foundation
import Testing
import WaggleProtocol

@testable import Moderation

@Suite("What lists do here")
struct ListPolicyTests {
    static let list = ListID(author: SHA256.hash([1]), slug: "one")
    static let other = ListID(author: SHA256.hash([2]), slug: "two")

    static func subject(_ number: Int) -> ListSubject {
        .exact(.blob(SHA256.hash(Array("subject \(number)".utf8))))
    }

    static func entry(
        _ number: Int, _ severity: Severity = .block, basis: EntryBasis = .human, reason: String = "likeness",
        until: UInt64 = 0, isWithdrawn: Bool = false, created: UInt64 = 10
    ) -> ListEntry {
        ListEntry(
            subject: subject(number), severity: severity, reason: reason, basis: basis, until: until,
            isWithdrawn: isWithdrawn, post: SHA256.hash(Array("\(number) \(severity) \(created) \(basis)".utf8)),
            created: created)
    }

    private func actions(_ policy: ListPolicy, at now: UInt64 = 100) -> [ListSubject: Severity] {
        policy.effects(at: now).mapValues(\.action)
    }

    private let nothing: (ListSubject) -> Reach = { _ in .none }

    @Test("a draft does nothing before a person approves, and then what it says, but deletes nothing")
    func drafts() throws {
        var policy = ListPolicy()
        policy.take(Self.entry(1, .purge), of: Self.list)
        policy.take(Self.entry(2, .warn), of: Self.list)
        try policy.subscribe(ListSource(id: Self.list), by: "me", now: 1)
        #expect(policy.settle(at: 100, catalog: 10_000, reach: nothing) == [])
        #expect(actions(policy).isEmpty)
        #expect(policy.waiting(Self.list, at: 100).count == 2)
        #expect(try policy.approve(Self.list, by: "me", now: 2) == 2)
        #expect(actions(policy) == [Self.subject(1): .block, Self.subject(2): .warn])
        #expect(policy.waiting(Self.list, at: 100).isEmpty)
    }

    @Test(
        "automatic lists act up to their grant and by people's decisions alone, of the reasons that they were granted")
    func automatic() throws {
        var policy = ListPolicy()
        for (number, basis) in EntryBasis.allCases.enumerated() {
            policy.take(Self.entry(number, .purge, basis: basis), of: Self.list)
        }
        policy.take(Self.entry(8, .block, reason: "spam"), of: Self.list)
        try policy.subscribe(
            ListSource(id: Self.list, mode: .automatic, reasons: ["likeness"]), by: "me", now: 1)
        _ = policy.settle(at: 100, catalog: 10_000, reach: nothing)
        #expect(actions(policy) == [Self.subject(0): .hide])
        #expect(
            Set(policy.waiting(Self.list, at: 100).map(\.subject)) == [
                Self.subject(1), Self.subject(2), Self.subject(8),
            ])
        var trusted = try #require(policy.source(Self.list))
        trusted.grant = .purge
        try policy.change(trusted, by: "me", now: 2)
        // What was done before stays as it was done.
        #expect(actions(policy) == [Self.subject(0): .hide])
        trusted.grant = .note
        try policy.change(trusted, by: "me", now: 3)
        #expect(actions(policy) == [Self.subject(0): .note])
    }

    @Test("an entry that becomes graver or has another reason waits again; one that becomes milder acts milder")
    func graver() throws {
        var policy = ListPolicy()
        policy.take(Self.entry(1, .hide), of: Self.list)
        try policy.subscribe(ListSource(id: Self.list), by: "me", now: 1)
        try policy.approve(Self.list, by: "me", now: 1)
        policy.take(Self.entry(1, .block, created: 11), of: Self.list)
        #expect(actions(policy).isEmpty)
        #expect(policy.waiting(Self.list, at: 100).count == 1)
        policy.take(Self.entry(1, .warn, created: 12), of: Self.list)
        #expect(actions(policy) == [Self.subject(1): .warn])
        policy.take(Self.entry(1, .warn, reason: "spam", created: 13), of: Self.list)
        #expect(actions(policy).isEmpty)
    }

    @Test("the newest entry counts in whatever order they come, and a withdrawn one ends what it did everywhere")
    func state() throws {
        let old = Self.entry(1, .block, created: 10)
        let withdrawn = Self.entry(1, .block, isWithdrawn: true, created: 11)
        for order in [[old, withdrawn], [withdrawn, old]] {
            var policy = ListPolicy()
            try policy.subscribe(ListSource(id: Self.list, mode: .automatic, grant: .block), by: "me", now: 1)
            for entry in order {
                policy.take(entry, of: Self.list)
                _ = policy.settle(at: 100, catalog: 10_000, reach: nothing)
            }
            #expect(actions(policy).isEmpty)
            #expect(policy.waiting(Self.list, at: 100).isEmpty)
        }
    }

    @Test("what runs out ends by itself, and entries of a key that was revoked act no longer")
    func ends() throws {
        var policy = ListPolicy()
        let entry = Self.entry(1, until: 50)
        policy.take(entry, of: Self.list)
        policy.take(Self.entry(2), of: Self.list)
        try policy.subscribe(ListSource(id: Self.list), by: "me", now: 1)
        try policy.approve(Self.list, by: "me", now: 1)
        #expect(actions(policy, at: 49).count == 2)
        #expect(policy.nextExpiry(after: 10) == 50)
        #expect(actions(policy, at: 50) == [Self.subject(2): .block])
        policy.drop(post: Self.entry(2).post, saying: Self.subject(2), of: Self.list)
        #expect(actions(policy, at: 49) == [Self.subject(1): .block])
        // It comes back with the key: nobody has to approve twice what is the same.
        policy.take(Self.entry(2), of: Self.list)
        #expect(actions(policy, at: 49).count == 2)
    }

    @Test("of lists that contradict each other the first decides, and this node's own word stands above all")
    func priority() throws {
        var policy = ListPolicy()
        policy.take(Self.entry(1, .note), of: Self.list)
        policy.take(Self.entry(1, .block), of: Self.other)
        for list in [Self.other, Self.list] { try policy.subscribe(ListSource(id: list), by: "me", now: 1) }
        for list in [Self.other, Self.list] { try policy.approve(list, by: "me", now: 1) }
        #expect(actions(policy) == [Self.subject(1): .block])
        try policy.change(try #require(policy.source(Self.list)), to: 0, by: "me", now: 2)
        #expect(actions(policy) == [Self.subject(1): .note])
        policy.setAllowed(Self.subject(1), true)
        #expect(actions(policy).isEmpty)
        policy.setAllowed(Self.subject(1), false)
        #expect(actions(policy) == [Self.subject(1): .note])
        try policy.reject(Self.list, [Self.subject(1)], by: "me", now: 3)
        #expect(actions(policy) == [Self.subject(1): .note], "what acts is not waiting")
    }

    @Test("a consensus acts where enough authors agree; lists of one author are one voice, programs have none")
    func consensus() throws {
        let authors = (1...4).map { SHA256.hash([UInt8($0)]) }
        let lists = authors.map { ListID(author: $0, slug: "a") } + [ListID(author: authors[0], slug: "b")]
        var policy = ListPolicy()
        let rule = ListSource(
            id: ListID(consensus: "three"), mode: .automatic, grant: .block,
            consensus: .init(lists: lists, needed: 3))
        try policy.subscribe(rule, by: "me", now: 1)
        #expect(policy.wanted == Set(lists))
        func say(_ list: Int, _ severity: Severity, _ basis: EntryBasis = .human) {
            policy.take(Self.entry(1, severity, basis: basis), of: lists[list])
            _ = policy.settle(at: 100, catalog: 10_000, reach: nothing)
        }
        say(0, .block)
        say(4, .block)
        say(1, .block)
        say(2, .block, .auto)
        #expect(actions(policy).isEmpty)
        say(3, .hide)
        #expect(actions(policy) == [Self.subject(1): .hide], "as grave as all three say")
        #expect(throws: PolicyError.self) {
            try policy.subscribe(
                ListSource(id: ListID(consensus: "six"), consensus: .init(lists: lists, needed: 5)), by: "me", now: 1)
        }
    }

    @Test("an update that would take too much waits for a person, in one go or in many small ones")
    func brake() throws {
        let reach: (ListSubject) -> Reach = { _ in Reach(items: 1, local: 0) }
        for atOnce in [200, 10] {
            var policy = ListPolicy()
            try policy.subscribe(ListSource(id: Self.list, mode: .automatic, grant: .block), by: "me", now: 1)
            var braked: [ListPolicy.Braked] = []
            for number in 0..<200 {
                policy.take(Self.entry(number), of: Self.list)
                if (number + 1) % atOnce == 0 { braked += policy.settle(at: 100, catalog: 100_000, reach: reach) }
            }
            #expect(actions(policy).count == (atOnce == 200 ? 0 : 100))
            #expect(braked.reduce(0) { $0 + $1.entries } == (atOnce == 200 ? 200 : 100))
            // A restart does not let go of the brake, nor does another day.
            _ = policy.settle(at: 300_000, catalog: 100_000, reach: reach)
            #expect(actions(policy).count == (atOnce == 200 ? 0 : 100))
            try policy.approve(Self.list, by: "me", now: 300_001)
            #expect(actions(policy).count == 200)
        }
        #expect(ListPolicy.brake(catalog: 0) == 5)
        #expect(ListPolicy.brake(catalog: 2000) == 20)
        #expect(ListPolicy.brake(catalog: 1_000_000) == 100)
    }

    @Test("a list in the shadow does nothing and says what it would do")
    func shadow() throws {
        var policy = ListPolicy()
        try policy.subscribe(
            ListSource(id: Self.list, mode: .automatic, grant: .block, isShadow: true), by: "me", now: 1)
        for number in 0..<41 { policy.take(Self.entry(number), of: Self.list) }
        policy.take(Self.entry(50, .warn, basis: .auto), of: Self.list)
        _ = policy.settle(at: 100, catalog: 10_000) { _ in Reach(items: 1, local: 0) }
        #expect(actions(policy).isEmpty)
        let preview = policy.preview(Self.list, at: 100, catalog: 100_000) { subject in
            Reach(items: 1, local: subject == Self.subject(7) ? 1 : 0)
        }
        #expect(preview.entries == 42 && preview.items == 41 && preview.local == 1 && preview.undecided == 1)
        #expect(!preview.isBraked)
    }

    @Test("what only looks alike, or shares few digits, is never deleted; people are on no list")
    func gravest() throws {
        var policy = ListPolicy()
        try policy.subscribe(ListSource(id: Self.list, mode: .automatic, grant: .purge), by: "me", now: 1)
        let hash = SHA256.hash([7])
        let subjects: [ListSubject] = [
            .picture(PDQHash(words: hash), distance: 31), .autov2(hash.words.0 >> 24), .author(hash),
            .exact(.blob(hash)),
        ]
        for (number, subject) in subjects.enumerated() {
            policy.take(
                ListEntry(
                    subject: subject, severity: .purge, reason: "ncii", basis: .human,
                    post: SHA256.hash([UInt8(number)]), created: 1), of: Self.list)
        }
        _ = policy.settle(at: 100, catalog: 10_000, reach: nothing)
        #expect(actions(policy) == [subjects[0]: .block, subjects[1]: .block, subjects[3]: .purge])
        let effects = ListEffects(policy.effects(at: 100)) { _ in [] }
        #expect(effects.effect(on: .blob(hash))?.action == .purge)
        #expect(effects.effect(on: .tensors(hash)) == nil)
    }

    @Test("salted entries name files and pictures for whoever has them, and for nobody else")
    func salted() throws {
        let salt = [UInt8](repeating: 9, count: 16)
        let hash = SHA256.hash([7])
        let picture = try #require(
            PDQ(
                pixels: (0..<64 * 64 * 3).map { UInt8(truncatingIfNeeded: $0 * $0 / 7 &+ $0 / 192) }, width: 64,
                height: 64))
        var policy = ListPolicy()
        policy.setSalt(salt, of: Self.list)
        for (number, subject) in [
            ListSubject.saltedFile(ListSubject.salted(hash, with: salt)),
            .saltedPicture(ListSubject.salted(picture.dihedral[3].words, with: salt)),
        ].enumerated() {
            policy.take(
                ListEntry(
                    subject: subject, severity: .block, reason: "ncii", basis: .human,
                    post: SHA256.hash([UInt8(number)]), created: 1), of: Self.list)
        }
        try policy.subscribe(ListSource(id: Self.list), by: "me", now: 1)
        try policy.approve(Self.list, by: "me", now: 1)
        let effects = ListEffects(policy.effects(at: 100)) { policy.salt(of: $0) }
        #expect(effects.effect(on: .blob(hash))?.action == .block)
        #expect(effects.effect(on: .blob(SHA256.hash([8]))) == nil)
        #expect((effects.effect(onPicture: picture) != nil) == (picture.quality >= 50))
    }

    @Test("hosts are known by the domains that they are in")
    func hosts() {
        let effect = ListEffect(action: .block, source: Self.list, entry: Self.entry(1))
        let effects = ListEffects([.domain("bad.example"): effect]) { _ in [] }
        for host in ["bad.example", "a.bad.example", "A.B.BAD.example"] { #expect(effects.effect(onHost: host) != nil) }
        for host in ["example", "notbad.example", "bad.example.org", ""] {
            #expect(effects.effect(onHost: host) == nil)
        }
    }

    @Test("a subject's text is read as it is written")
    func texts() throws {
        let hash = SHA256.hash([7])
        let subjects: [ListSubject] = [
            .exact(.blob(hash)), .exact(.tensors(hash)), .exact(.post(hash)),
            .picture(PDQHash(words: hash), distance: 7), .author(hash), .key(hash), .node(hash), .domain("a.example"),
            .phrase("two words: here"), .autov2(0x01_02_03_04_ff), .autov3(hash), .saltedFile(hash),
            .saltedPicture(hash),
        ]
        for subject in subjects {
            #expect(ListSubject(text: subject.text) == subject, "\(subject.text)")
            #expect(ListSubject(subject.wire) == subject, "\(subject.text)")
            #expect(try JSONDecoder().decode(ListSubject.self, from: JSONEncoder().encode(subject)) == subject)
        }
        #expect(ListSubject(text: hash.hex) == .exact(.blob(hash)))
        for text in ["", "file:", "file:00", "bees:\(hash.hex)", "picture:\(hash.hex)/32", "autov2:0102", "phrase:"] {
            #expect(ListSubject(text: text) == nil, "\(text)")
        }
    }
}
