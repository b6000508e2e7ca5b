public import Digests
import FoundationEssentials
import GRDB
public import Moderation
import Statements
import SwiftProtobuf
import WaggleProtocol

/// A file of a release, an image, or the graph of a workflow, with all that mirror rules ask for.
public struct MirrorCandidate: Sendable, Hashable {
    public let sha256: Hash32
    public let piecesRoot: Hash32
    public let size: UInt64
    public let name: String
    public let isImage: Bool
    /// Who published it.
    public let author: Hash32
    public let level: Level
    /// The release that it belongs to; for an image, the first release here that it is listed under, if any.
    public let releaseID: Int32?
    public let release: Hash32?
    /// "Workflow" for the graph of one.
    public let modelType: String
    public let baseModel: String
    public let tags: [String]
    /// The signed release names web addresses that serve it, so that peers are not the only source.
    public let hasMirrors: Bool
}

extension Catalog {
    /// Steps through every file, then every image, then every graph that the viewer may see, once each, in the order in
    /// which this node first met their posts. A release whose model arrives after its place was passed is met on the next pass.
    /// - Parameter cursor: the `next` of the step before; nil = a new pass.
    public func mirrorCandidates(after cursor: String? = nil, limit: Int, _ filter: ViewerFilter)
        async throws(CatalogError) -> Page<MirrorCandidate>
    {
        guard (1...Limits.Catalog.mirrorBatch).contains(limit) else {
            throw .limit("a step has 1 to \(Limits.Catalog.mirrorBatch) items, not \(limit)")
        }
        return try await read { database in
            let letter = cursor?.first.flatMap { "yz".contains($0) ? $0 : nil } ?? "x"
            let after = try cursor.map { try OrderKey(cursor: $0, letter: letter, count: 1).values[0] } ?? 0
            let walk = MirrorWalk(reader: ViewReader(database, filter))
            if letter == "x" {
                let files = try walk.files(after: after, limit: limit)
                if let last = files.last {
                    return Page(items: files.map(\.item), next: OrderKey([last.id]).cursor("x"))
                }
            }
            if letter != "z" {
                let images = try walk.images(after: letter == "y" ? after : 0, limit: limit)
                if let last = images.last {
                    return Page(items: images.map(\.item), next: OrderKey([last.id]).cursor("y"))
                }
            }
            let graphs = try walk.graphs(after: letter == "z" ? after : 0, limit: limit)
            return Page(
                items: graphs.map(\.item),
                next: graphs.count == limit ? graphs.last.map { OrderKey([$0.id]).cursor("z") } : nil)
        }
    }
}

private struct MirrorWalk {
    let reader: ViewReader

    func files(after id: Int64, limit: Int) throws -> [(id: Int64, item: MirrorCandidate)] {
        let rows = try reader.database.rows(
            """
            SELECT f.id, f.part, f.shelf, r.id, r.post, r.base_model, r.body, m.type, m.tags, a.author
            FROM files f JOIN releases r ON r.id = f.release_id JOIN models m ON m.id = r.model_id
            JOIN authors a ON a.id = r.author_id
            WHERE f.id > ? AND f.shelf IN \(reader.shelves) ORDER BY f.id LIMIT ?
            """, [id, limit])
        // The files of a release follow each other.
        var (releaseID, body): (Int32, WireRelease) = (0, WireRelease())
        return try rows.map { row in
            if row[3] != releaseID {
                releaseID = row[3]
                body = try WireRelease(serializedBytes: row[6] as Data)
            }
            let part: Int = row[1]
            let file = body.files.indices.contains(part) ? body.files[part] : WireFile()
            let item = MirrorCandidate(
                sha256: Hash32(file.sha256) ?? .zero, piecesRoot: Hash32(file.piecesRoot) ?? .zero, size: file.size,
                name: file.name, isImage: false, author: row.hash(9), level: Shelf.level(row[2]), releaseID: releaseID,
                release: row.hash(4), modelType: row[7], baseModel: row[5], tags: Self.tags(row[8]),
                hasMirrors: !body.mirrors.isEmpty)
            return (row[0], item)
        }
    }

    func images(after id: Int64, limit: Int) throws -> [(id: Int64, item: MirrorCandidate)] {
        try reader.database.all(
            """
            SELECT i.id, i.level, i.body, a.author, p.releases
            FROM images i JOIN image_posts p ON p.id = i.post_id JOIN authors a ON a.id = i.author_id
            WHERE i.id > ? AND i.shelf IN \(reader.shelves) ORDER BY i.id LIMIT ?
            """, id, limit
        ) { row in
            let image = try WireImage(serializedBytes: row.data(2))
            let link = try reader.releaseLinks(row.data(4)).first
            let model = try link.flatMap { link in
                try reader.database.row(
                    "SELECT m.type, m.tags, r.post FROM releases r JOIN models m ON m.id = r.model_id WHERE r.id = ?",
                    [link.releaseID])
            }
            let item = MirrorCandidate(
                sha256: Hash32(image.blob) ?? .zero, piecesRoot: Hash32(image.piecesRoot) ?? .zero, size: image.size,
                name: "", isImage: true, author: row.hash(3) ?? .zero,
                level: Level(declared: UInt32(clamping: row.integer(1))),
                releaseID: link?.releaseID, release: model?.hash(2), modelType: model?[0] ?? "",
                baseModel: link?.baseModel ?? "", tags: Self.tags(model?[1] ?? ""),
                hasMirrors: false)
            return (row.integer(0), item)
        }
    }

    func graphs(after id: Int64, limit: Int) throws -> [(id: Int64, item: MirrorCandidate)] {
        // SQLite finds no use for the index where nothing can be found.
        if reader.filter.shelves.isEmpty { return [] }
        let rows = try reader.database.rows(
            """
            SELECT w.id, w.body, w.level, a.author
            FROM works w INDEXED BY works_graphs JOIN authors a ON a.id = w.author_id
            WHERE w.kind = \(PostKind.workflow.rawValue) AND w.id > ? AND w.shelf IN \(reader.shelves)
            ORDER BY w.id LIMIT ?
            """, [id, limit])
        return try rows.map { row in
            let workflow = try WireWorkflow(serializedBytes: row[1] as Data)
            let file = workflow.graph
            let item = MirrorCandidate(
                sha256: Hash32(file.sha256) ?? .zero, piecesRoot: Hash32(file.piecesRoot) ?? .zero, size: file.size,
                name: file.name, isImage: false, author: row.hash(3), level: Level(declared: row[2]), releaseID: nil,
                release: nil, modelType: "Workflow", baseModel: "", tags: workflow.tags.map(TermTable.folded),
                hasMirrors: false)
            return (row[0], item)
        }
    }

    private static func tags(_ lines: String) -> [String] {
        lines.split(separator: "\n").map(String.init)
    }
}
