import Accounts
import Digests
import Federation
import Foundation
import HTTPTypes
import Identity
import Moderation
import Operations
import PostLog
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Old homes, whose addresses people type")
struct OldHomeTests {
    private static let passphrase = "nine bees in a row"
    private static let secret = RecoverySecret(bytes: [UInt8](repeating: 7, count: 32))

    private func move(from url: String) throws -> MoveHere {
        MoveHere(
            Registration(handle: "ada", passphrase: Self.passphrase), words: try #require(Self.secret).words,
            author: "", from: url)
    }

    /// The operator names a peer: addresses of this machine are for those alone.
    private func name(_ url: String, as other: Hash32, to node: TestNode) async throws {
        _ = try await node.services.context().federation.peers.add(
            node: other, url: url, name: "Old", typed: true, now: TestNode.time)
    }

    @Test("one whose answer begins and does not go on is given up in time")
    func silent() async throws {
        let clock = ManualClock()
        let node = try await TestNode.make(clock: clock)
        let context = node.services.context()
        try await SilentHome.serve { url, answered in
            try await name(url, as: SHA256.hash(Array("old".utf8)), to: node)
            let move = try move(from: url)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let trouble = await #expect(throws: MoveTrouble.self) { _ = try await move.run(in: context) }
                    #expect(trouble?.part == .from)
                    #expect(trouble?.reason.message.contains("\(Limits.Accounts.moveSeconds) s") == true)
                }
                for await _ in answered { break }
                await clock.waitForSleepers(1)
                clock.advance(by: .seconds(Limits.Accounts.moveSeconds))
                try await group.waitForAll()
            }
        }
        #expect(try await node.accounts.account(handle: "ada") == nil)
    }

    @Test("an address has one place among those who move, and whoever finds none is told how long that may be")
    func places() async throws {
        let room = MoveRoom()
        func isRefused(_ caller: String, at now: UInt64) async throws -> UInt64? {
            do {
                try await room.taking(for: caller, now: now) {}
                return nil
            } catch GatewayError.tooManyRequests(let seconds) {
                return seconds
            }
        }
        let all = UInt64(Limits.Accounts.moveSeconds)
        try await room.taking(for: "192.0.2.1", now: 1000) {
            #expect(try await isRefused("192.0.2.1", at: 1010) == all - 10)
            #expect(try await isRefused("192.0.2.2", at: 1010) == nil)
            let full = try await room.taking(for: "192.0.2.2", now: 1020) {
                [
                    try await isRefused("192.0.2.3", at: 1030), try await isRefused("192.0.2.2", at: 1030),
                    try await isRefused("192.0.2.3", at: 1000 + 2 * all),
                ]
            }
            #expect(full == [all - 30, all - 10, 5])
            #expect(try await isRefused("192.0.2.3", at: 1040) == nil)
        }
        #expect(try await isRefused("192.0.2.1", at: 1050) == nil)
    }

    @Test("who has to wait for somebody's slow old home is told how long, on the page with all that they typed")
    func waiting() async throws {
        let clock = ManualClock()
        let node = try await TestNode.make(clock: clock)
        let words = try #require(Self.secret).words
        try await SilentHome.serve { url, answered in
            try await name(url, as: SHA256.hash(Array("old".utf8)), to: node)
            try await node.test { client in
                let visitor = Member(client: client, session: "")
                @Sendable func come(_ handle: String) async throws -> Answer {
                    try await visitor.fill(
                        "/signup/move", "/signup/move",
                        ["from": url, "words": words, "account": handle, "passphrase": Self.passphrase])
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        let late = try await come("ada")
                        #expect(late.status == .unprocessableContent && late.text.contains("f-from-trouble"))
                    }
                    for await _ in answered { break }
                    let refused = try await come("bea")
                    #expect(refused.status == .tooManyRequests, "\(refused.text)")
                    #expect(refused.headers[.retryAfter] == "\(Limits.Accounts.moveSeconds)")
                    #expect(refused.text.contains("value=\"bea\"") && refused.text.contains(words))
                    let asked = ["from": url, "words": words, "account": "cea", "passphrase": Self.passphrase]
                    let program = try await client(
                        .post, "/api/w1/moves", [.contentType: "application/json"],
                        body: [UInt8](try JSONSerialization.data(withJSONObject: asked)))
                    #expect(program.status == .tooManyRequests && program.headers[.retryAfter] != nil)
                    await clock.waitForSleepers(1)
                    clock.advance(by: .seconds(Limits.Accounts.moveSeconds))
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test("a peer that the operator named is meant in all parts of its address, and nothing else of that machine")
    func whole() async throws {
        let node = try await TestNode.make()
        let federation = node.services.context().federation
        try await name("http://127.0.0.1:9/hive", as: SHA256.hash(Array("old".utf8)), to: node)
        for other in ["http://127.0.0.1:9", "https://127.0.0.1:9/hive", "http://127.0.0.1:9/hive/admin"] {
            await #expect(throws: DialError.self, "\(other)") {
                try await federation.visit(other, patience: .seconds(60)) { _ in }
            }
        }
    }

    @Test("what comes along with moves is counted: more than that is not taken in, however often it is asked for")
    func counted() async throws {
        let (old, new) = (try await TestNode.make(nodeSeed: 11), try await TestNode.make())
        let secret = try #require(Self.secret)
        let genesis = try secret.genesis(.person)
        try await old.take([genesis])
        // Two keys sign there, so that the move stays open and may be asked for again.
        let devices = [UInt8(1), 2].compactMap { SigningKey(seed: [UInt8](repeating: $0, count: 32)) }
        for device in devices {
            var entry = WireDevice()
            entry.key = device.publicKey.data
            entry.label = "laptop"
            entry.scopes = [.release, .review, .post, .list]
            let chain = try #require(try await old.log.keyChain(of: genesis.id))
            try await old.take([try chain.listing(entry, by: .words(secret), now: TestNode.time - 5000)])
        }
        let signer = Signer(author: genesis.id, device: devices[0])
        @Sendable func write(_ numbers: Range<Int>) async throws {
            try await old.take(
                numbers.map { number in
                    var post = WirePost()
                    post.created = TestNode.time - 1000
                    post.slot = "text-\(number)"
                    post.article.title = "Text \(number)"
                    post.article.text = "Words."
                    post.article.level = Level.pg.rawValue
                    return try signer.sign(post)
                })
        }
        try await write(0..<2)
        let context = new.services.context()
        try await old.serve { live in
            try await new.following {
                try await name(live.base, as: old.node.id, to: new)
                let came = try await move(from: live.base).run(in: context)
                let account = came.account
                let outcome = try #require(came.outcome)
                // With the key documents.
                #expect(outcome.isOpen && outcome.posts > 2)
                let left = try await new.accounts.movedRoom(of: account)
                #expect(left.posts == Limits.Accounts.movedPosts - outcome.posts)
                #expect(left.bytes < Limits.Accounts.movedBytes)
                // As if all but two had come before.
                try await new.accounts.admit(moved: left.posts - 2, bytes: 0, by: account)
                let again = FinishMove(account: account, from: live.base, kept: nil)
                try await write(2..<4)
                #expect(try await again.run(passphrase: Self.passphrase, in: context).posts == 2)
                try await write(4..<5)
                let seq = new.log.newestSeq
                let trouble = await #expect(throws: MoveTrouble.self) {
                    _ = try await again.run(passphrase: Self.passphrase, in: context)
                }
                #expect(trouble?.part == .from && trouble?.reason.code == .limits)
                #expect(new.log.newestSeq == seq)
                // The rest of the move needs nothing from there.
                let rest = FinishMove(account: account, from: "", kept: nil)
                #expect(try await rest.run(passphrase: Self.passphrase, in: context).posts == 0)
            }
        }
    }
}
