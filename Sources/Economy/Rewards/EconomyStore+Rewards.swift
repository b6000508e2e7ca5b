public import Digests
import FoundationEssentials
import GRDB

/// A published list, and whether it is paid.
public struct StoredEvidence: Sendable {
    public let evidence: RewardEvidence
    public let isPaid: Bool
}

extension EconomyStore {
    /// Keeps what one epoch's rewards are for, before anything of it is paid. The list of an epoch is made once: another one
    /// for the same epoch changes nothing.
    ///
    /// - Returns: the list that is kept.
    public func keep(_ evidence: RewardEvidence) async throws(EconomyError) -> RewardEvidence {
        try await write { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO evidence (currency, epoch, hash, text, paid) VALUES (?, ?, ?, ?, 0)",
                arguments: [evidence.currency.data, evidence.epoch, evidence.hash.data, evidence.text])
            guard db.changesCount == 1 else {
                return try Self.stored(evidence.currency, evidence.epoch, db)?.evidence ?? evidence
            }
            let statement = try db.cachedStatement(sql: "INSERT OR IGNORE INTO counted (currency, key) VALUES (?, ?)")
            for key in evidence.keys { try statement.execute(arguments: [evidence.currency.data, key.data]) }
            return evidence
        }
    }

    /// All of it is final.
    public func notePaid(_ evidence: RewardEvidence) async throws(EconomyError) {
        try await write { db in
            try db.execute(
                sql: "UPDATE evidence SET paid = 1 WHERE currency = ? AND epoch = ?",
                arguments: [evidence.currency.data, evidence.epoch])
        }
    }

    public func evidence(of currency: Hash32, epoch: Int64) async throws(EconomyError) -> StoredEvidence? {
        try await read { db in try Self.stored(currency, epoch, db) }
    }

    /// The newest epoch that has a list; nil where none has.
    public func newestEvidence(of currency: Hash32) async throws(EconomyError) -> Int64? {
        try await read { db in
            try Int64.fetchOne(
                db, sql: "SELECT max(epoch) FROM evidence WHERE currency = ?", arguments: [currency.data])
        }
    }

    /// Epochs whose list is not paid yet, the earliest first.
    public func unpaid(in currency: Hash32) async throws(EconomyError) -> [Int64] {
        try await read { db in
            try Int64.fetchAll(
                db, sql: "SELECT epoch FROM evidence WHERE currency = ? AND paid = 0 ORDER BY epoch",
                arguments: [currency.data])
        }
    }

    /// Keys that some list has.
    public func counted(_ keys: [Hash32], in currency: Hash32) async throws(EconomyError) -> Set<Hash32> {
        try await read { db in
            let statement = try db.cachedStatement(sql: "SELECT 1 FROM counted WHERE currency = ? AND key = ?")
            var found: Set<Hash32> = []
            for key in keys where try Int.fetchOne(statement, arguments: [currency.data, key.data]) != nil {
                found.insert(key)
            }
            return found
        }
    }

    private static func stored(_ currency: Hash32, _ epoch: Int64, _ db: Database) throws -> StoredEvidence? {
        guard
            let row = try Row.fetchOne(
                db, sql: "SELECT text, paid FROM evidence WHERE currency = ? AND epoch = ?",
                arguments: [currency.data, epoch])
        else { return nil }
        do {
            return StoredEvidence(evidence: try RewardEvidence(text: row[0]), isPaid: row[1])
        } catch {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: error.what)
        }
    }
}
