import GRDB
import NIOPosix
public import SystemPackage
import WaggleProtocol

/// What a pass over the files that wait came to.
public struct LibraryHashing: Hashable, Sendable {
    public var hashed = 0
    /// Bytes of the files hashed.
    public var bytes: UInt64 = 0
    /// Files that are still being written; they wait.
    public var growing = 0
    public var unreadable = 0
    /// Files that were gone when their turn came.
    public var vanished = 0
    /// Files whose bytes were taken down on this node; they are left alone and not served.
    public var purged = 0
}

extension BlobStore {
    /// Hashes the files that wait, one after another, and takes each into service when it is done. What a crash or a
    /// cancellation breaks off goes on from its last checkpoint.
    ///
    /// - Parameters:
    ///   - inBackground: reads and hashes behind everybody else, in the idle class of the disk and at the lowest share of
    ///     the processor.
    ///   - progress: told the file at work, how many of its bytes are done, and its size.
    /// - Throws: `cancelled`, `diskFull`, `database`, `closed`; what is wrong with single files is counted instead.
    public func hashLibrary(
        inBackground: Bool = false,
        progress: @escaping @Sendable (_ path: FilePath, _ done: UInt64, _ size: UInt64) -> Void = { _, _, _ in }
    ) async throws(BlobError) -> LibraryHashing {
        guard try await index.read({ try LibraryTable.waiting($0, after: 0) }) != nil else { return LibraryHashing() }
        let idle = inBackground ? NIOThreadPool(numberOfThreads: 2) : nil
        idle?.start()
        let result: Result<LibraryHashing, BlobError>
        do throws(BlobError) {
            result = .success(try await hashWaiting(on: idle, progress))
        } catch {
            result = .failure(error)
        }
        try? await idle?.shutdownGracefully()
        return try result.get()
    }

    private func hashWaiting(
        on idle: NIOThreadPool?, _ progress: @escaping @Sendable (FilePath, UInt64, UInt64) -> Void
    ) async throws(BlobError) -> LibraryHashing {
        var report = LibraryHashing()
        var last: Int64 = 0
        while true {
            let after = last
            guard let next = try await index.read({ try LibraryTable.waiting($0, after: after) }) else { return report }
            if Task.isCancelled { throw .cancelled }
            last = next.id
            try await hash(next.path, on: idle, &report, progress)
        }
    }

    private func hash(
        _ path: FilePath, on idle: NIOThreadPool?, _ report: inout LibraryHashing,
        _ progress: @escaping @Sendable (FilePath, UInt64, UInt64) -> Void
    ) async throws(BlobError) {
        let (plan, now) = (Self.plan, options.now())
        let found = try await threads.run { () throws(BlobError) in Files.identity(path) }
        guard let found else {
            report.vanished += 1
            return try await index.write { db in
                try self.disown(db, path)
                try LibraryTable.remove(db, path)
            }
        }
        let control = FilePath(bytes: path.bytes + Array(".aria2".utf8))
        let isUnderWay = try await threads.run { () throws(BlobError) in Files.identity(control) != nil }
        let known = try await index.read { try LibraryTable.known($0, path)?.known }
        let verdict = plan.verdict(known, found: found, isUnderWay: isUnderWay, now: now)
        switch verdict {
        case .waits(let since):
            report.growing += 1
            let row = ScanPlan.Known(identity: found, state: .waiting, since: since)
            return try await index.write { try LibraryTable.update($0, path, row) }
        case .unchanged, .ready: break
        }
        var row = ScanPlan.Known(identity: found, state: .hashed, since: now)
        libraryWork.begin()
        defer { libraryWork.end(now: options.now()) }
        do throws(BlobError) {
            let facts = try await adopt(path: path, progress: { progress(path, $0, found.size) }, sink: nil, on: idle)
            report.hashed += 1
            report.bytes += facts.size
        } catch {
            switch error {
            case .growing:
                report.growing += 1
                row.state = .waiting
            case .noFile:
                report.vanished += 1
                return try await index.write { db in
                    try self.disown(db, path)
                    try LibraryTable.remove(db, path)
                }
            case .purged:
                report.purged += 1
                row.state = .purged
            case .unreadable, .io, .tooLarge:
                report.unreadable += 1
                row.state = .unreadable
            default: throw error
            }
        }
        let outcome = row
        try await index.write { db in
            // What was adopted is what counts: the file may have been replaced since it was looked at.
            var outcome = outcome
            if outcome.state == .hashed, let adopted = try AdoptedTable.find(db, path) {
                outcome.identity = adopted.identity
            }
            try LibraryTable.update(db, path, outcome)
        }
    }
}
