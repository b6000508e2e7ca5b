import CWaggleSystem
public import Digests
import GRDB
public import SystemPackage
import WaggleProtocol

/// A file of a library that shares its bytes with an equal one from now on, would, or has its own again.
public struct LinkedFile: Hashable, Sendable {
    public let path: FilePath
    /// The file whose bytes it shares; nil when it has its own.
    public let kept: FilePath?
    public let sha256: Hash32
    /// Bytes that this frees, or takes.
    public let bytes: UInt64
    /// Nil when it was only planned.
    public let method: LinkMethod?
}

/// What linking, or taking links apart, came to.
public struct LinkReport: Hashable, Sendable {
    public var files: [LinkedFile] = []
    /// Files that were left as they are, and why.
    public var refused: [BlobError] = []
    /// Hidden files of a cut-off run that hold what nobody knows.
    public var remains: [FilePath] = []
}

extension BlobStore {
    /// Makes equal files of the library folders share one file's bytes: by shared blocks where the file system can, else
    /// under one inode. Each name leads to a whole file at any instant; nothing is hashed again.
    ///
    /// - Parameters:
    ///   - folder: links only files of this folder, be it to files of others.
    ///   - isDryRun: changes nothing and says what would be done.
    ///   - progress: gets the files done, and their bytes.
    /// - Throws: `cancelled`, `database`; what is wrong with single files is in the report.
    public func linkDuplicates(
        in folder: Int64? = nil, isDryRun: Bool = false,
        progress: @escaping @Sendable (_ files: Int, _ bytes: UInt64) -> Void = { _, _ in }
    ) async throws(BlobError) -> LinkReport {
        await linkTurns.wait()
        let result: Result<LinkReport, BlobError>
        do throws(BlobError) {
            result = .success(try await link(in: folder, isDryRun: isDryRun, progress))
        } catch {
            result = .failure(error)
        }
        await linkTurns.give()
        return try result.get()
    }

    private func link(
        in folder: Int64?, isDryRun: Bool, _ progress: @escaping @Sendable (Int, UInt64) -> Void
    ) async throws(BlobError) -> LinkReport {
        var report = LinkReport()
        if !isDryRun { report.remains = try await clearLinkRemains(folder) }
        var bytes: UInt64 = 0
        for group in try await copyGroups() {
            for merge in LinkPlan(group, in: folder).merges {
                if Task.isCancelled { throw .cancelled }
                do throws(BlobError) {
                    guard let linked = try await link(merge, group, isDryRun: isDryRun) else { continue }
                    report.files.append(linked)
                    bytes += linked.bytes
                    progress(report.files.count, bytes)
                } catch {
                    try Self.note(error, &report)
                }
            }
        }
        return report
    }

    /// Notes what is wrong with one file; throws what is wrong with more.
    private static func note(_ error: BlobError, _ report: inout LinkReport) throws(BlobError) {
        switch error {
        case .database, .closed, .cancelled: throw error
        default: report.refused.append(error)
        }
    }

    /// Nil for a symbolic link, which has no bytes that could be shared.
    private func link(
        _ merge: LinkPlan.Merge, _ group: CopyGroup, isDryRun: Bool
    ) async throws(BlobError) -> LinkedFile? {
        let linking = FileLinking(hash: group.sha256, onStep: options.onStep)
        let (file, kept) = (try await current(merge.file), try await current(merge.kept))
        func linked(_ method: LinkMethod?, freed: Bool) -> LinkedFile {
            LinkedFile(
                path: file.path, kept: kept.path, sha256: group.sha256, bytes: freed ? group.size : 0, method: method)
        }
        let names = try await threads.run { () throws(BlobError) in
            try FileLinking.isSymbolicLink(file.path) ? nil : OpenFile(reading: file.path).nameCount()
        }
        guard let names else { return nil }
        if isDryRun { return linked(nil, freed: merge.isLast && names <= merge.names) }
        let result = try await threads.run { () throws(BlobError) in
            try linking.link(file.path, file.identity, to: kept.path, kept.identity)
        }
        guard result.method == .hardLinked else { return linked(result.method, freed: true) }
        let now = options.now()
        try await index.write { db in
            try Self.follow(db, blob: kept.blob, from: kept.identity, to: result.kept, now: now)
            try Self.follow(db, blob: kept.blob, from: file.identity, to: result.replaced, now: now)
            try Self.take(db, file.path, blob: kept.blob, result.kept, now: now)
        }
        return linked(result.method, freed: names == 1)
    }

    /// The row as it is after what was linked to it before.
    private func current(_ row: AdoptedRow) async throws(BlobError) -> AdoptedRow {
        try await index.read { try AdoptedTable.find($0, row.path) } ?? row
    }

    /// Gives names of files that share one inode files of their own again.
    ///
    /// - Parameters:
    ///   - path: a file of a library, or a folder in which each file that shares an inode gets its own.
    ///   - isDryRun: changes nothing and says what would be done.
    /// - Throws: `noFile` when the library knows no such file, `cancelled`, `database`.
    public func unlinkFiles(
        at path: FilePath, isDryRun: Bool = false,
        progress: @escaping @Sendable (_ files: Int, _ bytes: UInt64) -> Void = { _, _ in }
    ) async throws(BlobError) -> LinkReport {
        await linkTurns.wait()
        let result: Result<LinkReport, BlobError>
        do throws(BlobError) {
            result = .success(try await unlink(path.absolute, isDryRun: isDryRun, progress))
        } catch {
            result = .failure(error)
        }
        await linkTurns.give()
        return try result.get()
    }

