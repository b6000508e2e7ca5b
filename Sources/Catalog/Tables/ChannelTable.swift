import Digests
import FoundationEssentials
import GRDB
import PostLog
import Statements
import WaggleProtocol

/// What authors say is the newest release of their models.
enum ChannelTable {
    static let schema = """
        CREATE TABLE channels (
            model_id INTEGER PRIMARY KEY,      -- number of (author, slug), whether the model is here or not
            post BLOB NOT NULL UNIQUE,
            release BLOB NOT NULL,
            number INTEGER NOT NULL,           -- the bits of an unsigned number
            expires INTEGER NOT NULL,
            hidden INTEGER NOT NULL
        );
        """

    /// Only a model's own author speaks for it.
    static func isOwn(_ channel: WireChannel, _ post: LoggedPost) -> Bool {
        Hash32(channel.modelAuthor) == post.author
    }
}

extension Projection {
    func show(channel: WireChannel, _ post: LoggedPost) throws {
        guard ChannelTable.isOwn(channel, post) else { return }
        try database.run(
            "INSERT OR REPLACE INTO channels (model_id, post, release, number, expires, hidden) VALUES (?, ?, ?, ?, ?, ?)",
            [
                try number(NumberBlock.model(post.author, slug: channel.modelSlug)), post.id.data, channel.release,
                Int64(bitPattern: channel.number), Int64(clamping: post.post.expires), isHidden(post.id),
            ])
    }

    func hideChannel(_ post: LoggedPost) throws {
        try database.run("DELETE FROM channels WHERE post = ?", [post.id.data])
    }

    func refreshHiddenChannel(_ post: Hash32) throws {
        try database.run("UPDATE channels SET hidden = ? WHERE post = ?", [isHidden(post), post.data])
    }
}
