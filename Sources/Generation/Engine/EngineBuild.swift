import FoundationEssentials
import Glibc
public import SystemPackage
import WaggleProtocol

/// The engine built from source for the processor of this machine: `sd-cli`, which draws, and `sd-server`, for whoever wants
/// to run it as a service. The source is what a package of the Python index brings along, pinned by its hash.
extension EngineInstall {
    /// The package whose source archive has stable-diffusion.cpp in it.
    public static let sourcePackage = "stable-diffusion-cpp-python==0.4.7"
    /// SHA-256 of that archive.
    static let sourceHash = "998d1957260dd5ae4e18a8acc0c14b0a8757aaa9f96515197b6d5bbf46df9282"
    /// What the archive is read and built with, from the Python package index as well.
    static let buildTools = ["scikit-build-core==1.1.2", "cmake==4.4.5", "ninja==1.13.2"]

    /// Compiles the engine and installs it, or installs it anew.
    ///
    /// - Parameters:
    ///   - folder: the home's `engine/`.
    ///   - python: an interpreter to use; nil looks for one, the system's own first.
    ///   - tell: what is being done, line by line.
    /// - Throws: `notInstalled` with what is missing, or what went wrong.
    public static func build(
        in folder: FilePath, python: String?, tell: @escaping @Sendable (String) -> Void
    ) async throws(GenerationError) -> EngineInstall {
        try needCompilers()
        return try await replacing(folder) { place throws(GenerationError) in
            try needSpace(place)
            let inside = try await environment(in: place, python: python, tell)
            tell("installing cmake and ninja")
            try await run(
                inside, pip + ["install", "--progress-bar", "off", "--only-binary", ":all:"] + buildTools,
                "cmake and ninja could not be installed", tell)
            let source = try await source(place, inside, tell)
            let programs = try await compile(source, place, tell)
            let found = try await examined(programs, inside)
            // The programs are all that it draws with.
            for name in (try? FileManager.default.contentsOfDirectory(atPath: place.string)) ?? []
            where name != programs.lastComponent?.string {
                try? FileManager.default.removeItem(atPath: place.appending(name).string)
            }
            return found
        }
    }

    /// A compiler for C++ and one for C, as cmake looks for them.
    private static func needCompilers() throws(GenerationError) {
        for (language, names) in [("C++", ["c++", "g++", "clang++"]), ("C", ["cc", "gcc", "clang"])]
        where !names.contains(where: { name in
            onPath.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
        }) {
            throw .notInstalled(
                "a compiler for \(language) is needed to build it; on Debian: apt install build-essential. Without "
                    + "--build one is installed that is built already")
        }
    }

    /// Tools, source and what is compiled take half a gigabyte; the programs that stay take a tenth of it.
    private static func needSpace(_ place: FilePath) throws(GenerationError) {
        var status = statvfs()
        guard statvfs(place.string, &status) == 0 else { return }
        let free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
        guard free < Limits.Generation.buildBytes else { return }
        throw .notInstalled(
            "it takes \(Limits.Generation.buildBytes >> 20) MiB to compile it, and \(free >> 20) MiB are free at \(place)"
        )
    }

