import Accounts
import Digests
import Moderation
import WaggleProtocol

/// Tells people at home here of cases: moderators of what is due, makers of what was decided about theirs.
public struct CaseNews: Sendable {
    private let context: OperationContext

    public init(_ context: OperationContext) {
        self.context = context
    }

    /// Each moderator, once for each step of urgency.
    public func tellModerators(of line: CaseLine) async throws(OperationError) {
        let now = context.now()
        try await tell { account in
            guard account.role.scopes.contains(.moderate) else { return nil }
            return NewNotification(
                for: account.author, .caseDue, key: "\(line.number) \(line.urgency)", detail: line.number, created: now)
        }
    }

    /// Whoever made it: what was decided, and that there is one appeal. Never who asked.
    func tellMakers(_ makers: Set<Hash32>, of item: ModerationCase, at now: UInt64) async throws(OperationError) {
        try await tell { account in
            guard makers.contains(account.author) else { return nil }
            return NewNotification(
                for: account.author, .decision, key: "\(item.number) \(now)", detail: item.number, created: now)
        }
    }

    /// Whoever made something that is shown at another level than under these rules: what it is now.
    func tellMakers(ofLevelsThatChangedSince before: LevelRules) async throws(OperationError) {
        let after = context.moderation.levelRules
        let changed = Set(before.rules.keys).union(after.rules.keys).filter { before[$0] != after[$0] }
        for thing in changed {
            guard let found = try await LevelFinder(context).found(thing),
                found.level(under: before) != found.level(under: after)
            else { continue }
            let (now, word) = (context.now(), found.level(under: after).word)
            let about = ListSubject.exact(found.subject).text
            try await tell { account in
                guard found.makers.contains(account.author) else { return nil }
                return NewNotification(
                    for: account.author, .level, key: "\(thing.text) \(word) \(now)", detail: "\(word) \(about)",
                    created: now)
            }
        }
    }

    /// Whoever reported something that was taken down.
    func thank(_ handles: Set<String>, for item: ModerationCase, at now: UInt64) async throws(OperationError) {
        try await tell { account in
            guard handles.contains(account.handle) else { return nil }
            return NewNotification(
                for: account.author, .reportAccepted, key: item.number, detail: item.number, created: now)
        }
    }

    private func tell(_ body: (Account) -> NewNotification?) async throws(OperationError) {
        do {
            let news = try await context.accounts.all().filter { $0.state == .active }.compactMap(body)
            if !news.isEmpty { try await context.accounts.tell(news) }
        } catch {
            throw OperationError(error)
        }
    }
}

/// A decision as whoever made what it is about sees it: why, what was written, and the one appeal.
public struct ShowOwnCase: Operation {
    public static let name = "mod own"
    public var number: String

    public init(number: String) {
        self.number = number
    }

    public struct Reply: Codable, Sendable {
        public let number: String
        public let reason: String
        /// "keep", "block" or "purge"; nil when it was taken back.
        public let decision: String?
        public let decidedAt: UInt64
        public let letter: String
        public let canAppeal: Bool
        /// "upheld" or "rejected"; nil while nobody has answered.
        public let outcome: String?
        public let hasAppealed: Bool
        public let answer: String?
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let desk = CaseDesk(context)
        let item = try await desk.find(number)
        try await AppealCase.check(item, number, secret: nil, context)
        guard let decision = item.decision else {
            throw OperationError(.notFound, "there is no case \(number) about something of yours")
        }
        return Reply(
            number: item.number, reason: decision.reason,
            decision: decision.undone == nil ? decision.action.rawValue : nil, decidedAt: decision.at,
            letter: decision.makerLetter ?? "", canAppeal: CaseClock(now: context.now()).canAppeal(item),
            outcome: item.appeal?.outcome, hasAppealed: item.appeal != nil, answer: item.appeal?.answer)
    }
}
