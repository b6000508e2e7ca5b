import Digests
import Foundation
import Identity
import Synchronization
import Testing
import WaggleProtocol

@testable import Accounts

@Suite("Accounts")
struct AccountsTests {
    private static let passphrase = "nine bees in a row"

    fileprivate func keys(_ seed: UInt8) throws -> NewKeys {
        let device = [UInt8](repeating: seed, count: 32)
        return NewKeys(
            author: SHA256.hash([seed]), deviceSeed: device, root: [UInt8](repeating: seed &+ 1, count: 32),
            documents: [Data([seed])])
    }

    @Test("who registers can sign in, and the node signs for them after a restart")
    func registering() async throws {
        let desk = try await Desk()
        let keys = try keys(1)
        let account = try await desk.accounts.register(
            Registration(handle: "ada", passphrase: Self.passphrase), keys, mode: .open, levels: 3)
        #expect(account.custody == .node && account.hasPassphrase && account.role == .member)
        await #expect(throws: AccountsError.handleTaken("ada")) {
            try await desk.accounts.check(Registration(handle: "ada", passphrase: Self.passphrase), mode: .open)
        }
        let session = try await desk.accounts.signIn(handle: "ada", passphrase: Self.passphrase, from: "x")
        let grant = try #require(try await desk.accounts.grant(session: session.token.text))
        #expect(grant.account == account && grant.allows(.publish) && !grant.allows(.admin))
        #expect(try await desk.accounts.root(of: account, passphrase: Self.passphrase) == keys.root)

