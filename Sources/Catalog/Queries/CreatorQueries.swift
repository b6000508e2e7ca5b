public import Digests
import FoundationEssentials
import GRDB
public import Moderation
import Statements
import SwiftProtobuf
public import WaggleProtocol

/// Creators in the order of their handles.
public struct CreatorQuery: Sendable, Hashable {
    /// The start of a handle; empty = all.
    public var prefix = ""
    public var limit = 20
    public var position = PagePosition.start

    public init() {}
}

enum CreatorListing {
    /// The number of a creator, whatever the viewer.
    static func id(_ reference: CreatorReference, _ database: Database) throws -> Int32? {
        let id =
            switch reference {
            case .handle(let handle):
                try database.integer(
                    "SELECT id FROM authors WHERE handle = ? ORDER BY author LIMIT 1", [handle.lowercased()])
            case .author(let author): try database.integer("SELECT id FROM authors WHERE author = ?", [author.data])
            case .id(let id): try database.integer("SELECT id FROM authors WHERE id = ?", [id])
            }
        return id.map { Int32(truncatingIfNeeded: $0) }
    }
}

extension Catalog {
    /// Creators of whom the viewer may see a model.
    public func creators(_ query: CreatorQuery, _ filter: ViewerFilter) async throws(CatalogError) -> Page<CreatorView>
    {
        try await read { database in
            let reader = ViewReader(database, filter)
            let limit = try PageRange.checked(limit: query.limit)
            var (after, offset) = ("", 0)
            switch query.position {
            case .start: break
            case .after(let cursor):
                guard cursor.first == "c" else { throw CatalogError.badCursor(String(cursor.prefix(128))) }
                after = String(cursor.dropFirst().prefix(128))
            case .number(let page): offset = try PageRange.offset(page: page, limit: limit)
            }
            let prefix = query.prefix.lowercased()
            // No handle has a character above "z".
            let rows = try database.rows(
                """
                SELECT id, handle FROM authors INDEXED BY authors_listed
                WHERE shelves <> 0 AND handle > ? AND handle >= ? AND handle < ? AND shelves & ? <> 0
                ORDER BY handle LIMIT ? OFFSET ?
                """, [after, prefix, prefix + "~", Int64(filter.mask), limit + 1, offset])
            let items = try rows.prefix(limit).compactMap { try reader.wholeCreator($0[0]) }
            return Page(items: items, next: rows.count > limit ? items.last.map { "c" + $0.handle } : nil)
        }
    }

    /// How many creators the viewer may see a model of.
    public func creatorCount(prefix: String = "", _ filter: ViewerFilter) async throws(CatalogError) -> Int {
        try await read { database in
            let prefix = prefix.lowercased()
            let count = try database.integer(
                """
                SELECT COUNT(*) FROM authors INDEXED BY authors_listed
                WHERE shelves <> 0 AND handle >= ? AND handle < ? AND shelves & ? <> 0
                """, [prefix, prefix + "~", Int64(filter.mask)])
            return Int(count ?? 0)
        }
    }

    /// One creator, also one without a model; the count of models is the viewer's.
    public func creator(_ reference: CreatorReference, _ filter: ViewerFilter) async throws(CatalogError)
        -> CreatorView?
    {
        try await read { database in
            try CreatorListing.id(reference, database).flatMap { try ViewReader(database, filter).wholeCreator($0) }
        }
    }

    /// The profile in force of an author.
    public func profile(of author: Hash32) async throws(CatalogError) -> WireProfile? {
        try await read { database in
            let row = try database.row(
                "SELECT profile FROM authors WHERE author = ? AND profile_hidden = 0", [author.data])
            return try (row?[0] as Data?).map { try WireProfile(serializedBytes: $0) }
        }
    }
}
