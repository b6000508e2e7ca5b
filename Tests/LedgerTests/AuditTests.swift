import Digests
import Foundation
import GRDB
import Identity
import Synchronization
import Testing

@testable import Ledger

@Suite("Audit of a stored log")
struct AuditTests {
    private struct Log {
        let currency: TestCurrency
        let path: String
        let store: LedgerStore
        let note: String

        /// Runs the audit on a copy of the database that somebody changed.
        func audit(_ change: @escaping @Sendable (Database) throws -> Void = { _ in }) async throws -> AuditReport {
            let copy = path + "-\(UUID().uuidString)"
            try store.pool.backup(to: DatabaseQueue(path: copy))
            defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: copy + suffix) } }
            let changed = try LedgerStore(path: copy)
            try await changed.pool.write { try change($0) }
            return try await StoredAudit(changed).run(currency.charter, against: note)
        }
    }

    /// A log with everything that a lone authority decides.
    private func log(_ folder: URL, transfers: Int = 20) async throws -> Log {
        let currency = try TestCurrency()
        let path = folder.appending(path: "ledger.db").path
        let store = try LedgerStore(path: path)
        let clock = Clock()
        let service = try await AuthorityService(
            store: store, charter: currency.charter, key: TestCurrency.key("a0"), generation: 1, now: { clock.now })
        func give(_ orders: [SignedOrder]) async throws {
            for reply in try await service.submit(orders.map { .order($0) }) {
                guard case .final = reply else { throw LedgerOracle.Violation(description: "\(reply)") }
            }
        }
        func id(_ name: String) -> AccountID { TestCurrency.id(name) }
        try await give([
            currency.order(
                "G", 1,
                .grant(epoch: 1, [Output(account: id("u1"), amount: 100), Output(account: id("u2"), amount: 90)]))
        ])
        try await give(
            (1...transfers).map { seq in
                try currency.order(
                    "u1", UInt64(seq), .transfer([Output(account: id(seq < 91 ? "u3" : "u1"), amount: 1)]))
            })
        let next = UInt64(transfers + 1)
        let hold = try currency.order("u2", 1, .hold(amount: 40, resolver: id("N"), payees: [], expiry: 3))
        let late = try currency.order("u2", 2, .hold(amount: 10, resolver: id("N"), payees: [], expiry: 2))
        try await give([hold, late])
        try await give([
            currency.order(
                hold: hold.order.id,
                .resolve([Output(account: id("u3"), amount: 24), Output(account: id("N"), amount: 1)]), by: ["N"]),
            currency.order("u2", 3, .burn(3)), currency.order("N", 1, .rotate(id("N'")), newKey: "N'"),
        ])
        clock.pass(86400 * 3)
        try await give([
            currency.order(hold: late.order.id, .expire, by: []),
            currency.order("W1", 1, .freeze(id("u1"), until: 6)),
            currency.order("u1", next, .clawback(to: id("u2"), amount: 5), by: ["W1", "W2"]),
        ])
        clock.pass(86400 * 3)
        try await give([
            currency.order("u1", next + 1, .transfer([Output(account: id("u2"), amount: 1)])),
            currency.order("G", 2, .grant(epoch: 7, [Output(account: id("u4"), amount: 7)])),
        ])
        return Log(currency: currency, path: path, store: store, note: try await service.checkpoint().encoded)
    }

    private final class Clock: Sendable {
        private let time = Mutex<UInt64>(86_401)
        var now: UInt64 { time.withLock { $0 } }
        func pass(_ seconds: UInt64) { time.withLock { $0 += seconds } }
    }

    private func withLog(transfers: Int = 20, _ body: (Log) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(try await log(folder, transfers: transfers))
    }

    @Test("a log of every kind of order is right, and the report says what is in it")
    func sound() async throws {
        try await withLog(transfers: 90) { log in
            let report = try await log.audit()
            #expect(report.entries == 101 && report.issued == 197 && report.burned == 3 && report.held == 0)
            #expect(report.checkpoint?.size == 101 && report.signatures > 200)
        }
    }

    @Test("any flipped bit of any entry is found")
    func flippedBits() async throws {
        try await withLog { log in
            let entries = try await log.store.finals(of: log.currency.charter.currency, from: 0, limit: 1000)
            var random = SplitMix(seed: 7)
            // Every byte of two entries, and random ones of all.
            var places: [(Int, Int)] = entries[1].indices.map { (1, $0 - entries[1].startIndex) }
            for (number, entry) in entries.enumerated() {
                for _ in 0..<4 { places.append((number, Int(random.next() % UInt64(entry.count)))) }
            }
            for (number, byte) in places {
                let bit = UInt8(1) << UInt8(random.next() % 8)
                await #expect(throws: (any Error).self, "entry \(number), byte \(byte)") {
                    try await log.audit { db in
                        var bytes = entries[number]
                        bytes[bytes.startIndex + byte] ^= bit
                        try db.execute(
                            sql: "UPDATE final SET bytes = ? WHERE place = 1 << 40 | ?", arguments: [bytes, number])
                    }
                }
            }
        }
    }

    @Test("a lost, doubled or moved order and a changed table are found")
    func changedTables() async throws {
        try await withLog(transfers: 300) { log in
            let changes: [(String, String)] = [
                ("lost at the end", "DELETE FROM final WHERE place = (SELECT max(place) FROM final)"),
                ("lost in the middle", "DELETE FROM final WHERE place = 1 << 40 | 5"),
                (
                    "lost, and the hole closed",
                    """
                    DELETE FROM final WHERE place = 1 << 40 | 300;
                    UPDATE final SET place = place - 1 WHERE place > 1 << 40 | 300
                    """
                ),
                (
                    "doubled",
                    """
                    INSERT INTO slot (currency, word, position)
                    SELECT currency, word, (SELECT max(position) + 1 FROM slot) FROM slot WHERE position = 5;
                    INSERT INTO final (place, bytes)
                    SELECT (SELECT max(place) + 1 FROM final), bytes FROM final WHERE place = 1 << 40 | 5
                    """
                ),
                (
                    "two changed places",
                    """
                    UPDATE final SET place = -1 WHERE place = 1 << 40 | 3;
                    UPDATE final SET place = 1 << 40 | 3 WHERE place = 1 << 40 | 4;
                    UPDATE final SET place = 1 << 40 | 4 WHERE place = -1
                    """
                ),
                ("filed under another slot", "UPDATE slot SET word = word + 1 WHERE position = 9"),
                ("not filed", "DELETE FROM slot WHERE position = 9"),
                ("a balance", "UPDATE account SET balance = balance + 1 WHERE n = 2"),
                ("a key", "UPDATE account SET key = randomblob(32) WHERE n = 3"),
                ("a sum", "UPDATE currency SET issued = issued + 1"),
                ("a hash of a tile", "UPDATE tile SET hashes = randomblob(8192)"),
                ("a window of grants", "UPDATE granted SET total = 0"),
            ]
            for (what, sql) in changes {
                await #expect(throws: (any Error).self, "\(what)") {
                    try await log.audit { db in try db.execute(sql: sql) }
                }
            }
            // Without any change nothing is found.
            _ = try await log.audit()
        }
    }

    @Test("what no client signed, no charter allows or no clock explains is found, though the authority signed it")
    func dishonestAuthority() async throws {
        let currency = try TestCurrency()
        func id(_ name: String) -> AccountID { TestCurrency.id(name) }
        func final(_ signed: SignedOrder, _ round: UInt32) -> Final {
            let order = signed.order
            let bytes = SignedBytes.ballot(
                .commit, charter: order.currency, slot: order.slotID, round: round, value: order.id)
            return Final(
                order: signed, round: round,
                commits: [AuthoritySignature(authority: 0, signature: TestCurrency.key("a0").sign(bytes))])
        }
        func findings(_ orders: [SignedOrder], round: UInt32 = 0) throws -> String? {
            var audit = LedgerAudit(currency.charter)
            do throws(AuditFailure) {
                for (place, signed) in orders.enumerated() {
                    _ = try audit.append(
                        LedgerAudit.read(final(signed, round).bytes, at: UInt64(place), currency.charter))
                }
                try audit.checkSums()
                return nil
            } catch {
                return error.message
            }
        }
        let grant = try currency.order("G", 1, .grant(epoch: 5, [Output(account: id("u1"), amount: 100)]))
        let pay = try currency.order("u1", 1, .transfer([Output(account: id("u2"), amount: 60)]))
        let hold = try currency.order("u1", 2, .hold(amount: 40, resolver: id("N"), payees: [], expiry: 7))
        let take = try currency.order(hold: hold.order.id, .resolve([Output(account: id("N"), amount: 40)]), by: ["N"])
        let expire = try currency.order(hold: hold.order.id, .expire, by: [])
        #expect(try findings([grant, pay, hold, take]) == nil && findings([grant, pay, hold, expire]) == nil)

        let unsigned = try currency.order("u1", 1, .transfer([Output(account: id("a0"), amount: 60)]), by: [])
        #expect(try findings([grant, unsigned])?.contains("UNAUTHORIZED") == true)
        // What would be refused is not right in a round that a lone authority does not have, nor is anything else.
        let tooMuch = try currency.order("G", 1, .grant(epoch: 5, [Output(account: id("a0"), amount: 1 << 50)]))
        for orders in [[unsigned], [tooMuch], [grant]] {
            for round in [1, 7, UInt32.max] {
                #expect(try findings(orders, round: round)?.contains("no round \(round)") == true)
            }
        }
        #expect(try findings([pay])?.contains("INSUFFICIENT") == true)
        #expect(try findings([grant, pay, pay])?.contains("used already") == true)
        #expect(try findings([grant, hold])?.contains("missing") == true)
        let more = try currency.order("G", 2, .grant(epoch: 5, [Output(account: id("u1"), amount: 21)]))
        #expect(try findings([grant, more])?.contains("RECIPIENT_CAP") == true)
        let outsider = try currency.order("u1", 1, .grant(epoch: 5, [Output(account: id("u1"), amount: 21)]))
        #expect(try findings([outsider])?.contains("NOT_GRANTER") == true)
        // It expired at epoch 8, so a grant of epoch 6 cannot come after it.
        let late = try currency.order("G", 2, .grant(epoch: 6, [Output(account: id("u2"), amount: 1)]))
        #expect(try findings([grant, pay, hold, expire, late])?.contains("no clock") == true)
        #expect(try findings([grant, late, pay, hold, expire]) == nil)
        let before = try currency.order("G", 2, .grant(epoch: 4, [Output(account: id("u2"), amount: 1)]))
        #expect(try findings([grant, before])?.contains("BAD_EPOCH") == true)
    }

    @Test("bundles of entries and paths of tiles have one form")
    func forms() throws {
        let entries = [Data([1]), Data(repeating: 7, count: 300), Data(repeating: 9, count: 65_000)]
        let bytes = EntryBundle.encode(entries)
        #expect(EntryBundle.decode(bytes, count: 3) == entries)
        for count in [0, 1, 2, 4] { #expect(EntryBundle.decode(bytes, count: count) == nil) }
        for cut in [1, 2, 3, 500] { #expect(EntryBundle.decode(bytes.dropLast(cut), count: 3) == nil) }
        for (path, text) in [
            (LogTilePath(level: 0, index: 0), "0/000"), (LogTilePath(level: 1, index: 67, width: 12), "1/067.p/12"),
            (LogTilePath(level: nil, index: 1_234_067), "entries/x001/x234/067"),
            (LogTilePath(level: nil, index: 999, width: 255), "entries/999.p/255"),
        ] {
            #expect(path.text == text && LogTilePath(text) == path)
        }
        for text in [
            "0", "0/0", "0/0000", "0/x000/001", "00/000", "64/000", "-1/000", "0/000.p/0", "0/000.p/256", "0/000.p/012",
            "entries/x001", "entries/001/002", "entries/+01", "0/000/", "", "x/000",
            "0/x999/x999/x999/x999/x999/x999/x999/000",
        ] {
            #expect(LogTilePath(text) == nil, "\(text)")
        }
    }

    @Test("a journal for hledger has every final, and adds up")
    func journal() async throws {
        try await withLog { log in
            var journal = HledgerJournal(log.currency.charter)
            var text = journal.head
            for bytes in try await log.store.finals(of: log.currency.charter.currency, from: 0, limit: 1000) {
                text += journal.add(try Final(bytes: bytes))
            }
            text += journal.tail
            var sum = 0
            for line in text.split(separator: "\n") where line.hasPrefix("    ") && !line.contains(";") {
                guard !line.contains("=") else { continue }
                let parts = line.split(separator: " ").map(String.init)
                sum += try #require(Int(parts[1]))
                #expect(parts[2] == "\"HNY\"")
            }
            #expect(sum == 0)
            #expect(text.contains(" = ") && text.contains("expire") && text.contains("clawback"))
        }
    }
}
