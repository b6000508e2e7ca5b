import ArgumentParser
import Foundation
import Logging
import Node
import Operations
import SystemPackage

/// `--home`, which every command takes.
struct NodeOptions: ParsableArguments {
    @Option(name: .long, help: "The node's home directory. [default: $WAGGLE_HOME, else ~/.local/share/waggle]")
    var home: String?

    /// flag > `WAGGLE_HOME` > `$XDG_DATA_HOME/waggle` > `~/.local/share/waggle`.
    var resolvedHome: Home {
        let environment = ProcessInfo.processInfo.environment
        func nonEmpty(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let path =
            home ?? nonEmpty("WAGGLE_HOME") ?? nonEmpty("XDG_DATA_HOME").map { $0 + "/waggle" }
            ?? (nonEmpty("HOME") ?? "/root") + "/.local/share/waggle"
        return Home(root: Paths.absolute(path))
    }

    var passphrase: String? { ProcessInfo.processInfo.environment["WAGGLE_PASSPHRASE"] }

    func settings(flags: [String: String] = [:]) throws -> Settings {
        try Settings(home: resolvedHome, flags: flags, environment: ProcessInfo.processInfo.environment)
    }

    /// Carries an operation out, with progress on standard error.
    func run<O: Operations.Operation>(_ operation: O) async throws -> O.Reply {
        let line = ProgressLine()
        defer { line.finish() }
        var logger = Logger(label: "waggle") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        return try await Node.run(
            operation, home: resolvedHome, settings: settings(), passphrase: passphrase, logger: logger,
            progress: { line.show($0) })
    }
}

/// `--json`, on commands that read.
struct JSONOption: ParsableArguments {
    @Flag(name: .long, help: "Print JSON.")
    var json = false
}

enum Paths {
    /// A path as typed, made absolute from the working directory; a server has another one.
    static func absolute(_ text: String) -> FilePath {
        let expanded = NSString(string: text).expandingTildeInPath
        let path = FilePath(expanded)
        guard path.isRelative else { return path.lexicallyNormalized() }
        return FilePath(FileManager.default.currentDirectoryPath).pushing(path).lexicallyNormalized()
    }
}
