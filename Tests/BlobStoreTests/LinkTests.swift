import CWaggleSystem
import Digests
import FoundationEssentials
import Glibc
import SystemPackage
import Testing
import WaggleProtocol

@testable import BlobStore

@Suite("linking equal files of library folders")
struct LinkTests {
    /// A library folder on some file system, whose files are hashed.
    private struct Scene {
        let test: TestHome
        let root: FilePath
        let clock = TestClock()
        let camera = Recorder<Step>()
        let store: BlobStore
        let action: Recorder<@Sendable (Step) -> Void>

        init(root: FilePath? = nil) async throws {
            test = try TestHome()
            let folder = root ?? test.file("models")
            mkdir(folder.string, 0o755)
            self.root = folder
            let action = Recorder<@Sendable (Step) -> Void>()
            self.action = action
            store = try await BlobStore.test(test.home, options: StoreOptions(now: clock.now)) { step in
                for act in action.values { act(step) }
            }
        }

        @discardableResult
        func model(_ name: String, _ count: Int = 1 << 20, seed: UInt64) throws -> FilePath {
            let path = root.appending(name)
            try Data(randomBytes(count, seed: seed)).write(to: URL(filePath: path.string))
            return path
        }

        func scan() async throws -> (ScanReport, LibraryHashing) {
            let library = try await store.addLibrary(root, layout: "flat")
            let report = try await store.scan(library.id, roots: [root])
            clock.advance(milliseconds: Limits.Library.quietMilliseconds)
            return (report, try await store.hashLibrary())
        }

        func inode(_ path: FilePath) throws -> Int64 { try #require(Files.identity(path)).inode }

        func hidden() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: root.string).filter { $0.hasPrefix(".") }
        }

        func bytes(_ path: FilePath) throws -> [UInt8] {
            try Array(#require(FileManager.default.contents(atPath: path.string)))
        }
    }

