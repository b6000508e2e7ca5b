import Foundation
import SystemPackage
import Testing

@testable import Generation

@Suite("Engines that are set up")
struct EngineInstallTests {
    /// A home's `engine/`, removed with this.
    private final class Folder {
        let path = FilePath(FileManager.default.temporaryDirectory.path).appending("engine-\(UUID().uuidString)")

        deinit { try? FileManager.default.removeItem(atPath: path.string) }

        var names: [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: path.string)) ?? []).sorted()
        }

        /// The package of the engine in use, when its files are there.
        var inUse: String? {
            guard let found = EngineInstall(folder: path), FileManager.default.fileExists(atPath: found.site) else {
                return nil
            }
            return found.package
        }
    }

    /// An engine whose files are in a folder.
    private func engine(_ package: String, in place: FilePath) throws(GenerationError) -> EngineInstall {
        let site = place.appending("site")
        do {
            try FileManager.default.createDirectory(atPath: site.string, withIntermediateDirectories: true)
            let fields = ["package": package, "engine": "", "python": "", "base": "", "site": site.string]
            return try JSONDecoder().decode(EngineInstall.self, from: try JSONEncoder().encode(fields))
        } catch {
            throw .notInstalled("\(error)")
        }
    }

    private func setUp(_ package: String, in folder: Folder) async throws {
        let path = folder.path
        let found = try await EngineInstall.replacing(path) { place throws(GenerationError) in
            try engine(package, in: place)
        }
        #expect(found.package == package)
    }

    @Test("the engine that was there draws until the new one answers, and goes then")
    func replacing() async throws {
        let folder = Folder()
        try await setUp("old", in: folder)
        let path = folder.path
        var seen: String?
        _ = try await EngineInstall.replacing(path) { place throws(GenerationError) in
            let found = try engine("new", in: place)
            seen = folder.inUse
            return found
        }
        #expect(seen == "old" && folder.inUse == "new")
        #expect(folder.names.count == 2, "engine.json and one folder: \(folder.names)")
    }

    @Test("a set-up that comes to nothing takes nothing away and leaves nothing")
    func failing() async throws {
        let folder = Folder()
        try await setUp("old", in: folder)
        let before = folder.names
        await #expect(throws: GenerationError.notInstalled("no compiler")) {
            try await EngineInstall.replacing(folder.path) { place throws(GenerationError) in
                _ = try engine("new", in: place)
                throw .notInstalled("no compiler")
            }
        }
        #expect(folder.inUse == "old" && folder.names == before)
    }

    @Test("what a set-up left that was killed is no engine, and goes with the next one; other files stay")
    func killed() async throws {
        let folder = Folder()
        let path = folder.path
        // Killed: `engine.json` was never written.
        _ = try engine("half", in: path.appending("setup-half"))
        try FileManager.default.createDirectory(
            atPath: path.appending("demo").string, withIntermediateDirectories: true)
        #expect(folder.inUse == nil)
        try await setUp("whole", in: folder)
        #expect(folder.inUse == "whole")
        #expect(folder.names.count == 3 && folder.names.contains("demo") && !folder.names.contains("setup-half"))
    }

    @Test("two set-ups of one home do not meet")
    func once() async throws {
        let folder = Folder()
        let path = folder.path
        var second: GenerationError?
        _ = try await EngineInstall.replacing(path) { place throws(GenerationError) in
            do throws(GenerationError) {
                _ = try await EngineInstall.replacing(path) { place throws(GenerationError) in
                    try engine("second", in: place)
                }
            } catch {
                second = error
            }
            return try engine("first", in: place)
        }
        #expect(second?.code == "setup_failed" && folder.inUse == "first")
        try await setUp("third", in: folder)
    }

    @Test("an engine that lacks a part does not start, and says which; no file of a job is blamed for it")
    func missing() throws {
        let folder = Folder()
        let fields = ["package": "p", "engine": "e", "python": "/bin/sh", "base": "/usr", "site": folder.path.string]
        var engine = try JSONDecoder().decode(EngineInstall.self, from: try JSONEncoder().encode(fields))
        #expect(engine.missing == folder.path.string, "a home that was moved")
        try FileManager.default.createDirectory(atPath: folder.path.string, withIntermediateDirectories: true)
        #expect(engine.missing == nil)
        engine.isBuilt = true
        let program = folder.path.appending("sd-cli").string
        #expect(engine.missing == program)
        try Data().write(to: URL(filePath: program))
        #expect(engine.missing == nil)
        engine.python = "/usr/bin/python3.0"
        let error = #expect(throws: GenerationError.self) {
            try EmbeddedBackend.installed(EmbeddedBackend.Options(engine: engine, threads: 1))
        }
        #expect(error?.blamesFiles == false && error?.message.contains("/usr/bin/python3.0") == true)
        #expect(error?.message.contains("waggle gen setup") == true)
    }

    @Test("how far a compilation is comes from the lines that count; what compilers say is no progress")
    func progress() {
        #expect(EngineInstall.compiled("[12/69] Building CXX object src/model.cpp.o") == "compiling, 12 of 69")
        for line in ["", "[12/69]", "[a/b] x", "In file included from [1/2] x", "warning: unused variable"] {
            #expect(EngineInstall.compiled(line) == nil, "\(line)")
        }
    }
}
