import Digests
import FoundationEssentials
import GRDB
public import Moderation
import Statements
import SwiftProtobuf
public import WaggleProtocol

/// How sure it is which file a resource of a recipe was.
public enum MatchState: String, Sendable, CaseIterable {
    /// The signed recipe has the full SHA-256, and a file of a release here has it.
    case verified
    /// Another hash in the recipe names exactly one file of the releases here.
    case matched
    /// There is a hash, but nothing here has it, or several different files do.
    case claimed
    /// Only a name.
    case unknown
}

/// A resource of a recipe with the release that it was.
public struct ResourceMatch: Sendable {
    public let resource: WireResource
    public let state: MatchState
    /// When the state is verified or matched.
    public let release: ReleaseLink?
    public let fileName: String?
}

/// How an image says it was made, and what of that can be found here.
public struct RecipeView: Sendable {
    public let recipe: WireRecipe
    /// In the recipe's order.
    public let resources: [ResourceMatch]
    /// There is a resource, and every one is verified.
    public let isVerified: Bool
}

extension Catalog {
    /// The recipe of an image; nil when it has none, or the viewer may not see the image.
    public func recipe(ofImage id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> RecipeView? {
        try await read { database in
            let reader = ViewReader(database, filter)
            let row = try database.row(
                "SELECT body FROM images WHERE id = ? AND shelf IN \(reader.shelves)", [id])
            guard let row else { return nil }
            let image = try WireImage(serializedBytes: row[0] as Data)
            guard image.hasRecipe else { return nil }
            let resources = try image.recipe.resources.map { try reader.match($0) }
            return RecipeView(
                recipe: image.recipe, resources: resources,
                isVerified: !resources.isEmpty && resources.allSatisfy { $0.state == .verified })
        }
    }
}

extension ViewReader {
    fileprivate func match(_ resource: WireResource) throws -> ResourceMatch {
        if let sha256 = Hash32(resource.sha256) {
            return try match(resource, .verified, try bestFile(sha256))
        }
        guard !resource.claimedHash.isEmpty else { return try match(resource, .unknown, nil) }
        let named = try HashClaim(resource.claimedHash).map(files) ?? []
        return try match(resource, .matched, named.count == 1 ? named.first.flatMap(bestFile) : nil)
    }

    private func match(
        _ resource: WireResource, _ state: MatchState, _ file: (release: Hash32, name: String)?
    ) throws -> ResourceMatch {
        let link = try file.flatMap { try releaseLink($0.release) }
        return ResourceMatch(
            resource: resource, state: link == nil && state != .unknown ? .claimed : state, release: link,
            fileName: link == nil ? nil : file?.name)
    }

    /// The different files on the viewer's shelves that a hash names, as far as they are looked at.
    private func files(_ claim: HashClaim) throws -> Set<Hash32> {
        var found: Set<Hash32> = []
        for condition in claim.conditions {
            let statement = try database.cachedStatement(
                sql: """
                    SELECT sha256 FROM files WHERE \(condition) AND shelf IN \(shelves)
                    LIMIT \(Limits.Catalog.filesPerResource)
                    """)
            let rows = try Row.fetchAll(statement, arguments: StatementArguments(claim.arguments(condition)))
            found.formUnion(rows.map { $0.hash(0) })
        }
        return found
    }

    /// The release that answers for a file, chosen as look-ups by hash choose it.
    private func bestFile(_ sha256: Hash32) throws -> (release: Hash32, name: String)? {
        try database.row(
            """
            SELECT r.post, f.name
            FROM (SELECT release_id, name, earned FROM files WHERE sha256 = ? AND shelf IN \(shelves)
                ORDER BY earned DESC LIMIT \(Limits.Catalog.filesPerResource)) f
            JOIN releases r ON r.id = f.release_id
            ORDER BY f.earned DESC, r.created, r.tie, r.id LIMIT 1
            """, [sha256.data]
        ).map { ($0.hash(0), $0[1]) }
    }
}
