import WaggleProtocol

/// What a scan says of a file.
public enum ScanVerdict: String, Sendable, Hashable, Codable {
    /// Nothing in it runs, and a reader gets what the file says it holds.
    case safe
    /// Opening it with the programs it is made for can run code, or exhausts the machine on purpose.
    case danger
    /// It is not what its form promises, so that two readers may see two files in it.
    case malformed
}

/// The container that was recognised, by bytes and never by name.
public enum ScannedFormat: String, Sendable, Hashable, Codable {
    case safetensors, gguf, pickle, zip, tar, gzip, zlib, npy, picture, program, other
    /// `torch.save` since 1.6: a ZIP archive with a pickle and storages.
    case torchArchive = "torch-archive"
    /// `torch.save` before 1.6: pickles one after another, then storages.
    case torchLegacy = "torch-legacy"
    /// A container that is refused because nobody here looks into it (7z, RAR, xz, HDF5, …).
    case unreadable
}

/// One thing that was found, and where.
public struct ScanFinding: Sendable, Hashable, Codable {
    /// What was found. The raw values are part of the API: none is ever changed.
    public enum Code: String, Sendable, Hashable, Codable {
        // Danger: pickles.
        case globalNotAllowed = "global-not-allowed"
        case computedGlobal = "computed-global"
        case extensionCode = "extension-code"
        case persistentID = "persistent-id"
        case callNotAllowed = "call-not-allowed"
        case badArguments = "bad-arguments"
        case buildOnCallable = "build-on-callable"
        case memoBomb = "memo-bomb"
        // Danger: other forms.
        case program
        case code
        case templateCode = "template-code"
        case pathEscapes = "path-escapes"
        case link
        case bomb
        // Malformed.
        case truncated
        case badOpcode = "bad-opcode"
        case stackUnderflow = "stack-underflow"
        case badMemo = "bad-memo"
        case trailingBytes = "trailing-bytes"
        case limit
        case safetensors, gguf, npy, tar, compressed, zip
        case directoryMismatch = "directory-mismatch"
        case duplicateName = "duplicate-name"
        case overlap
        case gap
        case secondDirectory = "second-directory"
        case badName = "bad-name"
        case nestedArchive = "nested-archive"
        case unreadableContainer = "unreadable-container"
        case polyglot
        case storage
        case picture
        case virus
        /// What a scanner of the operator's own found.
        case external
    }

    public let code: Code
    public let severity: ScanVerdict
    /// The file inside a container; empty for the file itself.
    public let entry: String
    /// Where, in bytes from the start of the entry.
    public let offset: UInt64
    /// For people; texts of the file are cut and escaped.
    public let detail: String

    public init(_ code: Code, _ severity: ScanVerdict, entry: String = "", at offset: UInt64 = 0, _ detail: String) {
        self.code = code
        self.severity = severity
        self.entry = entry
        self.offset = offset
        self.detail = detail
    }
}

/// All that was found in a file.
public struct FileScanReport: Sendable, Hashable, Codable {
    public var format: ScannedFormat
    public private(set) var findings: [ScanFinding] = []
    /// Findings that are not listed, because a hostile file may have millions.
    public private(set) var unlisted = 0

    public init(format: ScannedFormat) {
        self.format = format
    }

    /// A picture's perceptual hash, and how much can be told from it (0 to 100).
    public var pdq: String?
    public var quality: Int?

    /// Scanners that were to look and could not; nil when all did.
    public private(set) var unasked: [String]?

    public mutating func noteUnasked(_ why: String) { unasked = (unasked ?? []) + [why] }

    /// The worst finding decides; danger is worse than malformed.
    public private(set) var verdict: ScanVerdict = .safe

    public mutating func add(_ finding: ScanFinding) {
        if finding.severity == .danger || verdict == .safe { verdict = finding.severity }
        guard findings.count < Limits.Scan.findings else {
            unlisted += 1
            return
        }
        findings.append(finding)
    }

    public mutating func add(_ others: [ScanFinding]) {
        for finding in others { add(finding) }
    }
}

extension String {
    /// A text of a hostile file, for people: cut, and without characters that act.
    static func shown(_ bytes: some Sequence<UInt8>) -> String {
        var text = "\u{201c}"
        var count = 0
        for scalar in String(decoding: Array(bytes.prefix(200)), as: UTF8.self).unicodeScalars {
            if count == 80 {
                text += "…"
                break
            }
            count += 1
            if scalar.isASCII, scalar.value >= 0x20, scalar.value != 0x7f {
                text.unicodeScalars.append(scalar)
            } else if scalar.properties.isAlphabetic {
                text.unicodeScalars.append(scalar)
            } else {
                text += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return text + "\u{201d}"
    }
}
