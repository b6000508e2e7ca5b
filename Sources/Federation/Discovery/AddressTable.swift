import FoundationEssentials
import GRDB

/// The address book on disk.
extension PeerStore {
    static let addressTable = """
        CREATE TABLE address (url TEXT PRIMARY KEY, entry TEXT NOT NULL) WITHOUT ROWID;
        """

    func loadAddresses() async throws(PeerStoreError) -> AddressBook {
        try await access { db in
            let rows = try String.fetchAll(db, sql: "SELECT entry FROM address ORDER BY url")
            return AddressBook(
                rows.compactMap { try? JSONDecoder().decode(AddressBook.Entry.self, from: Data($0.utf8)) })
        }
    }

    func save(_ book: AddressBook) async throws(PeerStoreError) {
        try await access { db in
            try db.execute(sql: "DELETE FROM address")
            let insert = try db.cachedStatement(sql: "INSERT INTO address (url, entry) VALUES (?, ?)")
            for (url, entry) in book.entries {
                let text = String(decoding: try JSONEncoder().encode(entry), as: UTF8.self)
                try insert.execute(arguments: [url, text])
            }
        }
    }
}
