import FoundationEssentials
import SystemPackage
import Testing

@testable import Generation

@Suite("A file that an engine draws with")
struct MappedFileTests {
    @Test("writing to it, cutting it and replacing it show; that it or the link to it is gone changes nothing")
    func changes() throws {
        let folder = FilePath(FileManager.default.temporaryDirectory.path).appending("waggle-mapped-\(UUID())")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let (file, link) = (folder.appending("model"), folder.appending("link"))
        func begin() throws -> MappedFile {
            try Data(repeating: 1, count: 4096).write(to: URL(filePath: file.string))
            try? FileManager.default.createSymbolicLink(atPath: link.string, withDestinationPath: file.string)
            return MappedFile(link, name: "model")
        }
        var mapped = try begin()
        #expect(mapped.isUnchanged)
        let open = try FileDescriptor.open(file, .readWrite)
        try open.resize(to: 2048)
        #expect(!mapped.isUnchanged, "cut")
        try open.close()

        mapped = try begin()
        try Data(repeating: 2, count: 4096).write(to: URL(filePath: file.string), options: .atomic)
        #expect(!mapped.isUnchanged, "another in its place")

        mapped = try begin()
        try FileManager.default.removeItem(atPath: file.string)
        #expect(mapped.isUnchanged, "gone")
        mapped = try begin()
        try FileManager.default.removeItem(atPath: link.string)
        #expect(mapped.isUnchanged, "the engine's folder is gone")
        let cut = try FileDescriptor.open(file, .readWrite)
        try cut.resize(to: 2048)
        try cut.close()
        #expect(!mapped.isUnchanged, "cut, and the engine's folder is gone")
    }
}
