public import Digests
import FoundationEssentials
import GRDB
import Logging
import Moderation
public import PostLog
import WaggleProtocol

/// Which nodes that call here are exchanged with.
public enum FollowPolicy: String, Sendable, CaseIterable {
    /// All but those that are blocked or ignored.
    case open
    /// Those that the operator added or approved; others are noted, and wait.
    case approve
    /// Those that the operator added.
    case closed
}

/// A node that the operator keeps away.
public struct PeerBlock: Sendable, Hashable {
    public let node: Hash32
    public let reason: String
    /// Unix seconds.
    public let since: UInt64
}

/// A node that called here and was not added.
public struct PeerCaller: Sendable, Hashable {
    public let node: Hash32
    /// Unix seconds.
    public let first: UInt64
    public let last: UInt64
    public let isApproved: Bool
}

extension PeerStore {
    // MARK: Blocks

    /// Keeps a node away until it is unblocked.
    public func block(_ node: Hash32, reason: String, now: UInt64) async throws(PeerStoreError) -> PeerBlock {
        let text = String(decoding: reason.utf8.prefix(Limits.Peers.reasonBytes), as: UTF8.self)
        try await access { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO block (node, reason, since) VALUES (?, ?, ?)",
                arguments: [node.data, text, Int64(now)])
        }
        return PeerBlock(node: node, reason: text, since: now)
    }

    /// False when it was not blocked.
    public func unblock(_ node: Hash32) async throws(PeerStoreError) -> Bool {
        try await access { db in
            try db.execute(sql: "DELETE FROM block WHERE node = ?", arguments: [node.data])
            return db.changesCount > 0
        }
    }

    public func blocks() async throws(PeerStoreError) -> [PeerBlock] {
        try await access { db in
            try Row.fetchAll(db, sql: "SELECT node, reason, since FROM block ORDER BY since, node").map { row in
                PeerBlock(
                    node: Hash32(row[0] as Data) ?? .zero, reason: row[1], since: UInt64(clamping: row[2] as Int64))
            }
        }
    }

    /// Peers that may be asked and given something: all but those that the operator blocked since, oldest first.
    public func unblockedPeers() async throws(PeerStoreError) -> [Peer] {
        let blocked = Set(try await blocks().map(\.node))
        return try await peers().filter { !blocked.contains($0.node) }
    }

    public func isBlocked(_ node: Hash32) async throws(PeerStoreError) -> Bool {
        try await access { db in
            try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM block WHERE node = ?)", arguments: [node.data]) ?? false
        }
    }

    // MARK: Callers

    /// Notes that a node called; true when the operator has approved it. The table forgets who was not heard of for longest.
    func noteCaller(_ node: Hash32, now: UInt64) async throws(PeerStoreError) -> Bool {
        try await access { db in
            let known = try Row.fetchOne(
                db, sql: "SELECT approved, last FROM caller WHERE node = ?", arguments: [node.data])
            if let known {
                if (known[1] as Int64) + 60 < Int64(now) {
                    try db.execute(
                        sql: "UPDATE caller SET last = ? WHERE node = ?", arguments: [Int64(now), node.data])
                }
                return known[0]
            }
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM caller") ?? 0
            if count >= Limits.Peers.table {
                try db.execute(
                    sql: "DELETE FROM caller WHERE node IN (SELECT node FROM caller ORDER BY approved, last LIMIT ?)",
                    arguments: [count - Limits.Peers.table * 7 / 8])
            }
            try db.execute(
                sql: "INSERT INTO caller (node, first, last) VALUES (?, ?, ?)",
                arguments: [node.data, Int64(now), Int64(now)])
            return false
        }
    }

    /// Lets a node exchange with this one.
    public func approve(_ node: Hash32, now: UInt64) async throws(PeerStoreError) {
        try await access { db in
            try db.execute(
                sql: """
                    INSERT INTO caller (node, first, last, approved) VALUES (?1, ?2, ?2, 1)
                    ON CONFLICT (node) DO UPDATE SET approved = 1
                    """, arguments: [node.data, Int64(now)])
        }
    }

    /// Nodes that called and are not peers, newest call first.
    public func callers() async throws(PeerStoreError) -> [PeerCaller] {
        try await access { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT node, first, last, approved FROM caller
                    WHERE node NOT IN (SELECT node FROM peer) ORDER BY last DESC, node
                    """
            ).map { row in
                PeerCaller(
                    node: Hash32(row[0] as Data) ?? .zero, first: UInt64(clamping: row[1] as Int64),
                    last: UInt64(clamping: row[2] as Int64), isApproved: row[3])
            }
        }
    }
}

extension Federation {
    /// Whether a node that calls is exchanged with.
    public func accepts(_ node: Hash32) async -> Bool {
        do {
            if try await peers.isBlocked(node) { return false }
            if moderation.takedown(ofNode: node) != nil { return false }
            // The operator's word beats the score; below 0 nothing is pushed to it all the same.
            if try await peers.peer(node: node) != nil { return true }
            if gossip.isIgnored(node) { return false }
            if policy == .closed { return false }
            return try await peers.noteCaller(node, now: now()) || policy == .open
        } catch {
            logger.error("peers cannot be read", metadata: ["why": "\(error.message)"])
            return false
        }
    }

    /// How what a peer sends comes in.
    public func source(_ node: Hash32) async -> IntakeSource {
        let peer = (try? await peers.peer(node: node)) ?? nil
        return peer?.isTyped == true ? .trusted(node) : .peer(node)
    }
}

extension Moderation {
    /// Whether a list refuses the host of an address.
    func refuses(_ url: PeerURL) -> Bool {
        guard case .name(let host) = url.host else { return false }
        return takedown(ofHost: host) != nil
    }
}
