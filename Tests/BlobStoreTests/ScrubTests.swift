import Digests
import FoundationEssentials
import Glibc
import SystemPackage
import Testing

@testable import BlobStore

@Suite("reading everything again")
struct ScrubTests {
    let test: TestHome
    let clock = TestClock()

    init() throws {
        test = try TestHome()
    }

    private func open() async throws -> BlobStore {
        try await BlobStore.test(test.home, options: StoreOptions(now: clock.now))
    }

    /// Changes a byte of a stored file, and sets its time back: what a failing disk does, nobody can see from outside.
    private func flip(_ store: BlobStore, _ hash: Hash32, at offset: UInt64, quietly: Bool = true) throws {
        let path = store.layout.file(hash)
        try Files.makeWritable(path)
        let file = try OpenFile(writing: path, creating: false)
        let before = try file.identity().modified
        var byte: [UInt8] = [0]
        _ = try byte.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
        try file.write([byte[0] ^ 1], at: offset)
        let time = timespec(tv_sec: Int(before / 1_000_000_000), tv_nsec: Int(before % 1_000_000_000))
        var times = [time, time]
        if quietly { try #require(futimens(file.descriptor, &times) == 0) }
    }

    @Test("bad units are found and out of service at once, the others are served on, and those alone repair it")
    func badUnits() async throws {
        let store = try await open()
        let blob = TestBlob(20 << 20 + 3, seed: 1)
        _ = try await store.add(bytes: blob.bytes)
        #expect(try await store.scrub(blob.hash, idly: true).isGood)
        try flip(store, blob.hash, at: 9 << 20 + 1)
        try flip(store, blob.hash, at: 20 << 20)
        let found = try await store.scrub(blob.hash, idly: true)
        #expect(found == ScrubFinding(sha256: blob.hash, size: 20 << 20 + 3, badUnits: [9, 20], isAdopted: false))
        #expect(try await store.presence(blob.hash) == .partial(held: 19, of: 21))
        #expect(try await store.damaged().map(\.sha256) == [blob.hash])
        await #expect(throws: BlobError.notFound(blob.hash)) { try await store.open(blob.hash) }
        let partial = try #require(try await store.partial(blob.hash))
        #expect(await partial.missingUnits == [9..<10, 20..<21])
        #expect(await partial.heldBytes == 19 << 20)
        await #expect(throws: BlobError.incomplete(blob.hash, missing: 2)) { try await partial.readUnits(8..<10) }
        try await partial.write([9, 20], of: blob)
        _ = try await partial.commit()
        #expect(try await store.bytes(blob.hash) == blob.bytes)
        #expect(try await store.damaged().isEmpty)
        #expect(try await store.totals().bytes == 20 << 20 + 3)
        #expect(try await store.totals().reservedBytes == 0)
    }

    @Test("a file that somebody wrote to is not served until its bytes were read again")
    func writtenTo() async throws {
        let store = try await open()
        let blob = TestBlob(3 << 20, seed: 2)
        _ = try await store.add(bytes: blob.bytes)
        let reader = try await store.open(blob.hash)
        try flip(store, blob.hash, at: 5, quietly: false)
        await #expect(throws: BlobError.damaged(blob.hash, badUnits: [0])) { try await store.open(blob.hash) }
        await #expect(throws: BlobError.self) { try await reader.revalidate() }
        #expect(try await store.damaged().map(\.sha256) == [blob.hash])
        #expect(try await store.scrub(blob.hash).badUnits == [0])
        try await #require(try await store.partial(blob.hash)).write([0], of: blob)
        _ = try await store.partial(blob.hash)?.commit()
        #expect(try await store.bytes(blob.hash) == blob.bytes)
    }

    @Test("a file that was only touched, or came back from a backup with another date, is read once and served")
    func touched() async throws {
        let store = try await open()
        let blob = TestBlob(2 << 20, seed: 3)
        _ = try await store.add(bytes: blob.bytes)
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
        try #require(utimensat(AT_FDCWD, store.layout.file(blob.hash).string, &times, 0) == 0)
        #expect(try await store.bytes(blob.hash) == blob.bytes)
        #expect(try await store.scrub(blob.hash).isGood)
        #expect(try await store.totals().partials == 0)
    }

    @Test("an export as a hard link, whose link count changes, is no change of the bytes")
    func linked() async throws {
        let store = try await open()
        let blob = TestBlob(2 << 20, seed: 4)
        _ = try await store.add(bytes: blob.bytes)
        _ = try await store.export(blob.hash, to: test.file("out"))
        #expect(try await store.bytes(blob.hash) == blob.bytes)
    }

    @Test("a round reads what was not read for 30 days, and goes on after a stop")
    func round() async throws {
        var store = try await open()
        let blobs = [TestBlob(24 << 20, seed: 5), TestBlob(300, seed: 6)]
        for blob in blobs { _ = try await store.add(bytes: blob.bytes) }
        let model = try test.write(TestBlob(200_000, seed: 7).bytes, to: "model")
        let adopted = try await store.adopt(path: model).sha256
        func due() async throws -> Set<Hash32> {
            Set(try await store.dueForScrub(before: clock.milliseconds - 30 * 86_400_000 + 1, limit: 10))
        }
        // A row of the small file has no date before its first round.
        #expect(try await due() == [blobs[1].hash])
        clock.advance(hours: 30 * 24)
        #expect(try await due() == [blobs[0].hash, blobs[1].hash, adopted])
        #expect(try await store.scrubRound().verifiedBytes == 24 << 20 + 200_000)

        // Broken off after the first 8 MiB; the next process goes on there.
        let first = store
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: BlobError.cancelled) {
                    try await first.scrub(blobs[0].hash, idly: true) { _ in withUnsafeCurrentTask { $0?.cancel() } }
                }
            }
        }
        try await store.close()
        store = try await open()
        let read = Recorder<UInt64>()
        #expect(try await store.scrub(blobs[0].hash, idly: true) { read.record($0) }.isGood)
        #expect(read.values == [16 << 20, 24 << 20])
        for hash in [blobs[1].hash, adopted] { #expect(try await store.scrub(hash).isGood) }
        #expect(try await due().isEmpty)
        #expect(try await store.scrubRound().verifiedBytes == 24 << 20 + 200_300)
    }

    @Test("somebody else's changed file and a lost file of our own are found")
    func gone() async throws {
        let store = try await open()
        let model = TestBlob(200_000, seed: 8)
        let path = try test.write(model.bytes, to: "model")
        _ = try await store.adopt(path: path)
        try test.write(Array(model.bytes.reversed()), to: "model")
        #expect(
            try await store.scrub(model.hash)
                == ScrubFinding(sha256: model.hash, size: 200_000, badUnits: [0], isAdopted: true))
        let own = TestBlob(100_000, seed: 9)
        _ = try await store.add(bytes: own.bytes)
        try await store.pin(own.hash, .ownPost)
        try Files.remove(store.layout.file(own.hash))
        #expect(try await store.scrub(own.hash).badUnits == [0])
        #expect(try await store.damaged().map(\.sha256) == [own.hash])
        #expect(try await store.totals().bytes == 0)
    }
}

