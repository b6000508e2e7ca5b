public import Digests
public import FoundationEssentials
import GRDB
public import Identity
public import WaggleProtocol

/// The append-only log of signed posts of a node: `db/posts.db`.
///
/// Posts come in through `intake` alone. Everybody who computes something from posts follows the log with `entries` and
/// `changes`. What is offered to peers is in `offered`.
public final class PostLog: Sendable {
    public let path: String
    /// Ids of posts in force, for reconciliation.
    public let offered = OfferedSet()
    /// The only way in.
    public let intake: Intake
    /// Random, renewed when the log is restored from a backup: cursors of another log mean nothing here.
    public let logID: String

    let pool: DatabasePool
    private let followers = Followers()

    /// Opens the log, creates it when there is none, and loads the index.
    ///
    /// - Parameter now: unix seconds.
    public init(
        path: String, admission: any Admission = AdmitAll(), checkpoints: any CheckpointSource = NoCheckpoints(),
        now: @escaping @Sendable () -> UInt64
    ) throws(PostLogError) {
        self.path = path
        do {
            var configuration = Configuration()
            configuration.maximumReaderCount = 4
            configuration.prepareDatabase { db in
                // The writer touches random pages of the index of ids, so it keeps many of them, and rewrites them in
                // the main file less often than is usual.
                try db.execute(
                    sql: """
                        PRAGMA temp_store = MEMORY;
                        PRAGMA cache_size = \(db.configuration.readonly ? -4_000 : -32_000);
                        PRAGMA wal_autocheckpoint = 4000
                        """)
            }
            pool = try DatabasePool(path: path, configuration: configuration)
            // Anything reported as stored survives the next instant. Not above: opening a pool sets NORMAL.
            try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            try PostTable.migrator.migrate(pool)
            logID = try pool.write { db in
                if let id = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'log id'") { return id }
                let id = String(RecoverySecret.random().bytes[..<8].map { String($0, radix: 36) }.joined().prefix(12))
                try db.execute(sql: "INSERT INTO meta (key, value) VALUES ('log id', ?)", arguments: [id])
                return id
            }
            let (records, seq) = try pool.read { db in
                var records: [(created: UInt64, id: Hash32, kind: PostKind)] = []
                let rows = try Row.fetchCursor(
                    db, sql: "SELECT created, id, kind FROM post WHERE state = 0 ORDER BY created, id")
                while let row = try rows.next() {
                    records.append((try PostTable.time(row, 0), try PostTable.hash(row, 1), try PostTable.kind(row, 2)))
                }
                let seq = try Int64.fetchOne(db, sql: "SELECT max(seq) FROM log") ?? 0
                return (records, UInt64(seq))
            }
            offered.load(records)
            followers.announce(seq)
        } catch {
            throw PostLogError(error, path: path)
        }
        intake = Intake(
            pool: pool, path: path, admission: admission, checkpoints: checkpoints, now: now,
            offered: offered,
            committed: { [offered, followers] written in
                offered.apply(written.changes)
                if let seq = written.newestSeq { followers.announce(seq) }
            })
    }

    // MARK: Following

    /// Sequence number of the newest line; 0 when there is none.
    public var newestSeq: UInt64 { followers.newestSeq }

    /// The numbers of newest lines as they are written, beginning with the present one. A slow reader misses
    /// intermediate numbers, never the last.
    public func changes() -> AsyncStream<UInt64> { followers.follow() }

    /// Tells every follower the newest number again: one of them has started afresh.
    public func wakeFollowers() { followers.announce(newestSeq) }

    /// Ends every `changes` stream.
    public func close() { followers.close() }

