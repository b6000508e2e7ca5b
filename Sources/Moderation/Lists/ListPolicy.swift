public import Digests
import WaggleProtocol

/// What the lists that this node subscribed to do here. A value: given the same entries and the same decisions, two nodes
/// do the same, and the same again after a restart.
///
/// Entries are *state*: the newest of a list for a subject counts, whatever came before and in which order. What they do is
/// computed anew from entries and decisions each time, never added up, so that leaving a list leaves nothing behind.
public struct ListPolicy: Sendable {
    /// In the order of priority: the first that has an approved entry for a subject decides.
    public internal(set) var sources: [ListSource] = []
    /// What no list has a say in: the word of this node stands above all.
    public internal(set) var allowed: Set<ListSubject> = []
    /// Decisions, the earliest first.
    public internal(set) var steps: [PolicyStep] = []

    private(set) var lists: [ListID: KnownList] = [:]
    var approvals: [ListID: [ListSubject: Approval]] = [:]
    var held: [ListID: [ListSubject: Hash32]] = [:]
    var spent: [ListID: [BrakeUse]] = [:]
    private var changes: [PolicyChange] = []
    /// Numbers are never used again, undone steps included.
    private var lastStep = 0

    /// What is known of one list.
    struct KnownList: Sendable {
        var entries: [ListSubject: ListEntry] = [:]
        var purges: [ListSubject: ListEntry] = [:]
        /// Of salted subjects.
        var salt: [UInt8] = []
    }

    public init() {}

    /// The policy as it was kept. Entries come anew, from the posts that are here.
    public init(kept changes: [PolicyChange]) {
        for change in changes { keep(change) }
    }

    /// What is to be kept since this was last asked.
    public mutating func takeChanges() -> [PolicyChange] {
        defer { changes = [] }
        return changes
    }

    private mutating func keep(_ change: PolicyChange) {
        switch change {
        case .sources(let all): sources = all
        case .approval(let list, let subject, let approval): approvals[list, default: [:]][subject] = approval
        case .held(let list, let subject, let post): held[list, default: [:]][subject] = post
        case .allowed(let subject, let isAllowed):
            if isAllowed { allowed.insert(subject) } else { allowed.remove(subject) }
        case .step(let step):
            steps.append(step)
            lastStep = max(lastStep, step.number)
            if steps.count > Limits.Policy.steps { steps.removeFirst() }
        case .undone(let number): steps.removeAll { $0.number == number }
        case .spent(let list, let use):
            spent[list, default: []].append(use)
            spent[list]?.removeAll { $0.at + Limits.Policy.brakeSeconds < use.at }
        }
    }

    mutating func note(_ change: PolicyChange) {
        keep(change)
        changes.append(change)
    }

    var nextStep: Int { lastStep + 1 }

    // MARK: Entries

    /// Every list whose entries are of interest.
    public var wanted: Set<ListID> {
        var wanted: Set<ListID> = []
        for source in sources {
            if let consensus = source.consensus { wanted.formUnion(consensus.lists) } else { wanted.insert(source.id) }
        }
        return wanted
    }

    /// An entry came into force. One that is older than what is known changes nothing, so the order does not matter.
    public mutating func take(_ entry: ListEntry, of list: ListID) {
        let isKnown = lists[list]?.entries[entry.subject] != nil
        guard isKnown || (lists[list]?.entries.count ?? 0) < Limits.Policy.entriesPerList else { return }
        if entry.isPurge {
            // Of several the first, whichever came first.
            if let known = lists[list]?.purges[entry.subject],
                (known.created, known.post) <= (entry.created, entry.post)
            {
                return
            }
            lists[list, default: KnownList()].purges[entry.subject] = entry
            return
        }
        if let known = lists[list]?.entries[entry.subject], !entry.stands(before: known) { return }
        lists[list, default: KnownList()].entries[entry.subject] = entry
        // It has to be decided anew should it ever be said again. What a purge says is not taken back by that; whoever
        // reads entries again reads purges first.
        if entry.isWithdrawn, lists[list]?.purges[entry.subject] == nil { withdraw(entry.subject, of: list) }
    }

    /// The post of an entry is no longer in force: superseded, deleted, or its key was revoked.
    public mutating func drop(post: Hash32, saying subject: ListSubject, of list: ListID) {
        if lists[list]?.entries[subject]?.post == post { lists[list]?.entries[subject] = nil }
        if lists[list]?.purges[subject]?.post == post { lists[list]?.purges[subject] = nil }
    }

    /// Forgets the entries of a list that nobody here is interested in any more.
    public mutating func forgetEntries(of list: ListID) { lists[list] = nil }

    public mutating func setSalt(_ salt: [UInt8], of list: ListID) {
        lists[list, default: KnownList()].salt = salt
    }

