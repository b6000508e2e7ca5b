import Formats
import FoundationEssentials

/// What a creator says about a release. Fields that are left out are drafted from the file's own header.
public struct PublishRequest: Codable, Sendable {
    public struct File: Codable, Sendable {
        /// Absolute path on the node's machine.
        public var path: String
        /// What whoever brought the file says its SHA-256 is, in hexadecimal; other bytes are not signed.
        public var sha256: String?

        public init(path: String, sha256: String? = nil) {
            self.path = path
            self.sha256 = sha256
        }
    }

    /// Paths of the model's files, the primary first.
    public var files: [File]
    /// Local account that signs: "me".
    public var account: String
    public var slug: String
    public var version: String
    public var type: String?
    public var baseModel: String?
    public var name: String?
    public var description: String?
    public var triggerWords: [String]?
    public var tags: [String]?
    /// "PG" … "XXX"; nil keeps the level of a model that is published already, else PG.
    public var level: String?
    /// Absolute paths of sample images.
    public var samples: [String]
    public var realPerson: Bool?
    /// Index the files where they lie instead of copying them.
    public var inPlace: Bool
    /// What is new, in Markdown.
    public var changes: String?
    public var settings: RecommendedSettings?
    public var licence: LicenceTerms?
    /// What the release was made from.
    public var lineage: [Ancestor]
    /// URLs of plain web servers that have the files too; `{sha256}` stands for a file's hash.
    public var mirrors: [String]

    public init(
        files: [File], account: String, slug: String, version: String, type: String? = nil, baseModel: String? = nil,
        name: String? = nil, description: String? = nil, triggerWords: [String]? = nil, tags: [String]? = nil,
        level: String? = nil, samples: [String] = [], realPerson: Bool? = nil, inPlace: Bool = false,
        changes: String? = nil, settings: RecommendedSettings? = nil, licence: LicenceTerms? = nil,
        lineage: [Ancestor] = [], mirrors: [String] = []
    ) {
        self.files = files
        self.account = account
        self.slug = slug
        self.version = version
        self.type = type
        self.baseModel = baseModel
        self.name = name
        self.description = description
        self.triggerWords = triggerWords
        self.tags = tags
        self.level = level
        self.samples = samples
        self.realPerson = realPerson
        self.inPlace = inPlace
        self.changes = changes
        self.settings = settings
        self.licence = licence
        self.lineage = lineage
        self.mirrors = mirrors
    }
}

/// A release as it would be signed, for the creator to look at.
public struct ReleaseDraft: Codable, Sendable {
    public struct Field: Codable, Sendable {
        public let name: String
        public let value: String
        /// Where the value comes from: "you", "modelspec.title", "tensor names", …
        public let source: String
    }

    public struct Finding: Codable, Sendable {
        /// "note", "warning" or "error".
        public let severity: String
        public let text: String
        /// What says it on the command line; nil where no flag does.
        public let flag: String?
        /// What was looked for in a file: "leaked-path", "leaked-user-name", …; nil for what is about no file.
        public let rule: String?

        init(severity: String, text: String, flag: String? = nil) {
            self.severity = severity
            self.text = text
            self.flag = flag
            rule = nil
        }

        /// - Parameter file: what the file is called.
        init(_ found: LintFinding, of file: String) {
            severity = found.severity.rawValue
            text = "\(file): \(found.text)"
            flag = nil
            rule = found.rule.rawValue
        }
    }

    public let fields: [Field]
    public let findings: [Finding]
    /// An error among the findings: it cannot be signed like this.
    public var isRefused: Bool { refusal != nil }

    var refusal: String? {
        findings.first { $0.severity == "error" }.map { $0.text + ($0.flag.map { ": \($0)" } ?? "") }
    }
}

/// `waggle publish --json` and the reply of the API.
public struct PublishReply: Codable, Sendable {
    public struct File: Codable, Sendable {
        public let name: String
        public let sha256: String
        public let size: UInt64
        public let piecesRoot: String
        public let autov2: String
        public let autov3: String?

        enum CodingKeys: String, CodingKey {
            case name, sha256, size
            case piecesRoot = "pieces_root"
            case autov2, autov3
        }
    }

    /// Id of the signed release, in hexadecimal.
    public let release: String
    /// Id of the model post in force.
    public let model: String
    public let version: String
    public let files: [File]
    /// The release's page on this node; empty while no server runs.
    public let url: String
    /// False when the same release was published before.
    public let isNew: Bool

    enum CodingKeys: String, CodingKey {
        case release, model, version, files, url
        case isNew = "is_new"
    }
}
