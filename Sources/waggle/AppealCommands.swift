import ArgumentParser
import Operations

extension ModerationListCommand {
    struct Appeals: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "appeals",
            abstract:
                "Show what lists of others do here to things of your own, what this node says of them, and what became of appeals."
        )

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        func run() async throws {
            let reply = try await node.run(ListOwnActions(account: signing.account))
            if output.json { return try Terminal.json(reply) }
            for line in reply.actions {
                let appeal =
                    line.appeal.map { appeal in
                        "appealed: \(appeal.outcome ?? "no answer yet")\(appeal.answer.map { " (\($0))" } ?? "")"
                    } ?? "waggle \(line.entry.hasPrefix("L-") ? "mod" : "list") appeal \(line.entry) WHY"
                Terminal.columns([
                    line.entry, line.list, line.action, line.reason, line.caseNumber, line.title, appeal,
                ])
            }
        }
    }

    struct Appeal: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "appeal",
            abstract: "Appeal, once, against what a list or a label of somebody else says of something of yours.",
            discussion: """
                The appeal is signed and public: it travels to whoever said it, who answers for everybody to read. Upheld,
                the entry or the label is withdrawn everywhere. `waggle list appeals` shows entries, labels and answers.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption
        @Argument(help: "An entry or a label, as `waggle list appeals` names it.")
        var entry: String
        @Argument(help: "Why, for everybody to read.")
        var text: String

        func run() async throws {
            try Terminal.signed(
                try await node.run(AppealEntry(account: signing.account, entry: entry, text: text)), json: output.json)
        }
    }
}
