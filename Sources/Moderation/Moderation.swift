import Synchronization
import WaggleProtocol

/// A decision to purge: everything named here gets one row under one case number.
public struct PurgeOrder: Sendable {
    public var subjects: [ModerationSubject]
    /// Nil takes the next free number of this node, "P-1" and so on.
    public var caseNumber: String?
    public var reason: String
    public var by: String
    /// Unix seconds.
    public var when: UInt64

    public init(
        subjects: [ModerationSubject], caseNumber: String? = nil, reason: String, by: String, when: UInt64
    ) {
        self.subjects = subjects
        self.caseNumber = caseNumber
        self.reason = reason
        self.by = by
        self.when = when
    }
}

/// The gate of this node: its ceiling, and what was purged here.
///
/// Purge rows are truth: they are on disk before `purge` returns and nothing takes them back. There are few of them, so
/// all are in memory too, and asking costs no disk access.
public final class Moderation: Sendable {
    /// The highest level that this node serves to anyone but its operator.
    public var ceiling: Level { highest.withLock { $0 } }
    private let highest: Mutex<Level>
    let store: PurgeStore
    private let purged: Mutex<[ModerationSubject: PurgeRow]>
    let blocked: Mutex<Blocks>
    let lists: Mutex<ListState>
    let lookalikes = Mutex(Lookalikes())
    let levels: Mutex<LevelRules>
    let deciding = Turns()
    let rating = Turns()
    /// How far a log was read for votes.
    let levelsRead = Mutex<LevelsRead?>(nil)

    /// Opens or makes the database of decisions.
    /// - Parameter path: `db/moderation.db` of the home directory.
    public init(ceiling: Level, path: String) throws(ModerationError) {
        highest = Mutex(ceiling)
        store = try PurgeStore(path: path)
        var rows: [ModerationSubject: PurgeRow] = [:]
        for row in try store.all() { rows[row.subject] = row }
        purged = Mutex(rows)
        var blocks = Blocks()
        for row in try store.blocks() { blocks.insert(row) }
        blocked = Mutex(blocks)
        levels = Mutex(try store.levelRules())
        // What the lists say comes with the posts; until then nothing of it acts.
        lists = Mutex(ListState(policy: ListPolicy(kept: try store.listDecisions()), effects: .none))
    }

    /// Another ceiling from now on, for every route.
    public func setCeiling(_ ceiling: Level) {
        highest.withLock { $0 = ceiling }
    }

    /// What catalog queries apply for this viewer.
    public func filter(for viewer: Viewer) -> ViewerFilter {
        viewer.filter(ceiling: ceiling)
    }

    /// The rule of `visible(_:_:ceiling:)` with this node's ceiling.
    public func visible(_ viewer: Viewer, _ facts: SubjectFacts) -> Visibility {
        Self.visible(viewer, facts, ceiling: ceiling)
    }

    /// Keeps a row for each subject; a subject that was purged before keeps its first row.
    /// - Returns: the rows in force for the subjects, in their order.
    public func purge(_ order: PurgeOrder) async throws(ModerationError) -> [PurgeRow] {
        guard order.subjects.count <= Limits.Moderation.subjectsPerPurge else {
            throw .limit("\(order.subjects.count) subjects in one purge, at most \(Limits.Moderation.subjectsPerPurge)")
        }
        guard order.reason.utf8.count <= Limits.Moderation.reasonBytes else {
            throw .limit("the reason has more than \(Limits.Moderation.reasonBytes) bytes")
        }
        guard order.by.utf8.count <= Limits.Text.nameBytes, (order.caseNumber ?? "").utf8.count <= Limits.Text.tagBytes,
            order.when < 1 << 53
        else { throw .limit("the name, the case number or the time is out of range") }
        let rows = try await store.append(order)
        purged.withLock { purged in
            for row in rows { purged[row.subject] = row }
        }
        return rows
    }

    /// The row of a subject that was purged here.
    public func purgeRow(for subject: ModerationSubject) -> PurgeRow? {
        purged.withLock { $0[subject] }
    }

    /// When something was purged or blocked here last, in unix seconds: what was written for everybody before may hold it.
    public var newestTakedown: UInt64? {
        let purge = purged.withLock { $0.values.lazy.map(\.when).max() }
        let block = blocked.withLock { $0.exact.values.lazy.map(\.when).max() }
        return [purge, block].compactMap(\.self).max()
    }

    /// Whether anything at all is taken down here.
    public var hasTakedowns: Bool {
        purged.withLock { !$0.isEmpty } || blocked.withLock { !$0.exact.isEmpty } || !listEffects.all.isEmpty
    }

    /// Every purge row, the earliest first.
    public var purges: [PurgeRow] {
        purged.withLock { Array($0.values) }.sorted { ($0.when, $0.caseNumber) < ($1.when, $1.caseNumber) }
    }

    /// Every subject that was purged, or is blocked or hidden here, to keep it out of lists.
    public var hiddenSubjects: Set<ModerationSubject> {
        let listed = listEffects.all.compactMap { subject, effect -> ModerationSubject? in
            guard case .exact(let exact) = subject, effect.action >= .hide else { return nil }
            return exact
        }
        return purged.withLock { Set($0.keys) }.union(blocked.withLock { Array($0.exact.keys) }).union(listed)
            .union(lookalikes.withLock { $0.hidden.keys.map { .blob($0) } })
    }
}
