import FoundationEssentials
import Sandbox
import Synchronization
public import SystemPackage
import WaggleProtocol

/// The engine of a home, somewhere in `engine/`: a Python environment of its own with the wheel that has stable-diffusion.cpp
/// in it, or programs that were compiled there (`build`).
///
/// `engine.json` names the one in use. Another is set up in a folder of its own beside it and is in use from the moment in which
/// `engine.json` names it, so a node that ends on the way there has the engine that it had.
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

    /// Package and place, in words.
    public var place: String { isBuilt == true ? "\(package) compiled in \(site)" : "\(package) with \(python)" }

    /// What it draws with and is not there; nil when all of it is. A home may have been moved, and a system's interpreter goes
    /// when the system is upgraded.
    var missing: String? {
        let program = isBuilt == true ? "\(site)/sd-cli" : site
        return [python, program].first { !FileManager.default.fileExists(atPath: $0) }
    }

    /// Installs it, or installs it anew.
    ///
    /// - Parameters:
    ///   - folder: the home's `engine/`.
    ///   - python: an interpreter to use; nil looks for one, the system's own first.
    ///   - tell: what is being done, line by line.
    /// - Throws: `notInstalled` with what is missing.
    public static func install(
        in folder: FilePath, python: String?, tell: @escaping @Sendable (String) -> Void
    ) async throws(GenerationError) -> EngineInstall {
        try await replacing(folder) { place throws(GenerationError) in
            let inside = try await environment(in: place, python: python, tell)
            tell("installing \(package)")
            try await run(
                inside, pip + ["install", "--progress-bar", "off", "--only-binary", ":all:", "--no-deps", package],
                "\(package) could not be installed (with --build the engine is compiled here)", tell)
            let probe = """
                import json, os, sys, cyllama
                folder = os.path.dirname(cyllama.__file__)
                build = json.load(open(os.path.join(folder, "build_config.json")))["versions"]
                sys.stdout.write(json.dumps({"package": "\(package)", "site": os.path.dirname(folder),
                    "engine": "stable-diffusion.cpp " + build["stable_diffusion_cpp_version"],
                    "python": os.path.realpath(sys.executable), "base": sys.base_prefix}))
                """
            return try await answer(to: probe, [], inside)
        }
    }

    /// Has an engine set up in a new folder of `engine/` and takes it into use. What it replaces goes, and so does what an
    /// earlier set-up left that came to no end.
    ///
    /// - Parameter make: sets it up in the folder that it is given, and says what it is.
    static func replacing(
        _ folder: FilePath, _ make: (FilePath) async throws(GenerationError) -> EngineInstall
    ) async throws(GenerationError) -> EngineInstall {
        guard underWay.withLock({ $0.insert(folder).inserted }) else {
            throw .notInstalled("another set-up is under way in this home")
        }
        defer { underWay.withLock { _ = $0.remove(folder) } }
        clear(folder, but: EngineInstall(folder: folder))
        // No name twice: what a set-up that was killed had started may still write for a while.
        let place = folder.appending(prefix + String(UInt64.random(in: .min ... .max), radix: 36))
        do {
            try FileManager.default.createDirectory(
                atPath: place.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .notInstalled("\(place) cannot be made: \(error)")
        }
        let found: EngineInstall
        do throws(GenerationError) {
            found = try await make(place)
        } catch {
            clear(folder, but: EngineInstall(folder: folder))
            throw error
        }
        do {
            try JSONEncoder().encode(found).write(
                to: URL(filePath: folder.appending("engine.json").string), options: .atomic)
        } catch {
            throw .notInstalled("\(folder) cannot be written: \(error)")
        }
        clear(folder, but: found)
        return found
    }

    /// How the folders begin in which engines are set up.
    private static let prefix = "setup-"

    /// Homes whose engine is being set up.
    private static let underWay = Mutex<Set<FilePath>>([])

    private static func clear(_ folder: FilePath, but used: EngineInstall?) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []
        where name.hasPrefix(prefix) {
            if let used, FilePath(used.site).components.contains(where: { $0.string == name }) { continue }
            try? FileManager.default.removeItem(atPath: folder.appending(name).string)
        }
    }

    /// How pip is run: it asks nobody, and does not look for a newer pip.
    static let pip = ["-m", "pip", "--disable-pip-version-check", "--no-input"]

    /// Makes the Python environment.
    ///
    /// - Returns: its interpreter.
    static func environment(
        in folder: FilePath, python: String?, _ tell: @escaping @Sendable (String) -> Void
    ) async throws(GenerationError) -> FilePath {
        let interpreter = try await find(python)
        let environment = folder.appending("python")
        tell("making a Python environment with \(interpreter.path)")
        try await run(
            FilePath(interpreter.path), ["-m", "venv", environment.string],
            "a Python environment could not be made (Debian has it in python3-venv)", tell)
        return environment.appending("bin").appending("python")
    }

    /// Asks an engine what it is.
    ///
    /// - Parameters:
    ///   - probe: a Python program that prints an `EngineInstall`.
    ///   - arguments: what it is given.
    static func answer(
        to probe: String, _ arguments: [String], _ python: FilePath
    ) async throws(GenerationError) -> EngineInstall {
        let text = try await run(python, ["-s", "-c", probe] + arguments, "the engine does not start", { _ in })
        let json = text.split(separator: "\n").last { $0.hasPrefix("{") } ?? ""
        guard let found = try? JSONDecoder().decode(EngineInstall.self, from: Data(json.utf8)) else {
            throw .notInstalled("the engine does not say what it is: \(text.suffix(200))")
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
        throw .notInstalled(
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
            throw .notInstalled("\(what): \(error)")
        }
        guard outcome.exitCode == 0 else {
            let lines = outcome.output.split(separator: "\n").suffix(4).joined(separator: " / ")
            throw .notInstalled("\(what): \(lines)")
        }
        return outcome.output
    }
}
