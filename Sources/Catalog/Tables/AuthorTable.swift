import Digests
import FoundationEssentials
import GRDB
import Identity
import Moderation
import PostLog
import Statements
import SwiftProtobuf
import WaggleProtocol

/// People and nodes that published something that is known here, and their handles.
enum AuthorTable {
    static let schema = """
        CREATE TABLE authors (
            id INTEGER PRIMARY KEY,            -- number of the author id
            author BLOB NOT NULL UNIQUE,
            name TEXT NOT NULL,
            base TEXT NOT NULL,                -- the handle that the name asks for
            handle TEXT NOT NULL,
            home TEXT NOT NULL,
            earned INTEGER NOT NULL,           -- has earned room here
            shelves INTEGER NOT NULL,          -- OR of the shelves on which a model of theirs stands
            following INTEGER NOT NULL DEFAULT 0,  -- people on their list
            profile_post BLOB,
            profile BLOB,
            profile_hidden INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX authors_base ON authors (base, earned);
        CREATE INDEX authors_profile ON authors (profile_post) WHERE profile_post IS NOT NULL;
        CREATE INDEX authors_handle ON authors (handle);
        CREATE INDEX authors_listed ON authors (handle, shelves) WHERE shelves <> 0;
        """
}

/// Handles: names for addresses, made from what people call themselves.
enum Handle {
    /// The name in slug form: letters and digits, everything else one dash; the short author id when nothing is left.
    static func base(_ name: String, author: Hash32) -> String {
        var handle: [UInt8] = []
        for character in name.utf8 {
            switch character {
            case 0x30...0x39, 0x61...0x7a: handle.append(character)
            case 0x41...0x5a: handle.append(character | 0x20)
            case 0x5f where !handle.isEmpty: handle.append(character)
            default: if !handle.isEmpty, handle.last != 0x2d { handle.append(0x2d) }
            }
            if handle.count == 32 { break }
        }
        while let last = handle.last, last == 0x2d || last == 0x5f { handle.removeLast() }
        return handle.isEmpty ? AuthorID.short(author) : String(decoding: handle, as: UTF8.self)
    }

    /// The handle of one of several who ask for the same: a base has no dot, so this is nobody's base.
    static func distinct(_ base: String, author: Hash32) -> String {
        base + "." + Base32.encode(author.bytes.prefix(8)).prefix(12)
    }
}

extension Projection {
    /// The number of an author, whose row is there when this returns.
    func authorID(_ author: Hash32) throws -> Int32 {
        if let id = known.authorIDs[author] { return id }
        let id = try number(author)
        if try !database.exists("SELECT 1 FROM authors WHERE id = ?", [id]) {
            let name = AuthorID.short(author)
            let isEarned = try hasEarnedRoom(author)
            // What nobody else asks for is theirs without further ado; most people say no name.
            let isFree = try !database.exists("SELECT 1 FROM authors WHERE base = ?", [name])
            let handle = isFree ? name : Handle.distinct(name, author: author)
            try database.run(
                """
                INSERT INTO authors (id, author, name, base, handle, home, earned, shelves)
                VALUES (?, ?, ?, ?, ?, '', ?, 0)
                """, [id, author.data, name, name, handle, isEarned])
            if !isFree { try settleHandle(name) }
        }
        known.authorIDs[author] = id
        return id
    }

    func show(profile: WireProfile, _ post: LoggedPost) throws {
        let id = try authorID(post.author)
        if let old = try database.row("SELECT profile_post FROM authors WHERE id = ?", [id]), old[0] as Data? != nil {
            try removeShownBlob(of: old.hash(0))
        }
        try database.run(
            "UPDATE authors SET profile_post = ?, profile = ? WHERE id = ?",
            [post.id.data, try profile.serializedData(), id])
        // An avatar is mild unless its author says otherwise in a label.
        let level = post.post.labels.compactMap(Level.init(word:)).max() ?? .pg
        try setShownBlob(profile.avatar, of: post, authorID: id, level: level)
        try setProfile(profile, post.id, author: post.author, id: id)
    }

    func hideProfile(_ post: LoggedPost) throws {
        guard
            let id = try database.integer(
                "SELECT id FROM authors WHERE author = ? AND profile_post = ?", [post.author.data, post.id.data])
        else { return }
        try setName(Int32(truncatingIfNeeded: id), post.author, name: "", home: "")
        try database.run(
            "UPDATE authors SET profile_post = NULL, profile = NULL, profile_hidden = 0 WHERE id = ?", [id])
        try removeShownBlob(of: post.id)
    }

    /// Somebody whose profile moderation hides is shown as one who has none: a name can be the insult.
    func refreshHiddenProfile(_ post: Hash32) throws {
        guard
            let row = try database.row(
                "SELECT id, author, profile FROM authors WHERE profile_post = ?", [post.data])
        else { return }
        try setProfile(
            try WireProfile(serializedBytes: row[2] as Data), post, author: row.hash(1), id: row[0])
        try refreshHiddenShownBlob(post: post)
    }

    private func setProfile(_ profile: WireProfile, _ post: Hash32, author: Hash32, id: Int32) throws {
        let isHidden = isHidden(post)
        try database.run("UPDATE authors SET profile_hidden = ? WHERE id = ?", [isHidden, id])
        try setName(id, author, name: isHidden ? "" : profile.name, home: isHidden ? "" : profile.home)
    }

    private func setName(_ id: Int32, _ author: Hash32, name: String, home: String) throws {
        let isBlank = name.allSatisfy(\.isWhitespace)
        let base = isBlank ? AuthorID.short(author) : Handle.base(name, author: author)
        let old = try database.row("SELECT base FROM authors WHERE id = ?", [id])
        try database.run(
            "UPDATE authors SET name = ?, home = ?, base = ?, handle = ? WHERE id = ?",
            [isBlank ? AuthorID.short(author) : name, home, base, Handle.distinct(base, author: author), id])
        if let old = old?[0] as String?, old != base { try settleHandle(old) }
        try settleHandle(base)
    }

    /// Gives the plain form of a handle to its one rightful holder: the only author of earned room who asks for it, or
    /// the only author at all. Where nobody is that, all have the distinct form: whoever comes second must neither
    /// take a name nor depend on the order of arrival.
    func settleHandle(_ base: String) throws {
        let earned = try database.rows("SELECT id FROM authors WHERE base = ? AND earned = 1 LIMIT 2", [base])
        var candidates = earned
        if earned.isEmpty { candidates = try database.rows("SELECT id FROM authors WHERE base = ? LIMIT 2", [base]) }
        let rightful: Int64? = candidates.count == 1 ? candidates[0][0] : nil
        let holder = try database.row("SELECT id, author, base FROM authors WHERE handle = ?", [base])
        if let holder, let holderID = holder[0] as Int64? {
            if holderID == rightful { return }
            try database.run(
                "UPDATE authors SET handle = ? WHERE id = ?",
                [Handle.distinct(holder[2], author: holder.hash(1)), holderID])
        }
        if let rightful { try database.run("UPDATE authors SET handle = base WHERE id = ?", [rightful]) }
    }

    /// Recomputes on which shelves an author has models.
    func refreshShelves(ofAuthor id: Int32) throws {
        var shelves: Int64 = 0
        for level in Level.allCases {
            let shelf = Shelf.number(level, isHidden: false)
            if try database.exists("SELECT 1 FROM models WHERE author_id = ? AND shelf = ?", [id, shelf]) {
                shelves |= shelf
            }
        }
        try database.run("UPDATE authors SET shelves = ? WHERE id = ? AND shelves <> ?", [shelves, id, shelves])
    }
}
