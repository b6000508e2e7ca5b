import ArgumentParser
import Formats
import Foundation
import Operations
import SystemPackage

struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Fetch a release's files, verified, and put them into a folder.",
        discussion: """
            Goes on where it stopped. Never overwrites a file: one with equal content is left, and beside another one the
            new file gets a short hash in its name.

            --into DIR puts each file where ComfyUI or A1111 looks for models of its kind; one that is there under another
            name, in a library folder, is not written a second time. The bytes are shared with the
            node's store where the file system can (reflink), else as a hard link, which is read-only, else copied.

            EXAMPLES
              waggle get @maker/my-lora@1.0 -o loras/
              waggle get @maker/my-lora --into ~/ComfyUI --sidecars
              waggle get @maker/my-lora --into ~/ComfyUI --template "{base}/{creator}/{name} {version}.{ext}"

            Fields: {base} {type} {creator} {name} {version} {file} {stem} {ext} {hash}
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    @Argument(help: "@maker/name@version, a post id, a hash, …")
    var reference: String

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: "File to write, or folder (with a slash at the end). [default: this folder]")
    var destination: String?

    @Option(help: "Folder of ComfyUI or A1111, or its models folder.")
    var into: String?

    @Option(help: "With --into: comfyui, a1111 or flat. [default: told from the folder]")
    var layout: FolderLayout?

    @Option(help: "With --into: how to name the files below the folder for their kind. [default: {file}]")
    var template: String?

    @Flag(help: "With --into: link to the node's own file. The link ends when the node no longer has it.")
    var symlink = false

    @Flag(help: "With --into: also write .civitai.info, .metadata.json and a .preview picture.")
    var sidecars = false

    func validate() throws {
        if into != nil, destination != nil { throw ValidationError("Say either --into or --output.") }
        if into == nil, layout != nil || template != nil || symlink || sidecars {
            throw ValidationError("--layout, --template, --symlink and --sidecars go with --into DIR.")
        }
    }

    func run() async throws {
        if let into { return try await place(into) }
        let path = Paths.absolute(destination ?? ".").string
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        let isFile = destination != nil && !(exists && isFolder.boolValue) && destination?.hasSuffix("/") != true
        if !isFile { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        let reply = try await node.run(GetRelease(reference: reference, destination: path, isFile: isFile))
        if output.json { return try Terminal.json(reply) }
        tell(reply.files)
        for warning in reply.warnings { Terminal.note("Warning: \(Terminal.plain(warning))") }
    }

    private func place(_ folder: String) async throws {
        let reply = try await node.run(
            PlaceRelease(
                reference: reference, folder: Paths.absolute(folder).string, layout: layout, template: template,
                symlink: symlink, sidecars: sidecars))
        if output.json { return try Terminal.json(reply) }
        tell(reply.files)
        for path in reply.sidecars { Terminal.print(path) }
        for note in reply.notes { Terminal.note("  \(Terminal.plain(note))") }
    }

    private func tell(_ files: [GetRelease.Reply.File]) {
        for file in files {
            Terminal.print(file.path)
            if file.reused > 0 {
                Terminal.note("  \(ByteSize.text(file.reused)) were here under another header and were not fetched")
            }
            if file.method == "here already" {
                Terminal.note("  is here already: \(Terminal.plain(file.path))")
            } else if file.method == "hard-linked" {
                Terminal.note("  shares its bytes with the node's store and is read-only; copy it before changing it")
            } else if file.method == "there already" {
                Terminal.note("  was there already")
            }
        }
    }
}
