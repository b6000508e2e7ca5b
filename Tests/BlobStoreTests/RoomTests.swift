import Digests
import FoundationEssentials
import Glibc
import NIOCore
import SystemPackage
import Testing

@testable import BlobStore

@Suite("budget, pins, leases and eviction")
struct RoomTests {
    let test: TestHome
    let clock = TestClock()

    init() throws {
        test = try TestHome()
    }

    private func open(
        budget: UInt64?, heldElsewhere: @escaping @Sendable ([Hash32]) async -> Set<Hash32> = { Set($0) }
    ) async throws -> BlobStore {
        try await BlobStore.test(
            test.home, options: StoreOptions(budget: budget, now: clock.now, heldElsewhere: heldElsewhere))
    }

    /// Adds blobs of 100,000 bytes, each a minute younger than the one before.
    private func fill(_ store: BlobStore, _ seeds: Range<UInt64>) async throws -> [TestBlob] {
        var blobs: [TestBlob] = []
        for seed in seeds {
            let blob = TestBlob(100_000, seed: seed)
            _ = try await store.add(bytes: blob.bytes)
            clock.advance(milliseconds: 60_000)
            blobs.append(blob)
        }
        return blobs
    }

    @Test("above 90 % of the budget the least recently used go to the trash, down to 80 %, and after 24 hours for good")
    func twoPhases() async throws {
        let store = try await open(budget: 1_000_000)
        let blobs = try await fill(store, 0..<9)
        #expect(try await store.evict() == BlobStore.Eviction(), "90 % is not above it")
        _ = try await store.add(bytes: TestBlob(50_000, seed: 90).bytes)
        // The oldest is used again, so it is the youngest now.
        _ = try await store.open(blobs[0].hash)
        clock.advance(milliseconds: 60_000)
        let first = try await store.evict()
        #expect(first.trashed == [blobs[1].hash, blobs[2].hash])
        #expect(first.unlinked == [])
        #expect(try await store.presence(blobs[1].hash) == .none)
        await #expect(throws: BlobError.notFound(blobs[1].hash)) { try await store.open(blobs[1].hash) }
        #expect(try await store.totals().trashBytes == 200_000)

        clock.advance(hours: 23)
        #expect(try await store.evict() == BlobStore.Eviction())
        #expect(try await store.restore(blobs[2].hash))
        #expect(try await store.bytes(blobs[2].hash) == blobs[2].bytes)
        clock.advance(hours: 1)
        #expect(try await store.evict().unlinked == [blobs[1].hash])
        #expect(Files.identity(store.layout.file(blobs[1].hash)) == nil)
        #expect(try await store.facts(blobs[1].hash) == nil)
        #expect(try await store.totals().trashBytes == 0)
    }

    @Test("a blob in the trash is restored by a pin, by the same bytes, and by asking for it")
    func restores() async throws {
        let store = try await open(budget: 500_000)
        let blobs = try await fill(store, 0..<5)
        #expect(try await store.evict().trashed == [blobs[0].hash])
        _ = try await store.add(bytes: blobs[0].bytes)
        #expect(try await store.presence(blobs[0].hash) == .whole)
        #expect(try await store.evict().trashed == [blobs[1].hash])
        try await store.pin(blobs[1].hash, .user)
        #expect(try await store.presence(blobs[1].hash) == .whole)
        #expect(try await store.evict().trashed == [blobs[2].hash])
        await #expect(throws: BlobError.alreadyHeld(blobs[2].hash)) { try await store.begin(blobs[2]) }
        #expect(try await store.presence(blobs[2].hash) == .whole)
        #expect(try await store.totals().bytes == 500_000)
        #expect(try await store.totals().trashBytes == 0)
    }

    @Test("small blobs in the trash come back by the same bytes, and go for good after 24 hours")
    func smallTrash() async throws {
        let store = try await open(budget: 10_000)
        let blobs = (0..<10).map { TestBlob(1_000, seed: 50 + $0) }
        for blob in blobs {
            _ = try await store.add(bytes: blob.bytes)
            clock.advance(milliseconds: 1)
        }
        #expect(try await store.evict().trashed == [blobs[0].hash, blobs[1].hash])
        _ = try await store.add(bytes: blobs[1].bytes)
        #expect(try await store.bytes(blobs[1].hash) == blobs[1].bytes)
        clock.advance(hours: 24)
        _ = try await store.evict()
        #expect(try await store.small.bytes(blobs[0].hash) == nil)
        #expect(try await store.totals().bytes == 9_000)
    }

