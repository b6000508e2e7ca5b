import Digests
import FoundationEssentials
import Glibc
import NIOCore
import SystemPackage
import Testing

@testable import BlobStore

@Suite("full, read-only and foreign disks", .enabled(if: Mounts.arePermitted, "needs the right to mount"))
struct DiskTests {
    @Test("on a full disk every way in says so, nothing held is lost, and the store goes on when there is room")
    func full() async throws {
        try await Mounts.withTmpfs(bytes: 12 << 20) { test in
            // The free space is not told, so that the writes themselves find the disk full.
            let store = try await BlobStore.test(test.home, options: StoreOptions(freeSpace: { _ in nil }))
            let held = TestBlob(1 << 20, seed: 1)
            let small = TestBlob(5_000, seed: 2)
            _ = try await store.add(bytes: held.bytes)
            _ = try await store.add(bytes: small.bytes)
            let large = TestBlob(16 << 20, seed: 3)
            let source = try test.write(large.bytes, to: "source")
            func expectFull(_ body: () async throws -> Void) async {
                do {
                    try await body()
                    Issue.record("the disk was not full")
                } catch BlobError.diskFull {
                } catch {
                    Issue.record(error)
                }
            }
            await expectFull { _ = try await store.add(bytes: large.bytes) }
            await expectFull { _ = try await store.add(copying: source) }
            await expectFull { _ = try await store.begin(large) }
            #expect(try test.names("partial") == [])
            #expect(try await store.totals().reservedBytes == 0)

            // Fill the rest, so that the databases cannot grow either.
            let ballast = try OpenFile(writing: test.home.appending("ballast"), creating: true)
            let block = [UInt8](repeating: 1, count: 1 << 16)
            var end: UInt64 = 0
            while (try? ballast.write(block, at: end)) != nil { end += UInt64(block.count) }
            await expectFull {
                for seed in 100..<1_000 as Range<UInt64> {
                    _ = try await store.add(bytes: TestBlob(60_000, seed: seed).bytes)
                }
            }
            #expect(try await store.bytes(held.hash) == held.bytes)
            #expect(try await store.bytes(small.hash) == small.bytes)
            try Files.remove(ballast.path)
            ftruncate(ballast.descriptor, 0)
            let late = TestBlob(2 << 20, seed: 4)
            _ = try await store.add(bytes: late.bytes)
            _ = try await store.add(bytes: TestBlob(60_000, seed: 5).bytes)
            #expect(try await store.bytes(late.hash) == late.bytes)
            #expect(store.recovery.missing == 0)
            try await store.close()
        }
    }

    @Test("a download reserved on a disk that fills up afterwards still completes")
    func reserved() async throws {
        try await Mounts.withTmpfs(bytes: 16 << 20) { test in
            let store = try await BlobStore.test(test.home)
            let blob = TestBlob(6 << 20, seed: 6)
            let partial = try await store.begin(blob)
            let ballast = try OpenFile(writing: test.home.appending("ballast"), creating: true)
            let block = [UInt8](repeating: 1, count: 1 << 16)
            var end: UInt64 = 0
            while (try? ballast.write(block, at: end)) != nil { end += UInt64(block.count) }
            ftruncate(ballast.descriptor, off_t(end) - 1 << 20)
            try await partial.write(0..<6, of: blob)
            _ = try await partial.commit()
            #expect(try await store.bytes(blob.hash) == blob.bytes)
            try await store.close()
        }
    }

    @Test("on a read-only disk what is held is served and what would write is refused by its path")
    func readOnly() async throws {
        try await Mounts.withTmpfs(bytes: 16 << 20) { test in
            let store = try await BlobStore.test(test.home)
            let blob = TestBlob(200_000, seed: 7)
            _ = try await store.add(bytes: blob.bytes)
            let elsewhere = try TestHome()
            let file = try elsewhere.write(randomBytes(100_000, seed: 8), to: "file")
            guard Mounts.tmpfs(at: test.home, bytes: 16 << 20, readOnly: true, remount: true) else {
                // Open databases may hold the file system writable; a bind mount of one folder does it then.
                return try await readOnlyFolder(store, test, blob, file)
            }
            await #expect(throws: BlobError.self) { try await store.add(copying: file) }
            #expect(try await store.bytes(blob.hash) == blob.bytes)
        }
    }

    private func readOnlyFolder(_ store: BlobStore, _ test: TestHome, _ blob: TestBlob, _ file: FilePath) async throws {
        let folder = test.home.appending("partial").string
        try #require(mount(folder, folder, nil, 4096, nil) == 0)
        defer { umount2(folder, 2) }
        try #require(mount(nil, folder, nil, 4096 | 32 | 1, nil) == 0)
        do {
            _ = try await store.add(copying: file)
            Issue.record("the folder was writable")
        } catch BlobError.readOnly(let path) {
            #expect(path.removingLastComponent().string == folder)
        }
        await #expect(throws: BlobError.self) { try await store.begin(TestBlob(2 << 20, seed: 9)) }
        #expect(try await store.bytes(blob.hash) == blob.bytes)
        #expect(try await store.totals().reservedBytes == 0)
    }

    @Test("downloads and blobs on two file systems are refused at the start")
    func twoFileSystems() async throws {
        try await Mounts.withTmpfs(bytes: 16 << 20) { test in
            let store = try await BlobStore.test(test.home)
            try await store.close()
            let partial = test.home.appending("partial")
            try #require(Mounts.tmpfs(at: partial, bytes: 1 << 20))
            defer { umount2(partial.string, 2) }
            await #expect(
                throws: BlobError.separateFileSystems(partial: partial, blobs: test.home.appending("blobs/sha256"))
            ) {
                try await BlobStore.test(test.home)
            }
        }
    }
}

@Suite("errors")
struct BlobErrorTests {
    @Test("system errors become the store's, and every message says what helps")
    func mapping() {
        let path: FilePath = "/tmp/x"
        #expect(Files.failure(EROFS, "open", path) == .readOnly(path: path))
        #expect(Files.failure(EACCES, "open", path) == .readOnly(path: path))
        #expect(Files.failure(EACCES, "open", path, reading: true) == .unreadable(path: path))
        #expect(Files.failure(EIO, "read", path) == .io(path: path, operation: "read", code: EIO))
        if case .diskFull(let needed, _) = Files.failure(ENOSPC, "write", path, needed: 5) {
            #expect(needed == 5)
        } else {
            Issue.record("ENOSPC is a full disk")
        }
        let hash = SHA256.hash([1])
        let errors: [BlobError] = [
            .notFound(hash), .changedOnDisk(path: path), .growing(path: path), .noFile(path: path),
            .unreadable(path: path), .readOnly(path: path), .exists(path: path), .diskFull(needed: 1, available: 0),
            .overBudget(needed: 1, used: 2, budget: 2), .badUnit(unit: 3, of: hash), .rootMismatch(hash),
            .hashMismatch(expected: hash, actual: .zero), .conflict(hash), .alreadyHeld(hash),
            .incomplete(hash, missing: 1), .purged(hash, reason: "case"), .tooLarge(bytes: 2, limit: 1),
            .outOfRange(hash, size: 1), .damaged(hash, badUnits: [1]), .separateFileSystems(partial: path, blobs: path),
            .database("x"), .io(path: path, operation: "read", code: EIO), .cancelled, .closed,
        ]
        for error in errors {
            let text = error.description
            #expect(text.hasSuffix("."), "\(text)")
            #expect(text.split(separator: ". ").count >= 2 || text.contains("; "), "\(text)")
        }
    }
}
