import Digests
import GRDB
import PostLog
import Statements
import WaggleProtocol

/// What was made from what: a release from releases, an image from image posts, by the references of their posts.
enum LineageTable {
    static let schema = """
        CREATE TABLE lineage (
            child_id INTEGER NOT NULL,         -- number of the release or image
            position INTEGER NOT NULL,         -- among the references of its post
            parent_id INTEGER NOT NULL,        -- subject: the post that the reference names, here or not
            role INTEGER NOT NULL,             -- LineageRole
            is_image INTEGER NOT NULL,         -- the child is an image
            shelf INTEGER,                     -- the child's
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            PRIMARY KEY (child_id, position)
        ) WITHOUT ROWID;
        """

    static let indexes = [
        LateIndex("lineage_newest", on: "lineage (parent_id, is_image, shelf, created, tie, child_id)")
    ]
}

/// The roles of references that say what something was made from. The numbers are in the database of this version only.
enum LineageRole: Int64, CaseIterable {
    case base = 1
    case mergeOf = 2
    case trainedFrom = 3
    case remixOf = 4

    /// The role as posts write it.
    var name: String {
        switch self {
        case .base: "base"
        case .mergeOf: "merge-of"
        case .trainedFrom: "trained-from"
        case .remixOf: "remix-of"
        }
    }

    init?(name: String) {
        guard let role = Self.allCases.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else { return nil }
        self = role
    }
}

/// A release or image that says what it was made from.
struct LineageChild {
    let id: Int64
    let shelf: Int64?
    let tie: Int64
    let isImage: Bool

    init(id: Int64, shelf: Int64?, tie: Int64, isImage: Bool) {
        self.id = id
        self.shelf = shelf
        self.tie = tie
        self.isImage = isImage
    }

    init(_ image: ImageRow) {
        self.init(id: image.id, shelf: image.shelf, tie: image.tie, isImage: true)
    }
}

extension Projection {
    /// Takes the references of a post that have one of these roles; of two to one post the first.
    func insertLineage(_ post: LoggedPost, roles: Set<LineageRole>, children: [LineageChild]) throws {
        guard !children.isEmpty else { return }
        let limit = roles.contains(.remixOf) ? Limits.Catalog.remixedPosts : Limits.Catalog.parents
        var parents: [(id: Hash32, role: LineageRole)] = []
        for ref in post.post.refs where parents.count < limit {
            guard let role = LineageRole(name: ref.role), roles.contains(role), let id = Hash32(ref.id),
                !parents.contains(where: { $0.id == id })
            else { continue }
            parents.append((id, role))
        }
        for (position, parent) in parents.enumerated() {
            let parentID = try subjectID(parent.id)
            for child in children {
                try database.run(
                    """
                    INSERT INTO lineage (child_id, position, parent_id, role, is_image, shelf, created, tie)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                    [
                        child.id, position, parentID, parent.role.rawValue, child.isImage, child.shelf,
                        Int64(post.created), child.tie,
                    ])
            }
        }
    }

    func removeLineage(child id: Int64) throws {
        try database.run("DELETE FROM lineage WHERE child_id = ?", [id])
    }

    func moveLineage(child id: Int64, toShelf shelf: Int64?) throws {
        try database.run("UPDATE lineage SET shelf = ? WHERE child_id = ?", [shelf, id])
    }
}