    @Test("pins, leases and adopted files hold; a pin counts until its last reason goes, a lease until its time")
    func holds() async throws {
        let store = try await open(budget: 1_000_000)
        let blobs = try await fill(store, 0..<10)
        try await store.pin(blobs[0].hash, .ownPost)
        try await store.pin(blobs[0].hash, .mirrorRule("rule-1"))
        try await store.pin(blobs[0].hash, .mirrorRule("rule-1"))
        try await store.pin(blobs[1].hash, .bounty("b"))
        try await store.lease(blobs[2].hash, holder: "fetch", until: clock.milliseconds + 1_000)
        let adopted = try test.write(randomBytes(400_000, seed: 99), to: "adopted")
        _ = try await store.adopt(path: adopted)
        #expect(try await store.pins(blobs[0].hash) == [.ownPost, .mirrorRule("rule-1")])
        #expect(try await store.evict().trashed == [blobs[3].hash, blobs[4].hash])

        try await store.unpin(blobs[0].hash, .ownPost)
        try await store.unpin(blobs[1].hash, .bounty("b"))
        clock.advance(milliseconds: 1_000)
        _ = try await fill(store, 20..<22)
        #expect(try await store.evict().trashed == [blobs[1].hash, blobs[2].hash])
        #expect(Files.identity(adopted)?.size == 400_000)
    }

