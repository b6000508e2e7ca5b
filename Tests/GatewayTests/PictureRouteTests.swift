import Accounts
import BlobStore
import Digests
import Formats
import Foundation
import HTTPTypes
import Moderation
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Pictures without what they say of themselves")
struct PictureRouteTests {
    private static let recipe = "a secret garden\nSteps: 20, Sampler: Euler a, Seed: 1, Version: v1.9"
    private static let owner: HTTPFields = [.authorization: "Bearer wgl_owner"]

    @Test("a picture is given to be saved: what is seen and nothing else, in headers that make no page of it")
    func saved() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha", picture: CallerTests.picture(Self.recipe))
        let whole = CallerTests.picture(Self.recipe) + Array("Alpha".utf8)
        let bare = try #require(PictureText.stripped(whole))
        #expect(bare.count < whole.count)
        try await node.test { client in
            let path = "/pictures/\(model.image.hex)"
            let answer = try await client(.get, path)
            #expect(answer.status == .ok && answer.bytes == bare)
            #expect(!answer.text.contains("secret garden") && !answer.text.contains("Alpha"))
            #expect(answer.headers[.contentType] == "image/png")
            #expect(answer.headers[.contentDisposition]?.hasPrefix("attachment") == true)
            #expect(answer.headers[.contentDisposition]?.contains("\(model.image.hex.prefix(12)).png") == true)
            #expect(answer.headers[.contentSecurityPolicy] == "default-src 'none'; sandbox")
            #expect(answer.headers[.xContentTypeOptions] == "nosniff")
            #expect(answer.headers[.cacheControl] == "public, max-age=31536000, immutable")
            let head = try await client(.head, path)
            #expect(head.status == .ok && head.bytes.isEmpty)
            #expect(head.headers[.contentType] == "image/png")
        }
    }

    @Test(
        "whoever may not see a picture does not get it this way: by level, the node's ceiling, or because it was purged"
    )
    func levels() async throws {
        let node = try await TestNode.make(ceiling: .r)
        let mild = try await node.publishModel("Mild", level: .r, picture: CallerTests.picture(Self.recipe))
        let hard = try await node.publishModel("Hard", level: .xxx, picture: CallerTests.picture(Self.recipe))
        let gone = try await node.publishModel("Gone", picture: CallerTests.picture(Self.recipe))
        _ = try await node.person("ada", seed: 40)
        _ = try await node.person("bea", seed: 41)
        _ = try await node.accounts.set(ViewingChoice(levels: Level.xxx.upTo, isAdult: true), of: "ada")
        let nobodys = try await node.blobs.add(bytes: CallerTests.picture("nobody's"))
        try await node.test { client in
            let (ada, bea) = (try await node.member("ada", client), try await node.member("bea", client))
            for image in [mild.image, hard.image, nobodys.sha256] {
                let path = "/pictures/\(image.hex)"
                for method in [HTTPRequest.Method.get, .head] {
                    #expect(try await client(method, path).status == .notFound, "\(path)")
                }
                #expect(try await client(.get, path, [.authorization: "Bearer x"]).status == .notFound, "\(path)")
                #expect(try await bea.get(path).status == .notFound, "\(path)")
                let operators = try await client(.get, path, Self.owner)
                #expect(operators.status == .ok && operators.headers[.cacheControl]?.hasPrefix("private") == true)
            }
            // Whoever chose to see it does, in no cache that others share; nobody does above the ceiling.
            let seen = try await ada.get("/pictures/\(mild.image.hex)")
            #expect(seen.status == .ok && seen.headers[.cacheControl]?.hasPrefix("private") == true)
            #expect(try await ada.get("/pictures/\(hard.image.hex)").status == .notFound)

            let path = "/pictures/\(gone.image.hex)"
            #expect(try await client(.get, path).status == .ok)
            _ = try await node.moderation.purge(
                PurgeOrder(
                    subjects: [.blob(gone.image)], caseNumber: "P-7", reason: "test", by: "me", when: TestNode.time))
            for fields in [[:], Self.owner] as [HTTPFields] {
                #expect(try await client(.get, path, fields).status == .unavailableForLegalReasons)
            }
        }
    }

    @Test("what is not there, is no picture, or has no name that can be one is told apart from a picture")
    func nothing() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        try await node.test { client in
            let unknown = SHA256.hash(Array("unknown".utf8)).hex
            #expect(try await client(.get, "/pictures/\(unknown)").status == .notFound)
            for bad in ["zz", String(unknown.dropLast()), unknown + "0"] {
                #expect(try await client(.get, "/pictures/\(bad)").status == .notFound, "\(bad)")
            }
            let upper = try await client(.get, "/pictures/\(unknown.uppercased())")
            #expect(upper.status == .badRequest && upper.text.contains(unknown))
            // A model's file, and a picture that is only the beginning of one.
            for blob in [model.file, model.image] {
                let answer = try await client(.get, "/pictures/\(blob.hex)")
                #expect(answer.status == .notFound && answer.text.contains("Only PNG"), "\(answer.text)")
            }
        }
    }
}
