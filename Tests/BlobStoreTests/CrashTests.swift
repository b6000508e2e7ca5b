import Digests
import FoundationEssentials
import SystemPackage
import Testing

@testable import BlobStore

@Suite("killed at any step")
struct CrashTests {
    let test: TestHome

    init() throws {
        test = try TestHome()
    }

    @Test("a copy killed before its index row is not there and leaves no unfinished file; after it, it is whole")
    func copying() async throws {
        let camera = CrashCamera(test)
        let store = try await BlobStore.test(test.home, onStep: camera.onStep)
        let blob = TestBlob(5 << 20, seed: 1)
        let path = try test.write(blob.bytes, to: "source")
        _ = try await store.add(copying: path)
        for step in [Step.copied, .dataSynced, .renamed] {
            let again = try await BlobStore.test(camera.picture(step))
            #expect(try await again.presence(blob.hash) == .none, "at \(step)")
            #expect(try await again.totals().bytes == 0)
            #expect(again.recovery.removedIncoming == (step == .renamed ? 0 : 1), "at \(step)")
            #expect(again.recovery.unindexed.count == (step == .renamed ? 1 : 0), "at \(step)")
            // Nothing stands in the way of the next try.
            #expect(try await again.add(copying: path).sha256 == blob.hash)
            #expect(try await again.bytes(blob.hash) == blob.bytes)
        }
        let after = try await BlobStore.test(camera.picture(.indexed))
        #expect(after.recovery == RecoveryReport())
        #expect(try await after.bytes(blob.hash) == blob.bytes)
    }

    @Test("a complete file that lost its row is left alone and taken in again on request")
    func reindex() async throws {
        let camera = CrashCamera(test)
        let store = try await BlobStore.test(test.home, onStep: camera.onStep)
        let blob = TestBlob(200_000, seed: 2)
        _ = try await store.add(bytes: blob.bytes)
        let picture = try camera.picture(.renamed)
        let again = try await BlobStore.test(picture)
        #expect(try await again.reindex() == [blob.hash])
        #expect(try await again.bytes(blob.hash) == blob.bytes)
        #expect(try await again.totals().bytes == 200_000)
        #expect(try await again.reindex() == [])
    }

    @Test("a small blob killed between its bytes and its name is not there; after, it is")
    func small() async throws {
        let camera = CrashCamera(test)
        let store = try await BlobStore.test(test.home, onStep: camera.onStep)
        let blob = TestBlob(2_000, seed: 3)
        _ = try await store.add(bytes: blob.bytes)
        let before = try await BlobStore.test(camera.picture(.smallStored))
        #expect(try await before.presence(blob.hash) == .none)
        #expect(try await before.small.bytes(blob.hash) == nil)
        #expect(try await before.add(bytes: blob.bytes).sha256 == blob.hash)
        let after = try await BlobStore.test(camera.picture(.smallIndexed))
        #expect(try await after.bytes(blob.hash) == blob.bytes)
    }

    @Test("a download killed after a unit was written goes on with it, written down or not")
    func units() async throws {
        let camera = CrashCamera(test)
        let clock = TestClock()
        let store = try await BlobStore.test(
            test.home, options: StoreOptions(now: clock.now), onStep: camera.onStep)
        let blob = TestBlob(6 << 20 + 100, seed: 4)
        let partial = try await store.begin(blob)
        try await partial.write([2], of: blob)
        try await partial.write([0], of: blob)
        clock.advance(milliseconds: 2_000)
        try await partial.write([5, 6], of: blob)
        for (step, held) in [(Step.unitWritten, 1), (.unitsSynced, 3), (.unitsRecorded, 3)] {
            let again = try await BlobStore.test(camera.picture(step))
            let resumed = try #require(try await again.partial(blob.hash))
            #expect(await resumed.heldUnits.count == held, "at \(step)")
            try await resumed.write(resumed.missingUnits.joined(), of: blob)
            #expect(try await resumed.commit().sha256 == blob.hash)
            #expect(try await again.bytes(blob.hash) == blob.bytes)
        }
    }

    @Test("a unit that was torn by the crash is asked for again")
    func tornUnit() async throws {
        let camera = CrashCamera(test)
        let store = try await BlobStore.test(test.home, onStep: camera.onStep)
        let blob = TestBlob(3 << 20, seed: 5)
        try await store.begin(blob).write([1], of: blob)
        let picture = try camera.picture(.unitWritten)
        let file = try OpenFile(
            writing: picture.appending("partial").appending(blob.hash.hex + ".part"), creating: false)
        try file.write([0xFF] as [UInt8], at: 1 << 20 + 77)
        let again = try await BlobStore.test(picture)
        let resumed = try #require(try await again.partial(blob.hash))
        #expect(await resumed.missingUnits == [0..<3])
    }

