public import Digests
import FoundationEssentials
import GRDB
import WaggleProtocol

/// A report that somebody here was right with.
public struct AcceptedReport: Sendable, Hashable {
    public let id: Int64
    /// An account's handle.
    public let reporter: String
    /// Unix seconds of the decision.
    public let at: UInt64
    /// Makes the reference of the reward, which tells nobody what it is for.
    public let nonce: Hash32

    /// The reference of the grant in a currency's log.
    public func reference(in currency: Hash32) -> Hash32 {
        SHA256.hash(Array("waggle.accepted-report".utf8) + nonce.bytes + currency.bytes)
    }
}

/// The tables of accepted reports in `moderation.db`.
enum AcceptedReportTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE accepted_reports (
                    id INTEGER PRIMARY KEY,
                    case_id INTEGER NOT NULL,
                    reporter TEXT NOT NULL,
                    at INTEGER NOT NULL,
                    nonce BLOB NOT NULL,
                    UNIQUE (case_id, reporter)
                );
                CREATE TABLE report_rewards (
                    report INTEGER NOT NULL,
                    currency BLOB NOT NULL,
                    reporter TEXT NOT NULL,
                    epoch INTEGER NOT NULL,
                    amount INTEGER NOT NULL,
                    is_paid INTEGER NOT NULL,
                    PRIMARY KEY (report, currency)
                ) WITHOUT ROWID;
                """)
    }
}

extension Moderation {
    /// Notes who was right to report what a case is about.
    ///
    /// - Parameter nonce: random, for each of them.
    public func accept(
        _ reporters: [String], of id: Int64, at now: UInt64, nonce: @escaping @Sendable () -> Hash32
    ) async throws(ModerationError) {
        try await store.write { database in
            for reporter in reporters {
                try database.execute(
                    sql: "INSERT OR IGNORE INTO accepted_reports (case_id, reporter, at, nonce) VALUES (?, ?, ?, ?)",
                    arguments: [id, reporter, Int64(now), nonce().data])
            }
        }
    }

    /// A decision was taken back: what was not paid for it is not paid any more.
    public func forgetAccepted(ofCase id: Int64) async throws(ModerationError) {
        try await store.write { database in
            try database.execute(
                sql: """
                    DELETE FROM accepted_reports WHERE case_id = ?
                    AND id NOT IN (SELECT report FROM report_rewards WHERE amount > 0)
                    """, arguments: [id])
        }
    }

    /// Accepted reports whose reward in a currency is not settled, with the amount that was decided; nil before.
    public func unpaidReports(
        in currency: Hash32, since: UInt64
    ) async throws(ModerationError) -> [(report: AcceptedReport, amount: UInt64?)] {
        try await store.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT a.id, a.reporter, a.at, a.nonce, r.amount FROM accepted_reports a
                    LEFT JOIN report_rewards r ON r.report = a.id AND r.currency = ?
                    WHERE a.at >= ? AND COALESCE(r.is_paid, 0) = 0 ORDER BY a.id LIMIT ?
                    """, arguments: [currency.data, Int64(clamping: since), Limits.Cases.rewardsAtOnce]
            ).compactMap { row in
                guard let nonce = Hash32(row[3] as Data) else { return nil }
                let report = AcceptedReport(id: row[0], reporter: row[1], at: UInt64(row[2] as Int64), nonce: nonce)
                return (report, (row[4] as Int64?).map { UInt64($0) })
            }
        }
    }

    /// What a person was given for reports in an epoch of a currency.
    public func rewarded(
        _ reporter: String, in currency: Hash32, epoch: Int64
    ) async throws(ModerationError) -> UInt64 {
        try await store.read { database in
            let sum = try Int64.fetchOne(
                database,
                sql: """
                    SELECT COALESCE(SUM(amount), 0) FROM report_rewards
                    WHERE reporter = ? AND currency = ? AND epoch = ?
                    """, arguments: [reporter, currency.data, epoch])
            return UInt64(max(0, sum ?? 0))
        }
    }

    /// Keeps what a report is worth before it is paid, and that it was.
    public func keepReward(
        of report: AcceptedReport, in currency: Hash32, epoch: Int64, amount: UInt64, isPaid: Bool
    ) async throws(ModerationError) {
        try await store.write { database in
            try database.execute(
                sql: """
                    INSERT INTO report_rewards (report, currency, reporter, epoch, amount, is_paid)
                    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (report, currency) DO UPDATE SET is_paid = excluded.is_paid
                    """,
                arguments: [
                    report.id, currency.data, report.reporter, epoch, Int64(clamping: amount), isPaid,
                ])
        }
    }
}
