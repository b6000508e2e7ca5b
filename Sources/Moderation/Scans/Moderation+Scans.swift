public import Digests
public import Formats
import GRDB
import Synchronization
public import WaggleProtocol

/// What hides pictures that are here because of how they look. Computed from what is blocked and what the pictures look like,
/// and kept nowhere: what is taken back leaves nothing behind.
struct Lookalikes: Sendable {
    var hidden: [Hash32: Takedown] = [:]
    /// What the pictures were compared with, and what nothing has a say in.
    var compared: Set<ListSubject> = []
    var allowed: Set<ListSubject> = []
}

extension Moderation {
    /// Keeps what scanners said of a file.
    ///
    /// - Returns: what was kept of it before; nil for a file that nobody had looked at.
    @discardableResult
    public func keep(_ row: ScanRow) async throws(ModerationError) -> ScanRow? {
        let before = try await store.write { database in
            let before = try ScanTable.find(database, row.sha256)
            try ScanTable.keep(database, row)
            return before
        }
        if let picture = row.picture, let takedown = takedown(lookingLike: picture), !isAllowed(row.sha256) {
            lookalikes.withLock { $0.hidden[row.sha256] = takedown }
        }
        return before
    }

    /// What scanners said of a file; nil when none has looked.
    public func scan(of hash: Hash32) async throws(ModerationError) -> ScanRow? {
        try await store.read { try ScanTable.find($0, hash) }
    }

    /// Those of the files that these scanners have not looked at.
    public func unscanned(_ hashes: [Hash32], by scanner: String) async throws(ModerationError) -> [Hash32] {
        try await store.read { try ScanTable.missing($0, hashes, by: scanner) }
    }

    /// Files that are not safe, the newest first.
    public func badScans(limit: Int = Limits.Scan.badShown) async throws(ModerationError) -> [ScanRow] {
        try await store.read { try ScanTable.bad($0, limit: limit) }
    }

    /// Pictures here that look like one of these, with the bits that differ; the nearest first. Turned and mirrored ones count.
    public func pictures(
        near pictures: [PDQHash], within limit: Int = Limits.Moderation.pictureDistance
    ) async throws(ModerationError) -> [(sha256: Hash32, distance: Int)] {
        guard !pictures.isEmpty else { return [] }
        return try await store.read { database in
            var found: [(sha256: Hash32, distance: Int)] = []
            try ScanTable.pictures(database) { hash, picture in
                let nearest = picture.dihedral.lazy.flatMap { form in
                    pictures.lazy.map { form.distance(to: $0) }
                }.min()
                if let nearest, nearest <= limit { found.append((hash, nearest)) }
            }
            return found.sorted { ($0.distance, $0.sha256) < ($1.distance, $1.sha256) }
        }
    }

    /// Compares the pictures that are here with what is blocked, by this node or by lists, when that has changed.
    public func comparePictures() async throws(ModerationError) {
        let wanted = Set(
            blocks.compactMap { row -> ListSubject? in
                guard case .picture(let hash, let distance) = row.subject else { return nil }
                return .picture(hash, distance: distance)
            }
                + listEffects.all.filter { $0.value.action >= .block }.keys.filter { subject in
                    switch subject {
                    case .picture, .saltedPicture: true
                    default: false
                    }
                })
        if wanted.isEmpty { return lookalikes.withLock { $0 = Lookalikes() } }
        let allowed = withPolicy { $0.allowed }
        guard lookalikes.withLock({ $0.compared != wanted || $0.allowed != allowed }) else { return }
        let hidden = try await store.read { [self] database in
            var hidden: [Hash32: Takedown] = [:]
            try ScanTable.pictures(database) { hash, picture in
                if allowed.contains(.exact(.blob(hash))) { return }
                if let takedown = takedown(lookingLike: picture) { hidden[hash] = takedown }
            }
            return hidden
        }
        lookalikes.withLock { $0 = Lookalikes(hidden: hidden, compared: wanted, allowed: allowed) }
    }

    /// Whether a person said that nothing has a say in a file.
    private func isAllowed(_ hash: Hash32) -> Bool {
        withPolicy { $0.allowed.contains(.exact(.blob(hash))) }
    }
}
