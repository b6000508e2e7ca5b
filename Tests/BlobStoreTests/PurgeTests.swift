import Digests
import FoundationEssentials
import NIOCore
import SystemPackage
import Testing

@testable import BlobStore

@Suite("taking down")
struct PurgeTests {
    let test: TestHome

    init() throws {
        test = try TestHome()
    }

    @Test("a purged blob is gone and refused at every door, after a restart too", arguments: [500, 500_000])
    func everyDoor(size: Int) async throws {
        let blob = TestBlob(size, seed: 1)
        let path = try test.write(blob.bytes, to: "model")
        var store = try await BlobStore.test(test.home)
        _ = try await store.add(bytes: blob.bytes)
        let purge = try await store.purge(blob.hash, reason: "case 12", who: "operator")
        #expect(purge.adoptedFiles == [])
        let error = BlobError.purged(blob.hash, reason: "case 12")
        for round in 0..<2 {
            if round == 1 {
                try await store.close()
                store = try await BlobStore.test(test.home)
            }
            let current = store
            await #expect(throws: error) { try await current.open(blob.hash) }
            await #expect(throws: error) { try await current.unitHashes(blob.hash) }
            await #expect(throws: error) { try await current.add(bytes: blob.bytes) }
            await #expect(throws: error) { try await current.add(copying: path) }
            await #expect(throws: error) { try await current.add(copying: path, expecting: blob.hash) }
            await #expect(throws: error) { try await current.adopt(path: path) }
            await #expect(throws: error) { try await current.adopt(path: path) }
            await #expect(throws: error) { try await current.begin(blob) }
            await #expect(throws: error) { try await current.partial(blob.hash) }
            await #expect(throws: error) { try await current.verify(blob.hash) }
            await #expect(throws: error) { try await current.restore(blob.hash) }
            await #expect(throws: error) {
                try await current.export(blob.hash, to: test.file("out"))
            }
            #expect(try await current.presence(blob.hash) == .none)
            #expect(Files.identity(current.layout.file(blob.hash)) == nil)
            #expect(try await current.small.bytes(blob.hash) == nil)
            #expect(try await current.totals().bytes == 0)
            #expect(try await current.totals().reservedBytes == 0)
            #expect(current.purgeRecord(blob.hash)?.who == "operator")
            #expect(current.purgeRecords().count == 1)
        }
        #expect(try test.names("partial").isEmpty)
    }

    @Test("an adopted file is out of service, named and left alone, and a second scan of it reads nothing")
    func adopted() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(9 << 20, seed: 2)
        let path = try test.write(blob.bytes, to: "model")
        _ = try await store.adopt(path: path)
        let before = Files.identity(path)
        let purge = try await store.purge(blob.hash, reason: "case", who: "operator")
        #expect(purge.adoptedFiles == [path])
        #expect(Files.identity(path) == before)
        let progress = Recorder<UInt64>()
        await #expect(throws: BlobError.purged(blob.hash, reason: "case")) {
            try await store.adopt(path: path) { progress.record($0) }
        }
        #expect(progress.values == [])
    }

    @Test("a download under way stops, and its bytes and its room go")
    func partial() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(2 << 20, seed: 3)
        let session = try await store.begin(blob)
        try await session.write([0], of: blob)
        _ = try await store.purge(blob.hash, reason: "case", who: "operator")
        await #expect(throws: BlobError.purged(blob.hash, reason: "case")) {
            try await session.write(unit: 1, bytes: blob.unit(1))
        }
        await #expect(throws: BlobError.purged(blob.hash, reason: "case")) { try await session.commit() }
        #expect(try test.names("partial").isEmpty)
        #expect(try await store.totals().reservedBytes == 0)
        #expect(try await store.partials() == [])
    }

    @Test("a blob can be taken down before it ever came, and twice is once")
    func beforehand() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(10, seed: 4)
        _ = try await store.purge(blob.hash, reason: "first", who: "a")
        let second = try await store.purge(blob.hash, reason: "second", who: "b")
        #expect(second.record.reason == "first")
        await #expect(throws: BlobError.purged(blob.hash, reason: "first")) { try await store.add(bytes: blob.bytes) }
    }

    @Test("what else is refused is asked for every blob, however often")
    func asked() async throws {
        let store = try await BlobStore.test(test.home)
        let (blocked, fine) = (SHA256.hash([1]), SHA256.hash([2]))
        store.setRefusal { $0 == blocked ? PurgeRecord(sha256: $0, reason: "list", who: "list", time: 1) : nil }
        for _ in 0..<100_000 where store.purges.record(fine) != nil { Issue.record("refused") }
        #expect(store.purges.record(blocked)?.reason == "list")
    }

    @Test("the log is one line a purge, whatever the texts hold")
    func lines() async throws {
        let clock = TestClock()
        let store = try await BlobStore.test(test.home, options: StoreOptions(now: clock.now))
        let hash = SHA256.hash([1])
        _ = try await store.purge(hash, reason: "tab\tand\nnew line", who: String(repeating: "ä", count: 400))
        let text = try String(
            decoding: Data(contentsOf: URL(filePath: store.layout.purgeLog.string)), as: UTF8.self)
        let who = String(repeating: "ä", count: 256)
        #expect(text == "\(hash.hex)\ttab and new line\t\(who)\t\(clock.milliseconds)\n")
        try await store.close()
        #expect(try await BlobStore.test(test.home).purgeRecord(hash) == store.purgeRecord(hash))
    }

    @Test("a log torn by a crash is read as far as it says a whole hash, and goes on on a new line")
    func torn() async throws {
        let store = try await BlobStore.test(test.home)
        try await store.close()
        let whole = SHA256.hash([1])
        let torn = SHA256.hash([2])
        let log = URL(filePath: store.layout.purgeLog.string)
        try Data("\(whole.hex)\tcase\twho\t5\n0123abc\n\(torn.hex)\tca".utf8).write(to: log)
        let again = try await BlobStore.test(test.home)
        #expect(again.recovery.damagedPurgeLines == [2])
        #expect(again.purgeRecord(whole)?.time == 5)
        #expect(again.purgeRecord(torn)?.reason == "ca")
        let next = SHA256.hash([3])
        _ = try await again.purge(next, reason: "r", who: "w")
        try await again.close()
        let last = try await BlobStore.test(test.home)
        #expect(Set(last.purgeRecords().map(\.sha256)) == [whole, torn, next])
    }

    @Test("purged bytes of a small blob are overwritten in the file")
    func overwritten() async throws {
        let store = try await BlobStore.test(test.home)
        let secret = Array("these very bytes must be gone".utf8)
        let hash = try await store.add(bytes: secret).sha256
        _ = try await store.purge(hash, reason: "case", who: "operator")
        for suffix in ["", "-wal"] {
            let data = try Data(contentsOf: URL(filePath: store.layout.small.string + suffix))
            #expect(data.firstRange(of: Data(secret)) == nil)
        }
    }
}
