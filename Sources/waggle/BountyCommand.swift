import ArgumentParser
import Foundation
import Operations

struct BountyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bounty",
        abstract: "Bounties: set Buzz aside for whoever makes what you wish for.",
        discussion: """
            Backers set Buzz aside in the hand of the poster's node, the arbiter. It pays out what each backer awards, and
            else what the rule says that was fixed when the bounty was made. When the arbiter is gone for good, what was set
            aside goes back by itself.

            EXAMPLES
              waggle bounty new "A LoRA of old maps" --wanted LORA --amount 500 --deadline 14d --rule first
              waggle bounty fund 3f2a90c1 200
              waggle bounty enter 3f2a90c1 @me/old-maps
              waggle bounty award 3f2a90c1 77ab01ef:3 90cc12aa:1
                  What you set aside goes to two entries, in parts of three and one.
            """,
        subcommands: [
            New.self, Fund.self, Enter.self, Award.self, Refund.self, List.self, Show.self, Settle.self,
        ])
}

extension BountyCommand {
    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Post a bounty, and back it.",
            discussion: """
                Neither the text nor the rule can be changed: others rely on them. The rules, for backers who stay silent:
                  refund        it goes back to them
                  first         the entry that reached the arbiter first
                  split         everybody who entered, in equal parts
                  most-awarded  the entry that other backers gave most to
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption
        @OptionGroup var which: CurrencyOption

        @Argument(help: "What you wish for, in a few words.")
        var title: String

        @Option(help: "More about it, in Markdown; - reads standard input.")
        var text = ""

        @Option(help: "A model type such as LORA, or image.")
        var wanted = ""

        @Option(name: .customLong("tag"), help: "May be repeated.")
        var tags: [String] = []

        @Option(help: "Content level of what is wished for: PG, PG-13, R, X or XXX. [default: PG]")
        var level: String?

        @Option(help: "What you set aside yourself; 0 for nothing yet.")
        var amount: UInt64

        @Option(help: "How long entries are taken, such as 14d.")
        var deadline = "14d"

        @Option(name: .customLong("judging"), help: "How long backers may then award, such as 3d.")
        var judging = "3d"

        @Option(help: "refund, first, split or most-awarded.")
        var rule = "refund"

        func run() async throws {
            guard let open = TimeSpan(deadline), let then = TimeSpan(judging) else {
                throw OperationError(.usage, "--deadline and --judging: write a time such as 12h or 14d")
            }
            let end = UInt64(Date().timeIntervalSince1970) + open.seconds
            let report = try await node.run(
                NewBounty(
                    account: signing.account, title: title, text: text == "-" ? Terminal.standardInput() : text,
                    wanted: wanted, tags: tags, level: level, currency: which.currency, amount: amount,
                    deadline: end, decided: end + then.seconds, rule: rule))
            try BountyCommand.show(report, output)
        }
    }

    struct Fund: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fund", abstract: "Set Buzz aside for a bounty.",
            discussion: """
                In the arbiter's hand it stays until you award, the rule decides, or it expires. A pledge stays in your own
                hand: you can withdraw it, and everybody sees that.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        @Argument(help: "The id of its post, or its first 8 digits at least.")
        var bounty: String

        @Argument(help: "How much.")
        var amount: UInt64

        @Flag(name: .customLong("pledge"), help: "Keep it in your own hand.")
        var isPledge = false

