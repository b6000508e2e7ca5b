public import Digests
import FoundationEssentials
import GRDB

extension Catalog {
    /// Who has earned room here: residents and those whom they follow.
    public func authorsWithRoom() async throws(CatalogError) -> Set<Hash32> {
        try await read { database in
            var authors: Set<Hash32> = []
            for row in try database.rows("SELECT DISTINCT author FROM earned", []) { authors.insert(row.hash(0)) }
            return authors
        }
    }
}
