import Digests
import Foundation
import Testing

/// Byte ranges of RFC 9110 section 14 against the real server, for a blob that is a file and for one that is a row.
@Suite("Bytes by hash", .nodes, .logsOnFailure)
struct RangeTests {
    @Test("ranges give exactly the bytes asked for, or say why not")
    func ranges() async throws {
        let world = try World.current
        let node = try await world.node("a")
        let bytes = try Samples.lora(mebibytes: 3, seed: 3)
        let picture = try Samples.picture(side: 40, seed: 3)
        let published = try await node.publish(
            world.write(bytes, as: "x.safetensors"), "x", "--sample", world.write(picture, as: "x.png"))
        try await check(node, bytes, hash: published.files[0].sha256)
        try await check(node, picture, hash: SHA256.hash(Data(picture)).hex)
    }

    private func check(_ node: TestNode, _ bytes: [UInt8], hash: String) async throws {
        let (path, size, tag) = ("/blobs/\(hash)", bytes.count, "\"\(hash)\"")
        // Inside.
        let parts = [
            ("bytes=0-0", 0..<1), ("bytes=0-99", 0..<100), ("bytes=100-", 100..<size), ("bytes=-17", size - 17..<size),
            ("bytes=\(size - 1)-", size - 1..<size), ("bytes=1000-\(size + 5000)", 1000..<size),
            ("bytes=-\(size + 1)", 0..<size), ("bytes=5-99999999999999999999999", 5..<size),
        ]
        for (range, expected) in parts {
            let reply = try await node.get(path, ["Range": range])
            #expect(reply.status == 206, "\(range)")
            #expect(reply.body == Array(bytes[expected]), "\(range)")
            let place = "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/\(size)"
            #expect(reply["content-range"] == place, "\(range)")
            #expect(reply["etag"] == tag)
        }
        // Outside.
        for range in ["bytes=\(size)-", "bytes=\(size)-\(size + 10)", "bytes=99999999999999999999999-", "bytes=-0"] {
            let reply = try await node.get(path, ["Range": range])
            #expect(reply.status == 416, "\(range)")
            #expect(reply["content-range"] == "bytes */\(size)", "\(range)")
            #expect(reply.body.count < 4096)
        }
        // Several: near ones as one, others as parts.
        let near = try await node.get(path, ["Range": "bytes=0-1,5-6"])
        #expect(near.status == 206 && near.body == Array(bytes[..<7]))
        let several = try await node.get(path, ["Range": "bytes=0-1,-10"])
        #expect(several.status == 206)
        #expect(several["content-type"]?.hasPrefix("multipart/byteranges; boundary=") == true)
        #expect(several["content-length"] == "\(several.body.count)")
        #expect(several.body.firstRange(of: Array(bytes.suffix(10)) + Array("\r\n--".utf8)) != nil)
        // Nothing that can be understood: the whole, as the RFC allows.
        let others = [
            "bytes=9-3", "bytes=a-b", "bytes=-", "bytes", "lines=1-2", "bytes=0-1-2", "bytes=+1-2",
        ]
        for range in others {
            let reply = try await node.get(path, ["Range": range])
            #expect(reply.status == 200, "\(range)")
            #expect(reply.body == bytes, "\(range)")
        }
        // Only for the same bytes as before.
        #expect(try await node.get(path, ["Range": "bytes=0-9", "If-Range": tag]).status == 206)
        let conditions = ["\"\(String(hash.reversed()))\"", "W/\(tag)", "Mon, 01 Jan 2024 00:00:00 GMT"]
        for condition in conditions {
            let reply = try await node.get(path, ["Range": "bytes=0-9", "If-Range": condition])
            #expect(reply.status == 200 && reply.body == bytes, "\(condition)")
        }
        #expect(try await node.get(path, ["If-None-Match": tag]).status == 304)
        // HEAD says what GET would, without the bytes.
        let head = try await HTTP.send("HEAD", node.url + path, ["Range": "bytes=10-19"])
        #expect(head.body.isEmpty)
        #expect(head.status == 200 && head["content-length"] == "\(size)")
        #expect(head["accept-ranges"] == "bytes")
        // A thousand ranges are no work for a thousand.
        let many = (0..<1000).map { "\($0)-\($0)" }.joined(separator: ",")
        #expect(try await node.get(path, ["Range": "bytes=\(many)"]).status == 200)
    }

    @Test("a hash in the wrong case or length is no blob, and the answer says so")
    func names() async throws {
        let world = try World.current
        let node = try await world.node("a")
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 1), as: "x.safetensors")
        let published = try await node.publish(file, "x")
        let hash = published.files[0].sha256
        let upper = try await node.get("/blobs/\(hash.uppercased())")
        #expect(upper.status == 400)
        #expect(upper.text.contains(hash))
        let wrong = [
            String(hash.dropLast()), hash + "0", String(hash.prefix(10)), String(hash.dropLast()) + "g", "%00",
            "..%2f..%2fkeys",
            "..", String(repeating: "a", count: 5000), "%ff%fe", String(repeating: "0", count: 64), "🐝",
        ]
        for name in wrong {
            let status = try await node.get("/blobs/\(name)").status
            #expect([400, 404, 414, 431].contains(status), "\(name): \(status)")
        }
        // Look-ups of Civitai's clients take either case and every length that is a hash.
        for name in [hash, hash.uppercased(), String(hash.prefix(10)), String(hash.prefix(10)).uppercased()] {
            #expect(try await node.get("/api/v1/model-versions/by-hash/\(name)").status == 200, "\(name)")
        }
        for name in [String(hash.prefix(11)), hash + "00", "xyz", "%00", String(repeating: "0", count: 64)] {
            let status = try await node.get("/api/v1/model-versions/by-hash/\(name)").status
            #expect([400, 404].contains(status), "\(name): \(status)")
        }
        #expect(try await node.get("/").status == 200)
    }
}
