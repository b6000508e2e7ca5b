import ArgumentParser
import Digests
import Formats
import Foundation
import Moderation

/// Opens cases in a home that no node has open: what a busy queue looks like.
struct ReportsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reports", abstract: "Open cases of so many reports in a home.")

    @Argument(help: "A home.")
    var home: String
    @Option(help: "Cases.")
    var count = 200

    func run() async throws {
        let moderation = try Moderation(ceiling: .xxx, path: home + "/db/moderation.db")
        let now = UInt64(Date().timeIntervalSince1970)
        for number in 0..<count {
            let subject = ListSubject.exact(.blob(SHA256.hash(Array("reported \(number)".utf8))))
            _ = try await moderation.open(
                .report, [subject],
                CaseReport(
                    reporter: "", reason: ReasonCode.all[number % ReasonCode.all.count],
                    at: now - UInt64(number) * 600, sealed: []))
        }
        print(try await moderation.openCases().count)
    }
}
