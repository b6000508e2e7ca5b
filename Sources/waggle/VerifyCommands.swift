import ArgumentParser
import Foundation
import Operations
import SystemPackage

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a file against its signed release, and say who signed it.",
        discussion: """
            With --release it needs no node and no network: the bundle carries the signed posts and the author's keys.
            Without, the file is looked up in what this node knows. A bundle alone is checked without files; a release
            (@maker/name@version, a post id) with those of its files that are on this node.

            It tells which key signed, since when the author lists it, and whether it was retired, lost or revoked since.
            Exits with 6 when the file is not what was signed (naming the bad bytes), or when the proof does not hold.

            EXAMPLES
              waggle export @me/my-lora@1.0 --format waggle -o my-lora.waggle
              waggle verify my-lora.safetensors --release my-lora.waggle
              waggle verify my-lora.waggle
              waggle verify @maker/my-lora@1.0
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    @Argument(help: "A file, a bundle, or the name of a release.", completion: .file())
    var subject: String

    @Option(name: .customLong("release"), help: "A release bundle.", completion: .file())
    var bundle: String?

    func run() async throws {
        let reply = try await check()
        if output.json { return try Terminal.json(reply) }
        tell(reply)
    }

    private func check() async throws -> VerifyReply {
        let path = Paths.absolute(subject)
        if let bundle { return try await offline(path, bundle: Paths.absolute(bundle)) }
        if ReleaseBundle.begins(path) { return try await offline(nil, bundle: path) }
        if !FileManager.default.fileExists(atPath: path.string), namesRelease {
            return try await node.run(VerifyRelease(reference: subject))
        }
        return try await node.run(VerifyKnown(path: path.string))
    }

    private func offline(_ file: FilePath?, bundle: FilePath) async throws -> VerifyReply {
        let bytes = try ReleaseBundle.read(bundle)
        let line = ProgressLine()
        defer { line.finish() }
        return try await VerifyOffline(file: file, bundle: bytes).run { line.show($0) }
    }

    /// Whether the subject has the form of a reference. Anything else is a path, also one at which nothing is.
    private var namesRelease: Bool {
        subject.hasPrefix("@") || subject.lowercased().hasPrefix("urn:air:") || subject.contains("://")
            || subject.utf8.count == 64 && subject.allSatisfy(\.isHexDigit)
    }

    private func tell(_ reply: VerifyReply) {
        // Names were chosen by strangers.
        let name = Terminal.plain("\(reply.model) \(reply.version)")
        let good = reply.files.filter { $0.state == .good }
        if reply.files.count == 1, let file = good.first {
            Terminal.print("Good: \(Terminal.plain(file.name)) is the signed file of \(name)")
            Terminal.print("  sha256   \(file.sha256)")
        } else {
            Terminal.print("Good: the proof of \(name) holds; \(good.count) of \(reply.files.count) files were checked")
            for file in reply.files {
                Terminal.print("  file     \(Terminal.plain(file.name))  [\(file.state.rawValue)]")
                Terminal.print("           \(file.sha256)")
            }
        }
        let author = reply.authorName.map { "\(Terminal.plain($0))  " } ?? ""
        let signer = reply.signer
        let device = "\(signer.key.prefix(16))… \"\(Terminal.plain(signer.label))\""
        Terminal.print(
            """
              release  \(reply.release)
              signed   \(Terminal.date(reply.signed)), as the signer says
              author   \(author)\(reply.author)
              key      \(device), listed since \(Terminal.date(signer.since))
              state    \(signer.state.rawValue): \(signer.meaning)
            """)
        var notes = signer.rotations.map {
            "the author's root keys were replaced on \(Terminal.date($0)), as announced"
        }
        if signer.isDisputed { notes.append("the author's keys are disputed: two rotations exist; ask which is real") }
        for note in notes + reply.remarks { Terminal.print("  note     \(Terminal.plain(note))") }
        Terminal.print(
            "  as of    version \(signer.keysVersion) of the author's keys, \(Terminal.date(signer.keysDated))")
    }
}
