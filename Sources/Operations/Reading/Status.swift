import BlobStore
import Catalog
import Federation
import Identity
import Moderation
import PostLog
import SystemPackage

/// `waggle status`.
public struct Status: Operation {
    public static let name = "status"
    public init() {}

    public struct Reply: Codable, Sendable {
        public let node: String
        public let home: String
        public let software: String
        /// Base URL of the running server; nil when none runs.
        public let url: String?
        /// Unix seconds.
        public let startedAt: UInt64
        /// Posts in force.
        public let posts: Int
        /// Lines of the log, and how many the catalog has applied.
        public let logLines: UInt64
        public let appliedLines: UInt64
        public let models: Int
        public let releases: Int
        public let images: Int
        public let blobs: Int
        /// Bytes of own blobs.
        public let blobBytes: UInt64
        public let adoptedFiles: Int
        public let adoptedBytes: UInt64
        public let peers: Int
        /// Peers whose last exchange worked.
        public let peersWell: Int
        public let accounts: [String: String]
        /// Restored from a backup of this time (unix seconds), and not signing before a peer was asked; nil else.
        public let heldSinceBackupOf: UInt64?
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        do {
            let counts = try await context.catalog.counts(context.moderation.filter(for: .owner))
            let totals = try await context.blobs.totals()
            let peers = try await context.federation.peers.peers()
            return Reply(
                node: AuthorID.text(context.keyring.node.author), home: context.home.root.string,
                software: context.software, url: context.publicURL, startedAt: context.startedAt,
                posts: context.log.offered.count, logLines: context.log.newestSeq,
                appliedLines: context.catalog.appliedSeq, models: counts.models, releases: counts.releases,
                images: counts.images, blobs: totals.blobs, blobBytes: totals.bytes,
                adoptedFiles: totals.adoptedFiles, adoptedBytes: totals.adoptedBytes, peers: peers.count,
                peersWell: peers.count { $0.lastError.isEmpty && $0.lastContact > 0 },
                accounts: context.keyring.accounts.mapValues { AuthorID.text($0.author) },
                heldSinceBackupOf: context.signing.backupTime)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch let error as PeerStoreError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

/// `waggle reindex`: computes the catalog anew from the log. The old one answers until the new one is whole.
public struct Reindex: Operation {
    public static let name = "reindex"
    public init() {}

    public struct Reply: Codable, Sendable {
        /// Log lines applied.
        public let lines: UInt64
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let target = context.log.newestSeq
        do {
            try await context.catalog.reset()
        } catch {
            throw OperationError(error)
        }
        // The follower of the log fills it again; here it is only watched.
        context.log.wakeFollowers()
        while context.catalog.takenSeq < target, !Task.isCancelled {
            let taken = context.catalog.takenSeq
            context.progress(Progress(activity: "indexing", done: taken, total: target))
            await context.catalog.waitUntilTaken(min(target, taken + 1000))
        }
        context.progress(Progress(activity: "making lists", done: target, total: target))
        await context.catalog.waitUntilApplied(target)
        return Reply(lines: target)
    }
}

/// `waggle config ls --origin`.
public struct ListSettings: Operation {
    public static let name = "config ls"
    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [SettingView] {
        context.settings
    }
}
