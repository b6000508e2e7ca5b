import Digests
import Foundation
import NIOCore
import Synchronization
import SystemPackage
import Testing
import WaggleProtocol

@testable import Operations

@Suite("Files on their way in")
struct UploadStoreTests {
    private let folder = FilePath(NSTemporaryDirectory() + "waggle-uploads-\(UUID().uuidString)")

    private func store(
        keepFree: UInt64 = 0, free: UInt64? = nil, report: @escaping @Sendable (String) -> Void = { _ in }
    ) -> UploadStore {
        UploadStore(
            folder: folder, now: { 1000 }, random: { (0..<16).map { _ in UInt8.random(in: .min ... .max) } },
            keepFree: keepFree, freeSpace: { _ in free }, report: report)
    }

    private func body(_ bytes: [UInt8]...) -> AsyncStream<ByteBuffer> {
        AsyncStream { continuation in
            for part in bytes { continuation.yield(ByteBuffer(bytes: part)) }
            continuation.finish()
        }
    }

    private static let bytes = Array("honey and wax".utf8)

    private func begin(_ store: UploadStore, sha256: Hash32? = SHA256.hash(bytes)) async throws -> Upload {
        try await store.begin(account: 1, name: "a.bin", size: UInt64(Self.bytes.count), sha256: sha256)
    }

    @Test("all bytes without a look at them are not complete, whatever they are; an empty append at the end looks")
    func unverified() async throws {
        for isSound in [true, false] {
            let upload = try await begin(store())
            // A crash after the last write, before the hash.
            try Data(isSound ? Self.bytes : Self.bytes.reversed()).write(to: URL(filePath: upload.path.string))
            let store = store()
            let left = try await store.find(upload.id, account: 1)
            #expect(left.offset == left.size && !left.isVerified && !left.isComplete)
            #expect(try await store.list(account: 1).first { $0.id == upload.id }?.isComplete == false)
            if isSound {
                #expect(try await store.append(upload.id, account: 1, at: left.size, body()).isComplete)
                #expect(try await self.store().find(upload.id, account: 1).isComplete)
            } else {
                await #expect(throws: FileUploadError.hashMismatch) {
                    try await store.append(upload.id, account: 1, at: left.size, body())
                }
                #expect(try await store.find(upload.id, account: 1).offset == 0)
            }
        }
    }

    @Test("an upload without a named hash is complete once it is synced")
    func unnamed() async throws {
        let store = store()
        let upload = try await begin(store, sha256: nil)
        let half = Self.bytes.count / 2
        let first = try await store.append(upload.id, account: 1, at: 0, body(Array(Self.bytes[..<half])))
        #expect(!first.isComplete && first.offset == UInt64(half))
        #expect(
            try await store.append(upload.id, account: 1, at: UInt64(half), body(Array(Self.bytes[half...]))).isComplete
        )
    }

    @Test("a restart drops what was there, so that a broken one is not taken for the whole; a complete upload stays")
    func restarting() async throws {
        let store = store()
        let upload = try await begin(store)
        try Data(Self.bytes.reversed()).write(to: URL(filePath: upload.path.string))
        let broken = try await store.append(
            upload.id, account: 1, at: 0, body(Array(Self.bytes[..<3])), restarting: true)
        #expect(broken.offset == 3 && !broken.isComplete)
        #expect(try await store.append(upload.id, account: 1, at: 0, body(Self.bytes), restarting: true).isComplete)
        #expect(try await store.append(upload.id, account: 1, at: 0, body([1]), restarting: true).isComplete)
        #expect(try Data(contentsOf: URL(filePath: upload.path.string)) == Data(Self.bytes))
    }

    @Test("names of the store's own files are refused", arguments: [".done", ".upload.json"])
    func ownNames(name: String) async throws {
        await #expect(throws: FileUploadError.badName) {
            try await store().begin(account: 1, name: name, size: 1, sha256: nil)
        }
    }

    @Test("of many that begin at once, as many begin as the quota has room for")
    func parallel() async throws {
        let store = store()
        let begun = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<32 {
                group.addTask {
                    let upload = try? await store.begin(
                        account: 1, name: "\(number)", size: Limits.API.uploadBytes / 2, sha256: nil)
                    return upload != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(begun == 2)
        #expect(try await store.list(account: 1).count == 2)
    }

    @Test("what all uploads still need and what is to stay free are left out of the room on the disk")
    func room() async throws {
        let store = store(keepFree: 100, free: 1000)
        let first = try await store.begin(account: 1, name: "a", size: 600, sha256: nil)
        for account: Int64 in [1, 2] {
            await #expect(throws: FileUploadError.diskFull) {
                try await store.begin(account: account, name: "b", size: 301, sha256: nil)
            }
        }
        // Bytes that are here are not counted twice.
        _ = try await store.append(first.id, account: 1, at: 0, body([UInt8](repeating: 1, count: 200)))
        _ = try await store.begin(account: 2, name: "b", size: 500, sha256: nil)
        await #expect(throws: FileUploadError.diskFull) {
            try await store.begin(account: 2, name: "c", size: 1, sha256: nil)
        }
    }

    @Test("a failing disk is told without this machine's paths; the log has them")
    func failures() async throws {
        let reasons = Mutex<[String]>([])
        let store = store { reason in reasons.withLock { $0.append(reason) } }
        let upload = try await begin(store)
        try FileManager.default.createSymbolicLink(atPath: upload.path.string, withDestinationPath: "/nowhere/at-all")
        let refused = await #expect(throws: FileUploadError.self) {
            try await store.append(upload.id, account: 1, at: 0, body([1]))
        }
        #expect(refused?.code == "unavailable" && refused?.message.contains("/") == false)
        #expect(reasons.withLock { $0.last?.contains(upload.path.string) } == true)
    }

    @Test("an upload that is dropped while its bytes come is not there, rather than broken")
    func droppedMeanwhile() async throws {
        let store = store()
        let upload = try await begin(store)
        let parts = Mutex([Self.bytes.prefix(3), Self.bytes.dropFirst(3)].map { ByteBuffer(bytes: $0) })
        let body = AsyncStream<ByteBuffer> {
            let (part, isLast) = parts.withLock { parts in
                (parts.isEmpty ? nil : parts.removeFirst(), parts.isEmpty)
            }
            if isLast { try? await store.remove(upload.id, account: 1) }
            return part
        }
        await #expect(throws: FileUploadError.notFound) {
            try await store.append(upload.id, account: 1, at: 0, body)
        }
    }
}
