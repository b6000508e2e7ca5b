import ArgumentParser
import Foundation
import Operations

struct BuzzCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "buzz",
        abstract: "Currencies: what creators are paid and tipped with, on a ledger that anybody can audit.",
        discussion: """
            EXAMPLES
              waggle buzz found --name Honey --symbol HNY
                  Found a currency in which this node decides alone.
              waggle buzz join https://models.example
                  Join that of another node: its log is copied and audited here from now on.
              waggle buzz tip @maker/honey 50
                  Tip whoever made a model, release, image or article; or a person: @maker.
              waggle buzz audit
                  Verify every signature and every sum of the log, offline.

            A currency with one operator dies with its operator, who could also rewrite it; receipts in people's hands and
            the signatures of witnesses make that provable. One that four or more operators drew up (`waggle buzz charter`)
            survives a third of them. Balances and payments are public: put nothing personal in them.
            """,
        subcommands: [
            Found.self, Join.self, CharterCommand.self, Accept.self, List.self, Balance.self, Tip.self, Grant.self,
            History.self, Rules.self,
            Rewards.self, Audit.self, Explain.self, Verify.self, Export.self, Witness.self, Resume.self,
            Fraud.self, Operators.self, Freeze.self, Clawback.self,
        ])
}

/// `--currency`, on commands about one.
struct CurrencyOption: ParsableArguments {
    @Option(help: "Its symbol, or the beginning of its id. [default: the only one]")
    var currency: String?
}

extension BuzzCommand {
    struct Found: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "found", abstract: "Found a currency in which this node decides alone, and grants.",
            discussion: """
                A charter never changes: another one is another currency. The node must be running.

                EXAMPLES
                  waggle buzz found --name Honey --symbol HNY
                  waggle buzz found --charter honey.json
                      Take this node's place in one that several operators drew up (`waggle buzz charter`).
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Option(help: "A charter that all of its operators signed.", completion: .file())
        var charter: String?

        @Option(help: "What it is called.")
        var name: String?

        @Option(help: "What stands behind amounts, such as HNY.")
        var symbol: String?

        @Option(name: .customLong("cap"), help: "Most that is issued in one epoch.")
        var cap: UInt64 = 1_000_000

        @Option(name: .customLong("epoch"), help: "How long an epoch is, such as 1h or 1d.")
        var epoch = "1d"

        @Option(name: .customLong("longest-hold"), help: "Most epochs for which Buzz can be set aside.")
        var longestHold: UInt32 = 30

        @Option(name: .customLong("as"), help: "The account whose profile lists it from now on.")
        var account = "me"

        @Flag(name: .customLong("no-rewards"), help: "Promise no rewards: the operator grants by hand.")
        var noRewards = false

        @OptionGroup var wardens: WardenOptions

        func run() async throws {
            if let charter {
                guard name == nil, symbol == nil, try wardens.rules() == nil else {
                    throw OperationError(
                        .usage,
                        "--charter says what the currency is called and who its wardens are; leave --name, --symbol and "
                            + "--warden out")
                }
                let document = try PassedFile.read(charter)
                return try BuzzCommand.show(
                    try await node.run(FoundTogether(account: account, document: document)), output)
            }
            guard let name, let symbol else {
                throw OperationError(.usage, "a new currency needs --name and --symbol, or a --charter")
            }
            guard let span = TimeSpan(epoch), let seconds = UInt32(exactly: span.seconds) else {
                throw OperationError(.usage, "--epoch \(epoch): write a time such as 1h or 1d")
            }
            let report = try await node.run(
                FoundCurrency(
                    account: account, name: name, symbol: symbol, capPerEpoch: cap, epochSeconds: seconds,
                    maxHoldEpochs: longestHold, hasRewards: !noRewards, wardens: try wardens.rules()))
            try BuzzCommand.show(report, output)
        }
    }

    struct Join: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "join", abstract: "Join a currency of another node: follow and audit its log.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The address of the node that decides in it.")
        var url: String

        @Option(help: "Which, where that node decides in several: all digits of its id.")
        var currency: String?

        @Option(name: .customLong("as"), help: "The account whose profile lists it from now on.")
        var account = "me"

        func run() async throws {
            try BuzzCommand.show(
                try await node.run(JoinCurrency(account: account, url: url, currency: currency)), output)
        }
    }

    struct Accept: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "accept", abstract: "List a currency in your profile: others can tip you in it.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption
        @OptionGroup var which: CurrencyOption

        @Flag(help: "Take it out again.")
        var remove = false

        func run() async throws {
            let reply = try await node.run(
                AcceptCurrency(account: signing.account, currency: which.currency, isAccepted: !remove))
            try Terminal.signed(reply, json: output.json)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the currencies known here.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reports = try await node.run(ListCurrencies())
            if output.json { return try Terminal.json(reports) }
            if reports.isEmpty { Terminal.note("None yet; `waggle buzz join URL` joins that of another node.") }
            for report in reports { BuzzCommand.line(report) }
        }
    }

    struct Balance: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "balance", abstract: "What an account has, by its authority's word.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var which: CurrencyOption

        @Argument(help: "@handle, an author id, or an account's 64 digits.")
        var account = "@me"

        func run() async throws {
            let reports = try await node.run(ShowBalance(account: account, currency: which.currency))
            if output.json { return try Terminal.json(reports) }
            if reports.isEmpty { Terminal.note("No currency is known here; `waggle buzz join URL` joins one.") }
            for report in reports {
                Terminal.print("\(report.balance) \(Terminal.plain(report.symbol))\taccount \(report.account)")
                if report.held > 0 { Terminal.note("\(report.held) more are set aside in open holds.") }
                if report.pending > 0 {
                    Terminal.note("\(report.pending) orders have no answer yet; they are sent again.")
                }
                if let epoch = report.frozenUntil { Terminal.note("Frozen by the wardens through epoch \(epoch).") }
                if let places = report.doubleOrders {
                    Terminal.note(
                        "Its key signed two orders for one place (\(places.map(String.init).joined(separator: ", "))): usually "
                            + "two devices. At most one of the two counts.")
                }
                if !report.isCurrent {
                    Terminal.note("The authority does not answer: this is the copy of its log that is here.")
                }
                Terminal.note(report.trust)
            }
        }
    }

    struct Tip: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tip", abstract: "Tip whoever made something.",
            discussion: """
                When the answer is lost, the same order is sent again, and the same tip said again is not paid twice.

