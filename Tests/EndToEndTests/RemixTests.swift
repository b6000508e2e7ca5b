import Digests
import Foundation
import Testing

@Suite("Remixes of pictures whose models are elsewhere", .nodes, .logsOnFailure)
struct RemixTests {
    private struct Listed: Decodable {
        struct Item: Decodable {
            let id: Int
        }

        let items: [Item]
    }

    @Test("an admin has the node fetch what a recipe names from a peer; nobody else can")
    func fetches() async throws {
        let world = try World.current
        let maker = try await world.node("maker")
        world.setEnvironment("WAGGLE_REGISTRATION_MODE", "invite")
        let node = try await world.node("node")
        let lora = Samples.finite(try Samples.lora(mebibytes: 1, seed: 2))
        let sha256 = SHA256.hash(lora)
        let picture = try Samples.picture(side: 16, seed: 1, usesFile: sha256)
        try await maker.ok(
            "publish", world.write(lora, as: "honey.safetensors"), "--model", "@me/honey", "--version", "1.0", "--type",
            "LORA", "--base", "Other", "--sample", world.write(picture, as: "bee.png"), "--real-person", "no", "--yes")
        try await node.ok("peer", "add", maker.url, "--yes")
        let image = try await eventually("the picture is known here") {
            let reply = try await node.get("/api/v1/images?withMeta=true")
            return try JSONDecoder().decode(Listed.self, from: Data(reply.body)).items.first?.id
        }
        let invite = try await node.ok("account", "invite").output.trimmingCharacters(in: .whitespacesAndNewlines)
        let asked = ["account": "ada", "passphrase": "nine bees in a row", "name": "Ada", "invite": invite]
        let made = try await HTTP.send(
            "POST", node.url + "/api/w1/accounts", ["Content-Type": "application/json"],
            body: [UInt8](try JSONSerialization.data(withJSONObject: asked)))
        try #require(made.status == 201, "\(made.text)")
        let ada = ["Cookie": String(try #require(made["Set-Cookie"]?.split(separator: ";").first))]
        try await node.ok("account", "role", "ada", "admin")

        let (page, button) = ("/generate?from=\(image)", #"name="file" value="\#(sha256.hex)""#)
        let seen = try await node.get(page, ada).text
        #expect(seen.contains(button) && seen.contains("from 1 peer"), "\(seen)")
        let stranger = try await node.get(page).text
        #expect(!stranger.contains(button) && stranger.contains("waggle get \(sha256.hex.prefix(16))"))
        func fetch(_ fields: [String: String]) async throws -> Int {
            try await HTTP.send(
                "POST", node.url + "/generate/fetch",
                ["Origin": node.url, "Content-Type": "application/x-www-form-urlencoded"].merging(fields) { $1 },
                body: Array("from=\(image)&file=\(sha256.hex)".utf8)
            ).status
        }
        let refused = try await fetch([:])
        #expect([401, 403].contains(refused))
        #expect(try await fetch(ada) == 303)
        try await eventually("nothing is missing") {
            try await !node.get(page, ada).text.contains(#"aria-labelledby="missing""#)
        }
    }
}
