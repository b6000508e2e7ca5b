public import Digests
import FoundationEssentials
import GRDB

/// What an audit of a whole log came to.
public struct AuditReport: Sendable {
    public let entries: UInt64
    public let root: Hash32
    public let stateRoot: Hash32
    public let issued: Int64
    public let burned: Int64
    public let held: Int64
    public let accounts: Int
    /// Signatures that were verified.
    public let signatures: Int
    /// The checkpoint that agrees with it; nil when there is none here.
    public let checkpoint: LedgerCheckpoint?
}

/// Reads all of a log that is stored here, believing nothing: neither the tables beside it nor whoever wrote them.
public struct StoredAudit: Sendable {
    private static let partEntries = 4096
    private let store: LedgerStore

    public init(_ store: LedgerStore) {
        self.store = store
    }

    /// - Parameters:
    ///   - note: a signed checkpoint that the log must come to; nil looks at the log alone.
    ///   - isQuick: looks at hashes and sums alone, not at signatures and rules.
    /// - Throws: `AuditFailure` for the first thing that is wrong; `LedgerError` when the database cannot be read.
    public func run(
        _ charter: Charter, against note: String?, isQuick: Bool = false,
        progress: @Sendable (_ done: UInt64, _ total: UInt64) -> Void = { _, _ in }
    ) async throws -> AuditReport {
        let currency = charter.currency
        let total = try await store.read { db in
            let rows = try LedgerStore.rows(currency, db)
            return UInt64(
                try Int64.fetchOne(
                    db, sql: "SELECT count(*) FROM final WHERE place BETWEEN ? AND ?",
                    arguments: [rows.place(0), rows.place(.max)]) ?? 0)
        }
        let checkpoint = try note.map { try ReplicaService.open($0, charter).1 }
        var audit = LedgerAudit(charter)
        var signatures = 0
        // The next parts are read and verified while this one is folded, two of them, so that the cores have something to do
        // where one waits for the disk.
        var (ahead, start): ([Task<[Part], any Error>], UInt64) = ([], 0)
        defer { ahead.forEach { $0.cancel() } }
        while true {
            while ahead.count < 3, start < total {
                ahead.append(part(from: start, charter, isQuick))
                start += UInt64(Self.partEntries)
            }
            if ahead.isEmpty { break }
            let entries = try await ahead.removeFirst().value
            for entry in entries {
                let tiles: [LogTree.Tile]
                switch entry {
                case .read(let entry):
                    tiles = try audit.append(entry)
                    signatures += entry.final.commits.count + entry.final.order.signatures.count
                case .raw(let bytes): tiles = try audit.fold(bytes)
                }
                if let checkpoint, audit.tree.size == checkpoint.size { try check(audit, checkpoint) }
                for tile in tiles { try await compare(tile, charter) }
            }
            progress(audit.tree.size, total)
        }
        guard audit.tree.size == total else {
            throw AuditFailure(position: audit.tree.size, what: "it is missing; \(total) are here in all")
        }
        if let checkpoint, checkpoint.size > total {
            throw AuditFailure(
                position: nil, what: "the checkpoint is of \(checkpoint.size) entries, only \(total) are here")
        }
        try audit.checkSums()
        try await compareTables(audit, charter)
        var states = StateTree(audit.ledger)
        return AuditReport(
            entries: total, root: audit.tree.root, stateRoot: states.root(), issued: audit.ledger.issued,
            burned: audit.ledger.burned, held: audit.ledger.held, accounts: audit.ledger.accounts.count,
            signatures: signatures, checkpoint: checkpoint)
    }

    private func check(_ audit: LedgerAudit, _ checkpoint: LedgerCheckpoint) throws {
        var states = StateTree(audit.ledger)
        try audit.check(checkpoint, states: &states)
    }

    private enum Part: Sendable {
        case read(LedgerAudit.Entry)
        case raw(Data)
    }

    private func part(from position: UInt64, _ charter: Charter, _ isQuick: Bool) -> Task<[Part], any Error> {
        Task {
            let currency = charter.currency
            let rows = try await store.read { db in
                try LedgerStore.rows(currency, db).finals(from: position, limit: Self.partEntries)
            }
            for (place, row) in rows.enumerated() where row.position != position + UInt64(place) {
                throw AuditFailure(position: position + UInt64(place), what: "it is missing")
            }
            guard !isQuick else { return rows.map { .raw($0.bytes) } }
            let entries = try await LedgerAudit.read(rows.map(\.bytes), from: position, charter)
            let slots = entries.map(\.final.slotID)
            let lost = try await store.read { db in
                let rows = try LedgerStore.rows(currency, db)
                return try slots.indices.first { try !rows.isNoted(slots[$0], at: Int64(position) + Int64($0)) }
            }
            if let lost {
                throw AuditFailure(position: position + UInt64(lost), what: "it is not found by its slot")
            }
            return entries.map { .read($0) }
        }
    }

    private func compare(_ tile: LogTree.Tile, _ charter: Charter) async throws {
        let stored = try await store.read { db in
            try LedgerStore.rows(charter.currency, db).tile(level: tile.level, Int64(tile.index))
        }
        guard stored == tile.hashes else {
            throw AuditFailure(position: nil, what: "the stored tile \(tile.level)/\(tile.index) has other hashes")
        }
    }

    /// The accounts and holds that a start would read, against those that the log comes to.
    private func compareTables(_ audit: LedgerAudit, _ charter: Charter) async throws {
        let stored = try await store.read { db in try LedgerStore.rows(charter.currency, db).state() }
        let folded = audit.ledger
        guard stored != folded else { return }
        for (id, account) in folded.accounts where stored.accounts[id] != account {
            throw AuditFailure(position: nil, what: "the stored account \(id.hex) is not what the log comes to")
        }
        for (name, hold) in folded.holds where stored.holds[name] != hold {
            throw AuditFailure(position: nil, what: "the stored hold \(name.hex) is not what the log comes to")
        }
        throw AuditFailure(position: nil, what: "the stored accounts, holds or sums are not what the log comes to")
    }
}
