import Digests
import Foundation
import Identity
import Synchronization
import Testing

@Suite("What kill -9 costs", .nodes, .logsOnFailure)
struct CrashTests {
    @Test("a download that is cut by kill -9 goes on where it was: only units in flight are fetched again")
    func resumes() async throws {
        let world = try World.current
        let mebibyte = 1 << 20
        let bytes = try Samples.lora(mebibytes: 48, seed: 48)
        let hash = SHA256.hash(Data(bytes)).hex
        let file = try world.write(bytes, as: "big.safetensors")

        // Between the nodes stands a proxy that counts, and holds the transfer up half way.
        let proxy = try CountingProxy(world)
        let a = try await world.node("a", "--public-url", proxy.url)
        proxy.lead(to: a.url)
        _ = try await a.publish(file, "big", "--in-place")
        let b = try await world.node("b")
        proxy.hold(after: 26 * mebibyte)
        try await b.ok("peer", "add", proxy.url, "--yes")
        try await b.ok("mirror", "add", "--all", "--budget", "1GB")
        await proxy.stands()
        // Of what came a little is posts and the heads of replies, and two units are under way; every other is kept.
        let other = WireClient(persona: try Persona(.node), url: b.url)
        _ = try await other.offer(other.persona.documents)
        let kept = Mutex(0)
        try await eventually("b has what came") {
            let units = try await other.send("HEAD", "/w/1/blobs/\(hash)/pieces")["waggle-units"] ?? ""
            let held = units.split(separator: ",").reduce(0) { sum, run in
                let ends = run.split(separator: "-").compactMap { Int($0) }
                // The last unit of a file is a short one.
                let end = min(((ends.last ?? 0) + 1) * mebibyte, bytes.count)
                return sum + end - (ends.first ?? 0) * mebibyte
            }
            kept.withLock { $0 = held }
            return held > proxy.passed - 5 * mebibyte / 2
        }
        await b.kill()
        let before = proxy.passed

        proxy.hold(after: .max)
        try await b.restart()
        try await eventually("b has the file") { try await b.get("/blobs/\(hash)").status == 200 }
        #expect(try await b.get("/blobs/\(hash)").body == bytes)
        // No byte of a unit that b said it has comes again; a little is posts that the new process reconciles.
        let missing = bytes.count - kept.withLock { $0 }
        let fetched = proxy.passed - before
        #expect(fetched < missing + mebibyte / 2, "\(fetched) bytes came for the \(missing) that were missing")
        let extra = proxy.passed - bytes.count
        #expect(extra < 3 * mebibyte, "\(extra) bytes more than the file went over the wire")
        let partial = try FileManager.default.contentsOfDirectory(atPath: b.home + "/partial")
        #expect(partial.isEmpty, "the partial file is gone")
    }

    @Test("what publish has reported is there after kill -9 in the next instant")
    func keepsWhatItReported() async throws {
        let world = try World.current
        let node = try await world.node("a")
        for number in 1...4 {
            let bytes = try Samples.lora(mebibytes: number, seed: UInt64(number))
            let file = try world.write(bytes, as: "\(number).safetensors")
            let picture = try world.write(Samples.picture(side: 30, seed: UInt64(number)), as: "\(number).png")
            let published = try await node.publish(file, "model-\(number)", "--sample", picture)
            await node.kill()
            try await node.restart()

            let version = try await node.api(
                APIModel.Version.self, "/api/v1/model-versions/by-hash/\(published.files[0].sha256)")
            #expect(version.images.count == 1)
            #expect(try await HTTP.send("GET", version.images[0].url).status == 200)
            #expect(try await node.get("/blobs/\(published.files[0].sha256)").body == bytes)
            #expect(try await node.publish(file, "model-\(number)", "--sample", picture).isNew == false)
        }
        #expect(try await node.json(NodeStatus.self, "status").releases == 4)
    }

    @Test("a server that is asked to stop ends with 0, and its home is free for the next")
    func stops() async throws {
        let node = try await World.current.node("a")
        #expect(await node.stop() == .code(0))
        try await node.restart()
        #expect(try await node.get("/").status == 200)
    }
}
