import Testing

@testable import BlobStore

@Suite("what is known of blobs has a number")
struct NamesRevisionTests {
    let test: TestHome

    init() throws {
        test = try TestHome()
    }

    @Test(
        "another one when a blob comes, gets its other names or goes; the same when it is read",
        arguments: [500, 500_000])
    func changes(size: Int) async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(size, seed: 1)
        var last = store.namesRevision
        func isAnother() -> Bool {
            defer { last = store.namesRevision }
            return store.namesRevision != last
        }
        _ = try await store.add(bytes: blob.bytes)
        #expect(isAnother())
        #expect(try await store.bytes(blob.hash) == blob.bytes)
        #expect(try await store.hashes(of: [blob.hash]).count == 1)
        #expect(!isAnother())
        #expect(try await store.computeExtraHashes() == 1)
        #expect(isAnother())
        _ = try await store.purge(blob.hash, reason: "case 1", who: "operator")
        #expect(isAnother())
    }
}
