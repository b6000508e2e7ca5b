import Formats
import FoundationEssentials
public import SystemPackage
import WaggleProtocol

/// Scanners that the operator has beside those of this program, as settings name them.
public struct ScanTools: Sendable, Hashable {
    /// `scan.clamd`: where ClamAV's daemon listens.
    public var clamd: ClamdAddress?
    /// `scan.clamd_limit`: the largest file that it is asked about; its own `StreamMaxLength` has to be as large.
    public var clamdBytes: UInt64
    /// `scan.program`: a program that is handed the file.
    public var program: FilePath?

    public static let none = ScanTools(clamd: nil, clamdBytes: 0, program: nil)

    public init(clamd: ClamdAddress?, clamdBytes: UInt64, program: FilePath?) {
        self.clamd = clamd
        self.clamdBytes = clamdBytes
        self.program = program
    }

    /// - Parameter setting: the value of a setting.
    public init(_ setting: (String) -> String?) {
        clamd = setting("scan.clamd").flatMap { ClamdAddress($0) }
        clamdBytes = setting("scan.clamd_limit").flatMap { ByteSize($0)?.bytes } ?? 0
        program = setting("scan.program").flatMap { $0.isEmpty ? nil : FilePath($0) }
    }

    /// What has to look at a file anew when it changes. The number is that of the scanners of this program.
    var name: String {
        ["1", clamd.map { _ in "clamd \(clamdBytes)" }, program.map { "program \($0)" }].compactMap(\.self).joined(
            separator: ", ")
    }
}

/// `unix:/run/clamav/clamd.ctl` or `tcp:127.0.0.1:3310`.
public enum ClamdAddress: Sendable, Hashable {
    case socket(path: String)
    case port(host: String, Int)

    public init?(_ text: String) {
        if text.hasPrefix("unix:/") {
            let path = String(text.dropFirst("unix:".count))
            // What `sockaddr_un` holds.
            guard path.utf8.count < 108 else { return nil }
            self = .socket(path: path)
        } else if text.hasPrefix("tcp:"), let colon = text.lastIndex(of: ":"),
            let port = Int(text[text.index(after: colon)...]), (1...65535).contains(port)
        {
            var host = text[..<colon].dropFirst("tcp:".count)
            if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
            guard !host.isEmpty else { return nil }
            self = .port(host: String(host), port)
        } else {
            return nil
        }
    }
}

extension OperationContext {
    /// The scanners that this node asks.
    var scanTools: ScanTools { ScanTools { setting($0) } }
}
