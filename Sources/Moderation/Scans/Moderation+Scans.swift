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
        try await keep([row])[0]
    }

    /// The same for several files, with one sync of the disk.
    ///
    /// - Returns: what was kept of each before, in their order.
    @discardableResult
    public func keep(_ rows: [ScanRow]) async throws(ModerationError) -> [ScanRow?] {
        let before = try await store.write { database in
            try rows.map { row in
                let before = try ScanTable.find(database, row.sha256)
                try ScanTable.keep(database, row)
                return before
            }
        }
        for row in rows {
            if let picture = row.picture, let takedown = takedown(lookingLike: picture), !isAllowed(row.sha256) {
                lookalikes.withLock { $0.hidden[row.sha256] = takedown }
            }
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

    /// Compares the pictures that are here with what is blocked, by this node or by lists, as far as that has changed: with what
    /// is new all of them, and once more those that are hidden when something is gone.
    public func comparePictures() async throws(ModerationError) {
        let wanted = wantedLooks
        let allowed = withPolicy { $0.allowed }
        let before = lookalikes.withLock { ($0.compared, $0.allowed, Set($0.hidden.keys)) }
        guard wanted != before.0 || allowed != before.1 else { return }
        let added = Looks(wanted.subtracting(before.0)) { [listEffects] in listEffects.all[$0]?.source }
        let again = wanted.isSuperset(of: before.0) ? [] : before.2
        let released = before.1.subtracting(allowed).compactMap(\.file)
        let salt: @Sendable (ListID) -> [UInt8] = { [self] list in withPolicy { $0.salt(of: list) } }
        let found = try await store.read { [self] database in
            var found: [Hash32: Takedown?] = [:]
            if !added.isEmpty {
                let index = added.index(salt)
                try ScanTable.pictures(database) { hash, picture in
                    if index.matches(picture) { found[hash] = takedown(lookingLike: picture) }
                }
            }
            for hash in again.union(released) where found[hash] == nil {
                let picture = try ScanTable.find(database, hash)?.picture
                found.updateValue(picture.flatMap { takedown(lookingLike: $0) }, forKey: hash)
            }
            return found
        }
        lookalikes.withLock { state in
            for (hash, takedown) in found { state.hidden[hash] = takedown }
            for hash in allowed.compactMap(\.file) { state.hidden[hash] = nil }
            (state.compared, state.allowed) = (wanted, allowed)
        }
    }

    /// How what is blocked looks.
    private var wantedLooks: Set<ListSubject> {
        let own = blocks.compactMap { row -> ListSubject? in
            guard case .picture(let hash, let distance) = row.subject else { return nil }
            return .picture(hash, distance: distance)
        }
        let listed = listEffects.all.filter { $0.value.action >= .block }.keys.filter { subject in
            switch subject {
            case .picture, .saltedPicture: true
            default: false
            }
        }
        return Set(own + listed)
    }

    /// Whether a person said that nothing has a say in a file.
    private func isAllowed(_ hash: Hash32) -> Bool {
        withPolicy { $0.allowed.contains(.exact(.blob(hash))) }
    }
}

/// What is to be looked for among pictures.
private struct Looks: Sendable {
    private var pictures: [(hash: PDQHash, distance: Int)] = []
    private var salted: [(hash: Hash32, list: ListID)] = []

    init(_ subjects: Set<ListSubject>, list: (ListSubject) -> ListID?) {
        for subject in subjects {
            switch subject {
            case .picture(let hash, let distance): pictures.append((hash, distance))
            case .saltedPicture(let hash): if let list = list(subject) { salted.append((hash, list)) }
            default: break
            }
        }
    }

    var isEmpty: Bool { pictures.isEmpty && salted.isEmpty }

    func index(_ salt: (ListID) -> [UInt8]) -> Index {
        var index = Index()
        for (hash, distance) in pictures { index.pictures.add(hash, distance: distance) }
        index.pictures.finish()
        for (hash, list) in salted { index.salted[salt(list), default: []].insert(hash) }
        return index
    }

    struct Index {
        var pictures = PictureIndex()
        var salted: [[UInt8]: Set<Hash32>] = [:]

        func matches(_ picture: PDQ) -> Bool {
            if pictures.nearest(to: picture) != nil { return true }
            return salted.contains { salt, names in
                picture.dihedral.contains { names.contains(ListSubject.salted($0.words, with: salt)) }
            }
        }
    }
}

extension ListSubject {
    /// The file that it is, where it is one.
    fileprivate var file: Hash32? {
        guard case .exact(.blob(let hash)) = self else { return nil }
        return hash
    }
}
