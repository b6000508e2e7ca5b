public import ArgumentParser
public import Formats
import Foundation
import Operations
import SystemPackage

struct LibraryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "library", abstract: "Model folders of ComfyUI, A1111 and others, used where they lie.",
        discussion: """
            Files are read once to know them by their hash, and served to others only when a release that is known here
            lists them. They are never copied, renamed, changed or deleted, but for what you say yes to: `link` makes equal
            files share one file's bytes, and `unlink` takes that back. A running server looks for new files by itself.

            EXAMPLES
              waggle library add ~/ComfyUI --dry-run
              waggle library add ~/ComfyUI
              waggle library ls
            """,
        subcommands: [
            Add.self, List.self, Scan.self, Remove.self, Duplicates.self, LinkCommand.self, UnlinkCommand.self,
        ])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Use a folder of models where it lies.",
            discussion: """
                LAYOUTS
                  comfyui  models/checkpoints, models/loras, …; extra_model_paths.yaml is followed
                  a1111    models/Stable-diffusion, models/Lora, embeddings, …; Forge too
                  flat     files in any folders

                Unchanged files are never read twice, files that are still being written are left until they are done,
                and what was broken off goes on where it was. Without a server the command hashes by itself; Ctrl-C is
                fine, `waggle library scan` or a server goes on.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The program's folder, or any folder with models.")
        var folder: String

        @Option(help: "comfyui, a1111 or flat. [default: told from the folder]")
        var layout: FolderLayout?

        @Flag(name: .customLong("in-place"), help: "Use the files where they lie, which is what happens anyway.")
        var inPlace = false

        @Flag(name: .customLong("dry-run"), help: "Only say what would be done; nothing is changed.")
        var dryRun = false

        @Flag(help: "Wait until everything is hashed, when a server runs.")
        var wait = false

        func run() async throws {
            let reply = try await node.run(
                AddLibrary(folder: Paths.absolute(folder).string, layout: layout, dryRun: dryRun, wait: wait))
            if output.json { return try Terminal.json(reply) }
            for part in reply.parts {
                Terminal.print(
                    [
                        part.folder, part.type.isEmpty ? "-" : part.type, "\(part.files) files",
                        ByteSize.text(part.size), "\(ByteSize.text(part.toRead)) to read",
                    ].joined(separator: "\t"))
            }
            LibraryCommand.tell(reply, isPlan: dryRun)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List the folders and their state.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let libraries = try await node.run(ListLibraries())
            if output.json { return try Terminal.json(libraries) }
            if libraries.isEmpty { Terminal.note("No folders yet; `waggle library add ~/ComfyUI` adds one.") }
            for library in libraries {
                var parts = ["\(library.n)", library.folder, library.layout]
                parts.append("\(library.files) files, \(ByteSize.text(library.size))")
                parts.append("\(library.recognised) recognised, \(library.unknown) unknown")
                if library.changed > 0 { parts.append("\(library.changed) changed") }
                if library.hashing > 0 || library.bytesToHash > 0 {
                    parts.append("\(library.hashing) hashing (\(ByteSize.text(library.bytesToHash)) to read)")
                }
                if library.unreadable > 0 { parts.append("\(library.unreadable) unreadable") }
                if library.takenDown > 0 { parts.append("\(library.takenDown) taken down here") }
                Terminal.print(parts.joined(separator: "\t"))
            }
        }
    }

    struct Scan: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "scan", abstract: "Look for new, changed and deleted files.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "Folder or its number. [default: all]")
        var folder: String?

        @Flag(help: "Wait until everything is hashed, when a server runs.")
        var wait = false

        func run() async throws {
            let replies = try await node.run(
                ScanLibrary(folder: folder.map { LibraryCommand.name($0) }, wait: wait))
            if output.json { return try Terminal.json(replies) }
            for reply in replies { LibraryCommand.tell(reply, isPlan: false) }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Forget a folder. Its files stay as they are.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "Folder or its number.")
        var folder: String

        func run() async throws {
            let reply = try await node.run(RemoveLibrary(folder: LibraryCommand.name(folder)))
            if output.json { return try Terminal.json(reply) }
            Terminal.print("Forgot \(reply.folder) (\(reply.files) files, all left as they are).")
            for path in reply.kept {
                Terminal.note("  \(path) is still served: your own release or a download of yours has no other copy")
            }
        }
    }

    struct Duplicates: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dupes", abstract: "List files with equal content in more than one place.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reply = try await node.run(FindDuplicates())
            if output.json { return try Terminal.json(reply) }
            for group in reply.groups {
                Terminal.print("\(group.sha256.prefix(10))\t\(ByteSize.text(group.size)) each")
                for path in group.paths { Terminal.print("  \(Terminal.plain(path))") }
            }
            Terminal.note(
                "\(reply.groups.count) files are there more than once; \(ByteSize.text(reply.wasted)) could be freed"
                    + (reply.wasted > 0 ? " by `waggle library link`." : "."))
            if reply.waiting > 0 { Terminal.note("\(reply.waiting) files are not hashed yet; there may be more.") }
        }
    }

    /// A number as it is, a path made absolute.
    static func name(_ text: String) -> String {
        Int64(text) == nil ? Paths.absolute(text).string : text
    }

    private static func tell(_ reply: ScanReply, isPlan: Bool) {
        Terminal.print(
            "\(reply.folder): \(reply.files) models, \(ByteSize.text(reply.size)) (\(reply.layout)); "
                + "\(reply.unchanged) unchanged, \(reply.toHash) to read once (\(ByteSize.text(reply.bytesToHash)))"
                + (reply.vanished > 0 ? ", \(reply.vanished) gone" : ""))
        for note in reply.notes { Terminal.note("  \(Terminal.plain(note))") }
        if reply.unreadable > 0 { Terminal.note("  \(reply.unreadable) files could not be read") }
        if isPlan {
            // Half a gigabyte a second is what one disk and one core do together.
            Terminal.note(
                "  Nothing was changed. Reading takes about \(max(1, reply.bytesToHash / 500_000_000)) s on a fast disk."
            )
        } else if !reply.isHashed, reply.toHash > 0 {
            Terminal.note("  Hashing goes on while a server runs; `waggle library ls` tells how far it is.")
        }
    }
}

extension FolderLayout: ExpressibleByArgument {}

struct IdentifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identify", abstract: "Tell which releases files belong to.",
        discussion: """
            Says "exact" for the very file of a release, "same weights, other header" for the same tensors in another file,
            or "unknown". Only what is known here is asked; no name and no hash leaves this machine without --ask-peers.

            EXAMPLES
              waggle identify my-lora.safetensors
              waggle identify ~/ComfyUI/models/loras --json
              waggle identify 3f2a91c0de
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    @Argument(help: "A file, a folder, or any hash of a file.")
    var subject: String

    @Flag(name: .customLong("ask-peers"), help: "Ask peers who holds what is unknown; they learn its SHA-256.")
    var askPeers = false

    func run() async throws {
        let path = Paths.absolute(subject).string
        let isFile = FileManager.default.fileExists(atPath: path)
        let items = try await node.run(
            IdentifyFiles(subject: isFile ? path : subject, isHash: !isFile, askPeers: askPeers))
        if output.json { return try Terminal.json(items) }
        for item in items {
            let subject = item.path.isEmpty ? self.subject : item.path
            let what = item.releases.first.map { "\($0.reference)  (\($0.fileName))" } ?? item.note
            Terminal.print(
                [Terminal.plain(subject), item.match.rawValue, Terminal.plain(what)].filter { !$0.isEmpty }
                    .joined(separator: "\t"))
            for peer in item.peers { Terminal.print("  held by \(peer)") }
        }
        if items.count == 1, items[0].match == .unknown { throw ExitCode(3) }
    }
}
