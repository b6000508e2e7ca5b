import Foundation
import Testing

@Suite("The doctor and the operator's decisions", .nodes, .logsOnFailure)
struct DoctorTests {
    private struct Report: Decodable {
        struct Check: Decodable {
            let id: String
            let state: String
            let fix: String?
        }

        let checks: [Check]
        let fixed: [String]
        let isServing: Bool

        func state(_ id: String) -> String? { checks.first { $0.id == id }?.state }
    }

    private func look(_ home: String, _ arguments: String...) async throws -> (report: Report, exit: Int32) {
        let result = try await Waggle.run(["doctor", "--json", "--home", home] + arguments)
        return (try result.json(Report.self), result.exit)
    }

    @Test("it works beside a server, without one, and on a home that does not open; --fix does what is safe")
    func homes() async throws {
        let node = try await World.current.node("bee")
        let (serving, _) = try await look(node.home)
        #expect(serving.isServing && serving.state("peers") == "ok" && serving.state("databases") == "ok")
        #expect(serving.state("key-rights") == "ok" && serving.state("port") == "ok" && serving.state("blobs") == "ok")
        #expect(serving.checks.allSatisfy { $0.state == "ok" || $0.fix != nil })
        #expect((30...45).contains(serving.checks.count))

        await node.kill()
        let key = node.home + "/keys/me.key"
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        let (closed, exit) = try await look(node.home)
        #expect(!closed.isServing && closed.state("key-rights") == "fail" && exit == 1)
        #expect(closed.state("socket") == "warn", "the server was killed")
        let (mended, _) = try await look(node.home, "--fix")
        #expect(mended.state("key-rights") == "ok" && mended.state("socket") == "ok")
        #expect(mended.fixed.contains { $0.hasPrefix(key) })
        #expect(try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions] as? Int == 0o600)

        // A database that is none, and settings that are none: the home does not open, and is looked at all the same.
        try Data("this is no database at all, and never was one".utf8).write(
            to: URL(filePath: node.home + "/db/moderation.db"))
        try "celling = \"R\"\n".write(toFile: node.home + "/waggle.toml", atomically: true, encoding: .utf8)
        let (broken, brokenExit) = try await look(node.home)
        #expect(broken.state("databases") == "fail" && broken.state("settings") == "fail" && brokenExit == 1)
        try FileManager.default.removeItem(atPath: node.home + "/waggle.toml")
        #expect(try await look(node.home).report.state("opens") == "fail")
        let nowhere = try await look(World.current.path("nowhere"))
        #expect(nowhere.exit == 1 && nowhere.report.state("home") == "fail")
    }

    @Test("in read-only mode nothing is written and everything is read; in maintenance visitors are told to come back")
    func modes() async throws {
        let node = try await World.current.node("bee")
        let account = ["Content-Type": "application/json"]
        func register() async throws -> HTTPReply {
            try await HTTP.send("POST", node.url + "/api/w1/accounts", account, body: Array("{}".utf8))
        }
        try await node.ok("mode", "read-only", "--message", "moving disks")
        let refused = try await register()
        #expect(
            refused.status == 503 && refused.text.contains("\"read-only\"") && refused.text.contains("moving disks"))
        let home = try await node.get("/")
        #expect(home.status == 200 && home.text.contains("moving disks"))
        let signed = try await Waggle.run(
            ["account", "profile", "--name", "Bee", "--home", node.home])
        #expect(signed.exit == 7 && signed.errors.contains("waggle mode normal"))

        try await node.ok("mode", "maintenance")
        #expect(try await node.get("/").status == 503)
        #expect(try await node.get("/w/1/node").status == 503)
        #expect(try await node.get("/healthz").status == 200)
        // Over a restart, too.
        await node.kill()
        try await node.restart()
        #expect(try await node.get("/models").status == 503)
        try await node.ok("mode", "normal")
        try await node.ok("announce", "Tea <b>at five</b>", "--for", "1h")
        let page = try await node.get("/models")
        #expect(page.status == 200 && page.text.contains("Tea &lt;b&gt;at five"))
        #expect(try await register().status != 503)
    }

    private struct Audit: Decodable {
        struct Entry: Decodable {
            let seq: Int
            let actor: String
            let action: String
            let subject: String
            let detail: String
        }

        let entries: [Entry]
    }

    private struct Setting: Decodable {
        let key: String
        let value: String
        let origin: String
    }

    @Test("settings are chosen while the node runs, last, give way to the file, and all of it is in the audit log")
    func settings() async throws {
        let node = try await World.current.node("bee")
        try await node.ok("config", "set", "name", "The Hive")
        #expect(try await node.get("/about").text.contains("About The Hive"))
        try await node.ok("config", "set", "ceiling", "R")
        #expect(try await node.get("/rules").text.contains("<dd>R</dd>"))
        let bad = try await Waggle.run(["config", "set", "ceiling", "much", "--home", node.home])
        #expect(bad.exit == 2 && bad.errors.contains("one of PG"))
        let unknown = try await Waggle.run(["config", "set", "celling", "R", "--home", node.home])
        #expect(unknown.exit == 3 && unknown.errors.contains("\"ceiling\""))

        await node.kill()
        try "ceiling = \"PG-13\"\n".write(toFile: node.home + "/waggle.toml", atomically: true, encoding: .utf8)
        try await node.restart()
        let settings = try await node.json([Setting].self, "config", "ls")
        #expect(settings.first { $0.key == "name" }?.origin == "chosen by operator")
        #expect(settings.first { $0.key == "ceiling" }?.value == "PG-13")
        let locked = try await Waggle.run(["config", "set", "ceiling", "X", "--home", node.home])
        #expect(locked.exit == 7 && locked.errors.contains("waggle.toml"))
        #expect(try await look(node.home).report.state("choices") == "warn")

        let log = try await node.json(Audit.self, "audit").entries
        #expect(log.map(\.seq) == Array((1...log.count).reversed()))
        #expect(log.contains { $0.action == "config set" && $0.subject == "ceiling" && $0.detail == "\"R\"" })
        #expect(log.contains { $0.detail.hasPrefix("not done: ") })
        #expect(log.allSatisfy { $0.actor == "operator" })
    }
}
