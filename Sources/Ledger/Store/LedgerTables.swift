import Digests
import FoundationEssentials
import GRDB
import GRDBSQLite
import Statements

/// The tables of `db/ledger.db`.
///
/// `final` is the truth and only grows: what was applied, in the order in which it was applied here. Accounts, holds and
/// grants are the fold over it, written in the same transaction so that a start reads them instead of folding again. What an
/// authority of several has said in slots that are not decided is in `record`.
enum LedgerTables {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 ledger") { db in
            try db.execute(
                sql: """
                    CREATE TABLE currency (
                        n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, charter BLOB NOT NULL,
                        size INTEGER NOT NULL DEFAULT 0,       -- finals
                        epoch INTEGER NOT NULL DEFAULT 0,      -- newest that the authority has seen
                        issued INTEGER NOT NULL DEFAULT 0, burned INTEGER NOT NULL DEFAULT 0,
                        generation INTEGER NOT NULL DEFAULT 0  -- starts of the authority
                    );
                    CREATE TABLE final (
                        currency INTEGER NOT NULL, position INTEGER NOT NULL, slot BLOB NOT NULL, bytes BLOB NOT NULL,
                        PRIMARY KEY (currency, position)
                    ) WITHOUT ROWID;
                    CREATE UNIQUE INDEX final_slot ON final(currency, slot);
                    -- Full tiles of the log's tree: 256 hashes.
                    CREATE TABLE tile (
                        currency INTEGER NOT NULL, level INTEGER NOT NULL, place INTEGER NOT NULL, hashes BLOB NOT NULL,
                        PRIMARY KEY (currency, level, place)
                    ) WITHOUT ROWID;
                    -- Finals whose predecessors are not here.
                    CREATE TABLE waiting (
                        currency INTEGER NOT NULL, slot BLOB NOT NULL, bytes BLOB NOT NULL,
                        PRIMARY KEY (currency, slot)
                    );
                    CREATE TABLE record (
                        n INTEGER PRIMARY KEY, currency INTEGER NOT NULL, slot BLOB NOT NULL, kind INTEGER NOT NULL,
                        bytes BLOB NOT NULL
                    );
                    CREATE INDEX record_slot ON record(currency, slot);
                    CREATE TABLE account (
                        n INTEGER PRIMARY KEY, currency INTEGER NOT NULL, id BLOB NOT NULL, key BLOB,
                        next INTEGER NOT NULL, balance INTEGER NOT NULL, frozen INTEGER NOT NULL,
                        UNIQUE (currency, id)
                    );
                    CREATE TABLE hold (
                        n INTEGER PRIMARY KEY, currency INTEGER NOT NULL, name BLOB NOT NULL, payer BLOB NOT NULL,
                        amount INTEGER NOT NULL, resolver BLOB NOT NULL, payees BLOB NOT NULL, expiry INTEGER NOT NULL,
                        UNIQUE (currency, name)
                    );
                    CREATE TABLE granted (
                        currency INTEGER NOT NULL, granter BLOB NOT NULL, epoch INTEGER NOT NULL, total INTEGER NOT NULL,
                        recipients BLOB NOT NULL, PRIMARY KEY (currency, granter)
                    );
                    """)
        }
        migrator.registerMigration("2 use") { db in
            try db.execute(
                sql: """
                    -- What this node is to a currency, and where its authority answers.
                    CREATE TABLE place (
                        currency INTEGER PRIMARY KEY, role TEXT NOT NULL, url TEXT NOT NULL, since INTEGER NOT NULL,
                        note TEXT NOT NULL DEFAULT '',   -- newest checkpoint that agrees with what is here
                        asked INTEGER NOT NULL DEFAULT 0, -- when the authority last answered
                        alarm TEXT NOT NULL DEFAULT ''   -- what was found wrong: nothing is trusted after that
                    );
                    -- Which finals mention an account, a hold or a reference, by the first eight bytes of its name: whoever
                    -- looks something up compares whole names.
                    CREATE TABLE mention (
                        currency INTEGER NOT NULL, word INTEGER NOT NULL, position INTEGER NOT NULL,
                        PRIMARY KEY (currency, word, position)
                    ) WITHOUT ROWID;
                    -- When the finals from a position on came to be here.
                    CREATE TABLE moment (
                        currency INTEGER NOT NULL, position INTEGER NOT NULL, time INTEGER NOT NULL,
                        PRIMARY KEY (currency, position)
                    ) WITHOUT ROWID;
                    -- Orders given here whose answer is not known.
                    CREATE TABLE pending (
                        currency INTEGER NOT NULL, slot BLOB NOT NULL, bytes BLOB NOT NULL, since INTEGER NOT NULL,
                        PRIMARY KEY (currency, slot)
                    );
                    -- Finals as the authority answered with them: what it cannot take back.
                    CREATE TABLE receipt (
                        currency INTEGER NOT NULL, slot BLOB NOT NULL, bytes BLOB NOT NULL,
                        PRIMARY KEY (currency, slot)
                    );
                    -- Entries that are being fetched, until a signed root covers them.
                    CREATE TABLE incoming (
                        currency INTEGER NOT NULL, position INTEGER NOT NULL, bytes BLOB NOT NULL,
                        PRIMARY KEY (currency, position)
                    ) WITHOUT ROWID;
                    -- What witnesses signed of an authority's checkpoints: the newest of each.
                    CREATE TABLE cosignature (
                        currency INTEGER NOT NULL, witness BLOB NOT NULL, size INTEGER NOT NULL, time INTEGER NOT NULL,
                        note TEXT NOT NULL, PRIMARY KEY (currency, witness)
                    );
                    -- The newest checkpoint of each log that this node signed as a witness.
                    CREATE TABLE witnessed (
                        origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, text TEXT NOT NULL
                    );
                    """)
        }
        migrator.registerMigration("3 openings") { db in
            try db.execute(
                sql: """
                    -- Which final opened a hold, by the hold's whole name.
                    CREATE TABLE opening (
                        currency INTEGER NOT NULL, name BLOB NOT NULL, position INTEGER NOT NULL,
                        PRIMARY KEY (currency, name)
                    ) WITHOUT ROWID;
                    """)
            let finals = try Row.fetchCursor(db, sql: "SELECT currency, position, bytes FROM final")
            while let row = try finals.next() {
                // One that cannot be read is found by an audit, and names no hold.
                guard let order = try? Final(bytes: row[2]).order.order else { continue }
                try CurrencyRows(db: db, currency: row[0]).noteOpening(order, at: row[1])
            }
        }
        migrator.registerMigration("4 parts of logs") { db in
            try db.execute(
                sql: """
                    -- The note under which entries came that are not all here yet.
                    ALTER TABLE place ADD COLUMN cover TEXT NOT NULL DEFAULT '';
                    DROP TABLE incoming;
                    """)
        }
        migrator.registerMigration("5 slots by their first bytes") { db in
            try db.execute(
                sql: """
                    ALTER TABLE final RENAME TO final_with_slot;
                    DROP INDEX final_slot;
                    CREATE TABLE final (
                        currency INTEGER NOT NULL, position INTEGER NOT NULL, bytes BLOB NOT NULL,
                        PRIMARY KEY (currency, position)
                    ) WITHOUT ROWID;
                    -- Which final filled a slot, by the first eight bytes of the slot's id, which is a hash: whoever looks
                    -- one up compares whole ids. Apart from the mentions, whose words anybody can choose.
                    CREATE TABLE slot (
                        currency INTEGER NOT NULL, word INTEGER NOT NULL, position INTEGER NOT NULL,
                        PRIMARY KEY (currency, word, position)
                    ) WITHOUT ROWID;
                    INSERT INTO final SELECT currency, position, bytes FROM final_with_slot ORDER BY currency, position;
                    """)
            let slots = try Row.fetchCursor(db, sql: "SELECT currency, position, slot FROM final_with_slot")
            while let row = try slots.next() {
                guard let slot = Hash32(row[2] as Data) else { continue }
                try CurrencyRows(db: db, currency: row[0]).noteSlot(slot, at: row[1])
            }
            try db.execute(sql: "DROP TABLE final_with_slot")
        }
        migrator.registerMigration("6 several authorities") { db in
            try db.execute(
                sql: """
                    -- How far the log of each authority was read, and what it came to: the rows of its tree that are not full,
                    -- from the entries up, and the newest checkpoint that agrees with them.
                    CREATE TABLE reading (
                        currency INTEGER NOT NULL, authority INTEGER NOT NULL, size INTEGER NOT NULL, edge BLOB NOT NULL,
                        note TEXT NOT NULL, PRIMARY KEY (currency, authority)
                    );
                    -- What shows who is to blame, should two finals of a slot turn up: statements that justified votes above
                    -- round 0, and the certificate of a slot that was unlocked. Until an epoch, which is set when the slot is
                    -- decided.
                    CREATE TABLE blame (
                        n INTEGER PRIMARY KEY, currency INTEGER NOT NULL, slot BLOB NOT NULL, kind INTEGER NOT NULL,
                        bytes BLOB NOT NULL, until INTEGER
                    );
                    CREATE INDEX blame_slot ON blame(currency, slot);
                    -- What proves that authorities lied.
                    CREATE TABLE fraud (
                        currency INTEGER NOT NULL, name BLOB NOT NULL, bytes BLOB NOT NULL, offence TEXT NOT NULL,
                        culprits TEXT NOT NULL,              -- places in the charter, with commas
                        overload INTEGER NOT NULL,           -- more than f are shown to be liars
                        time INTEGER NOT NULL,               -- when it came to be here
                        posted INTEGER NOT NULL DEFAULT 0,   -- whether there is a post of it
                        PRIMARY KEY (currency, name)
                    );
                    """)
        }
        migrator.registerMigration("7 finals in rows of their own") { db in
            try db.execute(
                sql: """
                    ALTER TABLE final RENAME TO final_by_key;
                    -- At `currency << 40 | position` (`CurrencyRows.place`): SQLite fills the pages of a table whose rows
                    -- come in order, where it leaves a tenth of each page of a primary key of two columns empty.
                    CREATE TABLE final (place INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
                    INSERT INTO final SELECT currency << 40 | position, bytes FROM final_by_key ORDER BY currency, position;
                    DROP TABLE final_by_key;
                    """)
        }
        migrator.registerMigration("8 frozen accounts") { db in
            try db.execute(sql: "CREATE INDEX account_frozen ON account(currency, frozen) WHERE frozen >= 0")
        }
        return migrator
    }
}

