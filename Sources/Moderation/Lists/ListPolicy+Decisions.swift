import Digests
import WaggleProtocol

extension ListPolicy {
    // MARK: Subscriptions

    /// Begins to listen to a list or a consensus. Nothing acts yet but what the source may do by itself, at the next `settle`.
    ///
    /// - Parameter place: in the order of priority; nil = the last.
    public mutating func subscribe(
        _ source: ListSource, at place: Int? = nil, by who: String, now: UInt64
    ) throws(PolicyError) {
        guard self.source(source.id) == nil else { throw .alreadySubscribed }
        guard sources.count < Limits.Policy.sources else {
            throw .tooMany("a node subscribes to at most \(Limits.Policy.sources) lists")
        }
        try check(source)
        step(.subscribe, of: source.id, by: who, now: now, touching: [])
        var all = sources
        all.insert(source, at: min(max(place ?? all.count, 0), all.count))
        note(.sources(all))
    }

    /// Changes how far a source is trusted, what it has no say in, or its place.
    public mutating func change(
        _ source: ListSource, to place: Int? = nil, by who: String, now: UInt64
    ) throws(PolicyError) {
        guard let index = sources.firstIndex(where: { $0.id == source.id }) else { throw .notSubscribed }
        try check(source)
        step(.change, of: source.id, by: who, now: now, touching: [])
        var all = sources
        all.remove(at: index)
        all.insert(source, at: min(max(place ?? index, 0), all.count))
        note(.sources(all))
    }

    /// Listens no longer: nothing of what the source did is left, but for what it had deleted for good.
    public mutating func unsubscribe(_ id: ListID, by who: String, now: UInt64) throws(PolicyError) {
        guard source(id) != nil else { throw .notSubscribed }
        let subjects = Set(approvals[id].map { Array($0.keys) } ?? []).union(held[id].map { Array($0.keys) } ?? [])
        step(.unsubscribe, of: id, by: who, now: now, touching: Array(subjects))
        for subject in subjects {
            if approvals[id]?[subject] != nil { note(.approval(id, subject, nil)) }
            if held[id]?[subject] != nil { note(.held(id, subject, nil)) }
        }
        note(.sources(sources.filter { $0.id != id }))
    }

    private func check(_ source: ListSource) throws(PolicyError) {
        guard let consensus = source.consensus else { return }
        let authors = Set(consensus.lists.map(\.author))
        guard (1...Limits.Policy.consensusLists).contains(consensus.lists.count) else {
            throw .badConsensus("it counts 1 to \(Limits.Policy.consensusLists) lists")
        }
        guard (1...authors.count).contains(consensus.needed) else {
            throw .badConsensus("\(consensus.needed) of \(authors.count) authors cannot agree")
        }
    }

    // MARK: Entries

    /// Has entries act that wait.
    ///
    /// - Parameter most: the gravest that they may do; more than a block takes the source's own right to purge.
    /// - Returns: how many.
    @discardableResult
    public mutating func approve(
        _ id: ListID, _ subjects: Set<ListSubject>? = nil, most: Severity? = nil, by who: String, now: UInt64
    ) throws(PolicyError) -> Int {
        guard let source = source(id) else { throw .notSubscribed }
        let entries = waiting(id, at: now).filter { subjects?.contains($0.subject) ?? true }
        guard !entries.isEmpty else { return 0 }
        let limit = min(most ?? .purge, max(source.grant, .block))
        step(.approve, of: id, by: who, now: now, touching: entries.map(\.subject))
        for entry in entries {
            let approval = Approval(
                action: min(entry.severity, limit), severity: entry.severity, reason: entry.reason, isAutomatic: false)
            note(.approval(id, entry.subject, approval))
            if held[id]?[entry.subject] != nil { note(.held(id, entry.subject, nil)) }
        }
        return entries.count
    }

    /// Says of entries that wait that they are not to act: they do not again until the list says something else.
    @discardableResult
    public mutating func reject(
        _ id: ListID, _ subjects: Set<ListSubject>, by who: String, now: UInt64
    ) throws(PolicyError) -> Int {
        guard var source = source(id) else { throw .notSubscribed }
        let entries = waiting(id, at: now).filter { subjects.contains($0.subject) }
        guard !entries.isEmpty else { return 0 }
        source.excluded.formUnion(entries.map(\.subject))
        step(.reject, of: id, by: who, now: now, touching: [])
        note(.sources(sources.map { $0.id == id ? source : $0 }))
        return entries.count
    }

    /// Says that no list has a say in something, or that they have again.
    public mutating func setAllowed(_ subject: ListSubject, _ isAllowed: Bool) {
        if allowed.contains(subject) != isAllowed { note(.allowed(subject, isAllowed)) }
    }

    // MARK: By itself

    /// What automatic sources would have act now: whoever calls `settle` finds out how far these reach.
    public func candidates(at now: UInt64) -> Set<ListSubject> {
        var all: Set<ListSubject> = []
        for source in sources where source.mode == .automatic && !source.isShadow {
            for entry in candidates(of: source, at: now) { all.insert(entry.subject) }
        }
        return all
    }

    private func candidates(of source: ListSource, at now: UInt64) -> [ListEntry] {
        waiting(source.id, at: now).filter { entry in
            entry.basis == .human && held[source.id]?[entry.subject] != entry.post
                && (source.reasons.isEmpty || source.reasons.contains(entry.reason))
        }
    }

