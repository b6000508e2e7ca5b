import ArgumentParser
import Operations

extension ModerationCommand {
    /// What `block` and `purge` take.
    static let subjectHelp = """
        SUBJECTS
          HASH            the file with this SHA-256, and whatever has its tensors under another header
          tensors:HASH    every file with these tensors
          post:HASH       a post
          pdq:HASH        pictures that look like this one (waggle mod scan prints a picture's hash)
          @maker/name@1.0 a release: its post and all of its files
        """

    static func show(_ takedowns: [TakedownReport]) {
        for takedown in takedowns {
            let near = takedown.distance.map { " within \($0)" } ?? ""
            Terminal.print(
                Terminal.plain(
                    "\(takedown.caseNumber)\t\(takedown.isForGood ? "purged" : "blocked")\t\(takedown.kind)\t"
                        + "\(takedown.hash)\(near)\t\(Terminal.date(takedown.when))\t\(takedown.by)\t\(takedown.reason)"
                ))
        }
    }

    struct Block: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "block", abstract: "Hide something at once, and refuse it wherever bytes come in.",
            discussion: """
                Every address of it answers 451 with the case number; publishing, uploading, importing, mirroring and fetching
                it are refused before a byte is stored. Bytes that are here stay: `waggle mod unblock` shows them again.

                \(ModerationCommand.subjectHelp)

                EXAMPLES
                  waggle mod block @maker/my-lora@1.0 --reason likeness
                  waggle mod block pdq:d8f8f0cec0f4a84f… --distance 20 --reason ncii
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "What to block.")
        var subjects: [String]

        @Option(help: "Why: a reason code or a short text. It is shown with the case number.")
        var reason: String

        @Option(help: "How many of 256 bits of a picture's hash may differ (0 to 31).")
        var distance: Int?

        func run() async throws {
            let rows = try await node.run(BlockSubjects(subjects: subjects, reason: reason, distance: distance))
            if output.json { return try Terminal.json(rows) }
            ModerationCommand.show(rows)
        }
    }

    struct Unblock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unblock", abstract: "Take a block back: all of a case, or one subject.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "A case number (B-7) or a subject, as `waggle mod ls` shows them.")
        var what: String

        func run() async throws {
            let rows = try await node.run(UnblockSubjects(what))
            if output.json { return try Terminal.json(rows) }
            for row in rows { Terminal.print("unblocked\t\(row.kind)\t\(row.hash)") }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List everything that is blocked or purged here.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let rows = try await node.run(ListTakedowns())
            if output.json { return try Terminal.json(rows) }
            ModerationCommand.show(rows)
            if rows.isEmpty { Terminal.note("Nothing is blocked or purged here.") }
        }
    }

    struct Purge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "purge", abstract: "Delete bytes for good, and refuse them for ever.",
            discussion: """
                Copies, small copies and downloads go at once; a row with the hash, the reason, who and when stays. It survives
                restarts and restored backups, and refuses the same file, and the same tensors under another header.
                It cannot be undone; `waggle mod block` can. Files of other programs that were adopted are out of service and
                stay on the disk unless --delete-adopted is given.

                \(ModerationCommand.subjectHelp)
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "What to purge.")
        var subjects: [String]

        @Option(help: "Why: a reason code or a short text. It is shown with the case number.")
        var reason: String

        @Flag(name: .customLong("delete-adopted"), help: "Delete other programs' files with these bytes, too.")
        var deletesAdopted = false

        @Flag(help: "Do it without asking.")
        var yes = false

        func run() async throws {
            if !yes {
                guard Terminal.isInteractive, Terminal.confirm("Delete \(subjects.joined(separator: ", ")) for good?")
                else {
                    throw OperationError(.usage, "a purge cannot be undone; say --yes")
                }
            }
            let report = try await node.run(
                PurgeSubjects(subjects: subjects, reason: reason, deletesAdopted: deletesAdopted))
            if output.json { return try Terminal.json(report) }
            ModerationCommand.show(report.takedowns)
            for path in report.deletedFiles { Terminal.print("deleted\t\(Terminal.plain(path))") }
            for path in report.adoptedFiles {
                Terminal.note("\(Terminal.plain(path)) is out of service and still on the disk (--delete-adopted)")
            }
        }
    }
}
