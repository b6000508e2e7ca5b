import Digests
import Foundation
import Testing

/// `waggle buzz ls --json`.
struct CurrencyState: Decodable {
    let currency: String
    let symbol: String
    let role: String
    let finals: Int
    let issued: Int
    let witnesses: Int
    let trust: String
    let stopped: String
}

/// `waggle buzz balance --json`.
struct BalanceState: Decodable {
    let account: String
    let balance: Int
    let pending: Int
    let isCurrent: Bool
}

/// One final, as commands print it.
struct FinalState: Decodable {
    let order: String
    let slot: String
    let operation: String
    let position: Int?
    let reference: String?
    let change: Int?
}

@Suite("Buzz, between nodes", .nodes, .logsOnFailure)
struct BuzzTests {
    private func pair() async throws -> (world: World, a: TestNode, b: TestNode) {
        let world = try World.current
        let a = try await world.node("a")
        let b = try await world.node("b")
        try await a.ok("peer", "add", b.url, "--yes")
        try await b.ok("peer", "add", a.url, "--yes")
        try await a.ok("buzz", "found", "--name", "Honey", "--symbol", "HNY", "--cap", "1000")
        try await b.ok("buzz", "join", a.url)
        return (world, a, b)
    }

    private func balance(_ node: TestNode, _ account: String = "@me") async throws -> BalanceState {
        try #require(try await node.json([BalanceState].self, "buzz", "balance", account).first)
    }

    @Test("found, join, grant, tip a model of another node, and everybody's books agree")
    func tipping() async throws {
        let (world, a, b) = try await pair()
        let published = try await a.publish(
            world.write(Samples.lora(mebibytes: 1, seed: 1), as: "x.safetensors"), "honey")
        try await eventually("b knows the model and its maker's profile") {
            try await b.run("show", published.release).exit == 0
        }
        let poor = try await b.run("buzz", "tip", published.release, "50")
        #expect(poor.exit == 1 && poor.errors.contains("not enough"), "\(poor)")
        let own = try await balance(b)
        try await a.ok("buzz", "grant", own.account, "200")
        #expect(try await a.run("buzz", "grant", own.account, "801").exit == 1, "the cap of an epoch")
        let tip = try await eventually("a's profile has arrived") {
            let tip = try await b.run("buzz", "tip", published.release, "50", "--json")
            return tip.exit == 0 ? try tip.json(FinalState.self) : nil
        }
        #expect(tip.operation == "transfer" && tip.reference == published.release)
        #expect(try await balance(b).balance == 150)
        #expect(try await balance(a).balance == 50)
        let history = try await b.json([FinalState].self, "buzz", "history")
        #expect(history.map(\.change) == [-50, 200])
        #expect(try await a.json([FinalState].self, "buzz", "history", published.release).map(\.order) == [tip.order])
        #expect(try await b.run("buzz", "tip", "@me", "1").exit == 2, "nobody tips themselves")

        // Witnesses, and a receipt that needs nobody.
        #expect(try await a.ok("buzz", "witness").output.contains("1 signed"))
        let state = try #require(try await a.json([CurrencyState].self, "buzz", "ls").first)
        #expect(state.witnesses == 1 && state.trust == "trust: 1 operator, 1 witness" && state.finals == 2)
        let receipt = world.path("tip.receipt")
        try await b.ok("buzz", "explain", tip.slot, "--receipt", receipt)
        #expect(try await Waggle.run(["buzz", "verify", receipt]).exit == 0)
        let text = try String(contentsOfFile: receipt, encoding: .utf8)
        let forged = try world.write(
            Array(text.replacing("\"position\" : 1", with: "\"position\" : 0").utf8), as: "forged")
        #expect(try await Waggle.run(["buzz", "verify", forged]).exit == 6)

        for node in [a, b] {
            let audit = try await node.ok("buzz", "audit").output
            #expect(audit.contains("2 entries") && audit.contains("agrees with the signed checkpoint of 2 entries"))
            #expect(try await node.ok("buzz", "rules").output.contains("reward\tdaily-boost: 25"))
        }
        try await b.ok("buzz", "export", world.path("honey.journal"))
        #expect(try String(contentsOfFile: world.path("honey.journal"), encoding: .utf8).contains("= 150 \"HNY\""))

        // Without the authority what is here is shown, and said to be that; orders wait.
        _ = await a.stop()
        let alone = try await balance(b)
        #expect(alone.balance == 150 && !alone.isCurrent)
        #expect(try await b.run("buzz", "tip", published.release, "7").exit == 4)
        #expect(try await b.ok("buzz", "audit").output.contains("2 entries"))
    }

    @Test("a flipped byte in the database is found by the audit; the recipient who takes no such currency gets none")
    func audit() async throws {
        let (_, a, b) = try await pair()
        try await b.ok("account", "new", "ada", "--name", "Ada")
        let ada = try await balance(b, "@ada")
        try await a.ok("buzz", "grant", try await balance(b).account, "200")
        let refused = try await b.run("buzz", "tip", "@ada", "5")
        #expect(refused.exit == 1 && refused.errors.contains("profile does not list"), "\(refused)")
        try await b.ok("buzz", "accept", "--as", "ada")
        try await b.ok("buzz", "tip", "@ada", "5")
        #expect(try await balance(b, "@ada").balance == 5 && ada.balance == 0)
        try await b.ok("buzz", "history")
        _ = await b.stop()
        // On the home itself; its end brings everything into the one file.
        try await b.ok("buzz", "audit")
        // One bit of an account, wherever the database has it.
        let path = b.home + "/db/ledger.db"
        var bytes = try Data(contentsOf: URL(filePath: path))
        let account = try #require(Data(hex: ada.account))
        var flipped = 0
        while let at = bytes.firstRange(of: account) {
            bytes[at.lowerBound + 3] ^= 1
            flipped += 1
        }
        #expect(flipped > 0)
        try bytes.write(to: URL(filePath: path))
        let found = try await b.run("buzz", "audit")
        #expect(found.exit == 6, "\(found)")
    }

