import Digests
import FoundationEssentials
import NIOCore
import SystemPackage
import Testing

@testable import BlobStore

@Suite("partial blobs")
struct PartialTests {
    let test: TestHome

    init() throws {
        test = try TestHome()
    }

    @Test("units written in any order by many tasks make the blob", arguments: [1, 2, 3] as [UInt64])
    func anyOrder(seed: UInt64) async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(21 << 20 + 4_321, seed: seed)
        let partial = try await store.begin(blob)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for unit in (0..<22).shuffled() {
                group.addTask { try await partial.write(unit: unit, bytes: blob.unit(unit)) }
            }
            try await group.waitForAll()
        }
        #expect(await partial.missingUnits == [])
        let facts = try await partial.commit()
        #expect(facts.sha256 == blob.hash)
        #expect(facts.crc32 == blob.digests.crc32)
        #expect(facts.autoV1 == blob.digests.autoV1)
        #expect(try await store.bytes(blob.hash) == blob.bytes)
        #expect(try await store.unitHashes(blob.hash) == blob.digests.layer)
        #expect(try await store.totals().partials == 0)
        #expect(try await store.totals().reservedBytes == 0)
        #expect(try await store.totals().bytes == UInt64(blob.bytes.count))
        await #expect(throws: BlobError.alreadyHeld(blob.hash)) {
            try await partial.write(unit: 0, bytes: blob.unit(0))
        }
    }

    @Test("blobs of one unit need no layer", arguments: [0, 1, 20_000, 65_536, 65_537, 1 << 20])
    func oneUnit(size: Int) async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(size, seed: 4)
        let partial = try await store.beginPartial(
            sha256: blob.hash, size: UInt64(size), piecesRoot: blob.digests.piecesRoot, layer: [])
        #expect(await partial.missingUnits == [0..<1])
        try await partial.write(unit: 0, bytes: ByteBuffer(bytes: blob.bytes).readableBytesView)
        let facts = try await partial.commit()
        #expect(facts.place == (size <= 65_536 ? .row : .file(store.layout.file(blob.hash))))
        #expect(try await store.bytes(blob.hash) == blob.bytes)
        #expect(try test.names("partial").isEmpty)
    }

    @Test("a layer that does not have the signed root is refused before any room is taken")
    func wrongLayer() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(3 << 20, seed: 5)
        var lying = blob.digests.layer
        lying[1] = lying[0]
        for layer in [lying, Array(blob.digests.layer.dropLast()), []] {
            await #expect(throws: BlobError.rootMismatch(blob.hash)) {
                try await store.beginPartial(
                    sha256: blob.hash, size: 3 << 20, piecesRoot: blob.digests.piecesRoot, layer: layer)
            }
        }
        #expect(try test.names("partial").isEmpty)
    }

    @Test("a unit from a lying peer is refused by its number and nothing of it is stored")
    func badUnit() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(3 << 20 + 50, seed: 6)
        let partial = try await store.begin(blob)
        var bytes = blob.unit(1)
        bytes[77] ^= 1
        let lie = bytes
        await #expect(throws: BlobError.badUnit(unit: 1, of: blob.hash)) {
            try await partial.write(unit: 1, bytes: lie)
        }
        var front = blob.unit(0)
        front[0] ^= 1
        let frontLie = front
        await #expect(throws: BlobError.badUnit(unit: 0, of: blob.hash)) {
            try await partial.write(unit: 0, bytes: frontLie)
        }
        for (unit, count) in [(0, 1 << 20 - 1), (3, 51), (3, 49), (2, 0)] {
            await #expect(throws: BlobError.badUnit(unit: unit, of: blob.hash)) {
                try await partial.write(unit: unit, bytes: [UInt8](repeating: 0, count: count))
            }
        }
        for unit in [-1, 4, .max] {
            await #expect(throws: BlobError.outOfRange(blob.hash, size: 3 << 20 + 50)) {
                try await partial.write(unit: unit, bytes: [])
            }
        }
        #expect(await partial.missingUnits == [0..<4])
        try await partial.write(0..<4, of: blob)
        #expect(try await partial.commit().sha256 == blob.hash)
    }

    @Test("two downloads of a blob are one; another size or root under the same name is a conflict")
    func sameSession() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(2 << 20, seed: 7)
        let other = TestBlob(2 << 20, seed: 8)
        let sessions = try await withThrowingTaskGroup(of: PartialBlob.self) { group in
            for _ in 0..<20 { group.addTask { try await store.begin(blob) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(sessions.allSatisfy { $0 === sessions[0] })
        await #expect(throws: BlobError.conflict(blob.hash)) {
            try await store.beginPartial(
                sha256: blob.hash, size: 2 << 20, piecesRoot: other.digests.piecesRoot, layer: other.digests.layer)
        }
    }

    @Test("a download without all units is not completed")
    func incomplete() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(4 << 20, seed: 9)
        let partial = try await store.begin(blob)
        try await partial.write([0, 3], of: blob)
        await #expect(throws: BlobError.incomplete(blob.hash, missing: 2)) { try await partial.commit() }
        #expect(await partial.missingUnits == [1..<3])
        #expect(try await store.presence(blob.hash) == .partial(held: 2, of: 4))
    }

    @Test("a signed pair of SHA-256 and root that are not of the same bytes is found out at the end and thrown away")
    func lyingPair() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(2 << 20, seed: 10)
        let claimed = SHA256.hash([3])
        let partial = try await store.beginPartial(
            sha256: claimed, size: 2 << 20, piecesRoot: blob.digests.piecesRoot, layer: blob.digests.layer)
        try await partial.write(0..<2, of: blob)
        await #expect(throws: BlobError.hashMismatch(expected: claimed, actual: blob.hash)) {
            try await partial.commit()
        }
        #expect(try await store.presence(claimed) == .none)
        #expect(try test.names("partial").isEmpty)
        #expect(try await store.totals().reservedBytes == 0)
    }

    @Test("verified units are served while others are missing")
    func serving() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(4 << 20 + 11, seed: 11)
        let partial = try await store.begin(blob)
        try await partial.write([1, 2, 4], of: blob)
        #expect(try await Array(partial.readUnits(1..<3).readableBytesView) == blob.unit(1) + blob.unit(2))
        #expect(try await Array(partial.readUnits(4..<5).readableBytesView) == blob.unit(4))
        await #expect(throws: BlobError.incomplete(blob.hash, missing: 2)) { try await partial.readUnits(2..<4) }
        await #expect(throws: BlobError.outOfRange(blob.hash, size: 4 << 20 + 11)) {
            try await partial.readUnits(4..<6)
        }
        #expect(await partial.heldUnits.missing == [0..<1, 3..<4])
        #expect(try await store.unitHashes(blob.hash) == blob.digests.layer)
        await #expect(throws: BlobError.notFound(blob.hash)) { try await store.open(blob.hash) }
    }

    @Test("units are written down after 2 seconds or 64 MiB of writing, and not before")
    func checkpoints() async throws {
        let clock = TestClock()
        let steps = Recorder<Step>()
        let store = try await BlobStore.test(
            test.home, options: StoreOptions(now: clock.now), onStep: { steps.record($0) })
        let blob = TestBlob(70 << 20, seed: 12)
        let partial = try await store.begin(blob)
        func recorded() -> Int { steps.values.count { $0 == .unitsRecorded } }
        try await partial.write(0..<2, of: blob)
        clock.advance(milliseconds: 1_999)
        try await partial.write([2], of: blob)
        #expect(recorded() == 0)
        clock.advance(milliseconds: 1)
        try await partial.write([3], of: blob)
        #expect(recorded() == 1)
        try await partial.write(4..<67, of: blob)
        #expect(recorded() == 1)
        try await partial.write([67], of: blob)
        #expect(recorded() == 2)
        try await partial.pause()
        #expect(recorded() == 2, "nothing new to write down")
    }

    @Test("a paused download goes on after a restart, its digests with it")
    func pause() async throws {
        let blob = TestBlob(8 << 20 + 9, seed: 13)
        let store = try await BlobStore.test(test.home)
        let partial = try await store.begin(blob)
        try await partial.write([0, 1, 2, 5, 8], of: blob)
        try await store.close()
        let again = try await BlobStore.test(test.home)
        #expect(try await again.partials() == [blob.hash])
        #expect(try await again.presence(blob.hash) == .partial(held: 5, of: 9))
        #expect(try await again.totals().reservedBytes == 8 << 20 + 9)
        let resumed = try await again.begin(blob)
        #expect(await resumed.missingUnits == [3..<5, 6..<8])
        try await resumed.write([6, 7, 3, 4], of: blob)
        #expect(try await resumed.commit().crc32 == blob.digests.crc32)
        #expect(try await again.bytes(blob.hash) == blob.bytes)
        #expect(try await again.totals().reservedBytes == 0)
    }

    @Test("a download whose digests are past a unit that did not get to the disk lacks that unit alone")
    func digestsAhead() async throws {
        let blob = TestBlob(5 << 20 + 9, seed: 19)
        let store = try await BlobStore.test(test.home)
        try await store.begin(blob).write([0, 1, 2], of: blob)
        try await store.close()
        let again = try await BlobStore.test(test.home)
        var front = OrderedHasher()
        for unit in 0..<3 { blob.unit(unit).withUnsafeBytes { front.update($0) } }
        let ahead = front
        try await again.index.write { db in
            var units = UnitSet(capacity: 6)
            for unit in [0, 2] { units.insert(unit) }
            try PartialsTable.save(db, blob.hash, units: units, front: ahead, now: 0)
        }
        let path = again.layout.part(blob.hash)
        try OpenFile(writing: path, creating: false).write([UInt8](repeating: 0, count: 1 << 20), at: 1 << 20)
        let resumed = try await again.begin(blob)
        #expect(await resumed.missingUnits == [1..<2, 3..<6])
        try await resumed.write([3, 1, 5, 4], of: blob)
        #expect(try await resumed.commit().crc32 == blob.digests.crc32)
        #expect(try await again.bytes(blob.hash) == blob.bytes)
    }

    @Test("a lie among units that come together harms none of the others")
    func lieAmongMany() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(8 << 20, seed: 20)
        let partial = try await store.begin(blob)
        var bytes = blob.unit(3)
        bytes[0] ^= 1
        let lie = bytes
        await withTaskGroup(of: BlobError?.self) { group in
            for unit in 0..<8 {
                group.addTask {
                    do throws(BlobError) {
                        try await partial.write(unit: unit, bytes: unit == 3 ? lie : blob.unit(unit))
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            var errors: [BlobError] = []
            for await error in group { if let error { errors.append(error) } }
            #expect(errors == [.badUnit(unit: 3, of: blob.hash)])
        }
        #expect(await partial.missingUnits == [3..<4])
        try await partial.write([3], of: blob)
        #expect(try await partial.commit().crc32 == blob.digests.crc32)
        #expect(try await store.bytes(blob.hash) == blob.bytes)
    }

    @Test("an abandoned download leaves nothing")
    func abandon() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(2 << 20, seed: 14)
        let partial = try await store.begin(blob)
        try await partial.write([0], of: blob)
        try await partial.abandon()
        #expect(try test.names("partial").isEmpty)
        #expect(try await store.totals().reservedBytes == 0)
        await #expect(throws: BlobError.closed) { try await partial.write(unit: 1, bytes: blob.unit(1)) }
        #expect(try await store.begin(blob).missingUnits == [0..<2])
    }

    @Test("a blob that came another way meanwhile completes all the same")
    func overtaken() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(2 << 20, seed: 15)
        let partial = try await store.begin(blob)
        try await partial.write(0..<2, of: blob)
        _ = try await store.add(bytes: blob.bytes)
        _ = try await partial.commit()
        #expect(try await store.bytes(blob.hash) == blob.bytes)
        #expect(try await store.totals().bytes == 2 << 20)
        #expect(try test.names("partial").isEmpty)
    }

    @Test("a damaged copy is found, taken out of service, and repaired by its bad units alone")
    func repair() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(6 << 20 + 5, seed: 16)
        _ = try await store.add(bytes: blob.bytes)
        let path = store.layout.file(blob.hash)
        try Files.makeWritable(path)
        try OpenFile(writing: path, creating: false).write([1, 2, 3] as [UInt8], at: 4 << 20 + 100)
        let found = try await store.verify(blob.hash)
        #expect(found.badUnits == [4])
        #expect(!found.isGood)
        await #expect(throws: BlobError.damaged(blob.hash, badUnits: [])) { try await store.open(blob.hash) }
        #expect(try await store.presence(blob.hash) == .none)
        let partial = try await store.begin(blob)
        #expect(await partial.missingUnits == [4..<5])
        try await partial.write([4], of: blob)
        _ = try await partial.commit()
        #expect(try await store.verify(blob.hash).isGood)
        #expect(try await store.totals().bytes == 6 << 20 + 5)
        #expect(try await store.totals().reservedBytes == 0)
    }

    @Test("whoever writes the last unit may complete the blob at once, while others still hash")
    func lastWriterCompletes() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(24 << 20, seed: 17)
        let partial = try await store.begin(blob)
        let completed = Recorder<BlobFacts>()
        await withThrowingTaskGroup(of: Void.self) { group in
            for unit in (0..<24).reversed() {
                group.addTask {
                    try await partial.write(unit: unit, bytes: blob.unit(unit))
                    guard await partial.missingUnits.isEmpty else { return }
                    do throws(BlobError) {
                        completed.record(try await partial.commit())
                    } catch {
                        #expect(error == .alreadyHeld(blob.hash))
                    }
                }
            }
            do {
                try await group.waitForAll()
            } catch {
                // A writer that was still at work when another completed the blob is told so.
                #expect(error as? BlobError == .alreadyHeld(blob.hash))
            }
        }
        #expect(completed.values.count == 1)
        #expect(try await store.bytes(blob.hash) == blob.bytes)
    }

    @Test("units that the disk lost after they were verified are missing again, and nobody is accused")
    func lostUnits() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(4 << 20, seed: 18)
        let partial = try await store.begin(blob)
        // Out of order, so that the file is read again for its hash.
        try await partial.write([3, 2, 1], of: blob)
        let path = store.layout.part(blob.hash)
        try OpenFile(writing: path, creating: false).write([0xAA] as [UInt8], at: 2 << 20 + 5)
        try await partial.write([0], of: blob)
        await #expect(throws: BlobError.incomplete(blob.hash, missing: 1)) { try await partial.commit() }
        #expect(await partial.missingUnits == [2..<3])
        try await partial.write([2], of: blob)
        #expect(try await partial.commit().sha256 == blob.hash)
        #expect(try await store.bytes(blob.hash) == blob.bytes)
    }
}
