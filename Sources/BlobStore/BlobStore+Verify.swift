public import Digests
import FoundationEssentials
import GRDB
import NIOCore
public import NIOPosix
public import SystemPackage

/// What re-hashing a blob or file found.
public struct Verification: Hashable, Sendable {
    /// The SHA-256 the bytes have.
    public var sha256: Hash32
    /// The pieces root the bytes have.
    public var piecesRoot: Hash32
    /// Bytes read.
    public var size: UInt64
    /// The units whose bytes are wrong, in order; empty when all is well or no layer was known.
    public var badUnits: [Int]
    /// Whether everything that was known fits the bytes.
    public var isGood: Bool
}

extension BlobStore {
    /// Hashes a blob again at full speed. An own copy with bad units is taken out of service; `beginPartial` then fetches
    /// only those. A changed adopted file is out of service as when it is opened.
    ///
    /// - Parameter sink: gets the bytes from the same read. What it made of them is worth something only when the
    ///   verification is good.
    /// - Throws: `notFound`, `purged`, `changedOnDisk`, `cancelled`.
    public func verify(
        _ hash: Hash32, progress: @escaping BlobProgress = { _ in }, sink: BlobSink? = nil
    ) async throws(BlobError) -> Verification {
        let reader = try await openUnchecked(hash)
        let layer = try await unitHashes(hash)
        let digests: FileDigests
        switch reader.content {
        case .bytes(let buffer):
            digests = try await threads.run { () throws(BlobError) in
                buffer.withUnsafeReadableBytes { bytes in
                    sink?(bytes)
                    return FileHasher.digests(of: bytes)
                }
            }
            progress(digests.size)
        case .file(_, let path):
            let file = try await threads.run { () throws(BlobError) in try OpenFile(reading: path) }
            digests = try await HashingPass(threads: threads, file: file, sink: sink, progress: progress).run()
            try await reader.revalidate()
        }
        let result = Verification(
            digests, sha256: hash, size: reader.size, piecesRoot: reader.facts.piecesRoot, layer: layer)
        if result.isGood {
            try await found(reader.facts, rightAsOf: reader.modified)
        } else {
            try await takeOutOfService(reader.facts)
        }
        return result
    }

    /// Hashes any file and compares it with what is known of it: what `verify` does without a store.
    ///
    /// - Parameters:
    ///   - size: bytes the file should have.
    ///   - layer: with the 1 MiB layer the bad units are named; without it there is only a yes or no.
    /// - Throws: `noFile`, `unreadable`, `growing`, `rootMismatch` when layer and root do not belong together, `cancelled`.
    public static func verifyFile(
        path: FilePath, sha256: Hash32? = nil, size: UInt64? = nil, piecesRoot: Hash32? = nil, layer: [Hash32]? = nil,
        threads: NIOThreadPool = .singleton, progress: @escaping BlobProgress = { _ in }
    ) async throws(BlobError) -> Verification {
        let (file, before) = try await threads.run { () throws(BlobError) in
            let file = try OpenFile(reading: path.absolute)
            return (file, try file.identity())
        }
        if let layer, let piecesRoot {
            guard MerkleTree.root(layer: layer, size: size ?? before.size) == piecesRoot else {
                throw .rootMismatch(sha256 ?? piecesRoot)
            }
        }
        let digests = try await HashingPass(threads: threads, file: file, progress: progress).run()
        guard try await threads.run({ () throws(BlobError) in try file.identity() == before }) else {
            throw .growing(path: path)
        }
        return Verification(digests, sha256: sha256, size: size, piecesRoot: piecesRoot, layer: layer)
    }

    /// Indexes complete files that the index does not name (`recovery.unindexed`), as after the index was restored from
    /// an older backup: each is hashed, and taken in when it has its name's hash. The names taken in.
    public func reindex() async throws(BlobError) -> [Hash32] {
        var taken: [Hash32] = []
        for path in recovery.unindexed {
            let file = try await threads.run { () throws(BlobError) in try OpenFile(reading: path) }
            let digests = try await HashingPass(threads: threads, file: file).run()
            guard layout.file(digests.sha256) == path, purges.record(digests.sha256) == nil else { continue }
            let now = options.now()
            let isNew = try await index.write { db -> Bool in
                let own = try BlobsTable.find(db, digests.sha256)?.own
                if let own, own.takesRoom { return false }
                let id = try BlobsTable.put(db, digests, own: .file, now: now)
                try ChecksTable.putVerified(db, blob: id, modified: Files.identity(path)?.modified, at: now)
                return true
            }
            if isNew {
                room.count(RoomChange(live: Int64(digests.size)))
                taken.append(digests.sha256)
            }
        }
        return taken
    }

    /// `open`, but for a file of our own that was written to: whether it is still right is what is asked.
    private func openUnchecked(_ hash: Hash32) async throws(BlobError) -> BlobReader {
        if let (row, _) = try await places(hash), row.own == .file, row.inService {
            try purges.check(hash)
            return try await openOwn(row, comparing: false)
        }
        return try await open(hash)
    }

    /// All bytes of a copy were read and are right.
    private func found(_ facts: BlobFacts, rightAsOf modified: Int64?) async throws(BlobError) {
        guard let (row, _) = try await places(facts.sha256) else { return }
        try await markVerified(row.id, modified: modified)
    }

    func takeOutOfService(_ facts: BlobFacts) async throws(BlobError) {
        let hash = facts.sha256
        switch facts.place {
        case .file:
            try await index.write { db in
                if let row = try BlobsTable.find(db, hash), row.own == .file {
                    try BlobsTable.setOwn(db, row.id, .damaged)
                }
            }
        case .row:
            try await index.write { db in
                guard let row = try BlobsTable.find(db, hash), row.own == .small else { return }
                // Good bytes that come meanwhile must find neither a row nor the bad ones in their place.
                try SmallBlobs.erase(hash, from: self.smallFile)
                try BlobsTable.setOwn(db, row.id, .missing)
            }
            room.count(RoomChange(live: -Int64(facts.size)))
        case .adopted(let path):
            try await index.write { db in
                if let row = try AdoptedTable.find(db, path) { try AdoptedTable.setState(db, row.id, .changed) }
            }
        case .absent: break
        }
    }
}

extension Verification {
    init(_ digests: FileDigests, sha256: Hash32?, size: UInt64?, piecesRoot: Hash32?, layer: [Hash32]?) {
        self.sha256 = digests.sha256
        self.piecesRoot = digests.piecesRoot
        self.size = digests.size
        // Units are compared as those of a file of the right size; each one missing is bad.
        let known = layer ?? []
        badUnits = known.indices.filter { $0 >= digests.layer.count || digests.layer[$0] != known[$0] }
        isGood =
            badUnits.isEmpty && (size ?? digests.size) == digests.size
            && (sha256 ?? digests.sha256) == digests.sha256 && (piecesRoot ?? digests.piecesRoot) == digests.piecesRoot
            && (layer == nil || layer?.count == digests.layer.count)
    }
}
