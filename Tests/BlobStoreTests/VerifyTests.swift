import Digests
import FoundationEssentials
import GRDB
import Glibc
import NIOCore
import SystemPackage
import Testing

@testable import BlobStore

@Suite("verifying and exporting")
struct VerifyTests {
    let test: TestHome

    init() throws {
        test = try TestHome()
    }

    @Test("a good blob verifies wherever it lies")
    func good() async throws {
        let store = try await BlobStore.test(test.home)
        for size in [0, 900, 5 << 20 + 1] {
            let blob = TestBlob(size, seed: 1)
            _ = try await store.add(bytes: blob.bytes)
            let result = try await store.verify(blob.hash)
            #expect(result.isGood)
            #expect(result.sha256 == blob.hash)
            #expect(result.badUnits == [])
        }
        let blob = TestBlob(2 << 20, seed: 2)
        _ = try await store.adopt(path: test.write(blob.bytes, to: "model"))
        #expect(try await store.verify(blob.hash).isGood)
    }

    @Test("a copy cut short is noticed when it is opened")
    func cutShort() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(2 << 20, seed: 3)
        _ = try await store.add(bytes: blob.bytes)
        let path = store.layout.file(blob.hash)
        truncate(path.string, 1 << 20)
        await #expect(throws: BlobError.damaged(blob.hash, badUnits: [])) { try await store.open(blob.hash) }
        let partial = try await store.begin(blob)
        #expect(await partial.missingUnits == [1..<2])
    }

    @Test("a damaged row goes, so that the blob can come again")
    func damagedRow() async throws {
        let store = try await BlobStore.test(test.home)
        let blob = TestBlob(2_000, seed: 4)
        _ = try await store.add(bytes: blob.bytes)
        try await store.smallFile.write { try $0.change("UPDATE small SET bytes = x'00'", []) }
        #expect(try await store.verify(blob.hash).badUnits == [0])
        #expect(try await store.presence(blob.hash) == .none)
        _ = try await store.add(bytes: blob.bytes)
        #expect(try await store.verify(blob.hash).isGood)
        #expect(try await store.totals().bytes == 2_000)
    }

    @Test("any file is verified without a store; with a layer the bad units are named")
    func offline() async throws {
        let blob = TestBlob(4 << 20 + 70, seed: 5)
        let digests = blob.digests
        func verify(_ bytes: [UInt8], layer: Bool, root: Bool = true) async throws -> Verification {
            let path = try test.write(bytes, to: "offline")
            return try await BlobStore.verifyFile(
                path: path, sha256: digests.sha256, size: digests.size, piecesRoot: root ? digests.piecesRoot : nil,
                layer: layer ? digests.layer : nil)
        }
        #expect(try await verify(blob.bytes, layer: true).isGood)
        #expect(try await verify(blob.bytes, layer: false).isGood)
        var bytes = blob.bytes
        bytes[10] ^= 1
        bytes[4 << 20 + 60] ^= 1
        let named = try await verify(bytes, layer: true)
        #expect(named.badUnits == [0, 4])
        #expect(!named.isGood)
        let unnamed = try await verify(bytes, layer: false, root: false)
        #expect(unnamed.badUnits == [])
        #expect(!unnamed.isGood)
        #expect(try await verify(Array(blob.bytes.dropLast(100)), layer: true).badUnits == [3, 4])
        #expect(try await !verify(blob.bytes + [0], layer: true).isGood)
    }

    @Test("a layer that is not of the root is refused before the file is read")
    func lyingLayer() async throws {
        let path = try test.write([1, 2], to: "file")
        await #expect(throws: BlobError.rootMismatch(SHA256.hash([9]))) {
            try await BlobStore.verifyFile(path: path, piecesRoot: SHA256.hash([9]), layer: [SHA256.hash([1, 2])])
        }
        await #expect(throws: BlobError.noFile(path: test.file("no"))) {
            try await BlobStore.verifyFile(path: test.file("no"))
        }
    }

    @Test("an export has the blob's bytes and never overwrites")
    func export() async throws {
        let store = try await BlobStore.test(test.home)
        let own = TestBlob(300_000, seed: 6)
        let small = TestBlob(300, seed: 7)
        let adopted = TestBlob(200_000, seed: 8)
        _ = try await store.add(bytes: own.bytes)
        _ = try await store.add(bytes: small.bytes)
        _ = try await store.adopt(path: test.write(adopted.bytes, to: "adopted"))
        for (name, blob) in [("own", own), ("small", small), ("copy", adopted)] {
            let target = test.file("out-" + name)
            let method = try await store.export(blob.hash, to: target)
            #expect(try Data(contentsOf: URL(filePath: target.string)) == Data(blob.bytes))
            // A link to a file that is not ours would let its owner change what we gave out.
            if name != "own" { #expect(method != .hardLinked) }
            await #expect(throws: BlobError.exists(path: target)) { try await store.export(blob.hash, to: target) }
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: test.path.string).filter { $0.contains("link") } == [])
    }
}
