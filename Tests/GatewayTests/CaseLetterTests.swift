import Accounts
import BlobStore
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import NIOCore
import Operations
import SystemPackage
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("What people are told of cases, and what is kept for an authority")
struct CaseLetterTests {
    private func session(_ node: TestNode, _ name: String) async throws -> String {
        try await node.accounts.openSession(for: node.accounts.existing(name)).token.text
    }

    private func adopt(_ node: TestNode, _ seed: UInt8, _ name: String, _ role: AccountRole) async throws {
        let person = try Person(seed: seed, role: .person)
        try await node.accounts.adopt(handle: name, author: person.id, role: role, levels: 1)
    }

    @Test("whoever made it gets a letter and one appeal, whoever reported it is thanked, and nobody else is told")
    func letters() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Clean")
        // No name that could stand in the hexadecimal of a form by chance.
        try await adopt(node, 70, "ada-w", .member)
        try await adopt(node, 71, "mod", .moderator)
        try await adopt(node, 72, "eve", .member)
        let made = try await node.accounts.newToken(NewToken(label: "", scopes: [.read, .moderate]), for: "mod")
        let moderator: HTTPFields = [
            .authorization: "Bearer \(made.secret.text)", .contentType: "application/json",
        ]
        let sessions = (
            try await session(node, "maker"), try await session(node, "ada-w"), try await session(node, "eve")
        )
        try await node.test { client in
            let maker = Member(client: client, session: sessions.0)
            let ada = Member(client: client, session: sessions.1)
            let eve = Member(client: client, session: sessions.2)
            let sent = try await ada.post("/report", ["about": model.release.id.hex, "reason": "stolen-work"])
            #expect(sent.status == .created, "\(sent.text)")
            let decided = try await client(
                .post, "/api/w1/moderation/cases/R-1/decide", moderator,
                body: Array(#"{"action":"block","maker_letter":"It is <b>not</b> yours."}"#.utf8))
            #expect(decided.status == .ok, "\(decided.text)")

            let news = try await maker.get("/account/notifications")
            #expect(news.text.contains("/account/cases/R-1") && !news.text.contains("ada-w"))
            #expect(try await ada.get("/account/notifications").text.contains("What you reported was taken down"))
            #expect(try await !eve.get("/account/notifications").text.contains("reported"))
            #expect(try await node.moderation.unpaidReports(in: .zero, since: 0).map(\.report.reporter) == ["ada-w"])

            let page = try await maker.get("/account/cases/R-1")
            #expect(page.status == .ok && page.text.contains("It is &lt;b&gt;not&lt;/b&gt; yours."))
            #expect(HTMLLint.problems(page.text) == [])
            #expect(!page.text.contains("ada-w"))
            for other in [ada, eve] { #expect(try await other.get("/account/cases/R-1").status == .notFound) }
            let appealed = try await maker.fill("/account/cases/R-1", "/account/cases/R-1", ["text": "It is mine."])
            #expect(appealed.status == .seeOther, "\(appealed.text)")
            #expect(try await !maker.get("/account/cases/R-1").text.contains("<textarea"))

            let upheld = try await client(
                .post, "/api/w1/moderation/cases/R-1/answer", moderator,
                body: Array(#"{"outcome":"upheld","text":"You are right."}"#.utf8))
            #expect(upheld.status == .ok, "\(upheld.text)")
            #expect(try await maker.get("/account/cases/R-1").text.contains("You are right."))
            // What was taken back is paid for no more.
            #expect(try await node.moderation.unpaidReports(in: .zero, since: 0).isEmpty)
            #expect(try await client(.get, "/blobs/\(model.file.hex)").status == .ok)
        }
    }

    @Test(
        "a report of one's own work, or decided by whoever sent it, is worth nothing; what is worth something is paid once"
    )
    func rewards() async throws {
        let node = try await TestNode.make()
        let context = node.services.context()
        let model = try await node.publishModel("Clean")
        let maker = try await node.accounts.existing("maker")
        _ = try await ReportSubject(subject: model.release.id.hex, reason: "spam").perform(
            in: context.acting(for: maker))
        _ = try await DecideCase(number: "R-1", action: "block").perform(in: context)
        #expect(try await node.moderation.unpaidReports(in: .zero, since: 0).isEmpty)
        try await node.moderation.accept(["ada-w", "bob"], of: 9, at: 50) { SHA256.hash([1]) }
        try await node.moderation.accept(["ada-w"], of: 9, at: 60) { SHA256.hash([2]) }
        let due = try await node.moderation.unpaidReports(in: .zero, since: 0)
        #expect(due.map(\.report.reporter) == ["ada-w", "bob"] && due.allSatisfy { $0.amount == nil })
        #expect(try await node.moderation.unpaidReports(in: .zero, since: 51).isEmpty)
        let first = try #require(due.first?.report)
        try await node.moderation.keepReward(of: first, in: .zero, epoch: 3, amount: 50, isPaid: false)
        #expect(try await node.moderation.unpaidReports(in: .zero, since: 0).map(\.amount) == [50, nil])
        #expect(try await node.moderation.rewarded("ada-w", in: .zero, epoch: 3) == 50)
        #expect(try await node.moderation.rewarded("ada-w", in: .zero, epoch: 4) == 0)
        try await node.moderation.keepReward(of: first, in: .zero, epoch: 3, amount: 50, isPaid: true)
        #expect(try await node.moderation.unpaidReports(in: .zero, since: 0).map(\.report.reporter) == ["bob"])
        // In another currency it is another reward, under another name.
        #expect(try await node.moderation.unpaidReports(in: SHA256.hash([7]), since: 0).count == 2)
        #expect(first.reference(in: .zero) != first.reference(in: SHA256.hash([7])))
    }

    @Test(
        "what the law wants kept is sealed before it is hidden, exported at the command line alone, and shown to nobody"
    )
    func evidence() async throws {
        let node = try await TestNode.make()
        let context = node.services.context()
        let model = try await node.publishModel("Clean")
        let bytes = Array(try await node.blobs.open(model.file).read(0..<3000).readableBytesView)
        let number = try await ReportSubject(subject: model.release.id.hex, reason: "minor-safety").perform(in: context)
            .number
        let details = try await ShowCase(number: number).perform(in: context)
        #expect(details.spread.isEmpty && details.line.page.isEmpty && !details.line.subject.contains("Clean"))
        _ = try await HideCase(number: number).perform(in: context)
        let folder = context.home.evidence.appending(number).string
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(names.contains("\(model.file.hex).0") && names.contains("\(model.release.id.hex).post"))
        for name in names {
            let sealed = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
            #expect(sealed.range(of: Data(bytes.prefix(64))) == nil)
        }
        _ = try await DecideCase(number: number, action: "purge").perform(in: context)
        #expect(node.blobs.purgeRecord(model.file) != nil)

        let target = node.directory.appending(path: "pack").path
        let maker = try await node.accounts.existing("maker")
        await #expect(throws: OperationError.self) {
            try await ExportEvidence(number: number, folder: target).perform(in: context.acting(for: maker))
        }
        let pack = try await ExportEvidence(number: number, folder: target).perform(in: context)
        #expect(pack.files >= 1 && pack.posts >= 1)
        #expect(try Array(Data(contentsOf: URL(filePath: "\(target)/\(model.file.hex)"))) == bytes)
        let text = try String(contentsOf: URL(filePath: "\(target)/case.json"), encoding: .utf8)
        #expect(text.contains(model.file.hex) && text.contains("\"maker\"") && text.contains("mod hide"))
        await #expect(throws: OperationError.self) {
            try await ExportEvidence(number: number, folder: target).perform(in: context)
        }
        _ = try await ExportEvidence(number: number, folder: "", destroys: true).perform(in: context)
        #expect(!FileManager.default.fileExists(atPath: folder))
    }
}
