import Accounts
import Digests
import Identity
import Moderation
import PostLog
import WaggleProtocol

extension OperationContext {
    /// A list as it stands here.
    func report(of list: ListID, head: WireModerationList?, entries: Int) -> ListReport {
        let now = now()
        let subscription = moderation.withPolicy { policy -> ListReport.Subscription? in
            guard let source = policy.source(list), let place = policy.sources.firstIndex(where: { $0.id == list })
            else { return nil }
            let waiting = policy.waiting(list, at: now)
            return ListReport.Subscription(
                place: place + 1, mode: source.mode.rawValue, grant: source.grant.word, reasons: source.reasons,
                isShadow: source.isShadow, excluded: source.excluded.map(\.text).sorted(),
                acting: policy.effects(at: now).values.count { $0.source == list }, waiting: waiting.count,
                held: waiting.count { policy.isHeld($0, of: list) },
                lists: source.consensus?.lists.map { name(of: $0) }, needed: source.consensus?.needed)
        }
        return ListReport(
            list: name(of: list), keeper: list.author == .zero ? "" : AuthorID.text(list.author),
            name: head?.name ?? "", purpose: head?.purpose ?? "", version: head?.version ?? 0, entries: entries,
            isOwn: keyring.authors.contains(list.author), subscription: subscription)
    }

    fileprivate func reply(_ list: ListID, _ entries: Int) -> ListDecisionReply {
        let report = report(of: list, head: nil, entries: 0)
        return ListDecisionReply(
            list: report.list, entries: entries, acting: report.subscription?.acting ?? 0,
            waiting: report.subscription?.waiting ?? 0)
    }
}

/// `waggle list ls`: lists of people here, and those that this node listens to.
public struct ListLists: Operation {
    public static let name = "list ls"
    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [ListReport] {
        var found: [ListID: (head: WireModerationList?, entries: Int)] = [:]
        let sources = context.moderation.withPolicy { $0.sources.map(\.id) }
        let desk = ListDesk(context)
        let now = context.now()
        for author in Set(context.keyring.authors + sources.map(\.author)) where author != .zero {
            for post in try await desk.posts(of: author) {
                switch post.post.body {
                case .list(let body): found[ListID(author: author, slug: post.slot), default: (nil, 0)].head = body
                case .listEntry:
                    for case (let list, .entry(let entry)) in Said.all(post).map({ ($0.list, $0.what) })
                    where entry.stands(at: now) { found[list, default: (nil, 0)].entries += 1 }
                default: break
                }
            }
        }
        let own = found.keys.filter { context.keyring.authors.contains($0.author) && !sources.contains($0) }.sorted()
        return (sources + own).map { context.report(of: $0, head: found[$0]?.head, entries: found[$0]?.entries ?? 0) }
    }
}

/// `waggle list show`: a list with its entries, and what it would do.
public struct ShowList: Operation {
    public static let name = "list show"
    public var list: String
    /// Only what waits for a person.
    public var waitingOnly: Bool
    /// Entries at most.
    public var limit: Int

