import Digests
import FoundationEssentials
import GRDB
import Statements
import WaggleProtocol

/// What this node is to a currency.
struct CurrencyPlace: Sendable {
    let role: CurrencyRole
    let url: String
    let note: String
    let answered: UInt64
    let alarm: String
}

extension LedgerStore {
    func places() async throws(LedgerError) -> [(charter: Charter, place: CurrencyPlace)] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT c.charter, p.role, p.url, p.note, p.asked, p.alarm FROM currency c
                    JOIN place p ON p.currency = c.n ORDER BY c.n
                    """
            ).map { row in
                (
                    try Charter(bytes: row[0]),
                    CurrencyPlace(
                        role: CurrencyRole(rawValue: row[1]) ?? .member, url: row[2], note: row[3],
                        answered: UInt64(max(0, row[4] as Int64)), alarm: row[5])
                )
            }
        }
    }

    func place(_ currency: Hash32) async throws(LedgerError) -> CurrencyPlace? {
        try await places().first { $0.charter.currency == currency }?.place
    }

    /// Takes a currency in; an address that is given again takes the place of the one before.
    public func add(_ charter: Charter, as role: CurrencyRole, url: String, generation: Int64, since: UInt64)
        async throws(LedgerError)
    {
        try await write { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO currency (id, charter, generation) VALUES (?, ?, ?)",
                arguments: [charter.currency.data, charter.bytes, generation])
            let rows = try Self.rows(charter.currency, db)
            try rows.db.run(
                """
                INSERT INTO place (currency, role, url, since) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (currency) DO UPDATE SET url = ?3
                """, [rows.currency, role.rawValue, url, Int64(clamping: since)])
        }
    }

    /// - Parameter time: unix seconds.
    func noteAnswer(of currency: Hash32, at time: UInt64) async throws(LedgerError) {
        try await write { db in
            let rows = try Self.rows(currency, db)
            try rows.db.run(
                "UPDATE place SET asked = ? WHERE currency = ?", [Int64(clamping: time), rows.currency])
        }
    }

    /// Sets the count of starts of a currency, and of those that run beside it, above that of every other.
    ///
    /// - Parameter generation: the key's own count.
    /// - Returns: the count that the key must have from now on.
    func restart(_ currency: Hash32, with running: [Hash32], after generation: Int64) async throws(LedgerError) -> Int64
    {
        try await write { db in
            // A stop between the database and the key's file may have left a count here that is ahead of the key.
            let most = try Int64.fetchOne(db, sql: "SELECT max(generation) FROM currency") ?? 0
            let next = max(most, generation) + 1
            for name in [currency] + running {
                let rows = try Self.rows(name, db)
                try rows.db.run("UPDATE currency SET generation = ? WHERE n = ?", [next, rows.currency])
            }
            return next
        }
    }

    func isInLog(_ checkpoint: LedgerCheckpoint, of currency: Hash32) async throws(LedgerError) -> Bool {
        try await read { db in
            let rows = try Self.rows(currency, db)
            let size = try Int64.fetchOne(db, sql: "SELECT size FROM currency WHERE n = ?", arguments: [rows.currency])
            guard checkpoint.size <= UInt64(max(0, size ?? 0)) else { return false }
            return try rows.root(size: checkpoint.size) == checkpoint.root
        }
    }

    // MARK: Witnesses

    /// Keeps a witness's signature, if it is no older than the one that is here.
    ///
    /// - Parameters:
    ///   - note: signed by the log's key and the witness alone (`SignedNote.witnessed`).
    ///   - time: when the witness signed. Nothing is kept that says to be from after `latest`: it would be the newest for
    ///     ever.
    func keep(
        _ note: SignedNote, of witness: Hash32, at time: UInt64, latest: UInt64, size: UInt64, of currency: Hash32
    ) async throws(LedgerError) {
        guard time <= latest else { return }
        let text = note.encoded
        try await write { db in
            let rows = try Self.rows(currency, db)
            try rows.db.run(
                """
                INSERT INTO cosignature (currency, witness, size, time, note) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (currency, witness) DO UPDATE SET size = ?3, time = ?4, note = ?5 WHERE ?3 >= size
                """, [rows.currency, witness.data, Int64(clamping: size), Int64(clamping: time), text])
            // Anybody can make keys: the newest stay.
            try rows.db.run(
                """
                DELETE FROM cosignature WHERE currency = ?1 AND (time > ?3 OR witness NOT IN
                    (SELECT witness FROM cosignature WHERE currency = ?1 AND time <= ?3 ORDER BY time DESC LIMIT ?2))
                """, [rows.currency, Limits.Ledger.witnesses, Int64(clamping: latest)])
        }
    }

    func witnesses(of currency: Hash32) async throws(LedgerError) -> [Hash32: UInt64] {
        try await read { db in
            let rows = try Self.rows(currency, db)
            var found: [Hash32: UInt64] = [:]
            for row in try Row.fetchAll(
                db, sql: "SELECT witness, time FROM cosignature WHERE currency = ?", arguments: [rows.currency])
            {
                if let key = Hash32(row[0] as Data) { found[key] = UInt64(max(0, row[1] as Int64)) }
            }
            return found
        }
    }

    /// The newest checkpoint that witnesses signed, with the signatures of as many as a note has room for, the newest first;
    /// nil where none did.
    func witnessedNote(of currency: Hash32) async throws(LedgerError) -> SignedNote? {
        try await read { db in
            let rows = try Self.rows(currency, db)
            let found = try Row.fetchAll(
                db,
                sql: """
                    SELECT note, witness FROM cosignature WHERE currency = ?1
                    AND size = (SELECT max(size) FROM cosignature WHERE currency = ?1) ORDER BY time DESC, witness
                    """, arguments: [rows.currency])
            var merged: SignedNote?
            for row in found {
                guard let note = SignedNote(encoded: row[0]), let witness = Hash32(row[1] as Data),
                    let origin = note.text.split(separator: "\n").first
                else { continue }
                let into = merged ?? SignedNote(text: note.text)
                guard into.text == note.text else { continue }
                // Signatures of others that were kept along with this one are in rows of their own.
                let names = [String(origin), WitnessName.of(witness)]
                let more = into.adding(note.signatures.filter { names.contains($0.name) })
                guard more.signatures.count <= SignedNote.most else { break }
                merged = more
            }
            return merged
        }
    }

    // MARK: Orders under way

    func keepPending(_ signed: SignedOrder, since: UInt64) async throws(LedgerError) {
        try await write { db in
            let rows = try Self.rows(signed.order.currency, db)
            try rows.db.run(
                "INSERT OR REPLACE INTO pending (currency, slot, bytes, since) VALUES (?, ?, ?, ?)",
                [rows.currency, signed.order.slotID.data, signed.bytes, Int64(clamping: since)])
        }
    }

    func pending(in currency: Hash32) async throws(LedgerError) -> [SignedOrder] {
        try await read { db in
            let rows = try Self.rows(currency, db)
            return try Data.fetchAll(
                db, sql: "SELECT bytes FROM pending WHERE currency = ? ORDER BY since", arguments: [rows.currency]
            ).map { try SignedOrder(bytes: $0) }
        }
    }

    /// Ends an order under way, with the final that it came to.
    func settle(_ order: Order, _ final: Final?) async throws(LedgerError) {
        try await write { db in
            let rows = try Self.rows(order.currency, db)
            if let final {
                try rows.db.run(
                    "INSERT OR IGNORE INTO receipt (currency, slot, bytes) VALUES (?, ?, ?)",
                    [rows.currency, final.slotID.data, final.bytes])
            }
            try rows.db.run(
                "DELETE FROM pending WHERE currency = ? AND slot = ?", [rows.currency, order.slotID.data])
        }
    }
}