    @Test("equal files become one, all stay in service, and nothing is hashed again; unlink takes it back")
    func journey() async throws {
        let scene = try await Scene()
        let a = try scene.model("a.safetensors", seed: 1)
        let b = try scene.model("b.safetensors", seed: 1)
        let c = try scene.model("c.safetensors", seed: 1)
        let other = try scene.model("d.safetensors", seed: 2)
        let bytes = try scene.bytes(a)
        _ = try await scene.scan()
        let plan = try await scene.store.linkDuplicates(isDryRun: true)
        #expect(Set(plan.files.map(\.path)).isSubset(of: [a, b, c]))
        #expect(plan.files.map(\.bytes) == [1 << 20, 1 << 20])
        #expect(try Set([a, b, c].map { try scene.inode($0) }).count == 3, "a dry run changes nothing")
        let report = try await scene.store.linkDuplicates()
        #expect(report.files.map(\.method) == [.hardLinked, .hardLinked] && report.refused.isEmpty)
        #expect(report.files.map(\.bytes) == [1 << 20, 1 << 20])
        #expect(try Set([a, b, c].map { try scene.inode($0) }).count == 1)
        #expect(try scene.inode(other) != scene.inode(a))
        #expect(try scene.hidden().isEmpty)

        let (after, hashing) = try await scene.scan()
        #expect(after.unchanged == 4 && after.toHash == 0 && hashing == LibraryHashing())
        #expect(try await scene.store.presence(SHA256.hash(bytes)) == .whole)
        #expect(try await scene.store.bytes(SHA256.hash(bytes)) == bytes)
        #expect(try await scene.store.duplicates().first?.wasted == 0)
        #expect(try await scene.store.linkDuplicates().files.isEmpty)

        let apart = try await scene.store.unlinkFiles(at: b)
        #expect(apart.files.map(\.path) == [b] && apart.files.map(\.bytes) == [1 << 20])
        #expect(try scene.inode(a) == scene.inode(c) && scene.inode(b) != scene.inode(a))
        #expect(try scene.bytes(b) == bytes)
        #expect(try await scene.scan().1 == LibraryHashing())
        #expect(try await scene.scan().0.unchanged == 4)
        #expect(try await scene.store.unlinkFiles(at: scene.root).files.count == 1, "the last name keeps its file")
        #expect(try await scene.store.duplicates().first?.wasted == 2 << 20)
        await #expect(throws: BlobError.noFile(path: scene.test.file("x"))) {
            try await scene.store.unlinkFiles(at: scene.test.file("x"))
        }
    }

    @Test("the file with most names is kept, and all names of the other follow")
    func names() async throws {
        let scene = try await Scene()
        let a = try scene.model("a.safetensors", seed: 3)
        let b = try scene.model("b.safetensors", seed: 3)
        let (c, d, e) = (
            scene.root.appending("c.safetensors"), scene.root.appending("d.safetensors"),
            scene.root.appending("e.safetensors")
        )
        for name in [c, d] { link(b.string, name.string) }
        link(a.string, e.string)
        _ = try await scene.scan()
        let kept = try scene.inode(b)
        let report = try await scene.store.linkDuplicates()
        #expect(Set(report.files.map(\.path)) == [a, e] && report.files.map(\.bytes) == [0, 1 << 20])
        for path in [a, b, c, d, e] { #expect(try scene.inode(path) == kept) }
        #expect(try await scene.scan().0.unchanged == 5)
    }

    @Test("files that changed, are written to, are links or have other permissions are left as they are")
    func refused() async throws {
        let scene = try await Scene()
        let a = try scene.model("a.safetensors", seed: 4)
        let changed = try scene.model("b.safetensors", seed: 4)
        let open = try scene.model("c.safetensors", seed: 4)
        let theirs = try scene.model("d.safetensors", seed: 4)
        chmod(theirs.string, 0o600)
        let symbolic = scene.root.appending("e.safetensors")
        symlink(a.string, symbolic.string)
        _ = try await scene.scan()
        try OpenFile(writing: changed, creating: false).write([1] as [UInt8])
        let writer = try OpenFile(writing: open, creating: false)
        let before = try [a, changed, open, theirs].map { try scene.inode($0) }
        let report = try await scene.store.linkDuplicates()
        #expect(report.files.isEmpty && report.refused.count == 3, "\(report)")
        #expect(report.refused.contains(.changedOnDisk(path: changed)))
        #expect(report.refused.contains(.notLinked(path: open, why: "a program has it open for writing")))
        #expect(try [a, changed, open, theirs].map { try scene.inode($0) } == before)
        #expect(try scene.hidden().isEmpty)
        try writer.write([2] as [UInt8])
    }

    @Test("a file that another program replaces in the last instant is put back")
    func replaced() async throws {
        let scene = try await Scene()
        let a = try scene.model("a.safetensors", seed: 5)
        let b = try scene.model("b.safetensors", seed: 5)
        _ = try await scene.scan()
        let theirs = try scene.model("theirs.tmp", seed: 6)
        let bytes = try scene.bytes(theirs)
        let plan = try #require(try await scene.store.linkDuplicates(isDryRun: true).files.first)
        scene.action.record { step in
            if step == .linked { rename(theirs.string, plan.path.string) }
        }
        let report = try await scene.store.linkDuplicates()
        #expect(report.refused == [.changedOnDisk(path: plan.path)])
        #expect(try scene.bytes(plan.path) == bytes)
        #expect(try scene.bytes(plan.path == a ? b : a) == randomBytes(1 << 20, seed: 5))
        #expect(try scene.hidden().isEmpty)
    }

    @Test(
        "after a crash at any step every name leads to its bytes, and the next run clears up",
        arguments: [
            Step.linked, .exchanged, .separated,
        ])
    func crash(at step: Step) async throws {
        let scene = try await Scene()
        let paths = try ["a", "b"].map { try scene.model($0 + ".safetensors", seed: 7) }
        if step == .separated {
            unlink(paths[1].string)
            link(paths[0].string, paths[1].string)
        }
        _ = try await scene.scan()
        // A copy keeps inodes apart; hard links of the folder itself show what a kill leaves.
        let picture = FilePath(scene.root.string + "-crash")
        let isTaken = StopFlag()
        scene.action.record { reached in
            guard reached == step, !isTaken.isSet else { return }
            isTaken.set()
            mkdir(picture.string, 0o755)
            for name in (try? FileManager.default.contentsOfDirectory(atPath: scene.root.string)) ?? [] {
                link(scene.root.appending(name).string, picture.appending(name).string)
            }
        }
        if step == .separated {
            _ = try await scene.store.unlinkFiles(at: paths[1])
        } else {
            _ = try await scene.store.linkDuplicates()
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: picture.string)
        #expect(left.count == 3, "\(left)")
        for path in paths {
            #expect(try scene.bytes(picture.appending(path.lastComponent!)) == randomBytes(1 << 20, seed: 7))
        }
        // The next run finds the remains in the folder that they lie in.
        rename(scene.root.string, scene.root.string + "-away")
        rename(picture.string, scene.root.string)
        _ = try await scene.scan()
        _ = try await scene.scan()
        let report = try await scene.store.linkDuplicates()
        #expect(report.remains.isEmpty && report.refused.isEmpty, "\(report)")
        #expect(try scene.hidden().isEmpty)
        #expect(try scene.inode(paths[0]) == scene.inode(paths[1]))
        #expect(try await scene.scan().0.unchanged == 2)
    }

    @Test("what a cut-off run left is kept when it holds bytes that nobody knows")
    func remains() async throws {
        let scene = try await Scene()
        let a = try scene.model("a.safetensors", seed: 8)
        _ = try await scene.scan()
        let hash = SHA256.hash(try scene.bytes(a)).hex
        try scene.model(".\(hash).waggle-copy", seed: 8)
        let unknown = try scene.model(".\(hash).waggle-link", seed: 9)
        let report = try await scene.store.linkDuplicates()
        #expect(report.remains == [unknown])
        #expect(try scene.hidden() == [unknown.lastComponent?.string])
    }

    @Test(
        "where the file system shares blocks, files stay what they are and only their blocks become one",
        .enabled(if: XFS.isThere))
    func sharedBlocks() async throws {
        try await XFS.with { root in
            let scene = try await Scene(root: root)
            let a = try scene.model("a.safetensors", 20 << 20, seed: 10)
            let b = try scene.model("b.safetensors", 20 << 20, seed: 10)
            let c = try scene.model("c.safetensors", 20 << 20, seed: 11)
            for path in [a, b, c] { try OpenFile(writing: path, creating: false).synchronizeData() }
            _ = try await scene.scan()
            let before = [a, b].map { Files.identity($0) }
            #expect(try await scene.store.duplicates().first?.wasted == 20 << 20)
            let report = try await scene.store.linkDuplicates()
            #expect(report.files.map(\.method) == [.sharedBlocks] && report.refused.isEmpty, "\(report)")
            #expect([a, b].map { Files.identity($0) } == before, "times and inodes stay")
            #expect(try await scene.store.duplicates().first?.wasted == 0)
            #expect(try await scene.store.linkDuplicates(isDryRun: true).files.isEmpty)
            #expect(try await scene.scan().0.unchanged == 3)
            #expect(try scene.bytes(b) == randomBytes(20 << 20, seed: 10))
        }
    }
}

/// A small XFS in a file; only where this account may mount it and its tools are installed.
private enum XFS {
    static let isThere =
        geteuid() == 0 && access("/usr/sbin/mkfs.xfs", X_OK) == 0 && access("/dev/loop-control", R_OK) == 0

    static func with(_ body: (FilePath) async throws -> Void) async throws {
        var template = Array("/var/tmp/waggle-xfs-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (image, place) = (folder + "/image", folder + "/disk")
        mkdir(place, 0o755)
        let made = system(
            "truncate -s 512M \(image) && mkfs.xfs -q -m reflink=1 \(image) && mount -o loop \(image) \(place)")
        try #require(made == 0)
        defer { _ = system("umount \(place)") }
        try await body(FilePath(place).appending("models"))
    }
}
