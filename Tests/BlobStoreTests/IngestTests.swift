import Digests
import FoundationEssentials
import GRDB
import Glibc
import NIOCore
import Synchronization
import SystemPackage
import Testing
import WaggleProtocol

@testable import BlobStore

@Suite("taking bytes in")
struct IngestTests {
    let test: TestHome

    init() throws {
        test = try TestHome()
    }

    @Test("bytes come back under their SHA-256, small ones as a row and large ones as a read-only file")
    func roundTrip() async throws {
        let store = try await BlobStore.test(test.home)
        for size in [0, 1, 16_384, 65_536, 65_537, 1 << 20, 5 << 20 + 7] {
            let blob = TestBlob(size, seed: UInt64(size))
            let facts = try await store.add(bytes: blob.bytes)
            #expect(facts.sha256 == SHA256.hash(blob.bytes))
            #expect(facts.size == UInt64(size))
            #expect(facts.piecesRoot == blob.digests.piecesRoot)
            #expect(facts.crc32 == blob.digests.crc32)
            #expect(facts.autoV1 == blob.digests.autoV1)
            #expect(try await store.bytes(facts.sha256) == blob.bytes)
            #expect(try await store.facts(facts.sha256) == facts)
            #expect(try await store.facts(piecesRoot: facts.piecesRoot) == facts)
            #expect(try await store.unitHashes(facts.sha256) == blob.digests.layer)
            #expect(try await store.presence(facts.sha256) == .whole)
            if size <= Limits.Blob.smallBytes {
                #expect(facts.place == .row)
            } else {
                let hex = facts.sha256.hex
                let path = test.home.appending("blobs/sha256/\(hex.prefix(2))/\(hex.dropFirst(2))")
                #expect(facts.place == .file(path))
                var status = stat()
                #expect(stat(path.string, &status) == 0)
                #expect(status.st_mode & 0o777 == 0o444)
            }
        }
        try await store.close()
    }

