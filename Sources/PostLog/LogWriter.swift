import Digests
import FoundationEssentials
import GRDB
import Identity
import WaggleProtocol

/// What one transaction did, to be told to the index, the followers and the callers once it is on disk.
struct Written {
    var results: [IntakeResult] = []
    /// Posts that came into force or went out of it; the last word on each.
    var changes: [Hash32: Change] = [:]
    var newestSeq: UInt64?
    /// Authors whose chain grew: posts that were parked for them may go on.
    var authorsKnown: Set<Hash32> = []
    var chains: [Hash32: KeyChain] = [:]
}

struct Change {
    let created: UInt64
    let kind: PostKind
    let isOffered: Bool
}

/// The rules of the log inside one transaction: chain, admission, tombstones, slots, expiry.
struct LogWriter {
    let db: Database
    let admission: any Admission
    let checkpoints: any CheckpointSource
    let now: UInt64
    /// Chains of earlier transactions; new ones go to `written.chains` until the commit.
    let knownChains: [Hash32: KeyChain]
    var written = Written()

    // MARK: Intake

    mutating func insert(_ post: SignedPost, from source: IntakeSource) throws -> IntakeResult {
        if try exists(post.id) { return .have }
        switch try authorise(post) {
        case .parked: return .parked(author: post.author)
        case .refused(let reason): return .invalid(reason: reason)
        case .accepted: break
        }
        switch admission.admit(post, from: source) {
        case .admit: break
        case .refuse(let reason): return .policy(reason: reason)
        case .later(let seconds): return .rate(retryAfter: seconds)
        }
        let author = try authorNumber(post.author)
        let isDeleted = try isTombstoned(post.id, author: author, post: post.post)
        // A deleted post that comes late leaves its row, so that nobody asks for it again, and no bytes.
        try db.cachedStatement(
            sql: """
                INSERT INTO post (id, author, kind, created, expires, slot, state, envelope)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            post.id.data, author, Int64(post.post.kind), Int64(post.post.created), Int64(clamping: post.post.expires),
            post.post.slot, isDeleted ? HiddenReason.deleted.rawValue : HiddenReason.superseded.rawValue,
            isDeleted ? Data() : post.envelope,
        ])
        let row = PostTable.Row(
            n: db.lastInsertedRowID, id: post.id, author: author, kind: post.kind, created: post.post.created,
            expires: post.post.expires, slot: post.post.slot, state: HiddenReason.superseded.rawValue)
        if isDeleted { return .have }
        try comeIntoForce(row, announceSuperseded: true)
        switch post.post.body {
        case .keyDocument?: try reevaluate(author: post.author, number: author)
        case .checkpoint?: try reevaluate(author: post.author, number: author)
        case .delete(let body)?: try bury(body, row: row, device: post.device, author: post.author)
        default: break
        }
        return .new
    }

    private enum Authorisation {
        case accepted, parked
        case refused(String)
    }

    private mutating func authorise(_ post: SignedPost) throws -> Authorisation {
        if case .keyDocument(let document)? = post.post.body {
            do {
                var chain: KeyChain
                if document.version == 1 {
                    chain = try KeyChain(genesis: post)
                } else {
                    guard let known = try chainOf(post.author) else { return .parked }
                    chain = known
                    try chain.add(post)
                }
                written.chains[post.author] = chain
                written.authorsKnown.insert(post.author)
                return .accepted
            } catch let error as KeyChainError {
                return error == .unknownParent ? .parked : .refused(error.message)
            }
        }
        guard let chain = try chainOf(post.author) else { return .parked }
        if post.kind == .checkpoint {
            return chain.acceptsRoots(post.signers)
                ? .accepted : .refused("a checkpoint needs the threshold of the author's root keys")
        }
        switch try verdict(chain, post: post.post, id: post.id) {
        case .accepted: return .accepted
        case .refused(let reason):
            // A device that is not listed may be in a newer key document that is still on its way.
            let isListed = post.device.map { chain.devices[$0] != nil } ?? false
            return isListed ? .refused(reason) : .parked
        }
    }

    private func verdict(_ chain: KeyChain, post: WirePost, id: Hash32) throws -> DeviceVerdict {
        guard let device = Hash32(post.device) else { return .refused("no device") }
        return chain.verdict(
            device: device, created: post.created, id: id, scope: PostKind(rawValue: post.kind).scope,
            checkpoint: { checkpointIDs($0) })
    }

    private func checkpointIDs(_ post: Hash32) -> Set<Hash32>? {
        guard let envelope = try? Data.fetchOne(
            db, sql: "SELECT envelope FROM post WHERE id = ? AND kind = 2", arguments: [post.data]),
            let body = PostTable.decode(envelope)?.checkpoint, let blob = Hash32(body.blob)
        else { return nil }
        return checkpoints.ids(inBlob: blob)
    }

    private func exists(_ id: Hash32) throws -> Bool {
        try Int.fetchOne(
            db.cachedStatement(sql: "SELECT 1 FROM post WHERE id = ?"), arguments: [id.data]) != nil
    }

    private func authorNumber(_ author: Hash32) throws -> Int64 {
        let find = try db.cachedStatement(sql: "SELECT n FROM author WHERE id = ?")
        if let number = try Int64.fetchOne(find, arguments: [author.data]) { return number }
        try db.cachedStatement(sql: "INSERT INTO author (id) VALUES (?)").execute(arguments: [author.data])
        return db.lastInsertedRowID
    }

    func chainOf(_ author: Hash32) throws -> KeyChain? {
        if let chain = written.chains[author] ?? knownChains[author] { return chain }
        let envelopes = try Data.fetchAll(
            db,
            sql: """
                SELECT p.envelope FROM post p JOIN author a ON a.n = p.author
                WHERE a.id = ? AND p.kind = 1 ORDER BY p.n
                """,
            arguments: [author.data])
        return try KeyChain(stored: envelopes)
    }

    // MARK: In force or not

    /// Shows the post if it may be shown, and supersedes the holder of its slot or is superseded by it.
    private mutating func comeIntoForce(_ row: PostTable.Row, announceSuperseded: Bool = false) throws {
        if row.expires > 0, row.expires + Limits.Post.clockSkew <= now {
            return try setState(row, .expired)
        }
        guard row.kind.isReplaceable else { return try show(row) }
        let holder = try GRDB.Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT \(PostTable.columns) FROM post
                    WHERE author = ? AND kind = ? AND slot = ? AND state = 0 LIMIT 1
                    """),
            arguments: [row.author, Int64(row.kind.rawValue), row.slot]
        ).map(PostTable.row)
        guard let holder, holder.n != row.n else { return try show(row) }
        if (row.created, holder.id) > (holder.created, row.id) {
            try setState(holder, .superseded)
            try show(row)
        } else if announceSuperseded {
            // It was inserted as superseded already; followers need no line for what they never saw.
        } else {
            try setState(row, .superseded)
        }
    }

    private mutating func show(_ row: PostTable.Row) throws {
        guard row.state != 0 else { return }
        try write(row, state: 0)
    }

    private mutating func setState(_ row: PostTable.Row, _ reason: HiddenReason) throws {
        guard row.state != reason.rawValue else { return }
        try write(row, state: reason.rawValue)
    }

    private mutating func write(_ row: PostTable.Row, state: Int) throws {
        try db.cachedStatement(sql: "UPDATE post SET state = ? WHERE n = ?").execute(arguments: [state, row.n])
        // A change between two hidden states is no news to those who follow.
        guard state == 0 || row.state == 0 else { return }
        try db.cachedStatement(sql: "INSERT INTO log (post, event) VALUES (?, ?)").execute(arguments: [row.n, state])
        written.newestSeq = UInt64(db.lastInsertedRowID)
        written.changes[row.id] = Change(created: row.created, kind: row.kind, isOffered: state == 0)
    }

    /// After a post went out of force: the next best post of its slot comes back.
    private mutating func refill(slotOf row: PostTable.Row) throws {
        guard row.kind.isReplaceable else { return }
        let next = try GRDB.Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT \(PostTable.columns) FROM post
                    WHERE author = ? AND kind = ? AND slot = ? AND state = ? ORDER BY created DESC, id LIMIT 1
                    """),
            arguments: [row.author, Int64(row.kind.rawValue), row.slot, HiddenReason.superseded.rawValue]
        ).map(PostTable.row)
        if let next { try comeIntoForce(next) }
    }

    private mutating func hide(_ row: PostTable.Row, _ reason: HiddenReason) throws {
        try setState(row, reason)
        if row.state == 0 { try refill(slotOf: row) }
        if row.kind == .delete { try lift(tombstonesOf: row) }
    }

    // MARK: Deletes

    private func isTombstoned(_ id: Hash32, author: Int64, post: WirePost) throws -> Bool {
        let kind = PostKind(rawValue: post.kind)
        guard kind.isDeletable else { return false }
        let scope = kind.scope.map { Set([$0]).bits } ?? 0
        let byID = try Int.fetchOne(
            db.cachedStatement(sql: "SELECT 1 FROM tombstone WHERE id = ? AND author = ? AND scopes & ? != 0"),
            arguments: [id.data, author, scope])
        if byID != nil { return true }
        guard kind.isReplaceable else { return false }
        return try Int.fetchOne(
            db.cachedStatement(
                sql: "SELECT 1 FROM slot_tombstone WHERE author = ? AND kind = ? AND slot = ? AND created >= ?"),
            arguments: [author, Int64(post.kind), post.slot, Int64(post.created)]) != nil
    }

    private mutating func bury(_ delete: WireDelete, row: PostTable.Row, device: Hash32?, author: Hash32) throws {
        guard let device, let authority = try chainOf(author)?.devices[device] else { return }
        for id in delete.ids.compactMap({ Hash32($0) }) {
            try db.execute(
                sql: "INSERT OR IGNORE INTO tombstone (id, author, scopes, by_post) VALUES (?, ?, ?, ?)",
                arguments: [id.data, row.author, authority.scopes.bits, row.n])
            if let target = try post(id), target.author == row.author, target.kind.isDeletable,
                let scope = target.kind.scope, authority.scopes.contains(scope), target.state != HiddenReason.deleted.rawValue
            {
                try hide(target, .deleted)
            }
        }
        for name in delete.slots {
            guard let scope = PostKind(rawValue: name.kind).scope, authority.scopes.contains(scope) else { continue }
            try db.execute(
                sql: """
                    INSERT OR IGNORE INTO slot_tombstone (author, kind, slot, created, by_post) VALUES (?, ?, ?, ?, ?)
                    """,
                arguments: [row.author, Int64(name.kind), name.slot, Int64(row.created), row.n])
            let targets = try GRDB.Row.fetchAll(
                db,
                sql: """
                    SELECT \(PostTable.columns) FROM post
                    WHERE author = ? AND kind = ? AND slot = ? AND created <= ? AND state != ? ORDER BY state DESC
                    """,
                arguments: [
                    row.author, Int64(name.kind), name.slot, Int64(row.created), HiddenReason.deleted.rawValue,
                ]
            ).map(PostTable.row)
            for target in targets { try hide(target, .deleted) }
        }
    }

    /// A delete went out of force: what it alone covered comes back.
    private mutating func lift(tombstonesOf delete: PostTable.Row) throws {
        let ids = try Data.fetchAll(db, sql: "SELECT id FROM tombstone WHERE by_post = ?", arguments: [delete.n])
        let slots = try GRDB.Row.fetchAll(
            db, sql: "SELECT kind, slot FROM slot_tombstone WHERE by_post = ?", arguments: [delete.n])
        try db.execute(sql: "DELETE FROM tombstone WHERE by_post = ?", arguments: [delete.n])
        try db.execute(sql: "DELETE FROM slot_tombstone WHERE by_post = ?", arguments: [delete.n])
        var targets = try ids.compactMap { try Hash32($0).flatMap { try post($0) } }
        for slot in slots {
            targets += try GRDB.Row.fetchAll(
                db, sql: "SELECT \(PostTable.columns) FROM post WHERE author = ? AND kind = ? AND slot = ?",
                arguments: [delete.author, slot[0] as Int64, slot[1] as String]
            ).map(PostTable.row)
        }
        for target in targets where target.author == delete.author && target.state == HiddenReason.deleted.rawValue {
            guard let post = try envelope(target.n).flatMap(PostTable.decode) else {
                // Its payload was dropped: the row goes too, so that a peer's copy can come in again.
                try db.execute(sql: "DELETE FROM post WHERE n = ?", arguments: [target.n])
                continue
            }
            if try !isTombstoned(target.id, author: target.author, post: post) { try comeIntoForce(target) }
        }
    }

    // MARK: Key chains that changed

    /// Asks the chain again about every post of an author, because a key document or checkpoint came in.
    mutating func reevaluate(author: Hash32, number: Int64) throws {
        guard let chain = try chainOf(author) else { return }
        var after: Int64 = 0
        while true {
            let rows = try GRDB.Row.fetchAll(
                db,
                sql: """
                    SELECT \(PostTable.columns), envelope FROM post
                    WHERE author = ? AND kind > 2 AND n > ? AND length(envelope) > 0 ORDER BY n LIMIT 500
                    """,
                arguments: [number, after])
            for stored in rows {
                let row = PostTable.row(stored)
                after = row.n
                guard let post = PostTable.decode(stored[8]) else { continue }
                let isAccepted = try verdict(chain, post: post, id: row.id) == .accepted
                let wasRefused = row.state == HiddenReason.unauthorised.rawValue
                if !isAccepted, !wasRefused {
                    try hide(current(row), .unauthorised)
                } else if isAccepted, wasRefused {
                    try comeBack(row, post: post, author: author)
                }
            }
            if rows.count < 500 { return }
        }
    }

    private mutating func comeBack(_ row: PostTable.Row, post: WirePost, author: Hash32) throws {
        if try isTombstoned(row.id, author: row.author, post: post) { return try setState(row, .deleted) }
        try comeIntoForce(row)
        if case .delete(let body)? = post.body {
            try bury(body, row: row, device: Hash32(post.device), author: author)
        }
    }

    /// The row as it is now: an earlier step of the same pass may have changed its state.
    private func current(_ row: PostTable.Row) throws -> PostTable.Row {
        try post(row.id) ?? row
    }

    private func post(_ id: Hash32) throws -> PostTable.Row? {
        try GRDB.Row.fetchOne(
            db.cachedStatement(sql: "SELECT \(PostTable.columns) FROM post WHERE id = ?"), arguments: [id.data]
        ).map(PostTable.row)
    }

    private func envelope(_ n: Int64) throws -> Data? {
        try Data.fetchOne(db, sql: "SELECT envelope FROM post WHERE n = ? AND length(envelope) > 0", arguments: [n])
    }

    // MARK: Time

    /// Takes expired posts out of force and drops payloads that were deleted long ago. Bounded; call again while true.
    mutating func tidy() throws -> Bool {
        let expired = try GRDB.Row.fetchAll(
            db,
            sql: """
                SELECT \(PostTable.columns) FROM post
                WHERE expires > 0 AND state = 0 AND expires <= ? ORDER BY expires LIMIT 500
                """,
            arguments: [Int64(now) - Int64(Limits.Post.clockSkew)]
        ).map(PostTable.row)
        for row in expired { try hide(row, .expired) }
        try db.execute(
            sql: """
                UPDATE post SET envelope = x'' WHERE n IN (
                    SELECT p.n FROM log l JOIN post p ON p.n = l.post JOIN tombstone t ON t.id = p.id
                    JOIN post d ON d.n = t.by_post
                    WHERE l.event = ? AND p.state = ? AND length(p.envelope) > 0 AND d.created < ? LIMIT 500)
                """,
            arguments: [
                HiddenReason.deleted.rawValue, HiddenReason.deleted.rawValue,
                Int64(now) - Int64(Limits.Post.deletedPayloadSeconds),
            ])
        return expired.count == 500
    }
}

extension KeyChain {
    /// A chain out of stored envelopes of kind 1, in order of arrival; nil when there is no genesis.
    init?(stored envelopes: [Data]) throws {
        guard let first = envelopes.first else { return nil }
        var chain = try KeyChain(genesis: SignedPost(envelope: first))
        for envelope in envelopes.dropFirst() { try chain.add(SignedPost(envelope: envelope)) }
        self = chain
    }
}
