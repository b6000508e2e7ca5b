import Digests
import FoundationEssentials
import GRDB
import Identity
import WaggleProtocol

/// The rules of the log inside one transaction: chain, admission, tombstones, slots, expiry.
///
/// Whether a post is in force depends on nothing but the posts that are here and the clock, not on their order of
/// arrival (of two rotations of one generation alone the first seen stands). So there is one place that decides it,
/// `judge`, and whatever changes the answer for posts that are stored already puts them on the list of those to be
/// judged again.
struct LogWriter {
    let db: Database
    let admission: any Admission
    let checkpoints: any CheckpointSource
    let now: UInt64
    /// Authors of earlier transactions; what is new goes to `written.authors` until the commit.
    let knownAuthors: [Hash32: KnownAuthor]
    var written = Written()
    /// Slots whose holder went out of force, or that have a new candidate, in the order in which they were touched.
    var unsettled: [PostTable.Slot] = []
    /// Posts that this transaction may still judge again; the rest is left to the next.
    var judgementsLeft = LogWriter.judgementsPerTransaction
    /// The checkpoints asked for so far.
    var checkpointIDs: [Hash32: NamedIDs?] = [:]
    /// The devices asked for so far, by row.
    var signers: [Int64: (author: Hash32, key: Hash32)] = [:]

    /// The ids of a checkpoint, and of whose device.
    struct NamedIDs {
        let author: Int64
        let device: Hash32
        let ids: Set<Hash32>
    }

    /// About 50 ms of work.
    static let judgementsPerTransaction = 4096

    // MARK: Intake

    mutating func insert(_ post: SignedPost, from source: IntakeSource) throws -> Judgement {
        if try exists(post.id) { return .done(.have) }
        let chain: KeyChain
        switch try authorise(post) {
        case .waits(let need): return .waits(for: need)
        case .refused(let reason): return .done(.invalid(reason: reason))
        case .unauthorised(let reason): return .done(.unauthorised(reason: reason))
        case .accepted(let accepted): chain = accepted
        }
        if post.kind.isReplaceable,
            let reason = try admission.refusal(of: post, inPlaceOf: { try versions(before: post) })
        {
            return .done(.policy(reason: reason))
        }
        var isGuest = false
        switch admission.admit(post, from: source) {
        case .admit: break
        case .admitGuest:
            guard try hasRoom(forGuest: post) else { return .done(.rate(retryAfter: 3600)) }
            isGuest = true
        case .refuse(let reason): return .done(.policy(reason: reason))
        case .later(let seconds): return .done(.rate(retryAfter: seconds))
        }
        let result = try store(post, chain: chain)
        if isGuest, result == .new { try keepAsGuest(post) }
        return .done(result)
    }

    private enum Authorisation {
        /// With the author's chain, which a key document has made longer.
        case accepted(KeyChain)
        case waits(for: Parking.Need)
        case refused(String)
        case unauthorised(String)
    }

    private mutating func authorise(_ post: SignedPost) throws -> Authorisation {
        let known = try author(post.author)
        if case .keyDocument(let document)? = post.post.body {
            do {
                if document.version == 1 { return .accepted(try KeyChain(genesis: post)) }
                guard var chain = known?.chain else { return .waits(for: .chain) }
                try chain.add(post)
                return .accepted(chain)
            } catch {
                guard error == .unknownParent, let previous = Hash32(document.previous) else {
                    return .refused(error.message)
                }
                return .waits(for: .version(previous))
            }
        }
        guard let known else { return .waits(for: .chain) }
        guard let device = post.device else {
            return known.chain.acceptsRoots(post.signers)
                ? .accepted(known.chain) : .refused("a checkpoint needs the threshold of the author's root keys")
        }
        let scope = PostKind(rawValue: post.post.kind).scope
        switch try verdict(known, device: device, created: post.post.created, id: post.id, scope: scope) {
        case .accepted: return .accepted(known.chain)
        case .refused(let reason):
            // A device that is not listed may be in a newer key document that is still on its way.
            guard let authority = known.chain.devices[device] else { return .waits(for: .device(device)) }
            // What was said before the key was lost stays, so nobody refuses it who does not know yet what that is.
            guard let checkpoint = authority.decidingCheckpoint, try isMissing(checkpoint) else {
                return .unauthorised(reason)
            }
            return .waits(for: .checkpoint(checkpoint))
        }
    }

