import FoundationEssentials
import Sandbox
public import SystemPackage
import WaggleProtocol

/// The engine of a home: a Python environment of its own in `engine/`, with the wheel that has stable-diffusion.cpp in it, or
/// programs that were compiled there (`build`).
public struct EngineInstall: Codable, Hashable, Sendable {
    /// The package and version that is installed, from the Python package index.
    public static let package = "cyllama==0.2.18"

    public var package: String
    /// What pictures say that they were made with.
    public var engine: String
    /// The interpreter, without links, and the folder with its library.
    public var python: String
    public var base: String
    /// Where the package, or the compiled programs, lie.
    public var site: String
    /// Whether it was compiled here, and draws with `sd-cli`; nil is no.
    public var isBuilt: Bool?

    /// The engine that is installed in a home's folder; nil when none is.
    public init?(folder: FilePath) {
        guard let data = try? Data(contentsOf: URL(filePath: folder.appending("engine.json").string)),
            let found = try? JSONDecoder().decode(EngineInstall.self, from: data)
        else { return nil }
        self = found
    }

    /// Installs it, or installs it anew.
    ///
    /// - Parameters:
    ///   - folder: the home's `engine/`.
    ///   - python: an interpreter to use; nil looks for one, the system's own first.
    ///   - tell: what is being done, line by line.
    /// - Throws: `noEngine` with what is missing.
    public static func install(
        in folder: FilePath, python: String?, tell: @escaping @Sendable (String) -> Void
    ) async throws(GenerationError) -> EngineInstall {
        let inside = try await environment(in: folder, python: python, tell)
        tell("installing \(package)")
        try await run(
            inside, pip + ["install", "--progress-bar", "off", "--only-binary", ":all:", "--no-deps", package],
            "\(package) could not be installed", tell)
        let probe = """
            import json, os, sys, cyllama
            folder = os.path.dirname(cyllama.__file__)
            build = json.load(open(os.path.join(folder, "build_config.json")))["versions"]
            sys.stdout.write(json.dumps({"package": "\(package)", "site": os.path.dirname(folder),
                "engine": "stable-diffusion.cpp " + build["stable_diffusion_cpp_version"],
                "python": os.path.realpath(sys.executable), "base": sys.base_prefix}))
            """
        return try await keep(probe, in: folder, inside)
    }

    /// How pip is run: it asks nobody, and does not look for a newer pip.
    static let pip = ["-m", "pip", "--disable-pip-version-check", "--no-input"]

    /// Makes the Python environment, in place of the engine that was there.
    ///
    /// - Returns: its interpreter.
    static func environment(
        in folder: FilePath, python: String?, _ tell: @escaping @Sendable (String) -> Void
    ) async throws(GenerationError) -> FilePath {
        let interpreter = try await find(python)
        let environment = folder.appending("python")
        do {
            try FileManager.default.createDirectory(
                atPath: folder.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try? FileManager.default.removeItem(atPath: folder.appending("engine.json").string)
            try? FileManager.default.removeItem(atPath: environment.string)
        } catch {
            throw .noEngine("\(folder) cannot be made: \(error)")
        }
        tell("making a Python environment with \(interpreter.path)")
        try await run(
            FilePath(interpreter.path), ["-m", "venv", environment.string],
            "a Python environment could not be made (Debian has it in python3-venv)", tell)
        return environment.appending("bin").appending("python")
    }

    /// Asks an engine what it is, and remembers it: from here on the home has one.
    ///
    /// - Parameter probe: a Python program that prints an `EngineInstall`.
    static func keep(
        _ probe: String, in folder: FilePath, _ python: FilePath
    ) async throws(GenerationError) -> EngineInstall {
        let text = try await run(python, ["-s", "-c", probe], "the engine does not start", { _ in })
        let json = text.split(separator: "\n").last { $0.hasPrefix("{") } ?? ""
        guard let found = try? JSONDecoder().decode(EngineInstall.self, from: Data(json.utf8)) else {
            throw .noEngine("the engine does not say what it is: \(text.suffix(200))")
        }
        do {
            try JSONEncoder().encode(found).write(
                to: URL(filePath: folder.appending("engine.json").string), options: .atomic)
        } catch {
            throw .noEngine("\(folder) cannot be written: \(error)")
        }
        return found
    }

    /// Folders of programs.
    static var onPath: [String] {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    }

    /// The first interpreter that is new enough.
    private static func find(_ asked: String?) async throws(GenerationError) -> (path: String, version: String) {
        var seen: [String] = []
        for path in asked.map({ [$0] }) ?? ["/usr/bin/python3"] + onPath.map({ "\($0)/python3" }) {
            guard path.hasPrefix("/"), FileManager.default.isExecutableFile(atPath: path) else { continue }
            let probe = "import sys, venv, ensurepip; sys.stdout.write('python %d %d' % sys.version_info[:2])"
            guard let outcome = try? await Sandbox.runOpenly(FilePath(path), ["-c", probe], line: { _ in }) else {
                continue
            }
            let words = outcome.output.split(whereSeparator: \.isWhitespace)
            if outcome.exitCode == 0, words.count == 3, let major = Int(words[1]), let minor = Int(words[2]),
                (major, minor) >= (3, 10)
            {
                return (path, "\(major).\(minor)")
            }
            seen.append(path)
        }
        throw .noEngine(
            "Python 3.10 or later with venv is needed"
                + (seen.isEmpty ? "" : " (looked at \(seen.joined(separator: ", ")))")
                + "; on Debian: apt install python3-venv")
    }

    @discardableResult
    static func run(
        _ path: FilePath, _ arguments: [String], _ what: String, _ tell: @escaping @Sendable (String) -> Void
    ) async throws(GenerationError) -> String {
        let outcome: Sandbox.Outcome
        do {
            outcome = try await Sandbox.runOpenly(path, arguments, line: tell)
        } catch {
            throw .noEngine("\(what): \(error)")
        }
        guard outcome.exitCode == 0 else {
            let lines = outcome.output.split(separator: "\n").suffix(4).joined(separator: " / ")
            throw .noEngine("\(what): \(lines)")
        }
        return outcome.output
    }
}
