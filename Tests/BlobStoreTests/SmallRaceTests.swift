import Digests
import FoundationEssentials
import GRDB
import Glibc
import Synchronization
import SystemPackage
import Testing

@testable import BlobStore

/// What happens to small blobs between the steps of others.
@Suite("small blobs that come and go at once")
struct SmallRaceTests {
    let test: TestHome
    let clock = TestClock()
    private let blob = TestBlob(300, seed: 9)

    init() throws {
        test = try TestHome()
    }

    /// A store with the blob in the trash, and a place for what is to happen at a step of the next addition.
    private func trashed() async throws -> (BlobStore, Hook) {
        let hook = Hook()
        let store = try await BlobStore.test(
            test.home, options: StoreOptions(now: clock.now), onStep: { hook.reached($0) })
        _ = try await store.add(bytes: blob.bytes)
        let (hash, now) = (blob.hash, clock.now())
        try await store.index.write { db in
            let row = try #require(try BlobsTable.find(db, hash))
            try BlobsTable.setTrashed(db, row.id, at: now)
        }
        return (store, hook)
    }

    private final class Hook: Sendable {
        private let action = Mutex<(step: Step, run: @Sendable () -> Void)?>(nil)

        func at(_ step: Step, _ run: @escaping @Sendable () -> Void) {
            action.withLock { $0 = (step, run) }
        }

        func reached(_ step: Step) {
            let run = action.withLock { action in
                guard let found = action, found.step == step else { return (@Sendable () -> Void)?.none }
                action = nil
                return found.run
            }
            run?()
        }
    }

    @Test("a blob added again while the trash is emptied is here when that is acknowledged")
    func emptied() async throws {
        let (store, hook) = try await trashed()
        let removal = Removal(layout: store.layout, index: store.index, small: store.smallFile)
        let (hash, now) = (blob.hash, clock.now())
        hook.at(.smallLooked) {
            do {
                #expect(try removal.unlinkTrash(hash, now: now) != nil)
            } catch {
                Issue.record(error)
            }
        }
        _ = try await store.add(bytes: blob.bytes)
        #expect(try await store.presence(hash) == .whole)
        #expect(try await store.bytes(hash) == blob.bytes)
        #expect(try await store.totals().bytes == 300)
    }

    @Test("a row whose bytes a crash took is no reason to leave them out")
    func emptyRow() async throws {
        let (store, _) = try await trashed()
        try SmallBlobs.erase(blob.hash, from: store.smallFile)
        _ = try await store.add(bytes: blob.bytes)
        #expect(try await store.bytes(blob.hash) == blob.bytes)
    }

    @Test("bytes of a purged blob that a crash left are removed at the next start")
    func purgedBytes() async throws {
        let store = try await BlobStore.test(test.home)
        _ = try await store.add(bytes: blob.bytes)
        _ = try await store.purge(blob.hash, reason: "case 8", who: "operator")
        let (hash, bytes) = (blob.hash, blob.bytes)
        try await store.smallFile.write { db in
            try db.change("INSERT INTO small (sha256, bytes) VALUES (?, ?)", [hash.data, Data(bytes)])
            // So many that a look at the last ones does not find it.
            for number in 0..<300 {
                try db.change(
                    "INSERT INTO small (sha256, bytes) VALUES (?, ?)",
                    [SHA256.hash(Array("\(number)".utf8)).data, Data([1])])
            }
        }
        try await store.close()
        let again = try await BlobStore.test(test.home)
        #expect(again.recovery.finishedPurges == 1)
        #expect(try await again.small.bytes(hash) == nil)
    }

    @Test("exports of one blob into one folder at once are all whole")
    func exports() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(60_000, seed: 10)
        _ = try await store.add(bytes: blob.bytes)
        let folder = test.home.appending("out")
        mkdir(folder.string, 0o755)
        let left = folder.appending(".\(blob.hash.hex.prefix(20)).waggle-part")
        try Data([1]).write(to: URL(filePath: left.string))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask { _ = try await store.export(blob.hash, to: folder.appending("\(number).bin")) }
            }
            try await group.waitForAll()
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.string)
        #expect(names.count == 40, "\(names)")
        for name in names {
            #expect(try Data(contentsOf: URL(filePath: folder.appending(name).string)) == Data(blob.bytes), "\(name)")
        }
    }
}
