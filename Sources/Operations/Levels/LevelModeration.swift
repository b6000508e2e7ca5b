import Catalog
import Digests
import FoundationEssentials
import Moderation
import WaggleProtocol

/// `waggle mod levels`: what makers ask about, what people spoke of, and what is locked.
public struct ListLevelDisputes: Operation {
    public static let name = "mod levels"

    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> LevelDisputes {
        let finder = LevelFinder(context)
        let (people, reviews, spoken, locks): (Set<Hash32>, [LevelReview], [LevelSubject], [LevelLock])
        do {
            people = try await LevelDesk(context).people()
            reviews = try await context.moderation.levelReviews()
            spoken = try await context.moderation.spokenOf(by: people)
            locks = try await context.moderation.levelLocks()
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        let asked = Dictionary(reviews.map { ($0.subject, $0) }) { first, _ in first }
        /// Of those that are here, as many as are shown together.
        func reports(_ things: [LevelSubject]) async throws(OperationError) -> [LevelReport] {
            var reports: [LevelReport] = []
            for thing in things where reports.count < Limits.Levels.shown {
                guard let found = try await finder.found(thing) else { continue }
                reports.append(try await finder.report(found, review: asked[thing], people: people))
            }
            return reports
        }
        return LevelDisputes(
            disputes: try await reports(reviews.map(\.subject)) + reports(spoken.filter { asked[$0] == nil }),
            locked: try await reports(locks.reversed().map(\.subject)))
    }
}

/// `waggle mod level`: locks the level of something, whatever its author and everybody else says. Of a thing with versions it
/// is the version that was named; a newer one becomes no milder by it.
public struct LockLevel: Operation {
    public static let name = "mod level"
    public var subject: String
    public var level: String
    public var reason: String

    public init(subject: String, level: String, reason: String = "") {
        self.subject = subject
        self.level = level
        self.reason = reason
    }

    public func run(in context: OperationContext) async throws(OperationError) -> LevelReport {
        let level = try Level(typed: level)
        let finder = LevelFinder(context)
        let found = try await finder.find(subject)
        let (reason, who, now) = (reason, context.decider, context.now())
        let desk = LevelDesk(context)
        let lock = try await desk.changing { [context] in
            let lock = try await context.moderation.lockLevel(
                of: found.thing, at: level, version: found.seen, reason: reason, by: who, when: now)
            try await desk.settle(found.thing)
            return lock
        }
        try await LevelDecision(context).log("level-lock", lock.number)
        return try await finder.report(try await finder.found(found.thing) ?? found)
    }
}

/// `waggle mod level --unlock`: what people agree on counts again.
public struct UnlockLevel: Operation {
    public static let name = "mod level unlock"
    public var subject: String

    public init(subject: String) {
        self.subject = subject
    }

    public func run(in context: OperationContext) async throws(OperationError) -> LevelReport {
        let finder = LevelFinder(context)
        let found = try await finder.find(subject)
        let (who, now) = (context.decider, context.now())
        let desk = LevelDesk(context)
        let lock = try await desk.changing { [context] in
            let lock = try await context.moderation.unlockLevel(of: found.thing, by: who, when: now)
            try await desk.settle(found.thing)
            return lock
        }
        guard let lock else {
            throw OperationError(.notFound, "its level is not locked; `waggle mod levels` shows what is")
        }
        try await LevelDecision(context).log("level-unlock", lock.number)
        return try await finder.report(try await finder.found(found.thing) ?? found)
    }
}

/// A line of the public log about a lock.
private struct LevelDecision {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    func log(_ action: String, _ number: String) async throws(OperationError) {
        do {
            try await context.moderation.log(
                DecisionLine(at: context.now(), action: action, reason: "level", subject: number, seconds: nil))
        } catch {
            throw OperationError(error)
        }
    }
}

extension LockLevel: AuditedOperation {
    public var auditSubject: String { subject }
    public var auditDetail: String { reason.isEmpty ? level : "\(level): \(reason)" }
}

extension UnlockLevel: AuditedOperation {
    public var auditSubject: String { subject }
}
