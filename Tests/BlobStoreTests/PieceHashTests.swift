import Digests
import Glibc
import SystemPackage
import Testing

@testable import BlobStore

@Suite("piece hashes")
struct PieceHashTests {
    let test: TestHome

    init() throws {
        test = try TestHome()
    }

    private func expected(_ blob: TestBlob) -> PieceDigests {
        var pieces = PieceDigests()
        blob.bytes.withUnsafeBytes { pieces.append($0) }
        return pieces
    }

    @Test("they are made once and kept, for files, rows and the empty blob")
    func kept() async throws {
        var store = try await BlobStore.test(test.home)
        let blobs = [0, 900, 1 << 20, 9 << 20 + 1].map { TestBlob($0, seed: 1) }
        for blob in blobs {
            _ = try await store.add(bytes: blob.bytes)
            #expect(try await store.pieceHashes(blob.hash, within: .seconds(60)) == .ready(expected(blob)))
        }
        try await store.close()
        store = try await BlobStore.test(test.home)
        for blob in blobs {
            // No time to read anything: they are there.
            #expect(try await store.pieceHashes(blob.hash, within: .zero) == .ready(expected(blob)))
        }
    }

    @Test("work that takes too long is kept, also over a crash, and the next question goes on from there")
    func resumes() async throws {
        let first = try await BlobStore.test(test.home)
        let blob = TestBlob(20 << 20 + 5, seed: 2)
        _ = try await first.add(bytes: blob.bytes)
        var some = PieceDigests()
        blob.bytes.withUnsafeBytes { some.append(UnsafeRawBufferPointer(rebasing: $0[..<(8 << 20)])) }
        let done = some
        try await first.index.write { try PieceHashesTable.put($0, blob.hash, done) }
        let copy = FilePath(test.home.string + "-killed")
        try copyTree(test.home, copy)
        let store = try await BlobStore.test(copy)
        #expect(try await store.pieceHashes(blob.hash, within: .zero) == .underWay(done: 8, of: 21))
        #expect(try await store.pieceHashes(blob.hash, within: .seconds(60)) == .ready(expected(blob)))
    }

    @Test("many who ask at once get the same answer")
    func together() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(3 << 20, seed: 3)
        _ = try await store.add(bytes: blob.bytes)
        let answers = try await withThrowingTaskGroup(of: PieceHashes.self) { group in
            for _ in 0..<8 { group.addTask { try await store.pieceHashes(blob.hash, within: .seconds(60)) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == Array(repeating: .ready(expected(blob)), count: 8))
    }

    @Test("too many who wait are sent away, and turns go round")
    func turns() async {
        let turns = Turns(waiting: 1)
        #expect(await turns.take())
        let second = Task { await turns.take() }
        while await !turns.isFull { await Task.yield() }
        #expect(await !turns.take())
        await turns.give()
        #expect(await second.value)
        await turns.give()
        #expect(await turns.take())
    }

    @Test("wrong bytes have no piece hashes, and are out of service")
    func damaged() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(3 << 20, seed: 4)
        guard case .file(let path) = try await store.add(bytes: blob.bytes).place else { throw BlobError.closed }
        try Files.makeWritable(path)
        try OpenFile(writing: path, creating: false).write([blob.bytes[9] ^ 1], at: 9)
        await #expect(throws: BlobError.damaged(blob.hash, badUnits: [0])) {
            try await store.pieceHashes(blob.hash, within: .seconds(60))
        }
        #expect(try await store.presence(blob.hash) == .partial(held: 2, of: 3), "the right units stay")
        await #expect(throws: BlobError.notFound(.zero)) { try await store.pieceHashes(.zero, within: .zero) }
    }
}

extension Turns {
    fileprivate var isFull: Bool { waiting.count >= limit }
}
