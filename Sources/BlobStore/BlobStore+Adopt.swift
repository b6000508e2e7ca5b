public import Digests
import FoundationEssentials
import GRDB
import NIOPosix
public import SystemPackage
import WaggleProtocol

extension BlobStore {
    /// Indexes somebody else's file where it lies. It is only read: never copied, renamed, changed or deleted. A file
    /// that is as it was hashed before is not read again; hashing that was broken off goes on where it stopped.
    ///
    /// - Parameter sink: gets the bytes from the same read. With a sink, hashing starts from the beginning.
    /// - Throws: `noFile`, `unreadable`, `growing`, `purged`, `tooLarge`, `cancelled`, `database`.
    public func adopt(
        path: FilePath, progress: @escaping BlobProgress = { _ in }, sink: BlobSink? = nil
    ) async throws(BlobError) -> BlobFacts {
        try await adopt(path: path, progress: progress, sink: sink, on: nil)
    }

    /// - Parameter idle: threads of the caller's own, which are put behind everybody else.
    func adopt(
        path: FilePath, progress: @escaping BlobProgress, sink: BlobSink?, on idle: NIOThreadPool?
    ) async throws(BlobError) -> BlobFacts {
        let path = path.absolute
        let (file, before) = try await threads.run { () throws(BlobError) in
            let file = try OpenFile(reading: path)
            let identity = try file.identity()
            identity.waitUntilSettled()
            return (file, identity)
        }
        guard before.size <= Limits.Blob.bytes else { throw .tooLarge(bytes: before.size, limit: Limits.Blob.bytes) }
        if sink == nil, let facts = try await known(path, before) {
            progress(before.size)
            return facts
        }
        let start = sink == nil ? try await hashedSoFar(path, before) : FileHasher()
        let digests = try await HashingPass(
            threads: idle ?? threads, isIdle: idle != nil, file: file, sink: sink, progress: progress,
            checkpoint: { await self.keep($0, of: path, before) }
        ).run(from: start)
        guard digests.size == before.size, try await unchanged(file, before) else { throw .growing(path: path) }
        let record = purges.record(digests.sha256)
        let now = options.now()
        try await index.write { db in
            try HashingTable.remove(db, path)
            let row = try BlobsTable.find(db, digests.sha256)
            let id = try row?.id ?? BlobsTable.put(db, digests, own: .none, now: now)
            try self.leave(db, path, for: id)
            try AdoptedTable.put(db, blob: id, path, before, record == nil ? .inService : .purged)
            // An own copy has a date of its own.
            if row?.own.takesRoom != true { try ChecksTable.putVerified(db, blob: id, modified: nil, at: now) }
        }
        // Asked again, as a purge may have come between.
        try purges.check(digests.sha256)
        return facts(digests, .adopted(path))
    }

    /// Files of other programs that hold a blob and are as they were hashed, the first found first.
    public func adoptedPaths(of hash: Hash32) async throws(BlobError) -> [FilePath] {
        guard purges.record(hash) == nil, let places = try await places(hash) else { return [] }
        return try await threads.run { () throws(BlobError) in
            places.adopted.filter { $0.state == .inService && Files.identity($0.path) == $0.identity }.map(\.path)
        }
    }

    /// Forgets an adopted file, which stays as it is; false when the path was not adopted.
    public func disown(path: FilePath) async throws(BlobError) -> Bool {
        let path = path.absolute
        return try await index.write { try self.disown($0, path) }
    }

    @discardableResult
    func disown(_ db: Database, _ path: FilePath) throws -> Bool {
        guard let adopted = try AdoptedTable.find(db, path) else { return false }
        try AdoptedTable.remove(db, path)
        if let row = try BlobsTable.find(db, id: adopted.blob), row.own == .none {
            try BlobsTable.forget(db, row.id)
        }
        return true
    }

    /// The facts of a file that is as it was hashed; nil when it must be read.
    func known(_ path: FilePath, _ file: FileIdentity) async throws(BlobError) -> BlobFacts? {
        let found = try await index.read { db -> (row: BlobRow, adopted: AdoptedRow)? in
            guard let adopted = try AdoptedTable.find(db, path), adopted.identity == file,
                let row = try BlobsTable.find(db, id: adopted.blob)
            else { return nil }
            return (row, adopted)
        }
        guard let found else { return nil }
        try purges.check(found.row.sha256)
        if found.adopted.state != .inService {
            // It was away and is back unchanged.
            try await index.write { try AdoptedTable.setState($0, found.adopted.id, .inService) }
        }
        return Self.facts(found.row, place: .adopted(path))
    }

    /// A path that held another blob before no longer does; that blob goes when nothing else holds it.
    private func leave(_ db: Database, _ path: FilePath, for id: Int64) throws {
        guard let old = try AdoptedTable.find(db, path), old.blob != id else { return }
        try AdoptedTable.remove(db, path)
        if let row = try BlobsTable.find(db, id: old.blob), row.own == .none { try BlobsTable.forget(db, row.id) }
    }

    private func hashedSoFar(_ path: FilePath, _ file: FileIdentity) async throws(BlobError) -> FileHasher {
        let state = try await index.read { try HashingTable.find($0, path, file) }
        guard let hasher = state.flatMap({ FileHasher(exported: $0) }), hasher.byteCount <= file.size,
            hasher.byteCount % UInt64(HashingPass.chunkBytes) == 0
        else {
            return FileHasher()
        }
        return hasher
    }

    /// Keeps a hashing state. It only saves time, so a failure is no reason to stop.
    private func keep(_ hasher: FileHasher, of path: FilePath, _ file: FileIdentity) async {
        guard hasher.byteCount > 0 else { return }
        try? await index.write { try HashingTable.put($0, path, file, state: Data(hasher.exported())) }
    }
}
