import Digests
import Formats
import Foundation
import Testing

@Suite("A moderator receives a likeness takedown", .nodes, .logsOnFailure)
struct TakedownJourneyTests {
    private struct Line: Decodable {
        let number: String
        let state: String
        let urgency: String
        let deadline: UInt64?
    }

    private struct Queue: Decodable {
        let cases: [Line]
    }

    private struct Details: Decodable {
        struct Set: Decodable {
            let name: String
            let subjects: [String]
        }

        struct Report: Decodable {
            let text: String
            let contact: String
        }

        struct Ack: Decodable {
            let node: String
            let outcome: String
        }

        let line: Line
        let spread: [Set]
        let reports: [Report]
        let acks: [Ack]
        let holders: [String]
        let canUndo: Bool
    }

    private struct Audit: Decodable {
        struct Line: Decodable {
            let action: String
            let subject: String
        }

        let entries: [Line]
        let firstBroken: Int64?
    }

    private struct StatusReply: Decodable {
        let node: String
        let accounts: [String: String]
    }

    private struct ListDetails: Decodable {
        struct Entry: Decodable {
            let caseNumber: String
        }

        let entries: [Entry]
    }

    private func model(title: String) throws -> [UInt8] {
        var random = SeededBytes(23)
        let parts = (0..<2).map { ("layer.\($0).weight", random.bytes(1 << 16)) }
        let header = try SafetensorsWriter.header(
            tensors: parts.map { .init($0.0, .f16, [128, 256]) }, metadata: ["title": title])
        return header.bytes + parts.flatMap(\.1)
    }

    private func routes(_ sha256: String) -> [String] {
        ["/blobs/\(sha256)", "/blobs/\(sha256)/a.safetensors", "/blobs/\(sha256).torrent", "/blobs/\(sha256).meta4"]
    }

    private func statuses(_ node: TestNode, _ sha256: String) async throws -> Set<Int> {
        var found: Set<Int> = []
        for route in routes(sha256) { found.insert(try await node.get(route).status) }
        return found
    }

    private func publishAgain(_ node: TestNode, _ file: String) async throws -> CommandResult {
        try await node.run(
            "publish", file, "--model", "@me/again", "--version", "1", "--type", "LORA", "--base", "SDXL 1.0",
            "--real-person", "no", "--yes")
    }

