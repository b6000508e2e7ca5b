import Accounts
import Catalog
import Digests
import Foundation
import HTTPTypes
import Identity
import Operations
import PostLog
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Moving with forms")
struct MovePageTests {
    private static let passphrase = "nine bees in a row"

    /// Somebody who opened an account by the page, and their 24 words.
    private func join(_ node: TestNode, _ client: Client) async throws -> (member: Member, words: String) {
        let visitor = Member(client: client, session: "")
        let opened = try await visitor.fill(
            "/signup", "/signup", ["account": "ada", "name": "Ada", "passphrase": Self.passphrase])
        let words = opened.text.matches(of: #/<li><code>([a-z]+)</code>/#).map { String($0.output.1) }
        try #require(words.count == 24)
        return (Member(client: client, session: try #require(opened.session)), words.joined(separator: " "))
    }

    private func submit(_ post: SignedPost, to node: TestNode) async throws {
        let results = try await node.log.intake.submit([post.envelope], from: .local)
        try #require(results.filter { !$0.isHere }.isEmpty, "\(results)")
        await node.catalog.waitUntilApplied(node.log.newestSeq)
    }

    @Test("who comes from elsewhere is told what is wrong at its field, and types nothing twice but the passphrase")
    func refused() async throws {
        let node = try await TestNode.make()
        try await node.following {
            try await node.test { client in
                let visitor = Member(client: client, session: "")
                let page = try await visitor.get("/signup/move?from=https%3A%2F%2Fold.example&account=ada&invite=x")
                #expect(page.status == .ok && HTMLLint.problems(page.text) == [], "\(page.text)")
                #expect(page.text.contains("value=\"https://old.example\"") && page.text.contains("value=\"ada\""))
                #expect(try await visitor.get("/signup").text.contains("/signup/move"))
                let words = RecoverySecret(bytes: [UInt8](repeating: 7, count: 32))?.words ?? ""
                // What is typed, the field that is wrong, and what is said.
                let wrong: [(from: String, words: String, account: String, passphrase: String, author: String)] = [
                    ("http://127.0.0.1:9", "abandon ability able", "ada", Self.passphrase, ""),
                    ("http://127.0.0.1:9", words, "ada", Self.passphrase, ""),
                    ("http://10.1.2.3", words, "ada", Self.passphrase, ""),
                    ("http://[::1]:80", words, "ada", Self.passphrase, ""),
                    ("ftp://old.example", words, "ada", Self.passphrase, ""),
                    ("http://127.0.0.1:9", words, "maker", Self.passphrase, ""),
                    ("http://127.0.0.1:9", words, "No name!", Self.passphrase, ""),
                    ("http://127.0.0.1:9", words, "ada", "short", ""),
                    ("http://127.0.0.1:9", words, "ada", Self.passphrase, "w1nobody"),
                ]
                let fields = ["words", "from", "from", "from", "from", "account", "account", "passphrase", "author"]
                let before = node.log.newestSeq
                for (typed, field) in zip(wrong, fields) {
                    let answer = try await visitor.fill(
                        "/signup/move", "/signup/move",
                        [
                            "from": typed.from, "words": typed.words, "account": typed.account,
                            "passphrase": typed.passphrase, "author": typed.author, "invite": "",
                        ])
                    #expect((400..<500).contains(answer.status.code), "\(field): \(answer.status)")
                    #expect(answer.text.contains("f-\(field)-trouble"), "\(field): \(answer.text)")
                    #expect(answer.text.contains(typed.words) && answer.text.contains(typed.from), "\(field)")
                    #expect(!answer.text.contains("value=\"\(typed.passphrase)\""), "\(field)")
                    #expect(answer.headers[.cacheControl]?.contains("no-store") == true, "\(field)")
                    #expect(HTMLLint.problems(answer.text) == [], "\(field)")
                }
                // Numbers before the words, as a list has them, are no words.
                let numbered = words.split(separator: " ").enumerated().map { "\($0 + 1). \($1)" }
                let listed = try await visitor.fill(
                    "/signup/move", "/signup/move",
                    [
                        "from": "http://127.0.0.1:9", "words": numbered.joined(separator: "\n"), "account": "ada",
                        "passphrase": Self.passphrase,
                    ])
                #expect(listed.text.contains("f-from-trouble") && listed.text.contains("no public address"))
                // Nobody was asked, and nothing is here of anybody.
                #expect(node.log.newestSeq == before)
                #expect(try await node.accounts.account(handle: "ada") == nil)
            }
        }
        let closed = try await TestNode.make(registration: .closed)
        try await closed.test { client in
            let visitor = Member(client: client, session: "")
            #expect(try await visitor.get("/signup/move").action("/signup/move") == nil)
            let answer = try await visitor.post("/signup/move", ["from": "http://127.0.0.1:9", "account": "ada"])
            #expect((400..<500).contains(answer.status.code), "\(answer.status)")
        }
    }

    @Test("who goes gets a link that says where from, and never their words; not to where they are")
    func going() async throws {
        let node = try await TestNode.make()
        try await node.following {
            try await node.test { client in
                let (ada, words) = try await join(node, client)
                let page = try await ada.get("/account/move")
                #expect(page.status == .ok && HTMLLint.problems(page.text) == [], "\(page.text)")
                // Nothing is to be finished: this is the only home.
                #expect(page.action("/account/move/finish") == nil)
                let action = try #require(page.action("/account/move"))
                let led = try await ada.post(action, ["to": "https://new.example/hive/"])
                #expect(led.status == .ok && HTMLLint.problems(led.text) == [], "\(led.text)")
                #expect(
                    led.text.contains(
                        "https://new.example/hive/signup/move?from=https%3A%2F%2Fhive.example&amp;account=ada"),
                    "\(led.text)")
                #expect(!led.text.contains(words))
                for bad in ["javascript:alert(1)", "https://hive.example", "https://user@new.example", ""] {
                    let refused = try await ada.fill("/account/move", "/account/move", ["to": bad])
                    #expect(refused.status == .unprocessableContent, "\(bad): \(refused.status)")
                    #expect(!refused.text.contains("href=\"javascript:"), "\(bad)")
                    #expect(refused.text.contains("go-to-trouble"), "\(bad): \(refused.text)")
                }
            }
        }
    }

    @Test("a move that stopped half-way is finished with the passphrase: keys are withdrawn, and the profile says so")
    func finishing() async throws {
        let node = try await TestNode.make()
        let context = node.services.context()
        try await node.following {
            try await node.test { client in
                let (ada, words) = try await join(node, client)
                let account = try await node.accounts.existing("ada")
                let signer = try #require(context.keyring.accounts["ada"])
                // The keys of two other homes sign for her, and her profile names the first.
                let secret = RootSecret.words(try RecoverySecret(words: words))
                let others = [UInt8(1), 2].compactMap { SigningKey(seed: [UInt8](repeating: $0, count: 32)) }
                for (index, key) in others.enumerated() {
                    var entry = WireDevice()
                    entry.key = key.publicKey.data
                    entry.label = "home \(index)"
                    entry.scopes = [.release, .review, .post, .list]
                    let chain = try #require(try await node.log.keyChain(of: account.author))
                    try await submit(chain.listing(entry, by: secret, now: TestNode.time), to: node)
                }
                var profile = WirePost()
                profile.created = TestNode.time + 1
                profile.profile.name = "Ada"
                profile.profile.home = "https://old.example"
                try await submit(signer.sign(profile), to: node)
                let page = try await ada.get("/account/move")
                #expect(HTMLLint.problems(page.text) == [] && page.text.contains("https://old.example"))
                let action = try #require(page.action("/account/move/finish"))
                let kept = others[1].publicKey.hex

                let wrong = try await ada.post(action, ["passphrase": "another passphrase", "kept": kept, "from": ""])
                #expect(wrong.status == .unprocessableContent && wrong.text.contains("come-passphrase-trouble"))
                #expect(wrong.text.contains("value=\"\(kept)\" checked") && HTMLLint.problems(wrong.text) == [])
                let away = try await ada.post(
                    try #require(wrong.action("/account/move/finish")),
                    ["passphrase": Self.passphrase, "kept": kept, "from": "http://127.0.0.1:9"])
                #expect(away.status == .unprocessableContent && away.text.contains("come-from-trouble"), "\(away.text)")
                let chain = try #require(try await node.log.keyChain(of: account.author))
                #expect(chain.devices.values.allSatisfy { $0.revocation == nil })

                let done = try await ada.post(
                    try #require(away.action("/account/move/finish")),
                    ["passphrase": Self.passphrase, "kept": kept, "from": ""])
                #expect(
                    done.status == .ok && done.text.contains("home 0") && !done.text.contains("home 1"), "\(done.text)")
                #expect(HTMLLint.problems(done.text) == [])
                let after = try #require(try await node.log.keyChain(of: account.author))
                #expect(after.devices[others[0].publicKey]?.revocation != nil)
                #expect(after.devices[others[1].publicKey]?.revocation == nil)
                #expect(after.devices[signer.device.publicKey]?.revocation == nil)
                let said = try await node.log.post(author: account.author, kind: .profile, slot: "")?.post.profile
                #expect(said?.home == "https://hive.example" && said?.name == "Ada")
                // The other key is still offered, the home is not named any more.
                let later = try await ada.get("/account/move")
                #expect(!later.text.contains("https://old.example") && later.text.contains("home 1"))
            }
        }
    }

    @Test("who has not the words gets no guess at the passphrase of somebody who is here, and nobody waits for that")
    func guessing() async throws {
        let node = try await TestNode.make()
        let context = node.services.context()
        try await node.following {
            try await node.test { client in
                let (_, words) = try await join(node, client)
                let account = try await node.accounts.existing("ada")
                func move(_ words: String, _ passphrase: String) -> MoveHere {
                    MoveHere(
                        Registration(handle: "ada", passphrase: passphrase), words: words,
                        author: AuthorID.text(account.author), from: "http://127.0.0.1:9")
                }
                let others = RecoverySecret(bytes: [UInt8](repeating: 7, count: 32))?.words ?? ""
                for number in 0...Limits.Accounts.freeAttempts {
                    let trouble = await #expect(throws: MoveTrouble.self) {
                        _ = try await move(others, "guess number \(number)").run(in: context)
                    }
                    #expect(trouble?.part == .words)
                }
                _ = try await node.accounts.root(of: account, passphrase: Self.passphrase)
                // Their own words do not make up for the passphrase.
                await #expect(throws: AccountsError.wrongCredentials) {
                    _ = try await move(words, "another passphrase").run(in: context)
                }
            }
        }
    }

    @Test("programs move people, too: what is wrong has a code, and a move is finished by a session alone")
    func native() async throws {
        let node = try await TestNode.make()
        try await node.following {
            try await node.test { client in
                func post(_ path: String, _ fields: HTTPFields, _ value: [String: Any]) async throws -> Answer {
                    var fields = fields
                    fields[.contentType] = "application/json"
                    return try await client(
                        .post, path, fields, body: [UInt8](try JSONSerialization.data(withJSONObject: value)))
                }
                let words = RecoverySecret(bytes: [UInt8](repeating: 7, count: 32))?.words ?? ""
                let good = [
                    "from": "http://127.0.0.1:9", "words": words, "account": "bea", "passphrase": Self.passphrase,
                ]
                for (change, code) in [
                    (["words": "abandon"], "bad-words"), (["author": "w1nobody"], "bad-author"), ([:], "bad-old-home"),
                    (["account": "maker"], "handle-taken"), (["passphrase": "short"], "weak-passphrase"),
                ] {
                    let answer = try await post("/api/w1/moves", [:], good.merging(change) { $1 })
                    #expect((400..<500).contains(answer.status.code), "\(code): \(answer.status)")
                    #expect(try answer.json()["code"] as? String == code, "\(answer.text)")
                }
                let (ada, _) = try await join(node, client)
                let session: HTTPFields = [
                    .origin: "https://hive.example", .cookie: "\(CallerIdentity.cookieName)=\(ada.session)",
                ]
                #expect(try await post("/api/w1/me/move", [:], ["passphrase": Self.passphrase]).status == .unauthorized)
                let wrong = try await post("/api/w1/me/move", session, ["passphrase": "another passphrase"])
                #expect((400..<500).contains(wrong.status.code), "\(wrong.status)")
                let odd = try await post(
                    "/api/w1/me/move", session, ["passphrase": Self.passphrase, "kept": ["zz"]])
                #expect(odd.status == .badRequest)
                // There is nothing to be finished, and that is done.
                let done = try await post("/api/w1/me/move", session, ["passphrase": Self.passphrase])
                #expect(done.status == .ok, "\(done.text)")
                #expect(try done.json()["is_open"] as? Bool == false)
                #expect(try (done.json()["withdrawn"] as? [String])?.isEmpty == true)
            }
        }
    }
}
