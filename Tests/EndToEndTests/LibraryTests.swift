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
        let peers: [String]
        let sha256: String
    }

    private struct Placed: Decodable {
        struct File: Decodable {
            let path: String
            let method: String
        }
        let files: [File]
        let sidecars: [String]
    }

    private struct Linked: Decodable {
        struct File: Decodable { let method: String }
        let files: [File]
        let bytes: UInt64
        let refused: [String]
    }

    private func inodes(_ paths: [String]) throws -> Set<UInt> {
        Set(
            try paths.map { path in
                var status = stat()
                try #require(lstat(path, &status) == 0)
                return status.st_ino
            })
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
        // A while after it is hashed, the file is read once more for its other names: what counts is how much had been
        // read when it was last seen unhashed.
        var again: UInt64 = 0
        try await eventually("the file is hashed") {
            let read = try bytesRead(second)
            let folders = try await node.json([Folder].self, "library", "ls")
            if folders.first?.unknown == 1 && folders.first?.hashing == 0 { return true }
            again = read
            return false
        }
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
        let second = try Samples.lora(mebibytes: 2, seed: 2)
        try FileManager.default.createDirectory(atPath: world.path("two"), withIntermediateDirectories: true)
        let clash = try await maker.publish(world.write(second, as: "two/honey.safetensors"), "honey-two")

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

        // What lies there under another name is not written a second time.
        let here = try await node.json(Placed.self, "get", published.release, "--into", comfy)
        #expect(here.files.map(\.method) == ["here already"])
        #expect(here.files.map(\.path) == [comfy + "/models/loras/mine/renamed.safetensors"])

        // Put where ComfyUI looks for LoRAs; the taken name is left to its owner.
        let taken = try await node.json(Placed.self, "get", clash.release, "--into", comfy, "--sidecars")
        let mark = clash.files[0].sha256.prefix(10)
        #expect(taken.files.map(\.path) == [comfy + "/models/loras/honey-\(mark).safetensors"])
        #expect(FileManager.default.contents(atPath: taken.files[0].path) == Data(second))
        #expect(taken.sidecars.contains(comfy + "/models/loras/honey-\(mark).civitai.info"))
        let again = try await node.json(Placed.self, "get", clash.release, "--into", comfy, "--sidecars")
        #expect(again.files.map(\.method) == ["there already"] && again.sidecars.isEmpty)
        let named = try await node.json(
            Placed.self, "get", clash.release, "--into", comfy, "--template", "{base}/{name} {version}.{ext}")
        #expect(named.files[0].path.hasPrefix(comfy + "/models/loras/"))
        #expect(named.files[0].path.split(separator: "/").count == taken.files[0].path.split(separator: "/").count + 1)
        let linked = try await node.json(
            Placed.self, "get", clash.release, "--into", comfy, "--symlink", "--template", "link.{ext}")
        #expect(linked.files.map(\.method) == ["symlinked"])
        let target = try FileManager.default.destinationOfSymbolicLink(atPath: linked.files[0].path)
        #expect(target.hasPrefix(node.home) && FileManager.default.contents(atPath: target) == Data(second))

        // Equal files share one file's bytes after a yes, and have their own again after another.
        let pair = [comfy + "/models/loras/unknown.safetensors", comfy + "/models/loras/twin.safetensors"]
        try write(Samples.lora(mebibytes: 1, seed: 3), pair[1])
        _ = try await node.json([Scan].self, "library", "scan", "--wait")
        let unlinked = try facts(comfy)
        let refusal = try await node.run("library", "link", comfy)
        #expect(refusal.exit == 2 && refusal.errors.contains("add --yes"), "\(refusal)")
        #expect(try facts(comfy) == unlinked)
        let links = try await node.json(Linked.self, "library", "link", comfy, "--yes")
        #expect(!links.files.isEmpty && links.refused.isEmpty && links.bytes > 0, "\(links)")
        #expect(try inodes(pair).count == 1 || links.files.allSatisfy { $0.method == "shared blocks" })
        #expect(try await node.json([Scan].self, "library", "scan", "--wait").first?.toHash == 0)
        try await node.ok("library", "unlink", comfy, "--yes")
        #expect(try inodes(pair).count == 2)
        #expect(try await node.json([Scan].self, "library", "scan", "--wait").first?.toHash == 0)

        try await node.ok("library", "rm", comfy)
        let after = try facts(comfy)
        for (name, facts) in before where facts[6] & Int(S_IFMT) == Int(S_IFREG) {
            // Those that were linked and taken apart have another inode and time of change; nothing else is different.
            if pair.contains(comfy + "/" + name) { continue }
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

    @Test("a file is known by every hash that the background pass gave it, and is not read again for its weights")
    func names() async throws {
        let world = try World.current
        let node = try await world.node("a")
        let bytes = try Samples.lora(mebibytes: 4, seed: 5)
        let published = try await node.publish(world.write(bytes, as: "wax.safetensors"), "wax")
        var changed = bytes
        let place = try #require(Data(bytes).range(of: Data("honeycomb-style".utf8))).lowerBound
        changed[place] = UInt8(ascii: "H")
        let folder = world.path("models")
        mkdir(folder, 0o755)
        let path = folder + "/other.safetensors"
        try Data(changed).write(to: URL(filePath: path))
        try await node.ok("library", "add", folder, "--layout", "flat", "--wait")
        let blake3 = changed.withUnsafeBytes { BLAKE3.hash($0) }.hex
        let named = try await eventually("the background pass has read it") {
            let item = try await node.json([Item].self, "identify", blake3).first
            return item?.match == "unknown" ? nil : item
        }
        #expect(named.match == "same weights, other header" && named.path == path)
        #expect(named.releases.count == 1 && named.sha256 != published.files[0].sha256)
        let server = try #require(node.processID)
        let before = try bytesRead(server)
        let item = try #require(try await node.json([Item].self, "identify", path).first)
        #expect(item.match == "same weights, other header")
        #expect(try bytesRead(server) - before < UInt64(bytes.count), "it was read again")
    }

    @Test("a peer is asked who holds an unknown file only when that is wanted")
    func asksPeers() async throws {
        let world = try World.current
        let bytes = try Samples.lora(mebibytes: 2, seed: 6)
        let holder = try await world.node("holder")
        // The reader knows the peer, and not its posts: it has been stopped before it was told of them.
        let reader = try await world.node("reader")
        try await reader.ok("peer", "add", holder.url, "--yes")
        _ = await reader.stop()
        let published = try await holder.publish(world.write(bytes, as: "wax.safetensors"), "wax")
        let path = try world.write(bytes, as: "found.safetensors")
        let quiet = try await reader.run("identify", path, "--json")
        let silent = try quiet.json([Item].self)
        #expect(quiet.exit == 0 && silent.first?.match == "unknown" && silent.first?.peers == [])
        let asked = try await reader.run("identify", path, "--ask-peers", "--json").json([Item].self)
        #expect(asked.first?.sha256 == published.files[0].sha256)
        #expect(asked.first?.peers == [holder.url])
        let hash = try await reader.run("identify", published.files[0].sha256, "--ask-peers", "--json")
        #expect(try hash.json([Item].self).first?.peers == [holder.url])
    }
}
