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
        if let backup = status.heldSinceBackupOf {
            Terminal.print(
                "  held    restored from a backup of \(Terminal.date(backup)); signs when a peer was asked for what came after"
            )
        }
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
        let words = [release.name, release.version, release.type, release.baseModel].map(Terminal.plain)
        Terminal.print("\(words[0])  \(words[1])  (\(words[2]), \(words[3]), \(release.level))")
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
            Terminal.print("  file     \(Terminal.plain(file.name))  \(ByteSize.text(file.size))  \(kind)  [\(here)]")
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
        for warning in release.warnings { Terminal.print("  WARNING  \(Terminal.plain(warning))") }
        if release.versions.count > 1 { Terminal.print("  versions \(release.versions.joined(separator: ", "))") }
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
        commandName: "config", abstract: "Look at the settings, and choose them.",
        subcommands: [List.self, Set.self])

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
