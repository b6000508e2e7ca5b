import ArgumentParser
import Moderation
import Operations
import SystemPackage

extension ModerationCommand {
    static func show(_ line: CaseLine) {
        let time = line.deadline.map { "decide by \(Terminal.date($0))" } ?? "opened \(Terminal.date(line.opened))"
        let who = line.assigned.isEmpty ? "nobody" : "@\(line.assigned)"
        let state = line.decision ?? line.state
        Terminal.print(
            Terminal.plain(
                "\(line.number)\t\(state)\t\(line.urgency)\t\(line.reason)\t\(line.reports) reports\t\(who)\t\(time)\t\(line.subject)"
            ))
    }

    struct Queue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "queue", abstract: "Show what waits for a decision, the most urgent first.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @Option(help: "Only \(ShowQueue.choices.joined(separator: ", ")).")
        var show: String?

        func run() async throws {
            let queue = try await node.run(ShowQueue(show: show))
            if output.json { return try Terminal.json(queue) }
            for line in queue.cases { ModerationCommand.show(line) }
            Terminal.note(
                "\(queue.counts.open) open, \(queue.counts.unassigned) unassigned, \(queue.counts.overdue) overdue, \(queue.counts.appeals) appeals"
            )
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show a case: its reports, how far it reaches, what was done.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "A case: R-7, T-7.")
        var number: String

