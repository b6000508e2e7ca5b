public import Digests
public import FoundationEssentials
import GRDB
import NIOCore
import SystemPackage
import WaggleProtocol

extension BlobStore {
    /// Opens a blob for reading. An adopted file is compared with what was hashed, and is out of service when it is not
    /// the same any more; another copy is taken then, if there is one.
    ///
    /// - Throws: `notFound`, `purged`, `changedOnDisk`, `damaged`.
    public func open(_ hash: Hash32) async throws(BlobError) -> BlobReader {
        try await open(hash, asUse: true)
    }

    /// Opens a blob that is refused to everybody, for whoever has to preserve it before it goes.
    ///
    /// - Throws: `purged` for what is gone for good; what `open` throws.
    public func openRefused(_ hash: Hash32) async throws(BlobError) -> BlobReader {
        if let record = purges.purged(hash) { throw .purged(hash, reason: record.reason) }
        return try await open(hash, asUse: false, evenRefused: true)
    }

    /// - Parameter isUse: whether this counts as use when room is made. The store's own housekeeping does not.
    func open(_ hash: Hash32, asUse isUse: Bool, evenRefused: Bool = false) async throws(BlobError) -> BlobReader {
        if !evenRefused { try purges.check(hash) }
        guard let (row, adopted) = try await places(hash) else { throw .notFound(hash) }
        var failure = BlobError.notFound(hash)
        if row.inService {
            do throws(BlobError) {
                let reader = try await openOwn(row)
                if isUse { await touch([hash]) }
                return reader
            } catch {
                failure = error
            }
        } else if row.own == .damaged, row.trashedAt == nil {
            failure = .damaged(hash, badUnits: [])
        }
        for file in adopted where file.state != .purged {
            do throws(BlobError) {
                return try await openAdopted(row, file)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// What is known of a blob; nil when nothing is.
    public func facts(_ hash: Hash32) async throws(BlobError) -> BlobFacts? {
        let row = try await index.read { try BlobsTable.find($0, hash) }
        guard let row else { return nil }
        return try await facts(row)
    }

    /// What is known of the blob with this pieces root; nil when nothing is.
    public func facts(piecesRoot: Hash32) async throws(BlobError) -> BlobFacts? {
        let row = try await index.read { try BlobsTable.find($0, piecesRoot: piecesRoot) }
        guard let row else { return nil }
        return try await facts(row)
    }

    /// How much of each blob is here, by the index: files are not looked at. Purged blobs are not here.
    public func presence(_ hashes: [Hash32]) async throws(BlobError) -> [Presence] {
        var live: [Hash32: Presence] = [:]
        for session in await sessions.open { live[session.sha256] = await session.presence }
        let underWay = live
        return try await index.read { db in
            try hashes.map { hash in
                guard self.purges.record(hash) == nil else { return .none }
                if let row = try BlobsTable.find(db, hash) {
                    if row.inService { return .whole }
                    if try AdoptedTable.all(db, blob: row.id).contains(where: { $0.state == .inService }) {
                        return .whole
                    }
                }
                if let presence = underWay[hash] { return presence }
                return try PartialsTable.progress(db, hash).map { .partial(held: $0.held, of: $0.of) } ?? .none
            }
        }
    }

    /// The bytes of those of these blobs that are here and no larger than 64 KiB.
    public func smallBlobs(_ hashes: [Hash32]) async throws(BlobError) -> [Hash32: Data] {
        noteDemand()
        let rows = try await smallRows(hashes)
        var found = try await small.bytes(rows.filter { $0.own == .small && $0.inService }.map(\.sha256))
        await touch(found.keys)
        // Files of other programs may be as small.
        for row in rows where found[row.sha256] == nil {
            guard let reader = try? await open(row.sha256) else { continue }
            found[row.sha256] = (try? await reader.read(0..<reader.size)).map { Data($0.readableBytesView) }
        }
        return found
    }

    /// Opens those of these blobs whose bytes are in the store's database, in one step for all: for work that goes through
    /// many. It counts as nobody's use of them.
    public func openSmall(_ hashes: [Hash32]) async throws(BlobError) -> [Hash32: BlobReader] {
        let rows = try await smallRows(hashes).filter { $0.own == .small && $0.inService }
        let found = try await small.bytes(rows.map(\.sha256))
        var readers: [Hash32: BlobReader] = [:]
        for row in rows {
            guard let bytes = found[row.sha256] else { continue }
            readers[row.sha256] = BlobReader(facts: Self.facts(row, place: .row), bytes: bytes, threads: threads)
        }
        return readers
    }

    /// The rows of those of these blobs that are small and not refused.
    private func smallRows(_ hashes: [Hash32]) async throws(BlobError) -> [BlobRow] {
        let wanted = hashes.filter { purges.record($0) == nil }
        return try await index.read { db in
            try wanted.compactMap { try BlobsTable.find(db, $0) }.filter { $0.size <= UInt64(Limits.Blob.smallBytes) }
        }
    }

    /// The hashes of a blob's 1 MiB units, one at least (see `MerkleTree`). They are known for partial blobs too.
    ///
    /// - Throws: `notFound`, `purged`.
    public func unitHashes(_ hash: Hash32) async throws(BlobError) -> [Hash32] {
        try purges.check(hash)
        let layer = try await index.read { db -> [Hash32]? in
            if let row = try BlobsTable.find(db, hash) { return try BlobsTable.layer(db, row) }
            return try PartialsTable.find(db, hash)?.layer
        }
        guard let layer else { throw .notFound(hash) }
        return layer
    }

    /// Blobs that came after one, in the order in which they came. Their bytes may be gone since.
    ///
    /// - Parameter number: of the last that was seen; 0 for the first.
    public func blobs(
        after number: Int64, limit: Int
    ) async throws(BlobError) -> [(number: Int64, sha256: Hash32, size: UInt64)] {
        try await index.read { try BlobsTable.rows($0, after: number, limit: limit) }
            .map { ($0.id, $0.sha256, $0.size) }
    }

    private func facts(_ row: BlobRow) async throws(BlobError) -> BlobFacts {
        let adopted = try await index.read { try AdoptedTable.all($0, blob: row.id) }
        return Self.facts(row, place: place(row, adopted))
    }

    private func place(_ row: BlobRow, _ adopted: [AdoptedRow]) -> BlobFacts.Place {
        guard purges.record(row.sha256) == nil else { return .absent }
        if row.inService { return row.own == .small ? .row : .file(layout.file(row.sha256)) }
        return adopted.first { $0.state == .inService }.map { .adopted($0.path) } ?? .absent
    }

    static func facts(_ row: BlobRow, place: BlobFacts.Place) -> BlobFacts {
        BlobFacts(
            sha256: row.sha256, size: row.size, piecesRoot: row.piecesRoot, crc32: row.crc32, autoV1: row.autoV1,
            place: place)
    }

    func places(_ hash: Hash32) async throws(BlobError) -> (row: BlobRow, adopted: [AdoptedRow])? {
        try await index.read { db in
            guard let row = try BlobsTable.find(db, hash) else { return nil }
            return (row, try AdoptedTable.all(db, blob: row.id))
        }
    }

    /// Opens the own copy. One that is gone, cut short or changed is marked, so that it is read again and repaired.
    ///
    /// - Parameter comparing: a file that was written to since it was found right is read before it is served, which takes a
    ///   second for some GiB.
    func openOwn(_ row: BlobRow, comparing: Bool = true) async throws(BlobError) -> BlobReader {
        if row.own == .small {
            guard let bytes = try await small.bytes(row.sha256) else { throw try await lost(row, as: .missing) }
            return BlobReader(facts: Self.facts(row, place: .row), bytes: bytes, threads: threads)
        }
        let path = layout.file(row.sha256)
        let opened: (file: OpenFile, identity: FileIdentity)
        do throws(BlobError) {
            opened = try await threads.run { () throws(BlobError) in
                let file = try OpenFile(reading: path)
                return (file, try file.identity())
            }
        } catch .noFile {
            throw try await lost(row, as: .missing)
        } catch {
            throw error
        }
        guard opened.identity.size == row.size else { throw try await lost(row, as: .damaged) }
        let modified = try await index.read { try ChecksTable.find($0, blob: row.id)?.modified }
        if comparing, let modified, modified != opened.identity.modified {
            let finding = try await scrub(row.sha256)
            guard finding.isGood else { throw .damaged(row.sha256, badUnits: finding.badUnits) }
        }
        return BlobReader(
            facts: Self.facts(row, place: .file(path)), ownFile: opened.file, opened.identity.modified,
            threads: threads)
    }

    /// Takes the own copy out of service; the error to throw.
    func lost(_ row: BlobRow, as own: BlobRow.Own) async throws(BlobError) -> BlobError {
        let isLost = try await index.write { db -> Bool in
            // Evicted or purged meanwhile: nothing was lost.
            guard let current = try BlobsTable.find(db, row.sha256), current.inService else { return false }
            try BlobsTable.setOwn(db, row.id, own)
            return true
        }
        if isLost, own == .missing { room.count(RoomChange(live: -Int64(row.size))) }
        return isLost && own == .damaged ? .damaged(row.sha256, badUnits: []) : .notFound(row.sha256)
    }

    private func openAdopted(_ row: BlobRow, _ adopted: AdoptedRow) async throws(BlobError) -> BlobReader {
        guard adopted.state == .inService else { throw .changedOnDisk(path: adopted.path) }
        let file: OpenFile? = try? await threads.run { () throws(BlobError) in
            let file = try OpenFile(reading: adopted.path)
            return try file.identity() == adopted.identity ? file : nil
        }
        guard let file else {
            try await index.write { db in
                guard try AdoptedTable.find(db, adopted.path)?.identity == adopted.identity else { return }
                try AdoptedTable.setState(db, adopted.id, .changed)
            }
            throw .changedOnDisk(path: adopted.path)
        }
        return BlobReader(
            facts: Self.facts(row, place: .adopted(adopted.path)), adoptedFile: file, adopted.identity,
            threads: threads)
    }
}
