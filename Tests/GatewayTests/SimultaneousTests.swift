import Accounts
import Catalog
import Digests
import Foundation
import HTTPTypes
import Moderation
import Operations
import SystemPackage
import Testing
import WaggleProtocol

@testable import Gateway

/// What is sent twice at the same moment: by a double click, from two tabs, by a program that did not wait.
@Suite("Two at once")
struct SimultaneousTests {
    private static func lora(_ byte: UInt8) -> [UInt8] {
        let header = Array(
            #"{"a.lora_down.weight":{"dtype":"F16","shape":[1,4],"data_offsets":[0,8]},"a.lora_up.weight":{"dtype":"F16","shape":[4,1],"data_offsets":[8,16]}}"#
                .utf8)
        return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
            + [UInt8](repeating: byte, count: 16)
    }

    /// What each of so many came to that run beside each other.
    private func atOnce(
        _ count: Int, _ body: @escaping @Sendable (Int) async throws -> Answer
    ) async throws -> [Answer] {
        try await withThrowingTaskGroup(of: Answer.self) { group in
            for number in 0..<count { group.addTask { try await body(number) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test("one file that several tabs bring at the same moment is in the draft once, by a form and by the script's way")
    func files() async throws {
        let node = try await TestNode.make()
        _ = try await node.person("ada", seed: 40)
        let account = try await node.accounts.existing("ada")
        try await node.following {
            try await node.test { client in
                let member = try await node.member("ada", client)
                let path = try await member.fill("/publish", "/publish", ["kind": "release"]).location
                let upload = try #require(try await member.get(path).action("\(path)/files"))
                let sent = try await atOnce(6) { _ in
                    try await member.send(upload, [("alpha.safetensors", Self.lora(60))])
                }
                #expect(sent.allSatisfy { $0.status == .seeOther }, "\(sent.map(\.status))")
                let kept = try await node.services.uploads.list(account: account.id)
                #expect(kept.count == 1)
                #expect(try await node.accounts.drafts(of: account).first?.fields["files"] == kept.map(\.id))

                // The same bytes as two uploads of the API, which the script attaches.
                var ids: [String] = []
                for _ in 0..<2 {
                    let bytes = Self.lora(61)
                    let begun = try await node.services.uploads.begin(
                        account: account.id, name: "beta.safetensors", size: UInt64(bytes.count), sha256: nil)
                    let fields: HTTPFields = [
                        .origin: "https://hive.example", .cookie: "\(CallerIdentity.cookieName)=\(member.session)",
                    ]
                    let brought = try await client(.put, "/api/w1/uploads/\(begun.id)", fields, body: bytes)
                    #expect(brought.status == .ok, "\(brought.text)")
                    ids.append(begun.id)
                }
                let (first, second) = (ids[0], ids[1])
                let attached = try await atOnce(2) { number in
                    let action = PageAddress.adding(
                        FormToken.parameter, FormToken.make(session: member.session), to: "\(path)/attach")
                    return try await member.post(action, ["upload": number == 0 ? first : second])
                }
                #expect(attached.allSatisfy { $0.status == .seeOther }, "\(attached.map(\.text))")
                #expect(try await node.services.uploads.list(account: account.id).count == 2)
                #expect(try await node.accounts.drafts(of: account).first?.fields["files"]?.count == 2)
                let page = try await member.get("\(path)?step=files")
                #expect(page.text.contains("beta.safetensors") && HTMLLint.problems(page.text) == [])
            }
        }
    }

    @Test(
        "of two requests that write one upload at once one is told to wait or to ask where it is, and the bytes are right"
    )
    func bytes() async throws {
        let node = try await TestNode.make()
        _ = try await node.person("ada", seed: 40)
        let account = try await node.accounts.existing("ada")
        let content = TestNode.bytes("content", count: 300_000)
        let begun = try await node.services.uploads.begin(
            account: account.id, name: "a.bin", size: UInt64(content.count), sha256: SHA256.hash(content))
        try await node.test { client in
            let member = try await node.member("ada", client)
            let fields: HTTPFields = [
                .origin: "https://hive.example", .cookie: "\(CallerIdentity.cookieName)=\(member.session)",
                NativePublishing.uploadOffset: "0",
            ]
            let answers = try await atOnce(4) { number in
                try await client(number < 2 ? .put : .patch, "/api/w1/uploads/\(begun.id)", fields, body: content)
            }
            let refused = answers.filter { $0.status != .ok }
            #expect(refused.count == 3 && refused.allSatisfy { $0.status == .conflict }, "\(answers.map(\.status))")
            for answer in refused {
                let code = try #require(try answer.json()["code"] as? String)
                #expect(["upload-busy", "wrong-offset"].contains(code), "\(code)")
            }
            let upload = try await node.services.uploads.find(begun.id, account: account.id)
            #expect(upload.isComplete && upload.offset == UInt64(content.count))
            #expect(try Array(Data(contentsOf: URL(filePath: upload.path.string))) == content)
        }
    }

    @Test("a draft that is sent twice at the same moment is signed once: by one form, and from two tabs")
    func signing() async throws {
        let node = try await TestNode.make()
        let ada = try await node.person("ada", seed: 40)
        let anybody = node.moderation.filter(for: .anonymous)
        try await node.following {
            try await node.test { client in
                let member = try await node.member("ada", client)
                func draft() async throws -> String {
                    let path = try await member.fill("/publish", "/publish", ["kind": "images"]).location
                    let action = try #require(try await member.get(path).action("\(path)/files"))
                    #expect(try await member.send(action, [("a.png", TestNode.wholePNG)]).status == .seeOther)
                    return path
                }
                func posts() async throws -> Int {
                    var query = ImageQuery()
                    query.creator = .author(ada.id)
                    return try await node.catalog.images(query, anybody).items.count
                }
                let one = try await draft()
                let action = try #require(try await member.get("\(one)?step=about").action("\(one)/sign"))
                let clicks = try await atOnce(4) { _ in try await member.post(action, ["level": "PG", "title": "Bees"])
                }
                #expect(
                    Set(clicks.map(\.location)).count == 1 && clicks[0].status == .seeOther, "\(clicks.map(\.text))")
                #expect(try await posts() == 1)

                let two = try await draft()
                var forms: [String] = []
                for _ in 0..<3 {
                    forms.append(try #require(try await member.get("\(two)?step=about").action("\(two)/sign")))
                }
                let tabs = forms
                let sent = try await atOnce(3) { try await member.post(tabs[$0], ["level": "PG", "title": "Wax"]) }
                #expect(sent.filter { $0.status == .seeOther }.count == 1, "\(sent.map(\.status))")
                #expect(sent.filter { (400..<500).contains($0.status.code) }.count == 2, "\(sent.map(\.status))")
                #expect(try await posts() == 2)
            }
        }
    }
}