/// One currency's rows, within a transaction.
struct CurrencyRows {
    let db: Database
    let currency: Int64

    // MARK: Finals

    private static let positionBits = 40

    /// The row of a final.
    func place(_ position: UInt64) -> Int64 {
        currency << Self.positionBits | Int64(min(position, 1 << Self.positionBits - 1))
    }

    /// The finals from a position on, in the order of the log.
    func finals(from position: UInt64, limit: Int) throws -> [(position: UInt64, bytes: Data)] {
        try db.all(
            "SELECT place, bytes FROM final WHERE place BETWEEN ? AND ? ORDER BY place LIMIT ?", place(position),
            place(.max), limit
        ) { (UInt64($0.integer(0) - place(0)), $0.data(1)) }
    }

    func final(_ slot: Hash32) throws -> Final? {
        try placed(slot)?.final
    }

    /// The final that filled a slot, and where it is.
    func placed(_ slot: Hash32) throws -> (position: UInt64, final: Final)? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT s.position, f.bytes FROM slot s JOIN final f ON f.place = s.currency << 40 | s.position
                WHERE s.currency = ? AND s.word = ?
                """)
        let rows = try Row.fetchCursor(statement, arguments: [currency, Self.word(slot)])
        while let row = try rows.next() {
            let final = try Final(bytes: row[1])
            if final.slotID == slot { return (UInt64(row[0] as Int64), final) }
        }
        return nil
    }

    /// Whether a slot was filled by a final of the very same bytes.
    func has(_ slot: Hash32, _ bytes: Data) throws -> Bool {
        let statement = try db.cachedStatement(
            sql: """
                SELECT 1 FROM slot s JOIN final f ON f.place = s.currency << 40 | s.position
                WHERE s.currency = ? AND s.word = ? AND f.bytes = ?
                """)
        return try Row.fetchOne(statement, arguments: [currency, Self.word(slot), bytes]) != nil
    }

    func noteSlot(_ slot: Hash32, at position: Int64) throws {
        try db.write(
            "INSERT INTO slot (currency, word, position) VALUES (?, ?, ?)", currency, Self.word(slot), position)
    }

    func isNoted(_ slot: Hash32, at position: Int64) throws -> Bool {
        try db.first(
            "SELECT 1 FROM slot WHERE currency = ? AND word = ? AND position = ?", currency, Self.word(slot), position
        ) { _ in true } ?? false
    }

    /// Appends a final to the log and its hash to the log's tree.
    func append(_ final: Final, to tree: inout LogTree) throws {
        let bytes = final.bytes
        let position = Int64(tree.size)
        try db.write("INSERT INTO final (place, bytes) VALUES (?, ?)", place(tree.size), bytes)
        try noteSlot(final.slotID, at: position)
        for word in try words(final.order.order) {
            try db.write("INSERT INTO mention (currency, word, position) VALUES (?, ?, ?)", currency, word, position)
        }
        try noteOpening(final.order.order, at: position)
        for tile in tree.append(LogTree.leaf(bytes)) {
            try db.run(
                "INSERT INTO tile (currency, level, place, hashes) VALUES (?, ?, ?, ?)",
                [currency, tile.level, Int64(tile.index), Data(tile.hashes.flatMap(\.bytes))])
        }
    }

    func decide(_ slot: Hash32) throws {
        // Of a slot that was unlocked the certificate is kept: somebody may have to show it.
        try db.run(
            """
            INSERT INTO blame (currency, slot, kind, bytes) SELECT currency, slot, kind, bytes FROM record
            WHERE currency = ?1 AND slot = ?2 AND kind = 2
            AND EXISTS (SELECT 1 FROM record WHERE currency = ?1 AND slot = ?2 AND kind = 3)
            """, [currency, slot.data])
        try db.write("DELETE FROM record WHERE currency = ? AND slot = ?", currency, slot)
        try db.write("DELETE FROM waiting WHERE currency = ? AND slot = ?", currency, slot)
    }

    func wait(_ final: Final) throws {
        try db.run(
            "INSERT OR REPLACE INTO waiting (currency, slot, bytes) VALUES (?, ?, ?)",
            [currency, final.slotID.data, final.bytes])
    }

    // MARK: Records

    func append(_ record: AuthorityRecord) throws {
        guard let (slot, kind, bytes) = record.stored else { return }
        try db.write(
            "INSERT INTO record (currency, slot, kind, bytes) VALUES (?, ?, ?, ?)", currency, slot, kind, bytes)
    }

    // MARK: State

    func put(_ id: AccountID, _ account: LedgerState.Account) throws {
        try db.write(
            """
            INSERT INTO account (currency, id, key, next, balance, frozen) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (currency, id) DO UPDATE SET key = ?3, next = ?4, balance = ?5, frozen = ?6
            """, currency, id, account.key == id ? nil : account.key, Int64(bitPattern: account.nextSeq),
            account.balance, account.frozenUntil)
    }

    func put(_ name: Hash32, _ hold: LedgerState.Hold?) throws {
        guard let hold else {
            return try db.run("DELETE FROM hold WHERE currency = ? AND name = ?", [currency, name.data])
        }
        try db.run(
            """
            INSERT OR REPLACE INTO hold (currency, name, payer, amount, resolver, payees, expiry)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                currency, name.data, hold.payer.data, hold.amount, hold.resolver.data,
                Data(hold.payees.flatMap(\.bytes)), hold.expiry,
            ])
    }

    func put(_ granter: AccountID, _ window: LedgerState.GrantWindow) throws {
        var recipients = Data()
        for (account, amount) in window.recipients {
            recipients += account.bytes
            withUnsafeBytes(of: amount.bigEndian) { recipients += $0 }
        }
        try db.run(
            """
            INSERT OR REPLACE INTO granted (currency, granter, epoch, total, recipients) VALUES (?, ?, ?, ?, ?)
            """, [currency, granter.data, window.epoch, window.total, recipients])
    }

    /// What changed of a state.
    func put(_ changes: LedgerState.Changes, of state: LedgerState) throws {
        for id in changes.accounts { try put(id, state.account(id)) }
        for name in changes.holds { try put(name, state.holds[name]) }
        for granter in changes.granters {
            if let window = state.grants[granter] { try put(granter, window) }
        }
    }

    func putHead(size: Int64, epoch: Int64, _ state: LedgerState) throws {
        try db.run(
            "UPDATE currency SET size = ?, epoch = ?, issued = ?, burned = ? WHERE n = ?",
            [size, epoch, state.issued, state.burned, currency])
    }
}
