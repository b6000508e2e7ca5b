import Foundation
import Testing

@Suite("Accounts and tokens, on the command line", .nodes, .logsOnFailure)
struct AccountTests {
    private struct Line: Decodable {
        let account: String
        let role: String
        let state: String
        let custody: String
        let tokens: Int
    }

    private struct NewToken: Decodable {
        let token: String
        let id: Int
        let scopes: [String]
    }

    private struct Token: Decodable {
        let id: Int
        let account: String
        let scopes: [String]
        let expires: UInt64?
    }

    @Test("the first start prints a set-up token, later ones do not; people of the home are accounts")
    func people() async throws {
        let world = try World.current
        let node = try await world.node("node")
        _ = try await eventually("the banner") { node.log.contains("Stop:") ? true : nil }
        let line = try #require(node.log.split(separator: "\n").first { $0.contains("Set-up token") })
        #expect(line.contains("wgl_u"))
        try await node.ok("account", "new", "ada", "--name", "Ada")
        let lines = try await node.json([Line].self, "account", "ls")
        #expect(lines.map(\.account) == ["ada", "me"] && lines.map(\.role) == ["member", "admin"])
        #expect(lines.allSatisfy { $0.state == "active" && $0.custody == "key-file" })
        #expect(try await node.run("account", "role", "ada", "curator").exit == 0)
        #expect(try await node.run("account", "role", "me", "member").exit == 7, "the last admin stays")
        #expect(try await node.run("account", "role", "nobody", "member").exit == 3)
        #expect(try await node.run("account", "invite", "--uses", "3", "--expires", "2d").output.contains("wgl_i"))
        #expect(try await node.run("account", "setup").output.contains("wgl_u"))

        // Somebody who is disabled signs nothing, also after a restart; enabled they do.
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 1), as: "honey.safetensors")
        _ = try await node.publish(file, "honey")
        let comment = ["comment", "@me/honey", "Hello.", "--as", "ada", "--home", node.home]
        #expect(try await Waggle.run(comment).exit == 0)
        try await node.ok("account", "disable", "ada")
        #expect(try await Waggle.run(comment).exit == 5)
        #expect(await node.stop() == .code(0))
        try await node.restart()
        _ = try await eventually("the banner") { node.log.contains("Stop:") ? true : nil }
        #expect(try await Waggle.run(comment).exit == 5)
        try await node.ok("account", "enable", "ada")
        #expect(try await Waggle.run(comment).exit == 0)
        #expect(node.log.components(separatedBy: "Set-up token").count == 2)
    }

    @Test("tokens are made, listed and revoked; nothing of their secret is kept")
    func tokens() async throws {
        let node = try await World.current.node("node")
        let made = try await node.json(
            NewToken.self, "token", "new", "--scope", "publish,read", "--scope", "review", "--expires", "30d")
        #expect(made.scopes == ["publish", "read", "review"] && made.token.hasPrefix("wgl_t"))
        try await node.ok("account", "new", "ada")
        #expect(try await node.run("token", "new", "--scope", "admin", "--account", "ada").exit == 2)
        #expect(try await node.run("token", "new", "--scope", "fly").exit == 2)
        #expect(try await node.run("token", "new", "--scope", "read", "--expires", "soon").exit == 2)
        #expect(try await node.run("token", "new", "--scope", "read", "--account", "eve").exit == 3)
        let plain = try await node.ok("token", "new", "--scope", "read", "--account", "ada").output
        #expect(plain.hasPrefix("wgl_t") && plain.split(separator: "\n").count == 1)
        let tokens = try await node.json([Token].self, "token", "ls")
        #expect(tokens.map(\.account) == ["me", "ada"] && tokens[0].expires != nil && tokens[1].expires == nil)
        #expect(try await node.json([Token].self, "token", "ls", "--account", "ada").count == 1)
        try await node.ok("token", "revoke", "\(made.id)")
        #expect(try await node.run("token", "revoke", "\(made.id)").exit == 3)
        #expect(try await node.json([Line].self, "account", "ls").map(\.tokens) == [1, 0])
        for name in try FileManager.default.contentsOfDirectory(atPath: node.home + "/db") {
            let bytes = FileManager.default.contents(atPath: node.home + "/db/" + name) ?? Data()
            #expect(bytes.range(of: Data(made.token.utf8)) == nil, "\(name)")
        }
    }
}
