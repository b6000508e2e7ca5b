import CWaggleSystem
import Digests
import Formats
import FoundationEssentials
import GRDB
import NIOCore
import NIOPosix
import SystemPackage
import Testing

@testable import BlobStore

@Suite("hashing in the background")
struct BackgroundHashingTests {
    let test: TestHome

    init() throws {
        test = try TestHome()
    }

    /// A safetensors file of two tensors, with their bytes.
    private func safetensors(
        metadata: [String: String], reversed: Bool = false, seed: UInt64 = 1
    ) throws -> (bytes: [UInt8], data: [UInt8]) {
        let (first, second) = (randomBytes(2 * 600_000, seed: seed), randomBytes(4 * 500_000, seed: seed + 1))
        let one = SafetensorsWriter.Tensor("a.weight", .f16, [600, 1000])
        let two = SafetensorsWriter.Tensor("b.weight", .f32, [500_000])
        let header = try SafetensorsWriter.header(tensors: reversed ? [two, one] : [one, two], metadata: metadata)
        let data = reversed ? second + first : first + second
        return (header.bytes + data, data)
    }

    private func blake3(_ bytes: [UInt8]) -> Hash32 { bytes.withUnsafeBytes { BLAKE3.hash($0) } }

    @Test("the background pass lets library files go first, and begins when none was hashed for a while")
    func quiet() throws {
        let work = LibraryWork()
        #expect(work.isQuiet(at: 0))
        work.begin()
        #expect(!work.isQuiet(at: 1_000_000))
        work.begin()
        work.end(now: 1_000)
        #expect(!work.isQuiet(at: 1_000_000), "another file is still under way")
        work.end(now: 2_000)
        #expect(!work.isQuiet(at: 2_000) && !work.isQuiet(at: 11_999))
        #expect(work.isQuiet(at: 12_000))
        #expect(work.isQuiet(at: 1_000), "the clock was set back")
    }

    @Test("background work waits while blobs are asked for, for two seconds at most")
    func givesWay() async throws {
        let clock = TestClock()
        let store = try await BlobStore.test(test.home, options: StoreOptions(now: clock.now))
        func waited(renewing: Bool) async -> Int64 {
            let began = clock.milliseconds
            await store.giveWay { duration in
                if renewing { store.noteDemand() }
                clock.advance(milliseconds: Int64(duration / .milliseconds(1)))
            }
            return clock.milliseconds - began
        }
        #expect(await waited(renewing: false) == 0, "nobody asked yet")
        let blob = TestBlob(1_000, seed: 1)
        let hashed = HashedBytes(Data(blob.bytes))
        _ = await store.add([hashed])
        #expect(await waited(renewing: false) == 300)
        #expect(await waited(renewing: false) == 0)
        _ = try await store.smallBlobs([blob.hash])
        #expect(await waited(renewing: true) == 2_000)
        clock.advance(milliseconds: -10_000)
        #expect(await waited(renewing: false) == 0, "the clock was set back")
    }

    @Test("small blobs are opened together: those that are whole, in the store's own database and not refused")
    func opensSmall() async throws {
        let store = try await BlobStore.test(test.home)
        let (small, purged, large) = (TestBlob(1_000, seed: 2), TestBlob(900, seed: 3), TestBlob(100_000, seed: 4))
        for blob in [small, purged, large] { _ = try await store.add(bytes: blob.bytes) }
        let adopted = randomBytes(800, seed: 5)
        let elsewhere = try await store.adopt(path: test.write(adopted, to: "theirs")).sha256
        _ = try await store.purge(purged.hash, reason: "test", who: "me")
        let absent = TestBlob(10, seed: 6).hash
        let found = try await store.openSmall([absent, large.hash, purged.hash, small.hash, elsewhere])
        #expect(Array(found.keys) == [small.hash])
        let reader = try #require(found[small.hash])
        #expect(try await Array(reader.read(0..<1_000).readableBytesView) == small.bytes)
    }

