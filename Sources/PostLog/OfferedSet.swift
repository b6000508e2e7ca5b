import Digests
import Synchronization
public import WaggleProtocol

/// The ids that this node offers to peers (posts in force), in the sorted form that reconciliation needs: one index
/// over everything, one for each kind group.
public final class OfferedSet: Sendable {
    private struct Indexes {
        var all = ReconciliationIndex()
        var groups: [KindGroup: ReconciliationIndex] = [:]
    }

    private let indexes = Mutex(Indexes())

    /// A snapshot of everything. Cheap: the blocks are shared until one side changes.
    public var all: ReconciliationIndex { indexes.withLock { $0.all } }

    /// A snapshot of one kind group.
    public func group(_ group: KindGroup) -> ReconciliationIndex {
        indexes.withLock { $0.groups[group] ?? ReconciliationIndex() }
    }

    public var count: Int { indexes.withLock { $0.all.count } }

    /// Those of these records that are offered, by id: the log knows them, without a look into the database.
    func known(among records: [ReconciliationRecord]) -> Set<Hash32> {
        let all = all
        return records.reduce(into: []) { if all.contains($1) { $0.insert($1.id) } }
    }

    func load(_ records: [(created: UInt64, id: Hash32, kind: PostKind)]) {
        var loaded = Indexes()
        loaded.all = ReconciliationIndex(records.map { ReconciliationRecord(created: $0.created, id: $0.id) })
        for group in KindGroup.allCases {
            loaded.groups[group] = ReconciliationIndex(
                records.filter { $0.kind.group == group }.map {
                    ReconciliationRecord(created: $0.created, id: $0.id)
                })
        }
        indexes.withLock { $0 = loaded }
    }

    func apply(_ changes: [Hash32: Change]) {
        let offered = changes.filter(\.value.isOffered)
        indexes.withLock { indexes in
            for (id, change) in changes where !change.isOffered {
                let record = ReconciliationRecord(created: change.created, id: id)
                _ = indexes.all.remove(record)
                _ = indexes.groups[change.kind.group]?.remove(record)
            }
            _ = indexes.all.insert(contentsOf: Self.records(offered))
            for (group, members) in Dictionary(grouping: offered, by: \.value.kind.group) {
                _ = indexes.groups[group, default: ReconciliationIndex()].insert(contentsOf: Self.records(members))
            }
        }
    }

    private static func records(_ changes: some Sequence<(key: Hash32, value: Change)>) -> [ReconciliationRecord] {
        changes.map { ReconciliationRecord(created: $0.value.created, id: $0.key) }
    }
}
