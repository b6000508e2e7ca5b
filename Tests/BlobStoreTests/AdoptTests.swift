import Digests
import FoundationEssentials
import Glibc
import NIOCore
import Synchronization
import SystemPackage
import Testing

@testable import BlobStore

@Suite("adopting files in place")
struct AdoptTests {
    let test: TestHome

    init() throws {
        test = try TestHome()
    }

    @Test("an adopted file is served from where it lies and is left exactly as it was")
    func inPlace() async throws {
        let store = try await BlobStore.test(test.home, options: StoreOptions(budget: 1_000))
        for size in [0, 700, 5 << 20 + 3] {
            let blob = TestBlob(size, seed: 1)
            let path = try test.write(blob.bytes, to: "model-\(size).safetensors")
            let before = try #require(Files.identity(path))
            let facts = try await store.adopt(path: path)
            #expect(facts.sha256 == blob.hash)
            #expect(facts.place == .adopted(path))
            #expect(facts.piecesRoot == blob.digests.piecesRoot)
            #expect(try await store.bytes(blob.hash) == blob.bytes)
            #expect(try await store.unitHashes(blob.hash) == blob.digests.layer)
            #expect(try await store.presence(blob.hash) == .whole)
            #expect(Files.identity(path) == before)
        }
        let totals = try await store.totals()
        #expect(totals.bytes == 0, "adopted files count against no budget")
        #expect(totals.adoptedFiles == 3)
        #expect(totals.adoptedBytes == 5 << 20 + 703)
    }

    @Test("a second scan of an unchanged file reads nothing, after a restart too")
    func secondScan() async throws {
        let path = try test.write(randomBytes(9 << 20, seed: 2), to: "model")
        let store = try await BlobStore.test(test.home)
        let reads = Recorder<UInt64>()
        let facts = try await store.adopt(path: path) { reads.record($0) }
        #expect(reads.values == [4 << 20, 8 << 20, 9 << 20])
        let again = Recorder<UInt64>()
        #expect(try await store.adopt(path: path) { again.record($0) } == facts)
        try await store.close()
        let reopened = try await BlobStore.test(test.home)
        #expect(try await reopened.adopt(path: path) { again.record($0) } == facts)
        #expect(again.values == [9 << 20, 9 << 20], "one step to the end, no chunk")
    }

    @Test("a changed file is out of service until it is hashed again, even with its size and time put back")
    func changed() async throws {
        let store = try await BlobStore.test(test.home)
        var bytes = randomBytes(300_000, seed: 3)
        let path = try test.write(bytes, to: "model")
        let old = try await store.adopt(path: path)
        let before = try #require(Files.identity(path))

        let file = try OpenFile(writing: path, creating: false)
        bytes[100_000] ^= 1
        try file.write([bytes[100_000]], at: 100_000)
        var times = [timespec](repeating: timespec(), count: 2)
        times[0].tv_nsec = Int(UTIME_OMIT_VALUE)
        times[1].tv_sec = Int(before.modified / 1_000_000_000)
        times[1].tv_nsec = Int(before.modified % 1_000_000_000)
        #expect(futimens(file.descriptor, times) == 0)
        #expect(Files.identity(path)?.modified == before.modified)

        await #expect(throws: BlobError.changedOnDisk(path: path)) { try await store.open(old.sha256) }
        #expect(try await store.presence(old.sha256) == .none)
        #expect(try await store.facts(old.sha256)?.place == .absent)
        await #expect(throws: BlobError.changedOnDisk(path: path)) { try await store.verify(old.sha256) }

        let new = try await store.adopt(path: path)
        #expect(new.sha256 == SHA256.hash(bytes))
        #expect(try await store.bytes(new.sha256) == bytes)
        #expect(try await store.facts(old.sha256) == nil, "nothing holds the old blob any more")
    }

    @Test("a touched file with the same bytes is in service again after it is hashed")
    func touched() async throws {
        let store = try await BlobStore.test(test.home)
        let path = try test.write(randomBytes(1_000, seed: 4), to: "model")
        let facts = try await store.adopt(path: path)
        chmod(path.string, 0o600)
        await #expect(throws: BlobError.changedOnDisk(path: path)) { try await store.open(facts.sha256) }
        #expect(try await store.adopt(path: path) == facts)
        #expect(try await store.presence(facts.sha256) == .whole)
    }

    @Test("a reader of a file that changes under it throws instead of giving wrong bytes")
    func changedWhileOpen() async throws {
        let store = try await BlobStore.test(test.home)
        let path = try test.write(randomBytes(200_000, seed: 5), to: "model")
        let reader = try await store.open(store.adopt(path: path).sha256)
        _ = try await reader.read(0..<1_000)
        try await reader.revalidate()
        try OpenFile(writing: path, creating: false).write([0] as [UInt8], at: 5_000)
        await #expect(throws: BlobError.changedOnDisk(path: path)) { try await reader.read(0..<1_000) }
        await #expect(throws: BlobError.changedOnDisk(path: path)) { try await reader.revalidate() }
    }

