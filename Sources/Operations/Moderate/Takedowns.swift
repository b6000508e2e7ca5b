public import BlobStore
public import Catalog
public import Digests
import FoundationEssentials
public import Generation
public import Moderation
import SystemPackage

/// Carries decisions to where they act: the store, which refuses bytes, the catalog, which lists nothing hidden, and jobs, which
/// draw with nothing that is refused.
///
/// The decision is on disk before; whatever fails here is made good at the next start.
public struct Takedowns: Sendable {
    private let blobs: BlobStore
    private let catalog: Catalog
    private let moderation: Moderation
    private let generation: GenerationService?

    /// - Parameter generation: nil before it is there.
    public init(
        blobs: BlobStore, catalog: Catalog, moderation: Moderation, generation: GenerationService? = nil
    ) {
        self.blobs = blobs
        self.catalog = catalog
        self.moderation = moderation
        self.generation = generation
    }

    init(_ context: OperationContext) {
        self.init(
            blobs: context.blobs, catalog: context.catalog, moderation: context.moderation,
            generation: context.generation)
    }

    /// Has the store ask moderation about every blob, from now on.
    public func tellStore() {
        blobs.setRefusal { [moderation] hash in
            moderation.takedown(of: .blob(hash)).map {
                PurgeRecord(sha256: hash, reason: "case \($0.caseNumber)", who: "this node", time: 0)
            }
        }
    }

    /// Has the catalog list exactly what nothing hides, and downloads of what is refused stop.
    public func reconcile() async throws(OperationError) {
        do {
            try await moderation.comparePictures()
            let wanted = moderation.hiddenSubjects.union(
                try await IndirectFiles(blobs: blobs, moderation: moderation).hidden())
            let known = catalog.hiddenSubjects
            let (new, gone) = (wanted.subtracting(known), known.subtracting(wanted))
            if !new.isEmpty { try await catalog.setHidden(Array(new), true) }
            if !gone.isEmpty { try await catalog.setHidden(Array(gone), false) }
            await blobs.stopDownloads(
                of: new.compactMap { subject in
                    guard case .blob(let hash) = subject else { return nil }
                    return hash
                })
            if !new.isEmpty { await generation?.reviewFiles() }
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// What a purge did beside its rows.
    struct Purged: Sendable {
        var rows: [PurgeRow] = []
        /// Files of other programs with these bytes: out of service, and still on the disk.
        var adopted: [String] = []
        var deleted: [String] = []
    }

    /// Deletes bytes, small copies and downloads for good; rows stay.
    func purge(_ order: PurgeOrder, deletesAdopted: Bool) async throws(OperationError) -> Purged {
        do {
            var done = Purged(rows: try await moderation.purge(order))
            try await catalog.setHidden(order.subjects, true)
            for row in done.rows {
                guard case .blob(let hash) = row.subject else { continue }
                let purge = try await blobs.purge(hash, reason: "case \(row.caseNumber)", who: row.by)
                done.adopted += purge.adoptedFiles.map(\.string)
            }
            // A new header is no new file.
            for row in done.rows {
                guard case .tensors(let tensors) = row.subject else { continue }
                for hash in try await blobs.blobs(withTensorDigest: tensors, blocked: true) {
                    try await named(hash, tensors: tensors, now: order.when)
                }
            }
            await generation?.reviewFiles()
            if deletesAdopted {
                for path in done.adopted {
                    try FileManager.default.removeItem(atPath: path)
                    done.deleted.append(path)
                }
                done.adopted = []
            }
            return done
        } catch let error as OperationError {
            throw error
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// A blob whose tensors became known: under another header it may be what was taken down.
    public func named(_ hash: Hash32, tensors: Hash32, now: UInt64) async throws(OperationError) {
        guard let takedown = moderation.takedown(of: .tensors(tensors)), moderation.takedown(of: .blob(hash)) == nil
        else {
            return
        }
        let reason = "it has the tensors of case \(takedown.caseNumber)"
        if takedown.isForGood {
            _ = try await purge(
                PurgeOrder(
                    subjects: [.blob(hash)], caseNumber: takedown.caseNumber, reason: reason, by: "this node",
                    when: now), deletesAdopted: false)
            return
        }
        // A list may take back what it says: then nothing of it is left.
        if moderation.isListed(.tensors(tensors)) { return try await reconcile() }
        do {
            _ = try await moderation.block(
                [.exact(.blob(hash))], caseNumber: takedown.caseNumber, reason: reason, by: "this node", when: now)
        } catch {
            throw OperationError(error)
        }
        try await reconcile()
    }
}
