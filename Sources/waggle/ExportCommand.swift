public import ArgumentParser
import Foundation
public import Operations
import SystemPackage

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write the proof of a release to a file.",
        discussion: """
            FORMATS
              waggle   A bundle: the signed release and the author's keys, for
                       `waggle verify`, or openssl with Examples/verify/verify.sh.
              dsse     The signed release as DSSE JSON: securesystemslib, openssl.
              minisig  A signature of one file, for `minisign -V`.
              sshsig   A signature of one file, for `ssh-keygen -Y verify`
                       (namespace waggle-release@v1).

            waggle and dsse pass on what the author signed; anybody can write them.
            minisig and sshsig sign a file's bytes anew: they need the author's key and
            the file on this node, so they are for your own releases.

            EXAMPLES
              waggle export @me/my-lora@1.0 --format waggle -o my-lora.waggle
              waggle export @me/my-lora@1.0 --format minisig
              waggle export @me/my-lora@1.0 --format sshsig --key-file allowed_signers
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var report: JSONOption

    @Argument(help: "@maker/name@version, a post id, a hash, …")
    var reference: String

    @Option(help: "waggle, dsse, minisig or sshsig.")
    var format: ExportRelease.Format

    @Option(help: "Which file of the release minisig and sshsig sign. [default: the primary one]")
    var file: String?

    @Option(name: .shortAndLong, help: "File to write; - for standard output. [default: a name made from the release]")
    var output: String?

    @Option(
        name: .customLong("key-file"),
        help: """
            Also write the signer's public key, as the tool reads it: PEM for dsse, -p for minisig, allowed signers for \
            sshsig.
            """)
    var keyFile: String?

    func validate() throws {
        if format == .waggle, keyFile != nil { throw ValidationError("A bundle has the keys in it; no --key-file.") }
        if report.json, output == "-" { throw ValidationError("--json and --output - both mean standard output.") }
        if !format.signsFile, file != nil { throw ValidationError("--file is for --format minisig and sshsig.") }
    }

    func run() async throws {
        let reply = try await node.run(ExportRelease(reference: reference, format: format, file: file))
        let check = reply.check(writtenTo: output == "-" ? nil : output, keyFile: keyFile)
        if output == "-" {
            Terminal.write(reply.bytes)
        } else {
            let path = try write(reply.bytes, to: output ?? reply.fileName)
            if report.json {
                let keyPath = try keyFile.flatMap { file in try reply.key.map { try write($0.bytes, to: file) } }
                return try Terminal.json(Written(file: path, key: keyPath, check: check))
            }
            Terminal.print(path)
        }
        if let key = reply.key {
            if let keyFile {
                Terminal.note("Wrote the signer's key to \(try write(key.bytes, to: keyFile))")
            } else {
                let text = String(decoding: key.bytes, as: UTF8.self).split(separator: "\n").map { "  \($0)\n" }
                Terminal.tell("The signer's key (--key-file \(key.fileName) writes it):\n\(text.joined())")
            }
        }
        Terminal.note("To check: \(check)")
    }

    /// What `--json` prints.
    private struct Written: Encodable {
        /// Absolute.
        let file: String
        /// Absolute; of the signer's key where it was asked for.
        let key: String?
        /// The command that checks it.
        let check: String
    }

    private func write(_ bytes: Data, to file: String) throws -> String {
        let path = Paths.absolute(file).string
        do {
            try bytes.write(to: URL(filePath: path), options: .withoutOverwriting)
        } catch {
            throw OperationError(.conflict, "\(path) cannot be written: \(error.localizedDescription)")
        }
        return path
    }
}

extension ExportRelease.Format: ExpressibleByArgument {}
