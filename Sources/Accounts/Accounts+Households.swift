public import Digests
import FoundationEssentials
import GRDB

/// Who lives with whom, by the operator's word: what people of one household do for each other earns no rewards, as what
/// somebody does for themselves.
public struct Households: Sendable, Equatable {
    private let names: [Hash32: Int64]

    /// - Parameter names: of each author who shares a household, which one it is.
    init(_ names: [Hash32: Int64]) {
        self.names = names
    }

    /// Whether two authors are one person or live together.
    public func areOne(_ left: Hash32, _ right: Hash32) -> Bool {
        left == right || names[left].map { $0 == names[right] } ?? false
    }
}

extension Accounts {
    /// By author.
    public func households() async throws(AccountsError) -> Households {
        try await database.read { database in
            var names: [Hash32: Int64] = [:]
            for row in try Row.fetchAll(
                database, sql: "SELECT author, household FROM accounts WHERE household IS NOT NULL")
            {
                if let author = Hash32(row[0] as Data) { names[author] = row[1] }
            }
            return Households(names)
        }
    }

    /// Handles of those who live together, each household by itself.
    public func sharedHouseholds() async throws(AccountsError) -> [[String]] {
        try await database.read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT household, handle FROM accounts WHERE household IS NOT NULL ORDER BY handle")
            return Dictionary(grouping: rows) { $0[0] as Int64 }.values.map { $0.map { $0[1] as String } }
                .sorted { $0[0] < $1[0] }
        }
    }

    /// Several accounts live together from now on, with everybody whom one of them lived with; one alone leaves its household.
    ///
    /// - Throws: `noAccount`.
    public func setHousehold(_ handles: [String]) async throws(AccountsError) {
        try await database.write { database in
            let ids = try handles.map { handle in
                guard let account = try AccountTable.find(handle: handle, database) else {
                    throw AccountsError.noAccount(handle)
                }
                return account.id
            }
            guard Set(ids).count > 1, let name = ids.min() else {
                for id in ids { try AccountTable.leaveHousehold(id, database) }
                return
            }
            for id in ids { try AccountTable.join(id, household: name, database) }
        }
    }
}
