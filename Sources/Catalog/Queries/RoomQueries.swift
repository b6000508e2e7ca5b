public import Digests
import FoundationEssentials
import GRDB
import Statements

extension Catalog {
    /// Who has earned room here: residents and those whom they follow.
    public func authorsWithRoom() async throws(CatalogError) -> Set<Hash32> {
        try await read { database in
            var authors: Set<Hash32> = []
            for row in try database.rows("SELECT DISTINCT author FROM earned", []) { authors.insert(row.hash(0)) }
            return authors
        }
    }

    /// The files, pictures and graphs that an author's posts in force show, each once.
    public func shownBlobs(by author: Hash32) async throws(CatalogError) -> [Hash32] {
        try await read { database in
            try database.rows(
                """
                SELECT f.sha256 FROM authors a JOIN releases r ON r.author_id = a.id
                    JOIN files f ON f.release_id = r.id WHERE a.author = ?1
                UNION
                SELECT i.sha256 FROM authors a JOIN images i ON i.author_id = a.id WHERE a.author = ?1
                UNION
                SELECT s.sha256 FROM authors a JOIN shown_blobs s ON s.author_id = a.id WHERE a.author = ?1
                """, [author.data]
            ).map { $0.hash(0) }
        }
    }
}
