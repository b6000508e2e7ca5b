import Accounts
import Digests
import Moderation
import WaggleProtocol

/// Appeals against what this node says of something without a case: a label that somebody here signed, and a level that a
/// moderator locked. Each has a case from then on, so that it is answered as all others are.
struct LabelAppeals {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    /// - Parameter name: the post of a label, or the number of a lock.
    /// - Returns: the case; nil when the name is neither.
    func appeal(_ name: String, _ text: String) async throws(OperationError) -> ModerationCase? {
        if let post = Hash32(hex: name) { return try await appeal(againstLabel: post, text) }
        if Self.isLock(name) { return try await appeal(againstLock: name, text) }
        return nil
    }

    private static func isLock(_ name: String) -> Bool {
        name.uppercased().hasPrefix("L-") && Int64(name.dropFirst(2)) != nil
    }

    /// A label is signed and public, and so is the appeal.
    private func appeal(againstLabel post: Hash32, _ text: String) async throws(OperationError) -> ModerationCase {
        guard let action = try await AppealDesk(context).action(post), case .label = action.said,
            context.keyring.account(of: action.keeper) != nil
        else {
            throw OperationError(
                .notFound,
                "nobody here said a label of that name; `waggle list appeal` is for what is said on other nodes")
        }
        _ = try await AppealEntry(account: context.caller?.handle ?? "me", entry: post.hex, text: text).run(in: context)
        do {
            if let item = try await context.moderation.cases(appealing: post.hex).first { return item }
        } catch {
            throw OperationError(error)
        }
        throw OperationError(.conflict, "there is one appeal against a label, within 20 days")
    }

    private func appeal(againstLock number: String, _ text: String) async throws(OperationError) -> ModerationCase {
        let context = context
        // One after another: of two at once, one is too late.
        return try await LevelDesk(context).changing {
            let lock = try await context.moderation.levelLock(number)
            guard let lock, let found = try await LevelFinder(context).found(lock.subject),
                // Whoever did not make it is told no more than that.
                context.caller.map({ found.makers.contains($0.author) }) ?? (context.guest == nil)
            else { throw OperationError(.notFound, "there is no lock \(number) on the level of something of yours") }
            let now = context.now()
            guard now < lock.when + Limits.Cases.appealSeconds,
                try await context.moderation.cases(appealing: lock.number).isEmpty
            else {
                throw OperationError(
                    .conflict, "there is one appeal against a lock, within 20 days; \(lock.number) has none left")
            }
            let decision = ModerationCase.Decision(
                action: .label, reason: "level", by: lock.by, at: lock.when, letter: "", makerLetter: lock.reason)
            return try await context.moderation.open(
                decided: decision, about: [.exact(found.subject)],
                appeal: ModerationCase.Appeal(by: context.decider, text: text, at: now, action: lock.number))
        }
    }

    /// Lifts a lock that somebody appealed against with right; one that took its place since stays.
    func unlock(_ number: String) async throws(OperationError) {
        guard Self.isLock(number) else { return }
        let context = context
        try await LevelDesk(context).changing {
            guard let lock = try await context.moderation.levelLock(number) else { return }
            _ = try await context.moderation.unlockLevel(of: lock.subject, by: context.decider, when: context.now())
        }
    }
}
