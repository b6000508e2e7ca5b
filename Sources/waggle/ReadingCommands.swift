import ArgumentParser
import Foundation
import Node
import Operations
import SystemPackage

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Show how this node is.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    func run() async throws {
        let status = try await node.run(Status())
        if output.json { return try Terminal.json(status) }
        let behind = status.logLines - min(status.logLines, status.appliedLines)
        Terminal.print(
            """
            \(status.url.map { "serving \($0)" } ?? "not serving; start it with `waggle serve`")
              home    \(status.home)
              node    \(status.node)
              posts   \(status.posts)\(behind > 0 ? " (catalog is \(behind) behind)" : "")
              models  \(status.models), releases \(status.releases), images \(status.images)
              blobs   \(status.blobs) (\(ByteSize.text(status.blobBytes))), adopted files \(status.adoptedFiles) \
            (\(ByteSize.text(status.adoptedBytes)))
              peers   \(status.peers), \(status.peersWell) well
            """)
    }
}

struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a release.",
        discussion: """
            A release is named by @maker/name@version, a post id, a hash of a file, an AIR name or a page's address.
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    @Argument(help: "What to show.")
    var reference: String

    func run() async throws {
        let release = try await node.run(ShowRelease(reference: reference))
        if output.json { return try Terminal.json(release) }
        Terminal.print("\(release.name)  \(release.version)  (\(release.type), \(release.baseModel), \(release.level))")
        Terminal.print("  by       \(release.authorName) \(release.author)")
        Terminal.print("  signed   \(Terminal.date(release.created))")
        Terminal.print("  release  \(release.release)")
        if !release.triggerWords.isEmpty {
            Terminal.print("  trigger  \(release.triggerWords.joined(separator: ", "))")
        }
        if !release.tags.isEmpty { Terminal.print("  tags     \(release.tags.joined(separator: ", "))") }
        for file in release.files {
            let here = file.here == "whole" ? "here" : file.here == "partial" ? "partly here" : "not here"
            let kind = "\(file.format) \(file.precision)"
            Terminal.print("  file     \(file.name)  \(ByteSize.text(file.size))  \(kind)  [\(here)]")
            Terminal.print("           sha256 \(file.sha256)")
            if !file.autov3.isEmpty {
                let autoV3 = file.autov3.prefix(12)
                Terminal.print("           AutoV2 \(file.autov2)  AutoV3 \(autoV3)  CRC32 \(file.crc32)")
            }
        }
        for relative in release.lineage {
            let name = relative.name.isEmpty ? "\(relative.post) (not known here)" : relative.name
            Terminal.print("  \(relative.isAncestor ? "from    " : "used in ") \(name)  [\(relative.role)]")
        }
        let verified = release.pictures.count { $0.isVerified }
        if !release.pictures.isEmpty {
            Terminal.print("  pictures \(release.pictures.count), \(verified) with every file of the recipe verified")
        }
        if release.reviews > 0 {
            Terminal.print("  reviews  \(release.recommended) of \(release.reviews) recommend it")
        }
        if release.versions.count > 1 { Terminal.print("  versions \(release.versions.joined(separator: ", "))") }
    }
}

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List models, newest first.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    @Option(help: "At most so many. [default: 50]")
    var limit = 50

    @Option(help: "Where the last page ended.")
    var cursor: String?

    func validate() throws {
        guard (1...100).contains(limit) else { throw ValidationError("--limit is 1 to 100.") }
    }

    func run() async throws {
        let page = try await node.run(ListModels(limit: limit, cursor: cursor))
        if output.json { return try Terminal.json(page) }
        if page.models.isEmpty {
            Terminal.note("No models yet. `waggle publish FILE --model @me/NAME --version 1.0` publishes one;")
            Terminal.note("`waggle peer add URL` follows a node that has some.")
        }
        for model in page.models {
            let here = model.isHere ? "here" : "-"
            Terminal.print(
                [
                    model.reference, model.name, model.type, model.baseModel, ByteSize.text(model.size), here,
                ].joined(separator: "\t"))
        }
        if let next = page.next { Terminal.note("More: waggle ls --cursor \(next)") }
    }
}

struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Fetch a release's files, verified, and put them into a folder.",
        discussion: "Goes on where it stopped. Never overwrites a file.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    @Argument(help: "@maker/name@version, a post id, a hash, …")
    var reference: String

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: "File to write, or folder (with a slash at the end). [default: this folder]")
    var destination: String?

    func run() async throws {
        let path = Paths.absolute(destination ?? ".").string
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        let isFile = destination != nil && !(exists && isFolder.boolValue) && destination?.hasSuffix("/") != true
        if !isFile { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        let reply = try await node.run(GetRelease(reference: reference, destination: path, isFile: isFile))
        if output.json { return try Terminal.json(reply) }
        for file in reply.files {
            Terminal.print(file.path)
            if file.method == "hard-linked" {
                Terminal.note("  shares its bytes with the node's store and is read-only; copy it before changing it")
            }
        }
    }
}

struct ReindexCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reindex", abstract: "Compute the catalog anew from the signed posts.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    func run() async throws {
        let reply = try await node.run(Reindex())
        if output.json { return try Terminal.json(reply) }
        Terminal.print("Indexed \(reply.lines) lines of the log.")
    }
}

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Look at the settings.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the settings.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Flag(help: "Say where each value comes from.")
        var origin = false

        func run() async throws {
            let settings: [SettingView]
            do {
                settings = try await node.run(ListSettings())
            } catch let error as OperationError where error.code == .notFound {
                settings = try node.settings().all
            }
            if output.json { return try Terminal.json(settings) }
            for setting in settings {
                Terminal.print("\(setting.key) = \(setting.value)" + (origin ? "\t(\(setting.origin))" : ""))
            }
        }
    }
}
