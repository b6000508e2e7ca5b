import Digests
import FoundationEssentials
import GRDB
import Glibc
import SystemPackage
import Testing
import WaggleProtocol

@testable import BlobStore

@Suite("library folders")
struct LibraryTests {
    let test: TestHome
    let clock = TestClock()
    let root: FilePath

    init() throws {
        test = try TestHome()
        root = test.file("models")
        mkdir(root.string, 0o755)
    }

    /// The files' own times lie ahead of this clock, so it takes two looks, two seconds apart, until one is hashed.
    private func open() async throws -> BlobStore {
        try await BlobStore.test(test.home, options: StoreOptions(now: clock.now))
    }

    private func scan(_ store: BlobStore) async throws -> (ScanReport, LibraryHashing) {
        let library = try await store.addLibrary(root, layout: "flat")
        let report = try await store.scan(library.id, roots: [root])
        clock.advance(milliseconds: Limits.Library.quietMilliseconds)
        return (report, try await store.hashLibrary())
    }

    @discardableResult
    private func model(_ name: String, _ count: Int, seed: UInt64) throws -> (path: FilePath, hash: Hash32) {
        let bytes = randomBytes(count, seed: seed)
        return (try test.write(bytes, to: "models/" + name), SHA256.hash(bytes))
    }

    @Test("files are found, hashed and served where they lie; a second scan reads none of them, after a restart too")
    func twice() async throws {
        let store = try await open()
        mkdir(root.appending("loras").string, 0o755)
        let small = try model("a.safetensors", 700, seed: 1)
        let large = try model("loras/b.ckpt", 5 << 20, seed: 2)
        try model("preview.png", 900, seed: 3)
        let before = Files.identity(large.path)
        let (report, hashing) = try await scan(store)
        #expect(report.walk.files == 2 && report.walk.others == 1 && report.toHash == 2)
        #expect(hashing.hashed == 2 && hashing.bytes == 5 << 20 + 700)
        #expect(try await store.presence(small.hash) == .whole)
        #expect(try await store.facts(large.hash)?.place == .adopted(large.path))
        #expect(Files.identity(large.path) == before, "it is left exactly as it was")
        try await store.close()

        let reopened = try await open()
        let (again, nothing) = try await scan(reopened)
        #expect(again.unchanged == 2 && again.toHash == 0)
        #expect(nothing == LibraryHashing())
        #expect(try await reopened.libraryFiles().map(\.state) == [.hashed, .hashed])
    }

    @Test("a file that grows waits, is not served meanwhile, and is taken when it has been left alone")
    func growing() async throws {
        let store = try await open()
        let first = try model("a.safetensors", 1_000, seed: 4)
        let library = try await store.addLibrary(root, layout: "flat")
        #expect(try await store.scan(library.id, roots: [root]).growing == 1)
        #expect(try await store.hashLibrary() == LibraryHashing(growing: 1))
        let second = try model("a.safetensors", 2_000, seed: 5)
        clock.advance(milliseconds: Limits.Library.quietMilliseconds)
        #expect(try await store.hashLibrary().growing == 1, "it changed since the last look")
        clock.advance(milliseconds: Limits.Library.quietMilliseconds)
        #expect(try await store.hashLibrary().hashed == 1)
        #expect(try await store.presence(first.hash) == .none)
        #expect(try await store.presence(second.hash) == .whole)
    }

    @Test("a download with its tool's control file beside it waits until that is gone")
    func underWay() async throws {
        let store = try await open()
        try model("a.safetensors", 1_000, seed: 6)
        let control = try model("a.safetensors.aria2", 10, seed: 7)
        #expect(try await scan(store).1.growing == 1)
        unlink(control.path.string)
        clock.advance(milliseconds: Limits.Library.quietMilliseconds)
        #expect(try await store.hashLibrary().hashed == 1)
    }

    @Test("a changed file is out of service from the scan on until it is hashed again, also one under a reused inode")
    func changed() async throws {
        let store = try await open()
        let old = try model("a.safetensors", 1_000, seed: 8)
        _ = try await scan(store)
        // Written over in place: the same path, inode and size.
        let file = try OpenFile(writing: old.path, creating: false)
        let bytes = randomBytes(1_000, seed: 9)
        try file.write(bytes)
        let library = try await store.addLibrary(root, layout: "flat")
        #expect(try await store.scan(library.id, roots: [root]).toHash == 1)
        #expect(try await store.presence(old.hash) == .none)
        #expect(try await store.libraryFiles().map(\.isChanged) == [true])
        clock.advance(milliseconds: Limits.Library.quietMilliseconds)
        #expect(try await store.hashLibrary().hashed == 1)
        #expect(try await store.presence(SHA256.hash(bytes)) == .whole)
        #expect(try await store.facts(old.hash) == nil)
    }

