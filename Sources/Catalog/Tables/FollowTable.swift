import Digests
import GRDB
import Statements
import WaggleProtocol

/// Who follows whom, in the order of each list.
enum FollowTable {
    static let schema = """
        CREATE TABLE people (
            id INTEGER PRIMARY KEY,
            author BLOB NOT NULL UNIQUE,       -- somebody who is followed, known here or not
            followers INTEGER NOT NULL
        );
        CREATE TABLE follows (
            follower_id INTEGER NOT NULL,      -- author
            position INTEGER NOT NULL,
            person_id INTEGER NOT NULL,
            petname TEXT NOT NULL,
            created INTEGER NOT NULL,          -- of the list
            tie INTEGER NOT NULL,              -- of the follower
            PRIMARY KEY (follower_id, position)
        ) WITHOUT ROWID;
        CREATE INDEX follows_newest ON follows (person_id, created, tie, follower_id);
        """
}

extension Projection {
    /// Replaces whom an author follows. Each person counts once, and nobody follows themselves.
    func setFollows(_ follows: [WireFollow], of author: Hash32, created: Int64) throws {
        let row = try database.row("SELECT id FROM authors WHERE author = ?", [author.data])
        guard let followerID = row?[0] as Int32? else { return }
        try database.run(
            """
            UPDATE people SET followers = followers - 1
            WHERE id IN (SELECT person_id FROM follows WHERE follower_id = ?)
            """, [followerID])
        try database.run("DELETE FROM follows WHERE follower_id = ?", [followerID])
        var seen: Set<Hash32> = [author]
        for follow in follows {
            guard let followed = Hash32(follow.author), seen.insert(followed).inserted else { continue }
            let personID = try database.integer(
                """
                INSERT INTO people (author, followers) VALUES (?, 1)
                ON CONFLICT (author) DO UPDATE SET followers = followers + 1 RETURNING id
                """, [followed.data])
            try database.run(
                """
                INSERT INTO follows (follower_id, position, person_id, petname, created, tie)
                VALUES (?, ?, ?, ?, ?, ?)
                """, [followerID, seen.count - 1, personID, follow.petname, created, author.tie])
        }
        try database.run("UPDATE authors SET following = ? WHERE id = ?", [seen.count - 1, followerID])
    }
}
