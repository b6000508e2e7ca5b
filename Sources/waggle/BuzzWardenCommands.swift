import ArgumentParser
import Operations

/// Who may freeze accounts of a new currency.
struct WardenOptions: ParsableArguments {
    @Option(
        help: """
            A warden, who may freeze accounts: @handle, an account's 64 digits, or "operators" for those who decide. May be \
            repeated. [default: none, and nobody can ever freeze anything]
            """)
    var warden: [String] = []

    @Option(name: .customLong("warden-threshold"), help: "How many wardens it takes to take something back.")
    var threshold: Int?

    @Flag(help: "Wardens may take back what a frozen account has.")
    var clawback = false

    @Option(name: .customLong("longest-freeze"), help: "Most epochs that one freeze lasts.")
    var longestFreeze: UInt32 = 7

    func rules() throws -> WardenChoice? {
        guard !warden.isEmpty else {
            guard threshold == nil, !clawback else {
                throw OperationError(.usage, "only wardens take something back: say who they are with --warden")
            }
            return nil
        }
        let accounts = warden.filter { $0 != "operators" }
        guard let threshold = threshold ?? (warden.count == 1 && accounts.count == 1 ? 1 : nil) else {
            throw OperationError(.usage, "of several wardens, say how many it takes: --warden-threshold 2")
        }
        return WardenChoice(
            accounts, areOperators: accounts.count < warden.count, threshold: threshold, hasClawback: clawback,
            maxFreezeEpochs: longestFreeze)
    }
}

extension BuzzCommand {
    struct Freeze: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "freeze",
            abstract: "Freeze an account, as a warden of the currency.",
            discussion: """
                Nothing of a frozen account becomes final through the epochs given; what was final stays, and so do its open
                holds. Everybody sees who froze whom. A freeze ends by itself and cannot be lifted before.

                EXAMPLES
                  waggle buzz freeze @thief --epochs 3 --about 41d0…
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption
        @OptionGroup var which: CurrencyOption

        @Argument(help: "@handle, an author id, or an account's 64 digits.")
        var account: String

        @Option(help: "For how many epochs. [default: as many as the charter allows]")
        var epochs: UInt32?

        @Option(help: "The post that says why.")
        var about: String?

        func run() async throws {
            let final = try await node.run(
                FreezeAccount(
                    account: signing.account, subject: account, epochs: epochs, reason: about,
                    currency: which.currency))
            if output.json { return try Terminal.json(final) }
            Terminal.print(final.order)
            Terminal.note("Final: \(account) is frozen.")
        }
    }

    /// Taking back what a frozen account has, passed from warden to warden as a file.
    struct Clawback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "clawback",
            abstract: "Take back what a frozen account has, as the wardens of the currency.",
            discussion: """
                As many wardens sign as the charter asks for: one begins a file, the others sign it, any of them sends it.
                What was passed on already is not followed. Who got it, and the wardens' names, are public.

                EXAMPLES
                  waggle buzz clawback draft back.json @thief 300 --to @owner --about 41d0…
                  waggle buzz clawback sign back.json
                  waggle buzz clawback send back.json
                """,
            subcommands: [Draft.self, Sign.self, Show.self, Send.self])

        struct Draft: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "draft", abstract: "Begin a file, and sign it as the first warden.")

            @OptionGroup var node: NodeOptions
            @OptionGroup var output: JSONOption
            @OptionGroup var signing: AccountOption
            @OptionGroup var which: CurrencyOption

            @Argument(help: "A new file.", completion: .file())
            var file: String

            @Argument(help: "Whose: @handle, an author id, or an account's 64 digits.")
            var account: String

            @Argument(help: "How much.")
            var amount: UInt64

            @Option(help: "Who gets it.")
            var to: String

            @Option(help: "The post that says why.")
            var about: String?

            func run() async throws {
                guard try PassedFile.find(file) == nil else {
                    throw OperationError(.conflict, "\(file) is there already; name a new file")
                }
                let report = try await node.run(
                    DraftClawback(
                        account: signing.account, subject: account, amount: amount, to: to, reason: about,
                        currency: which.currency))
                try Clawback.write(report, to: file, output)
            }
        }

        struct Sign: AsyncParsableCommand {
            static let configuration = CommandConfiguration(commandName: "sign", abstract: "Agree to it as a warden.")

            @OptionGroup var node: NodeOptions
            @OptionGroup var output: JSONOption
            @OptionGroup var signing: AccountOption

            @Argument(help: "The file.", completion: .file())
            var file: String

            func run() async throws {
                let document = try PassedFile.read(file)
                try Clawback.write(
                    try await node.run(SignClawback(account: signing.account, document: document)), to: file, output)
            }
        }

        struct Show: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "show", abstract: "Show what it asks for, and who signed it.")

            @OptionGroup var node: NodeOptions
            @OptionGroup var output: JSONOption

            @Argument(help: "The file.", completion: .file())
            var file: String

            func run() async throws {
                let document = try PassedFile.read(file)
                try Clawback.show(try await node.run(ShowClawback(document: document)), output)
            }
        }

        struct Send: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "send", abstract: "Do it, once enough wardens have signed.")

            @OptionGroup var node: NodeOptions
            @OptionGroup var output: JSONOption

            @Argument(help: "The file.", completion: .file())
            var file: String

            func run() async throws {
                let document = try PassedFile.read(file)
                try BuzzCommand.show(try await node.run(SendClawback(document: document)), output)
            }
        }

        private static func write(_ report: ClawbackReport, to file: String, _ output: JSONOption) throws {
            try PassedFile.write(report.document, to: file)
            try show(report, output)
        }

        private static func show(_ report: ClawbackReport, _ output: JSONOption) throws {
            if output.json { return try Terminal.json(report) }
            let symbol = Terminal.plain(report.symbol)
            Terminal.print("takes\t\(report.amount) \(symbol) from \(report.account)\ngives\tto \(report.to)")
            if let reference = report.reference { Terminal.print("about\t\(reference)") }
            for key in report.signed { Terminal.print("signed\t\(key)") }
            Terminal.note(
                report.signed.count < report.threshold
                    ? "\(report.threshold) of \(report.wardens) wardens have to sign: `waggle buzz clawback sign FILE`."
                    : "Enough wardens have signed: `waggle buzz clawback send FILE`.")
        }
    }
}
