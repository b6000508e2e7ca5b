import CWaggleSystem
public import Digests
import FoundationEssentials
import Glibc
public import NIOCore
import NIOPosix
import WaggleProtocol

/// A blob that is being fetched. Units may come in any order and from several tasks at once; each is verified against the
/// 1 MiB layer before it is stored, and verified units can be served.
///
/// What is on the disk is written down every 64 MiB or 2 seconds of writing. After a crash the units written down count,
/// and others that reached the file are verified again, so only units in flight are asked for twice. The whole-file
/// SHA-256 follows the contiguous front and is kept with the units.
public actor PartialBlob {
    /// The name of the blob.
    public nonisolated let sha256: Hash32
    /// Bytes of the blob.
    public nonisolated let size: UInt64
    /// Root of its BEP 52 tree.
    public nonisolated let piecesRoot: Hash32
    /// The hashes of its units.
    public nonisolated let layer: [Hash32]

    private let store: BlobStore
    private let file: OpenFile
    private let reservation: Reservation
    /// Units verified and written.
    private var units: UnitSet
    /// Digests of the bytes up to the front: of units that are here or on their way to the disk, in order.
    private var front: OrderedHasher
    private var isFollowing = false {
        didSet { if !isFollowing { wakeFrontWaiters() } }
    }
    private var frontWaiters: [CheckedContinuation<Void, Never>] = []
    /// Units whose bytes a task has in memory just now.
    private var arriving: Set<Int> = []
    /// What the index says; a failed sync goes back to it.
    private var saved: (units: UnitSet, front: OrderedHasher)
    private var unsavedBytes = 0
    private var savedAt: Int64
    private var isSaving = false
    private var end: BlobError?

    init(store: BlobStore, file: OpenFile, reservation: Reservation, row: PartialRow) {
        sha256 = row.sha256
        size = row.size
        piecesRoot = row.piecesRoot
        layer = row.layer
        self.store = store
        self.file = file
        self.reservation = reservation
        units = row.units
        front = row.front
        saved = (row.units, row.front)
        savedAt = store.options.now()
    }

    // MARK: Units

    /// The units that are here.
    public var heldUnits: UnitSet { units }

    /// Bytes of the units that are here.
    public var heldBytes: UInt64 {
        let last = layer.count - 1
        let short = units.contains(last) ? MerkleTree.unitBytes - MerkleTree.unitLength(last, size: size) : 0
        return UInt64(units.count) << 20 - UInt64(short)
    }

    /// The runs of units that are still to be fetched, in order.
    public var missingUnits: [Range<Int>] { units.missing }

    var presence: Presence { .partial(held: units.count, of: layer.count) }

    /// Verifies a unit and stores it; one that is here already is left as it is.
    ///
    /// - Parameter bytes: the whole unit: 1 MiB but for the last.
    /// - Throws: `badUnit` when it is not that unit (nothing is stored), `outOfRange`, `diskFull`, `readOnly`, `purged`,
    ///   `alreadyHeld` after completion, `closed`.
    public func write(unit: Int, bytes: some Collection<UInt8> & Sendable) async throws(BlobError) {
        try checkOpen()
        guard layer.indices.contains(unit) else { throw .outOfRange(sha256, size: size) }
        guard bytes.count == MerkleTree.unitLength(unit, size: size) else { throw .badUnit(unit: unit, of: sha256) }
        guard !units.contains(unit) else { return }
        try await receive(unit, bytes)
        try await follow(atMost: Self.followedAtOnce)
        let now = store.options.now()
        if unsavedBytes >= Limits.BlobStore.checkpointBytes
            || now - savedAt >= Limits.BlobStore.checkpointMilliseconds
        {
            try await save()
        }
    }

    /// Verifies and stores a unit, and hashes it for the file when the front comes to it while its bytes are in memory.
    private func receive(_ unit: Int, _ bytes: some Collection<UInt8> & Sendable) async throws(BlobError) {
        let isFirst = arriving.insert(unit).inserted
        defer {
            if isFirst {
                arriving.remove(unit)
                wakeFrontWaiters()
            }
        }
        let check = UnitCheck(unit: unit, size: size, expected: layer[unit], of: sha256, file: file)
        if try await frontComes(to: unit) {
            // For the file and for the layer in one pass, which costs less than two. The next unit follows while this one is
            // on its way to the disk: should it not get there, it is fetched again, and the same bytes are verified again.
            let before = front
            isFollowing = true
            let result = await store.threads.result { () throws(BlobError) in
                try check.verify(bytes, following: before)
            }
            isFollowing = false
            front = try result.get()
        } else {
            try await store.threads.run { () throws(BlobError) in try check.verify(bytes) }
        }
        try checkOpen()
        // What the front comes to later is read back then, so it goes through the system's cache.
        let isReadBack = unit >= frontUnit
        try await store.threads.run { () throws(BlobError) in try check.write(bytes, isReadBack: isReadBack) }
        try checkOpen()
        store.options.onStep(.unitWritten)
        units.insert(unit)
        unsavedBytes += bytes.count
    }

    /// Bytes of units that are here, to be served while others are fetched.
    ///
    /// - Throws: `incomplete` when one of them is not here yet, `outOfRange`, `tooLarge` above 64 MiB.
    public func readUnits(_ range: Range<Int>) async throws(BlobError) -> ByteBuffer {
        try checkOpen()
        guard range.lowerBound >= 0, range.upperBound <= layer.count else { throw .outOfRange(sha256, size: size) }
        guard range.count <= Limits.BlobStore.readBytes >> 20 else {
            throw .tooLarge(bytes: UInt64(range.count) << 20, limit: UInt64(Limits.BlobStore.readBytes))
        }
        guard units.contains(range) else { throw .incomplete(sha256, missing: layer.count - units.count) }
        let bytes = byteRange(range)
        return try await store.threads.run { () throws(BlobError) in try self.file.bytes(bytes) }
    }

    // MARK: Ends

    /// Checks the whole file's SHA-256 and makes it a blob: durable when it returns.
    ///
    /// - Throws: `incomplete`; `hashMismatch` when size, root and SHA-256 were signed together but are not of the same
    ///   bytes (the download is thrown away then); `purged`, `diskFull`, `database`.
    public func commit() async throws(BlobError) -> BlobFacts {
        try checkOpen()
        guard units.isFull else { throw .incomplete(sha256, missing: layer.count - units.count) }
        while front.byteCount < size {
            await frontIsFree()
            try checkOpen()
            if arriving.contains(frontUnit) {
                await frontHasMoved()
                continue
            }
            try await follow(atMost: .max)
            // A failed sync may have taken units back meanwhile.
            guard units.isFull else { throw .incomplete(sha256, missing: layer.count - units.count) }
        }
        try checkOpen()
        let digests = FileDigests(
            size: size, sha256: front.sha256, piecesRoot: piecesRoot, layer: layer, crc32: front.crc32,
            autoV1: front.autoV1)
        guard digests.sha256 == sha256 else {
            throw try await mismatch(digests.sha256)
        }
        end = .alreadyHeld(sha256)
        do throws(BlobError) {
            let facts = try await store.complete(file, digests, reservation)
            await store.sessions.remove(sha256)
            return facts
        } catch {
            // A purge that came meanwhile has set its own end.
            if end == .alreadyHeld(sha256) { end = nil }
            throw error
        }
    }

    /// The error for a whole-file hash that is not the blob's. Units are read again first: when the disk lost some they
    /// are missing once more; when all are right, the name and the root were not of the same bytes.
    private func mismatch(_ actual: Hash32) async throws(BlobError) -> BlobError {
        let held = units
        let scan = UnitScan(file: file, size: size, layer: layer)
        let good = try await store.threads.run { () throws(BlobError) in
            try scan.goodUnits(0..<held.capacity)
        }
        guard good.count == held.capacity else {
            units = UnitSet(capacity: held.capacity)
            for unit in good { units.insert(unit) }
            front = OrderedHasher()
            // The next save has this to write down.
            unsavedBytes += 1
            return .incomplete(sha256, missing: layer.count - units.count)
        }
        try await abandon()
        return .hashMismatch(expected: sha256, actual: actual)
    }

    /// Writes down what is here, as before a pause. Writing may go on afterwards.
    public func pause() async throws(BlobError) {
        guard end == nil else { return }
        try await save()
    }

    /// Gives the download up: removes its bytes and returns its room.
    public func abandon() async throws(BlobError) {
        guard end == nil else { return }
        end = .closed
        do throws(BlobError) {
            try await store.discardPartial(sha256)
        } catch {
            if end == .closed { end = nil }
            throw error
        }
        reservation.release()
        await store.sessions.remove(sha256)
    }

    /// Refuses everything from now on; the bytes were removed by a purge.
    func stop(_ reason: BlobError) {
        end = reason
        reservation.release()
    }

    /// Writes down what is here and refuses everything from now on: the store is being closed.
    func shut() async throws(BlobError) {
        try await pause()
        if end == nil { end = .closed }
    }

    private func checkOpen() throws(BlobError) {
        if let end { throw end }
    }

    // MARK: Front

    /// The first unit that the file's hash does not cover.
    private var frontUnit: Int { Int((front.byteCount + UInt64(MerkleTree.unitBytes - 1)) >> 20) }

    /// Units that may wait in memory for the front, and that are read back from the file in one step.
    private static let followedAtOnce = 8

    private func wakeFrontWaiters() {
        let waiters = frontWaiters
        frontWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    private func frontHasMoved() async {
        await withCheckedContinuation { frontWaiters.append($0) }
    }

    /// Waits until no task is hashing at the front.
    private func frontIsFree() async {
        while isFollowing { await frontHasMoved() }
    }

    /// Waits until the front is at a unit whose bytes are in memory and nobody is hashing there. False when it is past the
    /// unit, or when one before it is neither here nor about to be: then `follow(atMost:)` comes to it later.
    private func frontComes(to unit: Int) async throws(BlobError) -> Bool {
        while frontUnit < unit || frontUnit == unit && isFollowing {
            guard isNearFront(unit) else { return false }
            if !isFollowing, !arriving.contains(frontUnit) {
                try await follow(atMost: Self.followedAtOnce)
            } else {
                await frontHasMoved()
            }
            try checkOpen()
        }
        return frontUnit == unit
    }

    /// Whether the front gets to a unit while its bytes are in memory.
    private func isNearFront(_ unit: Int) -> Bool {
        let front = frontUnit
        return front <= unit && unit - front < Self.followedAtOnce
            && (front..<unit).allSatisfy { arriving.contains($0) || units.contains($0) }
    }

    private func byteRange(_ range: Range<Int>) -> Range<UInt64> {
        UInt64(range.lowerBound) << 20..<min(size, UInt64(range.upperBound) << 20)
    }

    /// Hashes units that the front has reached, from the file's pages in memory, at most so many; not those that a task
    /// has in memory.
    private func follow(atMost limit: Int) async throws(BlobError) {
        var left = limit
        while !isFollowing, left > 0, front.byteCount < size, isFollowable(frontUnit) {
            let start = frontUnit
            var stop = start + 1
            while stop - start < min(left, Self.followedAtOnce), isFollowable(stop) { stop += 1 }
            left -= stop - start
            let range = byteRange(start..<stop)
            let before = front
            isFollowing = true
            let result = await store.threads.result { () throws(BlobError) in
                let buffer = ChunkBuffer(byteCount: MerkleTree.unitBytes)
                var after = before
                while after.byteCount < range.upperBound {
                    let count = min(MerkleTree.unitBytes, Int(range.upperBound - after.byteCount))
                    let memory = UnsafeMutableRawBufferPointer(rebasing: buffer.memory[..<count])
                    guard try self.file.read(into: memory, at: after.byteCount) == count else {
                        throw .io(path: self.file.path, operation: "read", code: EIO)
                    }
                    after.update(UnsafeRawBufferPointer(memory))
                }
                return after
            }
            isFollowing = false
            front = try result.get()
        }
    }

    private func isFollowable(_ unit: Int) -> Bool {
        units.contains(unit) && !arriving.contains(unit)
    }

    // MARK: Saving

    /// Syncs the file, then writes down the units it had before the sync.
    private func save() async throws(BlobError) {
        guard !isSaving, unsavedBytes > 0 else { return }
        isSaving = true
        defer { isSaving = false }
        let synced = (units: units, front: front)
        let bytes = unsavedBytes
        unsavedBytes = 0
        let now = store.options.now()
        savedAt = now
        do throws(BlobError) {
            try await store.threads.run { () throws(BlobError) in try self.file.synchronizeData() }
        } catch {
            // After a failed sync the system may have dropped any page written since the last good one.
            if end == nil { (units, front) = saved }
            throw error
        }
        store.options.onStep(.unitsSynced)
        guard end == nil else { return }
        do throws(BlobError) {
            try await store.index.write { db in
                try PartialsTable.save(db, self.sha256, units: synced.units, front: synced.front, now: now)
            }
        } catch {
            unsavedBytes += bytes
            throw error
        }
        saved = synced
        store.options.onStep(.unitsRecorded)
    }
}

/// Verifies one unit and writes it to its place.
private struct UnitCheck: Sendable {
    let unit: Int
    let size: UInt64
    let expected: Hash32
    let of: Hash32
    let file: OpenFile

    /// - Throws: `badUnit`.
    func verify(_ bytes: some Collection<UInt8>) throws(BlobError) {
        let hash = bytes.inOnePiece { MerkleTree.unitHash($0, size: size) }
        guard hash == expected else { throw .badUnit(unit: unit, of: of) }
    }

    /// - Returns: the file's digests after the unit.
    func verify(_ bytes: some Collection<UInt8>, following front: OrderedHasher) throws(BlobError) -> OrderedHasher {
        var after = front
        let hash = bytes.inOnePiece { after.update(unit: $0, size: size) }
        guard hash == expected else { throw .badUnit(unit: unit, of: of) }
        return after
    }

    func write(_ bytes: some Collection<UInt8>, isReadBack: Bool) throws(BlobError) {
        let offset = UInt64(unit) << 20
        let result: Result<Void, BlobError> = bytes.inOnePiece { buffer in
            do throws(BlobError) {
                if isReadBack {
                    try file.write(buffer, at: offset)
                } else if try file.writePastCache(buffer, at: offset) {
                    return .success(())
                }
                // So that no sync finds much to do; where it cannot, the sync does it all.
                _ = waggle_start_writeback(file.descriptor, Int64(offset), Int64(buffer.count))
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}

extension Collection<UInt8> {
    /// The bytes in one piece of memory, copied where they are not.
    fileprivate func inOnePiece<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) } ?? Array(self).withUnsafeBytes(body)
    }
}