    private func unlink(
        _ path: FilePath, isDryRun: Bool, _ progress: @escaping @Sendable (Int, UInt64) -> Void
    ) async throws(BlobError) -> LinkReport {
        let chosen = try await libraryCopies(at: path)
        guard !chosen.isEmpty else { throw .noFile(path: path) }
        var report = LinkReport()
        if !isDryRun { report.remains = try await clearLinkRemains(nil) }
        var bytes: UInt64 = 0
        for (sha256, chosenRow) in chosen {
            if Task.isCancelled { throw .cancelled }
            do throws(BlobError) {
                let row = try await current(chosenRow)
                // The last name of a file has nothing to share.
                guard try await names(of: row) > 1 else { continue }
                let method = isDryRun ? nil : try await separate(row, sha256)
                report.files.append(
                    LinkedFile(path: row.path, kept: nil, sha256: sha256, bytes: row.identity.size, method: method))
                bytes += row.identity.size
                progress(report.files.count, bytes)
            } catch {
                try Self.note(error, &report)
            }
        }
        return report
    }

    private func names(of row: AdoptedRow) async throws(BlobError) -> Int {
        try await threads.run { () throws(BlobError) in
            try FileLinking.isSymbolicLink(row.path) ? 1 : OpenFile(reading: row.path).nameCount()
        }
    }

    private func separate(_ row: AdoptedRow, _ hash: Hash32) async throws(BlobError) -> LinkMethod {
        let linking = FileLinking(hash: hash, onStep: options.onStep)
        let (options, size) = (options, row.identity.size)
        let result = try await threads.run { () throws(BlobError) in
            if let free = options.freeSpace(row.path.removingLastComponent()), free < size + options.keepFree {
                throw .diskFull(needed: size, available: free - min(free, options.keepFree))
            }
            return try linking.separate(row.path, row.identity)
        }
        let now = options.now()
        try await index.write { db in
            try Self.follow(db, blob: row.blob, from: row.identity, to: result.kept, now: now)
            try Self.take(db, row.path, blob: row.blob, result.replaced, now: now)
        }
        return result.method
    }

    // MARK: Rows

    /// All names of a file whose names or permissions this node has changed are as they were hashed.
    private static func follow(
        _ db: Database, blob: Int64, from old: FileIdentity, to new: FileIdentity, now: Int64
    ) throws {
        for row in try AdoptedTable.all(db, blob: blob) where row.identity == old && row.state != .purged {
            try take(db, row.path, blob: blob, new, now: now)
        }
    }

    /// The path leads to this file, which holds the blob.
    private static func take(
        _ db: Database, _ path: FilePath, blob: Int64, _ identity: FileIdentity, now: Int64
    ) throws {
        try AdoptedTable.put(db, blob: blob, path, identity, .inService)
        try LibraryTable.update(db, path, ScanPlan.Known(identity: identity, state: .hashed, since: now))
    }

    /// The library's files in service at or below a path.
    private func libraryCopies(at path: FilePath) async throws(BlobError) -> [(Hash32, AdoptedRow)] {
        var found: [(Hash32, AdoptedRow)] = []
        var last: Int64 = 0
        while true {
            let after = last
            let page = try await index.read { db in
                try LibraryTable.files(db, library: nil, after: after, limit: Limits.Library.batch).map { file in
                    let row = file.path.starts(with: path) ? try AdoptedTable.find(db, file.path) : nil
                    return (id: file.id, sha256: file.sha256, row: row)
                }
            }
            guard let end = page.last else { return found }
            last = end.id
            for case (_, let hash?, let row?) in page where row.state == .inService { found.append((hash, row)) }
        }
    }

    /// Removes what a killed run left beside files of the library, or of one folder; what cannot be removed.
    private func clearLinkRemains(_ library: Int64?) async throws(BlobError) -> [FilePath] {
        var folders: Set<FilePath> = []
        var last: Int64 = 0
        while case let files = try await libraryFiles(in: library, after: last), let end = files.last {
            last = end.id
            for file in files { folders.insert(file.path.removingLastComponent()) }
        }
        let (found, index, now) = (folders, index, options.now())
        return try await threads.run { () throws(BlobError) in
            let remains = LinkRemains { (hash, size) throws(BlobError) in
                let rows = try index.readBlocking { db in
                    try BlobsTable.find(db, hash).map { try AdoptedTable.all(db, blob: $0.id) } ?? []
                }
                return rows.contains { Files.identity($0.path)?.size == size }
            } onFewerNames: { (hash, before, after) throws(BlobError) in
                guard before.hasSameBytes(as: after) else { return }
                try index.writeBlocking { db in
                    guard let blob = try BlobsTable.find(db, hash) else { return }
                    try Self.follow(db, blob: blob.id, from: before, to: after, now: now)
                }
            }
            var kept: [FilePath] = []
            for folder in found { kept += try remains.clear(folder) }
            return kept.sorted { $0.string < $1.string }
        }
    }
}