    /// How far a compilation is, of a line that ninja prints; nil for what compilers have to say.
    static func compiled(_ line: String) -> String? {
        guard let count = line.prefixMatch(of: #/\[(\d+)\/(\d+)\] /#) else { return nil }
        return "compiling, \(count.1) of \(count.2)"
    }

    /// Fetches the source and unpacks it.
    ///
    /// - Returns: the folder of stable-diffusion.cpp.
    private static func source(
        _ place: FilePath, _ python: FilePath, _ tell: @escaping @Sendable (String) -> Void
    ) async throws(GenerationError) -> FilePath {
        tell("fetching \(sourcePackage)")
        let wanted = place.appending("source.txt")
        do {
            try Data("\(sourcePackage) --hash=sha256:\(sourceHash)\n".utf8).write(to: URL(filePath: wanted.string))
        } catch {
            throw .notInstalled("\(wanted) cannot be written: \(error)")
        }
        // pip asks the archive for its name and version, which it answers with cmake's help.
        let path = ([python.removingLastComponent().string] + onPath).joined(separator: ":")
        try await run(
            "/usr/bin/env",
            ["PATH=\(path)", python.string] + pip + [
                "download", "--no-deps", "--no-build-isolation", "--no-binary", "stable-diffusion-cpp-python",
                "--progress-bar", "off", "--require-hashes", "--dest", place.string, "--requirement", wanted.string,
            ], "the source of \(sourcePackage) could not be fetched", tell)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place.string)) ?? []
        guard let archive = names.first(where: { $0.hasSuffix(".tar.gz") }) else {
            throw .notInstalled("the source of \(sourcePackage) did not come")
        }
        try await run(
            python, ["-m", "tarfile", "-e", place.appending(archive).string, place.string],
            "\(archive) could not be unpacked", { _ in })
        let source = place.appending(String(archive.dropLast(".tar.gz".count))).appending("vendor")
            .appending("stable-diffusion.cpp")
        guard FileManager.default.fileExists(atPath: source.appending("CMakeLists.txt").string) else {
            throw .notInstalled("\(archive) has no stable-diffusion.cpp in it")
        }
        return source
    }

    /// - Returns: the folder with the programs.
    private static func compile(
        _ source: FilePath, _ place: FilePath, _ tell: @escaping @Sendable (String) -> Void
    ) async throws(GenerationError) -> FilePath {
        let (bin, made) = (place.appending("python").appending("bin"), place.appending("made"))
        let cmake = bin.appending("cmake")
        tell("configuring the build")
        try await run(
            cmake,
            [
                "-S", source.string, "-B", made.string, "-G", "Ninja", "-DCMAKE_MAKE_PROGRAM=\(bin.appending("ninja"))",
                "-DCMAKE_BUILD_TYPE=Release", "-DSD_BUILD_EXAMPLES=ON", "-DSD_BUILD_SHARED_LIBS=OFF", "-DSD_WEBP=OFF",
                "-DSD_WEBM=OFF", "-DSD_SERVER_BUILD_FRONTEND=OFF",
                // The home may lie in somebody's repository, of which this is no version.
                "-DGIT_EXE=/bin/false",
            ], "the build could not be configured", tell)
        // One compiler a core, as far as memory goes: the largest files take a good gigabyte.
        let jobs = min(ProcessInfo.processInfo.activeProcessorCount, Int(clamping: EmbeddedBackend.freeMemory() >> 30))
        tell("compiling; minutes")
        // Whoever waits for a page comes first.
        try await run(
            "/usr/bin/env",
            [
                "nice", "-n", "10", cmake.string, "--build", made.string, "--target", "sd-cli", "--target", "sd-server",
                "--parallel", "\(max(1, jobs))",
            ], "it could not be compiled",
            { line in
                if let count = compiled(line) { tell(count) }
            })
        let programs = place.appending("bin")
        do {
            try FileManager.default.createDirectory(atPath: programs.string, withIntermediateDirectories: true)
            for name in ["sd-cli", "sd-server"] {
                try FileManager.default.moveItem(
                    atPath: made.appending("bin").appending(name).string, toPath: programs.appending(name).string)
            }
        } catch {
            throw .notInstalled("the programs cannot be moved to \(programs): \(error)")
        }
        return programs
    }

    /// What was compiled, when it starts.
    private static func examined(
        _ programs: FilePath, _ python: FilePath
    ) async throws(GenerationError) -> EngineInstall {
        for name in ["sd-cli", "sd-server"] {
            try await run(programs.appending(name), ["--version"], "\(name) does not start", { _ in })
        }
        let probe = """
            import json, os, sys
            sys.stdout.write(json.dumps({"package": "\(sourcePackage)", "site": sys.argv[1], "isBuilt": True,
                "engine": "stable-diffusion.cpp (\(sourcePackage))",
                "python": os.path.realpath(sys.executable), "base": sys.base_prefix}))
            """
        return try await answer(to: probe, [programs.string], python)
    }
}
