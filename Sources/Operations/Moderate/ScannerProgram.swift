import Formats
import FoundationEssentials
import Sandbox
import SystemPackage
import WaggleProtocol

/// A scanner of the operator's own.
///
/// The contract: the program gets the file on standard input, its size in `WAGGLE_SIZE` and the form that was recognised in
/// `WAGGLE_FORMAT`. It prints one JSON object, as `waggle mod scan --json` does:
///
///     {"verdict": "safe" | "danger" | "malformed", "findings": [{"detail": "for people"}]}
///
/// and exits with 0. Anything else is a scanner that failed, and the file is not said to be safe. It runs in the sandbox: it
/// sees its own folder, `/usr` and the file; no network, nothing that it could change.
struct ScannerProgram {
    let path: FilePath

    private struct Answer: Decodable {
        struct Finding: Decodable {
            var detail: String?
            var entry: String?
        }

        let verdict: ScanVerdict
        var findings: [Finding]?
    }

    /// - Parameter file: absolute; what is looked at.
    /// - Returns: what it found; nothing when it is safe to it.
    /// - Throws: `failed`.
    func ask(_ file: FilePath, size: UInt64, format: ScannedFormat) async throws(OperationError) -> [ScanFinding] {
        guard let name = path.lastComponent, path.isAbsolute else {
            throw OperationError(.failed, "scan.program is no absolute path")
        }
        let bounds = Sandbox.Bounds(
            memory: Limits.Scan.programMemory, processorSeconds: Limits.Scan.programSeconds,
            seconds: Limits.Scan.programSeconds, fileBytes: 1 << 20, scratchBytes: 64 << 20)
        let outcome: Sandbox.Outcome
        do throws(SandboxError) {
            outcome = try await Sandbox().run(
                "sh", ["-c", "exec \"/scanner/$1\" </file 2>/dev/null", "sh", name.string],
                bindings: [
                    Sandbox.Binding(path.removingLastComponent(), as: "/scanner"), Sandbox.Binding(file, as: "/file"),
                ],
                environment: ["WAGGLE_SIZE": "\(size)", "WAGGLE_FORMAT": format.rawValue], bounds: bounds)
        } catch {
            throw trouble("\(error)")
        }
        guard outcome.exitCode == 0 else { throw trouble("it ended with \(outcome.exitCode)") }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(outcome.output.utf8)) else {
            throw trouble("it printed no verdict: \(outcome.output.prefix(120))")
        }
        if answer.verdict == .safe { return [] }
        let findings = (answer.findings ?? []).prefix(Limits.Scan.programFindings).map { finding in
            ScanFinding(
                .external, answer.verdict, entry: String((finding.entry ?? "").prefix(200)),
                "\(name): \(String((finding.detail ?? "").prefix(200)))")
        }
        return findings.isEmpty ? [ScanFinding(.external, answer.verdict, "\(name)")] : findings
    }

    private func trouble(_ why: String) -> OperationError {
        OperationError(.failed, "the scanner \(path) (scan.program) failed: \(why)")
    }
}
