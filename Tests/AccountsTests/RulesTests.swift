import Digests
import Identity
import Testing
import WaggleProtocol

@testable import Accounts

@Suite("Rules of accounts")
struct RulesTests {
    private static let passphrase = "nine bees in a row"
    private static let invite = Invite(id: 7, uses: 1, expires: 1000, role: .curator)

    private func admit(
        _ mode: RegistrationMode, handle: String = "ada", passphrase: String = passphrase, shown: String = "",
        invite: Invite? = nil, application: String = "", isOperator: Bool = false, now: UInt64 = 100
    ) throws(AccountsError) -> RegistrationRules.Admission {
        try RegistrationRules.admit(
            Registration(handle: handle, passphrase: passphrase, invite: shown, application: application), mode: mode,
            invite: invite, isOperator: isOperator, now: now)
    }

    @Test("an open node lets everybody in, a closed one nobody, whatever they show")
    func openAndClosed() throws {
        #expect(try admit(.open) == .init(state: .active, role: .member, invite: nil))
        #expect(throws: AccountsError.registrationClosed) { try admit(.closed) }
        #expect(throws: AccountsError.registrationClosed) {
            try admit(.closed, shown: "x", invite: Self.invite, application: "please")
        }
    }

    @Test("an invite opens the door with its role, once, in its time")
    func invites() throws {
        #expect(throws: AccountsError.inviteNeeded) { try admit(.invite) }
        #expect(try admit(.invite, shown: "x", invite: Self.invite) == .init(state: .active, role: .curator, invite: 7))
        #expect(throws: AccountsError.badInvite) { try admit(.invite, shown: "x") }
        #expect(throws: AccountsError.badInvite) { try admit(.invite, shown: "x", invite: Self.invite, now: 1000) }
        let used = Invite(id: 7, uses: 0, expires: 1000, role: .member)
        #expect(throws: AccountsError.badInvite) { try admit(.open, shown: "x", invite: used) }
    }

    @Test("who applies says something and waits")
    func applications() throws {
        #expect(throws: AccountsError.applicationNeeded) { try admit(.application, application: " \n") }
        #expect(try admit(.application, application: "I paint").state == .pending)
        #expect(throws: AccountsError.limit("an application has at most 2000 bytes")) {
            try admit(.application, application: String(repeating: "x", count: 2001))
        }
    }

    @Test(
        "names that are none, or are the node's own, are refused",
        arguments: ["", "Ada", "a b", "me", "admin", "é", ".a"])
    func handles(_ handle: String) {
        #expect(throws: AccountsError.self) { try admit(.open, handle: handle) }
    }

    @Test("a passphrase is neither short nor endless")
    func passphrases() {
        #expect(throws: AccountsError.weakPassphrase(least: 10)) { try admit(.open, passphrase: "123456789") }
        #expect(throws: AccountsError.longPassphrase(most: 1024)) {
            try admit(.open, passphrase: String(repeating: "é", count: 513))
        }
    }

    @Test("guessing gets slower and slower, and a success takes it back")
    func attempts() {
        var limiter = AttemptLimiter()
        for _ in 0..<Limits.Accounts.freeAttempts {
            #expect(limiter.wait(["a", "x"], now: 100) == nil)
            limiter.fail(["a", "x"], now: 100)
        }
        #expect(limiter.wait(["a"], now: 100) == 2)
        #expect(limiter.wait(["x", "other"], now: 101) == 1)
        #expect(limiter.wait(["other"], now: 100) == nil)
        limiter.fail(["a"], now: 102)
        #expect(limiter.wait(["a"], now: 102) == 4)
        for _ in 0..<100 { limiter.fail(["a"], now: 102) }
        #expect(limiter.wait(["a"], now: 102) == Limits.Accounts.longestPause)
        limiter.succeed("a")
        #expect(limiter.wait(["a"], now: 102) == nil)
    }

    @Test("made-up names do not fill the memory, and the newest failures are kept")
    func forgetting() {
        var limiter = AttemptLimiter()
        for number in 0...(2 * Limits.Accounts.rememberedAttempts) {
            limiter.fail(["name \(number)"], now: UInt64(number))
        }
        let last = "name \(2 * Limits.Accounts.rememberedAttempts)"
        for _ in 0..<5 { limiter.fail([last], now: 30_000) }
        #expect(limiter.wait([last], now: 30_000) != nil)
    }

    @Test("a secret is recognised by its form, and a slip is none")
    func secrets() throws {
        let secret = SecretToken(.api, entropy: Array(0..<32))
        #expect(secret.text.hasPrefix("wgl_t") && secret.text.utf8.count == 54)
        #expect(SecretToken(secret.text, .api) == secret)
        #expect(SecretToken(secret.text, .session) == nil)
        #expect(!"\(secret)".contains(secret.text.suffix(20)))
        for place in [5, 20, 53] {
            var text = Array(secret.text)
            text[place] = text[place] == "x" ? "y" : "x"
            #expect(SecretToken(String(text), .api) == nil)
        }
        #expect(SecretToken(.api, entropy: [UInt8](repeating: 255, count: 32)).text.utf8.count == 54)
        #expect(SecretToken("", .api) == nil && SecretToken(String(repeating: "é", count: 27), .api) == nil)
    }

    @Test("a challenge is good once, for five minutes, for its own origin and node")
    func challenges() throws {
        let key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32)))
        let challenge = KeyChallenge(nonce: "n", origin: "https://a.example", node: .zero, issued: 100)
        let signature = key.sign(Array(challenge.text.utf8))
        #expect(challenge.isSigned(signature, by: key.publicKey))
        let elsewhere = KeyChallenge(nonce: "n", origin: "https://b.example", node: .zero, issued: 100)
        #expect(!elsewhere.isSigned(signature, by: key.publicKey))
        var open = OpenChallenges()
        open.add(challenge)
        #expect(open.take("n", now: 399) == challenge)
        #expect(open.take("n", now: 100) == nil)
        open.add(challenge)
        #expect(open.take("n", now: 400) == nil)
    }

    @Test("a role bounds the scopes of its tokens")
    func roles() throws {
        func account(_ role: AccountRole) -> Account {
            Account(
                id: 1, handle: "ada", author: .zero, role: role, state: .active, custody: .node, created: 0, levels: 3,
                blurFrom: 4, adultSince: nil, quota: nil,
                hasPassphrase: true, application: "", reason: "")
        }
        #expect(throws: AccountsError.self) {
            try NewToken(label: "", scopes: [.admin]).check(for: account(.member), now: 0)
        }
        try NewToken(label: "", scopes: [.admin]).check(for: account(.admin), now: 0)
        #expect(throws: AccountsError.self) {
            try NewToken(label: "", scopes: [.read], buzzLimit: 5).check(for: account(.member), now: 0)
        }
        #expect(throws: AccountsError.self) {
            try NewToken(label: "", scopes: [.read], expires: 9).check(for: account(.member), now: 9)
        }
        // Somebody who became limited since does no more with an old token.
        let grant = Grant(
            account: account(.limited), source: .token(id: 1, label: ""), scopes: [.read, .publish], expires: nil)
        #expect(grant.allows(.read) && !grant.allows(.publish))
        #expect(try TokenScope.list("publish, READ") == [.publish, .read])
        #expect(throws: AccountsError.self) { try TokenScope.list("publish,fly") }
        #expect(throws: AccountsError.self) { try TokenScope.list(",") }
    }
}