    public init(list: String, waitingOnly: Bool = false, limit: Int = 200) {
        self.list = list
        self.waitingOnly = waitingOnly
        self.limit = limit
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ListDetails {
        let id = try await ListNames(context).list(list)
        let now = context.now()
        var head: WireModerationList?
        var entries: [ListEntry] = []
        if id.author != .zero {
            for post in try await ListDesk(context).posts(of: id) {
                if case .list(let body) = post.post.body { head = body }
                for case .entry(let entry) in Said.all(post).map(\.what) { entries.append(entry) }
            }
        }
        let policy = context.moderation.withPolicy { $0 }
        let source = policy.source(id)
        guard head != nil || !entries.isEmpty || source != nil else {
            throw OperationError(.notFound, "nothing of a list \(list) is here; is its keeper known to a peer?")
        }
        let waiting = policy.waiting(id, at: now)
        if source?.consensus != nil { entries = waiting }
        let waitingPosts = Set(waiting.map(\.post))
        let effects = policy.effects(at: now)
        var lines: [ListEntryReport] = []
        for entry in entries.sorted(by: { ($1.created, $1.post) < ($0.created, $0.post) }) {
            let effect = effects[entry.subject].flatMap { $0.source == id ? $0 : nil }
            let isWaiting = waitingPosts.contains(entry.post)
            let state =
                entry.isWithdrawn
                ? "withdrawn"
                : !entry.stands(at: now)
                    ? "expired"
                    : effect != nil
                        ? "acting" : isWaiting ? (policy.isHeld(entry, of: id) ? "held" : "waiting") : "listed"
            if waitingOnly && !isWaiting { continue }
            lines.append(ListEntryReport(entry, state: state, action: effect?.action))
        }
        var preview: ListPreview?
        if source != nil {
            let reach = try await ListReach(context).all(Set(waiting.map(\.subject)))
            let count = try await ListReach(context).catalog()
            preview = ListPreview(policy.preview(id, at: now, catalog: count) { reach[$0] ?? .none })
        }
        return ListDetails(
            list: context.report(of: id, head: head, entries: entries.count { $0.stands(at: now) }),
            entries: Array(lines.prefix(max(0, limit))), preview: preview,
            steps: policy.steps.filter { $0.source == id }.reversed().map(ListStepReport.init))
    }
}

/// `waggle list subscribe`: listens to a list, or changes how.
public struct SubscribeList: Operation {
    public static let name = "list subscribe"
    public var list: String
    public var mode: String?
    public var grant: String?
    public var reasons: [String]?
    public var isShadow: Bool?
    /// 1 is asked first.
    public var place: Int?
    /// Of a consensus.
    public var lists: [String]
    public var needed: Int?

    public init(
        list: String, mode: String? = nil, grant: String? = nil, reasons: [String]? = nil, isShadow: Bool? = nil,
        place: Int? = nil, lists: [String] = [], needed: Int? = nil
    ) {
        self.list = list
        self.mode = mode
        self.grant = grant
        self.reasons = reasons
        self.isShadow = isShadow
        self.place = place
        self.lists = lists
        self.needed = needed
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ListDecisionReply {
        let id = try await ListNames(context).list(list)
        let known = context.moderation.withPolicy { $0.source(id) }
        var source = known ?? ListSource(id: id)
        if let mode {
            guard let mode = ListMode(rawValue: mode) else {
                throw OperationError(.usage, "a mode is draft or automatic")
            }
            source.mode = mode
        }
        if let grant {
            guard let grant = Severity(word: grant) else {
                throw OperationError(.usage, "a grant is one of \(Severity.words.joined(separator: ", "))")
            }
            source.grant = grant
        }
        if let reasons {
            guard reasons.allSatisfy(ReasonCode.isValid) else {
                throw OperationError(.usage, "reasons are codes such as likeness")
            }
            source.reasons = reasons
        }
        if let isShadow { source.isShadow = isShadow }
        if id.author == .zero {
            var members: [ListID] = []
            for name in lists { members.append(try await ListNames(context).list(name)) }
            if !members.isEmpty { source.consensus = .init(lists: members, needed: needed ?? members.count) }
            guard source.consensus != nil else {
                throw OperationError(.usage, "name the lists that a consensus counts, with --of")
            }
        }
        let chosen = source
        let (place, who, now) = (place.map { $0 - 1 }, context.decider, context.now())
        let desk = ListDesk(context)
        try await desk.decide { policy throws(PolicyError) in
            if known == nil {
                try policy.subscribe(chosen, at: place, by: who, now: now)
            } else {
                try policy.change(chosen, to: place, by: who, now: now)
            }
        }
        try await desk.load()
        return context.reply(id, 0)
    }
}

/// `waggle list unsubscribe`: nothing of what the list did is left, but for what it had deleted.
public struct UnsubscribeList: Operation {
    public static let name = "list unsubscribe"
    public var list: String

