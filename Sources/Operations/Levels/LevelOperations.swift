import Accounts
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// `waggle level`: the level of something, and what people say of it.
public struct ShowLevel: Operation {
    public static let name = "level show"
    /// A picture's hash or address, `@maker/name`, the id of a post, or "file:…" and "post:…".
    public var subject: String

    public init(_ subject: String) {
        self.subject = subject
    }

    public func run(in context: OperationContext) async throws(OperationError) -> LevelReport {
        let finder = LevelFinder(context)
        let found = try await finder.find(subject)
        let report = try await finder.report(found)
        guard report.isOwn || context.mayModerate else { return report }
        do {
            let review = try await context.moderation.levelReview(of: found.thing)
            return try await finder.report(found, review: review)
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

/// `waggle level --vote`: says what the level of something should be, or takes that back.
public struct VoteLevel: Operation {
    public static let name = "level vote"
    public var account: String
    public var subject: String
    /// Nil takes back what was said.
    public var level: String?

    /// Versions of a thing of which one person may have spoken before.
    private static let versions = 16

    public init(account: String, subject: String, level: String?) {
        self.account = account
        self.subject = subject
        self.level = level
    }

    public func run(in context: OperationContext) async throws(OperationError) -> LevelReport {
        let level = try self.level.map { text throws(OperationError) in try Level(typed: text) }
        let finder = LevelFinder(context)
        let found = try await finder.find(subject)
        let posting = try Posting(context, as: account)
        guard !found.makers.contains(posting.signer.author) else {
            throw OperationError(
                .conflict,
                "this is your own: what you say of it is its level; ask for a review if you find it wrong here")
        }
        let desk = LevelDesk(context)
        if let level {
            try await say(level, of: found.subject, posting)
        } else {
            // Of an older version too: it must not count again when the newer word is gone.
            for _ in 0..<Self.versions {
                guard let vote = try await standing(on: found.thing, by: posting.signer.author, context) else { break }
                try await say(nil, of: vote.subject, posting)
                try await desk.catchUp()
            }
        }
        try await desk.catchUp()
        // What was rated out of one's own sight is told of once more.
        guard let after = try await finder.found(found.thing) else { return try await finder.report(found) }
        return try await finder.report(after)
    }

    private func standing(
        on thing: LevelSubject, by author: Hash32, _ context: OperationContext
    ) async throws(OperationError) -> LevelVote? {
        do {
            return try await context.moderation.levelVotes(on: thing, by: [author]).first
        } catch {
            throw OperationError(error)
        }
    }

    private func say(
        _ level: Level?, of subject: ModerationSubject, _ posting: Posting
    ) async throws(OperationError) {
        var label = WireLabel()
        label.subject = ListSubject.exact(subject).wire
        label.label = LevelVote.label
        label.value = level?.word ?? ""
        label.basis = .human
        label.withdrawn = level == nil
        guard let name = label.subject.slotName else { return }
        _ = try await posting.replace(.label, slot: "\(name) \(LevelVote.label)", with: .label(label))
    }
}

/// `waggle level --review`: whoever made something asks a moderator to look at its level.
public struct AskLevelReview: Operation {
    public static let name = "level review"
    public var subject: String
    public var text: String

    public init(subject: String, text: String) {
        self.subject = subject
        self.text = text
    }

    public func run(in context: OperationContext) async throws(OperationError) -> LevelReport {
        let finder = LevelFinder(context)
        let found = try await finder.find(subject)
        let report = try await finder.report(found)
        guard report.isOwn else {
            throw OperationError(.auth, "only its maker asks for a review; say what its level should be instead")
        }
        guard !text.isEmpty, text.utf8.count <= Limits.Levels.reviewBytes else {
            throw OperationError(.usage, "say why, in at most \(Limits.Levels.reviewBytes >> 10) KiB")
        }
        let review = LevelReview(subject: found.thing, by: context.decider, text: text, when: context.now())
        do {
            try await context.moderation.askForReview(review)
        } catch {
            throw OperationError(error)
        }
        return try await finder.report(found, review: review)
    }
}
