public import Digests

/// What was decided here of the level of one thing.
public enum LevelRule: Sendable, Hashable {
    /// People agreed that it is no milder than this.
    case atLeast(Level)
    /// A moderator's lock: it beats what its author and everybody else says.
    case exactly(Level)
    /// A moderator's lock on a thing with versions: it is exactly this in the version that they looked at (by its post), and
    /// no milder than `others` in every other one, which its maker may fill with anything.
    case judged(Level, version: Hash32, others: Level)

    /// What a moderator says of one version; nil where none did.
    ///
    /// - Parameter version: its post; nil where that is not known, which is no version that anybody looked at.
    func locked(_ version: Hash32?) -> Level? {
        switch self {
        case .atLeast: nil
        case .exactly(let level): level
        case .judged(let level, let judged, _): judged == version ? level : nil
        }
    }

    /// What no version without a moderator's word is milder than.
    var floor: Level {
        switch self {
        case .atLeast(let level), .exactly(let level), .judged(_, _, let level): level
        }
    }
}

/// The levels that things have here, as far as they are not those that their authors gave them. A value: pages, lists, counts,
/// bytes and what peers are offered all ask the same one.
public struct LevelRules: Sendable, Hashable {
    public private(set) var rules: [LevelSubject: LevelRule]

    public init(_ rules: [LevelSubject: LevelRule] = [:]) {
        self.rules = rules
    }

    public var isEmpty: Bool { rules.isEmpty }

    public subscript(_ subject: LevelSubject) -> LevelRule? {
        get { rules[subject] }
        set { rules[subject] = newValue }
    }

    /// The level that something has here.
    ///
    /// - Parameters:
    ///   - declared: what its author says.
    ///   - subject: the thing whose level it is; nil where there is none but the picture.
    ///   - version: the post that says so, of a thing with versions.
    ///   - picture: the picture that it shows. A lock on the picture beats one on the post, which may show others too.
    public func level(
        _ declared: Level, of subject: LevelSubject?, version: Hash32? = nil, picture: Hash32? = nil
    ) -> Level {
        if rules.isEmpty { return declared }
        let found = [picture.map { LevelSubject.picture($0) }, subject].compactMap { $0.flatMap { rules[$0] } }
        if let locked = found.lazy.compactMap({ $0.locked(version) }).first { return locked }
        return found.map(\.floor).reduce(declared, max)
    }
}
