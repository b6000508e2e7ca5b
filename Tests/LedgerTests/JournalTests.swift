import Foundation
import GRDB
import Testing

@testable import Ledger

@Suite("The ledger's journal")
struct JournalTests {
    @Test("copying begins when the journal is long, once at a time, and later where somebody held it up")
    func length() {
        var length = JournalLength(limit: 100)
        func begins(_ pages: Int...) -> [Bool] { pages.map { length.committed(pages: $0) } }
        #expect(begins(99, 100, 300) == [false, true, false], "it is under way from the second on")
        length.ended(left: 0)
        #expect(begins(5, 120) == [false, true], "the journal began anew")
        length.ended(left: 7)
        #expect(begins(219, 220) == [false, true])
        #expect(length.pages == 220)
    }

    @Test("a writer that never pauses has a journal that begins anew, and nothing is lost of what it wrote")
    func copying() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "journal-\(UUID().uuidString).db").path
        defer { for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + end) } }
        let journal = Journal(pages: 40)
        let store = try LedgerStore(path: path, journal: journal)
        try await store.write { try $0.execute(sql: "CREATE TABLE row (n INTEGER PRIMARY KEY, bytes BLOB)") }
        var (written, anew, before) = (0, 0, 0)
        while anew < 3, written < 20_000 {
            let row = written
            try await store.write { db in
                try db.execute(sql: "INSERT INTO row VALUES (?, zeroblob(3000))", arguments: [row])
            }
            written += 1
            if journal.length < before { anew += 1 }
            before = journal.length
        }
        #expect(anew == 3, "after \(written) commits, \(journal.length) pages in it")
        try await store.checkpointFile()
        let count = try await DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "SELECT count(*) FROM row") }
        #expect(count == written)
    }
}