        func run() async throws {
            let report = try await node.run(
                FundBounty(account: signing.account, bounty: bounty, amount: amount, isPledge: isPledge))
            try BountyCommand.show(report, output)
        }
    }

    struct Enter: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "enter", abstract: "Enter something for a bounty.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        @Argument(help: "The id of its post, or its first 8 digits at least.")
        var bounty: String

        @Argument(help: "@maker/name, @maker/name@version, the id of a post, or the address of its page here.")
        var works: [String] = []

        @Option(help: "What you say about it, in Markdown.")
        var text = ""

        func run() async throws {
            let reply = try await node.run(
                EnterBounty(account: signing.account, bounty: bounty, works: works, text: text))
            try Terminal.signed(reply, json: output.json)
        }
    }

    struct Award: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "award", abstract: "Give what you set aside to entries.",
            discussion: "Each backer awards their own part. Until the arbiter has acted the next award takes its place."
        )

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        @Argument(help: "The id of its post, or its first 8 digits at least.")
        var bounty: String

        @Argument(help: "Entries by the first 8 digits of their ids at least, each with :WEIGHT or in equal parts.")
        var entries: [String]

        @Option(help: "What you say about it, in Markdown.")
        var text = ""

        func run() async throws {
            let shares = try entries.map { entry in
                let parts = entry.split(separator: ":", maxSplits: 1)
                guard let name = parts.first, let weight = parts.count == 1 ? 1 : UInt32(parts[1]) else {
                    throw OperationError(
                        .usage, "\(entry): write an entry, or an entry and a weight such as 77ab01ef:3")
                }
                return AwardBounty.Share(entry: String(name), weight: weight)
            }
            let report = try await node.run(
                AwardBounty(account: signing.account, bounty: bounty, shares: shares, text: text))
            try BountyCommand.show(report, output)
        }
    }

    struct Refund: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "refund", abstract: "Take back what you set aside.",
            discussion: "Possible for a pledge, while nobody has entered, and once it has expired.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        @Argument(help: "The id of its post, or its first 8 digits at least.")
        var bounty: String

        func run() async throws {
            try BountyCommand.show(
                try await node.run(RefundBounty(account: signing.account, bounty: bounty)), output)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List bounties, the newest first.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Flag(name: .customLong("open"), help: "Only those that take entries.")
        var isOpen = false

        @Option(name: .customLong("by"), help: "Only those of @handle or an author id.")
        var poster: String?

        @Option(help: "At most so many.")
        var limit = 20

        @Option(help: "Where the page before ended.")
        var cursor: String?

        func run() async throws {
            let page = try await node.run(
                ListBounties(isOpenOnly: isOpen, poster: poster, limit: limit, cursor: cursor))
            if output.json { return try Terminal.json(page) }
            if page.items.isEmpty { Terminal.note("No bounty is here.") }
            for line in page.items {
                Terminal.print(
                    [
                        String(line.bounty.prefix(16)), line.phase, BountyCommand.money(line),
                        "\(line.entries) \(line.entries == 1 ? "entry" : "entries")",
                        "until \(Terminal.date(line.deadline))",
                        Terminal.plain(line.title),
                    ].joined(separator: "\t"))
            }
            if let next = page.next { Terminal.note("More: --cursor \(next)") }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "A bounty with its backers, entries and awards.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The id of its post, or its first 8 digits at least.")
        var bounty: String

        func run() async throws {
            try BountyCommand.show(try await node.run(ShowBounty(bounty: bounty)), output)
        }
    }

    struct Settle: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "settle", abstract: "Do now what is due; a running node does it by itself.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reply = try await node.run(SettleBounties())
            if output.json { return try Terminal.json(reply) }
            Terminal.print("\(reply.settled) settled, \(reply.expired) expired")
            for trouble in reply.troubles { Terminal.note(Terminal.plain(trouble)) }
        }
    }

    // MARK: Printing

    static func money(_ line: BountyLine) -> String {
        let symbol = Terminal.plain(line.symbol)
        var parts: [String] = []
        if line.escrowed > 0 { parts.append("\(line.escrowed) set aside") }
        if line.pledged > 0 { parts.append("\(line.pledged) pledged") }
        if line.paid > 0 { parts.append("\(line.paid) paid") }
        if line.returned > 0 { parts.append("\(line.returned) returned") }
        return parts.isEmpty ? "nothing set aside" : "\(symbol) " + parts.joined(separator: ", ")
    }

    static func show(_ report: BountyReport, _ output: JSONOption) throws {
        if output.json { return try Terminal.json(report) }
        let line = report.summary
        Terminal.print(line.bounty)
        Terminal.print("\(Terminal.plain(line.title)): \(line.phase), \(money(line))")
        Terminal.print(
            "entries until \(Terminal.date(line.deadline)), awards until \(Terminal.date(line.decided)), then: \(line.rule)"
        )
        for backing in report.backings {
            let what = backing.isPledge ? "pledge, can be withdrawn" : "in the arbiter's hand"
            Terminal.print(
                [
                    "backer", Terminal.plain(backing.name ?? String(backing.account.prefix(16))), "\(backing.amount)",
                    what, backing.state, backing.hold,
                ].joined(separator: "\t"))
        }
        for entry in report.entries {
            Terminal.print(
                [
                    "entry", entry.post, Terminal.plain(entry.name), entry.counts ? "" : "does not count",
                    entry.won > 0 ? "won \(entry.won)" : "",
                ].joined(separator: "\t"))
        }
        if !report.isArbiterKnown {
            Terminal.note("Nobody here knows whose key decides it: no key document of its arbiter's node lists that.")
        }
        if !report.stopped.isEmpty { Terminal.note("STOPPED: \(report.stopped)") }
        Terminal.note(report.trust)
    }
}
