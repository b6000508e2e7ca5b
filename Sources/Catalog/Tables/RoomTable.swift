import Digests
import FoundationEssentials
import GRDB
import PostLog
import Statements
import SwiftProtobuf
import WaggleProtocol

/// Who has earned room here, and through whom: residents through themselves, others through a resident's follow list.
enum RoomTable {
    static let schema = """
        CREATE TABLE follow_lists (
            author BLOB PRIMARY KEY, post BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, body BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE earned (author BLOB NOT NULL, source BLOB NOT NULL, PRIMARY KEY (author, source)) WITHOUT ROWID;
        CREATE INDEX earned_source ON earned (source);
        """
}

extension Projection {
    func hasEarnedRoom(_ author: Hash32) throws -> Bool {
        if let isEarned = known.earned[author] { return isEarned }
        let hasEarned = try database.exists("SELECT 1 FROM earned WHERE author = ?", [author.data])
        known.earned[author] = hasEarned
        return hasEarned
    }

    func isResident(_ author: Hash32) throws -> Bool {
        try database.exists("SELECT 1 FROM earned WHERE author = ?1 AND source = ?1", [author.data])
    }

    func show(follows: WireFollows, _ post: LoggedPost) throws {
        try database.run(
            """
            INSERT INTO follow_lists (author, post, created, body) VALUES (?, ?, ?, ?)
            ON CONFLICT (author) DO UPDATE SET post = excluded.post, created = excluded.created, body = excluded.body
            """, [post.author.data, post.id.data, Int64(post.created), try follows.serializedData()])
        _ = try authorID(post.author)
        try setFollows(isHidden(post.id) ? [] : follows.follows, of: post.author, created: Int64(post.created))
        if try isResident(post.author) { try setEarned(through: post.author, [post.author] + followed(follows)) }
    }

    func hideFollows(_ post: LoggedPost) throws {
        try database.run("DELETE FROM follow_lists WHERE author = ? AND post = ?", [post.author.data, post.id.data])
        guard database.changesCount > 0 else { return }
        try setFollows([], of: post.author, created: 0)
        if try isResident(post.author) { try setEarned(through: post.author, [post.author]) }
    }

    /// A hidden list counts no followers. Whom a resident trusts is not for others to see, so it goes on to count.
    func refreshHiddenFollows(_ post: Hash32) throws {
        guard let row = try database.row("SELECT author, created, body FROM follow_lists WHERE post = ?", [post.data])
        else { return }
        let follows = isHidden(post) ? [] : try WireFollows(serializedBytes: row[2] as Data).follows
        try setFollows(follows, of: row.hash(0), created: row[1])
    }

    func setResident(_ author: Hash32, _ isResident: Bool) throws {
        defer { residence = [:] }
        guard isResident else {
            try setEarned(through: author, [])
            return try refreshResidence(of: author, isResident)
        }
        var authors = [author]
        if let row = try database.row("SELECT body FROM follow_lists WHERE author = ?", [author.data]) {
            authors += followed(try WireFollows(serializedBytes: row[0] as Data))
        }
        try setEarned(through: author, authors)
        try refreshResidence(of: author, isResident)
    }

    /// Whether the author of a model or image is at home here.
    func isResident(authorID: Int32) throws -> Bool {
        if let known = residence[authorID] { return known }
        let isResident = try database.exists(
            "SELECT 1 FROM authors a JOIN earned e ON e.author = a.author AND e.source = a.author WHERE a.id = ?",
            [authorID])
        residence[authorID] = isResident
        return isResident
    }

    /// Carries the fact to the lists of what comes from here.
    private func refreshResidence(of author: Hash32, _ isResident: Bool) throws {
        guard let id = try database.integer("SELECT id FROM authors WHERE author = ?", [author.data]) else { return }
        for row in try database.rows("SELECT id FROM models WHERE author_id = ?", [id]) { staleModels.insert(row[0]) }
        try setImagesFromHere(ofAuthor: id, isResident)
    }

    /// The same of all images.
    func refreshEarnedImages() throws {
        try database.run(
            """
            UPDATE images SET earned = NOT earned
            WHERE earned <> (author_id IN (SELECT id FROM authors WHERE earned <> 0))
            """)
    }

    private func followed(_ follows: WireFollows) -> [Hash32] {
        follows.follows.compactMap { Hash32($0.author) }
    }

    /// Replaces everything that was earned through one source.
    private func setEarned(through source: Hash32, _ authors: [Hash32]) throws {
        let before = Set(
            try database.rows("SELECT author FROM earned WHERE source = ?", [source.data]).map { $0.hash(0) })
        let after = Set(authors)
        for author in before.subtracting(after) {
            try database.run("DELETE FROM earned WHERE author = ? AND source = ?", [author.data, source.data])
        }
        for author in after.subtracting(before) {
            try database.run("INSERT INTO earned (author, source) VALUES (?, ?)", [author.data, source.data])
        }
        known.earned = [:]
        for author in before.symmetricDifference(after) { try refreshEarned(author) }
    }

    /// Carries the fact to the rows that repeat it.
    private func refreshEarned(_ author: Hash32) throws {
        let isEarned = try hasEarnedRoom(author)
        guard let row = try database.row("SELECT id, earned, base FROM authors WHERE author = ?", [author.data]),
            row[1] as Bool != isEarned, let id = row[0] as Int64?
        else { return }
        try database.run("UPDATE authors SET earned = ? WHERE id = ?", [isEarned, id])
        if isFilling {
            filled.hasMovedImages = true
        } else {
            try database.run("UPDATE images SET earned = ? WHERE author_id = ?", [isEarned, id])
        }
        try database.run("UPDATE shown_blobs SET earned = ? WHERE author_id = ?", [isEarned, id])
        try database.run(
            "UPDATE files SET earned = ? WHERE release_id IN (SELECT id FROM releases WHERE author_id = ?)",
            [isEarned, id])
        try settleHandle(row[2])
    }
}
