/// Whether a node takes part, only shows what it has, or is closed for a while.
public enum NodeMode: String, Codable, CaseIterable, Sendable {
    case normal
    /// Pages, APIs and peers are answered; nothing is published, signed, signed up for or uploaded here.
    case readOnly = "read-only"
    /// Visitors and peers are told to come back; admins go on.
    case maintenance
}

/// The mode with what people are told.
public struct NodeStanding: Codable, Hashable, Sendable {
    public var mode: NodeMode
    /// For those who are turned away; empty for the program's own words.
    public var message: String
    /// Unix seconds; 0 when it was never another one.
    public var since: UInt64

    public init(mode: NodeMode, message: String = "", since: UInt64 = 0) {
        self.mode = mode
        self.message = message
        self.since = since
    }

    public static let normal = NodeStanding(mode: .normal)
}

/// What the operator tells everybody, above every page, until a time.
public struct Announcement: Codable, Hashable, Sendable, Identifiable {
    public let id: Int64
    /// Plain text.
    public let text: String
    /// Who wrote it: a handle, or "operator".
    public let by: String
    /// Unix seconds.
    public let created: UInt64
    /// Unix seconds; nil for as long as nobody takes it back.
    public let expires: UInt64?

    public init(id: Int64, text: String, by: String, created: UInt64, expires: UInt64?) {
        self.id = id
        self.text = text
        self.by = by
        self.created = created
        self.expires = expires
    }

    public func isInForce(at now: UInt64) -> Bool { expires.map { now < $0 } ?? true }
}

/// A setting that was chosen on a page or with `waggle config set`.
public struct ChosenSetting: Codable, Hashable, Sendable {
    public let key: String
    public let value: String
    public let by: String
    /// Unix seconds.
    public let changed: UInt64

    public init(key: String, value: String, by: String, changed: UInt64) {
        self.key = key
        self.value = value
        self.by = by
        self.changed = changed
    }
}

/// The steps of setting a node up in the browser, in their order.
public enum SetupStep: String, Codable, CaseIterable, Sendable {
    case name
    case owner
    case storage
    case people
    case content
    case federation

    public var next: SetupStep? {
        let all = Self.allCases
        return all.firstIndex(of: self).flatMap { all.indices.contains($0 + 1) ? all[$0 + 1] : nil }
    }

    public var number: Int { (Self.allCases.firstIndex(of: self) ?? 0) + 1 }
}

/// How far setting up is.
public struct SetupProgress: Hashable, Sendable {
    /// Steps that were saved or skipped.
    public var done: Set<SetupStep>
    /// Unix seconds; nil while the node listens on its own machine alone.
    public var finished: UInt64?

    public init(done: Set<SetupStep> = [], finished: UInt64? = nil) {
        self.done = done
        self.finished = finished
    }

    public var isFinished: Bool { finished != nil }

    /// The first step that nobody looked at; nil when there is none.
    public var next: SetupStep? { SetupStep.allCases.first { !done.contains($0) } }
}
