import GRDB

/// What tokens with a limit spent. A row is there once something was.
enum SpendingTable {
    static let schema = """
        CREATE TABLE spending (
            token_id INTEGER PRIMARY KEY REFERENCES tokens(id) ON DELETE CASCADE,
            spent INTEGER NOT NULL
        )
        """

    /// What was taken for something that is not over yet, so that it is taken and given back once.
    static let charges = """
        CREATE TABLE charges (
            token_id INTEGER NOT NULL REFERENCES tokens(id) ON DELETE CASCADE,
            purpose TEXT NOT NULL,
            amount INTEGER NOT NULL,
            PRIMARY KEY (token_id, purpose)
        ) WITHOUT ROWID
        """

    /// - Throws: `limit` when less is left. A token without a limit spends what its account has.
    static func charge(_ amount: Int64, _ id: Int64, _ database: Database) throws {
        guard
            let limit = try Int64.fetchOne(
                database, sql: "SELECT buzz_limit FROM tokens WHERE id = ? AND buzz_limit IS NOT NULL",
                arguments: [id])
        else { return }
        let spent =
            try Int64.fetchOne(database, sql: "SELECT spent FROM spending WHERE token_id = ?", arguments: [id]) ?? 0
        guard amount <= limit - spent else {
            throw AccountsError.limit("this token may spend \(limit) Buzz in all, and \(spent) are spent")
        }
        try database.execute(
            sql: """
                INSERT INTO spending (token_id, spent) VALUES (?1, ?2)
                ON CONFLICT (token_id) DO UPDATE SET spent = spent + ?2
                """, arguments: [id, amount])
    }

    static func refund(_ amount: Int64, _ id: Int64, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE spending SET spent = max(0, spent - ?) WHERE token_id = ?", arguments: [amount, id])
    }
}

extension Accounts {
    /// Takes an amount of what a token may still spend, on disk before it is spent. A token without a limit spends what its
    /// account has.
    ///
    /// - Throws: `limit` when less is left.
    public func charge(_ amount: Int64, token id: Int64) async throws(AccountsError) {
        try await database.write { database in try SpendingTable.charge(amount, id, database) }
    }

    /// Gives back what was taken for something that was refused.
    public func refund(_ amount: Int64, token id: Int64) async throws(AccountsError) {
        try await database.write { database in try SpendingTable.refund(amount, id, database) }
    }

    /// Takes an amount for something that is over later and may be tried again meanwhile: it counts once.
    ///
    /// - Throws: `limit` when less is left; then nothing was taken.
    public func charge(_ amount: Int64, token id: Int64, for purpose: String) async throws(AccountsError) {
        try await database.write { database in
            try database.execute(
                sql:
                    "INSERT OR IGNORE INTO charges (token_id, purpose, amount) SELECT id, ?, ? FROM tokens WHERE id = ?",
                arguments: [purpose, amount, id])
            if database.changesCount == 1 { try SpendingTable.charge(amount, id, database) }
        }
    }

    /// It is over: gives back what was taken for it and not spent. Does nothing the second time.
    public func settle(_ purpose: String, token id: Int64, spent: Int64) async throws(AccountsError) {
        try await database.write { database in
            let arguments: StatementArguments = [id, purpose]
            let taken = try Int64.fetchOne(
                database, sql: "SELECT amount FROM charges WHERE token_id = ? AND purpose = ?", arguments: arguments)
            guard let taken else { return }
            try database.execute(
                sql: "DELETE FROM charges WHERE token_id = ? AND purpose = ?", arguments: arguments)
            try SpendingTable.refund(max(0, taken - spent), id, database)
        }
    }
}
