import Accounts
import Digests
import Foundation
import HTTPTypes
import Operations
import SystemPackage
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Uploads of Hub clients")
struct HubUploadTests {
    private static let bytes = Array("wax and honey".utf8)

    private func token(_ node: TestNode) async throws -> HTTPFields {
        let made = try await node.accounts.newToken(NewToken(label: "hub", scopes: [.publish]), for: "maker")
        return [.authorization: "Bearer \(made.secret.text)", .contentType: "application/json"]
    }

    /// Where the file goes; nil when the node says that it has it.
    private func address(_ client: Client, _ fields: HTTPFields) async throws -> String? {
        let hash = SHA256.hash(Self.bytes).hex
        let body: [String: Any] = [
            "operation": "upload", "objects": [["oid": hash, "size": Self.bytes.count] as [String: Any]],
        ]
        let answer = try await client(
            .post, "/maker/wax.git/info/lfs/objects/batch", fields,
            body: [UInt8](try JSONSerialization.data(withJSONObject: body, options: .sortedKeys)))
        try #require(answer.status == .ok, "\(answer.text)")
        let object = try #require((try answer.json()["objects"] as? [[String: Any]])?.first)
        try #require(object["error"] == nil || object["error"] is NSNull)
        let upload = (object["actions"] as? [String: Any])?["upload"] as? [String: Any]
        return (upload?["href"] as? String).map { String($0.dropFirst("https://hive.example".count)) }
    }

    @Test("bytes that nobody looked at are neither held nor committed; a PUT brings them again")
    func unverified() async throws {
        let node = try await TestNode.make()
        let fields = try await token(node)
        try await node.test { client in
            let address = try #require(try await address(client, fields))
            let account = try await node.accounts.existing("maker")
            let upload = try #require(try await node.services.uploads.list(account: account.id).first)
            try Data(Self.bytes.reversed()).write(to: URL(filePath: upload.path.string))
            #expect(try await self.address(client, fields) != nil)
            let lines = [
                #"{"key":"header","value":{"summary":"1"}}"#,
                #"{"key":"lfsFile","value":{"path":"wax.bin","algo":"sha256","oid":"\#(SHA256.hash(Self.bytes).hex)"}}"#,
            ]
            let commit = try await client(
                .post, "/api/models/maker/wax/commit/main", fields, body: Array(lines.joined(separator: "\n").utf8))
            #expect(commit.status == .unprocessableContent, "\(commit.text)")
            #expect(try await client(.put, address, body: Self.bytes).status == .ok)
            #expect(try await self.address(client, fields) == nil)
            #expect(try Data(contentsOf: URL(filePath: upload.path.string)) == Data(Self.bytes))
        }
    }

    @Test("a ticket is worth nothing once its account is disabled")
    func disabled() async throws {
        let node = try await TestNode.make()
        let fields = try await token(node)
        try await node.accounts.adopt(
            handle: "other", author: SHA256.hash(Array("other".utf8)), role: .admin, levels: 1)
        try await node.test { client in
            let address = try #require(try await address(client, fields))
            _ = try await node.accounts.set(.disabled, of: "maker")
            #expect(try await client(.put, address, body: Self.bytes).status == .unauthorized)
            _ = try await node.accounts.set(.active, of: "maker")
            #expect(try await client(.put, address, body: Self.bytes).status == .ok)
        }
    }

    @Test("what an account has no room for is refused before a byte comes")
    func quota() async throws {
        let node = try await TestNode.make()
        let fields = try await token(node)
        _ = try await node.accounts.set(.bytes(UInt64(Self.bytes.count)), of: "maker")
        try await node.test { client in
            func ask(_ size: Int) async throws -> [String: Any] {
                let body: [String: Any] = [
                    "operation": "upload",
                    "objects": [["oid": SHA256.hash([UInt8(size)]).hex, "size": size] as [String: Any]],
                ]
                let answer = try await client(
                    .post, "/maker/wax.git/info/lfs/objects/batch", fields,
                    body: [UInt8](try JSONSerialization.data(withJSONObject: body, options: .sortedKeys)))
                return try #require((try answer.json()["objects"] as? [[String: Any]])?.first)
            }
            let tooMuch = try await ask(Self.bytes.count + 1)
            #expect((tooMuch["error"] as? [String: Any])?["code"] as? Int == 422 && tooMuch["actions"] == nil)
            #expect(try await ask(Self.bytes.count)["actions"] != nil)
            // The room is taken as soon as an upload is begun.
            #expect(try await ask(1)["error"] != nil)
        }
    }

    @Test("of many publications at once, as many are taken as there is room for")
    func quotaAtOnce() async throws {
        let node = try await TestNode.make()
        let account = try await node.accounts.set(.bytes(3000), of: "maker")
        let count = try await node.following {
            await withTaskGroup(of: Bool.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        let path = node.directory.appending(path: "wax\(number).bin")
                        let bytes = TestNode.bytes("wax \(number)", count: 1000)
                        guard (try? Data(bytes).write(to: path)) != nil else { return false }
                        do {
                            _ = try await PublishRelease(
                                PublishRequest(
                                    files: [.init(path: path.path)], account: "maker", slug: "wax\(number)",
                                    version: "1",
                                    type: "Other")
                            ).run(in: node.services.context().acting(for: account))
                            return true
                        } catch {
                            #expect((error as? OperationError)?.code == .quota, "\(error)")
                            return false
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
        }
        #expect((1...3).contains(count))
        #expect(try await node.services.context().storedBytes(of: account) == UInt64(count) * 1000)
    }

    @Test("other bytes than were named are not signed")
    func mismatch() async throws {
        let node = try await TestNode.make()
        let path = node.directory.appending(path: "wax.bin")
        try Data(Self.bytes).write(to: path)
        @Sendable func publish(_ hash: Hash32) async throws -> PublishReply {
            try await PublishRelease(
                PublishRequest(
                    files: [.init(path: path.path, sha256: hash.hex)], account: "maker", slug: "wax", version: "1",
                    type: "Other")
            ).run(in: node.services.context())
        }
        let error = await #expect(throws: OperationError.self) { try await publish(.zero) }
        #expect(error?.code == .integrity && error?.message.contains("wax.bin") == true)
        #expect(try await node.following { try await publish(SHA256.hash(Self.bytes)) }.isNew)
    }

    @Test("refusals name files and not where they lie")
    func names() async throws {
        let node = try await TestNode.make()
        let text = node.directory.appending(path: "no-picture.png")
        try Data(Self.bytes).write(to: text)
        let cut = node.directory.appending(path: "cut.safetensors")
        try Data([1, 2, 3]).write(to: cut)
        let gone = node.directory.appending(path: "gone.bin")
        for file in [cut, gone] {
            let error = await #expect(throws: OperationError.self) {
                try await DraftRelease(
                    PublishRequest(files: [.init(path: file.path)], account: "maker", slug: "wax", version: "1")
                ).run(in: node.services.context())
            }
            #expect(error?.message.hasPrefix(file.lastPathComponent) == true, "\(String(describing: error))")
        }
        let error = await #expect(throws: OperationError.self) {
            try await PostImages(account: "maker", images: [text.path], level: "PG").run(in: node.services.context())
        }
        #expect(error?.message.hasPrefix("no-picture.png") == true, "\(String(describing: error))")
    }
}
