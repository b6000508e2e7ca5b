import FoundationEssentials
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
    ///   - jobs: compilers at once.
    ///   - tell: what is being done, line by line.
    /// - Throws: `noEngine` with what is missing, or what went wrong.
    public static func build(
        in folder: FilePath, python: String?, jobs: Int, tell: @escaping @Sendable (String) -> Void
    ) async throws(GenerationError) -> EngineInstall {
        try needCompilers()
        let work = folder.appending("build")
        let inside = try await environment(in: folder, python: python, tell)
        defer { try? FileManager.default.removeItem(atPath: work.string) }
        do {
            try? FileManager.default.removeItem(atPath: work.string)
            try FileManager.default.createDirectory(atPath: work.string, withIntermediateDirectories: true)
            try Data("\(sourcePackage) --hash=sha256:\(sourceHash)\n".utf8).write(
                to: URL(filePath: work.appending("source.txt").string))
        } catch {
            throw .noEngine("\(work) cannot be made: \(error)")
        }
        tell("installing cmake and ninja")
        try await run(
            inside, pip + ["install", "--progress-bar", "off", "--only-binary", ":all:"] + buildTools,
            "cmake and ninja could not be installed", tell)
        let source = try await source(work, inside, tell)
        try await compile(source, work, folder, jobs: jobs, tell)
        return try await finish(folder, inside)
    }

    /// A compiler for C++ and one for C, as cmake looks for them.
    private static func needCompilers() throws(GenerationError) {
        for (language, names) in [("C++", ["c++", "g++", "clang++"]), ("C", ["cc", "gcc", "clang"])]
        where !names.contains(where: { name in
            onPath.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
        }) {
            throw .noEngine(
                "a compiler for \(language) is needed to build it; on Debian: apt install build-essential. Without "
                    + "--build a built engine is installed")
        }
    }

    /// Fetches the source and unpacks it.
    ///
    /// - Returns: the folder of stable-diffusion.cpp.
    private static func source(
        _ work: FilePath, _ python: FilePath, _ tell: @escaping @Sendable (String) -> Void
    ) async throws(GenerationError) -> FilePath {
        tell("fetching \(sourcePackage)")
        let bin = python.removingLastComponent()
        // pip asks the archive for its name and version, which it answers with cmake's help.
        try await run(
            "/usr/bin/env",
            ["PATH=\(bin):/usr/bin:/bin", python.string] + pip + [
                "download", "--no-deps", "--no-build-isolation", "--no-binary", "stable-diffusion-cpp-python",
                "--progress-bar", "off", "--require-hashes", "--dest", work.string, "--requirement",
                work.appending("source.txt").string,
            ], "the source of \(sourcePackage) could not be fetched", tell)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: work.string)) ?? []
        guard let archive = names.first(where: { $0.hasSuffix(".tar.gz") }) else {
            throw .noEngine("the source of \(sourcePackage) did not come")
        }
        try await run(
            python, ["-m", "tarfile", "-e", work.appending(archive).string, work.string],
            "\(archive) could not be unpacked", { _ in })
        let source = work.appending(String(archive.dropLast(".tar.gz".count))).appending("vendor")
            .appending("stable-diffusion.cpp")
        guard FileManager.default.fileExists(atPath: source.appending("CMakeLists.txt").string) else {
            throw .noEngine("\(archive) has no stable-diffusion.cpp in it")
        }
        return source
    }

    private static func compile(
        _ source: FilePath, _ work: FilePath, _ folder: FilePath, jobs: Int,
        _ tell: @escaping @Sendable (String) -> Void
    ) async throws(GenerationError) {
        let bin = folder.appending("python").appending("bin")
        let (cmake, made) = (bin.appending("cmake"), work.appending("made"))
        tell("configuring the build")
        try await run(
            cmake,
            [
                "-S", source.string, "-B", made.string, "-G", "Ninja", "-DCMAKE_MAKE_PROGRAM=\(bin.appending("ninja"))",
                "-DCMAKE_BUILD_TYPE=Release", "-DSD_BUILD_EXAMPLES=ON", "-DSD_BUILD_SHARED_LIBS=OFF", "-DSD_WEBP=OFF",
                "-DSD_WEBM=OFF", "-DSD_SERVER_BUILD_FRONTEND=OFF",
            ], "the build could not be configured", tell)
        tell("compiling; minutes")
        try await run(
            cmake,
            ["--build", made.string, "--target", "sd-cli", "--target", "sd-server", "--parallel", "\(max(1, jobs))"],
            "it could not be compiled", tell)
        let programs = folder.appending("bin")
        do {
            try? FileManager.default.removeItem(atPath: programs.string)
            try FileManager.default.createDirectory(atPath: programs.string, withIntermediateDirectories: true)
            for name in ["sd-cli", "sd-server"] {
                try FileManager.default.moveItem(
                    atPath: made.appending("bin").appending(name).string, toPath: programs.appending(name).string)
            }
        } catch {
            throw .noEngine("the programs cannot be moved to \(programs): \(error)")
        }
    }

    private static func finish(_ folder: FilePath, _ python: FilePath) async throws(GenerationError) -> EngineInstall {
        let programs = folder.appending("bin")
        try await run(programs.appending("sd-cli"), ["--version"], "the engine does not start", { _ in })
        let probe = """
            import json, os, sys
            sys.stdout.write(json.dumps({"package": "\(sourcePackage)", "site": "\(programs)", "isBuilt": True,
                "engine": "stable-diffusion.cpp (\(sourcePackage))",
                "python": os.path.realpath(sys.executable), "base": sys.base_prefix}))
            """
        return try await keep(probe, in: folder, python)
    }
}