    private mutating func store(_ post: SignedPost, chain: KeyChain) throws -> IntakeResult {
        let author = try enrol(post.author, chain: chain)
        let device = try post.device.map { try number(ofDevice: $0, of: post.author) }
        var state = HiddenReason.superseded.rawValue
        var row = PostTable.Row(
            n: 0, id: post.id, author: author.number, device: device, kind: post.kind, created: post.post.created,
            expires: post.post.expires, slot: post.post.slot, state: state, hasPayload: true)
        let isDeleted = try author.hasDeletes && isTombstoned(row)
        var holder: PostTable.Row?
        if isDeleted {
            state = HiddenReason.deleted.rawValue
        } else if isExpired(row) {
            state = HiddenReason.expired.rawValue
        } else {
            holder = post.kind.isReplaceable ? try self.holder(of: row.place) : nil
            if holder.map({ stands(row, over: $0) }) ?? true { state = 0 }
        }
        // Followers see the old one go before the new one comes.
        if state == 0, let holder { try change(holder, to: HiddenReason.superseded.rawValue) }
        // A deleted post that comes late leaves its row, so that nobody asks for it again, and no bytes.
        try db.cachedStatement(
            sql: """
                INSERT INTO post (id, author, device, kind, created, expires, slot, state, envelope)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            post.id.data, author.number, device, Int64(post.post.kind), Int64(row.created), Int64(row.expires),
            row.slot,
            state, isDeleted ? Data() : post.envelope,
        ])
        row = PostTable.Row(
            n: db.lastInsertedRowID, id: row.id, author: row.author, device: device, kind: row.kind,
            created: row.created,
            expires: row.expires, slot: row.slot, state: state, hasPayload: !isDeleted)
        if state == 0 {
            try announce(row, state: 0)
        } else if state == HiddenReason.superseded.rawValue, row.kind.hasVersions {
            try write(row, state: state)
        }
        if isDeleted { return .have }

        switch post.post.body {
        case .keyDocument?: try requeue(devicesChangedFrom: author.chain, to: chain, of: post.author)
        case .checkpoint?:
            try requeue(devicesDecidedBy: post.id, of: post.author)
            try letGo(post.author)
        case .delete(let body)?: try bury(body, by: row, of: post.author)
        default: break
        }
        try judgeQueued()
        return .new
    }

    // MARK: Authors

    /// The author as this transaction knows it; nil when no genesis is here.
    mutating func author(_ id: Hash32) throws -> KnownAuthor? {
        if let author = written.authors[id] ?? (written.evicted.contains(id) ? nil : knownAuthors[id]) { return author }
        guard
            let number = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT n FROM author WHERE id = ?"), arguments: [id.data])
        else { return nil }
        let envelopes = try Data.fetchAll(
            db.cachedStatement(
                sql: "SELECT envelope FROM post WHERE author = ? AND kind = 1 AND state <> 6 ORDER BY n"),
            arguments: [number])
        guard !envelopes.isEmpty else { return nil }
        let chain = try KeyChain(envelopes.map { try SignedPost(stored: $0) })
        let hasDeletes =
            try Int.fetchOne(
                db.cachedStatement(sql: "SELECT 1 FROM post WHERE author = ? AND kind = 30 LIMIT 1"),
                arguments: [number]) != nil
        let author = KnownAuthor(number: number, chain: chain, hasDeletes: hasDeletes)
        written.authors[id] = author
        return author
    }

    /// Notes the chain that an admitted post brings, and returns the author as it was before.
    private mutating func enrol(_ id: Hash32, chain: KeyChain) throws -> KnownAuthor {
        guard let before = try author(id) else {
            // An author who made way has a row already.
            try db.cachedStatement(sql: "INSERT OR IGNORE INTO author (id) VALUES (?)").execute(arguments: [id.data])
            let number = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT n FROM author WHERE id = ?"), arguments: [id.data])
            guard let number else { throw DatabaseError(message: "an author without a row") }
            let author = KnownAuthor(number: number, chain: chain, hasDeletes: false)
            written.authors[id] = author
            written.grown.insert(id)
            return author
        }
        if before.chain.count != chain.count {
            written.authors[id] = before
            written.authors[id]?.chain = chain
            written.grown.insert(id)
        }
        return before
    }

    /// Posts of this author that wait are judged again after the commit.
    mutating func letGo(_ id: Hash32) throws {
        guard let author = try author(id) else { return }
        if written.authors[id] == nil { written.authors[id] = author }
        written.grown.insert(id)
    }

    private mutating func number(ofDevice key: Hash32, of author: Hash32) throws -> Int64 {
        guard let known = try self.author(author) else { throw DatabaseError(message: "a device without an author") }
        if let number = known.devices[key] { return number }
        let find = try db.cachedStatement(sql: "SELECT n FROM device WHERE author = ? AND key = ?")
        let number: Int64
        if let found = try Int64.fetchOne(find, arguments: [known.number, key.data]) {
            number = found
        } else {
            try db.cachedStatement(sql: "INSERT INTO device (author, key) VALUES (?, ?)")
                .execute(arguments: [known.number, key.data])
            number = db.lastInsertedRowID
        }
        if written.authors[author] == nil { written.authors[author] = known }
        written.authors[author]?.devices[key] = number
        return number
    }

    // MARK: Rows

    private func exists(_ id: Hash32) throws -> Bool {
        try Int.fetchOne(
            db.cachedStatement(sql: "SELECT 1 FROM post WHERE id = ?"), arguments: [id.data]) != nil
    }

    func row(_ n: Int64) throws -> PostTable.Row? {
        try GRDB.Row.fetchOne(
            db.cachedStatement(sql: "SELECT \(PostTable.columns) FROM post WHERE n = ?"), arguments: [n]
        ).map(PostTable.row)
    }

    func isExpired(_ row: PostTable.Row) -> Bool {
        row.expires > 0 && row.expires + Limits.Post.clockSkew <= now
    }

    /// The slot rule: newest wins, then the lowest id.
    func stands(_ row: PostTable.Row, over other: PostTable.Row) -> Bool {
        row.created != other.created ? row.created > other.created : row.id < other.id
    }

    func holder(of slot: PostTable.Slot) throws -> PostTable.Row? {
        try GRDB.Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT \(PostTable.columns) FROM post
                    WHERE author = ? AND kind = ? AND slot = ? AND state = 0 LIMIT 1
                    """),
            arguments: [slot.author, Int64(slot.kind.rawValue), slot.slot]
        ).map(PostTable.row)
    }

    /// What the author of a post had in its place, in force or not, the newest 100 first.
    private func versions(before post: SignedPost) throws -> [Hash32] {
        try Data.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT p.id FROM author a JOIN post p ON p.author = a.n
                    WHERE a.id = ? AND p.kind = ? AND p.slot = ? ORDER BY p.n DESC LIMIT 100
                    """),
            arguments: [post.author.data, Int64(post.kind.rawValue), post.post.slot]
        ).compactMap { Hash32($0) }
    }

    /// Writes the new state of a stored post, and tells those who follow when it came into force or went out of it.
    mutating func change(_ row: PostTable.Row, to state: Int) throws {
        guard row.state != state else { return }
        try db.cachedStatement(sql: "UPDATE post SET state = ? WHERE n = ?").execute(arguments: [state, row.n])
        if state == HiddenReason.deleted.rawValue {
            try db.cachedStatement(sql: "INSERT INTO dropping (post, since) VALUES (?, ?)")
                .execute(arguments: [row.n, Int64(now)])
        } else if row.state == HiddenReason.deleted.rawValue {
            try db.cachedStatement(sql: "DELETE FROM dropping WHERE post = ?").execute(arguments: [row.n])
        }
        // A change between two hidden states is no news, unless it makes a post an older version of something.
        let superseded = HiddenReason.superseded.rawValue
        if state == 0 || row.state == 0 {
            try announce(row, state: state)
        } else if row.kind.hasVersions, state == superseded || row.state == superseded {
            try write(row, state: state)
        }
    }

    /// A line, for those who follow.
    private mutating func write(_ row: PostTable.Row, state: Int) throws {
        try db.cachedStatement(sql: "INSERT INTO log (post, event) VALUES (?, ?)").execute(arguments: [row.n, state])
        written.newestSeq = UInt64(db.lastInsertedRowID)
    }

    private mutating func announce(_ row: PostTable.Row, state: Int) throws {
        try write(row, state: state)
        written.changes[row.id] = Change(created: row.created, kind: row.kind, isOffered: state == 0)
    }
}
