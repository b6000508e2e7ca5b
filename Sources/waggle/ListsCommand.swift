import ArgumentParser
import Foundation
import Moderation
import Operations
import SystemPackage

/// `waggle list`: lists of one's own, and those of others.
struct ModerationListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists of what has no place here: keep your own, and decide how far you trust those of others.",
        discussion: """
            A list is words of its keeper. Nothing of it acts here before you say so: entries wait (draft), or act up to what
            you grant the list (automatic). Only what a person decided ever acts by itself, and an update that would hide
            more than 100 items, or 1 % of the catalog, in a day waits for you all the same.

            EXAMPLES
              waggle list new likeness --title "Likeness" && waggle list add likeness @maker/name@1.0 --reason likeness
              waggle list subscribe @mod@hive.example/likeness --shadow
                  Say what it would do here, and do nothing.
              waggle list subscribe @mod@hive.example/likeness --mode automatic --grant block --reason likeness
              waggle list subscribe consensus:two --of @a/spam --of @b/spam --of @c/spam --needed 2
              waggle list undo @mod@hive.example/likeness
            """,
        subcommands: [
            New.self, Add.self, Withdraw.self, List.self, Show.self, Subscribe.self, Unsubscribe.self, Approve.self,
            Reject.self, Undo.self, Allow.self, Fork.self, Export.self, Import.self, Appeals.self, Appeal.self,
        ])

    static func show(_ lists: [ListReport]) {
        for list in lists {
            let how =
                list.subscription.map { subscription in
                    "\(subscription.place). \(subscription.mode), may \(subscription.grant)"
                        + (subscription.isShadow ? ", shadow" : "")
                        + ", \(subscription.acting) act, \(subscription.waiting) wait"
                        + (subscription.held > 0 ? " (\(subscription.held) held)" : "")
                } ?? (list.isOwn ? "yours" : "not subscribed")
            Terminal.print(Terminal.plain("\(list.list)\t\(list.entries) entries\t\(how)\t\(list.name)"))
        }
    }

    static func show(_ reply: ListChangeReply) {
        Terminal.print("\(reply.list)\t\(reply.signed) signed\t\(reply.unchanged) unchanged")
    }

    static func show(_ reply: ListDecisionReply) {
        Terminal.print("\(reply.list)\t\(reply.entries) entries\t\(reply.acting) act\t\(reply.waiting) wait")
    }

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Make a list of your own, or change its words.")

        @OptionGroup var own: OwnListOptions
        @Option(help: "Its name for people.")
        var title = ""
        @Option(help: "What it is for (Markdown).")
        var purpose = ""
        @Option(name: .customLong("policy-url"), help: "Where its rules are.")
        var policyURL = ""
        @Option(name: .customLong("appeal-url"), help: "Where people appeal.")
        var appealURL = ""
        @Flag(help: "Give it a salt, so that it can name what nobody should find through it.")
        var salted = false

        func run() async throws {
            let reply = try await own.node.run(
                NewList(
                    account: own.account, list: own.list, title: title, purpose: purpose, policyURL: policyURL,
                    appealURL: appealURL, isSalted: salted))
            if own.output.json { return try Terminal.json(reply) }
            ModerationListCommand.show(reply)
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Say something of a subject on a list of your own.",
            discussion: """
                \(ModerationCommand.subjectHelp)
                  autov2:DIGITS, autov3:HASH, key:HASH, node:HASH, domain:NAME, phrase:WORDS

                REASONS
                  \(ReasonCode.all.joined(separator: ", ")), or another code
                """)

        @OptionGroup var own: OwnListOptions
        @Argument(help: "What it says something of.")
        var subjects: [String]
        @Option(help: "How grave: \(Severity.words.joined(separator: ", ")).")
        var severity = "block"
        @Option(help: "Why: a code.")
        var reason: String
        @Option(help: "A word of your own.")
        var label = ""
        @Option(help: "How long it stands: 12h, 30d. [default: for good]")
        var expires: String?
        @Flag(help: "Name files and pictures by the list's salted hashes.")
        var salted = false

        func run() async throws {
            var until: UInt64 = 0
            if let expires {
                guard let span = TimeSpan(expires) else {
                    throw OperationError(.usage, "--expires \(expires): write a time such as 12h or 30d")
                }
                until = UInt64(Date().timeIntervalSince1970) + span.seconds
            }
            let reply = try await own.node.run(
                AddToList(
                    account: own.account, list: own.list, subjects: subjects, severity: severity, reason: reason,
                    label: label,
                    until: until, isSalted: salted))
            if own.output.json { return try Terminal.json(reply) }
            ModerationListCommand.show(reply)
        }
    }

    struct Withdraw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "withdraw", abstract: "Take back what a list of your own says: everywhere it ends what it did."
        )

        @OptionGroup var own: OwnListOptions
        @Argument(help: "Subjects, or case numbers.")
        var subjects: [String]

        func run() async throws {
            let reply = try await own.node.run(
                WithdrawFromList(account: own.account, list: own.list, subjects: subjects))
            if own.output.json { return try Terminal.json(reply) }
            ModerationListCommand.show(reply)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "Show your lists, and those that this node listens to in their order.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let lists = try await node.run(ListLists())
            if output.json { return try Terminal.json(lists) }
            ModerationListCommand.show(lists)
            if lists.isEmpty { Terminal.note("No lists yet: `waggle list new`, `waggle list subscribe`.") }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show a list's entries, and what it would do here.")

        @OptionGroup var listed: ListOptions
        @Flag(help: "Only what waits for you.")
        var waiting = false
        @Option(help: "At most so many entries.")
        var limit = 200

        func run() async throws {
            let details = try await listed.node.run(ShowList(list: listed.list, waitingOnly: waiting, limit: limit))
            if listed.output.json { return try Terminal.json(details) }
            ModerationListCommand.show([details.list])
            for entry in details.entries {
                let what = entry.action.map { "\(entry.state) (\($0))" } ?? entry.state
                Terminal.print(
                    Terminal.plain(
                        "\(what)\t\(entry.subject)\t\(entry.severity)\t\(entry.reason)\t\(entry.basis)\t"
                            + "\(entry.caseNumber)\t\(Terminal.date(entry.created))"))
            }
            if let preview = details.preview, preview.entries > 0 {
                Terminal.note(
                    "What waits would hide \(preview.items) items here, \(preview.local) by people of this node"
                        + (preview.isBraked ? "; that is too much at a time to happen by itself." : "."))
            }
            if let step = details.steps.first {
                Terminal.note("`waggle list undo` takes back: \(step.kind), \(step.entries) entries, by \(step.by).")
            }
        }
    }

    struct Subscribe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "subscribe", abstract: "Listen to a list, or change how far it is trusted.",
            discussion: """
                Without more, entries wait for you. Said again, only what is given changes.
                """)

        @OptionGroup var listed: ListOptions
        @Option(help: "draft or automatic.")
        var mode: String?
        @Option(
            help: "The gravest that it may do by itself: \(Severity.words.joined(separator: ", ")). [default: hide]")
        var grant: String?
        @Option(
            name: .customLong("reason"),
            help: "Only this reason acts by itself; may be repeated. \"all\" for every one.")
        var reasons: [String] = []
        @Flag(inversion: .prefixedNo, help: "Do nothing, and say what it would do.")
        var shadow: Bool?
        @Option(help: "Its place: of lists that contradict each other the first decides.")
        var place: Int?
        @Option(name: .customLong("of"), help: "A list that a consensus counts; may be repeated.")
        var lists: [String] = []
        @Option(help: "How many of them have to agree.")
        var needed: Int?

        func run() async throws {
            let reply = try await listed.node.run(
                SubscribeList(
                    list: listed.list, mode: mode, grant: grant,
                    reasons: reasons.isEmpty ? nil : reasons.contains("all") ? [] : reasons, isShadow: shadow,
                    place: place, lists: lists, needed: needed))
            if listed.output.json { return try Terminal.json(reply) }
            ModerationListCommand.show(reply)
        }
    }

    struct Unsubscribe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unsubscribe",
            abstract: "Listen no longer: nothing of what the list did is left, but for what it had deleted.")

        @OptionGroup var listed: ListOptions

        func run() async throws {
            let reply = try await listed.node.run(UnsubscribeList(list: listed.list))
            if listed.output.json { return try Terminal.json(reply) }
            Terminal.print("\(reply.list)\t\(reply.entries) act no longer")
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "approve", abstract: "Have entries act that wait: all, or those named.")

        @OptionGroup var listed: ListOptions
        @Argument(help: "Subjects, hashes or case numbers. [default: all that wait]")
        var subjects: [String] = []
        @Option(name: .customLong("most"), help: "The gravest that they may do.")
        var most: String?

        func run() async throws {
            let reply = try await listed.node.run(
                DecideListEntries(list: listed.list, subjects: subjects, isApproved: true, most: most))
            if listed.output.json { return try Terminal.json(reply) }
            ModerationListCommand.show(reply)
        }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reject", abstract: "Say that entries which wait are not to act here.")

        @OptionGroup var listed: ListOptions
        @Argument(help: "Subjects, hashes or case numbers.")
        var subjects: [String]

        func run() async throws {
            let reply = try await listed.node.run(
                DecideListEntries(list: listed.list, subjects: subjects, isApproved: false))
            if listed.output.json { return try Terminal.json(reply) }
            ModerationListCommand.show(reply)
        }
    }

    struct Undo: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "undo",
            abstract: "Take back the last decision about a list: what was before is again, exactly.")

        @OptionGroup var listed: ListOptions

        func run() async throws {
            let step = try await listed.node.run(UndoList(list: listed.list))
            if listed.output.json { return try Terminal.json(step) }
            Terminal.print("took back\t\(step.kind)\t\(step.entries) entries\t\(step.by)\t\(Terminal.date(step.at))")
        }
    }

    struct Allow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "allow", abstract: "Say that no list has a say in something.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "Subjects.")
        var subjects: [String]
        @Flag(help: "Lists have a say again.")
        var remove = false

        func run() async throws {
            let reply = try await node.run(AllowSubjects(subjects: subjects, isAllowed: !remove))
            if output.json { return try Terminal.json(reply) }
            for subject in reply {
                Terminal.print("\(remove ? "lists decide" : "allowed")\t\(Terminal.plain(subject))")
            }
        }
    }

    struct Fork: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fork", abstract: "Make a list of your own of everything that another says.")

        @OptionGroup var listed: ListOptions
        @Option(name: .customLong("as"), help: "The account that keeps it.")
        var account = "me"
        @Argument(help: "The short name of yours.")
        var slug: String

        func run() async throws {
            let reply = try await listed.node.run(ForkList(account: account, list: listed.list, slug: slug))
            if listed.output.json { return try Terminal.json(reply) }
            ModerationListCommand.show(reply)
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Print a list as CSV.",
            discussion: """
                Columns: subject, severity, reason, basis, label, until, case. --mastodon prints its domains as Mastodon's
                administration imports them.
                """)

        @OptionGroup var node: NodeOptions
        @Argument(help: "The list.")
        var list: String
        @Flag(help: "Domains alone, in Mastodon's form.")
        var mastodon = false

        func run() async throws {
            let reply = try await node.run(ExportList(list: list, isMastodon: mastodon))
            Terminal.write(Data(reply.text.utf8))
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Put the lines of a CSV file on a list of your own.",
            discussion: """
                Takes what `waggle list export` prints, with at least the columns subject and severity, and the domain blocks
                that Mastodon exports. What says nothing else counts as imported: it acts nowhere by itself.
                """)

        @OptionGroup var own: OwnListOptions
        @Argument(help: "The file.", completion: .file())
        var file: String

        func run() async throws {
            let reply = try await own.node.run(
                ImportList(account: own.account, list: own.list, path: Paths.absolute(file).string))
            if own.output.json { return try Terminal.json(reply) }
            ModerationListCommand.show(reply)
        }
    }
}

/// A list, as everything takes it that looks at one or decides about it.
struct ListOptions: ParsableArguments {
    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption
    @Argument(help: "The list: @keeper/name, a keeper's id and the name, or consensus:name.")
    var list: String
}

/// A list of one's own, as everything takes it that changes one.
struct OwnListOptions: ParsableArguments {
    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption
    @Option(name: .customLong("as"), help: "The account that keeps it.")
    var account = "me"
    @Argument(help: "The list: a short name of a-z, 0-9, - _ .")
    var list: String
}
