import Digests
import FoundationEssentials
import GRDB
import Identity
import WaggleProtocol

/// What is in force, and what takes it out of force or brings it back.
extension LogWriter {
    /// What the rules say of a stored post, apart from the competition for its slot.
    private enum Standing {
        /// It may be in force: if it has a slot, when it is the best of that slot.
        case candidate
        case hidden(HiddenReason)
    }

    // MARK: The list of posts to judge again

    /// A key document came in: the posts of every device of which the chain now says something else.
    mutating func requeue(devicesChangedFrom old: KeyChain, to new: KeyChain, of author: Hash32) throws {
        try requeue(author) { old.devices[$0] != new.devices[$0] }
    }

    /// A checkpoint came in: the posts of the devices that it decides about.
    mutating func requeue(devicesDecidedBy checkpoint: Hash32, of author: Hash32) throws {
        guard let chain = try self.author(author)?.chain else { return }
        try requeue(author) { chain.devices[$0]?.decidingCheckpoint == checkpoint }
    }

    /// The blob of a checkpoint arrived: the posts of all devices of the author that a checkpoint decides about.
    mutating func requeue(devicesWithCheckpointsOf author: Hash32) throws {
        guard let chain = try self.author(author)?.chain else { return }
        try requeue(author) { chain.devices[$0]?.decidingCheckpoint != nil }
        try letGo(author)
    }

    /// Only devices that have signed something that is here have a row: a chain may list many more.
    private mutating func requeue(_ author: Hash32, where isMeant: (Hash32) -> Bool) throws {
        checkpointIDs = [:]
        guard let number = try self.author(author)?.number else { return }
        let devices = try GRDB.Row.fetchAll(
            db.cachedStatement(sql: "SELECT n, key FROM device WHERE author = ?"), arguments: [number])
        for device in devices where isMeant(try PostTable.hash(device, 1)) {
            try db.cachedStatement(sql: "INSERT OR IGNORE INTO unjudged SELECT n FROM post WHERE device = ?")
                .execute(arguments: [try device.decode(Int64.self, atIndex: 0)])
            if db.changesCount > 0 { written.hasUnjudged = true }
        }
    }

    /// Judges what is on the list, as much as one transaction may.
    mutating func judgeQueued() throws {
        while written.hasUnjudged, judgementsLeft > 0 {
            let step = min(judgementsLeft, 500)
            let numbers = try Int64.fetchAll(
                db.cachedStatement(sql: "SELECT post FROM unjudged ORDER BY post LIMIT ?"), arguments: [step])
            written.hasUnjudged = !numbers.isEmpty
            judgementsLeft -= numbers.count
            for n in numbers {
                try db.cachedStatement(sql: "DELETE FROM unjudged WHERE post = ?").execute(arguments: [n])
                if let row = try row(n) { try judge(row) }
            }
        }
        try settle()
    }

    // MARK: One post

    /// Decides the state of a stored post anew.
    private mutating func judge(_ row: PostTable.Row) throws {
        guard !row.kind.isSignedByRoots, row.state != HiddenReason.purged.rawValue,
            row.state != HiddenReason.evicted.rawValue
        else { return }
        guard row.hasPayload else {
            // Deleted, its payload dropped. Deleted no longer: the row goes too, so that a peer's copy can come in
            // again.
            if try !isTombstoned(row) {
                try db.execute(sql: "DELETE FROM post WHERE n = ?", arguments: [row.n])
            }
            return
        }
        switch try standing(of: row) {
        case .hidden(let reason):
            try change(row, to: reason.rawValue)
            if row.state == 0, row.kind.isReplaceable { unsettled.append(row.place) }
        case .candidate:
            guard row.state != 0 else { break }
            if row.kind.isReplaceable {
                try change(row, to: HiddenReason.superseded.rawValue)
                unsettled.append(row.place)
            } else {
                try change(row, to: 0)
            }
        }
        if row.kind == .delete { try rescope(row) }
    }

    private mutating func standing(of row: PostTable.Row) throws -> Standing {
        guard let (author, key) = try signer(of: row) else { return .hidden(.unauthorised) }
        let verdict = try verdict(
            author, device: key, created: row.created, id: row.id, scope: row.kind.scope)
        guard verdict == .accepted else { return .hidden(.unauthorised) }
        if try author.hasDeletes && isTombstoned(row) { return .hidden(.deleted) }
        return isExpired(row) ? .hidden(.expired) : .candidate
    }

    /// Author and device key of a stored post.
    mutating func signer(of row: PostTable.Row) throws -> (author: KnownAuthor, device: Hash32)? {
        guard let device = row.device else { return nil }
        if signers[device] == nil {
            let names = try GRDB.Row.fetchOne(
                db.cachedStatement(
                    sql: "SELECT a.id, d.key FROM device d JOIN author a ON a.n = d.author WHERE d.n = ?"),
                arguments: [device])
            guard let names else { return nil }
            signers[device] = (try PostTable.hash(names, 0), try PostTable.hash(names, 1))
        }
        guard let signer = signers[device], let author = try author(signer.author) else { return nil }
        return (author, signer.key)
    }