@Suite("what is where and why")
struct UsageTests {
    let test: TestHome
    let clock = TestClock()

    init() throws {
        test = try TestHome()
    }

    @Test("each byte counts once, under the first reason that holds it; the rest is cache")
    func usage() async throws {
        let store = try await BlobStore.test(
            test.home, options: StoreOptions(budget: 1 << 30, keepFree: 5, now: clock.now))
        let blobs = (0..<5).map { TestBlob(100_000 + Int($0), seed: $0) }
        for blob in blobs { _ = try await store.add(bytes: blob.bytes) }
        try await store.pin(blobs[0].hash, .mirrorRule("1"))
        try await store.pin(blobs[0].hash, .ownPost)
        try await store.pin(blobs[1].hash, .user)
        try await store.pin(blobs[2].hash, .mirrorRule("1"))
        _ = try await store.adopt(path: test.write(randomBytes(70_000, seed: 9), to: "model"))
        let fetched = TestBlob(4 << 20, seed: 10)
        let partial = try await store.begin(fetched)
        try await partial.write([1, 2], of: fetched)
        try await partial.pause()
        let usage = try await store.usage()
        #expect(usage.ownPosts == .init(blobs: 1, bytes: 100_000))
        #expect(usage.user == .init(blobs: 1, bytes: 100_001))
        #expect(usage.mirrorRules == .init(blobs: 1, bytes: 100_002))
        #expect(usage.cache == .init(blobs: 2, bytes: 200_007))
        #expect(usage.partial == .init(blobs: 1, bytes: 4 << 20))
        #expect(usage.partialHeldBytes == 2 << 20)
        #expect(usage.adopted == .init(blobs: 1, bytes: 70_000))
        #expect(usage.room.used == 500_010 + 4 << 20)
        #expect(usage.room.reclaimable == 200_007)
        #expect(usage.room.budgetLeft == 1 << 30 - 4 << 20 - 500_010 + 200_007)
        #expect(
            try await store.standing([fetched.hash, blobs[3].hash, blobs[1].hash]).map(\.extent) == [
                .partial(heldBytes: 2 << 20), .own, .own,
            ])
    }

    @Test("a dry run says what an eviction then does, and last known copies are named and kept")
    func dryRun() async throws {
        let keep = TestBlob(100_000, seed: 0).hash
        let store = try await BlobStore.test(
            test.home,
            options: StoreOptions(
                budget: 1_000_000, now: clock.now, heldElsewhere: { Set($0).subtracting([keep]) }))
        for seed in 0..<10 as Range<UInt64> {
            _ = try await store.add(bytes: TestBlob(100_000, seed: seed).bytes)
            clock.advance(milliseconds: 1)
        }
        let would = try await store.evict(isDryRun: true)
        #expect(would.trashedBytes == 200_000 && would.lastCopies == [keep] && would.lastCopyBytes == 100_000)
        #expect(try await store.totals().trashBytes == 0)
        #expect(try await store.evict() == would)
        #expect(try await store.evict(lastCopies: true) == BlobStore.Eviction())
        let more = TestBlob(150_000, seed: 20)
        _ = try await store.add(bytes: more.bytes)
        #expect(try await store.evict(lastCopies: true).trashed.first == keep)
    }

    @Test("a blob is found by its hash, by a beginning of it, and by the path of any copy")
    func found() async throws {
        let store = try await BlobStore.test(test.home, options: StoreOptions(now: clock.now))
        let blob = TestBlob(100_000, seed: 1)
        _ = try await store.add(bytes: blob.bytes)
        try await store.pin(blob.hash, .user)
        let path = try test.write(blob.bytes, to: "model")
        _ = try await store.adopt(path: path)
        for prefix in [blob.hash.hex, String(blob.hash.hex.prefix(9)), blob.hash.hex.prefix(6).uppercased()] {
            let found = try #require(try await store.whereabouts(prefix: prefix).first)
            #expect(found.sha256 == blob.hash && found.size == 100_000 && found.presence == .whole)
            #expect(found.ownFile == store.layout.file(blob.hash) && !found.isRow)
            #expect(found.adopted == [.init(path: path, isInService: true)])
            #expect(found.pins == [.user] && found.verifiedAt == clock.milliseconds)
        }
        #expect(try await store.whereabouts(prefix: "nothex").isEmpty)
        #expect(try await store.whereabouts(prefix: String(repeating: "0", count: 64)).isEmpty)
        for place in [path, store.layout.file(blob.hash), store.layout.part(blob.hash)] {
            #expect(try await store.blob(at: place) == blob.hash)
        }
        #expect(try await store.blob(at: "/nowhere") == nil)
        _ = try await store.purge(blob.hash, reason: "case 1", who: "op")
        #expect(try await store.whereabouts(prefix: blob.hash.hex).first?.purgeReason == "case 1")
    }
}
