public import Digests
import FoundationEssentials
import GRDB
public import Moderation
import Statements
import SwiftProtobuf
public import WaggleProtocol

/// A bounty's post. What it is worth and how it stands is in the ledger.
public struct BountyPostView: Sendable {
    public let post: Hash32
    public let author: CreatorView
    public let created: UInt64
    public let level: Level
    public let body: WireBounty
}

/// An entry for a bounty.
public struct BountyEntryView: Sendable {
    public let post: Hash32
    public let author: CreatorView
    public let created: UInt64
    /// A moderator hid it: it is not shown, and counts all the same.
    public let isHidden: Bool
    public let body: WireBountyEntry
}

/// What a backer of a bounty said should be done.
public struct BountyAwardView: Sendable {
    public let post: Hash32
    public let author: CreatorView
    public let created: UInt64
    public let isHidden: Bool
    public let body: WireBountyAward
}

/// Bounties, newest first.
public struct BountyQuery: Sendable, Hashable {
    public var creator: CreatorReference?
    /// Only those that take entries at this moment (unix seconds).
    public var openAt: UInt64?
    public var limit = 20
    public var position = PagePosition.start

    public init() {}
}

extension Catalog {
    /// Money does not depend on who may see what.
    private static let everything = ViewerFilter(mask: Level.blocked.upTo, seesHidden: true)

    /// The bounties of a query that the viewer may see.
    public func bounties(_ query: BountyQuery, _ filter: ViewerFilter) async throws(CatalogError)
        -> Page<BountyPostView>
    {
        try await read { database in
            let reader = ViewReader(database, filter)
            let range = try PageRange(query.position, limit: query.limit, letter: "b", keyCount: 3)
            var list = OrderedList(columns: ["created", "tie", "id"], table: "bounties")
            var arguments: [String: any DatabaseValueConvertible] = [:]
            if let creator = query.creator {
                guard let id = try CreatorListing.id(creator, database) else { return Page(items: [], next: nil) }
                list.conditions.append("author_id = :creator")
                arguments["creator"] = id
            }
            if let time = query.openAt {
                list.conditions.append("deadline >= :time")
                arguments["time"] = Int64(clamping: time)
            }
            let keys = try list.rows(
                database, over: filter.shelves, from: range.from, limit: range.limit + 1, offset: range.offset,
                arguments: arguments)
            let (page, next) = range.page(keys, key: { $0 }, letter: "b")
            return Page(items: try page.compactMap { try reader.bounty("id", OrderedList.id($0)) }, next: next)
        }
    }

    /// The posts of bounties whose ids begin so, two at most.
    ///
    /// - Parameter digits: hexadecimal.
    public func bounties(beginning digits: String, _ filter: ViewerFilter) async throws(CatalogError) -> [Hash32] {
        let ends = ["0", "f"].compactMap { last in
            Hash32(hex: digits + String(repeating: last, count: max(0, 64 - digits.utf8.count)))
        }
        guard ends.count == 2 else { return [] }
        return try await read { database in
            let reader = ViewReader(database, filter)
            return try database.rows(
                "SELECT post FROM bounties WHERE post BETWEEN ? AND ? AND shelf IN \(reader.shelves) LIMIT 2",
                [ends[0].data, ends[1].data]
            ).map { $0.hash(0) }
        }
    }

    /// Nil when there is no such bounty for the viewer.
    public func bounty(post: Hash32, _ filter: ViewerFilter) async throws(CatalogError) -> BountyPostView? {
        try await read { database in try ViewReader(database, filter).bounty("post", post.data) }
    }

    /// All entries for a bounty, in the order in which their authors say that they made them.
    public func entries(forBounty post: Hash32) async throws(CatalogError) -> [BountyEntryView] {
        try await read { database in
            let reader = ViewReader(database, Self.everything)
            return try reader.rows("bounty_entries", of: post, limit: Limits.Economy.entries).compactMap { row in
                guard let author = try reader.creator(row[1]) else { return nil }
                return BountyEntryView(
                    post: row.hash(0), author: author, created: UInt64(row[2] as Int64), isHidden: row[3],
                    body: try WireBountyEntry(serializedBytes: row[4] as Data))
            }
        }
    }

    /// All awards for a bounty, the earliest first.
    public func awards(forBounty post: Hash32) async throws(CatalogError) -> [BountyAwardView] {
        try await read { database in
            let reader = ViewReader(database, Self.everything)
            return try reader.rows("bounty_awards", of: post, limit: Limits.Economy.awards).compactMap { row in
                guard let author = try reader.creator(row[1]) else { return nil }
                return BountyAwardView(
                    post: row.hash(0), author: author, created: UInt64(row[2] as Int64), isHidden: row[3],
                    body: try WireBountyAward(serializedBytes: row[4] as Data))
            }
        }
    }
}

extension ViewReader {
    fileprivate func bounty(_ column: String, _ value: any DatabaseValueConvertible) throws -> BountyPostView? {
        guard
            let row = try database.row(
                """
                SELECT post, author_id, created, level, body FROM bounties
                WHERE \(column) = ? AND shelf IN \(shelves)
                """, [value]),
            let author = try creator(row[1])
        else { return nil }
        return BountyPostView(
            post: row.hash(0), author: author, created: UInt64(row[2] as Int64), level: Level(declared: row[3]),
            body: try WireBounty(serializedBytes: row[4] as Data))
    }

    fileprivate func rows(_ table: String, of bounty: Hash32, limit: Int) throws -> [Row] {
        try database.rows(
            """
            SELECT post, author_id, created, hidden, body FROM \(table) WHERE bounty = ?
            ORDER BY created, post LIMIT ?
            """, [bounty.data, limit])
    }
}