    @Test("a download killed between its rename and its index row is whole again without a further unit")
    func completion() async throws {
        let camera = CrashCamera(test)
        let store = try await BlobStore.test(test.home, onStep: camera.onStep)
        let blob = TestBlob(3 << 20 + 9, seed: 6)
        let partial = try await store.begin(blob)
        try await partial.write(0..<4, of: blob)
        _ = try await partial.commit()
        for step in [Step.dataSynced, .renamed] {
            let again = try await BlobStore.test(camera.picture(step))
            let resumed = try #require(try await again.partial(blob.hash), "at \(step)")
            #expect(await resumed.missingUnits == [], "at \(step)")
            #expect(try await resumed.commit().size == UInt64(blob.bytes.count))
            #expect(try await again.bytes(blob.hash) == blob.bytes)
            #expect(try await again.totals().partials == 0)
        }
        let after = try await BlobStore.test(camera.picture(.indexed))
        #expect(try await after.bytes(blob.hash) == blob.bytes)
        #expect(try await after.partial(blob.hash) == nil)
    }

    @Test("a purge killed after its line was logged is finished at the next start", arguments: [300, 300_000])
    func purge(size: Int) async throws {
        let camera = CrashCamera(test)
        let store = try await BlobStore.test(test.home, onStep: camera.onStep)
        let blob = TestBlob(size, seed: 7)
        _ = try await store.add(bytes: blob.bytes)
        _ = try await store.purge(blob.hash, reason: "case 7", who: "operator")
        let again = try await BlobStore.test(camera.picture(.purgeLogged))
        #expect(again.recovery.finishedPurges == 1)
        #expect(Files.identity(again.layout.file(blob.hash)) == nil)
        #expect(try await again.small.bytes(blob.hash) == nil)
        #expect(try await again.totals().bytes == 0)
        await #expect(throws: BlobError.purged(blob.hash, reason: "case 7")) { try await again.open(blob.hash) }
    }

    @Test("a store dropped without closing loses nothing it acknowledged")
    func dropped() async throws {
        let blobs = [TestBlob(70, seed: 8), TestBlob(700_000, seed: 9)]
        do {
            let store = try await BlobStore.test(test.home)
            for blob in blobs { _ = try await store.add(bytes: blob.bytes) }
        }
        let again = try await BlobStore.test(test.home)
        for blob in blobs { #expect(try await again.bytes(blob.hash) == blob.bytes) }
    }

    @Test("a lost file is marked and its facts stay; when it comes back it is served again")
    func lostFile() async throws {
        let blob = TestBlob(100_000, seed: 10)
        let store = try await BlobStore.test(test.home)
        _ = try await store.add(bytes: blob.bytes)
        try await store.close()
        let path = store.layout.file(blob.hash)
        let aside = test.file("aside")
        try Files.move(path, to: aside)
        let without = try await BlobStore.test(test.home)
        #expect(without.recovery.missing == 1)
        #expect(try await without.presence(blob.hash) == .none)
        #expect(try await without.facts(blob.hash)?.place == .absent)
        await #expect(throws: BlobError.notFound(blob.hash)) { try await without.open(blob.hash) }
        try await without.close()
        try Files.move(aside, to: path)
        let with = try await BlobStore.test(test.home)
        #expect(with.recovery.missing == 0)
        #expect(try await with.bytes(blob.hash) == blob.bytes)
    }

    @Test("a file lost while the store is open is noticed when it is opened, and can be taken in again")
    func lostMeanwhile() async throws {
        let blob = TestBlob(100_000, seed: 11)
        let store = try await BlobStore.test(test.home)
        _ = try await store.add(bytes: blob.bytes)
        try Files.remove(store.layout.file(blob.hash))
        await #expect(throws: BlobError.notFound(blob.hash)) { try await store.open(blob.hash) }
        #expect(try await store.presence(blob.hash) == .none)
        #expect(try await store.totals().bytes == 0)
        _ = try await store.add(bytes: blob.bytes)
        #expect(try await store.bytes(blob.hash) == blob.bytes)
    }

    @Test("partial files without a record go, and records without their file too")
    func strayPartials() async throws {
        let blob = TestBlob(2 << 20, seed: 12)
        let store = try await BlobStore.test(test.home)
        _ = try await store.begin(blob)
        try await store.close()
        try Files.remove(store.layout.part(blob.hash))
        try Data([1]).write(to: URL(filePath: store.layout.part(SHA256.hash([5])).string))
        try Data([1]).write(to: URL(filePath: store.layout.incoming().string))
        let again = try await BlobStore.test(test.home)
        #expect(again.recovery.removedPartials == 2)
        #expect(again.recovery.removedIncoming == 1)
        #expect(try test.names("partial").isEmpty)
        #expect(try await again.partials().isEmpty)
        #expect(try await again.totals().reservedBytes == 0)
    }
}
