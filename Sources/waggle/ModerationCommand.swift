import ArgumentParser
import Formats
import Foundation
import Node
import Operations
import SystemPackage

struct ModerationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mod",
        abstract: "Keep a node safe: look into files, refuse what has no place here, take it down for good.",
        subcommands: [
            Scan.self, Block.self, Unblock.self, List.self, Purge.self, Report.self, Queue.self, Show.self, Assign.self,
            Hide.self, Decide.self, Undo.self, Appeal.self, Answer.self, EvidenceCommand.self,
            LevelLockCommand.self, Levels.self,
        ])

    struct Scan: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "scan", abstract: "Look into a file and say whether it can do anything but be read.",
            discussion: """
                Needs no node; where a home names other scanners (the settings scan.clamd and scan.program), they are asked, too.
                Weights are recognised by their bytes, whatever their name: safetensors, GGUF, pickles of all
                protocols, PyTorch files old and new, NumPy files, ZIP, tar and gzip; pictures are decoded in a sandbox.
                Nothing is unpickled or run.

                Prints one of
                  safe       nothing in it runs, and it is what it seems to be
                  danger     opening it with the program it is made for can run code or exhaust the machine
                  malformed  it is not what its form promises, so that two programs may see two files in it
                and what was found. Exits with 0 for safe, 1 for the others.

                EXAMPLES
                  waggle mod scan model.ckpt
                  waggle mod scan download.zip --json
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "A file.", completion: .file())
        var file: String

        func run() async throws {
            let settings = try node.settings().all
            let tools = ScanTools { key in settings.first { $0.key == key }?.value }
            let report = try await ScanFile(Paths.absolute(file), tools: tools).run()
            if output.json {
                try Terminal.json(report)
            } else {
                Terminal.print("\(report.verdict.rawValue)\t\(report.format.rawValue)")
                for finding in report.findings {
                    let place = finding.entry.isEmpty ? "" : "\(finding.entry), "
                    Terminal.print(
                        "\(finding.severity.rawValue)\t\(finding.code.rawValue)\t"
                            + Terminal.plain("\(place)byte \(finding.offset): \(finding.detail)"))
                }
                for why in report.unasked ?? [] { Terminal.note(Terminal.plain(why)) }
                if report.unlisted > 0 { Terminal.note("\(report.unlisted) more are not listed.") }
            }
            if report.verdict != .safe { throw ExitCode(1) }
        }
    }
}
