import ArgumentParser
import Foundation
import Logging
import Node
import Operations

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look at everything that goes wrong on nodes, and say what helps.",
        discussion: """
            Works beside a running node, without one, and on a home that does not open. Each check is ok, warn or fail; those that
            are not ok come with the command that helps. --fix does what is safe: rights of files, leftovers of processes that
            were killed. Exit code 1 when a check fails.

            EXAMPLES
              waggle doctor
              waggle doctor --json | jq '.checks[] | select(.state != "ok")'
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    @Flag(help: "Do what is safe.")
    var fix = false

    @Flag(help: "Print checks that are well, too.")
    var all = false

    func run() async throws {
        let line = ProgressLine()
        var logger = Logger(label: "waggle") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .critical
        let report = await Node.diagnose(
            home: node.resolvedHome, environment: ProcessInfo.processInfo.environment, fixes: fix,
            passphrase: node.passphrase, logger: logger, progress: { line.show($0) })
        line.finish()
        if output.json {
            try Terminal.json(report)
        } else {
            tell(report)
        }
        if report.state == .fail { throw ExitCode(1) }
    }

    private func tell(_ report: DoctorReport) {
        for sentence in report.fixed { Terminal.print("fixed  \(sentence)") }
        let shown = all ? report.checks : report.checks.filter { $0.state != .ok }
        for check in shown.sorted(by: { $0.state > $1.state }) {
            let state = check.state.rawValue.padding(toLength: 6, withPad: " ", startingAt: 0)
            Terminal.print("\(state) \(check.title): \(check.detail)")
            if let fix = check.fix { Terminal.print("       \(fix)") }
        }
        Terminal.print(
            "\(report.count(.ok)) ok, \(report.count(.warn)) to look at, \(report.count(.fail)) failed"
                + (report.isServing ? "" : "; no server runs"))
    }
}
