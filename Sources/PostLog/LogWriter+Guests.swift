import Digests
import FoundationEssentials
import GRDB
import Identity
import WaggleProtocol

/// The room that authors share whom nobody here knows: so much for each, so much for all, and the oldest make way.
///
/// An author makes way with everything, key documents first of all: posts without the keys that they are signed with are
/// of no use, and nothing but keys is what a flood of new names consists of.
extension LogWriter {
    /// What keeping a guest's post costs: its bytes, and about what its row and indexes take.
    private static func cost(_ post: SignedPost) -> Int { post.envelope.count + 256 }

    /// What roots sign has a room of its own: who stole a device key must not fill the one that its revocation needs.
    func hasRoom(forGuest post: SignedPost) throws -> Bool {
        let held =
            try Int.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT sum(g.bytes) FROM guest g JOIN author a ON a.n = g.author JOIN post p ON p.n = g.post
                        WHERE a.id = ? AND (p.kind IN (1, 2)) = ?
                        """),
                arguments: [post.author.data, post.kind.isSignedByRoots]) ?? 0
        return held + Self.cost(post) <= Limits.Room.strangerBytes
    }

    /// Counts a post that was stored just now, and makes room when there is none left.
    mutating func keepAsGuest(_ post: SignedPost) throws {
        if post.kind.isSignedByRoots, post.id != post.author, try hasKeysToStay(post.author) { return }
        try db.cachedStatement(
            sql: "INSERT INTO guest (post, author, bytes) SELECT n, author, ? FROM post WHERE id = ?"
        ).execute(arguments: [Self.cost(post), post.id.data])
        while try heldByGuests() > admission.guestBytes, let author = try oldestGuest(but: post.author) {
            try evict(author)
        }
    }

    /// Whether an author's first key document is to stay: then the later ones are too. A revocation that made way would
    /// bring the revoked key back.
    private func hasKeysToStay(_ author: Hash32) throws -> Bool {
        try Int.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT 1 FROM post WHERE id = ? AND n NOT IN (SELECT post FROM guest)
                    """), arguments: [author.data]) != nil
    }

    private func heldByGuests() throws -> Int {
        try Int.fetchOne(db.cachedStatement(sql: "SELECT bytes FROM guest_room")) ?? 0
    }

    /// The author of the oldest post, for now not the one that makes room necessary: its posts may still be arriving.
    private func oldestGuest(but newcomer: Hash32) throws -> Int64? {
        try Int64.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT g.author FROM guest g JOIN author a ON a.n = g.author
                    WHERE g.bytes > 0 AND a.id <> ? ORDER BY g.post LIMIT 1
                    """), arguments: [newcomer.data])
    }

    private mutating func evict(_ author: Int64) throws {
        let rows = try GRDB.Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT \(PostTable.columns) FROM post WHERE n IN (SELECT post FROM guest WHERE author = ? AND bytes > 0)
                    """), arguments: [author]
        ).map(PostTable.row)
        for row in rows {
            if row.kind == .delete {
                try db.execute(sql: "DELETE FROM tombstone WHERE by_post = ?", arguments: [row.n])
                try db.execute(sql: "DELETE FROM slot_tombstone WHERE by_post = ?", arguments: [row.n])
            }
            try change(row, to: HiddenReason.evicted.rawValue)
            try db.cachedStatement(sql: "UPDATE post SET envelope = x'' WHERE n = ?").execute(arguments: [row.n])
            try db.cachedStatement(sql: "DELETE FROM dropping WHERE post = ?").execute(arguments: [row.n])
        }
        // The rows stay for a while, so that whoever follows the log can read the lines about them and nobody fetches
        // again at once what had to go.
        try db.cachedStatement(sql: "UPDATE guest SET bytes = 0, evicted = ? WHERE author = ? AND bytes > 0")
            .execute(arguments: [Int64(now), author])
        let id = try Data.fetchOne(
            db.cachedStatement(sql: "SELECT id FROM author WHERE n = ?"), arguments: [author])
        if let id = id.flatMap({ Hash32($0) }) {
            written.evicted.insert(id)
            written.authors[id] = nil
        }
    }

    /// Somebody here knows these authors now.
    mutating func welcome(_ authors: Set<Hash32>) throws {
        for author in authors {
            try db.cachedStatement(
                sql: "DELETE FROM guest WHERE bytes > 0 AND author = (SELECT n FROM author WHERE id = ?)"
            ).execute(arguments: [author.data])
        }
    }

    /// Forgets rows of posts that made way an hour ago; true when more are left.
    mutating func tidyGuests() throws -> Bool {
        let gone = try Int64.fetchAll(
            db, sql: "SELECT post FROM guest WHERE evicted > 0 AND evicted < ? LIMIT 500",
            arguments: [Int64(now) - Int64(Limits.Room.evictedSeconds)])
        for n in gone {
            try db.cachedStatement(sql: "DELETE FROM post WHERE n = ?").execute(arguments: [n])
            try db.cachedStatement(sql: "DELETE FROM guest WHERE post = ?").execute(arguments: [n])
        }
        return gone.count == 500
    }
}

extension PostTable {
    /// Posts of authors whom nobody here knows, in the order of arrival, and what they take together.
    static let guests = """
        CREATE TABLE guest (
            post INTEGER PRIMARY KEY, author INTEGER NOT NULL, bytes INTEGER NOT NULL,
            evicted INTEGER NOT NULL DEFAULT 0     -- unix seconds; then `bytes` is 0
        );
        CREATE INDEX guest_author ON guest(author);
        CREATE INDEX guest_held ON guest(post) WHERE bytes > 0;
        CREATE INDEX guest_evicted ON guest(evicted) WHERE evicted > 0;
        CREATE TABLE guest_room (bytes INTEGER NOT NULL);
        INSERT INTO guest_room VALUES (0);
        CREATE TRIGGER guest_in AFTER INSERT ON guest BEGIN UPDATE guest_room SET bytes = bytes + new.bytes; END;
        CREATE TRIGGER guest_out AFTER DELETE ON guest BEGIN UPDATE guest_room SET bytes = bytes - old.bytes; END;
        CREATE TRIGGER guest_change AFTER UPDATE OF bytes ON guest BEGIN
            UPDATE guest_room SET bytes = bytes + new.bytes - old.bytes;
        END;
        """
}