    /// A source that wanted too much at a time, and now waits for a person.
    public struct Braked: Sendable, Hashable {
        public let source: ListID
        /// Entries that wait, and the items here that they would have taken.
        public let entries: Int
        public let items: Int
    }

    /// Has act what automatic sources may do by themselves.
    ///
    /// A source that would newly take too many items in a day takes none of them: all of that waits for a person. Entries that
    /// are about nothing here act at once; they refuse what may come.
    ///
    /// - Parameters:
    ///   - reach: how many items here a subject is about.
    ///   - catalog: all items here.
    public mutating func settle(
        at now: UInt64, catalog: Int, reach: (ListSubject) -> Reach
    ) -> [Braked] {
        var braked: [Braked] = []
        for source in sources where source.mode == .automatic && !source.isShadow {
            let fresh = candidates(of: source, at: now)
            guard !fresh.isEmpty else { continue }
            let acting = effects(at: now)
            var hitting: [ListEntry] = []
            var others: [ListEntry] = []
            var items = 0
            for entry in fresh {
                let action = min(entry.severity, source.grant, entry.subject.gravest)
                let isNew = (acting[entry.subject]?.action ?? .note) < .hide
                let hits = action >= .hide && isNew ? reach(entry.subject).items : 0
                items += hits
                if hits > 0 { hitting.append(entry) } else { others.append(entry) }
            }
            let used = (spent[source.id] ?? []).filter { $0.at + Limits.Policy.brakeSeconds > now }
                .reduce(0) { $0 + $1.items }
            let isTooMuch = items + used > Self.brake(catalog: catalog) && items > 0
            if isTooMuch {
                for entry in hitting { note(.held(source.id, entry.subject, entry.post)) }
                braked.append(Braked(source: source.id, entries: hitting.count, items: items))
            } else {
                others += hitting
                if items > 0 { note(.spent(source.id, BrakeUse(at: now, items: items))) }
            }
            guard !others.isEmpty else { continue }
            step(.automatic, of: source.id, by: "this node", now: now, touching: others.map(\.subject))
            for entry in others {
                let approval = Approval(
                    action: min(entry.severity, source.grant), severity: entry.severity, reason: entry.reason,
                    isAutomatic: true)
                note(.approval(source.id, entry.subject, approval))
            }
        }
        return braked
    }

    /// Items that one list may newly take in a day from a catalog of so many.
    public static func brake(catalog: Int) -> Int {
        min(Limits.Policy.brakeItems, max(Limits.Policy.brakeFloor, catalog / Limits.Policy.brakeShare))
    }

    // MARK: Taking back

    /// Takes back the last decision about a source, exactly: what acted before acts again, and nothing else. What the source
    /// did by itself then waits for a person, or it would do the same again.
    ///
    /// - Returns: the decision that was taken back.
    @discardableResult
    public mutating func undo(_ id: ListID, now: UInt64) throws(PolicyError) -> PolicyStep {
        guard let step = steps.last(where: { $0.source == id }) else { throw .nothingToUndo }
        var all = sources.filter { $0.id != id }
        if let before = step.sourceBefore { all.insert(before, at: min(step.placeBefore, all.count)) }
        if all != sources { note(.sources(all)) }
        // Held marks come back with what they were about; entries that acted until now get one.
        let wasApproving = step.kind == .automatic || step.kind == .approve
        for before in step.before {
            let subject = before.subject
            if approvals[id]?[subject] != before.approval { note(.approval(id, subject, before.approval)) }
            var post = before.held.flatMap { Hash32(hex: $0) }
            if wasApproving, before.approval == nil, let source = source(id) {
                post = said(subject, by: source, at: now)?.post ?? post
            }
            if held[id]?[subject] != post { note(.held(id, subject, post)) }
        }
        note(.undone(step.number))
        return step
    }

    private mutating func step(
        _ kind: PolicyStep.Kind, of id: ListID, by who: String, now: UInt64, touching subjects: [ListSubject]
    ) {
        let before = subjects.map { subject in
            PolicyStep.Before(
                subject: subject, approval: approvals[id]?[subject], held: held[id]?[subject]?.hex)
        }
        note(
            .step(
                PolicyStep(
                    number: nextStep, at: now, by: who, kind: kind, source: id, sourceBefore: source(id),
                    placeBefore: sources.firstIndex { $0.id == id } ?? sources.count, before: before)))
    }

    // MARK: Shadow

    /// What a source would do if all that it says acted: how many items it would hide, and how many of people here.
    public struct Preview: Sendable, Hashable {
        public var entries = 0
        /// Entries that are about something here.
        public var hitting = 0
        /// Items that would be hidden, blocked or purged, and are not now.
        public var items = 0
        public var local = 0
        /// Of the entries, those that no person decided.
        public var undecided = 0
        /// Whether the brake would hold it.
        public var isBraked = false

        public init() {}
    }

    public func preview(_ id: ListID, at now: UInt64, catalog: Int, reach: (ListSubject) -> Reach) -> Preview {
        var preview = Preview()
        let acting = effects(at: now)
        for entry in waiting(id, at: now) {
            preview.entries += 1
            if entry.basis != .human { preview.undecided += 1 }
            guard min(entry.severity, entry.subject.gravest) >= .hide, (acting[entry.subject]?.action ?? .note) < .hide
            else { continue }
            let reach = reach(entry.subject)
            if reach.items > 0 { preview.hitting += 1 }
            preview.items += reach.items
            preview.local += reach.local
        }
        preview.isBraked = preview.items > Self.brake(catalog: catalog)
        return preview
    }
}