    /// What the author's chain says of a post by `device`.
    mutating func verdict(
        _ author: KnownAuthor, device: Hash32, created: UInt64, id: Hash32, scope: WireScope?
    ) throws -> DeviceVerdict {
        var named: Set<Hash32>?
        if let checkpoint = author.chain.devices[device]?.decidingCheckpoint {
            if checkpointIDs[checkpoint] == nil { checkpointIDs[checkpoint] = .some(try readCheckpoint(checkpoint)) }
            // A checkpoint speaks for its own author and device alone.
            if case let found?? = checkpointIDs[checkpoint], found.author == author.number, found.device == device {
                named = found.ids
            }
        }
        return author.chain.verdict(
            device: device, created: created, id: id, scope: scope, checkpoint: { [named] _ in named })
    }

    /// True while a checkpoint, or its blob, is not here.
    func isMissing(_ checkpoint: Hash32) throws -> Bool {
        if let known = checkpointIDs[checkpoint] { return known == nil }
        return try readCheckpoint(checkpoint) == nil
    }

    /// What a checkpoint post and its blob say; nil when one of them is not here.
    private func readCheckpoint(_ id: Hash32) throws -> NamedIDs? {
        let stored = try GRDB.Row.fetchOne(
            db, sql: "SELECT author, envelope FROM post WHERE id = ? AND kind = 2", arguments: [id.data])
        guard let stored, let body = PostTable.decode(try stored.decode(atIndex: 1))?.checkpoint,
            let device = Hash32(body.device), let blob = Hash32(body.blob), let ids = checkpoints.ids(inBlob: blob)
        else { return nil }
        return NamedIDs(author: try stored.decode(atIndex: 0), device: device, ids: ids)
    }

    // MARK: Slots

    /// Puts the best candidate into each slot that was touched.
    mutating func settle() throws {
        guard !unsettled.isEmpty else { return }
        let slots = unsettled
        unsettled = []
        var done: Set<PostTable.Slot> = []
        for slot in slots where done.insert(slot).inserted { try settle(slot) }
    }

    private mutating func settle(_ slot: PostTable.Slot) throws {
        let holder = try holder(of: slot)
        while let best = try bestCandidate(of: slot) {
            if let holder, stands(holder, over: best) { return }
            guard judgementsLeft > 0 else { return try requeue(best) }
            judgementsLeft -= 1
            // It may wait on the list itself: what is not in force is never shown in between.
            if case .hidden(let reason) = try standing(of: best) {
                try change(best, to: reason.rawValue)
                continue
            }
            if let holder { try change(holder, to: HiddenReason.superseded.rawValue) }
            return try change(best, to: 0)
        }
    }

    /// Leaves the slot of a candidate to the next transaction.
    private mutating func requeue(_ candidate: PostTable.Row) throws {
        try db.cachedStatement(sql: "INSERT OR IGNORE INTO unjudged VALUES (?)").execute(arguments: [candidate.n])
        written.hasUnjudged = true
    }

    private func bestCandidate(of slot: PostTable.Slot) throws -> PostTable.Row? {
        // State 1 is `superseded`; as a number, so that the index of these rows serves.
        try GRDB.Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT \(PostTable.columns) FROM post
                    WHERE author = ? AND kind = ? AND slot = ? AND state = 1 ORDER BY created DESC, id LIMIT 1
                    """),
            arguments: [slot.author, Int64(slot.kind.rawValue), slot.slot]
        ).map(PostTable.row)
    }

    // MARK: Time

    /// Takes expired posts out of force and drops payloads that were deleted long ago, a bounded number of each.
    ///
    /// - Returns: true when there is more to do.
    mutating func tidy() throws -> Bool {
        let expired = try GRDB.Row.fetchAll(
            db,
            sql: """
                SELECT \(PostTable.columns) FROM post
                WHERE expires > 0 AND state = 0 AND expires <= ? ORDER BY expires LIMIT 500
                """,
            arguments: [Int64(now) - Int64(Limits.Post.clockSkew)]
        ).map(PostTable.row)
        for row in expired {
            try change(row, to: HiddenReason.expired.rawValue)
            if row.kind.isReplaceable { unsettled.append(row.place) }
        }
        try settle()
        let areGuestsLeft = try tidyGuests()
        let dropped = try Int64.fetchAll(
            db, sql: "SELECT post FROM dropping WHERE since < ? ORDER BY since LIMIT 500",
            arguments: [Int64(now) - Int64(Limits.Post.deletedPayloadSeconds)])
        for n in dropped {
            try db.cachedStatement(sql: "UPDATE post SET envelope = x'' WHERE n = ?").execute(arguments: [n])
            try db.cachedStatement(sql: "DELETE FROM dropping WHERE post = ?").execute(arguments: [n])
        }
        return expired.count == 500 || dropped.count == 500 || areGuestsLeft
    }
}
