import Accounts
import Administration
import Digests
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import Moderation
import NIOCore
import SystemPackage
import Testing
import WaggleProtocol

@testable import Gateway
@testable import Operations

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

            // A request with words alone has no files, and one that somebody took up and nobody decided keeps its own.
            #expect(try await send(client, fields(model.image.hex), []).text.contains("T-2"))
            _ = try await AssignCase(number: "T-1", to: "maker").perform(in: context)
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

    private func ask(
        _ client: Client, _ subjects: [String], _ files: [(name: String, bytes: [UInt8])], without field: String = "",
        cut: Int = 0
    ) async throws -> Answer {
        let fields =
            subjects.map { ("subjects", $0) }
            + [
                ("reason", "likeness"), ("right", "depicted"), ("statement", "It is my face & mine."),
                ("signature", "Somebody"), ("contact", "me@example.org"),
            ].filter { $0.0 != field }
        let body = Array(body(fields, files).dropLast(cut))
        return try await client(
            .post, "/api/w1/takedowns",
            [.contentType: "multipart/form-data; boundary=x7", .contentLength: "\(body.count)"], body: body)
    }

    @Test("over the API a request brings files as the form does, within the same limits, and is refused alike")
    func api() async throws {
        let node = try await TestNode.make { $0.requestsPerAddress = 1_000_000 }
        let context = node.services.context()
        let model = try await node.publishModel("Clean")
        let moderator = try await token(node, [.read, .moderate])
        let large = Array(repeating: UInt8(7), count: Limits.Cases.attachedBytes + 1)
        let many = (0...Limits.Cases.attachedFiles).map { (name: "\($0).png", bytes: [UInt8(1)]) }
        try await node.test { client in
            let names = [model.image.hex, model.release.id.hex]
            let (toolarge, tooMany) = (
                try await ask(client, names, [("a.png", large)]), try await ask(client, names, many)
            )
            #expect(toolarge.status == .contentTooLarge, "\(toolarge.text)")
            #expect(tooMany.status == .unprocessableContent && tooMany.text.contains("too-many-files"))
            let cut = try await ask(client, names, [("a.png", proof)], cut: 2000)
            #expect(cut.status == .badRequest, "\(cut.text)")
            let unsigned = try await ask(client, names, [("a.png", proof)], without: "signature")
            #expect(unsigned.status == .badRequest && unsigned.text.contains("signature"))
            #expect(try await ask(client, [], [("a.png", proof)]).status.code >= 400)
            #expect(try await node.moderation.openCases().isEmpty)
            let left = (try? FileManager.default.contentsOfDirectory(atPath: context.home.evidence.string)) ?? []
            #expect(left.isEmpty)

            let sent = try await ask(client, names, [("id.png", proof), ("note.txt", Array("what happened".utf8))])
            #expect(sent.status == .created, "\(sent.text)")
            #expect(try sent.json()["number"] as? String == "T-1")
            #expect((try sent.json()["secret"] as? String)?.isEmpty == false)
            let file = try await client(.get, "/moderation/T-1/files/1", moderator)
            #expect(file.status == .ok && file.bytes == proof)
            let item = try #require(try await node.moderation.openCases().first)
            #expect(item.subjects.count == 2)
            // Words alone, as a form too.
            #expect(try await ask(client, names, []).status == .created)
            let document = try await client(.get, "/openapi.json").json()
            let paths = document["paths"] as? [String: [String: [String: Any]]]
            let body = paths?["/api/w1/takedowns"]?["post"]?["requestBody"] as? [String: Any]
            let content = body?["content"] as? [String: Any]
            #expect(content?.keys.sorted() == ["application/json", "multipart/form-data"])
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

    // MARK: Who may send

    private let type = "multipart/form-data; boundary=x7"

    /// A body whose pieces a test sends, and what is read of it.
    private func reading(
        _ chunks: AsyncStream<ByteBuffer>, from address: String, _ places: AddressPlaces,
        clock: any Clock<Duration> = ManualClock()
    ) async -> EvidenceForm {
        await EvidenceForm.read(
            RequestBody(asyncSequence: chunks), type: type, from: address, places, clock: clock)
    }

    private func whole(_ files: [(name: String, bytes: [UInt8])]) -> AsyncStream<ByteBuffer> {
        AsyncStream { source in
            source.yield(ByteBuffer(bytes: body(fields("x"), files)))
            source.finish()
        }
    }

    @Test("words need no place; whoever sends files has one, an address one, and gives it back")
    func places() async {
        let places = AddressPlaces(2)
        let first = await reading(whole([("a.png", [1])]), from: "203.0.113.1", places)
        #expect(first.refusal == nil && first.files.count == 1)
        let again = await reading(whole([("a.png", [1])]), from: "203.0.113.1", places)
        #expect(again.refusal as? GatewayError == .tooManyRequests(retryAfter: 30) && again.files.isEmpty)
        #expect(again.typed.count == fields("x").count)
        again.leave()
        let second = await reading(whole([("a.png", [1]), ("b.png", [2])]), from: "203.0.113.2", places)
        #expect(second.refusal == nil && second.files.count == 2)
        let third = await reading(whole([("a.png", [1])]), from: "203.0.113.3", places)
        #expect(third.refusal as? GatewayError == .tooManyRequests(retryAfter: 30))
        // As browsers send a field in which no file was chosen.
        let words = await reading(whole([("", [])]), from: "203.0.113.3", places)
        #expect(words.refusal == nil && words.typed.count == fields("x").count)
        words.leave()
        first.leave()
        let free = await reading(whole([("a.png", [1])]), from: "203.0.113.3", places)
        #expect(free.refusal == nil)
    }

    @Test("silence ends a form after a minute, with what was typed, and its place is free; bytes pay for more time")
    func silent() async throws {
        let clock = ManualClock()
        let places = AddressPlaces(1)
        let (chunks, source) = AsyncStream<ByteBuffer>.makeStream()
        source.yield(ByteBuffer(bytes: body(fields("x"), [("a.png", proof)]).dropLast(100)))
        async let silent = reading(chunks, from: "203.0.113.1", places, clock: clock)
        await clock.waitForSleepers(1)
        clock.advance(by: .seconds(Limits.Gateway.bodySeconds))
        let form = await silent
        #expect(form.refusal as? GatewayError == .bodyTooSlow && form.files.isEmpty)
        #expect(form.typed.count == fields("x").count)
        form.leave()
        #expect(places.take("203.0.113.2"))
        places.give("203.0.113.2")

        let large = body(fields("x"), [("a.png", TestNode.bytes("large", count: 3 * Limits.Cases.attachedPace))])
        let (pieces, sender) = AsyncStream<ByteBuffer>.makeStream()
        let (reports, report) = AsyncStream<Void>.makeStream()
        let counted = pieces.map { piece in
            report.yield()
            return piece
        }
        async let paid = EvidenceForm.read(
            RequestBody(asyncSequence: counted), type: type, from: "203.0.113.1", places, clock: clock)
        await clock.waitForSleepers(1)
        sender.yield(ByteBuffer(bytes: large.dropLast(10)))
        // Asked for once more: the piece before was read.
        sender.yield(ByteBuffer())
        var taken = reports.makeAsyncIterator()
        for _ in 0..<2 { await taken.next() }
        clock.advance(by: .seconds(Limits.Gateway.bodySeconds))
        await clock.waitForSleepers(1)
        sender.yield(ByteBuffer(bytes: large.suffix(10)))
        sender.finish()
        let sent = await paid
        #expect(sent.refusal == nil && sent.files.first?.bytes.count == 3 * Limits.Cases.attachedPace)
    }

    @Test("an address is counted before anything of its form is read")
    func counted() async throws {
        let node = try await TestNode.make()
        try await node.test { client in
            for _ in 0..<Limits.API.knocksPerMinute {
                #expect(try await send(client, [("about", "x")], []).status == .unprocessableContent)
            }
            let refused = try await send(client, fields("x"), [("a.png", proof)])
            #expect(refused.status == .tooManyRequests && refused.headers[.retryAfter] != nil)
            #expect(!refused.text.contains("It is my face"))
        }
    }

    @Test("an address that sent its bytes of the day keeps its words, and may send them alone")
    func budget() async throws {
        let node = try await TestNode.make()
        let context = node.services.context()
        let model = try await node.publishModel("Clean")
        try await node.test { client in
            #expect(try await send(client, fields(model.image.hex), [("a.png", proof)]).status == .created)
            let rest = Limits.Cases.attachedBytesPerDay - proof.count
            try context.attachmentRoom.reserve(rest, from: RemoteAddress.text(nil), at: TestNode.time) { 0 }
            let refused = try await send(client, fields(model.image.hex), [("a.png", proof)])
            #expect((400..<500).contains(refused.status.code) && refused.text.contains("It is my face &amp; mine."))
            #expect(try await send(client, fields(model.image.hex), []).status == .created)
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: context.home.evidence.string)
        #expect(left == ["T-1"])
    }

    @Test("files of a request that nobody took up go after a month")
    func unattended() async throws {
        let node = try await TestNode.make()
        let context = node.services.context()
        let model = try await node.publishModel("Clean")
        let folder = context.home.evidence.appending("T-1").appending("attached").string
        let sent = try await node.test { try await send($0, fields(model.image.hex), [("a.png", proof)]) }
        #expect(sent.status == .created)
        try await AttachmentSweep(context).run(at: TestNode.time + 30 * 86_400)
        #expect(FileManager.default.fileExists(atPath: folder))
        try await AttachmentSweep(context).run(at: TestNode.time + 30 * 86_400 + 1)
        #expect(!FileManager.default.fileExists(atPath: folder))
    }
}
