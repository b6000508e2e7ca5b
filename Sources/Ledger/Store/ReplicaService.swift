import Digests
import FoundationEssentials
import GRDB
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
    private var running: Task<Result<UInt64, LedgerError>, Never>?

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

    /// Fetches what is new at an authority, or at another node that has a copy of its log.
    ///
    /// - Returns: how many entries came.
    /// - Throws: `unreachable`; `untrusted` when what came does not agree with what is signed. What contradicts the
    ///   authority's own signature is kept as an alarm.
    public func follow(_ transport: any LedgerTransport, at url: String) async throws(LedgerError) -> UInt64 {
        if let running { return try await running.value.get() }
        let task = Task { () async -> Result<UInt64, LedgerError> in
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

    private func fetch(_ transport: any LedgerTransport, _ url: String) async throws(LedgerError) -> UInt64 {
        let note = try await transport.checkpoint(charter.currency, at: url)
        let (signed, checkpoint) = try Self.open(note, charter)
        let size = live.withLock { $0.audit.tree.size }
        guard checkpoint.size >= size else {
            // An old checkpoint is no lie by itself: whoever has a copy may be behind.
            guard try await isInLog(checkpoint) else {
                throw try await alarm(signed, "is no beginning of the log here")
            }
            return 0
        }
        try await bring(size..<checkpoint.size, checkpoint, signed, transport, url)
        try await take(checkpoint, signed)
        return checkpoint.size - size
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

    /// Puts raw entries aside until they are all here, and throws them away unless the signed root is over them.
    private func bring(
        _ range: Range<UInt64>, _ checkpoint: LedgerCheckpoint, _ signed: SignedNote,
        _ transport: any LedgerTransport, _ url: String
    ) async throws(LedgerError) {
        let currency = charter.currency
        var tree = live.withLock { $0.audit.tree }
        try await store.write { db in try LedgerStore.rows(currency, db).clearIncoming() }
        let width = UInt64(LogTree.tileHashes)
        var at = range.lowerBound
        while at < range.upperBound {
            let index = at / width
            let count = Int(min(width, range.upperBound - index * width))
            let path = LogTilePath(level: nil, index: index, width: count)
            let bytes = try await transport.tile(path, of: currency, at: url)
            guard let bundle = EntryBundle.decode(bytes, count: count) else {
                throw .untrusted("\(url) serves a bundle of entries that is none")
            }
            let entries = Array(bundle.dropFirst(Int(at - index * width)))
            let start = at
            for entry in entries { _ = tree.append(LogTree.leaf(entry)) }
            try await store.write { db in
                let rows = try LedgerStore.rows(currency, db)
                for (place, entry) in entries.enumerated() {
                    try rows.run(
                        "INSERT INTO incoming (currency, position, bytes) VALUES (?, ?, ?)",
                        [rows.currency, Int64(start) + Int64(place), entry])
                }
            }
            at += UInt64(entries.count)
        }
        guard tree.root == checkpoint.root else {
            // Either what came is not what was signed, or another log was signed: its own entries from the first on tell.
            if range.lowerBound > 0, try await isOtherLog(checkpoint, transport, url) {
                throw try await alarm(
                    signed, "a log of \(checkpoint.size) entries was signed that does not begin with this one")
            }
            throw .untrusted("\(url) serves other entries than its authority signed; they are not kept")
        }
    }

    /// Whether the signed root is over entries of another beginning than those here.
    private func isOtherLog(
        _ checkpoint: LedgerCheckpoint, _ transport: any LedgerTransport, _ url: String
    ) async throws(LedgerError) -> Bool {
        let width = UInt64(LogTree.tileHashes)
        var tree = LogTree()
        while tree.size < checkpoint.size {
            let count = Int(min(width, checkpoint.size - tree.size))
            let path = LogTilePath(level: nil, index: tree.size / width, width: count)
            let bytes = try await transport.tile(path, of: charter.currency, at: url)
            guard let entries = EntryBundle.decode(bytes, count: count) else { return false }
            for entry in entries { _ = tree.append(LogTree.leaf(entry)) }
        }
        return tree.root == checkpoint.root
    }

    /// Audits what lies aside and takes it over. It is covered by the signed root: what is wrong now is the authority's.
    private func take(_ checkpoint: LedgerCheckpoint, _ signed: SignedNote) async throws(LedgerError) {
        let (currency, charter) = (charter.currency, charter)
        while true {
            let size = live.withLock { $0.audit.tree.size }
            guard size < checkpoint.size else { break }
            let raw = try await store.read { db in
                let rows = try LedgerStore.rows(currency, db)
                return try Data.fetchAll(
                    db,
                    sql: "SELECT bytes FROM incoming WHERE currency = ? AND position >= ? ORDER BY position LIMIT 4096",
                    arguments: [rows.currency, Int64(size)])
            }
            guard !raw.isEmpty else { throw .damaged(path: store.path, detail: "entries that were fetched are gone") }
            let entries: [LedgerAudit.Entry]
            do throws(AuditFailure) {
                entries = try await LedgerAudit.read(raw, from: size, charter)
            } catch {
                throw try await alarm(signed, error.message)
            }
            if let failure = try await keep(entries, from: size) { throw try await alarm(signed, failure.message) }
        }
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
            try rows.clearIncoming()
            try rows.run("UPDATE place SET note = ?, asked = ? WHERE currency = ?", [text, time, rows.currency])
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
            try rows.run("UPDATE place SET alarm = ? WHERE currency = ? AND alarm = ''", [text, rows.currency])
        }
        return .untrusted("the authority of \(charter.symbol) contradicts itself: \(what)")
    }
}
