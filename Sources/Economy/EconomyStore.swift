public import Digests
import FoundationEssentials
import GRDB
import SwiftProtobuf
public import WaggleProtocol

/// `db/economy.db`: what a node must remember of bounties and rewards that neither posts nor ledgers say.
///
/// Anything reported as done survives the next instant (`synchronous = FULL`).
public final class EconomyStore: Sendable {
    public let path: String
    /// What other granters say, kept in memory alone.
    public let otherGranters = OtherGranters()
    let pool: DatabasePool

    public init(path: String) throws(EconomyError) {
        self.path = path
        do {
            pool = try DatabasePool(path: path)
            // Not before: opening a pool sets NORMAL.
            try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            try EconomyTables.migrator.migrate(pool)
        } catch {
            throw EconomyError(error, path: path)
        }
    }

    /// Brings all that is in the journal into the database file.
    public func checkpointFile() async throws(EconomyError) {
        do {
            try await pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
        } catch {
            throw EconomyError(error, path: path)
        }
    }

    func read<Result: Sendable>(_ body: @escaping @Sendable (Database) throws -> Result) async throws(EconomyError)
        -> Result
    {
        do {
            return try await pool.read(body)
        } catch {
            throw EconomyError(error, path: path)
        }
    }

    func write<Result: Sendable>(_ body: @escaping @Sendable (Database) throws -> Result) async throws(EconomyError)
        -> Result
    {
        do {
            return try await pool.write(body)
        } catch {
            throw EconomyError(error, path: path)
        }
    }

    // MARK: Bounties

    /// Keeps the terms of a bounty that is decided here: they hold even when its post is taken back.
    public func keep(_ body: WireBounty, of bounty: Hash32, by poster: Hash32) async throws(EconomyError) {
        try await write { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO terms (bounty, poster, body) VALUES (?, ?, ?)",
                arguments: [bounty.data, poster.data, try body.serializedData() as Data])
        }
    }

    /// Terms that were kept.
    public func terms(of bounty: Hash32) async throws(EconomyError) -> BountyTerms? {
        try await read { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT poster, body FROM terms WHERE bounty = ?", arguments: [bounty.data]),
                let poster = Hash32(row[0] as Data)
            else { return nil }
            return BountyTerms(post: bounty, poster: poster, try WireBounty(serializedBytes: row[1] as Data))
        }
    }

    /// Notes that entries are here; those that were here already stay as they were.
    public func noteArrivals(_ entries: [Hash32], of bounty: Hash32, at time: UInt64) async throws(EconomyError) {
        try await write { db in
            let statement = try db.cachedStatement(
                sql: "INSERT OR IGNORE INTO arrival (entry, bounty, time) VALUES (?, ?, ?)")
            for entry in entries {
                try statement.execute(arguments: [entry.data, bounty.data, Int64(clamping: time)])
            }
        }
    }

    /// When entries came to be here, in unix seconds.
    public func arrivals(of bounty: Hash32) async throws(EconomyError) -> [Hash32: UInt64] {
        try await read { db in
            var times: [Hash32: UInt64] = [:]
            for row in try Row.fetchAll(
                db, sql: "SELECT entry, time FROM arrival WHERE bounty = ?", arguments: [bounty.data])
            {
                if let entry = Hash32(row[0] as Data) { times[entry] = UInt64(max(0, row[1] as Int64)) }
            }
            return times
        }
    }
}

/// The tables of `db/economy.db`.
enum EconomyTables {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 bounties and rewards") { db in
            try db.execute(
                sql: """
                    CREATE TABLE terms (
                        n INTEGER PRIMARY KEY,
                        bounty BLOB NOT NULL UNIQUE,    -- post
                        poster BLOB NOT NULL,
                        body BLOB NOT NULL              -- of the post
                    );
                    CREATE TABLE arrival (
                        n INTEGER PRIMARY KEY,
                        entry BLOB NOT NULL UNIQUE,     -- post
                        bounty BLOB NOT NULL,
                        time INTEGER NOT NULL           -- unix seconds: when it was first seen here
                    );
                    CREATE INDEX arrival_bounty ON arrival (bounty);
                    CREATE TABLE evidence (
                        n INTEGER PRIMARY KEY,
                        currency BLOB NOT NULL,
                        epoch INTEGER NOT NULL,
                        hash BLOB NOT NULL,
                        text TEXT NOT NULL,
                        paid INTEGER NOT NULL,          -- 1 when all grants are final
                        UNIQUE (currency, epoch)
                    );
                    CREATE TABLE counted (
                        currency BLOB NOT NULL,
                        key BLOB NOT NULL,              -- of a fact that an evidence list has
                        PRIMARY KEY (currency, key)
                    ) WITHOUT ROWID;
                    """)
        }
        return migrator
    }
}