        let again = try await desk.reopened()
        let held = try await again.accounts.custodialKeys()
        #expect(held.map(\.account.handle) == ["ada"] && held[0].documents == keys.documents)
        #expect(held[0].signer.device.publicKey == SigningKey(seed: keys.deviceSeed)?.publicKey)
        #expect(try await again.accounts.grant(session: session.token.text) != nil)
        // Whoever has the database alone can open neither key.
        let stranger = try await Desk(folder: desk.folder, custody: 9)
        #expect(try await stranger.accounts.custodialKeys().isEmpty)
        let bytes = desk.databaseBytes()
        for secret in [keys.deviceSeed, keys.root, Array(session.token.text.utf8), Array(Self.passphrase.utf8)] {
            #expect(bytes.firstRange(of: secret) == nil)
        }
    }

    @Test("what is tried again counts once against a token's limit, and what was not spent is given back once")
    func charges() async throws {
        let desk = try await Desk()
        try await desk.accounts.adopt(handle: "me", author: SHA256.hash([9]), role: .admin, levels: 1)
        await #expect(throws: AccountsError.self) {
            try await desk.accounts.newToken(NewToken(label: "", scopes: [.read], buzzLimit: 100), for: "me")
        }
        let token = try await desk.accounts.newToken(
            NewToken(label: "", scopes: [.generate], buzzLimit: 100), for: "me"
        ).token.id
        let accounts = desk.accounts
        for _ in 0..<3 { try await accounts.charge(60, token: token, for: "a") }
        for _ in 0..<3 {
            await #expect(throws: AccountsError.self) { try await accounts.charge(41, token: token, for: "b") }
            // Nothing was taken, so nothing is given back.
            try await accounts.settle("b", token: token, spent: 0)
        }
        try await accounts.charge(40, token: token, for: "c")
        let again = try await desk.reopened().accounts
        for _ in 0..<3 { try await again.settle("a", token: token, spent: 10) }
        await #expect(throws: AccountsError.self) { try await again.charge(51, token: token) }
        try await again.charge(50, token: token)
        try await again.settle("c", token: token, spent: 40)
        await #expect(throws: AccountsError.self) { try await again.charge(1, token: token) }
    }

    @Test("households grow together, are left alone, and outlive a restart")
    func households() async throws {
        let desk = try await Desk()
        let authors = (0..<5).map { SHA256.hash([UInt8($0)]) }
        for (name, author) in zip(["a", "b", "c", "d", "e"], authors) {
            try await desk.accounts.adopt(handle: name, author: author, role: .member, levels: 1)
        }
        #expect(try await desk.accounts.households().areOne(authors[0], authors[0]))
        #expect(try await !desk.accounts.households().areOne(authors[0], authors[1]))
        try await desk.accounts.setHousehold(["d", "c"])
        try await desk.accounts.setHousehold(["a", "b"])
        #expect(try await desk.accounts.sharedHouseholds() == [["a", "b"], ["c", "d"]])
        // One of each brings both together.
        try await desk.accounts.setHousehold(["d", "b"])
        let again = try await desk.reopened().accounts
        #expect(try await again.sharedHouseholds() == [["a", "b", "c", "d"]])
        #expect(try await again.households().areOne(authors[0], authors[3]))
        #expect(try await !again.households().areOne(authors[0], authors[4]))
        for name in ["a", "c"] { try await again.setHousehold([name]) }
        #expect(try await again.sharedHouseholds() == [["b", "d"]])
        try await again.setHousehold(["b", "b"])
        #expect(try await again.sharedHouseholds() == [], "nobody is a household alone")
        await #expect(throws: AccountsError.noAccount("x")) { try await again.setHousehold(["a", "x"]) }
        #expect(try await again.sharedHouseholds() == [])
    }

    @Test("a node that takes another key of its own opens what it holds for others")
    func anotherNodeKey() async throws {
        let desk = try await Desk()
        _ = try await desk.accounts.register(
            Registration(handle: "ada", passphrase: Self.passphrase), try keys(1), mode: .open, levels: 3)
        let next = try #require(SigningKey(seed: [UInt8](repeating: 7, count: 32)))
        let now = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32)))
        try await desk.accounts.share(with: next, from: now)
        #expect(try await Desk(folder: desk.folder, custody: 7).accounts.custodialKeys().count == 1)
        #expect(try await Desk(folder: desk.folder, custody: 1).accounts.custodialKeys().count == 1)
    }

    @Test("a wrong passphrase, an unknown name and an account without a passphrase look alike, and guessing is slowed")
    func wrong() async throws {
        let desk = try await Desk()
        _ = try await desk.accounts.register(
            Registration(handle: "ada", passphrase: Self.passphrase), try keys(1), mode: .open, levels: 3)
        try await desk.accounts.adopt(handle: "me", author: SHA256.hash([9]), role: .admin, levels: 31)
        for handle in ["ada", "nobody", "me"] {
            await #expect(throws: AccountsError.wrongCredentials) {
                try await desk.accounts.signIn(handle: handle, passphrase: "wrong passphrase", from: handle)
            }
        }
        for _ in 0..<4 {
            await #expect(throws: AccountsError.wrongCredentials) {
                try await desk.accounts.signIn(handle: "ada", passphrase: "wrong passphrase", from: "x")
            }
        }
        await #expect(throws: AccountsError.tooManyAttempts(retryAfter: 2)) {
            try await desk.accounts.signIn(handle: "ada", passphrase: Self.passphrase, from: "y")
        }
        desk.time.add(2, ordering: .relaxed)
        _ = try await desk.accounts.signIn(handle: "ada", passphrase: Self.passphrase, from: "y")
    }

    @Test("a changed passphrase opens the root, ends other sessions, and the old one is none")
    func changing() async throws {
        let desk = try await Desk()
        let account = try await desk.accounts.register(
            Registration(handle: "ada", passphrase: Self.passphrase), try keys(1), mode: .open, levels: 3)
        let kept = try await desk.accounts.signIn(handle: "ada", passphrase: Self.passphrase, from: "x")
        let other = try await desk.accounts.signIn(handle: "ada", passphrase: Self.passphrase, from: "x")
        let grant = try #require(try await desk.accounts.grant(session: kept.token.text))
        guard case .session(let id) = grant.source else { throw Wrong() }
        await #expect(throws: AccountsError.wrongCredentials) {
            try await desk.accounts.changePassphrase(
                of: account, from: "something else", to: "ten bees in a row", keeping: id)
        }
        try await desk.accounts.changePassphrase(
            of: account, from: Self.passphrase, to: "ten bees in a row", keeping: id)
        #expect(try await desk.accounts.grant(session: kept.token.text) != nil)
        #expect(try await desk.accounts.grant(session: other.token.text) == nil)
        #expect(
            try await desk.accounts.root(of: account, passphrase: "ten bees in a row")
                == [UInt8](repeating: 2, count: 32))
        // The operator's way leaves the root to the recovery words.
        try await desk.accounts.resetPassphrase(of: account, to: "eleven bees in a row")
        await #expect(throws: AccountsError.wrongCredentials) {
            try await desk.accounts.root(of: account, passphrase: "eleven bees in a row")
        }
    }

    private struct Wrong: Error {}

    @Test("a token lasts until it expires or is revoked, and its use is noted to the minute")
    func tokens() async throws {
        let desk = try await Desk()
        let account = try await desk.accounts.register(
            Registration(handle: "ada", passphrase: Self.passphrase), try keys(1), mode: .open, levels: 3)
        let made = try await desk.accounts.newToken(
            NewToken(label: "bot", scopes: [.read, .spend], expires: 10_200, buzzLimit: 50), for: "ada")
        #expect(try await desk.accounts.tokens(of: account).map(\.lastUsed) == [nil])
        let grant = try #require(try await desk.accounts.grant(token: made.secret.text))
        #expect(grant.scopes == [.read, .spend] && grant.expires == 10_200)
        #expect(try await desk.accounts.tokens().first?.lastUsed == 10_000)
        #expect(try await desk.accounts.tokens().first?.buzzLimit == 50)
        desk.time.add(61, ordering: .relaxed)
        _ = try await desk.accounts.grant(token: made.secret.text)
        #expect(try await desk.accounts.tokens().first?.lastUsed == 10_061)
        desk.time.add(139, ordering: .relaxed)
        #expect(try await desk.accounts.grant(token: made.secret.text) == nil)
        let second = try await desk.accounts.newToken(NewToken(label: "", scopes: [.read]), for: "ada")
        #expect(try await desk.accounts.grant(token: second.secret.text) != nil)
        try await desk.accounts.revoke(token: second.token.id)
        #expect(try await desk.accounts.grant(token: second.secret.text) == nil)
        await #expect(throws: AccountsError.noToken("\(second.token.id)")) {
            try await desk.accounts.revoke(token: second.token.id)
        }
        await #expect(throws: AccountsError.noAccount("eve")) {
            try await desk.accounts.newToken(NewToken(label: "", scopes: [.read]), for: "eve")
        }
    }

    @Test("who is disabled is out at once, and the last admin stays")
    func disabling() async throws {
        let desk = try await Desk()
        try await desk.accounts.adopt(handle: "me", author: SHA256.hash([9]), role: .admin, levels: 31)
        // Said again at every start, it changes nothing.
        try await desk.accounts.adopt(handle: "me", author: SHA256.hash([9]), role: .member, levels: 1)
        await #expect(throws: AccountsError.lastAdmin) { try await desk.accounts.set(.disabled, of: "me") }
        await #expect(throws: AccountsError.lastAdmin) { try await desk.accounts.set(.member, of: "me") }
        let ada = try await desk.accounts.register(
            Registration(handle: "ada", passphrase: Self.passphrase), try keys(1), mode: .open, levels: 3)
        let token = try await desk.accounts.newToken(NewToken(label: "", scopes: [.read]), for: "ada").secret
        let session = try await desk.accounts.openSession(for: ada)
        #expect(try await desk.accounts.grant(token: token.text) != nil)
        _ = try await desk.accounts.set(.disabled, of: "ada")
        #expect(try await desk.accounts.grant(token: token.text) == nil)
        #expect(try await desk.accounts.grant(session: session.token.text) == nil)
        #expect(try await desk.accounts.custodialKeys().isEmpty)
        await #expect(throws: AccountsError.disabled("ada")) {
            try await desk.accounts.signIn(handle: "ada", passphrase: Self.passphrase, from: "x")
        }
        _ = try await desk.accounts.set(.active, of: "ada")
        #expect(try await desk.accounts.grant(token: token.text) == nil, "tokens do not come back")
    }

    @Test("an invite for one is for one, also when two come at the same time")
    func invites() async throws {
        let desk = try await Desk()
        try await desk.accounts.adopt(handle: "me", author: SHA256.hash([9]), role: .admin, levels: 31)
        let invite = try await desk.accounts.invite(by: "me", uses: 1, seconds: 100).text
        let results = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<4 {
                group.addTask {
                    let registration = Registration(
                        handle: "guest\(number)", passphrase: Self.passphrase, invite: invite)
                    guard let keys = try? keys(UInt8(number + 20)) else { return false }
                    return
                        (try? await desk.accounts.register(registration, keys, mode: .invite, levels: 3)) != nil
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(results == 1)
        #expect(try await desk.accounts.all().count == 2)
    }

    @Test("the set-up token is made once by itself, works once, and a new one takes its place")
    func setup() async throws {
        let desk = try await Desk()
        try await desk.accounts.adopt(handle: "me", author: SHA256.hash([9]), role: .admin, levels: 31)
        let first = try #require(try await desk.accounts.firstSetupToken())
        #expect(try await desk.accounts.firstSetupToken() == nil)
        let second = try await desk.accounts.newSetupToken()
        func setUp(_ token: String) async throws -> OpenedSession {
            try await desk.accounts.setUp(token: token, owner: "me", passphrase: Self.passphrase, from: "x")
        }
        await #expect(throws: AccountsError.badSetupToken) { try await setUp(first.text) }
        let session = try await setUp(second.text)
        #expect(try await desk.accounts.grant(session: session.token.text)?.allows(.admin) == true)
        await #expect(throws: AccountsError.badSetupToken) { try await setUp(second.text) }
        #expect(try await desk.accounts.firstSetupToken() == nil)
        _ = try await desk.accounts.signIn(handle: "me", passphrase: Self.passphrase, from: "x")
    }

    @Test("a set-up that fails leaves the token as it was, and strangers who guess keep nobody else out")
    func failedSetup() async throws {
        let desk = try await Desk()
        try await desk.accounts.adopt(handle: "me", author: SHA256.hash([9]), role: .admin, levels: 31)
        let token = try await desk.accounts.newSetupToken()
        @Sendable func setUp(_ token: String, owner: String, from address: String) async throws -> OpenedSession {
            try await desk.accounts.setUp(token: token, owner: owner, passphrase: Self.passphrase, from: address)
        }
        await #expect(throws: AccountsError.noAccount("nobody")) {
            try await setUp(token.text, owner: "nobody", from: "x")
        }
        for _ in 0..<Limits.Accounts.freeAttempts {
            await #expect(throws: AccountsError.badSetupToken) { try await setUp("wrong", owner: "me", from: "y") }
        }
        await #expect(throws: AccountsError.tooManyAttempts(retryAfter: Limits.Accounts.firstPause)) {
            try await setUp(token.text, owner: "me", from: "y")
        }
        // Of two at the same time one gets in.
        let sessions = await withTaskGroup(of: OpenedSession?.self) { group in
            for _ in 0..<2 { group.addTask { try? await setUp(token.text, owner: "me", from: "x") } }
            var sessions: [OpenedSession] = []
            for await case let session? in group { sessions.append(session) }
            return sessions
        }
        #expect(sessions.count == 1)
        let session = try #require(sessions.first)
        #expect(try await desk.accounts.grant(session: session.token.text) != nil)
    }

    @Test("a repeated request gets its first answer; another request under the same key does not")
    func answers() async throws {
        let desk = try await Desk()
        let ada = try await desk.accounts.register(
            Registration(handle: "ada", passphrase: Self.passphrase), try keys(1), mode: .open, levels: 3)
        let (one, two) = (SHA256.hash([1]), SHA256.hash([2]))
        let answer = KeptAnswer(status: 201, contentType: "application/json", location: "/x", body: Data([1]))
        func begin(_ print: Hash32) async throws -> KeptAnswer? {
            try await desk.accounts.beginAnswer(to: "k", fingerprint: print, of: ada)
        }
        #expect(try await begin(one) == nil)
        await #expect(throws: AccountsError.keyInUse) { try await begin(one) }
        await #expect(throws: AccountsError.keyReused) { try await begin(two) }
        try await desk.accounts.finishAnswer(to: "k", answer, of: ada)
        #expect(try await begin(one) == answer)
        await #expect(throws: AccountsError.keyReused) { try await begin(two) }
        #expect(try await desk.accounts.beginAnswer(to: "l", fingerprint: one, of: ada) == nil)
        // The process ended meanwhile: what was under way may be sent again, what was answered is known.
        let again = try await desk.reopened()
        #expect(try await again.accounts.beginAnswer(to: "l", fingerprint: one, of: ada) == nil)
        try await again.accounts.abandonAnswer(to: "l", of: ada)
        #expect(try await again.accounts.beginAnswer(to: "l", fingerprint: two, of: ada) == nil)
        #expect(try await again.accounts.beginAnswer(to: "k", fingerprint: one, of: ada) == answer)
        again.time.add(Limits.Accounts.keptAnswerSeconds + 1, ordering: .relaxed)
        #expect(try await again.accounts.beginAnswer(to: "k", fingerprint: two, of: ada) == nil)
    }
}

