import Digests
import Foundation
import Testing

@Suite("A file that several nodes have", .nodes, .logsOnFailure)
struct SeveralSourcesTests {
    /// A published file with two holders, and a reader that reaches each through a proxy that counts.
    private struct Scene {
        let holders: [TestNode]
        let proxies: [CountingProxy]
        let reader: TestNode
        let release: String
        let bytes: [UInt8]
        let folder: String

        init(mebibytes: Int) async throws {
            let world = try World.current
            bytes = try Samples.lora(mebibytes: mebibytes, seed: UInt64(mebibytes))
            let proxies = try [CountingProxy(world), CountingProxy(world)]
            // Requests are signed for the address that the reader dials.
            let first = try await world.node("first", "--public-url", proxies[0].url)
            let published = try await first.publish(world.write(bytes, as: "x.safetensors"), "x")
            let release = published.release
            let second = try await world.node("second", "--public-url", proxies[1].url)
            try await second.ok("peer", "add", first.url, "--yes")
            try await eventually("the second knows the release") { try await second.run("show", release).exit == 0 }
            try await second.ok("get", release, "-o", world.path("second-out") + "/", "--json")
            let reader = try await world.node("reader")
            for (proxy, holder) in zip(proxies, [first, second]) {
                proxy.lead(to: holder.url)
                try await reader.ok("peer", "add", proxy.url, "--yes")
            }
            try await eventually("the reader knows the release") { try await reader.run("show", release).exit == 0 }
            (holders, self.proxies, self.reader, self.release) = ([first, second], proxies, reader, release)
            folder = world.path("out") + "/"
        }

        func check(_ result: CommandResult) async throws {
            #expect(result.exit == 0, "\(result)")
            #expect(try await reader.get("/blobs/\(SHA256.hash(Data(bytes)).hex)").body == bytes)
        }
    }

    @Test("both holders are asked, each for a part")
    func both() async throws {
        let scene = try await Scene(mebibytes: 64)
        let before = scene.proxies.map(\.passed)
        try await scene.check(try await scene.reader.run("get", scene.release, "-o", scene.folder, "--json"))
        let passed = zip(scene.proxies, before).map { $0.passed - $1 }
        #expect(passed.allSatisfy { $0 > 4 << 20 }, "\(passed)")
    }

    @Test("a holder that is killed in the middle holds nothing up")
    func killed() async throws {
        let scene = try await Scene(mebibytes: 64)
        // Both stand still in the middle; then one dies.
        for proxy in scene.proxies { proxy.hold(after: proxy.passed + 10 << 20) }
        async let result = scene.reader.run("get", scene.release, "-o", scene.folder, "--json")
        for proxy in scene.proxies { await proxy.stands() }
        await scene.holders[1].kill()
        for proxy in scene.proxies { proxy.hold(after: .max) }
        try await scene.check(try await result)
    }

    @Test("a peer that is added while a file is fetched joins, and brings what the other does not")
    func joins() async throws {
        let world = try World.current
        let bytes = try Samples.lora(mebibytes: 32, seed: 61)
        let proxy = try CountingProxy(world)
        let first = try await world.node("first", "--public-url", proxy.url)
        proxy.lead(to: first.url)
        let file = try world.write(bytes, as: "x.safetensors")
        let release = try await first.publish(file, "x").release
        let second = try await world.node("second")
        try await second.ok("peer", "add", first.url, "--yes")
        try await eventually("the second knows the release") { try await second.run("show", release).exit == 0 }
        try await second.ok("get", release, "-o", world.path("second-out") + "/", "--json")
        let reader = try await world.node("reader")
        try await reader.ok("peer", "add", proxy.url, "--yes")
        try await eventually("the reader knows the release") { try await reader.run("show", release).exit == 0 }
        proxy.hold(after: proxy.passed + 6 << 20)
        async let result = reader.run("get", release, "-o", world.path("out") + "/", "--json")
        await proxy.stands()
        try await reader.ok("peer", "add", second.url, "--yes")
        let got = try await result
        #expect(got.exit == 0, "\(got)")
        #expect(try await reader.get("/blobs/\(SHA256.hash(Data(bytes)).hex)").body == bytes)
    }
}
