import Accounts
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

@Suite("What operations do for somebody who asks over the web")
struct CallerTests {
    /// A PNG file with a recipe as the old web UI writes it.
    static func picture(_ parameters: String) -> [UInt8] {
        func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
            let body = Array(type.utf8) + data
            func four(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
            var sum: UInt32 = 0xffff_ffff
            for byte in body {
                sum ^= UInt32(byte)
                for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
            }
            return four(UInt32(data.count)) + body + four(~sum)
        }
        return TestNode.png + chunk("IHDR", [0, 0, 0, 8, 0, 0, 0, 8, 8, 2, 0, 0, 0])
            + chunk("tEXt", Array("parameters\0\(parameters)".utf8)) + chunk("IDAT", [1]) + chunk("IEND", [])
    }

    @Test("a picture whose recipe names a hidden file by a short hash does not tell the full one, or that it is here")
    func recipes() async throws {
        let node = try await TestNode.make()
        let hidden = try await node.publishModel("Hidden", level: .xxx)
        let open = try await node.publishModel("Open")
        let ada = try Person(seed: 40, role: .person)
        try await node.take([ada.genesis])
        try await node.accounts.adopt(handle: "ada", author: ada.id, role: .member, levels: Level.pg13.upTo)
        let account = try await node.accounts.existing("ada")
        let context = node.services.context()
        context.keyring.add(ada.signer, as: "ada")
        // Names of loras in such a text are AutoV3.
        func name(_ slug: String) -> Substring {
            SHA256.hash(Array("tensors of \(slug).safetensors".utf8)).hex.prefix(12)
        }
        let text = """
            bees <lora:hidden:1> <lora:open:1>
            Steps: 20, Sampler: Euler a, Seed: 1, Lora hashes: "hidden: \(name("hidden")), \
            open: \(name("open"))", Version: v1.9
            """
        let file = node.directory.appending(path: "picture.png")
        try Data(Self.picture(text)).write(to: file)

        func post(_ context: OperationContext, title: String) async throws -> WireImagePost {
            let reply = try await node.following {
                try await PostImages(account: "ada", images: [file.path], level: "PG", title: title).run(in: context)
            }
            let id = try #require(Hash32(hex: reply.post))
            return try #require(try await node.log.posts(ids: [id])[id]).post.imagePost
        }
        let asPerson = try await post(context.acting(for: account), title: "as ada")
        let told = asPerson.images[0].recipe.resources.filter { !$0.sha256.isEmpty }.map(\.sha256)
        #expect(told == [open.file.data])
        #expect(asPerson.releases == [open.release.id.data])
        // The operator, at the command line, sees both.
        let asOperator = try await post(context, title: "as the operator")
        #expect(Set(asOperator.images[0].recipe.resources.map(\.sha256)) == [hidden.file.data, open.file.data])
    }

    @Test("who posts faster than their role may is told when to come back; nothing is signed meanwhile")
    func pace() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        let ada = try Person(seed: 41, role: .person)
        try await node.take([ada.genesis])
        try await node.accounts.adopt(handle: "ada", author: ada.id, role: .member, levels: Level.pg.upTo)
        node.services.context().keyring.add(ada.signer, as: "ada")
        let account = try await node.accounts.existing("ada")
        try node.accounts.admit(posts: Limits.Accounts.postsPerHour - 1, by: account)
        let token = try await node.accounts.newToken(
            NewToken(label: "", scopes: [.review]), for: "ada"
        ).secret.text
        try await node.following {
            try await node.test { client in
                func comment(_ text: String) async throws -> Answer {
                    try await client(
                        .post, "/api/w1/comments",
                        [.authorization: "Bearer \(token)", .contentType: "application/json"],
                        body: Array(#"{"subject":"\#(model.model.id.hex)","text":"\#(text)"}"#.utf8))
                }
                #expect(try await comment("One.").status == .created)
                let before = node.log.newestSeq
                let refused = try await comment("Two.")
                #expect(refused.status == .tooManyRequests && refused.headers[.retryAfter] != nil, "\(refused.text)")
                #expect(try refused.json()["code"] as? String == "too-many-posts")
                #expect(node.log.newestSeq == before)
            }
        }
    }
}
