public import Digests
import FoundationEssentials
import GRDB
import Glibc
public import Moderation
public import PostLog
import Statements
import Synchronization

/// The read model of everything published: what pages and APIs show.
///
/// It follows the post log. Every row is computed from the posts in force, whatever order they came in, and from the few
/// facts that only this node knows (numbers, download counts; kept beside it in `local.db`). Each query takes a
/// `ViewerFilter`, which is part of its SQL: nothing that the viewer may not see is listed, counted or hinted at.
///
/// Work on the database happens on threads of its own, never on the cooperative pool.
public final class Catalog: Sendable {
    let path: String
    let local: LocalFacts
    let served: ServedDatabase
    private let applied: AppliedSequence
    private let taken: AppliedSequence
    private let filling = Mutex<Filling?>(nil)
    private let changes = Atomic<UInt64>(0)

    private var fillingPath: String { path + "-filling" }

    /// Opens or makes the catalog, and `local.db` in the same directory. A catalog of another version, or one that
    /// knows numbers that `local.db` does not (an older copy was restored), is emptied: `appliedSeq` is 0 then.
    /// - Parameter path: `db/catalog.db` of the home directory, which exists.
    public init(path: String) throws(CatalogError) {
        self.path = path
        do {
            let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
            local = try LocalFacts(path: directory + "local.db")
            Filling.remove(path + "-filling")
            let pool = try Self.open(path)
            let known = try pool.read { try CatalogSchema.state($0) }
            let nextNumber = try local.nextNumber()
            var seq: UInt64 = 0
            if let known, known.nextNumber <= nextNumber {
                seq = known.appliedSeq
            } else {
                if let known { try local.skipNumbers(below: known.nextNumber) }
                let residents = try local.residents()
                try pool.write { try Self.empty($0, residents: residents) }
            }
            (applied, taken) = (AppliedSequence(seq), AppliedSequence(seq))
            served = ServedDatabase(pool)
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    /// Bytes of the file that who reads finds in the system's memory instead of copying them, page by page, into a cache
    /// that holds a small part of a large catalog: as many as SQLite maps at most.
    private static let mappedBytes = 0x7fff_0000

    private static func open(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "catalog"
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { database in
            try database.execute(
                sql: """
                    PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;
                    PRAGMA cache_size = \(database.configuration.readonly ? -16384 : -65536);
                    PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;
                    PRAGMA mmap_size = \(database.configuration.readonly ? mappedBytes : 0)
                    """)
        }
        return try DatabasePool(path: path, configuration: configuration)
    }

    /// The sequence number of the last log entry that queries reflect.
    public var appliedSeq: UInt64 { applied.value }

    /// The sequence number of the last log entry that need not be handed over again. Greater than `appliedSeq` while a
    /// catalog is filled.
    public var takenSeq: UInt64 { taken.value }

    /// Another number after each change of what queries answer; counted from 0 since the catalog was opened.
    public var revision: UInt64 { changes.load(ordering: .acquiring) }

    private func noteChange() {
        changes.add(1, ordering: .releasing)
    }

    /// Returns when entries up to this number are applied, or the task is cancelled.
    public func waitUntilApplied(_ seq: UInt64) async {
        await applied.wait(for: seq)
    }

    /// Returns when entries up to this number are taken, or the task is cancelled.
    public func waitUntilTaken(_ seq: UInt64) async {
        await taken.wait(for: seq)
    }

    // MARK: Following

    /// Gives everything in entries that an address can name its number. May be done for the next entries while others
    /// are applied: it works on `local.db` alone.
    public func prepare(_ entries: [LogEntry]) async throws(CatalogError) -> PreparedEntries {
        do {
            return try PreparedEntries(entries, await local.allot(entries.flatMap(NumberBlock.needed)))
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    /// Applies entries in one transaction. Entries up to `appliedSeq` are skipped, so handing over a batch again is
    /// harmless; kinds that the catalog does not show only advance the number.
    ///
    /// A catalog without a line that is told that more follows is *filled*: it is built in a file beside the one that
    /// answers, which is as it was until the last batch is in. A filling that fails, or that a process did not live to
    /// end, begins again with the first line.
    /// - Parameters:
    ///   - prepared: entries in the log's order.
    ///   - seq: the number after which the entries were read. A catalog that was emptied meanwhile takes none of them.
    ///   - moreFollow: the log has further entries, which are applied next.
    public func apply(
        _ prepared: PreparedEntries, after seq: UInt64 = 0, moreFollow: Bool = false
    ) async throws(CatalogError) {
        do {
            if let filling = try beginFilling(moreFollow) {
                try await fill(filling, prepared, after: seq, isLast: !moreFollow)
            } else {
                try await follow(prepared, after: seq)
            }
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    /// Prepares entries and applies them.
    public func apply(
        _ entries: [LogEntry], after seq: UInt64 = 0, moreFollow: Bool = false
    ) async throws(CatalogError) {
        try await apply(prepare(entries), after: seq, moreFollow: moreFollow)
    }

    /// The filling that goes on, or one that begins.
    private func beginFilling(_ moreFollow: Bool) throws -> Filling? {
        try filling.withLock { filling in
            if filling == nil, moreFollow, applied.value == 0 { filling = try Filling(path: fillingPath) }
            return filling
        }
    }

    private func fill(
        _ filling: Filling, _ prepared: PreparedEntries, after seq: UInt64, isLast: Bool
    ) async throws {
        guard filling.appliedSeq >= seq else { return }
        do {
            let residents = try local.residents()
            try await filling.apply(prepared, hidden: local.hiddenSubjects, levels: local.levelRules) { database in
                try Self.empty(database, residents: residents, isFilling: true)
            }
            if isLast {
                try await filling.finish(
                    hidden: local.hiddenSubjects, levels: local.levelRules, nextNumber: local.nextNumber())
                try await serve(filling)
            }
        } catch {
            dropFilling(filling)
            throw error
        }
        guard isLast || self.filling.withLock({ $0 === filling }) else { return }
        taken.set(filling.appliedSeq)
        if isLast { applied.set(filling.appliedSeq) }
    }

    /// Puts a catalog that was filled in the place of the one that answered.
    private func serve(_ filling: Filling) async throws {
        guard self.filling.withLock({ $0 === filling }) else { return }
        try await served.exchange { [self] in
            for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
            guard rename(filling.path, path) == 0 else {
                throw CatalogError.database(path: path, reason: String(cString: strerror(errno)))
            }
            let pool = try Self.open(path)
            // Nobody changes anything now, so this is all that was said meanwhile.
            let changes = filling.takeChanges()
            try pool.write { [local] database in
                let projection = Projection(database, hidden: local.hiddenSubjects, levels: local.levelRules)
                for change in changes { try change(projection) }
                try projection.finish()
            }
            self.filling.withLock { $0 = nil }
            return pool
        }
        noteChange()
    }

    private func dropFilling(_ filling: Filling?) {
        guard let filling else { return }
        self.filling.withLock { if $0 === filling { $0 = nil } }
        Filling.remove(filling.path)
        taken.set(applied.value)
    }

    private func follow(_ prepared: PreparedEntries, after seq: UInt64) async throws {
        let seq = try await served.use { pool in
            try await pool.write { [local] database -> UInt64? in
                guard var state = try CatalogSchema.state(database), state.appliedSeq >= seq else { return nil }
                if state.isStale { try Self.empty(database, residents: try local.residents()) }
                state.isStale = false
                let projection = Projection(
                    database, allotment: prepared.allotment, hidden: local.hiddenSubjects,
                    levels: local.levelRules)
                for (entry, bodies) in zip(prepared.entries, prepared.bodies) where entry.seq > state.appliedSeq {
                    try projection.apply(entry, bodies)
                    state.appliedSeq = entry.seq
                }
                try projection.finish()
                state.nextNumber = max(state.nextNumber, prepared.allotment.nextNumber)
                try CatalogSchema.save(state, database)
                return state.appliedSeq
            }
        }
        guard let seq else { return }
        noteChange()
        taken.set(seq)
        applied.set(seq)
    }

    /// Gives back the memory that a long catching up took for pages of the database.
    public func releaseMemory() {
        served.releaseMemory()
    }

    /// Has the catalog built anew by applying the log from its start; until then queries answer as before. Numbers,
    /// download counts, residents and hidden subjects stay.
    public func reset() async throws(CatalogError) {
        do {
            dropFilling(filling.withLock { $0 })
            try await served.use { pool in
                try await pool.write { database in
                    let state = try CatalogSchema.state(database)
                    try CatalogSchema.save(
                        .init(appliedSeq: 0, nextNumber: state?.nextNumber ?? 1, isStale: true), database)
                }
            }
            noteChange()
            taken.set(0)
            applied.set(0)
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    private static func empty(_ database: Database, residents: [Hash32], isFilling: Bool = false) throws {
        try CatalogSchema.recreate(database, isFilling: isFilling)
        let projection = Projection(database, isFilling: isFilling)
        for author in residents { try projection.setResident(author, true) }
        try projection.finish()
    }

    // MARK: What this node says

    /// Whether an author is at home here, or followed by somebody who is.
    public func hasEarnedRoom(_ author: Hash32) async throws(CatalogError) -> Bool {
        try await read { database in try database.exists("SELECT 1 FROM earned WHERE author = ?", [author.data]) }
    }

    /// Authors who are at home here; not those whom they follow.
    public func residents() async throws(CatalogError) -> Set<Hash32> {
        do {
            return Set(try local.residents())
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    /// Says that an author is at home here (the operator, an account), or no longer. Residents have earned room, and so
    /// have those that they follow: what these say of a blob's level counts before what strangers say, their files come
    /// first where several releases match a hash, and they keep a handle that strangers claim too.
    public func setEarnedRoom(_ author: Hash32, _ isEarned: Bool) async throws(CatalogError) {
        do {
            try await local.setResident(author, isEarned)
            try await change { try $0.setResident(author, isEarned) }
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    /// Hides subjects from every list and count for all but the operator, or shows them again. Kept over a reset;
    /// applies to posts that arrive later too. The log hides what its author deleted; this is for what moderation
    /// decided here, such as a purged blob that a post still names.
    public func setHidden(_ subjects: [ModerationSubject], _ isHidden: Bool) async throws(CatalogError) {
        do {
            try await local.setHidden(subjects, isHidden)
            try await change { projection in
                for subject in subjects { try projection.refreshHidden(subject) }
            }
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    /// Gives things the levels that moderation says, on every shelf, and those whose rule is gone their authors'. Kept over a
    /// reset; applies to posts that arrive later too.
    public func setLevels(_ rules: LevelRules) async throws(CatalogError) {
        do {
            let changed = try await local.setLevels(rules)
            guard !changed.isEmpty else { return }
            try await change { projection in
                for subject in changed { try projection.refreshLevel(of: subject) }
            }
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    /// The levels that moderation gives things now.
    public var levelRules: LevelRules { local.levelRules }

    /// What is hidden now.
    public var hiddenSubjects: Set<ModerationSubject> { local.hiddenSubjects }

    /// The post, author or model that this node once gave a number to, whether it is shown or not.
    public func name(ofNumber number: Int32) async throws(CatalogError) -> Hash32? {
        do {
            return try await local.name(ofNumber: number)
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    /// Counts one download of a release, for good.
    public func recordDownload(_ releaseID: Int32) async throws(CatalogError) {
        do {
            let count = try await local.addDownload(releaseID)
            try await change { try $0.setDownloads(releaseID, count) }
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    private func change(_ body: @escaping Filling.Change) async throws {
        try await served.use { pool in
            try await pool.write { [local] database in
                let projection = Projection(database, hidden: local.hiddenSubjects, levels: local.levelRules)
                try body(projection)
                try projection.finish()
            }
            filling.withLock { $0 }?.later(body)
        }
        noteChange()
    }

    /// Reads from one snapshot, with typed errors.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(CatalogError) -> Value {
        do {
            return try await served.use { pool in try await pool.read(body) }
        } catch {
            throw CatalogError(error, path: path)
        }
    }
}