/// Accounts in a folder of their own, with a clock that stands.
extension AccountsTests {
    @Test("somebody who moved away can neither sign in nor be signed for, and nothing of their keys stays")
    func moving() async throws {
        let desk = try await Desk()
        let account = try await desk.accounts.register(
            Registration(handle: "ada", passphrase: "nine bees in a row"), try keys(1), mode: .open, levels: 3)
        let session = try await desk.accounts.openSession(for: account)
        try await desk.accounts.noteMoved("ada")
        #expect(try await desk.accounts.grant(session: session.token.text) == nil)
        #expect(try await desk.accounts.custodialKeys().isEmpty)
        await #expect(throws: AccountsError.moved("ada")) {
            try await desk.accounts.signIn(handle: "ada", passphrase: "nine bees in a row", from: "x")
        }
        let moved = try await desk.accounts.existing("ada")
        await #expect(throws: AccountsError.wrongCredentials) {
            try await desk.accounts.root(of: moved, passphrase: "nine bees in a row")
        }
        try await desk.accounts.welcomeBack(account.author)
        let back = try await desk.accounts.existing("ada")
        #expect(back.state == .active && back.custody == .keyFile)
    }
}

private final class Desk: Sendable {
    let folder: URL
    let time = Atomic<UInt64>(10_000)
    let accounts: Accounts
    private let isOwner: Bool

    init(folder: URL? = nil, custody: UInt8 = 1) async throws {
        isOwner = folder == nil
        self.folder = folder ?? FileManager.default.temporaryDirectory.appending(path: "accounts-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        let key = try #require(SigningKey(seed: [UInt8](repeating: custody, count: 32)))
        let clock = Weak()
        accounts = try await Accounts(
            path: self.folder.appending(path: "accounts.db").path, node: key, now: { clock.now })
        clock.desk.withLock { $0 = { [weak self] in self?.time.load(ordering: .relaxed) ?? 0 } }
    }

    /// The clock is there before the desk is whole.
    private final class Weak: Sendable {
        let desk = Mutex<@Sendable () -> UInt64>({ 10_000 })
        var now: UInt64 { desk.withLock { $0 }() }
    }

    func reopened() async throws -> Desk {
        try await Desk(folder: folder)
    }

    func databaseBytes() -> [UInt8] {
        ["accounts.db", "accounts.db-wal"].flatMap { name in
            [UInt8](FileManager.default.contents(atPath: folder.appending(path: name).path) ?? Data())
        }
    }

    deinit {
        if isOwner { try? FileManager.default.removeItem(at: folder) }
    }
}
