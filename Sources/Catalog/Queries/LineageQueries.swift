public import Digests
import FoundationEssentials
import GRDB
public import Moderation
import Statements
import WaggleProtocol

/// One thing that something was made from, or that was made from it.
public struct LineageLink: Sendable {
    /// "base", "merge-of", "trained-from", or, between images, "remix-of".
    public let role: String
    /// The post that the reference names, or that it is in. For what nobody here knows, all that there is.
    public let post: Hash32
    public let release: ReleaseLink?
    public let model: ModelCard?
    public let image: ImageView?
    public let creator: CreatorView?
    /// References in between and the last one, from 1.
    public let depth: Int
}

/// Where something comes from and what came of it, as far as the viewer sees it.
public struct LineageView: Sendable {
    /// Nearest first, at most 6 steps up and 50 in all. What is unknown here or not the viewer's to see has a post only.
    public let ancestors: [LineageLink]
    /// Releases, nearest first, then newest first; at most 3 steps down and 50 in all.
    public let descendants: [LineageLink]
    /// Of these, all; for an image, all remixes. 1000 stands for more.
    public let descendantCount: Int
    /// Images that say that they are remixes of this one, newest first, at most 50.
    public let remixes: [ImageView]
}

extension Catalog {
    /// What a release was made from and what was made from it. Nothing, when the viewer may not see it.
    public func lineage(ofRelease id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> LineageView {
        try await read { database in
            let reader = ViewReader(database, filter)
            guard try reader.release(id, ViewDetail(releases: 0, images: 0)) != nil else { return .nothing }
            let descendants = try LineageWalk(reader).descendants(ofRelease: id)
            return LineageView(
                ancestors: try LineageWalk(reader).ancestors(of: Int64(id)),
                descendants: try descendants.prefix(Limits.Catalog.lineageLinks).compactMap { try reader.link($0) },
                descendantCount: descendants.count, remixes: [])
        }
    }

    /// What an image was remixed from and its remixes. With which releases it was made, its post and recipe say.
    public func lineage(ofImage id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> LineageView {
        try await read { database in
            let reader = ViewReader(database, filter)
            guard let image = try reader.image(id) else { return .nothing }
            let remixes = try LineageWalk(reader).remixes(of: image.post)
            return LineageView(
                ancestors: try LineageWalk(reader).ancestors(of: Int64(id)), descendants: [],
                descendantCount: remixes.count,
                remixes: try remixes.prefix(Limits.Catalog.lineageLinks).compactMap { try reader.image($0) })
        }
    }
}

extension LineageView {
    fileprivate static let nothing = LineageView(ancestors: [], descendants: [], descendantCount: 0, remixes: [])
}

/// A release found below another one.
private struct Descendant {
    let id: Int32
    let role: LineageRole
    let depth: Int
}

/// A walk along references, breadth first, that meets nothing twice: with references to models, which stand for their
/// newest release, there are circles.
private struct LineageWalk {
    let reader: ViewReader

    init(_ reader: ViewReader) {
        self.reader = reader
    }

    // MARK: Up

    func ancestors(of start: Int64) throws -> [LineageLink] {
        var links: [LineageLink] = []
        var seen: Set<Hash32> = []
        if let own = try post(of: start) { seen.insert(own) }
        var level = [start]
        for depth in 1...Limits.Catalog.ancestorDepth where !level.isEmpty {
            var next: [Int64] = []
            for child in level {
                for row in try reader.database.rows(
                    """
                    SELECT s.post, l.role, s.release_id, s.model_id FROM lineage l JOIN subjects s ON s.id = l.parent_id
                    WHERE l.child_id = ? ORDER BY l.position
                    """, [child])
                {
                    guard links.count < Limits.Catalog.lineageLinks, let role = LineageRole(rawValue: row[1]) else {
                        return links
                    }
                    let found = try ancestor(row, role, depth)
                    guard seen.insert(found.link.post).inserted else { continue }
                    links.append(found.link)
                    if let number = found.number { next.append(number) }
                }
            }
            level = next
        }
        return links
    }

    private func post(of number: Int64) throws -> Hash32? {
        try reader.database.row(
            """
            SELECT post FROM releases WHERE id = ?1
            UNION ALL SELECT p.post FROM images i JOIN image_posts p ON p.id = i.post_id WHERE i.id = ?1
            """, [number])?.hash(0)
    }

    /// What a reference names, and the number under which its own references are.
    private func ancestor(_ row: Row, _ role: LineageRole, _ depth: Int) throws -> (link: LineageLink, number: Int64?) {
        let post = row.hash(0)
        if role == .remixOf {
            let image = try reader.database.row(
                """
                SELECT i.id, i.post_id FROM image_posts p JOIN images i ON i.post_id = p.id
                WHERE p.post = ? AND i.shelf IN \(reader.shelves) ORDER BY i.part LIMIT 1
                """, [post.data])
            let view = try image.flatMap { try reader.image($0[0]) }
            let link = LineageLink(
                role: role.name, post: post, release: nil, model: nil, image: view, creator: view?.author,
                depth: depth)
            return (link, view.map { Int64($0.id) })
        }
        var release = post
        if row[2] as Int64? == nil, let modelID = row[3] as Int32? {
            release = try reader.newestRelease(ofModel: modelID)?.post ?? post
        }
        let link = try reader.link(toRelease: release, role, depth)
        return (link, link.release.map { Int64($0.releaseID) })
    }

    // MARK: Down

    func descendants(ofRelease start: Int32) throws -> [Descendant] {
        var found: [Descendant] = []
        var seen: Set<Int32> = [start]
        var level = [start]
        for depth in 1...Limits.Catalog.descendantDepth where !level.isEmpty {
            var next: [Int32] = []
            for parent in level {
                for subject in try namedAs(parent) {
                    let room = Limits.Catalog.countedDescendants - found.count
                    guard room > 0 else { return found }
                    for child in try children(ofSubject: subject, isImage: false, limit: room)
                    where seen.insert(child.id).inserted {
                        found.append(Descendant(id: child.id, role: child.role, depth: depth))
                        next.append(child.id)
                    }
                }
            }
            level = next
        }
        return found
    }

    func remixes(of post: Hash32) throws -> [Int32] {
        guard let subject = try reader.subjects(post).first else { return [] }
        return try children(ofSubject: subject, isImage: true, limit: Limits.Catalog.countedDescendants).map(\.id)
    }

    /// The subjects by which posts refer to a release: its own, and, when it is its model's newest, the model's.
    private func namedAs(_ releaseID: Int32) throws -> [Int64] {
        guard
            let row = try reader.database.row(
                "SELECT subject_id, model_id FROM releases WHERE id = ?", [releaseID]),
            let subject = row[0] as Int64?, let modelID = row[1] as Int32?
        else { return [] }
        guard try reader.newestRelease(ofModel: modelID)?.id == releaseID else { return [subject] }
        return [subject] + (try reader.versions(ofModel: modelID))
    }

    private func children(ofSubject id: Int64, isImage: Bool, limit: Int) throws -> [(id: Int32, role: LineageRole)] {
        let keys = try OrderedList(
            columns: ["created", "tie", "child_id"], table: "lineage",
            conditions: ["parent_id = :parent", "is_image = \(isImage ? 1 : 0)"]
        ).rows(reader.database, over: reader.filter.shelves, limit: limit, arguments: ["parent": id])
        var found: [(id: Int32, role: LineageRole)] = []
        for key in keys {
            let child = OrderedList.id(key)
            let row = try reader.database.row(
                "SELECT role FROM lineage WHERE child_id = ? AND parent_id = ?", [Int64(child), id])
            if let row, let role = LineageRole(rawValue: row[0]) { found.append((child, role)) }
        }
        return found
    }
}

extension ViewReader {
    fileprivate func link(_ descendant: Descendant) throws -> LineageLink? {
        let row = try database.row("SELECT post FROM releases WHERE id = ?", [descendant.id])
        return try row.map { try link(toRelease: $0.hash(0), descendant.role, descendant.depth) }
    }

    fileprivate func link(toRelease post: Hash32, _ role: LineageRole, _ depth: Int) throws -> LineageLink {
        let release = try releaseLink(post)
        let model = try release.flatMap { try card($0.modelID) }
        return LineageLink(
            role: role.name, post: post, release: release, model: model, image: nil, creator: model?.author,
            depth: depth)
    }
}
