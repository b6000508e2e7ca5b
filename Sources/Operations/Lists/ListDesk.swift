import BlobStore
import Catalog
import Digests
import Generation
public import Moderation
public import PostLog
import WaggleProtocol

/// Brings what lists say to the policy, and what the policy decides to where it acts.
public struct ListDesk: Sendable {
    let context: OperationContext

    public init(_ context: OperationContext) {
        self.context = context
    }

    // MARK: What lists say

    /// Reads every list of interest from the posts that are here: at a start, and when one is joined.
    public func load() async throws(OperationError) {
        let wanted = context.moderation.withPolicy { $0.wanted }
        var said: [ListID: [Said]] = [:]
        for author in Set(wanted.map(\.author)) {
            for post in try await posts(of: author) {
                for one in Said.all(post) where wanted.contains(one.list) { said[one.list, default: []].append(one) }
            }
        }
        try await change { [said] policy in
            for list in wanted {
                policy.forgetEntries(of: list)
                let all = said[list] ?? []
                for one in all where one.isPurge { one.tell(&policy) }
                for one in all where !one.isPurge { one.tell(&policy) }
            }
        }
        try await settle()
    }

    /// Posts in force of an author about lists.
    func posts(of author: Hash32) async throws(OperationError) -> [LoggedPost] {
        do {
            let index = try await context.log.index(ofAuthor: author, limit: Limits.Policy.entriesPerList * 2)
            var found: [LoggedPost] = []
            for start in stride(from: 0, to: index.count, by: 1000) {
                let ids = (start..<min(start + 1000, index.count)).map { index[$0].id }
                let posts = try await context.log.posts(ids: ids)
                found += ids.compactMap { posts[$0] }.filter { [.list, .listEntry, .purge].contains($0.kind) }
            }
            return found
        } catch {
            throw OperationError(error)
        }
    }

    /// All that is said about one list.
    func posts(of list: ListID) async throws(OperationError) -> [LoggedPost] {
        try await posts(of: list.author).filter { post in
            switch post.post.body {
            case .list: post.slot == list.slug
            case .listEntry(let body): body.list == list.slug
            case .purge(let body): body.list == list.slug
            default: false
            }
        }
    }

    /// Takes lines of the log.
    ///
    /// - Returns: lists that wanted too much at a time.
    public func follow(_ entries: [LogEntry]) async throws(OperationError) -> [ListPolicy.Braked] {
        let wanted = context.moderation.withPolicy { $0.wanted }
        guard !wanted.isEmpty else { return [] }
        var lines: [(isShown: Bool, said: Said)] = []
        for entry in entries {
            for one in Said.all(entry.post) where wanted.contains(one.list) {
                lines.append((entry.event == .shown, one))
            }
        }
        guard !lines.isEmpty else { return [] }
        try await change { [lines] policy in
            for line in lines {
                if line.isShown { line.said.tell(&policy) } else { line.said.takeBack(&policy) }
            }
        }
        return try await settle()
    }

    // MARK: Deciding

    /// Takes a decision, has automatic lists act, and carries out what comes of it.
    @discardableResult
    func decide<Result: Sendable>(
        _ body: @escaping @Sendable (inout ListPolicy) throws(PolicyError) -> Result
    ) async throws(OperationError) -> Result {
        let result = try await change(body)
        try await settle()
        return result
    }

    @discardableResult
    private func change<Result: Sendable>(
        _ body: @escaping @Sendable (inout ListPolicy) throws(PolicyError) -> Result
    ) async throws(OperationError) -> Result {
        do {
            return try await context.moderation.changePolicy(at: context.now()) { try body(&$0) }.result
        } catch let error as PolicyError {
            throw OperationError(error)
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// Has automatic lists act as far as they may, and everything show and refuse what follows.
    @discardableResult
    public func settle() async throws(OperationError) -> [ListPolicy.Braked] {
        let now = context.now()
        let candidates = context.moderation.withPolicy { $0.candidates(at: now) }
        var braked: [ListPolicy.Braked] = []
        if !candidates.isEmpty {
            let reach = try await ListReach(context).all(candidates)
            let count = try await ListReach(context).catalog()
            braked = try await change { $0.settle(at: now, catalog: count) { reach[$0] ?? .none } }
        } else {
            // What has run out acts no longer.
            try await change { _ in }
        }
        try await purge()
        try await Takedowns(context).reconcile()
        return braked
    }

    /// Deletes for good what lists may have deleted, and whatever has its tensors.
    private func purge() async throws(OperationError) {
        let moderation = context.moderation
        for (subject, effect) in moderation.listEffects.all where effect.action == .purge {
            guard case .exact(let exact) = subject, moderation.purgeRow(for: exact) == nil else { continue }
            _ = try await Takedowns(context).purge(
                PurgeOrder(
                    subjects: [exact], caseNumber: effect.entry.shownCase, reason: effect.entry.reason,
                    by: "list \(context.name(of: effect.source))", when: context.now()), deletesAdopted: false)
        }
    }
}

/// What one post says about one list.
struct Said: Sendable {
    enum What: Sendable {
        case salt([UInt8])
        case entry(ListEntry)
    }

    let list: ListID
    let what: What

    static func all(_ post: LoggedPost) -> [Said] {
        switch post.post.body {
        case .list(let body):
            return [Said(list: ListID(author: post.author, slug: post.slot), what: .salt(Array(body.salt)))]
        case .listEntry(let body):
            guard let entry = ListEntry(body, post: post.id, created: post.created) else { return [] }
            return [Said(list: ListID(author: post.author, slug: body.list), what: .entry(entry))]
        case .purge(let body):
            let list = ListID(author: post.author, slug: body.list)
            return ListEntry.all(body, post: post.id, created: post.created).map { Said(list: list, what: .entry($0)) }
        default: return []
        }
    }

    var isPurge: Bool {
        if case .entry(let entry) = what { entry.isPurge } else { false }
    }

    func tell(_ policy: inout ListPolicy) {
        switch what {
        case .salt(let salt): policy.setSalt(salt, of: list)
        case .entry(let entry): policy.take(entry, of: list)
        }
    }

    func takeBack(_ policy: inout ListPolicy) {
        if case .entry(let entry) = what { policy.drop(post: entry.post, saying: entry.subject, of: list) }
    }
}

extension OperationError {
    init(_ error: PolicyError) {
        let code: Code =
            switch error {
            case .notSubscribed, .nothingToUndo: .notFound
            case .alreadySubscribed: .conflict
            case .tooMany: .limits
            case .badConsensus: .usage
            }
        self.init(code, error.message)
    }
}