    @Test("a range is read, and a range beyond the end is refused")
    func ranges() async throws {
        let store = try await BlobStore.test(test.home)
        for size in [1_000, 3 << 20] {
            let blob = TestBlob(size, seed: 2)
            let reader = try await store.open(store.add(bytes: blob.bytes).sha256)
            #expect(try await Array(reader.read(10..<900).readableBytesView) == Array(blob.bytes[10..<900]))
            #expect(try await reader.read(5..<5).readableBytes == 0)
            await #expect(throws: BlobError.outOfRange(blob.hash, size: UInt64(size))) {
                try await reader.read(0..<UInt64(size) + 1)
            }
        }
    }

    @Test("one read of more than 64 MiB is refused before any memory is taken")
    func hugeRead() async throws {
        let store = try await BlobStore.test(test.home)
        let path = test.file("sparse")
        try test.write([], to: "sparse")
        truncate(path.string, 70 << 20)
        let facts = try await store.adopt(path: path)
        await #expect(throws: BlobError.tooLarge(bytes: 70 << 20, limit: 64 << 20)) {
            try await store.open(facts.sha256).read(0..<70 << 20)
        }
    }

    @Test("an unknown blob is not found")
    func unknown() async throws {
        let store = try await BlobStore.test(test.home)
        let hash = SHA256.hash([1])
        #expect(try await store.facts(hash) == nil)
        #expect(try await store.presence(hash) == .none)
        await #expect(throws: BlobError.notFound(hash)) { try await store.open(hash) }
        await #expect(throws: BlobError.notFound(hash)) { try await store.unitHashes(hash) }
    }

    @Test("bytes held already are left as they are, whichever way they come again")
    func idempotent() async throws {
        let store = try await BlobStore.test(test.home)
        for size in [500, 200_000] {
            let blob = TestBlob(size, seed: 3)
            let path = try test.write(blob.bytes, to: "again-\(size)")
            let first = try await store.add(bytes: blob.bytes)
            let before = try await store.totals()
            #expect(try await store.add(bytes: blob.bytes) == first)
            #expect(try await store.add(copying: path) == first)
            #expect(try await store.add(copying: path, expecting: blob.hash) == first)
            #expect(try await store.totals() == before)
            await #expect(throws: BlobError.alreadyHeld(blob.hash)) { try await store.begin(blob) }
        }
        #expect(try test.names("partial").isEmpty)
    }

    @Test("a copy is one read: progress and a second consumer see every byte in order, and the file stays as it was")
    func copying() async throws {
        let store = try await BlobStore.test(test.home)
        for size in [1_000, 100_000, 9 << 20 + 5] {
            let blob = TestBlob(size, seed: 4)
            let path = try test.write(blob.bytes, to: "source-\(size)")
            let before = try #require(Files.identity(path))
            let seen = Mutex<[UInt8]>([])
            let progress = Recorder<UInt64>()
            let facts = try await store.add(
                copying: path, progress: { progress.record($0) },
                sink: { chunk in seen.withLock { $0.append(contentsOf: chunk) } })
            #expect(facts.sha256 == blob.hash)
            #expect(seen.withLock { $0 } == blob.bytes)
            #expect(progress.values == progress.values.sorted())
            #expect(progress.values.last == UInt64(size))
            #expect(Files.identity(path) == before)
            #expect(try await store.bytes(blob.hash) == blob.bytes)
        }
    }

    @Test("a file that is not the expected blob is refused and leaves nothing")
    func unexpected() async throws {
        let store = try await BlobStore.test(test.home)
        for size in [1_000, 300_000] {
            let blob = TestBlob(size, seed: 5)
            let path = try test.write(blob.bytes, to: "wrong-\(size)")
            let other = SHA256.hash([9])
            await #expect(throws: BlobError.hashMismatch(expected: other, actual: blob.hash)) {
                try await store.add(copying: path, expecting: other)
            }
        }
        #expect(try await store.totals().blobs == 0)
        #expect(try await store.totals().reservedBytes == 0)
        #expect(try test.names("partial").isEmpty)
    }

    @Test("a file that grows while it is copied is refused and leaves nothing")
    func growing() async throws {
        let store = try await BlobStore.test(test.home)
        let path = try test.write(randomBytes(6 << 20, seed: 6), to: "growing")
        let once = Mutex(false)
        await #expect(throws: BlobError.growing(path: path)) {
            try await store.add(copying: path) { _ in
                once.withLock { done in
                    if !done { truncate(path.string, 7 << 20) }
                    done = true
                }
            }
        }
        #expect(try await store.totals().blobs == 0)
        #expect(try test.names("partial").isEmpty)
    }

    @Test("a cancelled copy stops, leaves nothing, and the store goes on")
    func cancelled() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(13 << 20, seed: 7)
        let path = try test.write(blob.bytes, to: "long")
        await #expect(throws: BlobError.cancelled) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try await store.add(copying: path) { _ in withUnsafeCurrentTask { $0?.cancel() } }
                }
                try await group.waitForAll()
            }
        }
        #expect(try test.names("partial").isEmpty)
        #expect(try await store.totals().reservedBytes == 0)
        #expect(try await store.add(copying: path).sha256 == blob.hash)
    }

    @Test("what is no regular file is refused at once")
    func noFile() async throws {
        let store = try await BlobStore.test(test.home)
        let pipe = test.file("pipe")
        mkfifo(pipe.string, 0o600)
        for path in [test.file("nothing"), test.path, pipe] {
            await #expect(throws: BlobError.noFile(path: path)) { try await store.add(copying: path) }
            await #expect(throws: BlobError.noFile(path: path)) { try await store.adopt(path: path) }
        }
    }

    @Test("many small blobs at once share commits, and all are durable when they are acknowledged")
    func groupCommit() async throws {
        let steps = Recorder<Step>()
        let store = try await BlobStore.test(test.home, onStep: { steps.record($0) })
        let blobs = (0..<600).map { TestBlob(1_000, seed: UInt64($0 % 550)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for blob in blobs {
                group.addTask {
                    let facts = try await store.add(bytes: blob.bytes)
                    #expect(facts.sha256 == blob.hash)
                }
            }
            try await group.waitForAll()
        }
        #expect(steps.values.count { $0 == .smallIndexed } < blobs.count)
        #expect(try await store.totals().blobs == 550)
        #expect(try await store.totals().bytes == 550_000)
        try await store.close()
        let again = try await BlobStore.test(test.home)
        #expect(try await again.presence(blobs.map(\.hash)).allSatisfy { $0 == .whole })
    }

    @Test("small blobs take little more of the disk than their bytes")
    func smallRoom() async throws {
        let store = try await BlobStore.test(test.home)
        let blobs = (0..<200).map { TestBlob(10 << 10, seed: UInt64($0)) }
        for result in await store.add(blobs.map { HashedBytes(Data($0.bytes)) }) { _ = try result.get() }
        // Folds the log in.
        try await store.close()
        let size = try #require(Files.identity(store.layout.small)?.size)
        #expect(size < 200 * (10 << 10) * 6 / 5)
    }

    @Test("a store whose file of small blobs has pages of another size goes on with it")
    func otherPages() async throws {
        let blob = TestBlob(10 << 10, seed: 3)
        let path = Layout(home: test.home).small
        try FileManager.default.createDirectory(
            atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
        try BlobIndex(path: path, migrations: Schema.small, pageBytes: 16 << 10).pool.close()
        let store = try await BlobStore.test(test.home)
        _ = try await store.add(bytes: blob.bytes)
        #expect(try await store.bytes(blob.hash) == blob.bytes)
        let pages = try await store.smallFile.read { db in
            try Int.fetchOne(db, sql: "PRAGMA page_size")
        }
        let log = try await store.smallFile.write { db in
            try Int.fetchOne(db, sql: "PRAGMA wal_autocheckpoint")
        }
        #expect(pages == 16 << 10 && log == 1 << 10)
    }

    @Test("a reader keeps its bytes when the blob is evicted or purged under it")
    func readerOutlives() async throws {
        let store = try await BlobStore.test(test.home)
        for size in [400, 400_000] {
            let blob = TestBlob(size, seed: 8)
            let reader = try await store.open(store.add(bytes: blob.bytes).sha256)
            _ = try await store.purge(blob.hash, reason: "case 1", who: "operator")
            #expect(try await Array(reader.read(0..<UInt64(size)).readableBytesView) == blob.bytes)
        }
    }

    @Test("a closed store refuses")
    func closed() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(3 << 20, seed: 9)
        let partial = try await store.begin(blob)
        try await store.close()
        await #expect(throws: BlobError.self) { try await store.add(bytes: [1, 2, 3]) }
        await #expect(throws: BlobError.closed) { try await partial.write(unit: 0, bytes: blob.unit(0)) }
        await #expect(throws: BlobError.closed) { try await store.begin(TestBlob(100_000, seed: 10)) }
    }

    @Test("the unit and the leaf of the tree are those of the limits table")
    func limits() {
        #expect(MerkleTree.unitBytes == Limits.Blob.unitBytes)
        #expect(MerkleTree.leafBytes == Limits.Blob.leafBytes)
    }
}
