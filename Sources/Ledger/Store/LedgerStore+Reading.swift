public import Digests
public import FoundationEssentials
import GRDB

/// A final with where it is in the log here.
public struct LoggedFinal: Sendable {
    public let position: UInt64
    /// Unix seconds: when it came to be here. The log itself has no times.
    public let time: UInt64
    public let final: Final
    /// Of what resolves a hold: the hold as it was, and what it was for.
    public let hold: LedgerState.Hold?
    public let holdReference: Hash32?

    public var postings: [LedgerPosting] { LedgerPosting.of(final.order.order, hold: hold) }

    /// What it gave an account, or took.
    public func change(of account: AccountID) -> Int64 {
        postings.reduce(0) { $1.place == .account(account) ? $0 &+ $1.amount : $0 }
    }

    /// What it is about.
    public var reference: Hash32? { final.order.order.reference ?? holdReference }
}

extension LedgerStore {
    /// Finals that mention an account, a hold or a reference, the newest first: as many as asked for, or all that there are.
    public func mentions(of name: Hash32, in currency: Hash32, before position: UInt64? = nil, limit: Int)
        async throws(LedgerError) -> [LoggedFinal]
    {
        var found: [LoggedFinal] = []
        var scanned = position
        while found.count < limit, !Task.isCancelled {
            let (before, most) = (scanned, max(limit, 256))
            let (part, last, count) = try await read { db in
                let rows = try Self.rows(currency, db)
                let near = try rows.mentions(of: name, before: before, limit: most)
                // Other names may begin with the same eight bytes, and anybody can make such names.
                let part = try near.map { try Self.logged($0, rows) }.filter { $0.mentions(name) }
                return (part, near.last?.position, near.count)
            }
            found += part.prefix(limit - found.count)
            guard count == most, let last else { break }
            scanned = last
        }
        return found
    }

    /// A final by its order's id, its slot or its place in the log.
    public func find(_ name: Hash32, in currency: Hash32) async throws(LedgerError) -> LoggedFinal? {
        try await read { db in
            let rows = try Self.rows(currency, db)
            let found = try rows.placed(name) ?? rows.opening(of: name)
            return try found.map { try Self.logged($0, rows) }
        }
    }

    public func find(at position: UInt64, in currency: Hash32) async throws(LedgerError) -> LoggedFinal? {
        try await read { db in try Self.logged(position, Self.rows(currency, db)) }
    }

    /// Accounts that are frozen through an epoch or longer, the longest first.
    func frozen(through epoch: Int64, in currency: Hash32, limit: Int) async throws(LedgerError)
        -> [(account: AccountID, until: Int64)]
    {
        try await read { db in
            let rows = try Self.rows(currency, db)
            let found = try Row.fetchAll(
                db,
                sql: """
                    SELECT id, frozen FROM account WHERE currency = ? AND frozen >= ? AND frozen >= 0
                    ORDER BY frozen DESC, n LIMIT ?
                    """, arguments: [rows.currency, epoch, limit])
            return found.compactMap { row in Hash32(row[0] as Data).map { ($0, row[1]) } }
        }
    }

    /// Finals in the order of the log here, from a place in it on.
    public func finals(from position: UInt64, limit: Int, in currency: Hash32) async throws(LedgerError)
        -> [LoggedFinal]
    {
        try await read { db in
            let rows = try Self.rows(currency, db)
            return try rows.finals(from: position, limit: limit).map {
                try Self.logged(($0.position, Final(bytes: $0.bytes)), rows)
            }
        }
    }

    /// Which entries of a log are not final here in the very same bytes. The others were looked at when they came here.
    func unknown(_ entries: [Data], in currency: Hash32) async throws(LedgerError) -> RangeSet<Int> {
        try await read { db in
            let rows = try Self.rows(currency, db)
            return try entries.indices { entry in
                guard let slot = try? Final(bytes: entry).slotID else { return true }
                return try !rows.has(slot, entry)
            }
        }
    }

    private static func logged(_ position: UInt64, _ rows: CurrencyRows) throws -> LoggedFinal? {
        let bytes = try Data.fetchOne(
            rows.db, sql: "SELECT bytes FROM final WHERE place = ?", arguments: [rows.place(position)])
        return try bytes.map { try logged((position, Final(bytes: $0)), rows) }
    }

    private static func logged(_ found: (position: UInt64, final: Final), _ rows: CurrencyRows) throws -> LoggedFinal {
        var opening: Order?
        if case .hold(let name) = found.final.order.order.slot {
            opening = try rows.opening(of: name)?.final.order.order
        }
        return LoggedFinal(
            position: found.position, time: try rows.time(of: found.position), final: found.final,
            hold: opening.flatMap { LedgerState.Hold(opening: $0) }, holdReference: opening?.reference)
    }

    /// The proof that an entry is in the log of `size` entries, and its root.
    public func inclusion(of position: UInt64, size: UInt64, in currency: Hash32) async throws(LedgerError)
        -> (proof: [Hash32], root: Hash32)
    {
        try await read { db in
            let rows = try Self.rows(currency, db)
            return (
                try LogProof.inclusion(position, size: size) { try rows.subtree($0, $1) }, try rows.root(size: size)
            )
        }
    }

    /// The proof that the log of `old` entries is the beginning of that of `size`.
    public func consistency(old: UInt64, size: UInt64, in currency: Hash32) async throws(LedgerError) -> [Hash32] {
        try await read { db in
            let rows = try Self.rows(currency, db)
            return try LogProof.consistency(old: old, size: size) { try rows.subtree($0, $1) }
        }
    }

    /// The bytes of a tile as they are served; nil where the log is shorter.
    public func tile(_ path: LogTilePath, of currency: Hash32) async throws(LedgerError) -> Data? {
        try await read { db in
            let rows = try Self.rows(currency, db)
            let size = UInt64(
                max(
                    0,
                    try Int64.fetchOne(db, sql: "SELECT size FROM currency WHERE n = ?", arguments: [rows.currency])
                        ?? 0))
            var there = size
            for _ in 0..<(path.level ?? 0) { there /= UInt64(LogTree.tileHashes) }
            let start = path.index.multipliedReportingOverflow(by: UInt64(LogTree.tileHashes))
            guard !start.overflow, start.partialValue < there, there - start.partialValue >= UInt64(path.width) else {
                return nil
            }
            guard let level = path.level else {
                return EntryBundle.encode(
                    try rows.finals(from: start.partialValue, limit: path.width).map(\.bytes))
            }
            return Data(
                try rows.hashes(level: level, from: start.partialValue, count: path.width).flatMap(\.bytes))
        }
    }
}

extension LoggedFinal {
    fileprivate func mentions(_ name: Hash32) -> Bool {
        let order = final.order.order
        if order.slot.name == name || order.id == name || reference == name { return true }
        if case .freeze(name, _) = order.operation { return true }
        return postings.contains { $0.place == .account(name) || $0.place == .hold(name) }
    }
}
