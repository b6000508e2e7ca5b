public import Digests
import FoundationEssentials
public import WaggleProtocol

/// How grave it is what a list says of something, and what a node does about it. The raw values are on the wire.
public enum Severity: UInt32, Sendable, Codable, CaseIterable, Comparable {
    /// Said, and nothing else.
    case note = 0
    case warn = 1
    /// Listed nowhere and shown to nobody; its bytes are refused to nobody who takes them in.
    case hide = 2
    /// Answers 451, and is refused wherever it comes in, until it is lifted.
    case block = 3
    /// Deleted, and refused for ever.
    case purge = 4

    public var word: String { "\(self)" }

    public init?(word: String) {
        guard let severity = Severity.allCases.first(where: { $0.word == word }) else { return nil }
        self = severity
    }

    public static var words: [String] { allCases.map(\.word) }

    public static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
}

/// On what an entry is based. Only what a person decided acts by itself on other nodes.
public enum EntryBasis: String, Sendable, Codable, CaseIterable {
    case human
    case auto
    case imported

    public init?(_ wire: WireBasis) {
        switch wire {
        case .human: self = .human
        case .auto: self = .auto
        case .imported: self = .imported
        case .unspecified, .UNRECOGNIZED: return nil
        }
    }

    public var wire: WireBasis {
        switch self {
        case .human: .human
        case .auto: .auto
        case .imported: .imported
        }
    }
}

/// The published codes of reasons. The vocabulary is open; these are the words that programs know.
public enum ReasonCode {
    public static let all = [
        "spam", "malware", "impersonation", "license", "stolen-work", "likeness", "ncii", "minor-safety", "gore",
        "hate",
        "harassment", "scam", "dmca", "court-order", "privacy", "misleading", "other",
    ]
    /// What a person in a picture may ask for: it has a deadline.
    public static let likeness: Set<String> = ["likeness", "ncii"]
    /// Never shown to anybody but whoever has to decide, and never named in public.
    public static let sealed: Set<String> = ["minor-safety"]

    /// 1 to 64 of a–z, 0–9 and -.
    public static func isValid(_ text: String) -> Bool {
        (1...Limits.Lists.codeBytes).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
    }
}

/// A list: whose it is, and its short name.
public struct ListID: Sendable, Hashable, Comparable, Codable {
    public let author: Hash32
    public let slug: String

    public init(author: Hash32, slug: String) {
        self.author = author
        self.slug = slug
    }

    /// The name of a consensus of several lists, which nobody publishes.
    public init(consensus name: String) {
        self.init(author: .zero, slug: name)
    }

    public static func < (left: ListID, right: ListID) -> Bool {
        (left.author, left.slug) < (right.author, right.slug)
    }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let author = Hash32(hex: parts[0]) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "\"\(text)\" is no list"))
        }
        self.init(author: author, slug: String(parts[1]))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode("\(author.hex)/\(slug)")
    }
}

/// What a list says of one subject: the newest of its entries for it.
public struct ListEntry: Sendable, Hashable {
    public let subject: ListSubject
    public let label: String
    public let severity: Severity
    public let reason: String
    public let basis: EntryBasis
    /// Unix seconds; 0 = for good.
    public let until: UInt64
    public let isWithdrawn: Bool
    public let caseNumber: String
    /// The post that says it, and its `created`.
    public let post: Hash32
    public let created: UInt64
    /// Said by a purge (kind 47), which nothing withdraws.
    public let isPurge: Bool

    public init(
        subject: ListSubject, label: String = "", severity: Severity, reason: String, basis: EntryBasis,
        until: UInt64 = 0, isWithdrawn: Bool = false, caseNumber: String = "", post: Hash32, created: UInt64,
        isPurge: Bool = false
    ) {
        self.subject = subject
        self.label = label
        self.severity = severity
        self.reason = reason
        self.basis = basis
        self.until = until
        self.isWithdrawn = isWithdrawn
        self.caseNumber = caseNumber
        self.post = post
        self.created = created
        self.isPurge = isPurge
    }

    /// Nil for what this version does not understand; it has no effect here.
    public init?(_ body: WireListEntry, post: Hash32, created: UInt64) {
        guard let subject = ListSubject(body.subject), let severity = Severity(rawValue: body.severity),
            let basis = EntryBasis(body.basis)
        else { return nil }
        self.init(
            subject: subject, label: body.label, severity: severity, reason: body.reason, basis: basis,
            until: body.until, isWithdrawn: body.withdrawn, caseNumber: body.caseNumber, post: post, created: created)
    }

    /// The entries that a purge stands for.
    public static func all(_ body: WirePurge, post: Hash32, created: UInt64) -> [ListEntry] {
        body.subjects.compactMap { ListSubject($0) }.map { subject in
            ListEntry(
                subject: subject, severity: .purge, reason: body.reason, basis: .human, caseNumber: body.caseNumber,
                post: post, created: created, isPurge: true)
        }
    }

    /// The number that a 451 answer names: the list's own, or one made of the post.
    public var shownCase: String { caseNumber.isEmpty ? "L-\(post.hex.prefix(10))" : caseNumber }

    public func stands(at now: UInt64) -> Bool { !isWithdrawn && (until == 0 || now < until) }
}
