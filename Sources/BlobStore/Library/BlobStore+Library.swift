import Digests
import GRDB
public import SystemPackage
public import WaggleProtocol

/// What a scan of a folder found.
public struct ScanReport: Hashable, Sendable {
    public var walk = WalkReport()
    /// As they were hashed; nothing of them is read.
    public var unchanged = 0
    /// New or changed, and to be read once.
    public var toHash = 0
    /// Their bytes.
    public var bytesToHash: UInt64 = 0
    /// Of these, files that may still be written to; they are looked at again.
    public var growing = 0
    /// Files that were there before and are gone.
    public var vanished = 0
}

/// What the removal of a library folder came to.
public struct RemovedLibrary: Hashable, Sendable {
    /// Files that this node no longer serves from there.
    public var files = 0
    /// Files that stay in service, because this node promised to hold their bytes and has no other copy.
    public var kept: [FilePath] = []
}

/// Library folders: models of other programs, found, hashed and served where they lie.
extension BlobStore {
    /// The folders that are known, oldest first.
    public func libraries() async throws(BlobError) -> [LibraryFolder] {
        try await index.read { try LibraryTable.folders($0) }
    }

    /// Remembers a folder; one that is known gets the layout. Nothing in it is looked at.
    ///
    /// - Throws: `tooManyFiles` when there are as many folders as may be, `database`.
    public func addLibrary(_ path: FilePath, layout: String) async throws(BlobError) -> LibraryFolder {
        let path = path.absolute
        let now = options.now()
        return try await index.write { db in
            let count = try LibraryTable.folders(db).count
            guard count < Limits.Library.folders else {
                throw BlobError.tooManyFiles(limit: Limits.Library.folders)
            }
            try LibraryTable.add(db, path, layout: layout, now: now)
            guard let folder = try LibraryTable.folder(db, path) else { throw BlobError.noFile(path: path) }
            return folder
        }
    }

    /// Forgets a folder. Its files stay as they are, whether they are there or not.
    public func removeLibrary(_ id: Int64) async throws(BlobError) -> RemovedLibrary {
        let now = options.now()
        return try await index.write { db in
            var removed = RemovedLibrary()
            var last: Int64 = 0
            while true {
                let files = try LibraryTable.files(db, library: id, after: last, limit: Limits.Library.batch)
                guard let end = files.last else { break }
                last = end.id
                for file in files {
                    if try self.isNeeded(db, file, now: now) {
                        removed.kept.append(file.path)
                    } else {
                        try self.disown(db, file.path)
                        removed.files += 1
                    }
                    try HashingTable.remove(db, file.path)
                }
            }
            try LibraryTable.removeFolder(db, id)
            return removed
        }
    }

    /// Whether a file is the only copy here of a blob that is pinned or leased.
    private func isNeeded(_ db: Database, _ file: LibraryFile, now: Int64) throws -> Bool {
        guard let hash = file.sha256, try BlobsTable.isHeld(db, hash, now: now),
            let row = try BlobsTable.find(db, hash), !row.inService
        else { return false }
        return try !AdoptedTable.all(db, blob: row.id).contains { $0.path != file.path && $0.state == .inService }
    }

    /// Looks over a folder without changing anything: what a scan would find, in all and by folder directly below a root.
    public func survey(_ roots: [FilePath]) async throws(BlobError) -> (
        report: ScanReport, folders: [FilePath: ScanReport]
    ) {
        let (index, now) = (index, options.now())
        return try await threads.run { () throws(BlobError) in
            var walk = FolderWalk()
            var total = ScanReport()
            var folders: [FilePath: ScanReport] = [:]
            try walk.run(roots) { batch throws(BlobError) in
                try index.readBlocking { db in
                    for file in batch {
                        var one = ScanReport()
                        one.walk.files = 1
                        one.walk.bytes = file.identity.size
                        one.count(try Self.look(db, file, now: now).verdict, file.identity.size)
                        let folder = Self.folder(of: file.path, under: roots)
                        folders[folder, default: ScanReport()].add(one)
                        total.add(one)
                    }
                }
            }
            total.walk = walk.report
            return (total, folders)
        }
    }

    /// The root that a file lies in, with the next name on the way to it when that is a folder.
    private static func folder(of path: FilePath, under roots: [FilePath]) -> FilePath {
        guard let root = roots.first(where: { path.starts(with: $0) }) else { return path.removingLastComponent() }
        var rest = path
        guard rest.removePrefix(root), rest.components.count > 1, let first = rest.components.first else { return root }
        return root.appending(first)
    }

