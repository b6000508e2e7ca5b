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
        let (reviews, spoken): ([LevelReview], [LevelSubject])
        do {
            reviews = try await context.moderation.levelReviews()
            spoken = try await context.moderation.spokenOf()
        } catch {
            throw OperationError(error)
        }
        let asked = Dictionary(reviews.map { ($0.subject, $0) }) { first, _ in first }
        var disputes: [LevelReport] = []
        for thing in reviews.map(\.subject) + spoken.filter({ asked[$0] == nil }) {
            guard let found = try await finder.found(thing) else { continue }
            disputes.append(try await finder.report(found, review: asked[thing]))
        }
        var locked: [LevelReport] = []
        for (thing, rule) in context.moderation.levelRules.rules where locked.count < Limits.Levels.shown {
            guard case .exactly = rule, let found = try await finder.found(thing) else { continue }
            locked.append(try await finder.report(found))
        }
        locked.sort { ($1.lock?.at ?? 0, $0.subject) < ($0.lock?.at ?? 0, $1.subject) }
        return LevelDisputes(disputes: disputes, locked: locked)
    }
}

/// `waggle mod level`: locks the level of something, whatever its author and everybody else says.
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
        let lock = try await LevelDesk(context).changing { [context] in
            try await context.moderation.lockLevel(of: found.thing, at: level, reason: reason, by: who, when: now)
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
        let lock = try await LevelDesk(context).changing { [context] in
            try await context.moderation.unlockLevel(of: found.thing, by: who, when: now)
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
