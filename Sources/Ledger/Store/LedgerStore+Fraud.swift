public import Digests
public import FoundationEssentials
import GRDB
import Statements
import WaggleProtocol

/// A proof that is kept, with what it showed when it was checked.
public struct KnownFraud: Sendable {
    public let currency: Hash32
    /// SHA-256 of its bytes.
    public let name: Hash32
    /// As a post carries it.
    public let bytes: Data
    public let offence: FraudVerdict.Offence
    /// Authorities, by their places in the charter.
    public let culprits: Set<Int>
    /// Whether it shows more liars than the currency survives.
    public let isOverload: Bool
    /// Unix seconds: when it came to be here.
    public let time: UInt64
}

extension LedgerStore {
    /// Keeps a proof.
    ///
    /// - Parameter isPosted: there is a post of it; nobody needs another one.
    /// - Returns: false when it is known, or when as many of its kind are here of the same authorities as anybody needs.
    func keep(
        _ proof: FraudProof, _ verdict: FraudVerdict, isPosted: Bool, at time: UInt64, in currency: Hash32
    ) async throws(LedgerError) -> Bool {
        let bytes = proof.bytes(in: currency)
        let name = SHA256.hash(Array(bytes))
        let culprits = verdict.culprits.sorted().map(String.init).joined(separator: ",")
        return try await write { db in
            let rows = try Self.rows(currency, db)
            if isPosted {
                try rows.db.run(
                    "UPDATE fraud SET posted = 1 WHERE currency = ? AND name = ?", [rows.currency, name.data])
            }
            let count =
                try Int.fetchOne(
                    db, sql: "SELECT count(*) FROM fraud WHERE currency = ? AND offence = ? AND culprits = ?",
                    arguments: [rows.currency, verdict.offence.rawValue, culprits]) ?? 0
            if verdict.payer != nil {
                // The latest are what somebody asks for.
                try rows.db.run(
                    """
                    DELETE FROM fraud WHERE rowid IN (SELECT rowid FROM fraud WHERE currency = ? AND offence = ?
                        ORDER BY time DESC, rowid DESC LIMIT -1 OFFSET ?)
                    """, [rows.currency, verdict.offence.rawValue, Limits.Ledger.doubleOrders - 1])
            } else {
                guard count < Limits.Ledger.proofsOfAKind else { return false }
            }
            try rows.db.run(
                """
                INSERT OR IGNORE INTO fraud (currency, name, bytes, offence, culprits, overload, time, posted)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    rows.currency, name.data, bytes, verdict.offence.rawValue, culprits, verdict.isOverload,
                    Int64(clamping: time), isPosted,
                ])
            return db.changesCount > 0
        }
    }

    /// What is proven in a currency, in the order in which it came to be known here.
    public func frauds(in currency: Hash32) async throws(LedgerError) -> [KnownFraud] {
        try await frauds(of: currency, isUnposted: false).filter { $0.offence != .doubleOrder }
    }

    /// Places in the chain of an account for which its key signed two orders, as far as that was seen here lately.
    public func doubleOrders(of account: AccountID, in currency: Hash32) async throws(LedgerError) -> [UInt64] {
        let places = try await frauds(of: currency, isUnposted: false).compactMap { fraud -> UInt64? in
            guard fraud.offence == .doubleOrder, let (_, proof) = try? FraudProof.read(fraud.bytes),
                case .orders(let order, _) = proof, case .account(account, let seq) = order.order.slot
            else { return nil }
            return seq
        }
        return Set(places).sorted()
    }

    /// Proofs of which there is no post yet that this node knows of.
    public func unpostedFrauds() async throws(LedgerError) -> [KnownFraud] {
        try await frauds(of: nil, isUnposted: true)
    }

    private func frauds(of currency: Hash32?, isUnposted: Bool) async throws(LedgerError) -> [KnownFraud] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT c.id, f.name, f.bytes, f.offence, f.culprits, f.overload, f.time FROM fraud f
                    JOIN currency c ON c.n = f.currency
                    WHERE (?1 IS NULL OR c.id = ?1) AND (?2 = 0 OR f.posted = 0) ORDER BY f.time, f.rowid
                    """, arguments: [currency?.data, isUnposted]
            ).compactMap { row in
                guard let currency = Hash32(row[0] as Data), let name = Hash32(row[1] as Data),
                    let offence = FraudVerdict.Offence(rawValue: row[3])
                else { return nil }
                return KnownFraud(
                    currency: currency, name: name, bytes: row[2], offence: offence,
                    culprits: Set((row[4] as String).split(separator: ",").compactMap { Int($0) }),
                    isOverload: row[5], time: UInt64(max(0, row[6] as Int64)))
            }
        }
    }

    /// There is a post of a proof now.
    public func notePosted(_ fraud: KnownFraud) async throws(LedgerError) {
        try await write { db in
            let rows = try Self.rows(fraud.currency, db)
            try rows.db.run(
                "UPDATE fraud SET posted = 1 WHERE currency = ? AND name = ?", [rows.currency, fraud.name.data])
        }
    }
}
