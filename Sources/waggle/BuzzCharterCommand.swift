import ArgumentParser
import Operations

extension BuzzCommand {
    /// A charter of several operators, passed from one to the next as a file.
    struct CharterCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "charter",
            abstract: "Draw up a currency that several nodes decide together.",
            discussion: """
                With 3f + 1 operators, up to f of them may lie, crash or be cut off, and the currency goes on. The charter
                is a file: one operator begins it, each of the others adds their node, then everybody signs it. It never
                changes after that.

                EXAMPLES
                  waggle buzz charter draft honey.json --name Honey --symbol HNY
                      Begin a charter, with this node as the first operator; send the file to the next one.
                  waggle buzz charter draft honey.json
                      Add this node.
                  waggle buzz charter sign honey.json
                      Agree to it, once 4, 7, 10, … operators are in it.
                  waggle buzz found --charter honey.json
                      Once all have signed, on each of the nodes: decide from now on.
                """,
            subcommands: [Draft.self, Sign.self, Show.self])

        struct Draft: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "draft", abstract: "Begin a charter, or add this node to one. The node must be running.")

            @OptionGroup var node: NodeOptions
            @OptionGroup var output: JSONOption

            @Argument(help: "The file; one that is not there is begun.", completion: .file())
            var file: String

            @Option(help: "What a new currency is called.")
            var name: String?

            @Option(help: "What stands behind amounts in it, such as HNY.")
            var symbol: String?

            @Option(name: .customLong("cap"), help: "Most that this node issues in one epoch; 0 for nothing.")
            var cap: UInt64 = 1_000_000

            @Option(name: .customLong("epoch"), help: "How long an epoch of a new currency is, such as 1h or 1d.")
            var epoch = "1d"

            @Option(
                name: .customLong("longest-hold"),
                help: "Most epochs for which Buzz can be set aside in a new currency.")
            var longestHold: UInt32 = 30

            @Flag(name: .customLong("no-rewards"), help: "A new currency promises no rewards: operators grant by hand.")
            var noRewards = false

            @OptionGroup var wardens: WardenOptions

            func run() async throws {
                let operation: DraftCharter
                if let document = try PassedFile.find(file) {
                    guard name == nil, symbol == nil, !noRewards, try wardens.rules() == nil else {
                        throw OperationError(.usage, "\(file) has a charter already, whose rules do not change")
                    }
                    operation = DraftCharter(adding: cap, to: document)
                } else {
                    guard let name, let symbol else {
                        throw OperationError(.usage, "\(file) is not there: a new charter needs --name and --symbol")
                    }
                    guard let span = TimeSpan(epoch), let seconds = UInt32(exactly: span.seconds) else {
                        throw OperationError(.usage, "--epoch \(epoch): write a time such as 1h or 1d")
                    }
                    operation = DraftCharter(
                        name: name, symbol: symbol, capPerEpoch: cap, epochSeconds: seconds, maxHoldEpochs: longestHold,
                        hasRewards: !noRewards, wardens: try wardens.rules())
                }
                try CharterFile.write(try await node.run(operation), to: file, output)
            }
        }

        struct Sign: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "sign", abstract: "Agree to a charter as one of its operators.")

            @OptionGroup var node: NodeOptions
            @OptionGroup var output: JSONOption

            @Argument(help: "The file.", completion: .file())
            var file: String

            func run() async throws {
                let document = try PassedFile.read(file)
                try CharterFile.write(try await node.run(SignCharter(document: document)), to: file, output)
            }
        }

        struct Show: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "show", abstract: "Show a charter and who signed it. Needs no node and no network.")

            @OptionGroup var output: JSONOption

            @Argument(help: "The file.", completion: .file())
            var file: String

            func run() throws {
                let document = try PassedFile.read(file)
                try CharterFile.show(try ShowCharterDocument(document: document).run(), output)
            }
        }
    }
}

/// What a charter's file has now.
private enum CharterFile {
    static func write(_ reply: CharterDocument, to file: String, _ output: JSONOption) throws {
        try PassedFile.write(reply.document, to: file)
        try show(reply.report, output)
    }

    static func show(_ report: CharterReport, _ output: JSONOption) throws {
        if output.json { return try Terminal.json(report) }
        Terminal.print(
            "currency\t\(Terminal.plain(report.name)) (\(Terminal.plain(report.symbol)))\t\(report.currency ?? "-")")
        Terminal.print(
            "epochs\tof \(report.epochSeconds) s from \(Terminal.date(report.genesis)), holds of \(report.maxHoldEpochs)"
        )
        if let wardens = report.wardens {
            let named =
                (wardens.areOperators ? ["the operators"] : []) + wardens.accounts.map { String($0.prefix(16)) + "…" }
            Terminal.print(
                "wardens\t\(wardens.threshold) of \(named.joined(separator: ", ")), freezes of \(wardens.maxFreezeEpochs) epochs"
                    + (wardens.hasClawback ? ", who may take back what a frozen account has" : ""))
        }
        for one in report.operators {
            Terminal.print(
                [
                    one.hasSigned ? "signed" : "unsigned", Terminal.plain(one.url),
                    one.capPerEpoch == 0 ? "grants nothing" : "grants up to \(one.capPerEpoch) an epoch", one.key,
                ].joined(separator: "\t"))
        }
        if !report.missing.isEmpty {
            Terminal.note("No charter yet: \(report.missing).")
        } else if !report.isComplete {
            Terminal.note("Every operator signs it: `waggle buzz charter sign FILE`.")
        } else {
            Terminal.note(
                "All have signed, and \(report.faults ?? 0) of \(report.operators.count) may fail or lie: "
                    + "`waggle buzz found --charter FILE` on each node.")
        }
    }
}