    @Test("deleted and renamed files are forgotten under their old names; those that vanish before their turn too")
    func vanished() async throws {
        let store = try await open()
        let kept = try model("a.safetensors", 1_000, seed: 10)
        let gone = try model("b.safetensors", 1_000, seed: 11)
        _ = try await scan(store)
        unlink(gone.path.string)
        rename(kept.path.string, root.appending("c.safetensors").string)
        let next = try model("d.safetensors", 1_000, seed: 12)
        let library = try await store.addLibrary(root, layout: "flat")
        let report = try await store.scan(library.id, roots: [root])
        #expect(report.vanished == 2 && report.toHash == 2)
        unlink(next.path.string)
        clock.advance(milliseconds: Limits.Library.quietMilliseconds)
        #expect(try await store.hashLibrary() == LibraryHashing(hashed: 1, bytes: 1_000, vanished: 1))
        #expect(try await store.presence(kept.hash) == .whole)
        #expect(try await store.presence(gone.hash) == .none)
        #expect(try await store.libraryFiles().count == 1)
    }

    @Test("a file that is renamed or written to while it is hashed is not taken, and is taken as it is later")
    func busy() async throws {
        let store = try await open()
        let moved = try model("a.safetensors", 9 << 20, seed: 30)
        let written = try model("b.safetensors", 9 << 20, seed: 31)
        let library = try await store.addLibrary(root, layout: "flat")
        _ = try await store.scan(library.id, roots: [root])
        clock.advance(milliseconds: Limits.Library.quietMilliseconds)
        let target = root.appending("c.safetensors")
        let busy = try await store.hashLibrary { path, done, _ in
            guard done == 4 << 20 else { return }
            if path == moved.path {
                rename(path.string, target.string)
            } else {
                try? OpenFile(writing: path, creating: false).write([1] as [UInt8], at: 0)
            }
        }
        #expect(busy == LibraryHashing(growing: 2))
        #expect(try await store.presence([moved.hash, written.hash]) == [.none, .none])
        _ = try await scan(store)
        clock.advance(milliseconds: Limits.Library.quietMilliseconds)
        _ = try await store.hashLibrary()
        #expect(try await store.presence([moved.hash, written.hash]) == [.whole, .none])
        #expect(try await store.libraryFiles().map(\.state) == [.hashed, .hashed])
    }

    @Test("when the disk of a folder is away, what is known of its files stays, and is good again when it is back")
    func unmounted() async throws {
        let store = try await open()
        let file = try model("a.safetensors", 1_000, seed: 13)
        _ = try await scan(store)
        let away = test.file("away")
        rename(root.string, away.string)
        let library = try #require(try await store.libraries().first)
        await #expect(throws: BlobError.noFile(path: root)) { try await store.scan(library.id, roots: [root]) }
        await #expect(throws: BlobError.changedOnDisk(path: file.path)) { try await store.open(file.hash) }
        rename(away.string, root.string)
        #expect(try await store.scan(library.id, roots: [root]).unchanged == 1)
        #expect(try await store.presence(file.hash) == .whole)
    }

    @Test("links are followed once each: loops end, links out of the folder work, links to what is around it do not")
    func links() async throws {
        let store = try await open()
        let outside = test.file("disk2")
        mkdir(outside.string, 0o755)
        try test.write(randomBytes(500, seed: 14), to: "disk2/far.safetensors")
        try model("near.safetensors", 500, seed: 15)
        symlink(root.string, root.appending("loop").string)
        symlink(".", root.appending("self").string)
        symlink(outside.string, root.appending("more").string)
        symlink(outside.string, root.appending("again").string)
        symlink("/", root.appending("everything").string)
        symlink("ring1", root.appending("ring2").string)
        symlink("ring2", root.appending("ring1").string)
        let (report, hashing) = try await scan(store)
        #expect(report.walk.files == 2 && hashing.hashed == 2)
        #expect(report.walk.notFollowed == [root.appending("everything")])
        #expect(report.walk.unreadable.count == 2, "the ring")
    }

    @Test("pipes, folders and sparse files with a model's name do not hold a scan up")
    func odd() async throws {
        let store = try await open()
        mkfifo(root.appending("pipe.safetensors").string, 0o644)
        mkdir(root.appending("folder.safetensors").string, 0o755)
        let sparse = Glibc.open(root.appending("sparse.safetensors").string, O_RDWR | O_CREAT, 0o644)
        #expect(ftruncate(sparse, 40 << 20) == 0)
        close(sparse)
        try model("empty.safetensors", 0, seed: 16)
        let (report, hashing) = try await scan(store)
        #expect(report.walk.files == 2 && hashing.hashed == 2)
        #expect(try await store.presence(SHA256.hash([UInt8](repeating: 0, count: 40 << 20))) == .whole)
    }

    @Test("names in every script, and names that are no UTF-8, are found, hashed and found again")
    func scripts() async throws {
        let store = try await open()
        let names =
            ["模型", "модель", "نموذج", "モデル", "e\u{301}", "é", "👩‍👩‍👧", "a\nb", "a b'\"\\$"].map { Array($0.utf8) } + [
                [0xff, 0xfe, 0x80], [0xc3],
            ]
        for (number, name) in names.enumerated() {
            let path = FilePath(bytes: root.bytes + Array("/".utf8) + name + Array(".safetensors".utf8))
            let file = try OpenFile(writing: path, creating: true)
            try file.write(randomBytes(100 + number, seed: UInt64(number)))
        }
        #expect(try await scan(store).1.hashed == names.count)
        #expect(try await scan(store).0.unchanged == names.count)
        for file in try await store.libraryFiles() {
            let hash = try #require(file.sha256)
            #expect(try await store.bytes(hash).count == Int(file.size))
        }
    }

