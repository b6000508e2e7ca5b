import ArgumentParser
import Foundation
import Operations
import SystemPackage

extension LibraryCommand {
    struct LinkCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "link", abstract: "Have equal files share one file's bytes.",
            discussion: """
                Looks at files of the library folders with equal content on one disk. Where the file system can share blocks
                (Btrfs, XFS) the files stay what they are and only their blocks become one. Elsewhere they become names of one
                file (hard links): a program that writes into one of them, instead of replacing it, changes all of them, and
                the time of change that is shown is that of the file that is kept. `waggle library unlink` takes it back.

                Files that are open for writing, that changed since they were hashed, or that have another owner or other
                permissions than their like are left alone. Each name leads to a whole file at any instant.

                EXAMPLES
                  waggle library link --dry-run
                  waggle library link ~/ComfyUI --yes
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "Change only files of this folder (or its number). [default: all]")
        var folder: String?

        @Flag(name: .customLong("dry-run"), help: "Only say what would be done; nothing is changed.")
        var dryRun = false

        @Flag(help: "Link without asking.")
        var yes = false

        func run() async throws {
            let folder = folder.map { LibraryCommand.name($0) }
            let plan = try await node.run(LinkFiles(folder: folder, dryRun: true))
            if dryRun && output.json { return try Terminal.json(plan) }
            if dryRun || !yes {
                LinkWords.show(plan)
                Terminal.note("  \(plan.files.count) files can be linked; \(ByteSize.text(plan.bytes)) would be freed.")
            }
            if dryRun || plan.files.isEmpty && !output.json { return }
            if !plan.files.isEmpty { try LinkWords.ask("Link these files?", yes: yes, "linked") }
            let reply = try await node.run(LinkFiles(folder: folder, dryRun: false))
            if output.json { return try Terminal.json(reply) }
            Terminal.print("Linked \(reply.files.count) files; \(ByteSize.text(reply.bytes)) freed.")
            LinkWords.tellRest(reply)
        }
    }

    struct UnlinkCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unlink", abstract: "Give files that are names of one file their own bytes again.",
            discussion: """
                EXAMPLES
                  waggle library unlink ~/ComfyUI/models/loras/my-lora.safetensors
                  waggle library unlink ~/ComfyUI --dry-run
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "A file of a library folder, or a folder with such files.", completion: .file())
        var path: String

        @Flag(name: .customLong("dry-run"), help: "Only say what would be done; nothing is changed.")
        var dryRun = false

        @Flag(help: "Unlink without asking.")
        var yes = false

        func run() async throws {
            let path = Paths.absolute(path).string
            let plan = try await node.run(UnlinkFiles(path: path, dryRun: true))
            if dryRun && output.json { return try Terminal.json(plan) }
            if dryRun || !yes {
                LinkWords.show(plan)
                Terminal.note("  \(plan.files.count) files share theirs; \(ByteSize.text(plan.bytes)) would be taken.")
            }
            if dryRun || plan.files.isEmpty && !output.json { return }
            if !plan.files.isEmpty { try LinkWords.ask("Give them their own bytes?", yes: yes, "changed") }
            let reply = try await node.run(UnlinkFiles(path: path, dryRun: false))
            if output.json { return try Terminal.json(reply) }
            Terminal.print("\(reply.files.count) files have their own bytes; \(ByteSize.text(reply.bytes)) taken.")
            LinkWords.tellRest(reply)
        }
    }
}

/// What `link` and `unlink` say.
private enum LinkWords {
    static func show(_ plan: LinkReply) {
        for file in plan.files {
            let kept = file.kept.isEmpty ? "" : "  as  \(Terminal.plain(file.kept))"
            Terminal.note("  \(Terminal.plain(file.path))\(kept)")
        }
        tellRest(plan)
    }

    static func tellRest(_ reply: LinkReply) {
        for words in reply.refused { Terminal.note("  \(Terminal.plain(words))") }
        for path in reply.remains {
            Terminal.note("  \(Terminal.plain(path)) was left when this was cut off and holds other bytes; look at it")
        }
        if reply.waiting > 0 { Terminal.note("  \(reply.waiting) files are not hashed yet; there may be more.") }
    }

    static func ask(_ question: String, yes: Bool, _ done: String) throws {
        if yes { return }
        guard Terminal.isInteractive else {
            throw OperationError(.usage, "nobody is here to say yes; look at the files above and add --yes")
        }
        guard Terminal.confirm(question) else { throw OperationError(.failed, "nothing was \(done)") }
    }
}
