import Digests
import FoundationEssentials
import GRDB
import Statements
import Synchronization
import WaggleProtocol

/// A copy of a currency's log that believes nobody: every entry is audited before it is kept, and what is kept agrees with a
/// checkpoint that the authority signed.
public actor ReplicaService {
    private struct Live {
        var audit: LedgerAudit
        var states: StateTree?
    }

    public nonisolated let charter: Charter
    private let store: LedgerStore
    private let now: @Sendable () -> UInt64
    private let live: Mutex<Live>
    private var running: Task<Result<Round, LedgerError>, Never>?

    public init(store: LedgerStore, charter: Charter, now: @escaping @Sendable () -> UInt64) async throws(LedgerError) {
        (self.store, self.charter, self.now) = (store, charter, now)
        try await store.add(charter)
        live = Mutex(
            try await store.read { db in
                Live(audit: try Self.load(charter, try LedgerStore.rows(charter.currency, db)), states: nil)
            })
    }

    private static func load(_ charter: Charter, _ rows: CurrencyRows) throws -> LedgerAudit {
        var ledger = try rows.state()
        _ = ledger.takeChanges()
        let head = try Row.fetchOne(
            rows.db, sql: "SELECT epoch, size FROM currency WHERE n = ?", arguments: [rows.currency])
        return LedgerAudit(charter, ledger, try rows.tree(size: head?[1] ?? 0), epoch: head?[0] ?? 0)
    }

    public nonisolated func state() -> (ledger: LedgerState, size: UInt64) {
        live.withLock { ($0.audit.ledger, $0.audit.tree.size) }
    }

    /// Fetches what is new at an authority, or at another node that has a copy of its log: all of it, or as much as one round
    /// may bring.
    ///
    /// - Returns: how many entries came.
    /// - Throws: `unreachable`; `untrusted` when what came does not agree with what is signed; `diskFull`. What contradicts
    ///   the authority's own signature is kept as an alarm. What came before is here, and the next round goes on after it.
    public func follow(_ transport: any LedgerTransport, at url: String) async throws(LedgerError) -> UInt64 {
        try await round(transport, url).count
    }

    /// The same, in as many rounds as it takes.
    func followWhole(_ transport: any LedgerTransport, at url: String) async throws(LedgerError) -> UInt64 {
        var count: UInt64 = 0
        while true {
            let round = try await round(transport, url)
            count += round.count
            if round.isWhole { return count }
        }
    }

    private struct Round: Sendable {
        let count: UInt64
        /// Whether all is here that the checkpoint covers.
        let isWhole: Bool
    }

    private func round(_ transport: any LedgerTransport, _ url: String) async throws(LedgerError) -> Round {
        if let running { return try await running.value.get() }
        let task = Task { () async -> Result<Round, LedgerError> in
            do throws(LedgerError) {
                return .success(try await self.fetch(transport, url))
            } catch {
                return .failure(error)
            }
        }
        running = task
        defer { running = nil }
        return try await task.value.get()
    }

    private func fetch(_ transport: any LedgerTransport, _ url: String) async throws(LedgerError) -> Round {
        let note = try await transport.checkpoint(charter.currency, at: url)
        let (signed, checkpoint) = try Self.open(note, charter)
        let tree = live.withLock { $0.audit.tree }
        guard checkpoint.size >= tree.size else {
            // An old checkpoint is no lie by itself: whoever has a copy may be behind.
            guard try await isInLog(checkpoint) else {
                throw try await alarm(signed, "is no beginning of the log here")
            }
            return Round(count: 0, isWhole: true)
        }
        if try await !bringFew(tree, checkpoint, signed, transport, url) {
            try await bring(tree, checkpoint, signed, transport, url)
        }
        let size = live.withLock { $0.audit.tree.size }
        let isWhole = size == checkpoint.size
        if isWhole { try await finish(checkpoint, signed) }
        return Round(count: size - tree.size, isWhole: isWhole)
    }

    /// Reads a note and checks that the authority signed it.
    static func open(_ note: String, _ charter: Charter) throws(LedgerError) -> (SignedNote, LedgerCheckpoint) {
        guard let signed = SignedNote(encoded: note), let checkpoint = LedgerCheckpoint(text: signed.text),
            let authority = charter.authorities.first(where: {
                LedgerCheckpoint.origin(currency: charter.currency, authority: $0.key) == checkpoint.origin
            }), signed.isSigned(as: checkpoint.origin, by: authority.key)
        else { throw .untrusted("the checkpoint is not signed by an authority of \(charter.symbol)") }
        return (signed, checkpoint)
    }

    private func isInLog(_ checkpoint: LedgerCheckpoint) async throws(LedgerError) -> Bool {
        let currency = charter.currency
        return try await store.read { db in
            try LedgerStore.rows(currency, db).root(size: checkpoint.size) == checkpoint.root
        }
    }

    /// Fetches the few entries that are new as a rule: those that come to the signed root are what was signed.
    ///
    /// - Returns: false when there are many, or when they come to another root and it is to be found out why.
    private func bringFew(
        _ before: LogTree, _ checkpoint: LedgerCheckpoint, _ signed: SignedNote, _ transport: any LedgerTransport,
        _ url: String
    ) async throws(LedgerError) -> Bool {
        guard checkpoint.size - before.size <= UInt64(Limits.Ledger.fewEntries) else { return false }
        var tree = before
        var found: [Data] = []
        while tree.size < checkpoint.size {
            let part = try await bundle(tree.size, of: checkpoint.size, transport, url).new
            for entry in part { _ = tree.append(LogTree.leaf(entry)) }
            found += part
        }
        guard tree.root == checkpoint.root else { return false }
        try await take(found, signed)
        return true
    }

    /// Fetches entries by the tiles of the signed log: each bundle is known to be signed before anything of it is kept, and is
    /// audited before the next ones are asked for. So whoever serves what is no log costs a few requests, and an authority
    /// that signs what nobody ordered is found out at the first such entry.
    private func bring(
        _ before: LogTree, _ checkpoint: LedgerCheckpoint, _ signed: SignedNote, _ transport: any LedgerTransport,
        _ url: String
    ) async throws(LedgerError) {
        let currency = charter.currency
        if before.size == checkpoint.size {
            // All that is here was signed: another root for as many entries is another log.
            guard before.root == checkpoint.root else { throw try await alarm(signed, Self.otherLog(checkpoint)) }
            return
        }
        var tiles = try await SignedTiles(size: checkpoint.size, root: checkpoint.root) {
            path async throws(LedgerError) in try await transport.tile(path, of: currency, at: url)
        }
        guard try await tiles.begins(with: before) else { throw try await alarm(signed, Self.otherLog(checkpoint)) }
        try await cover(signed)
        var at = before.size
        var (found, bytes, all) = ([Data](), 0, 0)
        while at < checkpoint.size, all < Limits.Ledger.bytesPerRound {
            let index = at / UInt64(LogTree.tileHashes)
            let new: [Data]
            do throws(LedgerError) {
                let part = try await bundle(at, of: checkpoint.size, transport, url)
                guard try await tiles.has(part.entries, in: index) else {
                    throw .untrusted("\(url) serves other entries than its authority signed; they are not kept")
                }
                new = part.new
            } catch {
                // What came before is right, and need not come again.
                try await take(found, signed)
                throw error
            }
            at += UInt64(new.count)
            found += new
            let size = new.reduce(0) { $0 + $1.count }
            (bytes, all) = (bytes + size, all + size)
            guard found.count >= Self.part || bytes >= Limits.Ledger.bundleBytes else { continue }
            try await take(found, signed)
            (found, bytes) = ([], 0)
        }
        try await take(found, signed)
    }

    private static func otherLog(_ checkpoint: LedgerCheckpoint) -> String {
        "a log of \(checkpoint.size) entries was signed that does not begin with this one"
    }

    /// The bundle that the entry at a position is in, and what of it comes from there on.
    private func bundle(
        _ position: UInt64, of size: UInt64, _ transport: any LedgerTransport, _ url: String
    ) async throws(LedgerError) -> (entries: [Data], new: [Data]) {
        let width = UInt64(LogTree.tileHashes)
        let index = position / width
        let count = Int(min(width, size - index * width))
        let path = LogTilePath(level: nil, index: index, width: count)
        guard
            let entries = EntryBundle.decode(
                try await transport.tile(path, of: charter.currency, at: url), count: count)
        else { throw .untrusted("\(url) serves a bundle of entries that is none") }
        return (entries, Array(entries.dropFirst(Int(position - index * width))))
    }

    /// Entries that are audited and kept at once.
    private static let part = 4096

    /// Audits the next entries of the log and keeps them. A signed root covers them: what is wrong is the authority's.
    private func take(_ raw: [Data], _ signed: SignedNote) async throws(LedgerError) {
        for start in stride(from: 0, to: raw.count, by: Self.part) {
            guard store.freeBytes >= Limits.Ledger.freeBytes else { throw .diskFull(path: store.path) }
            let size = live.withLock { $0.audit.tree.size }
            let entries: [LedgerAudit.Entry]
            do throws(AuditFailure) {
                entries = try await LedgerAudit.read(
                    Array(raw[start..<min(start + Self.part, raw.count)]), from: size, charter)
            } catch {
                throw try await alarm(signed, error.message)
            }
            if let failure = try await keep(entries, from: size) { throw try await alarm(signed, failure.message) }
        }
    }

    /// Compares all that is here with the checkpoint, and keeps that as what the copy comes to.
    private func finish(_ checkpoint: LedgerCheckpoint, _ signed: SignedNote) async throws(LedgerError) {
        let currency = charter.currency
        let failure: AuditFailure? = live.withLock { live in
            if live.states == nil { live.states = StateTree(live.audit.ledger) }
            guard var states = live.states else { return nil }
            defer { live.states = states }
            do throws(AuditFailure) {
                try live.audit.check(checkpoint, states: &states)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw try await alarm(signed, failure.message) }
        let text = signed.encoded
        let time = Int64(clamping: now())
        try await store.write { db in
            let rows = try LedgerStore.rows(currency, db)
            try rows.db.run(
                "UPDATE place SET note = ?, cover = '', asked = ? WHERE currency = ?", [text, time, rows.currency])
        }
    }

    /// Keeps the note under which entries come that are not all here yet: it shows that they were signed.
    private func cover(_ signed: SignedNote) async throws(LedgerError) {
        let (currency, text) = (charter.currency, signed.encoded)
        try await store.write { db in
            let rows = try LedgerStore.rows(currency, db)
            try rows.db.run("UPDATE place SET cover = ? WHERE currency = ?", [text, rows.currency])
        }
    }

    /// Appends audited entries, and compares each with what the authority answered before.
    private func keep(_ entries: [LedgerAudit.Entry], from size: UInt64) async throws(LedgerError) -> AuditFailure? {
        let currency = charter.currency
        let time = now()
        var audit = live.withLock { $0.audit }
        do throws(AuditFailure) {
            for entry in entries { _ = try audit.append(entry) }
        } catch {
            return error
        }
        let folded = audit
        let before = live.withLock { $0.audit.tree }
        let kept: (AuditFailure?, LedgerState.Changes?, LedgerAudit) = try await store.write { db in
            let rows = try LedgerStore.rows(currency, db)
            var (tree, after) = (before, folded)
            for (place, entry) in entries.enumerated() {
                let known = try Data.fetchOne(
                    db.cachedStatement(sql: "SELECT bytes FROM receipt WHERE currency = ? AND slot = ?"),
                    arguments: [rows.currency, entry.final.slotID.data])
                if let known, try Final(bytes: known).value != entry.final.value {
                    let failure = AuditFailure(
                        position: size + UInt64(place), what: "the authority answered with another final for this slot")
                    return (failure, nil, folded)
                }
                try rows.append(entry.final, to: &tree)
            }
            let changes = after.ledger.takeChanges()
            try rows.put(changes, of: after.ledger)
            try rows.putHead(size: Int64(tree.size), epoch: after.epoch, after.ledger)
            try rows.note(time: time, from: size)
            return (nil, changes, after)
        }
        guard let changes = kept.1 else { return kept.0 }
        let after = kept.2
        // Only now: what a transaction lost must not be remembered.
        live.withLock { live in
            live.states?.update(changes, from: after.ledger)
            live.audit = after
        }
        return nil
    }

    /// Keeps that the authority contradicted itself, with the note that shows it.
    private func alarm(_ note: SignedNote, _ what: String) async throws(LedgerError) -> LedgerError {
        let currency = charter.currency
        let text = "\(what)\n\n\(note.encoded)"
        try await store.write { db in
            let rows = try LedgerStore.rows(currency, db)
            // With the note that what is here came under, where that is not all here.
            try rows.db.run(
                """
                UPDATE place SET alarm = ?1 || iif(cover = '' OR cover = ?3, '', char(10) || cover)
                WHERE currency = ?2 AND alarm = ''
                """, [text, rows.currency, note.encoded])
        }
        return .untrusted("the authority of \(charter.symbol) contradicts itself: \(what)")
    }
}
