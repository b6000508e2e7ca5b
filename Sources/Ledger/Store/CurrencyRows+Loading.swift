import Digests
import FoundationEssentials
import GRDB

extension CurrencyRows {
    /// The state as it was when the last transaction ended.
    func state() throws -> LedgerState {
        var state = LedgerState()
        let accounts = try Row.fetchCursor(
            db, sql: "SELECT id, key, next, balance, frozen FROM account WHERE currency = ?", arguments: [currency])
        while let row = try accounts.next() {
            let id = try hash(row[0])
            var account = LedgerState.Account(key: try (row[1] as Data?).map(hash) ?? id)
            account.nextSeq = UInt64(bitPattern: row[2])
            account.balance = row[3]
            account.frozenUntil = row[4]
            state.accounts[id] = account
        }
        let holds = try Row.fetchCursor(
            db, sql: "SELECT name, payer, amount, resolver, payees, expiry FROM hold WHERE currency = ?",
            arguments: [currency])
        while let row = try holds.next() {
            state.holds[try hash(row[0])] = LedgerState.Hold(
                payer: try hash(row[1]), amount: row[2], resolver: try hash(row[3]),
                payees: try pieces(row[4], 32).map(hash), expiry: row[5])
        }
        let grants = try Row.fetchCursor(
            db, sql: "SELECT granter, epoch, total, recipients FROM granted WHERE currency = ?", arguments: [currency])
        while let row = try grants.next() {
            var window = LedgerState.GrantWindow(epoch: row[1], total: row[2])
            for piece in try pieces(row[3], 40) {
                let amount = piece.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                window.recipients[try hash(piece.prefix(32))] = Int64(bitPattern: amount)
            }
            state.grants[try hash(row[0])] = window
        }
        let head = try Row.fetchOne(
            db, sql: "SELECT issued, burned FROM currency WHERE n = ?", arguments: [currency])
        state.issued = head?[0] ?? 0
        state.burned = head?[1] ?? 0
        return state
    }

    /// The log's tree of `size` entries: its last tiles are made again from what is below them.
    func tree(size: Int64) throws -> LogTree {
        try LogTree(size: UInt64(size)) { level, count in
            let width = Int64(LogTree.tileHashes)
            let above = (0..<level).reduce(size) { rest, _ in rest / width }
            let start = above - above % width
            if level == 0 {
                return try finals(from: UInt64(start), limit: count).map { LogTree.leaf($0.bytes) }
            }
            return try (0..<Int64(count)).map { place in
                let hashes = try tile(level: level - 1, start + place)
                return LogTree.root(of: hashes[...])
            }
        }
    }

    /// A full tile of the tree.
    func tile(level: Int, _ place: Int64) throws -> [Hash32] {
        let bytes = try Data.fetchOne(
            db, sql: "SELECT hashes FROM tile WHERE currency = ? AND level = ? AND place = ?",
            arguments: [currency, level, place])
        let hashes = try pieces(bytes ?? Data(), 32).map(hash)
        guard hashes.count == LogTree.tileHashes else { throw MalformedMessage(what: "a tile of the log is missing") }
        return hashes
    }

    /// What an authority said in slots that are not decided, in the order in which it did, and finals that wait.
    func records() throws -> [AuthorityRecord] {
        let rows = try Row.fetchAll(
            db, sql: "SELECT kind, bytes FROM record WHERE currency = ? ORDER BY n", arguments: [currency])
        let said = try rows.map { row in try AuthorityRecord(kind: row[0], bytes: row[1]) }
        let waiting = try Data.fetchAll(
            db, sql: "SELECT bytes FROM waiting WHERE currency = ?", arguments: [currency])
        return try said + waiting.map { bytes in .final(try Final(bytes: bytes)) }
    }

    private func hash(_ bytes: Data) throws -> Hash32 {
        guard let hash = Hash32(bytes) else { throw MalformedMessage(what: "a name has \(bytes.count) bytes") }
        return hash
    }

    private func pieces(_ bytes: Data, _ length: Int) throws -> [Data] {
        guard bytes.count % length == 0 else { throw MalformedMessage(what: "a list of names is cut off") }
        return stride(from: 0, to: bytes.count, by: length).map { bytes.dropFirst($0).prefix(length) }
    }
}
