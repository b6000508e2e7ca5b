public import Digests

/// What was decided here of the level of one thing.
public enum LevelRule: Sendable, Hashable {
    /// People agreed that it is no milder than this.
    case atLeast(Level)
    /// A moderator's lock: it beats what its author and everybody else says.
    case exactly(Level)

    public var level: Level {
        switch self {
        case .atLeast(let level), .exactly(let level): level
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
    ///   - picture: the picture that it shows. A lock on the picture beats one on the post, which may show others too.
    public func level(_ declared: Level, of subject: LevelSubject?, picture: Hash32? = nil) -> Level {
        if rules.isEmpty { return declared }
        let found = [picture.map { LevelSubject.picture($0) }, subject].compactMap { $0.flatMap { rules[$0] } }
        for case .exactly(let level) in found { return level }
        return found.map(\.level).reduce(declared, max)
    }
}
