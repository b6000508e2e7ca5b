public import Digests
public import Formats

/// What the scanners of this node said of a file, as it is kept.
public struct ScanRow: Sendable, Hashable {
    public let sha256: Hash32
    public let verdict: ScanVerdict
    public let format: ScannedFormat
    public let findings: [ScanFinding]
    /// What a picture looks like; nil for what is none, or was not decoded.
    public let picture: PDQ?
    /// Which scanners looked: "1", "1 clamd". A file is looked at again when there are others.
    public let scanner: String
    /// Unix seconds.
    public let at: UInt64

    public init(
        sha256: Hash32, verdict: ScanVerdict, format: ScannedFormat, findings: [ScanFinding], picture: PDQ? = nil,
        scanner: String, at: UInt64
    ) {
        self.sha256 = sha256
        self.verdict = verdict
        self.format = format
        self.findings = findings
        self.picture = picture
        self.scanner = scanner
        self.at = at
    }

    /// The finding that decided.
    public var worst: ScanFinding? { findings.first { $0.severity == verdict } }
}
