import GRDB
import Synchronization

/// Counts the transactions after which the index may name blobs in another way, whoever made them: which blobs are known
/// and in service here, and under which names.
final class NamesRevision: Sendable {
    private let changes = Atomic<UInt64>(0)

    var value: UInt64 { changes.load(ordering: .acquiring) }

    /// Counts from now on.
    func follow(_ index: BlobIndex) {
        index.observe { Observer(self) }
    }

    private final class Observer: TransactionObserver {
        private let revision: NamesRevision
        private var isChanged = false

        init(_ revision: NamesRevision) {
            self.revision = revision
        }

        /// Columns that queries by name, and answers to them, are made of.
        private static let columns: [String: Set<String>] = [
            "blobs": ["sha256", "pieces_root", "crc32", "auto_v1", "own", "trashed_at"],
            "adopted": ["blob", "state"],
            "extra_hashes": ["blake3", "auto_v3", "tensor_digest"],
        ]

        func observes(eventsOfKind kind: DatabaseEventKind) -> Bool {
            switch kind {
            case .insert(let table), .delete(let table): Self.columns[table] != nil
            case .update(let table, let changed): Self.columns[table].map { !$0.isDisjoint(with: changed) } ?? false
            }
        }

        func databaseDidChange(with event: DatabaseEvent) { isChanged = true }

        func databaseDidCommit(_ database: Database) {
            if isChanged { revision.changes.add(1, ordering: .releasing) }
            isChanged = false
        }

        func databaseDidRollback(_ database: Database) { isChanged = false }
    }
}
