import Digests
import FoundationEssentials
import GRDB
public import SystemPackage
import WaggleProtocol

/// What opening a store found and put right.
public struct RecoveryReport: Hashable, Sendable {
    /// Unfinished copies that were removed.
    public var removedIncoming = 0
    /// Partial files without a record, or records without their file, that were removed.
    public var removedPartials = 0
    /// Blobs whose file is gone; they are marked, and their facts kept.
    public var missing = 0
    /// Complete files that the index does not name; they are left (`BlobStore.reindex` takes them in).
    public var unindexed: [FilePath] = []
    /// Purges that a crash had broken off, finished now.
    public var finishedPurges = 0
    /// Lines of the purge log that are no records.
    public var damagedPurgeLines: [Int] = []
}

/// The start-up check. It lists directories and rows and reads no content, so that it is quick at any size.
struct Recovery {
    let layout: Layout
    let index: BlobIndex
    let small: BlobIndex
    let purges: PurgeLog

    struct Found {
        var report = RecoveryReport()
        var live: UInt64 = 0
        var trash: UInt64 = 0
        var partialSizes: [UInt64] = []
    }

    static func makeDirectories(_ layout: Layout) throws(BlobError) {
        for directory in [layout.home, layout.databases, layout.blobs, layout.complete, layout.partial] {
            try Files.makeDirectory(directory)
        }
        guard Files.identity(layout.partial)?.device == Files.identity(layout.complete)?.device else {
            throw .separateFileSystems(partial: layout.partial, blobs: layout.complete)
        }
    }

    func run() throws(BlobError) -> Found {
        var found = Found()
        found.report.damagedPurgeLines = purges.damagedLines
        try cleanPartials(&found)
        try compareFiles(&found)
        try finishPurges(&found)
        try dropUnnamedRows()
        let totals = try index.readBlocking { try BlobsTable.totals($0) }
        found.live = totals.bytes
        found.trash = totals.trash
        return found
    }

    private func cleanPartials(_ found: inout Found) throws(BlobError) {
        let rows = try index.readBlocking { try PartialsTable.all($0) }
        var files: Set<String> = []
        let known = Set(rows.map { $0.hash.hex + Layout.partSuffix })
        for name in try Files.names(in: layout.partial) {
            if name.hasPrefix(Layout.incomingPrefix) {
                try Files.remove(layout.partial.appending(name))
                found.report.removedIncoming += 1
            } else if name.hasSuffix(Layout.partSuffix) {
                if known.contains(name) {
                    files.insert(name)
                } else {
                    try Files.remove(layout.partial.appending(name))
                    found.report.removedPartials += 1
                }
            }
        }
        for row in rows {
            let isHere = files.contains(row.hash.hex + Layout.partSuffix)
            if try isHere ? true : takeBack(row) {
                found.partialSizes.append(row.size)
            } else {
                try index.writeBlocking { try PartialsTable.remove($0, row.hash) }
                found.report.removedPartials += 1
            }
        }
    }

    /// A download whose last step was broken off between the rename and the index: its file is put back.
    private func takeBack(_ row: (hash: Hash32, size: UInt64)) throws(BlobError) -> Bool {
        let source = layout.file(row.hash)
        guard Files.identity(source)?.size == row.size,
            try index.readBlocking({ try BlobsTable.find($0, row.hash)?.own }) != .file
        else { return false }
        try Files.move(source, to: layout.part(row.hash))
        return true
    }

    /// Marks rows whose file is gone, and takes back those whose file came back (a disk that was not mounted).
    private func compareFiles(_ found: inout Found) throws(BlobError) {
        var files: Set<Hash32> = []
        for folder in try Files.names(in: layout.complete) where Hex.decode(folder, count: 1) != nil {
            for name in try Files.names(in: layout.complete.appending(folder)) {
                if let hash = Hash32(canonicalHex: folder + name) { files.insert(hash) }
            }
        }
        let rows = try index.readBlocking { db in
            try BlobsTable.all(db, own: .file) + BlobsTable.all(db, own: .missing) + BlobsTable.all(db, own: .damaged)
        }
        let gone = rows.filter { $0.own != .missing && !files.contains($0.sha256) }
        let back = rows.filter { row in
            row.own == .missing && files.contains(row.sha256)
                && Files.identity(layout.file(row.sha256))?.size == row.size
        }
        try index.writeBlocking { db in
            for row in gone {
                // A blob in the trash was on its way out: the crash came between its unlinking and its forgetting.
                if row.trashedAt == nil {
                    try BlobsTable.setOwn(db, row.id, .missing)
                } else {
                    try BlobsTable.forget(db, row.id)
                }
            }
            for row in back { try BlobsTable.setOwn(db, row.id, .file) }
        }
        found.report.missing = gone.count { $0.trashedAt == nil } + rows.count { $0.own == .missing } - back.count
        files.subtract(rows.map(\.sha256))
        found.report.unindexed = files.sorted().map { layout.file($0) }
    }

    private func finishPurges(_ found: inout Found) throws(BlobError) {
        let removal = Removal(layout: layout, index: index, small: small)
        for record in purges.all where try removal.isNamed(record.sha256) {
            _ = try removal.purge(record.sha256)
            found.report.finishedPurges += 1
        }
        found.report.unindexed.removeAll { path in
            purges.all.contains { layout.file($0.sha256) == path }
        }
    }

    /// Removes bytes of the last group commit that a crash kept out of the index.
    private func dropUnnamedRows() throws(BlobError) {
        let last = try small.readBlocking { db in
            try Data.fetchAll(
                db, sql: "SELECT sha256 FROM small ORDER BY id DESC LIMIT ?", arguments: [Limits.BlobStore.groupCommit])
        }
        let unnamed = try index.readBlocking { db in
            try last.compactMap { Hash32($0) }.filter { try BlobsTable.find(db, $0)?.own != .small }
        }
        for hash in unnamed { try SmallBlobs.erase(hash, from: small) }
    }
}
