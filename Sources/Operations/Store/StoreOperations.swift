import BlobStore
import Catalog
import Digests
import Federation
import FoundationEssentials
import SystemPackage
import WaggleProtocol

/// `waggle store df`.
public struct ShowStoreUsage: Operation {
    public static let name = "store df"
    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> StoreUsageReport {
        do {
            let wanted = try await context.federation.mirrorStatus().reduce(0) { $0 + $1.plan.fetch.bytes }
            return StoreUsageReport(
                try await context.blobs.usage(), try await context.blobs.scrubRound(),
                thumbnails: Self.thumbnails(context.home.thumbnails),
                damaged: try await context.blobs.damaged().count, mirrorsWant: wanted)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

extension ShowStoreUsage {
    /// Read from the folder itself: whoever deletes small copies tells nobody.
    private static func thumbnails(_ folder: FilePath) -> BlobSum {
        var (count, bytes) = (0, UInt64(0))
        for shelf in (try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []
        where shelf.utf8.count == 2 {
            let shelf = folder.appending(shelf)
            for name in (try? FileManager.default.contentsOfDirectory(atPath: shelf.string)) ?? [] {
                let facts = try? FileManager.default.attributesOfItem(atPath: shelf.appending(name).string)
                count += 1
                bytes += (facts?[.size] as? UInt64) ?? 0
            }
        }
        return BlobSum(blobs: count, bytes: bytes)
    }
}

/// `waggle store gc`: what the running node does once a minute.
public struct CollectStore: Operation {
    public static let name = "store gc"
    /// Evicts blobs that no peer is known to have, too.
    public var lastCopies: Bool
    public var isDryRun: Bool

    public init(lastCopies: Bool, isDryRun: Bool) {
        self.lastCopies = lastCopies
        self.isDryRun = isDryRun
    }

    public func run(in context: OperationContext) async throws(OperationError) -> StoreEvictionReport {
        do {
            let eviction = try await context.blobs.evict(lastCopies: lastCopies, isDryRun: isDryRun)
            return StoreEvictionReport(eviction, isDryRun: isDryRun)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle store scrub`: reads blobs again and repairs what is bad from peers.
public struct ScrubStore: Operation {
    public static let name = "store scrub"
    /// SHA-256 of blobs; empty for those that were not read for 30 days, or all.
    public var hashes: [String]
    public var isAll: Bool

    public init(hashes: [String], isAll: Bool) {
        self.hashes = hashes
        self.isAll = isAll
    }

    public func run(in context: OperationContext) async throws(OperationError) -> StoreScrubReport {
        var checked = StoreUsage.Sum(blobs: 0, bytes: 0)
        var findings: [StoreScrubReport.Finding] = []
        for hash in try await chosen(context) {
            do {
                let size = try await context.blobs.facts(hash)?.size ?? 0
                let name = String(hash.hex.prefix(12))
                let outcome = try await context.federation.storeKeeper.scrub(hash, idly: hashes.isEmpty) { done in
                    context.progress(Progress(activity: "reading \(name)", done: done, total: size))
                }
                checked.blobs += 1
                checked.bytes += outcome.finding.size
                guard !outcome.finding.isGood else { continue }
                findings.append(
                    StoreScrubReport.Finding(
                        sha256: hash.hex, size: outcome.finding.size, badUnits: outcome.finding.badUnits,
                        isAdopted: outcome.finding.isAdopted, isRepaired: outcome.isRepaired,
                        failure: outcome.failure))
            } catch {
                // Of many, one that was evicted meanwhile is no failure.
                if case .notFound = error, hashes.isEmpty { continue }
                throw OperationError(error)
            }
        }
        return StoreScrubReport(checked: BlobSum(checked), findings: findings)
    }

    private func chosen(_ context: OperationContext) async throws(OperationError) -> [Hash32] {
        var chosen: [Hash32] = []
        for text in hashes {
            guard let hash = Hash32(hex: text) else {
                throw OperationError(
                    .usage, "\"\(text)\" is no SHA-256; `waggle store find` finds one from its beginning")
            }
            chosen.append(hash)
        }
        guard hashes.isEmpty else { return chosen }
        let age = isAll ? 0 : Limits.BlobStore.scrubRoundMilliseconds
        do {
            let damaged = try await context.blobs.damaged().map(\.sha256)
            let due = try await context.blobs.dueForScrub(before: StoreOptions.systemTime() - age + 1, limit: .max)
            return damaged + due.filter { !damaged.contains($0) }
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle store find`: where a blob is, by its SHA-256, the beginning of it, or the path of a file.
public struct FindInStore: Operation {
    public static let name = "store find"
    /// Hexadecimal digits, or an absolute path.
    public var text: String

    public init(text: String) {
        self.text = text
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [StoreFindReport] {
        do {
            let prefix = text.hasPrefix("/") ? try await hash(of: FilePath(text), context).hex : text
            let found = try await context.blobs.whereabouts(prefix: prefix)
            var reports: [StoreFindReport] = []
            for blob in found {
                let reference = try await context.catalog.blobReference(blob.sha256)
                reports.append(StoreFindReport(blob, reference, smallFile: context.home.blobs.appending("small.db")))
            }
            guard !reports.isEmpty else {
                throw OperationError(.notFound, "the store knows nothing whose SHA-256 begins with \(prefix)")
            }
            return reports
        } catch let error as OperationError {
            throw error
        } catch let error as BlobError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// By the index where it knows the path, else by reading the file.
    private func hash(of path: FilePath, _ context: OperationContext) async throws(BlobError) -> Hash32 {
        if let known = try await context.blobs.blob(at: path) { return known }
        return try await BlobStore.verifyFile(path: path) { done in
            context.progress(Progress(activity: "hashing \(path.lastComponent?.string ?? "")", done: done, total: 0))
        }.sha256
    }
}

extension StoreFindReport {
    fileprivate init(_ blob: BlobWhereabouts, _ reference: BlobReference?, smallFile: FilePath) {
        sha256 = blob.sha256.hex
        size = blob.size
        purgeReason = blob.purgeReason
        switch blob.presence {
        case _ where purgeReason != nil: (state, heldUnits, units) = ("purged", nil, nil)
        case .whole: (state, heldUnits, units) = ("whole", nil, nil)
        case .partial(let held, let all): (state, heldUnits, units) = ("partial", held, all)
        case .none: (state, heldUnits, units) = (blob.trashedAt == nil ? "none" : "trash", nil, nil)
        }
        path = (blob.ownFile ?? blob.partialFile ?? (blob.isRow ? smallFile : nil))?.string
        adopted = blob.adopted.filter(\.isInService).map(\.path.string)
        changed = blob.adopted.filter { !$0.isInService }.map(\.path.string)
        pins = blob.pins.map(\.text)
        verifiedAt = blob.verifiedAt.map { UInt64(max(0, $0) / 1000) }
        trashedAt = blob.trashedAt.map { UInt64(max(0, $0) / 1000) }
        posts = reference?.posts.map(\.hex) ?? []
        fileName = reference?.fileName ?? ""
    }
}
