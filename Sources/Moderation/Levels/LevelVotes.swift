public import Digests
public import WaggleProtocol

/// What people at home here say of the level of one thing. A value.
///
/// Keys are free, so strangers do not count, whoever follows them, and neither does its maker, who said so by publishing it. Votes only ever make
/// something harder to see: to show something to more people than its maker wanted takes a moderator.
public struct LevelVotes: Sendable, Hashable {
    /// People by level; each counts once.
    public private(set) var counts: [Level: Int]

    public init(_ counts: [Level: Int] = [:]) {
        self.counts = counts.filter { $0.value > 0 && $0.key < .blocked }
    }

    public var total: Int { counts.values.reduce(0, +) }

    /// The highest level of which enough people, and more than half of all, say that it is no milder; nil when they agree on
    /// none above PG.
    public var agreed: Level? {
        Level.allCases.reversed().first { level in
            level > .pg && isAgreed(counts.reduce(0) { $0 + ($1.key >= level ? $1.value : 0) })
        }
    }

    /// Whether people find something milder than it is shown here: for a moderator to look at.
    public func findMilder(than shown: Level) -> Bool {
        isAgreed(counts.reduce(0) { $0 + ($1.key < shown ? $1.value : 0) })
    }

    private func isAgreed(_ count: Int) -> Bool {
        count >= Limits.Levels.votes && count * 2 > total
    }
}

/// One person's word on a level, as it came.
public struct LevelVote: Sendable, Hashable {
    /// The post that says so.
    public let post: Hash32
    public let author: Hash32
    /// The subject on the wire: a file, or a post, whichever version of a thing it is.
    public let subject: ModerationSubject
    public let level: Level
    /// Unix seconds.
    public let created: UInt64
    /// What the subject is; nil while its post is not here.
    public let thing: LevelSubject?

    public init(
        post: Hash32, author: Hash32, subject: ModerationSubject, level: Level, created: UInt64, thing: LevelSubject?
    ) {
        self.post = post
        self.author = author
        self.subject = subject
        self.level = level
        self.created = created
        self.thing = thing
    }

    /// The label that says so on the wire.
    public static let label = "level"

    /// The level that a label gives a subject; nil for a label of something else, one that was withdrawn, and one that no person
    /// stands behind.
    public static func read(_ label: WireLabel) -> (subject: ModerationSubject, level: Level)? {
        guard label.label == Self.label, label.basis == .human, !label.withdrawn,
            let level = Level(word: label.value), level < .blocked,
            case .exact(let subject)? = ListSubject(label.subject)
        else { return nil }
        if case .tensors = subject { return nil }
        return (subject, level)
    }
}
