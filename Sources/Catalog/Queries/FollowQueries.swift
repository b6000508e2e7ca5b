public import Digests
import GRDB
public import Moderation
import Statements
import WaggleProtocol

/// Somebody on a person's list.
public struct FollowView: Sendable, Hashable {
    /// Nil while nothing of theirs is here.
    public let creator: CreatorView?
    public let author: Hash32
    /// What the follower calls them; empty = nothing special.
    public let petname: String
}

extension Catalog {
    /// Whom an author follows, in the order of the list.
    public func following(
        _ author: Hash32, limit: Int, position: PagePosition = .start, _ filter: ViewerFilter
    ) async throws(CatalogError) -> Page<FollowView> {
        try await read { database in
            let reader = ViewReader(database, filter)
            let range = try PageRange(position, limit: limit, letter: "p", keyCount: 1, descending: false)
            let rows = try database.rows(
                """
                SELECT f.position, p.author, f.petname, a.id
                FROM follows f JOIN people p ON p.id = f.person_id LEFT JOIN authors a ON a.author = p.author
                WHERE f.follower_id = (SELECT id FROM authors WHERE author = ?) AND f.position > ?
                ORDER BY f.position LIMIT ? OFFSET ?
                """, [author.data, range.from.values[0], range.limit + 1, range.offset])
            let (page, next) = range.page(rows, key: { OrderKey([$0[0]]) }, letter: "p")
            return Page(
                items: try page.map { row in
                    FollowView(
                        creator: try (row[3] as Int32?).flatMap { try reader.wholeCreator($0) }, author: row.hash(1),
                        petname: row[2])
                }, next: next)
        }
    }

    /// Whom people at home on this node follow, those that most follow first.
    public func followedFromHere(
        limit: Int, _ filter: ViewerFilter
    ) async throws(CatalogError) -> [(followed: FollowView, followers: Int)] {
        try await read { database in
            let reader = ViewReader(database, filter)
            let rows = try database.rows(
                """
                SELECT p.author, COUNT(*) AS n, (SELECT id FROM authors WHERE author = p.author)
                FROM earned e JOIN authors a ON a.author = e.author JOIN follows f ON f.follower_id = a.id
                JOIN people p ON p.id = f.person_id
                WHERE e.source = e.author GROUP BY p.id ORDER BY n DESC, p.author LIMIT ?
                """, [limit])
            return try rows.map { row in
                (
                    FollowView(
                        creator: try (row[2] as Int32?).flatMap { try reader.wholeCreator($0) }, author: row.hash(0),
                        petname: ""), Int(row[1] as Int64)
                )
            }
        }
    }

    /// Who follows an author, newest list first.
    public func followers(
        _ author: Hash32, limit: Int, position: PagePosition = .start, _ filter: ViewerFilter
    ) async throws(CatalogError) -> Page<CreatorView> {
        try await read { database in
            let reader = ViewReader(database, filter)
            let range = try PageRange(position, limit: limit, letter: "q", keyCount: 3)
            let person = try database.integer("SELECT id FROM people WHERE author = ?", [author.data])
            let keys = try OrderedList(
                columns: ["created", "tie", "follower_id"], table: "follows", merged: "person_id"
            ).rows(
                database, over: person.map { [$0] } ?? [], from: range.from, limit: range.limit + 1,
                offset: range.offset)
            let (page, next) = range.page(keys, key: { $0 }, letter: "q")
            return Page(items: try page.compactMap { try reader.wholeCreator(OrderedList.id($0)) }, next: next)
        }
    }
}
