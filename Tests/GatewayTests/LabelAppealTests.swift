import Accounts
import BlobStore
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import Operations
import PostLog
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Appeals against labels and locks")
struct LabelAppealTests {
    private func token(_ node: TestNode, _ handle: String, _ scopes: Set<TokenScope>) async throws -> HTTPFields {
        let made = try await node.accounts.newToken(NewToken(label: "t", scopes: scopes), for: handle)
        return [.authorization: "Bearer \(made.secret.text)", .contentType: "application/json"]
    }

    private func actions(_ client: Client, _ who: HTTPFields) async throws -> [[String: Any]] {
        try #require(try await client(.get, "/api/w1/appeals", who).json()["actions"] as? [[String: Any]])
    }

    @Test(
        "what a scanner said of a file is appealed against once, answered on the record, and upheld is taken back for good"
    )
    func scanner() async throws {
        let node = try await TestNode.make { $0.requestsPerAddress = 1_000_000 }
        let context = node.services.context()
        let owner = try Person(seed: 77, role: .person, scopes: [.release, .review, .post, .list, .ledger])
        try await node.take([owner.genesis])
        context.keyring.add(owner.signer, as: "me")
        _ = try await node.person("mod", seed: 95, role: .moderator)
        _ = try await node.person("ada", seed: 96)
        // os.system("true"), protocol 0.
        let file = try await node.blobs.add(bytes: Array("cos\nsystem\n(S'true'\ntR.".utf8))
        let model = try await node.publishModel(
            "Clean", changeRelease: { $0.files = [TestNode.wire(file, name: "clean.pt")] })
        let slot = try #require(ListSubject.exact(.blob(file.sha256)).wire.slotName) + " scan"
        let blob = "/blobs/\(file.sha256.hex)"
        try await node.following {
            try await node.test { client in
                let maker = try await token(node, "maker", [.read, .social])
                let ada = try await token(node, "ada", [.read, .social])
                let mod = try await token(node, "mod", [.read, .moderate])
                func appeal(_ who: HTTPFields, _ entry: String, _ text: String) async throws -> Int {
                    try await client(
                        .post, "/api/w1/appeals", who, body: Array(#"{"entry":"\#(entry)","text":"\#(text)"}"#.utf8)
                    ).status.code
                }
                #expect(try await client(.get, blob).status == .ok)
                // Between two that are harmless, whose scans are kept too.
                let first = try await node.blobs.add(bytes: Array("(dS'n'\nI1\ns.".utf8)).sha256
                let last = try await node.blobs.add(bytes: Array("(dS'n'\nI2\ns.".utf8)).sha256
                let files = [first, file.sha256, last]
                try await ScanDesk(context).look(at: files)
                #expect(try await ScanDesk(context).unscanned(files).isEmpty)
                #expect(try await client(.get, blob).status.code == 451)
                let label = try #require(
                    try await node.log.post(author: owner.id, kind: .label, slot: slot)?.id.hex)
                let line = try #require(try await actions(client, maker).first { $0["entry"] as? String == label })
                #expect(line["action"] as? String == "label" && line["reason"] as? String == "scan: danger")
                #expect(try await actions(client, ada).isEmpty)
                let page = try await node.member("maker", client).get("/account/appeals")
                #expect(page.text.contains("scan: danger") && HTMLLint.problems(page.text) == [])

                #expect(try await appeal(ada, label, "Hm.") == 403)
                #expect(try await appeal(maker, Hash32.zero.hex, "Hm.") == 404)
                #expect(try await appeal(maker, model.release.id.hex, "Hm.") == 404)
                #expect(try await appeal(maker, label, "It is a test.") == 201)
                #expect(try await appeal(maker, label, "Once more.") == 409)
                let again = try await client(
                    .post, "/api/w1/cases/\(label)/appeal", maker, body: Array(#"{"text":"Once more."}"#.utf8))
                #expect(again.status == .conflict)
                let queue = try await client(.get, "/api/w1/moderation/cases?show=appeals", mod).json()
                let cases = queue["cases"] as? [[String: Any]]
                #expect(cases?.compactMap { $0["number"] as? String } == ["R-1"])
                // A label is no decision that a case could come to, and is not undone but by an answer.
                let undone = try await client(
                    .post, "/api/w1/moderation/cases/R-1/undo", mod, body: Array("{}".utf8))
                #expect(undone.status == .conflict)

                let answer = try await client(
                    .post, "/api/w1/moderation/cases/R-1/answer", mod,
                    body: Array(#"{"outcome":"upheld","text":"So it is."}"#.utf8))
                #expect(answer.status == .ok, "\(answer.text)")
                #expect(try await client(.get, blob).status == .ok)
                try await LevelDesk(context).catchUp()
                let told = try await actions(client, maker).first { $0["entry"] as? String == label }
                let outcome = told?["appeal"] as? [String: Any]
                #expect(outcome?["outcome"] as? String == "upheld" && outcome?["answer"] as? String == "So it is.")
                let own = try await client(.get, "/api/w1/cases/R-1", maker).json()
                #expect(own["decision"] == nil && own["outcome"] as? String == "upheld")
                #expect(try await client(.get, "/transparency").text.contains("appeal-upheld"))

                // The scanner is not wiser the next time.
                for _ in 0..<2 {
                    guard
                        case .label(let said)? = try await node.log.post(
                            author: owner.id, kind: .label, slot: slot)?.post.body
                    else { throw TestNode.Refused(what: "no label") }
                    #expect(said.withdrawn && said.value == "danger")
                    try await ScanDesk(context).look(at: [file.sha256])
                    #expect(try await client(.get, blob).status == .ok)
                }
            }
        }
    }

    @Test(
        "a label that somebody at home here signed is withdrawn when an appeal is upheld; a voice on a level is no action"
    )
    func content() async throws {
        let node = try await TestNode.make { $0.requestsPerAddress = 1_000_000 }
        let context = node.services.context()
        let ada = try await node.person("ada", seed: 96)
        _ = try await node.person("mod", seed: 95, role: .moderator)
        let model = try await node.publishModel("Clean")
        let subject = ListSubject.exact(.post(model.model.id)).wire
        let name = try #require(subject.slotName)
        let said = try await node.publish(by: ada) { post in
            post.slot = "\(name) gore"
            (post.label.subject, post.label.label, post.label.value, post.label.basis) = (
                subject, "gore", "yes", .human
            )
        }
        let voice = try await node.publish(by: ada) { post in
            post.slot = "\(name) level"
            (post.label.subject, post.label.label, post.label.value, post.label.basis) = (subject, "level", "R", .human)
        }
        try await node.following {
            let maker = context.acting(for: try await node.accounts.existing("maker"))
            await #expect(throws: OperationError.self) {
                try await AppealEntry(account: "maker", entry: voice.id.hex, text: "No.").run(in: maker)
            }
            let item = try await AppealCase(number: said.id.hex, text: "There is none.").run(in: maker)
            #expect(item.number == "R-1")
            let mod = context.acting(for: try await node.accounts.existing("mod"))
            _ = try await AnswerCaseAppeal(number: "R-1", isUpheld: true, text: "None is there.").perform(in: mod)
            guard
                case .label(let label)? = try await node.log.post(
                    author: ada.id, kind: .label, slot: "\(name) gore")?.post.body
            else { throw TestNode.Refused(what: "no label") }
            #expect(label.withdrawn)
            let known = try await node.moderation.cases(appealing: said.id.hex)
            #expect(known.map(\.number) == ["R-1"] && known.first?.decision?.undone != nil)
        }
    }

    @Test("a label of another node does nothing here and is not listed; an appeal against it goes to whoever said it")
    func foreign() async throws {
        let node = try await TestNode.make { $0.requestsPerAddress = 1_000_000 }
        let stranger = try Person(seed: 98, role: .person, scopes: [.release, .review, .post, .list])
        try await node.take([stranger.genesis])
        let model = try await node.publishModel("Clean")
        let subject = ListSubject.exact(.blob(model.file)).wire
        let name = try #require(subject.slotName)
        let said = try await node.publish(by: stranger) { post in
            post.slot = "\(name) scan"
            (post.label.subject, post.label.label, post.label.value, post.label.basis) = (
                subject, "scan", "danger", .auto
            )
        }
        try await node.following {
            try await node.test { client in
                let maker = try await token(node, "maker", [.read, .social])
                #expect(try await client(.get, "/blobs/\(model.file.hex)").status == .ok)
                #expect(try await actions(client, maker).isEmpty)
                let sent = try await client(
                    .post, "/api/w1/appeals", maker,
                    body: Array(#"{"entry":"\#(said.id.hex)","text":"It is wax."}"#.utf8))
                #expect(sent.status == .created, "\(sent.text)")
                try await LevelDesk(node.services.context()).catchUp()
                let listed = try await actions(client, maker)
                #expect(listed.map { $0["entry"] as? String } == [said.id.hex])
                #expect((listed.first?["appeal"] as? [String: Any])?["text"] as? String == "It is wax.")
            }
        }
    }

    @Test("a level that a moderator locked is appealed against once a lock; upheld, people's words count again")
    func lock() async throws {
        let node = try await TestNode.make(ceiling: .x) { $0.requestsPerAddress = 1_000_000 }
        _ = try await node.person("mod", seed: 95, role: .moderator, levels: Level.x.upTo)
        _ = try await node.person("ada", seed: 96)
        let model = try await node.publishModel("Clean")
        let subject = "post:\(model.model.id.hex)"
        try await node.following {
            try await node.test { client in
                let (mod, maker) = (try await node.member("mod", client), try await node.member("maker", client))
                let ada = try await token(node, "ada", [.read, .social])
                let own = try await token(node, "maker", [.read, .social])
                let moderator = try await token(node, "mod", [.read, .moderate])
                func set(_ level: String) async throws {
                    let sent = try await mod.fill(
                        LevelPages.address(subject), "/levels/lock", ["level": level, "reason": "too bare"])
                    #expect(sent.status == .seeOther, "\(sent.text)")
                }
                func appeal(_ who: HTTPFields, _ number: String) async throws -> Answer {
                    try await client(
                        .post, "/api/w1/cases/\(number)/appeal", who, body: Array(#"{"text":"A bee."}"#.utf8))
                }
                func answer(_ number: String, _ outcome: String) async throws {
                    let sent = try await client(
                        .post, "/api/w1/moderation/cases/\(number)/answer", moderator,
                        body: Array(#"{"outcome":"\#(outcome)","text":"So it is."}"#.utf8))
                    #expect(sent.status == .ok, "\(sent.text)")
                }
                try await set("X")
                #expect(try await appeal(ada, "L-1").status == .notFound)
                #expect(try await appeal(own, "L-9").status == .notFound)
                let made = try await appeal(own, "L-1")
                #expect(made.status == .ok, "\(made.text)")
                #expect(try made.json()["number"] as? String == "R-1")
                #expect(try made.json()["decision"] as? String == "label")
                #expect(try made.json()["letter"] as? String == "too bare")
                #expect(try await appeal(own, "L-1").status == .conflict)
                try await answer("R-1", "rejected")
                #expect(try await node.moderation.levelLock("L-1")?.level == .x)

                // Another lock is another action; this time from the page.
                try await set("R")
                let sent = try await maker.fill("/account/appeals", "/account/appeals?", ["text": "Still a bee."])
                #expect(sent.status == .seeOther, "\(sent.text)")
                let page = try await maker.get("/account/appeals")
                #expect(page.text.contains("Still a bee.") && HTMLLint.problems(page.text) == [])
                try await answer("R-2", "upheld")
                #expect(try await node.moderation.levelLock("L-2") == nil)
                #expect(node.moderation.levelRules.isEmpty)
                #expect(try await client(.get, "/api/w1/cases/R-2", own).json()["outcome"] as? String == "upheld")
            }
        }
    }
}