    /// Brings what is known of a folder in line with what is there. Reads no file. New and changed files wait to be
    /// hashed (`hashLibraryFile`); changed ones are out of service from here on.
    ///
    /// - Throws: `noFile` when a root is not there, in which case what is known of its files stays known.
    public func scan(_ library: Int64, roots: [FilePath]) async throws(BlobError) -> ScanReport {
        let index = index
        let options = options
        return try await threads.run { () throws(BlobError) in
            guard let scan = try index.writeBlocking({ try LibraryTable.beginScan($0, library) }) else {
                return ScanReport()
            }
            var report = ScanReport()
            var walk = FolderWalk()
            try walk.run(roots) { batch throws(BlobError) in
                let now = options.now()
                let part = try index.writeBlocking { db in
                    var part = ScanReport()
                    for file in batch {
                        part.count(
                            try self.note(db, file, library: library, scan: scan, now: now), file.identity.size)
                    }
                    return part
                }
                report.add(part)
            }
            report.walk = walk.report
            for root in roots where try self.isUnmounted(root, library, scan) { report.walk.add(unreadable: root) }
            if report.walk.unreadable.isEmpty {
                report.vanished = try self.forgetUnseen(library, scan)
            }
            try index.writeBlocking { try LibraryTable.endScan($0, library, now: options.now()) }
            return report
        }
    }

    private func note(
        _ db: Database, _ file: FoundFile, library: Int64, scan: Int64, now: Int64
    ) throws -> ScanPlan.Verdict {
        let look = try Self.look(db, file, now: now)
        var known = ScanPlan.Known(identity: file.identity, state: .waiting, since: now)
        switch look.verdict {
        case .unchanged:
            known.state = look.adopted?.state == .purged ? .purged : .hashed
            // It was away and is back.
            if let adopted = look.adopted, adopted.state == .changed {
                try AdoptedTable.setState(db, adopted.id, .inService)
            }
        case .waits(let since), .ready(let since):
            known.since = since
            if let adopted = look.adopted, adopted.state == .inService {
                try AdoptedTable.setState(db, adopted.id, .changed)
            }
        }
        try LibraryTable.put(db, library: look.library ?? library, file.path, known, seen: scan)
        return look.verdict
    }

    /// What is to be done about a file, what it was adopted as, and the folder that found it first.
    private static func look(_ db: Database, _ file: FoundFile, now: Int64) throws -> (
        verdict: ScanPlan.Verdict, adopted: AdoptedRow?, library: Int64?
    ) {
        let row = try LibraryTable.known(db, file.path)
        let adopted = try AdoptedTable.find(db, file.path)
        var known = row?.known
        if let adopted, adopted.identity == file.identity {
            // Adopted by itself before, or in the instant before a crash.
            known = ScanPlan.Known(
                identity: file.identity, state: adopted.state == .purged ? .purged : .hashed, since: now)
        } else if known?.state != .unreadable {
            known?.state = .waiting
        }
        let verdict = plan.verdict(known, found: file.identity, isUnderWay: file.isUnderWay, now: now)
        return (verdict, adopted, row?.library)
    }

    static let plan = ScanPlan(quiet: Limits.Library.quietMilliseconds)

    /// Whether a root is the empty place where a disk was mounted: nothing of it was found, and what is known of it lay on
    /// another file system. That is no deletion.
    private func isUnmounted(_ root: FilePath, _ library: Int64, _ scan: Int64) throws(BlobError) -> Bool {
        guard let device = Files.identity(root)?.device else { return true }
        return try index.readBlocking { db in
            try !LibraryTable.hasSeen(db, library: library, under: root, scan: scan)
                && LibraryTable.hasOthers(db, library: library, under: root, than: device)
        }
    }

    private func forgetUnseen(_ library: Int64, _ scan: Int64) throws(BlobError) -> Int {
        var count = 0
        while true {
            let gone = try index.writeBlocking { db in
                let gone = try LibraryTable.unseen(db, library: library, scan: scan, limit: Limits.Library.batch)
                for path in gone {
                    try self.disown(db, path)
                    try HashingTable.remove(db, path)
                    try LibraryTable.remove(db, path)
                }
                return gone.count
            }
            guard gone > 0 else { return count }
            count += gone
        }
    }

    /// Files of a folder, or of all, in order and a page at a time; begin with 0.
    public func libraryFiles(
        in library: Int64? = nil, after id: Int64 = 0, limit: Int = Limits.Library.batch
    ) async throws(BlobError) -> [LibraryFile] {
        try await index.read { try LibraryTable.files($0, library: library, after: id, limit: limit) }
    }

    /// Count and bytes of the files that wait to be hashed.
    public func waitingLibraryFiles() async throws(BlobError) -> (files: Int, bytes: UInt64) {
        try await index.read { try LibraryTable.waitingTotals($0) }
    }

    /// What is known of the file at a path, when it is as it was hashed; nothing of it is read. Nil when it must be.
    public func adoptedFacts(path: FilePath) async throws(BlobError) -> BlobFacts? {
        let path = path.absolute
        let identity = await threads.result { () throws(BlobError) in Files.identity(path) }
        guard let identity = try identity.get() else { return nil }
        return try await known(path, identity)
    }
}

extension ScanReport {
    mutating func count(_ verdict: ScanPlan.Verdict, _ size: UInt64) {
        switch verdict {
        case .unchanged: unchanged += 1
        case .waits, .ready:
            toHash += 1
            bytesToHash += size
            if case .waits = verdict { growing += 1 }
        }
    }

    mutating func add(_ other: ScanReport) {
        walk.files += other.walk.files
        walk.bytes += other.walk.bytes
        unchanged += other.unchanged
        toHash += other.toHash
        bytesToHash += other.bytesToHash
        growing += other.growing
    }
}