    @Test("a small blob whose bytes are not its own gets no names, and goes out of service as a large one does")
    func damagedSmall() async throws {
        let store = try await BlobStore.test(test.home)
        let (good, bad) = (TestBlob(40_000, seed: 7), TestBlob(40_000, seed: 8))
        for blob in [good, bad] { _ = try await store.add(bytes: blob.bytes) }
        try await store.smallFile.write { db in
            try db.execute(
                sql: "UPDATE small SET bytes = ? WHERE sha256 = ?",
                arguments: [Data(randomBytes(40_000, seed: 9)), bad.hash.data])
        }
        #expect(try await store.computeExtraHashes() == 1)
        #expect(try await store.extraHashes(of: good.hash)?.blake3 == blake3(good.bytes))
        #expect(try await store.extraHashes(of: bad.hash) == nil)
        #expect(try await store.presence([bad.hash]) == [.none])
    }

    @Test("files that are hashed in the background are read in the idle class, on threads of their own")
    func idleClass() async throws {
        let path = try test.write(randomBytes(9 << 20, seed: 3), to: "a.safetensors")
        let before = waggle_io_priority()
        for isIdle in [true, false] {
            let threads = NIOThreadPool(numberOfThreads: 2)
            threads.start()
            let classes = Recorder<Int32>()
            let pass = HashingPass(
                threads: threads, isIdle: isIdle, file: try OpenFile(reading: path),
                sink: { _ in classes.record(waggle_io_priority()) })
            _ = try await pass.run()
            try await threads.shutdownGracefully()
            #expect(Set(classes.values) == [isIdle ? waggle_io_priority_idle() : before], "\(classes.values)")
        }
    }

    @Test("every blob gets its names, wherever it lies, and is found by them")
    func names() async throws {
        let store = try await BlobStore.test(test.home)
        let model = try safetensors(metadata: ["title": "one"])
        let adopted = try await store.adopt(path: try test.write(model.bytes, to: "model.safetensors")).sha256
        let retitled = try safetensors(metadata: ["title": "another, and longer"])
        let own = try await store.add(bytes: retitled.bytes).sha256
        let sorted = try await store.add(bytes: try safetensors(metadata: [:], reversed: true).bytes).sha256
        let small = try await store.add(bytes: Array("a small one".utf8)).sha256
        let empty = try await store.add(bytes: [UInt8]()).sha256
        let pickle = TestBlob(3 << 20 + 17, seed: 4)
        _ = try await store.add(bytes: pickle.bytes)
        #expect(try await store.extraHashes(of: adopted) == nil)
        #expect(try await store.computeExtraHashes() == 6)
        #expect(try await store.computeExtraHashes() == 0, "nothing is read twice")

        let names = try #require(await store.extraHashes(of: adopted))
        #expect(names.blake3 == blake3(model.bytes))
        #expect(names.autoV3 == SHA256.hash(model.data))
        let digest = try #require(names.tensorDigest)
        #expect(try await store.blobs(withAutoV3: SHA256.hash(model.data)) == [adopted, own])
        #expect(try await store.blobs(withTensorDigest: digest) == [adopted, own, sorted])
        #expect(try await store.blobs(withBLAKE3: blake3(retitled.bytes)) == [own])
        for (hash, bytes) in [(small, Array("a small one".utf8)), (empty, []), (pickle.hash, pickle.bytes)] {
            #expect(try await store.extraHashes(of: hash) == ExtraHashes(blake3: blake3(bytes)))
        }
        let all = try await store.hashes(of: [adopted, pickle.hash, .zero])
        #expect(all.count == 2)
        #expect(all[pickle.hash]?.crc32 == pickle.digests.crc32)
        #expect(all[pickle.hash]?.autoV1 == pickle.digests.autoV1)
    }

    @Test("what was here before the names were thought of gets them too")
    func migration() async throws {
        var store = try await BlobStore.test(test.home)
        let blob = TestBlob(200_000, seed: 5)
        _ = try await store.add(bytes: blob.bytes)
        try await store.index.write { db in
            try db.execute(sql: "DROP TRIGGER blobs_are_hashed_later; DROP TABLE extra_hashes")
            try db.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = 'extra hashes'")
        }
        try await store.close()
        store = try await BlobStore.test(test.home)
        #expect(try await store.computeExtraHashes() == 1)
        #expect(try await store.extraHashes(of: blob.hash)?.blake3 == blake3(blob.bytes))
    }

