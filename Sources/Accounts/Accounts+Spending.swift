import GRDB

/// What tokens with a limit spent. A row is there once something was.
enum SpendingTable {
    static let schema = """
        CREATE TABLE spending (
            token_id INTEGER PRIMARY KEY REFERENCES tokens(id) ON DELETE CASCADE,
            spent INTEGER NOT NULL
        )
        """
}

extension Accounts {
    /// Takes an amount of what a token may still spend, on disk before it is spent. A token without a limit spends what its
    /// account has.
    ///
    /// - Throws: `limit` when less is left.
    public func charge(_ amount: Int64, token id: Int64) async throws(AccountsError) {
        try await database.write { database in
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
    }

    /// Gives back what was taken for something that was refused.
    public func refund(_ amount: Int64, token id: Int64) async throws(AccountsError) {
        try await database.write { database in
            try database.execute(
                sql: "UPDATE spending SET spent = max(0, spent - ?) WHERE token_id = ?", arguments: [amount, id])
        }
    }
}
