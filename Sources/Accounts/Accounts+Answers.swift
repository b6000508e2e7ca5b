public import Digests
import GRDB
import WaggleProtocol

extension Accounts {
    /// Begins a request that came with an `Idempotency-Key`.
    ///
    /// - Parameter fingerprint: of the request: method, path and body.
    /// - Returns: the answer that the same request had; nil when this is the first.
    /// - Throws: `keyReused`, `keyInUse`.
    public func beginAnswer(
        to key: String, fingerprint: Hash32, of account: Account
    ) async throws(AccountsError) -> KeptAnswer? {
        let now = now()
        return try await database.write { database in
            try AnswerTable.begin(
                account: account.id, key: key, fingerprint: fingerprint, now: now,
                oldest: now - min(now, Limits.Accounts.keptAnswerSeconds), database)
        }
    }

    /// Keeps the answer for whoever sends the request again.
    public func finishAnswer(to key: String, _ answer: KeptAnswer, of account: Account) async throws(AccountsError) {
        try await database.write { try AnswerTable.finish(account: account.id, key: key, answer, $0) }
    }

    /// The request failed without an answer that would be worth keeping; it may be sent again.
    public func abandonAnswer(to key: String, of account: Account) async throws(AccountsError) {
        try await database.write { try AnswerTable.abandon(account: account.id, key: key, $0) }
    }
}
