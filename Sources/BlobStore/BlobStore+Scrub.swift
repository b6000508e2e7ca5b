import CWaggleSystem
public import Digests
import GRDB
import Glibc
import NIOPosix
import SystemPackage
import WaggleProtocol

/// What reading a blob again found.
public struct ScrubFinding: Hashable, Sendable {
    public var sha256: Hash32
    /// Bytes of the blob.
    public var size: UInt64
    /// Units whose bytes are wrong; they are out of service, the others are served on. Of a blob that is gone or somebody
    /// else's, all are out of service.
    public var badUnits: [Int]
    /// Somebody else's file, which is left as it is.
    public var isAdopted: Bool

    public var isGood: Bool { badUnits.isEmpty }
}

/// How far the round of reading everything again is.
public struct ScrubRound: Hashable, Sendable {
    /// Bytes in service, and of them those that were read within one round's time.
    public var bytes: UInt64
    public var verifiedBytes: UInt64
    /// Milliseconds since 1970 of the longest unread blob; nil when there is none, 0 when it was never read again.
    public var oldest: Int64?
}

extension BlobStore {
    /// Reads a blob again, unit by unit, and takes the bad units out of service at once: an own copy becomes a download
    /// that lacks them (`partial(_:)`), and fetching them repairs it. An own copy that is all right is in service
    /// afterwards even if its file was touched.
    ///
    /// Where the system can, the bytes come from the disk and not from memory.
    ///
    /// - Parameters:
    ///   - idly: reads in the idle I/O class, so that nobody else waits for the disk, and goes on where a scrub that was
    ///     broken off stopped.
    ///   - progress: gets the bytes of the blob that were read.
    /// - Throws: `notFound`, `purged`, `cancelled`, `io`, `database`.
    public func scrub(
        _ hash: Hash32, idly: Bool = false, progress: @escaping BlobProgress = { _ in }
    ) async throws(BlobError) -> ScrubFinding {
        try purges.check(hash)
        let found = try await index.read { db -> (row: BlobRow, layer: [Hash32], check: CheckRow?)? in
            guard let row = try BlobsTable.find(db, hash) else { return nil }
            return (row, try BlobsTable.layer(db, row), try ChecksTable.find(db, blob: row.id))
        }
        guard let (row, layer, check) = found else { throw .notFound(hash) }
        if row.own == .file, row.trashedAt == nil {
            return try await scrubFile(row, layer, check, idly: idly, progress: progress)
        }
        if row.own == .damaged, row.trashedAt == nil {
            return try await withdraw(row, good: UnitSet(capacity: layer.count))
        }
        if !row.inService, let partial = try await partial(hash) { return try await finding(partial) }
        // Small blobs are one read, and somebody else's files are compared with what was hashed.
        let isAdopted = !row.inService
        do throws(BlobError) {
            let verification = try await verify(hash, progress: progress)
            return ScrubFinding(sha256: hash, size: row.size, badUnits: verification.badUnits, isAdopted: isAdopted)
        } catch .changedOnDisk {
            return ScrubFinding(sha256: hash, size: row.size, badUnits: Array(layer.indices), isAdopted: true)
        }
    }