    @Test("a file that changed or went away is passed over and not named")
    func changed() async throws {
        let store = try await BlobStore.test(test.home)
        let gone = try test.write(randomBytes(100_000, seed: 6), to: "gone")
        let other = try test.write(randomBytes(100_000, seed: 7), to: "changed")
        let hashes = [try await store.adopt(path: gone).sha256, try await store.adopt(path: other).sha256]
        let good = try await store.add(bytes: randomBytes(100_000, seed: 8)).sha256
        try FileManager.default.removeItem(atPath: gone.string)
        try test.write(randomBytes(100_000, seed: 9), to: "changed")
        #expect(try await store.computeExtraHashes() == 1)
        #expect(try await store.extraHashes(of: good) != nil)
        for hash in hashes {
            #expect(try await store.extraHashes(of: hash) == nil)
            #expect(try await store.presence(hash) == .none, "out of service")
        }
        // Hashed again under its new name, it gets its turn.
        let again = try await store.adopt(path: other).sha256
        #expect(try await store.computeExtraHashes() == 1)
        #expect(try await store.extraHashes(of: again) != nil)
    }

    @Test("wrong bytes of an own copy are never named: the copy goes out of service")
    func damaged() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(2 << 20 + 5, seed: 10)
        let facts = try await store.add(bytes: blob.bytes)
        guard case .file(let path) = facts.place else { throw BlobError.notFound(blob.hash) }
        try Files.makeWritable(path)
        try OpenFile(writing: path, creating: false).write([blob.bytes[1 << 20] ^ 1], at: 1 << 20)
        #expect(try await store.computeExtraHashes() == 0)
        #expect(try await store.extraHashes(of: blob.hash) == nil)
        #expect(try await store.presence(blob.hash) == .partial(held: 2, of: 3), "the right units stay")
        await #expect(throws: BlobError.notFound(blob.hash)) { try await store.open(blob.hash) }
    }

    @Test("names go with their blob, by eviction and by purge")
    func forgotten() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(100_000, seed: 11)
        _ = try await store.add(bytes: blob.bytes)
        _ = try await store.computeExtraHashes()
        _ = try await store.purge(blob.hash, reason: "test", who: "me")
        #expect(try await store.blobs(withBLAKE3: blake3(blob.bytes)) == [])
        let rows = try await store.index.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM extra_hashes") }
        #expect(rows == 0)
    }

    @Test("the pass stops when it is told to, and a new one finishes its work")
    func cancelled() async throws {
        let store = try await BlobStore.test(test.home)
        let hashes = [
            try await store.add(bytes: randomBytes(300_000, seed: 12)).sha256,
            try await store.add(bytes: randomBytes(300_000, seed: 13)).sha256,
        ]
        let task = Task { try await store.computeExtraHashes() }
        task.cancel()
        _ = await task.result
        let running = Task { await store.hashInBackground() }
        while try await store.hashes(of: hashes).values.contains(where: { $0.extra == nil }) { await Task.yield() }
        running.cancel()
        await running.value
    }

    @Test("a name is durable, and one that was broken off is computed after a restart")
    func restart() async throws {
        var store = try await BlobStore.test(test.home)
        let first = try await store.add(bytes: randomBytes(100_000, seed: 14)).sha256
        _ = try await store.computeExtraHashes()
        let second = try await store.add(bytes: randomBytes(100_000, seed: 15)).sha256
        // What a killed process leaves: nothing was closed.
        let copy = FilePath(test.home.string + "-killed")
        try copyTree(test.home, copy)
        store = try await BlobStore.test(copy)
        #expect(try await store.extraHashes(of: first) != nil)
        #expect(try await store.extraHashes(of: second) == nil)
        #expect(try await store.computeExtraHashes() == 1)
        #expect(try await store.extraHashes(of: second) != nil)
    }
}
