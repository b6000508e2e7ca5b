import Digests
import WaggleProtocol

/// A line of a list's file.
public struct ListLine: Sendable, Hashable {
    public var subject: ListSubject
    public var label: String
    public var severity: Severity
    public var reason: String
    public var basis: EntryBasis
    /// Unix seconds; 0 = for good.
    public var until: UInt64
    public var caseNumber: String

    public init(
        subject: ListSubject, label: String = "", severity: Severity, reason: String, basis: EntryBasis,
        until: UInt64 = 0, caseNumber: String = ""
    ) {
        self.subject = subject
        self.label = label
        self.severity = severity
        self.reason = reason
        self.basis = basis
        self.until = until
        self.caseNumber = caseNumber
    }

    public init(_ entry: ListEntry) {
        self.init(
            subject: entry.subject, label: entry.label, severity: entry.severity, reason: entry.reason,
            basis: entry.basis, until: entry.until, caseNumber: entry.caseNumber)
    }
}

/// Why a list's file is none.
public struct ListFileError: Error, Sendable, Hashable {
    /// Counts from 1.
    public let line: Int
    public let what: String

    public var message: String { "line \(line): \(what)" }
}

/// Lists as files: CSV of our own (RFC 4180), and the domain blocks that Mastodon exports and imports.
public enum ListFile {
    static let columns = ["subject", "severity", "reason", "basis", "label", "until", "case"]
    static let mastodonColumns = [
        "#domain", "#severity", "#reject_media", "#reject_reports", "#public_comment", "#obfuscate",
    ]

    public static func csv(_ lines: [ListLine]) -> String {
        var text = row(columns)
        for line in lines {
            text += row([
                line.subject.text, line.severity.word, line.reason, line.basis.rawValue, line.label,
                line.until == 0 ? "" : "\(line.until)", line.caseNumber,
            ])
        }
        return text
    }

    /// Domains alone: block becomes `suspend`, hide `silence`, what is milder `noop`.
    public static func mastodon(_ lines: [ListLine]) -> String {
        var text = row(mastodonColumns)
        for line in lines {
            guard case .domain(let name) = line.subject else { continue }
            let word = line.severity >= .block ? "suspend" : line.severity == .hide ? "silence" : "noop"
            text += row([
                name, word, line.severity >= .hide ? "True" : "False", line.severity >= .block ? "True" : "False",
                line.reason, "False",
            ])
        }
        return text
    }

    /// Reads either form, known by its first line.
    public static func read(_ text: String) throws(ListFileError) -> [ListLine] {
        guard text.utf8.count <= Limits.Policy.importBytes else {
            throw ListFileError(line: 0, what: "more than \(Limits.Policy.importBytes >> 20) MiB")
        }
        var parser = CSVParser(text)
        guard let head = try parser.next() else { throw ListFileError(line: 1, what: "the file is empty") }
        let names = head.map { $0.lowercased() }
        let isMastodon = names.first == "#domain" || names.first == "domain"
        guard isMastodon || names.contains("subject") else {
            throw ListFileError(
                line: 1,
                what: "the first line names the columns: \(columns.joined(separator: ",")), or #domain,#severity")
        }
        var places: [String: Int] = [:]
        for (place, name) in names.enumerated() {
            places[name.hasPrefix("#") ? String(name.dropFirst()) : name] = place
        }
        var lines: [ListLine] = []
        while let fields = try parser.next() {
            func value(_ name: String) -> String {
                places[name].flatMap { fields.indices.contains($0) ? fields[$0] : nil } ?? ""
            }
            lines.append(try isMastodon ? domain(value, parser.line) : own(value, parser.line))
            guard lines.count <= Limits.Policy.entriesPerList else {
                throw ListFileError(line: parser.line, what: "more than \(Limits.Policy.entriesPerList) entries")
            }
        }
        return lines
    }

