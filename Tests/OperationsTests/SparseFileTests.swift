import FoundationEssentials
import Glibc
import SystemPackage
import Testing

@testable import Operations

@Suite("Files that are nearly all zeros")
struct SparseFileTests {
    private static func folder() throws -> FilePath {
        let path = FilePath(FileManager.default.temporaryDirectory.path).appending("waggle-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
        return path
    }

    private static func pack(_ bytes: [UInt8], _ path: FilePath) throws {
        let file = try FileDescriptor.open(path, .writeOnly, options: .create, permissions: .ownerReadWrite)
        defer { try? file.close() }
        var writer = try ZstdWriter(file)
        try writer.write(bytes)
        try writer.finish()
    }

    @Test("what comes out is what went in, and zeros take no room on the disk")
    func expands() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        var bytes = [UInt8](repeating: 0, count: 9_000_001)
        for place in [0, 4095, 4_000_000, 8_999_999] { bytes[place] = 7 }
        let (packed, path) = (folder.appending("a.zst"), folder.appending("a"))
        try Self.pack(bytes, packed)
        try SparseFile.expand(packed, to: path, limit: UInt64(bytes.count))
        let expanded = try [UInt8](Data(contentsOf: URL(filePath: path.string)))
        #expect(expanded == bytes)
        var status = stat()
        let isThere = stat(path.string, &status) == 0
        #expect(isThere && status.st_blocks * 512 < 1_000_000)
        try Self.pack([], folder.appending("b.zst"))
        try SparseFile.expand(folder.appending("b.zst"), to: folder.appending("b"), limit: 10)
        #expect(try Data(contentsOf: URL(filePath: folder.appending("b").string)).isEmpty)
    }

    @Test("files that are cut short, larger than they may be, or none at all are refused")
    func refuses() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let packed = folder.appending("a.zst")
        try Self.pack((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }, packed)
        let target = folder.appending("a")
        #expect(throws: OperationError.self) { try SparseFile.expand(packed, to: target, limit: 2_000_000) }
        let whole = try [UInt8](Data(contentsOf: URL(filePath: packed.string)))
        try Data(whole.dropLast(9)).write(to: URL(filePath: packed.string))
        #expect(throws: OperationError.self) { try SparseFile.expand(packed, to: target, limit: 3_000_000) }
        try Data("no zstd file".utf8).write(to: URL(filePath: packed.string))
        #expect(throws: OperationError.self) { try SparseFile.expand(packed, to: target, limit: 3_000_000) }
        #expect(throws: OperationError.self) {
            try SparseFile.expand(folder.appending("none"), to: target, limit: 1)
        }
    }
}
