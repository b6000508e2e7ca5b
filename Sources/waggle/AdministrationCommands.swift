public import Administration
public import ArgumentParser
import Foundation
import Operations

extension NodeMode: ExpressibleByArgument {}

struct ModeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mode", abstract: "Have the node stand still for a while, or go on.",
        discussion: """
            read-only    pages, APIs and peers are answered; nothing is published, signed up for or uploaded
            maintenance  visitors and peers are told to come back; admins go on
            normal       everything

            Without a word it says how it stands. The mode stays over a restart.
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    @Argument(help: "normal, read-only or maintenance.")
    var mode: NodeMode?

    @Option(help: "What people are told who are turned away.")
    var message = ""

    func run() async throws {
        let standing =
            if let mode {
                try await node.run(SetMode(mode: mode, message: message))
            } else {
                try await node.run(ShowMode())
            }
        if output.json { return try Terminal.json(standing) }
        Terminal.print(standing.mode.rawValue + (standing.message.isEmpty ? "" : "\t\(standing.message)"))
    }
}

struct AnnounceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "announce", abstract: "Tell everybody something, above every page.",
        subcommands: [Add.self, List.self, Remove.self], defaultSubcommand: Add.self)

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "add", abstract: "Announce something.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "A sentence or two.")
        var text: String

        @Option(name: .customLong("for"), help: "How long it is shown: 12h, 7d. [default: until it is taken back]")
        var time: String?

        func run() async throws {
            let seconds = try time.map { text in
                guard let span = TimeSpan(text) else {
                    throw OperationError(.usage, "--for \(text): write a time such as 12h or 7d")
                }
                return span.seconds
            }
            let made = try await node.run(Announce(text: text, seconds: seconds))
            if output.json { return try Terminal.json(made) }
            Terminal.print("\(made.id)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the announcements.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let all = try await node.run(ListAnnouncements())
            if output.json { return try Terminal.json(all) }
            for one in all {
                let end = one.expires.map { "until \(Terminal.date($0))" } ?? "no end"
                Terminal.print("\(one.id)\t\(end)\t\(one.by)\t\(one.text)")
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "rm", abstract: "Take an announcement back.")

        @OptionGroup var node: NodeOptions

        @Argument(help: "Its number.")
        var id: Int64

        func run() async throws {
            _ = try await node.run(TakeBackAnnouncement(id: id))
        }
    }
}

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Who did what with the rights of the operator, admins and moderators.",
        discussion: """
            Newest first. No line can be changed or deleted; each has the hash of the one before, and the whole chain is checked
            each time. Exit code 6 when it is broken.
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    @Option(help: "How many lines.")
    var limit = 50

    @Option(help: "Only lines before this number.")
    var before: Int64?

    func run() async throws {
        let reply = try await node.run(ShowAudit(before: before, limit: limit))
        if output.json {
            try Terminal.json(reply)
        } else {
            for entry in reply.entries {
                Terminal.print(
                    "\(entry.seq)\t\(Terminal.date(entry.time))\t\(entry.actor)\t\(entry.action)\t\(entry.subject)\t"
                        + entry.detail)
            }
        }
        if let line = reply.firstBroken {
            throw OperationError(
                .integrity, "line \(line) was changed after it was written; compare db/admin.db with a backup")
        }
    }
}

extension ConfigCommand {
    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Choose a setting, as the page for admins does.",
            discussion:
                "A flag, a variable or waggle.toml decides over what is chosen here: `waggle config ls --origin`.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The setting: storage.budget.")
        var key: String

        @Argument(help: "The value: 200GB.")
        var value: String?

        @Flag(name: .customLong("default"), help: "Take the choice back.")
        var usesDefault = false

        func run() async throws {
            guard (value == nil) == usesDefault else {
                throw OperationError(.usage, "give a value, or --default to take the choice back")
            }
            let reply = try await node.run(ChooseSetting(key: key, value: value))
            if output.json { return try Terminal.json(reply) }
            Terminal.print("\(reply.setting.key) = \(reply.setting.value)\t(\(reply.setting.origin))")
            if !reply.isLive { Terminal.note("It counts from the next start of the server on.") }
        }
    }
}