    private static func own(_ value: (String) -> String, _ number: Int) throws(ListFileError) -> ListLine {
        guard let subject = ListSubject(text: value("subject")) else {
            throw ListFileError(line: number, what: "\"\(value("subject").prefix(100))\" is no subject")
        }
        guard let severity = Severity(word: value("severity")) else {
            throw ListFileError(line: number, what: "a severity is one of \(Severity.words.joined(separator: ", "))")
        }
        let reason = value("reason").isEmpty ? "other" : value("reason")
        guard ReasonCode.isValid(reason) else {
            throw ListFileError(line: number, what: "a reason is a code of a-z, 0-9 and -")
        }
        // What somebody else decided was decided by nobody here.
        let basis = EntryBasis(rawValue: value("basis")) ?? .imported
        guard let until = value("until").isEmpty ? 0 : UInt64(value("until")), until < Limits.Post.timeEnd else {
            throw ListFileError(line: number, what: "a time is in unix seconds")
        }
        return ListLine(
            subject: subject, label: value("label"), severity: severity, reason: reason, basis: basis, until: until,
            caseNumber: value("case"))
    }

    private static func domain(_ value: (String) -> String, _ number: Int) throws(ListFileError) -> ListLine {
        guard let subject = ListSubject(text: "domain:\(value("domain"))"), subject != .domain("") else {
            throw ListFileError(line: number, what: "\"\(value("domain").prefix(100))\" is no domain")
        }
        // Names that are hidden in the export (`b*d.example`) name nobody.
        guard !value("domain").contains("*") else {
            throw ListFileError(line: number, what: "\"\(value("domain").prefix(100))\" is obfuscated")
        }
        let severity: Severity =
            switch value("severity") {
            case "suspend": .block
            case "silence", "limit": .hide
            default: .note
            }
        let comment = value("public_comment").lowercased()
        let reason = ReasonCode.all.first { comment.contains($0) } ?? "other"
        return ListLine(subject: subject, severity: severity, reason: reason, basis: .imported)
    }

    /// A field that begins like a formula is data all the same: programs that open tables would run it.
    private static func row(_ fields: [String]) -> String {
        fields.map { field in
            field.contains(where: { "\",\r\n".contains($0) })
                ? "\"\(field.replacing("\"", with: "\"\""))\"" : field
        }.joined(separator: ",") + "\n"
    }
}

/// Rows of RFC 4180: fields with commas between, in quotes where they have commas, quotes or line ends.
struct CSVParser {
    private let bytes: [UInt8]
    private var at = 0
    /// Of the row that was read last.
    private(set) var line = 0
    private var nextLine = 1

    init(_ text: String) {
        var bytes = Array(text.utf8)
        // A mark at the beginning says that it is UTF-8.
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes.removeFirst(3) }
        self.bytes = bytes
    }

    /// The next row that is not empty; nil at the end.
    mutating func next() throws(ListFileError) -> [String]? {
        while at < bytes.count {
            line = nextLine
            let fields = try row()
            if fields != [""] { return fields }
        }
        return nil
    }

    private mutating func row() throws(ListFileError) -> [String] {
        var fields: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var length = 0
        while true {
            length += 1
            guard length <= Limits.Policy.importLineBytes else {
                throw ListFileError(line: line, what: "longer than \(Limits.Policy.importLineBytes) bytes")
            }
            guard at < bytes.count else {
                guard !isQuoted else { throw ListFileError(line: line, what: "the file ends inside quotes") }
                break
            }
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\"") where isQuoted && at < bytes.count && bytes[at] == byte:
                field.append(byte)
                at += 1
            case UInt8(ascii: "\"") where isQuoted: isQuoted = false
            case UInt8(ascii: "\"") where field.isEmpty: isQuoted = true
            case UInt8(ascii: ",") where !isQuoted:
                fields.append(String(decoding: field, as: UTF8.self))
                field = []
            case UInt8(ascii: "\r") where !isQuoted: continue
            case UInt8(ascii: "\n"):
                nextLine += 1
                if isQuoted {
                    field.append(byte)
                } else {
                    return fields + [String(decoding: field, as: UTF8.self)]
                }
            default: field.append(byte)
            }
        }
        return fields + [String(decoding: field, as: UTF8.self)]
    }
}