    public func salt(of list: ListID) -> [UInt8] { lists[list]?.salt ?? [] }

    private mutating func withdraw(_ subject: ListSubject, of list: ListID) {
        // Where several lists have to agree, none of them takes back by itself what the others say.
        for source in sources
        where source.id == list && source.consensus == nil && approvals[source.id]?[subject] != nil {
            note(.approval(source.id, subject, nil))
        }
    }

    /// Everything that a list says, withdrawn entries included.
    public func entries(of list: ListID) -> [ListEntry] {
        let known = lists[list] ?? KnownList()
        return Array(known.entries.values) + Array(known.purges.values)
    }

    // MARK: What a source says

    /// What a source says of a subject now; nil when it says nothing, took it back, or has no say.
    func said(_ subject: ListSubject, by source: ListSource, at now: UInt64) -> ListEntry? {
        guard !source.excluded.contains(subject), !allowed.contains(subject) else { return nil }
        if let consensus = source.consensus { return agreed(subject, consensus, at: now) }
        return entry(subject, of: source.id, at: now)
    }

    private func entry(_ subject: ListSubject, of list: ListID, at now: UInt64) -> ListEntry? {
        // People are on no list.
        if case .author = subject { return nil }
        guard let known = lists[list] else { return nil }
        if let purge = known.purges[subject] { return purge }
        return known.entries[subject].flatMap { $0.stands(at: now) ? $0 : nil }
    }

    /// What enough lists agree on: as grave as the last of those that are needed says. Several lists of one author are one
    /// voice, and only people have one.
    private func agreed(_ subject: ListSubject, _ consensus: ListSource.Consensus, at now: UInt64) -> ListEntry? {
        var voices: [Hash32: ListEntry] = [:]
        for list in consensus.lists {
            guard let entry = entry(subject, of: list, at: now), entry.basis == .human else { continue }
            if let other = voices[list.author], other.severity >= entry.severity { continue }
            voices[list.author] = entry
        }
        guard voices.count >= consensus.needed, consensus.needed > 0 else { return nil }
        let sorted = voices.values.sorted { ($1.severity, $0.post) < ($0.severity, $1.post) }
        return sorted[consensus.needed - 1]
    }

    /// Every subject that a source says something of now.
    func subjects(of source: ListSource, at now: UInt64) -> [ListSubject] {
        var all: Set<ListSubject> = []
        for list in source.consensus?.lists ?? [source.id] {
            guard let known = lists[list] else { continue }
            all.formUnion(known.entries.keys)
            all.formUnion(known.purges.keys)
        }
        return all.filter { said($0, by: source, at: now) != nil }
    }

    // MARK: What acts

    /// All that lists do here at a time.
    public func effects(at now: UInt64) -> [ListSubject: ListEffect] {
        var effects: [ListSubject: ListEffect] = [:]
        for source in sources where !source.isShadow {
            for (subject, approval) in approvals[source.id] ?? [:] where effects[subject] == nil {
                guard let entry = said(subject, by: source, at: now), approval.covers(entry) else { continue }
                effects[subject] = ListEffect(
                    action: action(entry, approval, source), source: source.id, entry: entry)
            }
        }
        return effects
    }

    private func action(_ entry: ListEntry, _ approval: Approval, _ source: ListSource) -> Severity {
        let most = approval.isAutomatic ? min(approval.action, source.grant) : approval.action
        return min(most, entry.severity, entry.subject.gravest)
    }

    /// When something runs out next, in unix seconds; nil when nothing does.
    public func nextExpiry(after now: UInt64) -> UInt64? {
        lists.values.lazy.flatMap { $0.entries.values }.map(\.until).filter { $0 > now }.min()
    }

    /// What a source says that nobody has decided about.
    public func waiting(_ id: ListID, at now: UInt64) -> [ListEntry] {
        guard let source = source(id) else { return [] }
        return subjects(of: source, at: now).compactMap { subject in
            guard let entry = said(subject, by: source, at: now),
                approvals[id]?[subject].map({ !$0.covers(entry) }) ?? true
            else { return nil }
            return entry
        }.sorted { ($0.created, $0.post) < ($1.created, $1.post) }
    }

    public func source(_ id: ListID) -> ListSource? { sources.first { $0.id == id } }

    /// Whether an entry that waits does so because the brake or a person held it.
    public func isHeld(_ entry: ListEntry, of id: ListID) -> Bool { held[id]?[entry.subject] == entry.post }

    public func isApproved(_ subject: ListSubject, of id: ListID) -> Bool { approvals[id]?[subject] != nil }
}

extension ListEntry {
    /// Newest first; of one second the lower id, as in slots.
    func stands(before other: ListEntry) -> Bool {
        created != other.created ? created > other.created : post <= other.post
    }
}
