public import ArgumentParser
import Foundation
public import Operations
import SystemPackage

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a file against its signed release.",
        discussion: """
            With --release it needs no node and no network: the bundle carries the signed posts and the author's keys.
            Exits with 6 and names the bad bytes when the file is not what was signed.

            EXAMPLES
              waggle export @me/my-lora@1.0 --format waggle -o my-lora.waggle
              waggle verify my-lora.safetensors --release my-lora.waggle
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    @Argument(help: "The file.", completion: .file())
    var file: String

    @Option(name: .customLong("release"), help: "A release bundle.", completion: .file())
    var bundle: String?

    func run() async throws {
        let reply: VerifyReply
        if let bundle {
            let url = URL(filePath: Paths.absolute(bundle).string)
            guard let bytes = try? Data(contentsOf: url) else {
                throw OperationError(.notFound, "\(bundle) cannot be read")
            }
            let line = ProgressLine()
            defer { line.finish() }
            reply = try await VerifyOffline(file: Paths.absolute(file), bundle: bytes).run { line.show($0) }
        } else {
            reply = try await node.run(VerifyKnown(path: Paths.absolute(file).string))
        }
        if output.json { return try Terminal.json(reply) }
        Terminal.print(
            """
            Good: \(reply.file) is the signed file of \(reply.model) \(reply.version)
              sha256   \(reply.sha256)
              release  \(reply.release)
              author   \(reply.author)
              key      \(reply.key)
              signed   \(Terminal.date(reply.signed))
            """)
        for remark in reply.remarks { Terminal.print("  note     \(remark)") }
    }
}

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write the proof of a release to a file.")

    @OptionGroup var node: NodeOptions

    @Argument(help: "@maker/name@version, a post id, a hash, …")
    var reference: String

    @Option(help: "waggle (a bundle for `waggle verify`) or dsse (DSSE JSON).")
    var format: ExportRelease.Format

    @Option(name: .shortAndLong, help: "File to write; - for standard output. [default: a name made from the release]")
    var output: String?

    func run() async throws {
        let reply = try await node.run(ExportRelease(reference: reference, format: format))
        if output == "-" { return Terminal.write(reply.bytes) }
        let path = Paths.absolute(output ?? reply.fileName).string
        do {
            try Data(reply.bytes).write(to: URL(filePath: path), options: .withoutOverwriting)
        } catch {
            throw OperationError(.conflict, "\(path) cannot be written: \(error.localizedDescription)")
        }
        Terminal.print(path)
    }
}

extension ExportRelease.Format: ExpressibleByArgument {}