                EXAMPLES
                  waggle buzz tip @maker/honey 50
                  waggle buzz tip @maker 10 --currency HNY
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption
        @OptionGroup var which: CurrencyOption

        @Argument(help: "@maker/name, @maker/name@version, the id of a post, the address of its page here, or @maker.")
        var subject: String

        @Argument(help: "How much.")
        var amount: UInt64

        func run() async throws {
            let final = try await node.run(
                TipSubject(account: signing.account, subject: subject, amount: amount, currency: which.currency))
            try BuzzCommand.show(final, output)
        }
    }

    struct Grant: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "grant",
            abstract: "Issue Buzz to somebody, within the charter's cap. For the operator of a granter.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var which: CurrencyOption

        @Argument(help: "@handle, an author id, or an account's 64 digits.")
        var recipient: String

        @Argument(help: "How much.")
        var amount: UInt64

        func run() async throws {
            let final = try await node.run(
                GrantBuzz(recipient: recipient, amount: amount, currency: which.currency))
            try BuzzCommand.show(final, output)
        }
    }

    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "history",
            abstract: "What an account paid and got, or what was paid for a post; the newest first.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var which: CurrencyOption

        @Argument(help: "@handle, an account, or a post such as @maker/name.")
        var subject = "@me"

        @Option(help: "At most so many.")
        var limit = 50

        @Option(help: "Only what is before this place in the log.")
        var before: UInt64?

        func run() async throws {
            let finals = try await node.run(
                ShowHistory(subject: subject, currency: which.currency, limit: limit, before: before))
            if output.json { return try Terminal.json(finals) }
            if finals.isEmpty { Terminal.note("Nothing yet.") }
            for final in finals {
                let change = final.change.map { $0 > 0 ? "+\($0)" : "\($0)" } ?? ""
                Terminal.print(
                    [
                        final.position.map { "\($0)" } ?? "-", Terminal.date(final.time), final.operation,
                        "\(change) \(Terminal.plain(final.symbol))", final.reference ?? "-", final.order,
                    ].joined(separator: "\t"))
            }
        }
    }

    // MARK: Printing

    static func line(_ report: CurrencyReport) {
        Terminal.print(
            [
                Terminal.plain(report.symbol), Terminal.plain(report.name), report.role,
                Terminal.count(report.finals, "final", "finals"),
                "\(report.issued &- report.burned) in circulation", report.trust, report.currency,
            ].joined(separator: "\t"))
        if !report.stopped.isEmpty { Terminal.note("STOPPED: \(Terminal.plain(report.stopped))") }
        if !report.warning.isEmpty { Terminal.note("WARNING: \(Terminal.plain(report.warning))") }
    }

    static func show(_ final: FinalReport, _ output: JSONOption) throws {
        if output.json { return try Terminal.json(final) }
        Terminal.print(final.order)
        let sum = final.outputs.reduce(0) { $0 + $1.amount }
        Terminal.note("Final: \(final.operation) of \(sum) \(Terminal.plain(final.symbol)).")
    }

    static func show(_ report: CurrencyReport, _ output: JSONOption) throws {
        if output.json { return try Terminal.json(report) }
        line(report)
        Terminal.note(
            report.operators == 1
                ? "One operator decides: the currency dies with that node. Peers that join it sign as witnesses."
                : "\(report.quorum) of \(report.operators) operators decide; up to \(report.operators - report.quorum) may fail or lie."
        )
    }
}