    /// Lines after `seq`, at most `limit`, in order.
    public func entries(after seq: UInt64, limit: Int) async throws(PostLogError) -> [LogEntry] {
        try await read { db in
            let rows = try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT l.seq, l.event, p.id, a.id, p.created, p.kind, p.slot, p.envelope
                        FROM log l JOIN post p ON p.n = l.post JOIN author a ON a.n = p.author
                        WHERE l.seq > ? ORDER BY l.seq LIMIT ?
                        """), arguments: [Int64(seq), limit])
            return try rows.map { row in
                let event =
                    HiddenReason(rawValue: try row.decode(atIndex: 1)).map { LogEntry.Event.hidden($0) } ?? .shown
                return LogEntry(
                    seq: try PostTable.time(row, 0), event: event, post: try Self.loggedPost(row, from: 2))
            }
        }
    }

    static func loggedPost(_ row: Row, from column: Int) throws -> LoggedPost {
        let envelope: Data = try row.decode(atIndex: column + 5)
        let kind = try PostTable.kind(row, column + 3)
        let created = try PostTable.time(row, column + 2)
        var post = PostTable.decode(envelope) ?? WirePost()
        if envelope.isEmpty {
            post.kind = kind.rawValue
            post.created = created
        }
        return LoggedPost(
            id: try PostTable.hash(row, column), author: try PostTable.hash(row, column + 1), created: created,
            kind: kind,
            slot: try row.decode(atIndex: column + 4), post: post, envelope: envelope)
    }

    // MARK: Looking up

    /// Posts in force among these ids. Order and duplicates of `ids` do not matter.
    public func posts(ids: [Hash32]) async throws(PostLogError) -> [Hash32: LoggedPost] {
        try await read { db in
            var found: [Hash32: LoggedPost] = [:]
            let statement = try db.cachedStatement(
                sql: """
                    SELECT p.id, a.id, p.created, p.kind, p.slot, p.envelope
                    FROM post p JOIN author a ON a.n = p.author WHERE p.id = ? AND p.state = 0
                    """)
            for id in ids {
                if let row = try Row.fetchOne(statement, arguments: [id.data]) {
                    found[id] = try Self.loggedPost(row, from: 0)
                }
            }
            return found
        }
    }

    /// Who wrote those of these posts that are in force here.
    public func authors(ofPosts ids: Set<Hash32>) async throws(PostLogError) -> [Hash32: Hash32] {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT a.id FROM post p JOIN author a ON a.n = p.author WHERE p.id = ? AND p.state = 0")
            var found: [Hash32: Hash32] = [:]
            for id in ids { found[id] = try Data.fetchOne(statement, arguments: [id.data]).flatMap(Hash32.init) }
            return found
        }
    }

    /// Ids among these that have a row here, in force or not: there is no need to ask a peer for them.
    public func known(_ ids: [Hash32]) async throws(PostLogError) -> Set<Hash32> {
        try await read { db in try Self.known(ids, db) }
    }

    static func known(_ ids: [Hash32], _ db: Database) throws -> Set<Hash32> {
        let statement = try db.cachedStatement(sql: "SELECT 1 FROM post WHERE id = ?")
        var known: Set<Hash32> = []
        for id in ids where try Int.fetchOne(statement, arguments: [id.data]) != nil { known.insert(id) }
        return known
    }

    /// The post in force of a slot.
    public func post(author: Hash32, kind: PostKind, slot: String) async throws(PostLogError) -> LoggedPost? {
        try await read { db in
            try Row.fetchOne(
                db,
                sql: """
                    SELECT p.id, a.id, p.created, p.kind, p.slot, p.envelope
                    FROM post p JOIN author a ON a.n = p.author
                    WHERE a.id = ? AND p.kind = ? AND p.slot = ? AND p.state = 0
                    """, arguments: [author.data, Int64(kind.rawValue), slot]
            ).map { try Self.loggedPost($0, from: 0) }
        }
    }

    /// The post in force of whose slot this id is an older version, whether that one ever was in force here or not; nil
    /// when it is none.
    public func newerVersion(of id: Hash32) async throws(PostLogError) -> LoggedPost? {
        try await read { db in
            try Row.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT p.id, a.id, p.created, p.kind, p.slot, p.envelope FROM post old
                        JOIN post p ON p.author = old.author AND p.kind = old.kind AND p.slot = old.slot AND p.state = 0
                        JOIN author a ON a.n = p.author WHERE old.id = ? AND old.state = ?
                        """), arguments: [id.data, HiddenReason.superseded.rawValue]
            ).map { try Self.loggedPost($0, from: 0) }
        }
    }

    /// Ids and times of an author's posts in force, at most `limit`, for reconciliation of one author.
    public func index(ofAuthor author: Hash32, limit: Int) async throws(PostLogError) -> ReconciliationIndex {
        try await read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT p.created, p.id FROM post p JOIN author a ON a.n = p.author
                    WHERE a.id = ? AND p.state = 0 ORDER BY p.created DESC LIMIT ?
                    """, arguments: [author.data, limit])
            return ReconciliationIndex(
                try rows.map { ReconciliationRecord(created: try PostTable.time($0, 0), id: try PostTable.hash($0, 1)) }
                    .sorted())
        }
    }

    /// The key chain of an author; nil when no genesis is here.
    public func keyChain(of author: Hash32) async throws(PostLogError) -> KeyChain? {
        let envelopes = try await keyChainEnvelopes(of: author)
        guard !envelopes.keyDocuments.isEmpty else { return nil }
        do {
            return try KeyChain(envelopes.keyDocuments.map { try SignedPost(stored: $0) })
        } catch {
            throw .damaged(path: path, detail: "a stored key document of \(AuthorID.text(author)) is not valid")
        }
    }

    /// Kind 1 and kind 2 posts of an author in order of arrival: what someone needs to check the author's posts.
    public func keyChainEnvelopes(of author: Hash32) async throws(PostLogError)
        -> (keyDocuments: [Data], checkpoints: [Data])
    {
        try await read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT p.kind, p.envelope FROM post p JOIN author a ON a.n = p.author
                    WHERE a.id = ? AND p.kind IN (1, 2) AND p.state <> 6 ORDER BY p.n
                    """, arguments: [author.data])
            let envelopes = try rows.map {
                (kind: try PostTable.kind($0, 0), envelope: try $0.decode(Data.self, atIndex: 1))
            }
            return (
                envelopes.filter { $0.kind == .keyDocument }.map(\.envelope),
                envelopes.filter { $0.kind == .checkpoint }.map(\.envelope)
            )
        }
    }

    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws(PostLogError)
        -> Value
    {
        do {
            return try await pool.read(body)
        } catch {
            throw PostLogError(error, path: path)
        }
    }
}

extension PostLogError {
    init(_ error: any Error, path: String) {
        guard let error = error as? DatabaseError else {
            switch error {
            case let error as PostLogError: self = error
            case is RowDecodingError, is PostError, is KeyChainError: self = .damaged(path: path, detail: "\(error)")
            default: self = .database(path: path, detail: "\(error)")
            }
            return
        }
        switch error.resultCode {
        case .SQLITE_FULL: self = .diskFull(path: path)
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM: self = .readOnly(path: path)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path: path, detail: error.message ?? "corrupt")
        default: self = .database(path: path, detail: error.message ?? "\(error.resultCode)")
        }
    }
}
