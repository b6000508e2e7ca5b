public import Digests
import GRDB
import Synchronization
public import WaggleProtocol

/// Lines of the log that are about levels.
public struct LevelLines: Sendable {
    public var votes: [LevelVote] = []
    /// Posts that do not stand any more.
    public var gone: [Hash32] = []
    /// Posts with a level that came.
    public var arrived: [(post: Hash32, thing: LevelSubject)] = []

    public init() {}

    public var isEmpty: Bool { votes.isEmpty && gone.isEmpty && arrived.isEmpty }
}

/// How far a log was read, and how far that is on the disk.
struct LevelsRead: Sendable {
    let log: String
    var seq: UInt64
    let noted: UInt64
}

extension Moderation {
    /// The levels that things have here, where they are not those of their authors.
    public var levelRules: LevelRules { levels.withLock { $0 } }

    /// The level that something has here, given what its author says.
    public func level(
        _ declared: Level, of subject: LevelSubject?, version: Hash32? = nil, picture: Hash32? = nil
    ) -> Level {
        levels.withLock { $0.level(declared, of: subject, version: version, picture: picture) }
    }

    /// Runs bodies that change rules one after another.
    public func changingLevels<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await rating.run(body)
    }

    /// Things that were named by their posts when reviews were, and that nobody looked up since.
    public func unplacedLevels() async throws(ModerationError) -> [LevelSubject] {
        try await store.read(LevelTables.unplaced)
    }

    /// What was said of a post is said of this from now on.
    public func placeLevels(of post: Hash32, at place: LevelSubject) async throws(ModerationError) {
        let rules = try await store.write { database in
            try LevelTables.place(database, post, at: place)
            return try LevelTables.rules(database)
        }
        levels.withLock { $0 = rules }
    }

    // MARK: Locks

    /// Locks a level: from now on it is this one, whatever author and people say.
    ///
    /// - Parameter version: the post that was looked at, of a thing with versions: the others become no milder by it.
    public func lockLevel(
        of subject: LevelSubject, at level: Level, version: Hash32? = nil, reason: String, by: String, when: UInt64
    ) async throws(ModerationError) -> LevelLock {
        guard reason.utf8.count <= Limits.Moderation.reasonBytes, by.utf8.count <= Limits.Text.nameBytes, when < 1 << 53
        else { throw .limit("the reason, the name or the time is out of range") }
        let (lock, rules) = try await store.write { database in
            let lock = try LevelTables.lock(
                database, subject, level, version: version, reason: reason, by: by, at: when)
            return (lock, try LevelTables.rules(database))
        }
        levels.withLock { $0 = rules }
        return lock
    }

    /// Lifts a lock: what people agreed on counts again.
    ///
    /// - Returns: the lock that stood; nil when there was none.
    public func unlockLevel(
        of subject: LevelSubject, by: String, when: UInt64
    ) async throws(ModerationError) -> LevelLock? {
        let (lock, rules) = try await store.write { database in
            let lock = try LevelTables.locks(database, of: subject).first
            try LevelTables.lift(database, subject, by: by, at: when)
            return (lock, try LevelTables.rules(database))
        }
        levels.withLock { $0 = rules }
        return lock
    }

    public func levelLock(of subject: LevelSubject) async throws(ModerationError) -> LevelLock? {
        try await store.read { try LevelTables.locks($0, of: subject).first }
    }

    /// Locks in force, the earliest first.
    public func levelLocks() async throws(ModerationError) -> [LevelLock] {
        try await store.read { try LevelTables.locks($0) }
    }

    /// The lock of a number, while it is in force.
    public func levelLock(_ number: String) async throws(ModerationError) -> LevelLock? {
        try await store.read { try LevelTables.locks($0).first { $0.number == number.uppercased() } }
    }

    // MARK: Reviews

    /// Keeps that somebody asks a moderator to look; who asks again says it anew.
    ///
    /// - Throws: `askedAlready` while somebody else's request stands; `limit`.
    public func askForReview(_ review: LevelReview) async throws(ModerationError) {
        guard review.text.utf8.count <= Limits.Levels.reviewBytes else {
            throw .limit("a text has at most \(Limits.Levels.reviewBytes >> 10) KiB")
        }
        try await store.write { try LevelTables.keep($0, review) }
    }

    /// What somebody asked of one thing, and nobody has answered.
    public func levelReview(of subject: LevelSubject) async throws(ModerationError) -> LevelReview? {
        try await store.read { try LevelTables.review($0, of: subject) }
    }

    /// Those that nobody has answered with a lock: everybody's first before anybody's second, the earliest first.
    public func levelReviews(limit: Int = Limits.Levels.shown) async throws(ModerationError) -> [LevelReview] {
        try await store.read { try LevelTables.reviews($0, limit: limit) }
    }

    // MARK: Votes

    /// How far a log was read for votes; what another log said is forgotten.
    public func levelSeq(log: String) async throws(ModerationError) -> UInt64 {
        if let read = levelsRead.withLock({ $0 }), read.log == log { return read.seq }
        let seq = try await store.write { database in
            let seq = try LevelTables.seq(database, log: log)
            if seq == 0 { try LevelTables.forgetVotes(database) }
            return seq
        }
        levelsRead.withLock { $0 = LevelsRead(log: log, seq: seq, noted: seq) }
        return seq
    }

    /// Takes lines of the log, once. How far it was read is noted with them; lines that say nothing are noted now and then,
    /// because reading them again costs little.
    ///
    /// - Parameter people: who counts.
    /// - Returns: what has to be counted anew.
    public func take(
        _ lines: LevelLines, by people: Set<Hash32>, log: String, upTo seq: UInt64
    ) async throws(ModerationError) -> Set<LevelSubject> {
        let noted = levelsRead.withLock { $0?.noted ?? 0 }
        if lines.isEmpty, seq < noted + Limits.Levels.linesBetweenNotes {
            levelsRead.withLock { $0?.seq = seq }
            return []
        }
        let touched = try await store.write { database in
            var touched: Set<LevelSubject> = []
            for vote in lines.votes {
                try LevelTables.keep(database, vote)
                if let thing = vote.thing, people.contains(vote.author) { touched.insert(thing) }
            }
            for post in lines.gone {
                guard let (thing, author) = try LevelTables.drop(database, post: post), people.contains(author)
                else { continue }
                touched.insert(thing)
            }
            for (post, thing) in lines.arrived where try LevelTables.arrive(database, post, as: thing) {
                touched.insert(thing)
            }
            try LevelTables.setSeq(database, log: log, seq)
            return touched
        }
        levelsRead.withLock { $0 = LevelsRead(log: log, seq: seq, noted: seq) }
        return touched
    }

    /// Posts that these people spoke of and that were not here.
    public func waitedFor(by people: Set<Hash32>) async throws(ModerationError) -> Set<Hash32> {
        try await store.read { Set(try LevelTables.waitedFor($0, by: people, limit: Limits.Levels.read)) }
    }

    /// What each of these people says of a level now, the newest first.
    ///
    /// - Parameter subject: nil for every thing that they spoke of.
    public func levelVotes(
        on subject: LevelSubject? = nil, by people: Set<Hash32>
    ) async throws(ModerationError) -> [LevelVote] {
        try await store.read { try LevelTables.votes($0, by: people, on: subject) }
    }

    /// What people agreed on when it was counted last.
    public func agreedLevels() async throws(ModerationError) -> [LevelSubject: Level] {
        try await store.read(LevelTables.agreed)
    }

    /// What people agree on from now on; nil for nothing.
    public func setAgreed(_ changes: [LevelSubject: Level?]) async throws(ModerationError) {
        if changes.isEmpty { return }
        let rules = try await store.write { database in
            for (thing, level) in changes { try LevelTables.setAgreed(database, thing, level) }
            return try LevelTables.rules(database)
        }
        levels.withLock { $0 = rules }
    }

    /// Things that these people spoke of and no lock settles, most voices first.
    public func spokenOf(
        by people: Set<Hash32>, limit: Int = Limits.Levels.read
    ) async throws(ModerationError) -> [LevelSubject] {
        try await store.read { try LevelTables.spokenOf($0, by: people, limit: limit) }
    }
}