    @Test("a lease can be given back, and a holder's name has a limit")
    func leases() async throws {
        let store = try await open(budget: 300_000)
        let blobs = try await fill(store, 0..<3)
        for blob in blobs { try await store.lease(blob.hash, holder: "a", until: .max) }
        #expect(try await store.evict().trashed == [])
        // One of two who hold it gives it back.
        try await store.lease(blobs[1].hash, holder: "b", until: .max)
        try await store.release(blobs[1].hash, holder: "a")
        #expect(try await store.evict().trashed == [])
        try await store.release(blobs[1].hash, holder: "b")
        #expect(try await store.evict().trashed == [blobs[1].hash])
        await #expect(throws: BlobError.tooLarge(bytes: 129, limit: 128)) {
            try await store.lease(blobs[0].hash, holder: String(repeating: "x", count: 129), until: 0)
        }
    }

    @Test("the last known copy is kept when the federation says so")
    func lastCopy() async throws {
        let keep = TestBlob(100_000, seed: 0).hash
        let store = try await open(budget: 1_000_000, heldElsewhere: { Set($0).subtracting([keep]) })
        let blobs = try await fill(store, 0..<10)
        #expect(try await store.evict().trashed == [blobs[1].hash, blobs[2].hash])
    }

    @Test("a reservation that does not fit is refused before the first byte, and costs nobody their bytes")
    func impossible() async throws {
        let store = try await open(budget: 1_000_000)
        let blobs = try await fill(store, 0..<5)
        let large = TestBlob(2 << 20, seed: 30)
        await #expect(throws: BlobError.overBudget(needed: 2 << 20, used: 500_000, budget: 1_000_000)) {
            try await store.begin(large)
        }
        await #expect(throws: BlobError.overBudget(needed: 2 << 20, used: 500_000, budget: 1_000_000)) {
            try await store.add(bytes: large.bytes)
        }
        for blob in blobs { try await store.pin(blob.hash, .user) }
        await #expect(throws: BlobError.overBudget(needed: 600_000, used: 500_000, budget: 1_000_000)) {
            try await store.begin(TestBlob(600_000, seed: 31))
        }
        #expect(try await store.presence(blobs.map(\.hash)).allSatisfy { $0 == .whole })
        #expect(try test.names("partial").isEmpty)
        #expect(try await store.totals().reservedBytes == 0)
    }

    @Test("a reservation that fits after eviction evicts just enough, the trash first")
    func pressure() async throws {
        let store = try await open(budget: 1_000_000)
        let blobs = try await fill(store, 0..<10)
        #expect(try await store.evict().trashed == [blobs[0].hash, blobs[1].hash])
        let partial = try await store.begin(TestBlob(150_000, seed: 40))
        #expect(try await store.totals().trashBytes == 0)
        #expect(try await store.totals().bytes == 800_000)
        _ = try await store.begin(TestBlob(150_000, seed: 41))
        #expect(try await store.totals().bytes == 700_000)
        #expect(try await store.facts(blobs[2].hash) == nil)
        #expect(try await store.presence(blobs[3].hash) == .whole)
        try await partial.abandon()
        #expect(try await store.totals().reservedBytes == 150_000)
        // Small blobs make room in the same way.
        for seed in 100..<105 as Range<UInt64> { _ = try await store.add(bytes: TestBlob(60_000, seed: seed).bytes) }
        let totals = try await store.totals()
        #expect(totals.bytes + totals.reservedBytes + totals.trashBytes <= 1_000_000)
    }

    @Test("the kept reserve of the disk is not touched, and what is free after all is used")
    func keepFree() async throws {
        let free = Recorder<UInt64>()
        free.record(1_000_000)
        let store = try await BlobStore.test(
            test.home, options: StoreOptions(keepFree: 300_000, freeSpace: { _ in free.values.last }))
        await #expect(throws: BlobError.diskFull(needed: 800_000, available: 700_000)) {
            try await store.begin(TestBlob(800_000, seed: 1))
        }
        free.record(350_000)
        await #expect(throws: BlobError.diskFull(needed: 51_000, available: 50_000)) {
            try await store.add(bytes: TestBlob(51_000, seed: 2).bytes)
        }
        free.record(1_200_000)
        _ = try await store.begin(TestBlob(800_000, seed: 1))
        _ = try await store.add(bytes: TestBlob(51_000, seed: 2).bytes)
    }

    @Test("downloads nothing holds are given up after a day when room is short, open or not")
    func abandonsDownloads() async throws {
        let store = try await open(budget: 10 << 20)
        let blobs = (0..<3).map { TestBlob(3 << 20, seed: 60 + $0) }
        for blob in blobs { _ = try await store.begin(blob) }
        try await store.close()
        let again = try await open(budget: 9 << 20)
        try await again.lease(blobs[1].hash, holder: "fetch", until: .max)
        _ = try await again.begin(blobs[2])
        #expect(try await again.evict().abandoned == [])
        clock.advance(hours: 25)
        #expect(try await again.evict().abandoned == [blobs[0].hash, blobs[2].hash])
        #expect(try await again.partials() == [blobs[1].hash])
        #expect(try await again.totals().reservedBytes == 3 << 20)
        #expect(try test.names("partial") == [blobs[1].hash.hex + ".part"])
    }

    @Test("any sequence of adding, evicting, pinning, purging and restarting keeps the books", arguments: 1...4)
    func books(seed: UInt64) async throws {
        let dice = randomBytes(240, seed: seed)
        var store = try await open(budget: 1_000_000)
        var pinned: Set<UInt64> = []
        var purged: Set<UInt64> = []
        func blob(_ number: UInt64) -> TestBlob { TestBlob(number % 3 == 0 ? 3_000 : 90_000, seed: 1_000 + number) }
        for at in stride(from: 0, to: dice.count, by: 2) {
            let number = UInt64(dice[at + 1] % 24)
            clock.advance(milliseconds: 1)
            switch dice[at] % 16 {
            case 0...8:
                do throws(BlobError) {
                    _ = try await store.add(bytes: blob(number).bytes)
                } catch {
                    switch error {
                    case .purged: #expect(purged.contains(number))
                    case .overBudget: #expect(pinned.count >= 8, "seed \(seed)")
                    default: Issue.record(error)
                    }
                }
            case 9 where try await store.presence(blob(number).hash) == .whole:
                try await store.pin(blob(number).hash, .user)
                pinned.insert(number)
            case 10:
                try await store.unpin(blob(number).hash, .user)
                pinned.remove(number)
            case 11 where !pinned.contains(number):
                _ = try await store.purge(blob(number).hash, reason: "seed \(seed)", who: "test")
                purged.insert(number)
            case 12...13: _ = try await store.evict()
            case 14: clock.advance(hours: 13)
            default:
                try await store.close()
                store = try await open(budget: 1_000_000)
            }
            let totals = try await store.totals()
            #expect(totals.bytes + totals.trashBytes <= 1_000_000, "seed \(seed) step \(at)")
            #expect(totals.reservedBytes == 0, "seed \(seed) step \(at)")
            let books = store.room.taken
            #expect(books == totals.bytes + totals.trashBytes, "seed \(seed) step \(at)")
        }
        for number in 0..<24 as Range<UInt64> {
            let presence = try await store.presence(blob(number).hash)
            if pinned.contains(number) { #expect(presence == .whole, "seed \(seed): \(number) was pinned") }
            if purged.contains(number) { #expect(presence == .none, "seed \(seed): \(number) was purged") }
            if presence == .whole { #expect(try await store.bytes(blob(number).hash) == blob(number).bytes) }
        }
        #expect(store.recovery.missing == 0)
        #expect(store.recovery.unindexed == [])
    }
}
