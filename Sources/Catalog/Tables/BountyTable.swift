import Digests
import FoundationEssentials
import GRDB
import Moderation
import PostLog
import Statements
import SwiftProtobuf
import WaggleProtocol

/// Bounties, what was entered for them and what was awarded. Their money is in ledgers, of which the catalog knows nothing.
///
/// Entries and awards name the bounty's post, whether or not that is here yet.
enum BountyTable {
    static let schema = """
        CREATE TABLE bounties (
            id INTEGER PRIMARY KEY,
            post BLOB NOT NULL UNIQUE,
            author_id INTEGER NOT NULL,
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            level INTEGER NOT NULL,
            shelf INTEGER NOT NULL,
            deadline INTEGER NOT NULL,
            body BLOB NOT NULL
        );
        CREATE INDEX bounties_newest ON bounties (shelf, created, tie, id);
        CREATE INDEX bounties_author ON bounties (author_id, shelf, created, tie, id);
        CREATE TABLE bounty_entries (
            id INTEGER PRIMARY KEY,
            post BLOB NOT NULL UNIQUE,
            bounty BLOB NOT NULL,
            author_id INTEGER NOT NULL,
            created INTEGER NOT NULL,
            hidden INTEGER NOT NULL,
            body BLOB NOT NULL
        );
        CREATE INDEX bounty_entries_of ON bounty_entries (bounty, created, post);
        CREATE TABLE bounty_awards (
            id INTEGER PRIMARY KEY,
            post BLOB NOT NULL UNIQUE,
            bounty BLOB NOT NULL,
            author_id INTEGER NOT NULL,
            created INTEGER NOT NULL,
            hidden INTEGER NOT NULL,
            body BLOB NOT NULL
        );
        CREATE INDEX bounty_awards_of ON bounty_awards (bounty, created, post);
        """
}

extension Projection {
    func show(bounty body: WireBounty, _ post: LoggedPost) throws {
        if try database.exists("SELECT 1 FROM bounties WHERE post = ?", [post.id.data]) { return }
        let level = levels.level(Level(declared: body.level), of: .post(post.id))
        try database.run(
            """
            INSERT INTO bounties (post, author_id, created, tie, level, shelf, deadline, body)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                post.id.data, try authorID(post.author), Int64(post.created), post.id.tie, Int64(level.rawValue),
                Shelf.number(level, isHidden: isHidden(post.id)), Int64(clamping: body.deadline),
                try body.serializedData() as Data,
            ])
    }

    func show(entry body: WireBountyEntry, _ post: LoggedPost) throws {
        try insert("bounty_entries", post, bounty: body.bounty, body: body.serializedData())
    }

    func show(award body: WireBountyAward, _ post: LoggedPost) throws {
        try insert("bounty_awards", post, bounty: body.bounty, body: body.serializedData())
    }

    private func insert(_ table: String, _ post: LoggedPost, bounty: Data, body: Data) throws {
        if try database.exists("SELECT 1 FROM \(table) WHERE post = ?", [post.id.data]) { return }
        try database.run(
            "INSERT INTO \(table) (post, bounty, author_id, created, hidden, body) VALUES (?, ?, ?, ?, ?, ?)",
            [post.id.data, bounty, try authorID(post.author), Int64(post.created), isHidden(post.id), body])
    }

    func hideBountyPost(_ post: LoggedPost) throws {
        for table in ["bounties", "bounty_entries", "bounty_awards"] {
            try database.run("DELETE FROM \(table) WHERE post = ?", [post.id.data])
        }
    }

    func refreshLevel(ofBounty post: Hash32) throws {
        let row = try database.row("SELECT body FROM bounties WHERE post = ?", [post.data])
        guard let row else { return }
        let declared = Level(declared: try WireBounty(serializedBytes: row[0] as Data).level)
        let level = levels.level(declared, of: .post(post))
        try database.run(
            "UPDATE bounties SET level = ?, shelf = ? WHERE post = ?",
            [Int64(level.rawValue), Shelf.number(level, isHidden: isHidden(post)), post.data])
    }

    func refreshHiddenBountyPost(_ post: Hash32) throws {
        for table in ["bounty_entries", "bounty_awards"] {
            try database.run("UPDATE \(table) SET hidden = ? WHERE post = ?", [isHidden(post), post.data])
        }
        guard let row = try database.row("SELECT level FROM bounties WHERE post = ?", [post.data]) else { return }
        let shelf = Shelf.number(Level(declared: row[0]), isHidden: isHidden(post))
        try database.run("UPDATE bounties SET shelf = ? WHERE post = ?", [shelf, post.data])
    }
}