        func run() async throws {
            let details = try await node.run(ShowCase(number: number))
            if output.json { return try Terminal.json(details) }
            ModerationCommand.show(details.line)
            for report in details.reports {
                Terminal.print(
                    Terminal.plain("report\t\(report.reporter)\t\(report.reason)\t\(report.text)\t\(report.contact)"))
            }
            for set in details.spread {
                Terminal.print("set \(set.name)\t\(set.title)")
                for subject in set.subjects { Terminal.print("\t\(Terminal.plain(subject))") }
            }
            for holder in details.holders { Terminal.print("held by\t\(Terminal.plain(holder))") }
            for ack in details.acks { Terminal.print("\(ack.outcome)\t\(ack.node)\t\(Terminal.date(ack.at))") }
            if let decision = details.decision {
                Terminal.print(
                    "decided\t\(decision.action)\t\(decision.reason)\t\(decision.by)\t\(Terminal.date(decision.at))")
            }
            if let appeal = details.appeal {
                Terminal.print(Terminal.plain("appeal\t\(appeal.outcome ?? "open")\t\(appeal.text)"))
            }
            for record in details.audit {
                Terminal.print(
                    Terminal.plain("\(Terminal.date(record.at))\t\(record.actor)\t\(record.action)\t\(record.detail)"))
            }
        }
    }

    struct Report: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "report", abstract: "Report something to the moderators of this node.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "What `waggle show` takes, an address of this node, or a hash.")
        var subject: String
        @Option(help: "Why: \(ReasonCode.all.joined(separator: ", ")).")
        var reason: String
        @Option(help: "In your words.")
        var text = ""
        @Option(help: "A node whose moderators are told too, by address; sealed for it alone.")
        var tell: String?

        func run() async throws {
            let receipt = try await node.run(ReportSubject(subject: subject, reason: reason, text: text, peer: tell))
            if output.json { return try Terminal.json(receipt) }
            Terminal.print(receipt.number)
        }
    }

    struct Assign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "assign", abstract: "Say who works on a case.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "A case.")
        var number: String
        @Argument(help: "An account; \"\" for nobody. [default: you]")
        var account: String?

        func run() async throws {
            try ModerationCommand.finish(try await node.run(AssignCase(number: number, to: account)), output)
        }
    }

    struct Hide: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "hide", abstract: "Hide what a case names at once, and decide later.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "A case.")
        var number: String

        func run() async throws {
            try ModerationCommand.finish(try await node.run(HideCase(number: number)), output)
        }
    }

    struct Decide: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "decide", abstract: "Decide a case: keep, block or purge.",
            discussion: """
                What is blocked or purged goes on your list "takedowns", by hash alone, so that nodes that subscribe to it can act
                too; --list names another, and --list "" none. Blocks and keeps can be taken back for 30 days: `waggle mod undo`.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "A case.")
        var number: String
        @Option(help: "\(CaseAction.decisions.map(\.rawValue).joined(separator: ", ")).")
        var action: String
        @Option(help: "A code. [default: the case's own]")
        var reason: String?
        @Option(name: .customLong("set"), help: "A set that `waggle mod show` names; may be repeated. [default: named]")
        var sets: [String] = []
        @Option(help: "Words for whoever asked.")
        var letter = ""
        @Option(name: .customLong("maker-letter"), help: "Words for whoever made it, who never learns who asked.")
        var makerLetter: String?
        @Option(help: "The list of yours that tells other nodes.")
        var list: String?
        @Flag(name: .customLong("delete-adopted"), help: "Delete other programs' files with these bytes, too.")
        var deletesAdopted = false
        @Flag(help: "Purge without asking.")
        var yes = false

        func run() async throws {
            if action == CaseAction.purge.rawValue, !yes {
                guard Terminal.isInteractive, Terminal.confirm("Delete for good?") else {
                    throw OperationError(.usage, "a purge cannot be undone; say --yes")
                }
            }
            try ModerationCommand.finish(
                try await node.run(
                    DecideCase(
                        number: number, action: action, reason: reason, sets: sets, letter: letter,
                        makerLetter: makerLetter, list: list,
                        deletesAdopted: deletesAdopted)), output)
        }
    }

    struct EvidenceCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "evidence", abstract: "Write what was locked of a case into a folder, for an authority.",
            discussion: """
                Before something with the reason minor-safety is hidden or purged, its files and posts are sealed in the home's
                folder evidence/. The pack has them, and case.json with hashes, authors, accounts, times and what was done.
                --delete removes what was locked, when the authority has it and no law wants it kept.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "A case.")
        var number: String
        @Argument(help: "A folder that is not there yet.", completion: .directory)
        var folder: String?
        @Flag(help: "Delete what was locked.")
        var delete = false

        func run() async throws {
            guard delete != (folder != nil) else { throw OperationError(.usage, "name a folder, or say --delete") }
            let reply = try await node.run(
                ExportEvidence(
                    number: number, folder: folder.map { Paths.absolute($0).string } ?? "", destroys: delete))
            if output.json { return try Terminal.json(reply) }
            Terminal.print("\(reply.number)\t\(reply.files) files\t\(reply.posts) posts\t\(reply.folder)")
        }
    }

    struct Undo: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "undo", abstract: "Take a decision back, here and everywhere that it was told.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "A case.")
        var number: String
        @Option(help: "Why.")
        var reason = ""

        func run() async throws {
            try ModerationCommand.finish(try await node.run(UndoCase(number: number, reason: reason)), output)
        }
    }

    struct Appeal: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "appeal",
            abstract: "Appeal, once, against a decision, a level that was locked, or a label of this node.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "A case (R-7), a lock (L-7), or the post of a label, as `waggle list appeals` names it.")
        var number: String
        @Argument(help: "Why.")
        var text: String

        func run() async throws {
            try ModerationCommand.finish(try await node.run(AppealCase(number: number, text: text)), output)
        }
    }

    struct Answer: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "answer", abstract: "Answer an appeal: upheld, everything is as it was before.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "A case.")
        var number: String
        @Argument(help: "upheld or rejected.")
        var outcome: String
        @Argument(help: "Why.")
        var text: String

        func run() async throws {
            guard ["upheld", "rejected"].contains(outcome) else {
                throw OperationError(.usage, "an appeal is upheld or rejected")
            }
            try ModerationCommand.finish(
                try await node.run(AnswerCaseAppeal(number: number, isUpheld: outcome == "upheld", text: text)), output)
        }
    }

    private static func finish(_ line: CaseLine, _ output: JSONOption) throws {
        if output.json { return try Terminal.json(line) }
        show(line)
    }
}