    @Test("a deleted file is out of service")
    func deleted() async throws {
        let store = try await BlobStore.test(test.home)
        let path = try test.write(randomBytes(1_000, seed: 6), to: "model")
        let facts = try await store.adopt(path: path)
        unlink(path.string)
        await #expect(throws: BlobError.changedOnDisk(path: path)) { try await store.open(facts.sha256) }
        #expect(try await store.presence(facts.sha256) == .none)
    }

    @Test("of two files with the same bytes the other one serves when one changes")
    func twoCopies() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(2_000, seed: 7)
        let first = try test.write(blob.bytes, to: "first")
        let second = try test.write(blob.bytes, to: "second")
        _ = try await store.adopt(path: first)
        _ = try await store.adopt(path: second)
        try test.write([1], to: "first")
        let reader = try await store.open(blob.hash)
        #expect(reader.facts.place == .adopted(second))
        #expect(try await store.totals().adoptedFiles == 1)
        _ = try await store.adopt(path: first)
        #expect(try await store.totals().adoptedFiles == 2)
        #expect(try await store.facts(SHA256.hash([1]))?.place == .adopted(first))
    }

    @Test("bytes adopted and unchanged are not stored a second time; changed ones are")
    func addAdopted() async throws {
        let store = try await BlobStore.test(test.home)
        var stored: UInt64 = 0
        for size in [900, 90_000] {
            let blob = TestBlob(size, seed: 8)
            let path = try test.write(blob.bytes, to: "model-\(size)")
            _ = try await store.adopt(path: path)
            _ = try await store.add(bytes: blob.bytes)
            #expect(try await store.totals().bytes == stored)
            try test.write([1], to: "model-\(size)")
            _ = try await store.add(bytes: blob.bytes)
            stored += UInt64(size)
            #expect(try await store.totals().bytes == stored)
            #expect(try await store.bytes(blob.hash) == blob.bytes)
        }
    }

    @Test("a file that grows while it is hashed is refused, and taken when it has stopped")
    func growing() async throws {
        let store = try await BlobStore.test(test.home)
        let path = try test.write(randomBytes(6 << 20, seed: 9), to: "growing")
        let once = Mutex(false)
        await #expect(throws: BlobError.growing(path: path)) {
            try await store.adopt(path: path) { _ in
                once.withLock { done in
                    if !done { truncate(path.string, 7 << 20) }
                    done = true
                }
            }
        }
        #expect(try await store.adopt(path: path).size == 7 << 20)
    }

    @Test("hashing that was broken off goes on where it stopped, after a restart too")
    func resumes() async throws {
        let blob = TestBlob(21 << 20 + 1, seed: 10)
        let path = try test.write(blob.bytes, to: "long")
        let store = try await BlobStore.test(test.home)
        await #expect(throws: BlobError.cancelled) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try await store.adopt(path: path) { done in
                        if done >= 12 << 20 { withUnsafeCurrentTask { $0?.cancel() } }
                    }
                }
                try await group.waitForAll()
            }
        }
        try await store.close()
        let again = try await BlobStore.test(test.home)
        let progress = Recorder<UInt64>()
        #expect(try await again.adopt(path: path) { progress.record($0) }.sha256 == blob.hash)
        #expect(progress.values.first == 16 << 20)
        #expect(try await again.unitHashes(blob.hash) == blob.digests.layer)
    }

    @Test("hashing that was broken off starts anew when the file changed since")
    func resumeOfAnother() async throws {
        let path = try test.write(randomBytes(9 << 20, seed: 11), to: "long")
        let store = try await BlobStore.test(test.home)
        await #expect(throws: BlobError.cancelled) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try await store.adopt(path: path) { _ in withUnsafeCurrentTask { $0?.cancel() } }
                }
                try await group.waitForAll()
            }
        }
        let other = TestBlob(9 << 20, seed: 12)
        try test.write(other.bytes, to: "long")
        #expect(try await store.adopt(path: path).sha256 == other.hash)
    }

    @Test("a second consumer gets every byte from the same read")
    func sink() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(9 << 20 + 17, seed: 13)
        let path = try test.write(blob.bytes, to: "model")
        let stream = Mutex(SHA256Stream())
        _ = try await store.adopt(path: path, sink: { chunk in stream.withLock { $0.update(chunk) } })
        #expect(stream.withLock { $0.digest() } == blob.hash)
    }

    @Test("a file is forgotten on request and stays")
    func disown() async throws {
        let store = try await BlobStore.test(test.home)
        let path = try test.write([1, 2, 3], to: "model")
        let facts = try await store.adopt(path: path)
        #expect(try await store.disown(path: path))
        #expect(try await store.disown(path: path) == false)
        #expect(try await store.facts(facts.sha256) == nil)
        #expect(Files.identity(path)?.size == 3)
    }

    @Test("a file name that is no UTF-8 is adopted and found again")
    func foreignName() async throws {
        let store = try await BlobStore.test(test.home)
        var path = test.file("x")
        path = FilePath(bytes: path.bytes + Data([0xFF, 0xFE]))
        try OpenFile(writing: path, creating: true).write([7, 7] as [UInt8])
        let facts = try await store.adopt(path: path)
        #expect(facts.place == .adopted(path))
        #expect(try await store.bytes(facts.sha256) == [7, 7])
    }
}

/// `UTIME_OMIT`, a macro the importer does not take over.
private let UTIME_OMIT_VALUE = (1 << 30) - 2
