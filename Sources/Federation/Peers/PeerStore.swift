public import Digests
import FoundationEssentials
import GRDB
import Identity

/// Why peers or mirror rules cannot be read or changed.
public enum PeerStoreError: Error, Equatable, Sendable {
    case noSuchPeer(String)
    case noSuchRule(Int64)
    case database(path: String, detail: String)

    public var message: String {
        switch self {
        case .noSuchPeer(let name): "there is no peer \(name); `waggle peer ls` shows them"
        case .noSuchRule(let n): "there is no mirror rule \(n); `waggle mirror ls` shows them"
        case .database(let path, let detail): "\(path): \(detail)"
        }
    }
}

/// A node that this node talks to.
public struct Peer: Sendable, Hashable {
    /// The local number; stable while the peer is here.
    public let n: Int64
    public let node: Hash32
    /// Base URL; empty for a peer that only dials in.
    public let url: String
    public let name: String
    /// Unix seconds.
    public let added: UInt64
    /// True when the operator typed the address: it is dialled as typed, private networks included.
    public let isTyped: Bool
    /// Where in the peer's stream this node has read to; empty before the first reconciliation.
    public let cursor: String
    /// Unix seconds of the last exchange that worked; 0 for never.
    public let lastContact: UInt64
    /// What went wrong last, in words; empty when the last exchange worked.
    public let lastError: String
}

/// Peers and mirror rules: `db/peers.db`.
public final class PeerStore: Sendable {
    let database: DatabaseQueue
    private let path: String

    public init(path: String) throws(PeerStoreError) {
        self.path = path
        do {
            var configuration = Configuration()
            configuration.prepareDatabase { db in
                try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
            }
            database = try DatabaseQueue(path: path, configuration: configuration)
            var migrator = DatabaseMigrator()
            migrator.registerMigration("1 peers") { db in
                try db.execute(
                    sql: """
                        CREATE TABLE peer (
                            n INTEGER PRIMARY KEY,
                            node BLOB NOT NULL UNIQUE,
                            url TEXT NOT NULL,
                            name TEXT NOT NULL,
                            added INTEGER NOT NULL,
                            typed INTEGER NOT NULL,
                            cursor TEXT NOT NULL DEFAULT '',
                            last_contact INTEGER NOT NULL DEFAULT 0,
                            last_error TEXT NOT NULL DEFAULT ''
                        );
                        CREATE TABLE mirror_rule (
                            n INTEGER PRIMARY KEY AUTOINCREMENT,
                            node BLOB,                  -- files that this peer offers; null = whoever has them
                            types TEXT NOT NULL,        -- one a line; empty = all
                            bases TEXT NOT NULL,
                            max_level INTEGER NOT NULL,
                            budget INTEGER NOT NULL,    -- bytes
                            added INTEGER NOT NULL
                        );
                        """)
            }
            migrator.registerMigration("2 mirror rules") { db in try db.execute(sql: Self.mirrorRuleColumns) }
            migrator.registerMigration("3 conduct") { db in try db.execute(sql: Self.conductTables) }
            migrator.registerMigration("4 addresses") { db in try db.execute(sql: Self.addressTable) }
            try migrator.migrate(database)
        } catch {
            throw .database(path: path, detail: "\(error)")
        }
    }

    // MARK: Peers

    private static let columns = "n, node, url, name, added, typed, cursor, last_contact, last_error"

    private static func peer(_ row: Row) -> Peer {
        Peer(
            n: row[0], node: Hash32(row[1] as Data) ?? .zero, url: row[2], name: row[3],
            added: UInt64(row[4] as Int64), isTyped: row[5], cursor: row[6], lastContact: UInt64(row[7] as Int64),
            lastError: row[8])
    }

    /// All peers, oldest first.
    public func peers() async throws(PeerStoreError) -> [Peer] {
        try await access { db in
            try Row.fetchAll(db, sql: "SELECT \(Self.columns) FROM peer ORDER BY n").map(Self.peer)
        }
    }

    public func peer(node: Hash32) async throws(PeerStoreError) -> Peer? {
        try await access { db in
            try Row.fetchOne(db, sql: "SELECT \(Self.columns) FROM peer WHERE node = ?", arguments: [node.data])
                .map(Self.peer)
        }
    }

    /// Adds a peer, or gives a known one its new address and name.
    public func add(node: Hash32, url: String, name: String, typed: Bool, now: UInt64) async throws(PeerStoreError)
        -> Peer
    {
        try await access { db in
            try db.execute(
                sql: """
                    INSERT INTO peer (node, url, name, added, typed) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (node) DO UPDATE SET url = excluded.url, name = excluded.name,
                        typed = max(typed, excluded.typed)
                    """, arguments: [node.data, url, name, Int64(now), typed])
            return try Row.fetchOne(
                db, sql: "SELECT \(Self.columns) FROM peer WHERE node = ?", arguments: [node.data]
            ).map(Self.peer)
                ?? Peer(
                    n: 0, node: node, url: url, name: name, added: now, isTyped: typed, cursor: "", lastContact: 0,
                    lastError: "")
        }
    }

    /// A peer by number, node id or URL.
    public func find(_ name: String) async throws(PeerStoreError) -> Peer {
        let found = try await peers().first { peer in
            "\(peer.n)" == name || peer.url == name || AuthorID.text(peer.node) == name
        }
        guard let found else { throw .noSuchPeer(name) }
        return found
    }

    /// Removes a peer by number, node id or URL. What it gave stays.
    public func remove(_ name: String) async throws(PeerStoreError) -> Peer {
        let found = try await find(name)
        try await access { db in try db.execute(sql: "DELETE FROM peer WHERE n = ?", arguments: [found.n]) }
        return found
    }

    /// The peer's stream was read up to here, so the exchange works.
    public func advance(_ peer: Hash32, cursor: String, now: UInt64) async throws(PeerStoreError) {
        try await access { db in
            try db.execute(
                sql: "UPDATE peer SET cursor = ?, last_contact = ?, last_error = '' WHERE node = ?",
                arguments: [cursor, Int64(now), peer.data])
        }
    }

    /// The exchange with a peer failed.
    public func note(_ peer: Hash32, error: String) async throws(PeerStoreError) {
        try await access { db in
            try db.execute(sql: "UPDATE peer SET last_error = ? WHERE node = ?", arguments: [error, peer.data])
        }
    }

    func access<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws(PeerStoreError)
        -> Value
    {
        do {
            return try await database.write(body)
        } catch {
            throw .database(path: path, detail: "\(error)")
        }
    }
}
