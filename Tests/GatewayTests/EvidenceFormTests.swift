import Accounts
import Administration
import Digests
import Foundation
import HTTPTypes
import Moderation
import Operations
import SystemPackage
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Files that come with a request")
struct EvidenceFormTests {
    private func fields(_ subject: String, reason: String = "likeness") -> [(String, String)] {
        [
            ("about", subject), ("reason", reason), ("right", "depicted"), ("statement", "It is my face & mine."),
            ("contact", "me@example.org"), ("faith", "yes"), ("signature", "Somebody"),
        ]
    }

    /// A form as browsers send it: words first, then files.
    private func body(_ fields: [(String, String)], _ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        var body = fields.flatMap { name, value in
            Array("--x7\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8)
        }
        for file in files {
            let head =
                "--x7\r\nContent-Disposition: form-data; name=\"files\"; filename=\"\(file.name)\"\r\nContent-Type: image/png\r\n\r\n"
            body += Array(head.utf8) + file.bytes + Array("\r\n".utf8)
        }
        return body + Array("--x7--\r\n".utf8)
    }

    private func send(
        _ client: Client, _ fields: [(String, String)], _ files: [(name: String, bytes: [UInt8])]
    ) async throws -> Answer {
        var headers: HTTPFields = [.contentType: "multipart/form-data; boundary=x7"]
        if let site = HTTPField.Name("Sec-Fetch-Site") { headers[site] = "same-origin" }
        let body = body(fields, files)
        headers[.contentLength] = "\(body.count)"
        return try await client(.post, "/report/likeness", headers, body: body)
    }

    private func token(_ node: TestNode, _ scopes: Set<TokenScope>) async throws -> HTTPFields {
        let made = try await node.accounts.newToken(NewToken(label: "test", scopes: scopes), for: "maker")
        return [.authorization: "Bearer \(made.secret.text)"]
    }

    private let proof = TestNode.bytes("a photograph of somebody", count: 70_000)

    @Test(
        "they are sealed, shown to moderators alone, written down when looked at, and gone a month after the decision")
    func attached() async throws {
        let node = try await TestNode.make()
        let context = node.services.context()
        let model = try await node.publishModel("Clean")
        let moderator = try await token(node, [.read, .moderate])
        let reader = try await token(node, [.read])
        let files: [(name: String, bytes: [UInt8])] = [
            ("../../id card <b>.png", proof), ("", []), ("note.txt", Array("what happened".utf8)),
        ]
        try await node.test { client in
            let page = try await client(.get, "/report/likeness")
            #expect(page.text.contains("multipart/form-data") && page.text.contains("type=\"file\""))
            #expect(HTMLLint.problems(page.text) == [])
            let sent = try await send(client, fields(model.image.hex), files)
            #expect(sent.status == .created && sent.text.contains("T-1"), "\(sent.text)")
            let folder = context.home.evidence.appending("T-1").appending("attached").string
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(names.sorted() == ["0", "1"])
            for name in names {
                let sealed = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
                #expect(sealed.range(of: Data(proof.prefix(64))) == nil && sealed.range(of: Data("what".utf8)) == nil)
                let rights = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")[.posixPermissions]
                #expect((rights as? NSNumber)?.intValue == 0o600)
            }
            let shown = try await client(.get, "/moderation/T-1", moderator)
            #expect(shown.text.contains("id card &lt;b&gt;.png") && shown.text.contains("/moderation/T-1/files/2"))
            #expect(shown.text.contains(SHA256.hash(proof).hex))
            let file = try await client(.get, "/moderation/T-1/files/1", moderator)
            #expect(file.status == .ok && file.bytes == proof)
            #expect(file.headers[.contentType] == "application/octet-stream")
            #expect(file.headers[.contentDisposition]?.hasPrefix("attachment") == true)
            #expect(file.headers[.cacheControl] == "private, no-store")
            #expect(file.headers[.contentSecurityPolicy]?.contains("sandbox") == true)
            for path in ["/moderation/T-1/files/3", "/moderation/T-1/files/0", "/moderation/T-2/files/1"] {
                #expect(try await client(.get, path, moderator).status == .notFound, "\(path)")
            }
            #expect(try await client(.get, "/moderation/T-1/files/1").status == .unauthorized)
            #expect(try await client(.get, "/moderation/T-1/files/1", reader).status == .forbidden)
            let audit = try await context.administration.audit(limit: 20)
            #expect(audit.contains { $0.action == "mod attachment" && $0.subject == "T-1" })

            // A request with words alone has no files, and one that nobody decided keeps its own.
            #expect(try await send(client, fields(model.image.hex), []).text.contains("T-2"))
            try await AttachmentSweep(context).run(at: TestNode.time + 400 * 86_400)
            #expect(try await client(.get, "/moderation/T-1/files/1", moderator).status == .ok)
            _ = try await DecideCase(number: "T-1", action: "keep").perform(in: context)
            try await AttachmentSweep(context).run(at: TestNode.time + 29 * 86_400)
            #expect(try await client(.get, "/moderation/T-1/files/1", moderator).status == .ok)
            let pack = node.directory.appending(path: "pack").path
            _ = try await ExportEvidence(number: "T-1", folder: pack).perform(in: context)
            #expect(try Array(Data(contentsOf: URL(filePath: "\(pack)/attached-1"))) == proof)
            try await AttachmentSweep(context).run(at: TestNode.time + 31 * 86_400)
            #expect(try await client(.get, "/moderation/T-1/files/1", moderator).status == .notFound)
            #expect(!FileManager.default.fileExists(atPath: folder))
            #expect(try await !client(.get, "/moderation/T-1", moderator).text.contains("/files/"))
        }
    }

    @Test("too many, too large and cut short are refused, with what was typed, and leave nothing behind")
    func refused() async throws {
        let node = try await TestNode.make()
        let context = node.services.context()
        let model = try await node.publishModel("Clean")
        let large = Array(repeating: UInt8(7), count: Limits.Cases.attachedBytes + 1)
        let half = Array(repeating: UInt8(7), count: Limits.Cases.attachedBytes - 1)
        let many = (0...Limits.Cases.attachedFiles).map { (name: "\($0).png", bytes: [UInt8(1)]) }
        try await node.test { client in
            let bad: [[(name: String, bytes: [UInt8])]] = [
                [("a.png", large)], many, [("a", half), ("b", half), ("c", half)],
            ]
            for files in bad {
                let answer = try await send(client, fields(model.image.hex), files)
                #expect([413, 422].contains(answer.status.code), "\(answer.status)")
                #expect(answer.text.contains("It is my face &amp; mine.") && answer.text.contains("role=\"alert\""))
            }
            var headers: HTTPFields = [.contentType: "multipart/form-data; boundary=x7"]
            if let site = HTTPField.Name("Sec-Fetch-Site") { headers[site] = "same-origin" }
            let whole = body(fields(model.image.hex), [("a.png", proof)])
            let cut = try await client(.post, "/report/likeness", headers, body: Array(whole.dropLast(2000)))
            #expect(cut.status == .unprocessableContent && cut.text.contains("It is my face &amp; mine."))
            // The words are wrong: the files beside them are not kept either.
            var unsigned = fields(model.image.hex)
            unsigned.removeAll { $0.0 == "signature" }
            #expect(try await send(client, unsigned, [("a.png", proof)]).status == .unprocessableContent)
            let foreign = try await client(
                .post, "/report/likeness", [.contentType: "multipart/form-data; boundary=x7"], body: whole)
            #expect(foreign.status == .forbidden)
            #expect(try await node.moderation.openCases().isEmpty)
            let left = (try? FileManager.default.contentsOfDirectory(atPath: context.home.evidence.string)) ?? []
            #expect(left.isEmpty)
        }
    }

    @Test("what nobody may look at is not given out, whatever came with it")
    func underLock() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Clean")
        let moderator = try await token(node, [.read, .moderate])
        try await node.test { client in
            #expect(
                try await send(client, fields(model.image.hex, reason: "minor-safety"), [("a.png", proof)]).status
                    == .created)
            let page = try await client(.get, "/moderation/T-1", moderator)
            #expect(page.status == .ok && !page.text.contains("/files/"))
            let file = try await client(.get, "/moderation/T-1/files/1", moderator)
            #expect(file.status.code >= 400 && file.bytes != proof)
        }
    }
}
