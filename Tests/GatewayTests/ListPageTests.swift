import Accounts
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import Operations
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Lists over HTTP")
struct ListPageTests {
    /// A node with an admin and a moderator who may keep lists, each in a browser.
    private func world() async throws -> (node: TestNode, admin: HTTPFields, moderator: HTTPFields) {
        let node = try await TestNode.make()
        var sessions: [HTTPFields] = []
        for (seed, name, role) in [(UInt8(60), "boss", AccountRole.admin), (61, "mod", .moderator)] {
            let person = try Person(seed: seed, role: .person, scopes: [.release, .post, .list])
            try await node.take([person.genesis])
            node.services.context().keyring.add(person.signer, as: name)
            try await node.accounts.adopt(handle: name, author: person.id, role: role, levels: 1)
            let session = try await node.accounts.openSession(for: node.accounts.existing(name))
            sessions.append([.cookie: "__Host-waggle=\(session.token.text)", .origin: "https://hive.example"])
        }
        return (node, sessions[0], sessions[1])
    }

    private func form(_ items: KeyValuePairs<String, String>) -> [UInt8] {
        Array(items.map { "\($0.key)=\(PercentCoding.encode($0.value))" }.joined(separator: "&").utf8)
    }

    @Test("a list is made, subscribed to, approved, undone and exported on the page; trust is for admins to give")
    func pages() async throws {
        let (node, admin, moderator) = try await world()
        let model = try await node.publishModel("Clean")
        let blob = "/blobs/\(model.file.hex)"
        try await node.following {
            try await node.test { client in
                func send(_ who: HTTPFields, _ items: KeyValuePairs<String, String>) async throws -> Answer {
                    try await client(.post, "/admin/lists", who, body: form(items))
                }
                let made = try await send(moderator, ["what": "new", "list": "likeness", "title": "Like <b>ness"])
                #expect(made.status == .seeOther, "\(made.text)")
                let added = try await send(
                    moderator,
                    [
                        "what": "add", "list": "likeness", "subjects": model.file.hex, "severity": "block",
                        "reason": "likeness",
                    ])
                #expect(added.status == .seeOther, "\(added.text)")
                #expect(try await client(.get, blob).status == .ok)

                let refused = try await send(moderator, ["what": "subscribe", "list": "@mod/likeness"])
                #expect(refused.status == .unprocessableContent)
                let subscribed = try await send(
                    admin, ["what": "subscribe", "list": "@mod/likeness", "mode": "draft", "grant": "block"])
                #expect(subscribed.status == .seeOther, "\(subscribed.text)")
                let page = try await client(.get, "/admin/lists?list=%40mod%2Flikeness", admin)
                #expect(HTMLLint.problems(page.text) == [])
                #expect(page.text.contains("Like &lt;b&gt;ness") && page.text.contains("Approve"))
                #expect(page.text.contains(model.file.hex) && page.text.contains("would hide"))
                #expect(try await client(.get, blob).status == .ok)

                let approve = try await send(moderator, ["what": "approve", "list": "@mod/likeness", "most": "block"])
                #expect(approve.status == .seeOther, "\(approve.text)")
                #expect(try await client(.get, blob).status.code == 451)
                let undone = try await send(moderator, ["what": "undo", "list": "@mod/likeness"])
                #expect(undone.status == .seeOther)
                #expect(try await client(.get, blob).status == .ok)

                let csv = try await client(.get, "/api/w1/moderation/lists/export?list=%40mod%2Flikeness", moderator)
                #expect(csv.status == .ok && csv.text.contains(model.file.hex) && csv.text.hasPrefix("subject,"))
                let imported = try await send(admin, ["what": "new", "list": "copy"])
                #expect(imported.status == .seeOther)
                #expect(
                    try await send(admin, ["what": "import", "list": "copy", "text": csv.text]).status == .seeOther)
                let bad = try await send(admin, ["what": "import", "list": "copy", "text": "subject,severity\nx,y\n"])
                #expect(bad.status == .unprocessableContent && bad.text.contains("Line 2"))
                let copy = try await client(.get, "/admin/lists?list=%40boss%2Fcopy", moderator)
                #expect(copy.text.contains(model.file.hex))
            }
        }
    }

    @Test("the API does the same: for moderators what is decided, for admins what is trusted")
    func api() async throws {
        let (node, _, _) = try await world()
        let model = try await node.publishModel("Clean")
        func token(_ name: String, _ scopes: Set<TokenScope>) async throws -> HTTPFields {
            let made = try await node.accounts.newToken(NewToken(label: "test", scopes: scopes), for: name)
            return [.authorization: "Bearer \(made.secret.text)", .contentType: "application/json"]
        }
        let (boss, mod, reader) = (
            try await token("boss", [.read, .moderate, .admin]), try await token("mod", [.read, .moderate]),
            try await token("mod", [.read])
        )
        try await node.following {
            try await node.test { client in
                func act(_ action: String, _ who: HTTPFields, _ body: String) async throws -> Answer {
                    try await client(.post, "/api/w1/moderation/lists/\(action)", who, body: Array(body.utf8))
                }
                #expect(try await act("new", reader, #"{"list":"spam"}"#).status == .forbidden)
                #expect(try await act("new", mod, #"{"list":"spam","title":"Spam"}"#).status == .created)
                let added = try await act(
                    "add", mod, #"{"list":"spam","subjects":["\#(model.file.hex)"],"reason":"spam","severity":"hide"}"#)
                // The file, and whatever has its tensors.
                #expect(try added.json()["signed"] as? Int == 2, "\(added.text)")
                #expect(try await act("subscribe", mod, #"{"list":"@mod/spam"}"#).status == .forbidden)
                let subscribed = try await act("subscribe", boss, #"{"list":"@mod/spam"}"#)
                #expect(try subscribed.json()["waiting"] as? Int == 2, "\(subscribed.text)")
                let shown = try await client(
                    .get, "/api/w1/moderation/lists/show?list=%40mod%2Fspam&waiting=true", mod)
                let entries = try #require(try shown.json()["entries"] as? [[String: Any]])
                #expect(entries.map { $0["state"] as? String } == ["waiting", "waiting"])
                let approved = try await act("approve", mod, #"{"list":"@mod/spam"}"#)
                #expect(try approved.json()["acting"] as? Int == 2, "\(approved.text)")
                #expect(try await act("fork", mod, #"{"list":"@mod/spam","slug":"mine"}"#).status == .created)
                #expect(
                    try await act("withdraw", mod, #"{"list":"spam","subjects":["\#(model.file.hex)"]}"#).status == .ok)
                let gone = try await act("unsubscribe", boss, #"{"list":"@mod/spam"}"#)
                #expect(gone.status == .ok, "\(gone.text)")
                #expect(try await act("undo", mod, #"{"list":"@mod/spam"}"#).status == .forbidden)
                #expect(try await act("undo", boss, #"{"list":"@mod/spam"}"#).status == .ok)
                #expect(try await act("fly", mod, #"{"list":"@mod/spam"}"#).status == .notFound)
                let all = try await client(.get, "/api/w1/moderation/lists", mod)
                #expect(all.status == .ok && all.text.contains("@mod/spam"))
                #expect(try await client(.get, "/api/w1/moderation/lists/show?list=%40x%2Fy", mod).status == .notFound)
                #expect(try await client(.get, "/api/w1/moderation/lists").status == .unauthorized)
            }
        }
    }
}