    private func scrubFile(
        _ row: BlobRow, _ layer: [Hash32], _ check: CheckRow?, idly: Bool, progress: @escaping BlobProgress
    ) async throws(BlobError) -> ScrubFinding {
        let path = layout.file(row.sha256)
        let opened = await threads.result { () throws(BlobError) in
            let file = try OpenFile(reading: path)
            return (file: file, identity: try file.identity())
        }
        if case .failure(.noFile) = opened {
            _ = try await lost(row, as: .missing)
            return ScrubFinding(sha256: row.sha256, size: row.size, badUnits: Array(layer.indices), isAdopted: false)
        }
        let (file, identity) = try opened.get()
        let scan = UnitScan(file: file, size: row.size, layer: layer)
        var good = UnitSet(capacity: layer.count)
        // A layer that is not of the root judges nothing; then the whole copy is suspect.
        var isSound = identity.size == row.size && MerkleTree.root(layer: layer, size: row.size) == row.piecesRoot
        // What was read before counts as long as nobody wrote to the file.
        let isSame = check?.modified == nil || check?.modified == identity.modified
        var unit = idly && isSame ? min(check?.nextUnit ?? 0, layer.count - 1) : 0
        let first = unit
        while isSound, unit < layer.count {
            if Task.isCancelled {
                try await index.write { [unit] in try ChecksTable.putProgress($0, blob: row.id, nextUnit: unit) }
                throw .cancelled
            }
            let units = unit..<min(unit + Limits.BlobStore.scrubUnits, layer.count)
            let right = try await threads.run { () throws(BlobError) in
                try IdleReading.run(idly) { () throws(BlobError) in
                    file.forgetCached(UInt64(units.lowerBound) << 20..<UInt64(units.upperBound) << 20)
                    return try scan.goodUnits(units)
                }
            }
            for unit in right { good.insert(unit) }
            isSound = right.count == units.count
            unit = units.upperBound
            progress(min(row.size, UInt64(unit) << 20))
            if unit % Limits.BlobStore.scrubCheckpointUnits < Limits.BlobStore.scrubUnits, unit < layer.count {
                try await index.write { [unit] in try ChecksTable.putProgress($0, blob: row.id, nextUnit: unit) }
            }
        }
        if isSound {
            try await index.write { db in
                // Read from the middle on, it is right as far as it was right before.
                try ChecksTable.putVerified(db, blob: row.id, modified: identity.modified, at: self.options.now())
            }
            return ScrubFinding(sha256: row.sha256, size: row.size, badUnits: [], isAdopted: false)
        }
        for unit in 0..<first where identity.size == row.size { good.insert(unit) }
        return try await withdraw(row, good: good)
    }

    /// Takes a bad own copy out of service and makes it a download that lacks its bad units. Units that are not known to
    /// be good are read.
    private func withdraw(_ row: BlobRow, good: UnitSet) async throws(BlobError) -> ScrubFinding {
        _ = try await lost(row, as: .damaged)
        guard let partial = try await beginRepair(row.sha256, good: good) else { throw .notFound(row.sha256) }
        return try await finding(partial)
    }

    /// What is missing of a copy that became a download. One that lacks nothing, because its file was only touched, is
    /// whole again.
    private func finding(_ partial: PartialBlob) async throws(BlobError) -> ScrubFinding {
        let bad = await partial.missingUnits.flatMap { Array($0) }
        if bad.isEmpty { _ = try await partial.commit() }
        return ScrubFinding(sha256: partial.sha256, size: partial.size, badUnits: bad, isAdopted: false)
    }

    func markVerified(_ blob: Int64, modified: Int64?) async throws(BlobError) {
        let now = options.now()
        try await index.write { try ChecksTable.putVerified($0, blob: blob, modified: modified, at: now) }
    }

    /// Blobs that the round has to read next.
    ///
    /// - Parameter time: those that were not read since, in milliseconds since 1970.
    public func dueForScrub(before time: Int64, limit: Int) async throws(BlobError) -> [Hash32] {
        try await index.read { try ChecksTable.due($0, before: time, limit: limit) }
    }

    /// How far the round is.
    public func scrubRound() async throws(BlobError) -> ScrubRound {
        let since = options.now() - Limits.BlobStore.scrubRoundMilliseconds
        return try await index.read { db in
            let totals = try ChecksTable.totals(db, since: since)
            return ScrubRound(bytes: totals.bytes, verifiedBytes: totals.verified, oldest: totals.oldest)
        }
    }

    /// Blobs that were whole here once and lost bytes: own copies with bad units, downloads that such a copy became, and
    /// copies that are gone although something holds them.
    public func damaged() async throws(BlobError) -> [BlobFacts] {
        let rows = try await index.read { try BlobsTable.damaged($0, limit: Limits.BlobStore.repairs) }
        return rows.filter { purges.record($0.sha256) == nil }.map { Self.facts($0, place: .absent) }
    }
}

/// Reads of the idle I/O class.
private enum IdleReading {
    /// Runs `body` on this thread, which waits behind everybody else's reads meanwhile. Elsewhere the class is not known,
    /// and `body` simply runs.
    static func run<Value>(_ isIdle: Bool, _ body: () throws(BlobError) -> Value) throws(BlobError) -> Value {
        guard isIdle else { return try body() }
        let before = waggle_io_priority()
        waggle_set_io_priority(waggle_io_priority_idle())
        defer { waggle_set_io_priority(before) }
        return try body()
    }
}

extension OpenFile {
    /// Lets go of pages of the range that are in memory, so that the next read asks the disk. Only advice.
    fileprivate func forgetCached(_ range: Range<UInt64>) {
        posix_fadvise(descriptor, off_t(range.lowerBound), off_t(range.count), POSIX_FADV_DONTNEED)
    }
}
