import Digests
import SystemPackage

/// A file of a library that holds a blob.
struct LibraryCopy: Sendable {
    let row: AdoptedRow
    let folder: Int64
}

/// Library files with the same bytes.
struct CopyGroup: Sendable {
    let sha256: Hash32
    /// Bytes of one of them.
    let size: UInt64
    /// The names of each copy, the copies that a disk has once together, in the order in which they were found.
    let copies: [[LibraryCopy]]

    /// Bytes that are on a disk more than once.
    var wasted: UInt64 {
        let devices = Dictionary(grouping: copies.compactMap(\.first), by: \.row.identity.device)
        return size * UInt64(devices.values.reduce(0) { $0 + $1.count - 1 })
    }
}

/// Which names are to share which file's bytes: a pure decision.
///
/// On each device the file with most names is kept, and of several the one that was found first, so that as few names as
/// possible are touched.
struct LinkPlan {
    struct Merge: Sendable {
        let file: AdoptedRow
        let kept: AdoptedRow
        /// Whether no name that is known leads to the file's own bytes afterwards, and how many do before.
        let isLast: Bool
        let names: Int
    }

    let merges: [Merge]

    /// - Parameter folder: only names of this folder are changed.
    init(_ group: CopyGroup, in folder: Int64? = nil) {
        var merges: [Merge] = []
        let devices = Dictionary(grouping: group.copies) { $0.first?.row.identity.device ?? 0 }
        for (_, copies) in devices.sorted(by: { $0.key < $1.key }) {
            guard let most = copies.map(\.count).max(), let kept = copies.first(where: { $0.count == most })?.first
            else { continue }
            for copy in copies where copy.first?.row.path != kept.row.path {
                let names = copy.filter { folder == nil || $0.folder == folder }
                for (index, name) in names.enumerated() {
                    merges.append(
                        Merge(
                            file: name.row, kept: kept.row,
                            isLast: index == names.count - 1 && names.count == copy.count, names: copy.count))
                }
            }
        }
        self.merges = merges
    }
}