    @Test("two wardens of three take back what a frozen account has; nobody else freezes anybody")
    func wardens() async throws {
        let world = try World.current
        let a = try await world.node("a")
        for name in ["ada", "wim", "thief"] { try await a.ok("account", "new", name) }
        let open = try await a.run(
            "buzz", "found", "--name", "Honey", "--symbol", "HNY", "--warden", "@ada", "--warden", "@wim")
        #expect(open.exit == 2 && open.errors.contains("--warden-threshold"), "\(open)")
        try await a.ok(
            "buzz", "found", "--name", "Honey", "--symbol", "HNY", "--no-rewards", "--warden", "@ada", "--warden",
            "@wim",
            "--warden", "operators", "--warden-threshold", "2", "--clawback", "--longest-freeze", "3")
        #expect(
            try await a.ok("buzz", "rules").output.contains("2 of 3 may freeze accounts and take back what is left"))
        try await a.ok("buzz", "grant", "@thief", "100")
        let file = world.path("back.json")
        let early = try await a.run("buzz", "clawback", "draft", file, "@thief", "60", "--to", "@ada", "--as", "ada")
        #expect(early.exit != 0 && early.errors.contains("not frozen"), "\(early)")
        let long = try await a.run("buzz", "freeze", "@thief", "--epochs", "4", "--as", "wim")
        #expect(long.exit == 2, "\(long)")
        try await a.ok("buzz", "freeze", "@thief", "--epochs", "2", "--as", "wim")
        #expect(try await a.ok("buzz", "balance", "@thief").errors.contains("Frozen by the wardens"))
        let spent = try await a.run("buzz", "tip", "@me", "1", "--as", "thief")
        #expect(spent.exit == 5 && spent.errors.contains("frozen"), "\(spent)")
        try await a.ok("buzz", "clawback", "draft", file, "@thief", "60", "--to", "@ada", "--as", "wim")
        // The node is a warden too: it signed with whoever is at home there.
        #expect(try await a.ok("buzz", "clawback", "show", file).errors.contains("Enough wardens have signed"))
        try await a.ok("buzz", "clawback", "sign", file, "--as", "ada")
        // Sent again it is the same order, which is final once.
        for _ in 0..<2 { try await a.ok("buzz", "clawback", "send", file) }
        #expect(try await balance(a, "@thief").balance == 40)
        #expect(try await balance(a, "@ada").balance == 60)
        #expect(try await a.json([FinalState].self, "buzz", "history", "@thief").first?.operation == "clawback")
        try await a.ok("buzz", "audit")
    }

    @Test("a home restored from a backup signs nothing in its currency until it has what it signed since")
    func restored() async throws {
        let (world, a, b) = try await pair()
        let pass = try world.write(Array("a long enough passphrase".utf8), as: "pass")
        let account = try await balance(b).account
        try await a.ok("buzz", "grant", account, "100")
        try await a.ok("backup", "create", world.path("a.backup"), "--passphrase-file", pass)
        try await a.ok("backup", "verify", world.path("a.backup"), "--passphrase-file", pass)
        try await a.ok("buzz", "grant", account, "11")
        #expect(try await b.json([FinalState].self, "buzz", "history").count == 2)
        let address = String(a.url.dropFirst("http://".count))
        await a.kill()
        try FileManager.default.removeItem(atPath: a.home)
        let restored = try await Waggle.run(
            ["backup", "restore", world.path("a.backup"), "--passphrase-file", pass, "--home", a.home])
        #expect(restored.exit == 0, "\(restored)")
        try await a.start(["--listen", address])
        let state = try #require(try await a.json([CurrencyState].self, "buzz", "ls").first)
        #expect(state.stopped.contains("restored from a backup"), "\(state)")
        #expect(state.finals == 1 && state.issued == 100, "what is here can be read: \(state)")
        #expect(try await a.run("buzz", "grant", account, "1").exit == 7)
        #expect(try await b.run("buzz", "tip", "@me", "1").exit != 0)
        #expect(try await a.run("buzz", "resume").exit == 2)
        #expect(try await a.ok("buzz", "resume", "--from", b.url).errors.contains("1 final was fetched"))
        try await a.ok("buzz", "grant", account, "1")
        #expect(try await balance(b).balance == 112)
        #expect(try await b.json([FinalState].self, "buzz", "history").count == 3)
        try await b.ok("buzz", "audit")
        try await a.ok("buzz", "audit")
    }
}

extension Data {
    /// Bytes of hexadecimal digits.
    init?(hex: String) {
        self.init()
        var rest = hex[...]
        while let byte = UInt8(rest.prefix(2), radix: 16), rest.count >= 2 {
            append(byte)
            rest = rest.dropFirst(2)
        }
        guard rest.isEmpty else { return nil }
    }
}
