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
    public func level(_ declared: Level, of subject: LevelSubject?, picture: Hash32? = nil) -> Level {
        levels.withLock { $0.level(declared, of: subject, picture: picture) }
    }

    /// Runs bodies that change rules one after another.
    public func changingLevels<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await rating.run(body)
    }

    // MARK: Locks

    /// Locks a level: from now on it is this one, whatever author and people say.
    public func lockLevel(
        of subject: LevelSubject, at level: Level, reason: String, by: String, when: UInt64
    ) async throws(ModerationError) -> LevelLock {
        guard reason.utf8.count <= Limits.Moderation.reasonBytes, by.utf8.count <= Limits.Text.nameBytes, when < 1 << 53
        else { throw .limit("the reason, the name or the time is out of range") }
        let (lock, rules) = try await store.write { database in
            let lock = try LevelTables.lock(database, subject, level, reason: reason, by: by, at: when)
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

    // MARK: Reviews

    /// Keeps that somebody asks a moderator to look; who asks again says it anew.
    public func askForReview(_ review: LevelReview) async throws(ModerationError) {
        guard review.text.utf8.count <= Limits.Levels.reviewBytes else {
            throw .limit("a text has at most \(Limits.Levels.reviewBytes >> 10) KiB")
        }
        try await store.write { try LevelTables.keep($0, review) }
    }

    /// Those that nobody has answered with a lock, the earliest first.
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
    /// - Returns: what has to be counted anew.
    public func take(_ lines: LevelLines, log: String, upTo seq: UInt64) async throws(ModerationError)
        -> Set<LevelSubject>
    {
        let noted = levelsRead.withLock { $0?.noted ?? 0 }
        if lines.isEmpty, seq < noted + Limits.Levels.linesBetweenNotes {
            levelsRead.withLock { $0?.seq = seq }
            return []
        }
        let touched = try await store.write { database in
            var touched: Set<LevelSubject> = []
            for vote in lines.votes {
                try LevelTables.keep(database, vote)
                if let thing = vote.thing { touched.insert(thing) }
            }
            for post in lines.gone {
                if let thing = try LevelTables.drop(database, post: post) { touched.insert(thing) }
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

    /// Posts that people spoke of and that are not here.
    public func waitedFor() async throws(ModerationError) -> Set<Hash32> {
        try await store.read { Set(try LevelTables.waitedFor($0, limit: Limits.Levels.votesRead)) }
    }

    /// What each person says of a level now.
    public func levelVotes(on subject: LevelSubject) async throws(ModerationError) -> [LevelVote] {
        try await store.read { try LevelTables.votes($0, on: subject, limit: Limits.Levels.votesRead) }
    }

    /// What people agree on; nil for nothing.
    public func setAgreed(_ level: Level?, on subject: LevelSubject) async throws(ModerationError) {
        let rules = try await store.write { database in
            try LevelTables.setAgreed(database, subject, level)
            return try LevelTables.rules(database)
        }
        levels.withLock { $0 = rules }
    }

    /// Things that people spoke of and nobody locked, most voices first.
    public func spokenOf(limit: Int = Limits.Levels.shown) async throws(ModerationError) -> [LevelSubject] {
        try await store.read { try LevelTables.spokenOf($0, limit: limit) }
    }

    public func everySpokenOf() async throws(ModerationError) -> [LevelSubject] {
        try await store.read(LevelTables.everySpokenOf)
    }
}
