public import Digests
import FoundationEssentials
import GRDB
import Statements

/// Where a post has a page on this node.
public enum PostPlace: Sendable, Hashable {
    case model(Int32)
    case release(Int32, model: Int32)
    /// The first image of an image post, or of a review.
    case image(Int32)
}

extension Catalog {
    /// Where posts are shown, hidden ones included: for the operator's and the moderators' lists. A few statements for all of
    /// them; those without a page of their own are left out.
    public func places(ofPosts posts: some Collection<Hash32> & Sendable) async throws(CatalogError)
        -> [Hash32: PostPlace]
    {
        try await read { database in
            var places: [Hash32: PostPlace] = [:]
            for some in Self.chunks(posts) {
                let (marks, arguments) = Self.list(some)
                for row in try database.rows("SELECT post, id FROM models WHERE post IN \(marks)", arguments) {
                    places[row.hash(0)] = .model(row[1])
                }
                for row in try database.rows(
                    "SELECT post, id, model_id FROM releases WHERE post IN \(marks) AND shelf IS NOT NULL", arguments)
                {
                    places[row.hash(0)] = .release(row[1], model: row[2])
                }
                for row in try database.rows(
                    """
                    SELECT p.post, MIN(i.id) FROM image_posts p JOIN images i ON i.post_id = p.id
                    WHERE p.post IN \(marks) GROUP BY p.post
                    """, arguments)
                {
                    places[row.hash(0)] = .image(row[1])
                }
            }
            return places
        }
    }

    /// What releases call files, for people; those that no release names are left out.
    public func fileNames(of files: some Collection<Hash32> & Sendable) async throws(CatalogError) -> [Hash32: String] {
        try await read { database in
            var names: [Hash32: String] = [:]
            for some in Self.chunks(files) {
                let (marks, arguments) = Self.list(some)
                for row in try database.rows(
                    "SELECT sha256, name FROM files WHERE sha256 IN \(marks) ORDER BY earned, shelf, id DESC", arguments
                ) {
                    names[row.hash(0)] = row[1]
                }
            }
            return names
        }
    }

    private static let hashesAtOnce = 500

    private static func chunks(_ hashes: some Collection<Hash32>) -> [[Hash32]] {
        let all = Array(hashes)
        return stride(from: 0, to: all.count, by: hashesAtOnce).map {
            Array(all[$0..<min($0 + hashesAtOnce, all.count)])
        }
    }

    /// Filled up with the last one to one of a few lengths, so that a few statements serve lists of every length.
    private static func list(_ hashes: [Hash32]) -> (marks: String, arguments: StatementArguments) {
        let length = [1, 20, 100].first { $0 >= hashes.count } ?? max(hashesAtOnce, hashes.count)
        let filled = hashes + (hashes.count..<length).compactMap { _ in hashes.last }
        return ("(\(filled.map { _ in "?" }.joined(separator: ", ")))", StatementArguments(filled.map(\.data)))
    }
}
