import Digests
import Foundation
import Glibc
import Testing

@Suite("Model folders of other programs", .nodes, .logsOnFailure)
struct LibraryTests {
    private struct Folder: Decodable {
        let files: Int
        let recognised: Int
        let unknown: Int
        let changed: Int
        let hashing: Int
        let bytesToHash: UInt64
    }

    private struct Scan: Decodable {
        let files: Int
        let unchanged: Int
        let toHash: Int
        let bytesToHash: UInt64
    }

    private struct Item: Decodable {
        struct Release: Decodable { let reference: String }
        let path: String
        let match: String
        let releases: [Release]
    }

    private struct Placed: Decodable {
        struct File: Decodable {
            let path: String
            let method: String
        }
        let files: [File]
        let sidecars: [String]
    }

    /// Everything below a folder with the facts that must stay: inode, size, times and mode.
    private func facts(_ folder: String) throws -> [String: [Int]] {
        var all: [String: [Int]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            var status = stat()
            try #require(lstat(folder + "/" + name, &status) == 0)
            all[name] = [
                Int(status.st_ino), Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                status.st_ctim.tv_sec, status.st_ctim.tv_nsec, Int(status.st_mode),
            ]
        }
        return all
    }

    /// Bytes that a process has read from files.
    private func bytesRead(_ process: pid_t) throws -> UInt64 {
        let text = try String(contentsOfFile: "/proc/\(process)/io", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("rchar: ") })
        return try #require(UInt64(line.dropFirst("rchar: ".count)))
    }

    @Test("hashing that kill -9 cuts off goes on from where it was, and is never done twice")
    func resumes() async throws {
        let world = try World.current
        let folder = world.path("models")
        mkdir(folder, 0o755)
        let path = folder + "/big.safetensors"
        // Sparse, with random pages in it: large for the program, small for the disk.
        let size = 1_536 << 20
        let file = open(path, O_RDWR | O_CREAT, 0o644)
        try #require(ftruncate(file, off_t(size)) == 0)
        var random = SeededBytes(7)
        for place in stride(from: 0, to: size, by: 16 << 20) {
            let page = random.bytes(4096)
            try #require(pwrite(file, page, page.count, off_t(place)) == page.count)
        }
        close(file)
        let node = try await world.node("a")
        try await node.ok("library", "add", folder, "--layout", "flat")
        let first = try #require(node.processID)
        try await eventually("half of the file is read") { try bytesRead(first) > UInt64(size / 2) }
        await node.kill()

        try await node.restart()
        let second = try #require(node.processID)
        try await eventually("the file is hashed") {
            let folders = try await node.json([Folder].self, "library", "ls")
            return folders.first?.unknown == 1 && folders.first?.hashing == 0
        }
        let again = try bytesRead(second)
        #expect(again < UInt64(size * 3 / 4), "\(again) bytes were read after the restart")

        // What is hashed is not read again, by a scan or by another process.
        let scan = try await node.json([Scan].self, "library", "scan", "--wait")
        #expect(scan.first?.unchanged == 1 && scan.first?.toHash == 0)
        await node.kill()
        try await node.restart()
        #expect(try await node.json([Scan].self, "library", "scan", "--wait").first?.toHash == 0)
    }

    @Test("a ComfyUI folder is adopted, identified, filled and left, and no file in it is touched")
    func journey() async throws {
        let world = try World.current
        let maker = try await world.node("maker")
        let original = try Samples.lora(mebibytes: 2, seed: 1)
        let published = try await maker.publish(world.write(original, as: "honey.safetensors"), "honey")
        let clash = try await maker.publish(
            world.write(Samples.lora(mebibytes: 2, seed: 2), as: "honey2.safetensors"), "honey-two")

        let comfy = world.path("ComfyUI")
        for name in ["checkpoints", "loras/mine", "vae"] {
            try FileManager.default.createDirectory(
                atPath: comfy + "/models/" + name, withIntermediateDirectories: true)
        }
        let other = world.path("disk2/loras")
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
        func write(_ bytes: [UInt8], _ path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }
        try write(original, comfy + "/models/loras/mine/renamed.safetensors")
        try write(Samples.lora(mebibytes: 1, seed: 3), comfy + "/models/loras/unknown.safetensors")
        try write(Samples.lora(mebibytes: 1, seed: 3), other + "/copy.safetensors")
        try write(Array("mine".utf8), comfy + "/models/loras/honey.safetensors")
        try write(
            Array("elsewhere:\n  base_path: \(world.path("disk2"))\n  loras: loras\n".utf8),
            comfy + "/extra_model_paths.yaml")
        let before = try facts(comfy)

        let node = try await world.node("b")
        try await node.ok("peer", "add", maker.url, "--yes")
        for post in [published.release, clash.release] {
            try await eventually("the posts are here") { try await node.run("show", post).exit == 0 }
        }
        let plan = try await node.json(Scan.self, "library", "add", comfy, "--dry-run")
        #expect(plan.files == 4)
        #expect(try await node.json([Folder].self, "library", "ls").isEmpty)
        let added = try await node.json(Scan.self, "library", "add", comfy, "--wait")
        #expect(added.bytesToHash == plan.bytesToHash)
        let listed = try await node.json([Folder].self, "library", "ls")
        #expect(listed.map(\.files) == [4] && listed.map(\.recognised) == [1] && listed.map(\.unknown) == [3])
        #expect(try facts(comfy) == before)

        // What was recognised is a copy that this node serves.
        #expect(try await node.get("/blobs/\(published.files[0].sha256)").body == original)
        let items = try await node.json([Item].self, "identify", comfy + "/models/loras")
        #expect(items.first { $0.path.hasSuffix("renamed.safetensors") }?.match == "exact")
        #expect(items.first { $0.path.hasSuffix("/unknown.safetensors") }?.match == "unknown")
        #expect(try await node.run("identify", comfy + "/models/loras/unknown.safetensors").exit == 3)
        #expect(try await node.ok("library", "dupes").output.contains("copy.safetensors"))

        // Put where ComfyUI looks for LoRAs; the taken name is left to its owner.
        let taken = try await node.json(Placed.self, "get", published.release, "--into", comfy, "--sidecars")
        let mark = published.files[0].sha256.prefix(10)
        #expect(taken.files.map(\.path) == [comfy + "/models/loras/honey-\(mark).safetensors"])
        #expect(FileManager.default.contents(atPath: taken.files[0].path) == Data(original))
        #expect(taken.sidecars.contains(comfy + "/models/loras/honey-\(mark).civitai.info"))
        let again = try await node.json(Placed.self, "get", published.release, "--into", comfy, "--sidecars")
        #expect(again.files.map(\.method) == ["there already"] && again.sidecars.isEmpty)
        let named = try await node.json(
            Placed.self, "get", clash.release, "--into", comfy, "--template", "{base}/{name} {version}.{ext}")
        #expect(named.files[0].path.hasPrefix(comfy + "/models/loras/"))
        #expect(named.files[0].path.split(separator: "/").count == taken.files[0].path.split(separator: "/").count + 1)

        try await node.ok("library", "rm", comfy)
        let after = try facts(comfy)
        for (name, facts) in before where !name.isEmpty && facts[6] & Int(S_IFMT) == Int(S_IFREG) {
            #expect(after[name] == facts, "\(name)")
        }
    }

    @Test("the same weights under another header are told, without a server too")
    func sameWeights() async throws {
        let world = try World.current
        let node = try await world.node("a")
        let bytes = try Samples.lora(mebibytes: 1, seed: 4)
        let published = try await node.publish(world.write(bytes, as: "wax.safetensors"), "wax")
        // Another training comment of the same length in the metadata: a header changes and no tensor.
        var changed = bytes
        let place = try #require(Data(bytes).range(of: Data("honeycomb-style".utf8))).lowerBound
        changed[place] = UInt8(ascii: "H")
        let path = try world.write(changed, as: "other.safetensors")
        _ = await node.stop()
        let item = try #require(try await node.json([Item].self, "identify", path).first)
        #expect(item.match == "same weights, other header")
        #expect(item.releases.count == 1)
        let exact = try await node.json([Item].self, "identify", String(published.files[0].sha256.prefix(10)))
        #expect(exact.first?.match == "exact")
    }
}
