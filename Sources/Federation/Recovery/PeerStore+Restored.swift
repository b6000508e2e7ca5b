import FoundationEssentials
import GRDB

extension PeerStore {
    /// Forgets where each peer's stream was read to, before the peers of a restored home are opened: what came between the
    /// backup and the loss is found by reconciling. Blocks.
    ///
    /// - Parameter path: `db/peers.db`.
    public static func forgetCursors(path: String) throws(PeerStoreError) {
        do {
            let queue = try DatabaseQueue(path: path)
            try queue.write { db in
                try db.execute(sql: "UPDATE peer SET cursor = '', last_contact = 0, last_error = ''")
                try db.execute(sql: "UPDATE address SET entry = json_remove(entry, '$.cursor')")
            }
            try queue.close()
        } catch {
            throw .database(path: path, detail: "\(error)")
        }
    }
}