    /// A form as a browser sends it from a page of the node.
    private func send(_ node: TestNode, _ path: String, _ fields: [(String, String)]) async throws -> HTTPReply {
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "-._~")
        let body = fields.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")"
        }.joined(separator: "&")
        return try await HTTP.send(
            "POST", node.url + path,
            ["Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"],
            body: Array(body.utf8))
    }

    @Test(
        "a form without an account hides on A, waits on B, acts on C, keeps new headers out, and taking it back restores all three"
    )
    func journey() async throws {
        let world = try World.current
        let a = try await world.node("a")
        let published = try await a.publish(world.write(model(title: "one"), as: "a.safetensors"), "bee")
        let sha256 = published.files[0].sha256
        let status = try await a.json(StatusReply.self, "status")
        let list = "\(try #require(status.accounts["me"]))/takedowns"
        let b = try await world.node("b")
        let c = try await world.node("c")
        for node in [b, c] {
            try await node.ok("peer", "add", a.url, "--yes")
            try await eventually("the release is known") { try await node.run("show", published.release).exit == 0 }
            try await node.ok("get", published.release, "-o", world.path("out-\(node.name)") + "/")
        }
        try await b.ok("list", "subscribe", list)
        try await c.ok("list", "subscribe", list, "--mode", "automatic", "--grant", "block", "--reason", "likeness")
        for node in [a, b, c] { #expect(try await statuses(node, sha256) == [200], "\(node.name)") }

        // 1. The form: a case with a number, a deadline and a secret address.
        #expect(try await a.get("/report/likeness").status == 200)
        let form = [
            ("about", "\(a.url)/blobs/\(sha256)"), ("reason", "likeness"), ("right", "depicted"),
            ("statement", "This was made of my face."), ("signature", "Somebody"), ("contact", "me@example.org"),
        ]
        #expect(try await send(a, "/report/likeness", form).status == 422, "without the statement of good faith")
        let receipt = try await send(a, "/report/likeness", form + [("faith", "yes")])
        #expect(receipt.status == 201, "\(receipt.text)")
        let secretPath = try #require(receipt.text.firstMatch(of: #//report/status/[a-z2-7]+/#)).0
        let number = try #require(receipt.text.firstMatch(of: #/T-\d+/#)).0
        let shown = try await a.get(String(secretPath))
        #expect(shown.status == 200 && shown.text.contains(number) && !shown.text.contains("me@example.org"))
        #expect(try await a.get("/report/status/aaaa").status == 404)

        // 2. The queue, and hiding at once on every route.
        let queue = try await a.json(Queue.self, "mod", "queue")
        #expect(queue.cases.map(\.number) == [String(number)])
        #expect(queue.cases.first?.deadline != nil)
        try await a.ok("mod", "assign", String(number))
        let clock = ContinuousClock()
        let start = clock.now
        try await a.ok("mod", "hide", String(number))
        #expect(try await statuses(a, sha256) == [451])
        #expect(clock.now - start < .seconds(5))
        for route in routes(sha256) {
            let text = String(decoding: try await a.get(route).body, as: UTF8.self)
            #expect(text.contains(number), "\(route)")
        }

        // 3. How far it reaches.
        let details = try await a.json(Details.self, "mod", "show", String(number))
        #expect(details.reports.map(\.contact) == ["me@example.org"])
        let named = try #require(details.spread.first { $0.name == "named" })
        #expect(named.subjects.contains("file:\(sha256)"))
        #expect(named.subjects.contains { $0.hasPrefix("tensors:") })
        #expect(details.spread.contains { $0.subjects.contains("post:\(published.release)") })

        // 4. Decided; B gets it as a draft, C acts by itself.
        try await a.ok("mod", "decide", String(number), "--action", "block", "--letter", "It is gone.")
        try await eventually("C acts", within: 10) { try await statuses(c, sha256) == [451] }
        try await eventually("B has it in its queue", within: 10) {
            try await !b.json(ListDetails.self, "list", "show", list, "--waiting").entries.isEmpty
        }
        #expect(try await statuses(b, sha256) == [200])
        #expect(try await a.get(String(secretPath)).text.contains("It is gone."))
        try await b.ok("list", "approve", list)
        #expect(try await statuses(b, sha256) == [451])

        // 5. Under a new header it is refused on all three.
        let again = try world.write(model(title: "two"), as: "b.safetensors")
        for node in [a, b, c] {
            let refused = try await publishAgain(node, again)
            #expect(refused.exit == 5, "\(node.name): \(refused)")
        }
        // What peers say of it is on the case.
        try await eventually("both nodes have answered", within: 20) {
            try await a.json(Details.self, "mod", "show", String(number)).acks.filter { $0.outcome == "applied" }.count
                == 2
        }

        // 6. Taken back: A, B and C are as before.
        try await a.ok("mod", "undo", String(number), "--reason", "a mistake")
        for node in [a, b, c] {
            try await eventually("\(node.name) is as before", within: 20) { try await statuses(node, sha256) == [200] }
            #expect(try await node.run("show", published.release).exit == 0)
        }
        #expect(try await publishAgain(a, again).exit == 0)

        // 7. The record holds, and tells who did what.
        let audit = try await a.json(Audit.self, "audit", "--limit", "500")
        #expect(audit.firstBroken == nil)
        #expect(
            Set(audit.entries.filter { $0.subject == number }.map(\.action)).isSuperset(
                of: ["mod assign", "mod hide", "mod show", "mod decide", "mod undo"]))
        let page = try await a.get("/transparency")
        #expect(page.status == 200 && page.text.contains("likeness") && !page.text.contains(sha256))
        #expect(try await a.get("/moderation").status == 401)
    }
}
