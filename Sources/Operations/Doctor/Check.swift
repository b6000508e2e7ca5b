/// How one thing stands.
public enum CheckState: String, Codable, Sendable, Comparable {
    case ok
    /// Works, and should be looked at.
    case warn
    /// Does not work, or will lose something.
    case fail

    public static func < (left: CheckState, right: CheckState) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .ok: 0
        case .warn: 1
        case .fail: 2
        }
    }
}

/// One line of `waggle doctor`.
public struct Check: Codable, Sendable, Hashable, Identifiable {
    /// Stable; for programs.
    public let id: String
    /// What was looked at: "Rights of keys".
    public let title: String
    public let state: CheckState
    /// What was found, in a sentence.
    public let detail: String
    /// The command that helps; nil where all is well, or where none does.
    public let fix: String?
    /// `waggle doctor --fix` does it: nothing is lost by it.
    public let isSafe: Bool

    init(
        _ id: String, _ title: String, _ state: CheckState, _ detail: String, fix: String? = nil, isSafe: Bool = false
    ) {
        self.id = id
        self.title = title
        self.state = state
        self.detail = detail
        self.fix = state == .ok ? nil : fix
        self.isSafe = isSafe && state != .ok
    }
}

/// What `waggle doctor` found.
public struct DoctorReport: Codable, Sendable {
    public let checks: [Check]
    /// What `--fix` did, in sentences.
    public let fixed: [String]
    /// A server runs on the home.
    public let isServing: Bool

    public init(checks: [Check], fixed: [String] = [], isServing: Bool) {
        self.checks = checks
        self.fixed = fixed
        self.isServing = isServing
    }

    /// The worst of all.
    public var state: CheckState { checks.map(\.state).max() ?? .ok }

    public func count(_ state: CheckState) -> Int { checks.count { $0.state == state } }
}
