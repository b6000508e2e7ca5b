public import Digests
public import Formats
import FoundationEssentials
public import WaggleProtocol

/// What a list or a label speaks about, named by hash or by a short text; its written form is `word:name`.
public enum ListSubject: Sendable, Hashable {
    /// A file, all files with its tensors, or a post.
    case exact(ModerationSubject)
    /// Pictures that look like one: at most `distance` bits of the perceptual hash differ.
    case picture(PDQHash, distance: Int)
    case author(Hash32)
    case key(Hash32)
    case node(Hash32)
    /// Lower case.
    case domain(String)
    case phrase(String)
    /// The first five bytes of a SHA-256.
    case autov2(UInt64)
    case autov3(Hash32)
    /// `ListSubject.salted(_:of:)` of a SHA-256, or of a perceptual hash: the list is no index to what it names.
    case saltedFile(Hash32)
    case saltedPicture(Hash32)

    /// Nil for a kind that this version does not know, and for hashes of another length.
    public init?(_ wire: WireModerationSubject) {
        if wire.kind == .autov2 {
            guard wire.hash.count == 5 else { return nil }
            self = .autov2(wire.hash.reduce(0) { $0 << 8 | UInt64($1) })
            return
        }
        if wire.kind == .domain || wire.kind == .phrase {
            self = wire.kind == .domain ? .domain(wire.text) : .phrase(wire.text)
            return
        }
        guard let hash = Hash32(wire.hash) else { return nil }
        switch wire.kind {
        case .file: self = .exact(.blob(hash))
        case .tensors: self = .exact(.tensors(hash))
        case .post: self = .exact(.post(hash))
        case .picture: self = .picture(PDQHash(words: hash), distance: Int(wire.distance))
        case .author: self = .author(hash)
        case .key: self = .key(hash)
        case .node: self = .node(hash)
        case .autov3: self = .autov3(hash)
        case .saltedFile: self = .saltedFile(hash)
        case .saltedPicture: self = .saltedPicture(hash)
        case .domain, .phrase, .autov2, .unspecified, .UNRECOGNIZED: return nil
        }
    }

    public var wire: WireModerationSubject {
        var wire = WireModerationSubject()
        (wire.kind, wire.hash, wire.text) = (kind, Data(), "")
        switch self {
        case .exact(let subject): wire.hash = subject.hash.data
        case .picture(let hash, let distance):
            (wire.hash, wire.distance) = (hash.words.data, UInt32(clamping: distance))
        case .author(let hash), .key(let hash), .node(let hash), .autov3(let hash), .saltedFile(let hash),
            .saltedPicture(let hash):
            wire.hash = hash.data
        case .domain(let text), .phrase(let text): wire.text = text
        case .autov2(let prefix):
            wire.hash = Data((0..<5).reversed().map { UInt8(truncatingIfNeeded: prefix >> ($0 * 8)) })
        }
        return wire
    }

    private var kind: WireSubjectKind {
        switch self {
        case .exact(.blob): .file
        case .exact(.tensors): .tensors
        case .exact(.post): .post
        case .picture: .picture
        case .author: .author
        case .key: .key
        case .node: .node
        case .domain: .domain
        case .phrase: .phrase
        case .autov2: .autov2
        case .autov3: .autov3
        case .saltedFile: .saltedFile
        case .saltedPicture: .saltedPicture
        }
    }

    // MARK: Text

    /// "file:64 digits", "phrase:words", "picture:64 digits/31": what people type and files hold.
    public var text: String {
        switch self {
        case .picture(let hash, let distance): "picture:\(hash.hex)/\(distance)"
        case .domain(let name): "domain:\(name)"
        case .phrase(let words): "phrase:\(words)"
        case .autov2: "autov2:\(Hex.encode(wire.hash))"
        default: "\(kind.slotWord ?? ""):\(Hex.encode(wire.hash))"
        }
    }

    /// Reads `text`; digits alone are a file's, and the distance of a picture may be left out.
    public init?(text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let (word, name) = parts.count == 2 ? (parts[0].lowercased(), parts[1]) : ("file", text)
        switch word {
        case "domain", "phrase":
            let plain = word == "domain" ? name.lowercased() : name
            self = word == "domain" ? .domain(plain) : .phrase(plain)
            guard (1...Limits.Lists.subjectTextBytes).contains(plain.utf8.count) else { return nil }
        case "autov2":
            guard let bytes = Hex.decode(name, count: 5) else { return nil }
            self = .autov2(bytes.reduce(0) { $0 << 8 | UInt64($1) })
        case "picture", "pdq":
            let halves = name.split(separator: "/", maxSplits: 1).map(String.init)
            let distance = halves.count == 2 ? Int(halves[1]) : Limits.Moderation.pictureDistance
            guard let hash = PDQHash(hex: halves.first ?? ""), let distance,
                (0...Limits.Moderation.pictureDistance).contains(distance)
            else { return nil }
            self = .picture(hash, distance: distance)
        default:
            guard let hash = Hash32(hex: name) else { return nil }
            switch word {
            case "file", "sha256": self = .exact(.blob(hash))
            case "tensors": self = .exact(.tensors(hash))
            case "post": self = .exact(.post(hash))
            case "author": self = .author(hash)
            case "key": self = .key(hash)
            case "node": self = .node(hash)
            case "autov3": self = .autov3(hash)
            case "salted-file": self = .saltedFile(hash)
            case "salted-picture": self = .saltedPicture(hash)
            default: return nil
            }
        }
    }

    // MARK: What may be done to it

    /// The gravest thing that may happen because of it: what only looks alike, or shares few digits, is never deleted.
    public var gravest: Severity {
        switch self {
        case .exact, .saltedFile: .purge
        default: .block
        }
    }

    /// The name that a salted list has for something.
    public static func salted(_ hash: Hash32, with salt: [UInt8]) -> Hash32 {
        SHA256.hash(salt + hash.bytes)
    }
}

extension ListSubject: Codable {
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let subject = ListSubject(text: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "\"\(text)\" is no subject"))
        }
        self = subject
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension ListSubject: Comparable {
    public static func < (left: ListSubject, right: ListSubject) -> Bool { left.text < right.text }
}
