public import Digests
import FoundationEssentials
import GRDB
import Statements
import WaggleProtocol

/// What an authority keeps of a slot after it is decided, for whoever asks who is to blame for two finals of it.
extension CurrencyRows {
    /// The kind of a certificate is that of its record.
    private static let certificateKind = 2
    private static let statementsKind = 4

    /// Keeps the statements that justified a vote.
    func keep(_ statements: [Statement], of slot: Hash32) throws {
        try db.run(
            "INSERT INTO blame (currency, slot, kind, bytes) VALUES (?, ?, ?, ?)",
            [currency, slot.data, Self.statementsKind, StatementBatch.encode(statements)])
    }

    /// From now on what is kept about a slot is kept for so long only.
    func keepBlame(of slot: Hash32, until epoch: Int64) throws {
        try db.run(
            "UPDATE blame SET until = ? WHERE currency = ? AND slot = ? AND until IS NULL",
            [epoch, currency, slot.data])
    }

    func forgetBlame(before epoch: Int64) throws {
        try db.run("DELETE FROM blame WHERE currency = ? AND until < ?", [currency, epoch])
    }

    private func kept(_ slot: Hash32, _ kind: Int, in table: String) throws -> [Data] {
        try Data.fetchAll(
            db, sql: "SELECT bytes FROM \(table) WHERE currency = ? AND slot = ? AND kind = ?",
            arguments: [currency, slot.data, kind])
    }

    func certificate(_ slot: Hash32, round: UInt32, value: Hash32) throws -> QuorumCertificate? {
        for bytes in try kept(slot, Self.certificateKind, in: "blame") + kept(slot, Self.certificateKind, in: "record")
        {
            let found = try QuorumCertificate(bytes: bytes)
            if found.round == round, found.value == value { return found }
        }
        return nil
    }

    func statements(_ slot: Hash32, round: UInt32, value: Hash32) throws -> [Statement]? {
        for bytes in try kept(slot, Self.statementsKind, in: "blame") {
            let found = try StatementBatch.decode(bytes)
            guard found.first?.round == round else { continue }
            // Those that show no certificate force the slot's default, which has the slot's own name in it.
            let best = found.compactMap(\.highest).max { $0.round < $1.round }
            if best == nil || best?.value == value { return found }
        }
        return nil
    }
}

extension LedgerStore {
    /// The certificate of a slot that was unlocked here; nil where there is none, or not any more.
    public func certificate(_ slot: Hash32, round: UInt32, value: Hash32, in currency: Hash32)
        async throws(LedgerError) -> QuorumCertificate?
    {
        try await read { db in try Self.rows(currency, db).certificate(slot, round: round, value: value) }
    }

    /// The statements that an authority here voted because of.
    public func statements(_ slot: Hash32, round: UInt32, value: Hash32, in currency: Hash32)
        async throws(LedgerError) -> [Statement]?
    {
        try await read { db in
            try Self.rows(currency, db).statements(slot, round: round, value: value)
        }
    }
}
