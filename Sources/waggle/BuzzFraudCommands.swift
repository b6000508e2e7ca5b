import ArgumentParser
import Foundation
import Operations

extension BuzzCommand {
    struct Fraud: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fraud",
            abstract: "Operators of currencies that are proven to lie.",
            discussion: """
                Each line is a proof that needs nobody's word: it was checked here, and a post of it tells every other node.
                With as many liars as a currency survives it goes on; with more it stops, and its operators found a new one.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var which: CurrencyOption

        func run() async throws {
            let reports = try await node.run(ListFrauds(currency: which.currency))
            if output.json { return try Terminal.json(reports) }
            if reports.isEmpty { Terminal.note("Nobody is proven to lie.") }
            for report in reports {
                Terminal.print(
                    [
                        Terminal.date(report.time), Terminal.plain(report.symbol),
                        report.operators.isEmpty
                            ? "more operators than it survives"
                            : Terminal.plain(report.operators.joined(separator: ", ")),
                        report.words, report.proof,
                    ].joined(separator: "\t"))
            }
        }
    }

    struct Operators: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "operators", abstract: "How the operators of currencies answer.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var which: CurrencyOption

        func run() async throws {
            let reports = try await node.run(ListOperators(currency: which.currency))
            if output.json { return try Terminal.json(reports) }
            if reports.isEmpty { Terminal.note("No currency of several operators is known here.") }
            for report in reports {
                Terminal.print(
                    [Terminal.plain(report.symbol), Terminal.plain(report.url), report.state, report.key]
                        .joined(separator: "\t"))
            }
        }
    }
}
