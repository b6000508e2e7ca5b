import BlobStore
import Digests
import FoundationEssentials

/// `waggle store df`: what the store's bytes are there for. Each own blob counts once.
public struct StoreUsageReport: Codable, Sendable {
    /// Files of this node's people's posts.
    public let ownPosts: BlobSum
    /// What people asked for.
    public let userPins: BlobSum
    public let bounties: BlobSum
    public let mirrorRules: BlobSum
    /// Nothing holds it: it goes when room is needed.
    public let cache: BlobSum
    /// Downloads begun; room for all of each is reserved.
    public let partial: BlobSum
    public let partialHeldBytes: UInt64
    /// Evicted, and restorable for 24 hours.
    public let trash: BlobSum
    /// Other programs' files, which count against no budget.
    public let adopted: BlobSum
    /// Small copies of pictures, which count against no budget and can be deleted at any time.
    public let thumbnails: BlobSum
    /// Bytes; nil for no budget.
    public let budget: UInt64?
    /// Bytes in use that count against the budget.
    public let used: UInt64
    public let keepFree: UInt64
    /// Bytes free on the disk; nil when it cannot be told.
    public let free: UInt64?
    /// Bytes that the mirror rules still want and have room for.
    public let mirrorsWant: UInt64
    /// Bytes that can still be taken once the mirror rules have theirs, everything evictable counted in; nil when it
    /// cannot be said.
    public let leftAfterMirrors: UInt64?
    /// Bytes in service, and of them those that were read again within the last 30 days.
    public let inServiceBytes: UInt64
    public let verifiedBytes: UInt64
    /// Blobs that lost bytes and wait for repair.
    public let damaged: Int

    init(_ usage: StoreUsage, _ round: ScrubRound, thumbnails: BlobSum, damaged: Int, mirrorsWant: UInt64) {
        ownPosts = BlobSum(usage.ownPosts)
        userPins = BlobSum(usage.user)
        bounties = BlobSum(usage.bounties)
        mirrorRules = BlobSum(usage.mirrorRules)
        cache = BlobSum(usage.cache)
        partial = BlobSum(usage.partial)
        partialHeldBytes = usage.partialHeldBytes
        trash = BlobSum(usage.trash)
        adopted = BlobSum(usage.adopted)
        self.thumbnails = thumbnails
        budget = usage.room.budget
        used = usage.room.used
        keepFree = usage.room.keepFree
        free = usage.room.free
        self.mirrorsWant = mirrorsWant
        leftAfterMirrors = [usage.room.budgetLeft, usage.room.diskLeft].compactMap { $0 }.min().map {
            $0 - min($0, mirrorsWant)
        }
        inServiceBytes = round.bytes
        verifiedBytes = round.verifiedBytes
        self.damaged = damaged
    }
}

/// `waggle store gc`: what was done, or would be.
public struct StoreEvictionReport: Codable, Sendable {
    /// Moved to the trash, from which they can be restored for 24 hours.
    public let trashed: BlobSum
    /// Gone for good: their 24 hours were over.
    public let unlinked: BlobSum
    /// Downloads given up that nothing holds.
    public let abandoned: BlobSum
    /// Would have gone, and stay because no peer is known to have them.
    public let lastCopies: BlobSum
    public let isDryRun: Bool

    init(_ eviction: BlobStore.Eviction, isDryRun: Bool) {
        trashed = BlobSum(.init(blobs: eviction.trashed.count, bytes: eviction.trashedBytes))
        unlinked = BlobSum(.init(blobs: eviction.unlinked.count, bytes: eviction.unlinkedBytes))
        abandoned = BlobSum(.init(blobs: eviction.abandoned.count, bytes: eviction.abandonedBytes))
        lastCopies = BlobSum(.init(blobs: eviction.lastCopies.count, bytes: eviction.lastCopyBytes))
        self.isDryRun = isDryRun
    }
}

/// `waggle store scrub`: what reading blobs again found.
public struct StoreScrubReport: Codable, Sendable {
    public let checked: BlobSum
    /// The blobs with bad units only.
    public let findings: [Finding]

    public struct Finding: Codable, Sendable {
        public let sha256: String
        public let size: UInt64
        /// MiB of the blob whose bytes are wrong, counted from 0.
        public let badUnits: [Int]
        /// Another program's file, which is left as it is and no longer served.
        public let isAdopted: Bool
        /// Whether the bad units were fetched and are right again.
        public let isRepaired: Bool
        /// Why not, in words; empty when they were.
        public let failure: String
    }

    public var isSound: Bool { findings.allSatisfy(\.isRepaired) }
}

/// `waggle store find`: where a blob is, and what holds it.
public struct StoreFindReport: Codable, Sendable {
    public let sha256: String
    /// Bytes; 0 when nothing is known but a pin.
    public let size: UInt64
    /// "whole", "partial", "trash", "purged" or "none".
    public let state: String
    /// Units held and units in all, of a download.
    public let heldUnits: Int?
    public let units: Int?
    /// The store's own file, or the file of its small blobs.
    public let path: String?
    public let adopted: [String]
    /// Adopted files that were changed since they were hashed.
    public let changed: [String]
    /// "post", "user", "bounty:ID", "rule:N".
    public let pins: [String]
    /// Unix seconds when all bytes were last found right; nil when they never were read again.
    public let verifiedAt: UInt64?
    /// Unix seconds when it was evicted.
    public let trashedAt: UInt64?
    public let purgeReason: String?
    /// Posts that name it, at most 20.
    public let posts: [String]
    /// The name that a release gives it.
    public let fileName: String
}
