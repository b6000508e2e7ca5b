import ArgumentParser
import Foundation
import Generation
import Logging
import Node
import Operations

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve this node: pages, APIs, peers.",
        discussion: "Sets the home up when there is none. Stops on Ctrl-C or SIGTERM and ends what is under way first.")

    @OptionGroup var node: NodeOptions

    @Option(help: "ADDRESS:PORT to listen on; port 0 takes a free one. [default: 127.0.0.1:7700]")
    var listen: String?

    @Option(name: .customLong("public-url"), help: "Where others reach this node, for example https://models.example.")
    var publicURL: String?

    func run() async throws {
        var flags: [String: String] = [:]
        flags["listen"] = listen
        flags["public_url"] = publicURL
        let settings = try node.settings(flags: flags)
        let made = try InitCommand.initialize(node)
        if made.isNew { InitCommand.tell(made) }
        let canDraw =
            !settings.drawsItself || EngineInstall(folder: node.resolvedHome.engine) != nil
        let level = Logger.Level(rawValue: settings.logLevel) ?? .notice
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return RecentLogHandler(.shared, beside: handler, now: { UInt64(Date().timeIntervalSince1970) })
        }
        let node = try await Node.open(
            home: node.resolvedHome, settings: settings, passphrase: node.passphrase,
            logger: Logger(label: "waggle"))
        node.keepFirstWords(made.words)
        let result: Result<Void, any Error>
        do {
            try await node.serve { ready in
                Terminal.print("Waggle \(Node.version) serves \(ready.localURL)")
                if ready.publicURL != ready.localURL { Terminal.print("Others reach it at \(ready.publicURL)") }
                if let token = ready.setupToken {
                    Terminal.print(
                        """
                        Set-up token, shown this once: \(token)
                          Open this link, once, and set the node up: \(ready.localURL)/setup?token=\(token)
                        """)
                }
                if let later = ready.laterAddress {
                    Terminal.print(
                        "Others reach it at \(later) once it is set up: by that link, or `waggle account setup --done`")
                }
                Terminal.print(
                    """
                    Next:  waggle publish FILE --model @me/NAME --version 1.0     (in another terminal)
                           waggle peer add URL
                    """)
                if !canDraw {
                    Terminal.print(
                        "       waggle gen setup --demo      (to draw pictures: an engine and a small model)")
                }
                Terminal.print("Stop:  Ctrl-C")
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await node.close()
        try result.get()
    }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    func run() throws {
        if output.json { return try Terminal.json(["version": Node.version]) }
        Terminal.print("waggle \(Node.version)")
    }
}
