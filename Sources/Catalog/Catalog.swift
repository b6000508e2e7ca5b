public import Digests
import FoundationEssentials
import GRDB
public import Moderation
public import PostLog
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
    let pool: DatabasePool
    let local: LocalFacts
    private let applied: AppliedSequence
    /// What the last batch of a filling hands on to the next, which is the one that finds the catalog at this number.
    private let handedOn = Mutex((seq: 0 as UInt64, rows: KnownRows()))

    /// Opens or makes the catalog, and `local.db` in the same directory. A catalog of another version, or one that
    /// knows numbers that `local.db` does not (an older copy was restored), is emptied: `appliedSeq` is 0 then.
    /// - Parameter path: `db/catalog.db` of the home directory, which exists.
    public init(path: String) throws(CatalogError) {
        self.path = path
        do {
            let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
            local = try LocalFacts(path: directory + "local.db")
            var configuration = Configuration()
            configuration.label = "catalog"
            configuration.maximumReaderCount = 4
            configuration.prepareDatabase { database in
                try database.execute(
                    sql: """
                        PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;
                        PRAGMA cache_size = \(database.configuration.readonly ? -16384 : -65536);
                        PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864
                        """)
            }
            pool = try DatabasePool(path: path, configuration: configuration)
            let known = try pool.read { try CatalogSchema.state($0) }
            let nextNumber = try local.nextNumber()
            if let known, known.nextNumber <= nextNumber {
                applied = AppliedSequence(known.appliedSeq)
            } else {
                if let known { try local.skipNumbers(below: known.nextNumber) }
                let residents = try local.residents()
                try pool.write { try Self.empty($0, residents: residents) }
                applied = AppliedSequence(0)
            }
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    /// The sequence number of the last log entry that queries reflect.
    public var appliedSeq: UInt64 { applied.value }

    /// Returns when entries up to this number are applied, or the task is cancelled.
    public func waitUntilApplied(_ seq: UInt64) async {
        await applied.wait(for: seq)
    }

    /// Applies entries in one transaction. Entries up to `appliedSeq` are skipped, so handing over a batch again is
    /// harmless; kinds that the catalog does not show only advance the number.
    ///
    /// An empty catalog that is told that more follows is *filled*: what lists are read by is made when the last batch is
    /// in. That state is on disk, so a filling that was broken off goes on where it stopped.
    /// - Parameters:
    ///   - entries: in the log's order.
    ///   - seq: the number after which the entries were read. A catalog that was emptied meanwhile takes none of them.
    ///   - moreFollow: the log has further entries, which are applied next.
    public func apply(
        _ entries: [LogEntry], after seq: UInt64 = 0, moreFollow: Bool = false
    ) async throws(CatalogError) {
        do {
            let allotment = try await local.allot(entries.flatMap(NumberBlock.needed))
            let seq = try await pool.write { [self] database -> UInt64? in
                guard var state = try CatalogSchema.state(database), state.appliedSeq >= seq else { return nil }
                let known = takeHandedOn(at: state.appliedSeq)
                if moreFollow, state.appliedSeq == 0, !state.isFilling {
                    try CatalogSchema.beginFilling(database)
                    state.isFilling = true
                }
                if state.isFilling { try Self.setCache(database, isFilling: true) }
                let isLast = state.isFilling && !moreFollow
                let projection = Projection(
                    database, allotment: allotment, hidden: local.hiddenSubjects,
                    known: known, isFilling: state.isFilling)
                for entry in entries where entry.seq > state.appliedSeq {
                    try projection.apply(entry)
                    state.appliedSeq = entry.seq
                }
                if isLast {
                    try CatalogSchema.endFilling(database)
                    try projection.endFilling()
                    state.isFilling = false
                }
                try projection.finish()
                if isLast { try Self.setCache(database, isFilling: false) }
                state.nextNumber = max(state.nextNumber, allotment.nextNumber)
                try CatalogSchema.save(state, database)
                if state.isFilling { handedOn.withLock { $0 = (state.appliedSeq, projection.known) } }
                return state.appliedSeq
            }
            if let seq { applied.set(seq) }
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    /// Gives back the memory that a long catching up took for pages of the database.
    public func releaseMemory() {
        pool.releaseMemoryEventually()
    }

    /// Empties the catalog, so that applying the log from its start builds it anew. Numbers, download counts, residents
    /// and hidden subjects stay.
    public func reset() async throws(CatalogError) {
        do {
            let residents = try local.residents()
            try await pool.write { database in
                let nextNumber = try CatalogSchema.state(database)?.nextNumber ?? 1
                try Self.empty(database, residents: residents)
                try CatalogSchema.save(.init(appliedSeq: 0, nextNumber: nextNumber), database)
            }
            applied.set(0)
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    private func takeHandedOn(at seq: UInt64) -> KnownRows {
        handedOn.withLock { handedOn in
            defer { handedOn = (0, KnownRows()) }
            return handedOn.seq == seq && !handedOn.rows.isLarge ? handedOn.rows : KnownRows()
        }
    }

    /// Pages of the database that the writer keeps in memory, and changed ones that wait to be moved to their place: the
    /// indexes by hashes grow all over while a catalog is filled.
    private static func setCache(_ database: Database, isFilling: Bool) throws {
        try database.execute(
            sql: """
                PRAGMA cache_size = \(isFilling ? -262144 : -65536);
                PRAGMA wal_autocheckpoint = \(isFilling ? 32000 : 4000)
                """)
    }

    private static func empty(_ database: Database, residents: [Hash32]) throws {
        try CatalogSchema.recreate(database)
        let projection = Projection(database)
        for author in residents { try projection.setResident(author, true) }
        try projection.finish()
    }

    /// Whether an author is at home here, or followed by somebody who is.
    public func hasEarnedRoom(_ author: Hash32) async throws(CatalogError) -> Bool {
        try await read { database in try database.exists("SELECT 1 FROM earned WHERE author = ?", [author.data]) }
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

    private func change(_ body: @escaping @Sendable (Projection) throws -> Void) async throws {
        try await pool.write { [local] database in
            let projection = Projection(database, hidden: local.hiddenSubjects)
            try body(projection)
            try projection.finish()
        }
    }

    /// Reads from one snapshot, with typed errors.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(CatalogError) -> Value {
        do {
            return try await pool.read(body)
        } catch {
            throw CatalogError(error, path: path)
        }
    }
}