    @Test("a file that this account may not read is told, and taken when it may", .enabled(if: geteuid() != 0))
    func unreadable() async throws {
        let store = try await open()
        let file = try model("a.safetensors", 1_000, seed: 17)
        chmod(file.path.string, 0)
        #expect(try await scan(store).1.unreadable == 1)
        #expect(try await store.libraryFiles().map(\.state) == [.unreadable])
        chmod(file.path.string, 0o644)
        #expect(try await scan(store).1.hashed == 1)
    }

    @Test("removing a folder leaves each file as it was, and in service what the node has promised to hold")
    func remove() async throws {
        let store = try await open()
        let plain = try model("a.safetensors", 1_000, seed: 18)
        let own = try model("b.safetensors", 1_000, seed: 19)
        _ = try await scan(store)
        try await store.pin(own.hash, .ownPost)
        let before = [plain, own].map { Files.identity($0.path) }
        let library = try #require(try await store.libraries().first)
        #expect(try await store.removeLibrary(library.id) == RemovedLibrary(files: 1, kept: [own.path]))
        #expect([plain, own].map { Files.identity($0.path) } == before)
        #expect(try await store.presence([plain.hash, own.hash]) == [.none, .whole])
        #expect(try await store.libraries().isEmpty)
        #expect(try await store.libraryFiles().isEmpty)
    }

    @Test("a purged blob is not served from a library either, and its file is left alone")
    func purged() async throws {
        let store = try await open()
        let file = try model("a.safetensors", 1_000, seed: 20)
        _ = try await store.purge(file.hash, reason: "test", who: "test")
        #expect(try await scan(store).1.purged == 1)
        #expect(try await store.libraryFiles().map(\.state) == [.purged])
        #expect(try await store.presence(file.hash) == .none)
        #expect(try await scan(store).0.unchanged == 1)
        #expect(access(file.path.string, F_OK) == 0)
    }

    @Test("a look over a folder changes nothing and tells what a scan would read, by folder")
    func survey() async throws {
        let store = try await open()
        mkdir(root.appending("loras").string, 0o755)
        try model("loras/a.safetensors", 1_000, seed: 21)
        try model("b.safetensors", 3_000, seed: 22)
        let survey = try await store.survey([root])
        #expect(survey.report.toHash == 2 && survey.report.bytesToHash == 4_000)
        #expect(survey.folders.mapValues(\.walk.bytes) == [root: 3_000, root.appending("loras"): 1_000])
        #expect(try await store.libraries().isEmpty)
        #expect(try await store.libraryFiles().isEmpty)
    }

    @Test(
        "equal files in more than one place are told, with the bytes that are there twice; names of one file cost none")
    func duplicates() async throws {
        let store = try await open()
        let first = try model("a.safetensors", 1_000, seed: 23)
        try model("b.safetensors", 1_000, seed: 23)
        try model("c.safetensors", 1_000, seed: 24)
        link(first.path.string, root.appending("d.safetensors").string)
        _ = try await scan(store)
        let groups = try await store.duplicates()
        #expect(groups.count == 1)
        #expect(groups.first?.paths.count == 3)
        #expect(groups.first?.wasted == 1_000)
    }

    @Test("100,000 files that are no models cost a scan no look at any of them")
    func junk() async throws {
        let store = try await open()
        for folder in 0..<10 {
            let path = root.appending("images-\(folder)")
            mkdir(path.string, 0o755)
            for number in 0..<10_000 {
                close(Glibc.open(path.string + "/\(number).png", O_CREAT | O_WRONLY, 0o644))
            }
        }
        try model("a.safetensors", 1_000, seed: 25)
        let (report, hashing) = try await scan(store)
        #expect(report.walk.others == 100_000 && report.walk.files == 1 && hashing.hashed == 1)
        #expect(try await store.libraryFiles().count == 1, "nothing is remembered of them")
    }

    @Test(
        "an empty folder on another file system than its files lay on is a disk that is not mounted: nothing is forgotten"
    )
    func emptyMountPoint() async throws {
        let store = try await open()
        let model = try model("a.safetensors", 700, seed: 31)
        _ = try await scan(store)
        // As if the folder had been another file system then.
        try await store.index.write { try $0.change("UPDATE library_files SET device = device + 1", []) }
        unlink(model.path.string)
        let (away, _) = try await scan(store)
        #expect(away.vanished == 0 && away.walk.unreadable == [root])
        #expect(try await store.libraryFiles().count == 1)
        // On the same one it is a deletion.
        try await store.index.write { try $0.change("UPDATE library_files SET device = device - 1", []) }
        let (gone, _) = try await scan(store)
        #expect(gone.vanished == 1)
        #expect(try await store.libraryFiles().isEmpty)
    }
}
