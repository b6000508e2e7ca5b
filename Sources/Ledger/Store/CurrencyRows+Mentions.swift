import Digests
import FoundationEssentials
import GRDB
import Statements

extension CurrencyRows {
    /// The words by which an order is found: those of its accounts, of the hold that it opens or resolves, of its reference.
    func words(_ order: Order) throws -> Set<Int64> {
        var names: Set<Int64> = [Self.word(order.slot.name)]
        if let reference = order.reference { names.insert(Self.word(reference)) }
        for output in order.operation.outputs { names.insert(Self.word(output.account)) }
        switch order.operation {
        case .hold: names.insert(Self.word(order.id))
        case .freeze(let account, _): names.insert(Self.word(account))
        case .clawback(let to, _): names.insert(Self.word(to))
        default: break
        }
        // What is left of a hold goes back to its payer, and what paid for it is about what the hold is about.
        if case .hold(let hold) = order.slot, let opening = try opening(of: hold)?.final.order.order {
            names.insert(Self.word(opening.slot.name))
            if let reference = opening.reference { names.insert(Self.word(reference)) }
        }
        return names
    }

    static func word(_ name: Hash32) -> Int64 { Int64(bitPattern: name.words.0) }

    /// The final that opened a hold.
    func opening(of hold: Hash32) throws -> (position: UInt64, final: Final)? {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT o.position, f.bytes FROM opening o JOIN final f ON f.place = o.currency << 40 | o.position
                    WHERE o.currency = ? AND o.name = ?
                    """), arguments: [currency, hold.data])
        return try row.map { (UInt64($0[0] as Int64), try Final(bytes: $0[1])) }
    }

    /// Notes which hold a final opened.
    func noteOpening(_ order: Order, at position: Int64) throws {
        guard case .hold = order.operation else { return }
        try db.run(
            "INSERT OR IGNORE INTO opening (currency, name, position) VALUES (?, ?, ?)",
            [currency, order.id.data, position])
    }

    /// Finals in which a name is, the newest first, before a position.
    func mentions(of name: Hash32, before position: UInt64?, limit: Int) throws -> [(position: UInt64, final: Final)] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT m.position, f.bytes FROM mention m JOIN final f ON f.place = m.currency << 40 | m.position
                WHERE m.currency = ? AND m.word = ? AND m.position < ? ORDER BY m.position DESC LIMIT ?
                """,
            arguments: [currency, Self.word(name), Int64(clamping: position ?? .max), limit])
        return try rows.map { (UInt64($0[0] as Int64), try Final(bytes: $0[1])) }
    }

    /// When a final came to be here, in unix seconds.
    func time(of position: UInt64) throws -> UInt64 {
        let time = try Int64.fetchOne(
            db,
            sql: "SELECT time FROM moment WHERE currency = ? AND position <= ? ORDER BY position DESC LIMIT 1",
            arguments: [currency, Int64(clamping: position)])
        return UInt64(max(0, time ?? 0))
    }

    func note(time: UInt64, from position: UInt64) throws {
        try db.run(
            "INSERT OR IGNORE INTO moment (currency, position, time) VALUES (?, ?, ?)",
            [currency, Int64(position), Int64(clamping: time)])
    }
}

extension Slot {
    /// The account, or the hold.
    var name: Hash32 {
        switch self {
        case .account(let id, _): id
        case .hold(let hold): hold
        }
    }
}
