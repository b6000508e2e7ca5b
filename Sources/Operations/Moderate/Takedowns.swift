public import BlobStore
public import Catalog
public import Digests
public import Moderation

/// Carries decisions to where they act: the store, which refuses bytes, and the catalog, which lists nothing hidden.
///
/// The decision is on disk before; whatever fails here is made good at the next start.
public struct Takedowns: Sendable {
    private let blobs: BlobStore
    private let catalog: Catalog
    private let moderation: Moderation

    public init(blobs: BlobStore, catalog: Catalog, moderation: Moderation) {
        self.blobs = blobs
        self.catalog = catalog
        self.moderation = moderation
    }

    init(_ context: OperationContext) {
        self.init(blobs: context.blobs, catalog: context.catalog, moderation: context.moderation)
    }

    /// Has the store refuse what is blocked.
    public func tellStore() async {
        await blobs.setBlocked(
            moderation.blocks.compactMap { row in
                guard case .exact(.blob(let hash)) = row.subject else { return nil }
                return PurgeRecord(
                    sha256: hash, reason: "case \(row.caseNumber)", who: row.by, time: Int64(row.when) * 1000)
            })
    }

    /// Has everything refuse, and nothing list, what was blocked or lifted.
    func apply(_ rows: [BlockRow], isHidden: Bool) async throws(OperationError) {
        await tellStore()
        let subjects = rows.compactMap { row -> ModerationSubject? in
            guard case .exact(let subject) = row.subject else { return nil }
            return isHidden || moderation.takedown(of: subject) == nil ? subject : nil
        }
        do { try await catalog.setHidden(subjects, isHidden) } catch { throw OperationError(error) }
    }

    /// A blob whose tensors became known: under another header it may be what was taken down.
    public func named(_ hash: Hash32, tensors: Hash32, now: UInt64) async throws(OperationError) {
        guard let takedown = moderation.takedown(of: .tensors(tensors)), moderation.takedown(of: .blob(hash)) == nil
        else {
            return
        }
        let reason = "it has the tensors of case \(takedown.caseNumber)"
        do {
            if takedown.isForGood {
                let order = PurgeOrder(
                    subjects: [.blob(hash)], caseNumber: takedown.caseNumber, reason: reason, by: "this node", when: now
                )
                _ = try await moderation.purge(order)
                try await catalog.setHidden([.blob(hash)], true)
                _ = try await blobs.purge(hash, reason: "case \(takedown.caseNumber)", who: "this node")
            } else {
                let rows = try await moderation.block(
                    [.exact(.blob(hash))], caseNumber: takedown.caseNumber, reason: reason, by: "this node", when: now)
                try await apply(rows, isHidden: true)
            }
        } catch let error as OperationError {
            throw error
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}