    public init(list: String) {
        self.list = list
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ListDecisionReply {
        let id = try await ListNames(context).list(list)
        let acted = context.reply(id, 0).acting
        let (who, now) = (context.decider, context.now())
        try await ListDesk(context).decide { policy throws(PolicyError) in
            try policy.unsubscribe(id, by: who, now: now)
        }
        return context.reply(id, acted)
    }
}

/// `waggle list approve` and `reject`: decides about entries that wait.
public struct DecideListEntries: Operation {
    public static let name = "list decide"
    public var list: String
    /// Empty = all that wait.
    public var subjects: [String]
    public var isApproved: Bool
    /// The gravest that approved entries may do.
    public var most: String?

    public init(list: String, subjects: [String] = [], isApproved: Bool, most: String? = nil) {
        self.list = list
        self.subjects = subjects
        self.isApproved = isApproved
        self.most = most
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ListDecisionReply {
        let id = try await ListNames(context).list(list)
        let most = most.map { Severity(word: $0) }
        if case .some(nil) = most {
            throw OperationError(.usage, "an action is one of \(Severity.words.joined(separator: ", "))")
        }
        let (who, now, isApproved) = (context.decider, context.now(), isApproved)
        let waiting = context.moderation.withPolicy { $0.waiting(id, at: now) }
        var named: Set<ListSubject>?
        if !subjects.isEmpty {
            let names = Set(subjects)
            let found = waiting.filter {
                names.contains($0.subject.text) || names.contains($0.post.hex) || names.contains($0.shownCase)
                    || names.contains($0.subject.wire.hash.isEmpty ? "" : Hex.encode($0.subject.wire.hash))
            }
            guard !found.isEmpty else {
                throw OperationError(
                    .notFound, "none of these waits on \(list); `waggle list show \(list) --waiting` shows what does")
            }
            named = Set(found.map(\.subject))
        }
        let chosen = named
        let all = chosen ?? Set(waiting.map(\.subject))
        let count = try await ListDesk(context).decide { policy throws(PolicyError) -> Int in
            if isApproved { return try policy.approve(id, chosen, most: most ?? nil, by: who, now: now) }
            return try policy.reject(id, all, by: who, now: now)
        }
        return context.reply(id, count)
    }
}

/// `waggle list undo`: takes back the last decision about a list, exactly.
public struct UndoList: Operation {
    public static let name = "list undo"
    public var list: String

    public init(list: String) {
        self.list = list
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ListStepReport {
        let id = try await ListNames(context).list(list)
        let now = context.now()
        let desk = ListDesk(context)
        // How far a list is trusted is for admins to say, and so is taking that back.
        let last = context.moderation.withPolicy { $0.steps.last { $0.source == id }?.kind }
        if let caller = context.caller, caller.role != .admin, let last,
            [.subscribe, .change, .unsubscribe].contains(last)
        {
            throw OperationError(
                .auth, "the last decision about \(list) is \"\(last.rawValue)\": an admin takes it back")
        }
        let step = try await desk.decide { policy throws(PolicyError) in try policy.undo(id, now: now) }
        // It may be listened to again.
        try await desk.load()
        return ListStepReport(step)
    }
}

/// `waggle list allow`: says that no list has a say in something, or that they have again.
public struct AllowSubjects: Operation {
    public static let name = "list allow"
    public var subjects: [String]
    public var isAllowed: Bool

    public init(subjects: [String], isAllowed: Bool) {
        self.subjects = subjects
        self.isAllowed = isAllowed
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [String] {
        var named: Set<ListSubject> = []
        for text in subjects { named.formUnion(try await ListSubjects(context).read(text)) }
        let (all, isAllowed) = (named, isAllowed)
        try await ListDesk(context).decide { policy throws(PolicyError) in
            for subject in all { policy.setAllowed(subject, isAllowed) }
        }
        return all.map(\.text).sorted()
    }
}
