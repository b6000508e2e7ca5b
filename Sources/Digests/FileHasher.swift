/// What one read of a file tells about it.
public struct FileDigests: Hashable, Sendable {
    /// Bytes.
    public var size: UInt64
    /// The name of the blob.
    public var sha256: Hash32
    /// Root of the BEP 52 tree.
    public var piecesRoot: Hash32
    /// Hashes of the 1 MiB units, one at least (see `MerkleTree`).
    public var layer: [Hash32]
    /// CRC-32 of all bytes.
    public var crc32: UInt32
    /// AutoV1: the first four bytes of the SHA-256 over the 64 KiB at offset 1 MiB, as early web UIs named a model.
    /// For a shorter file the bytes that there are.
    public var autoV1: UInt32

    /// Digests that were computed in parts.
    public init(
        size: UInt64, sha256: Hash32, piecesRoot: Hash32, layer: [Hash32], crc32: UInt32, autoV1: UInt32
    ) {
        self.size = size
        self.sha256 = sha256
        self.piecesRoot = piecesRoot
        self.layer = layer
        self.crc32 = crc32
        self.autoV1 = autoV1
    }
}

/// The digests that need the bytes in order: whole-file SHA-256, CRC-32 and the AutoV1 window.
public struct OrderedHasher: Sendable {
    private static let windowStart: UInt64 = 1 << 20
    private static let windowEnd: UInt64 = 1 << 20 + 64 << 10

    /// The whole-file SHA-256.
    var flat = SHA256Stream()
    var checks = Checks()

    /// CRC-32 and AutoV1, which are cheap, so that they can go with the tree when two threads share the work.
    struct Checks: Sendable {
        var crc = CRC32()
        var window = SHA256Stream()

        /// Absorbs the bytes, which start at `offset` of the file.
        mutating func update(_ buffer: UnsafeRawBufferPointer, offset: UInt64) {
            crc.update(buffer)
            let end = offset + UInt64(buffer.count)
            let low = max(offset, OrderedHasher.windowStart)
            let high = min(end, OrderedHasher.windowEnd)
            if low < high {
                window.update(UnsafeRawBufferPointer(rebasing: buffer[Int(low - offset)..<Int(high - offset)]))
            }
        }
    }

    /// An empty stream.
    public init() {}

    /// Bytes absorbed so far.
    public var byteCount: UInt64 { flat.byteCount }

    /// The SHA-256 of all bytes so far.
    public var sha256: Hash32 { flat.digest() }

    /// The CRC-32 of all bytes so far.
    public var crc32: UInt32 { checks.crc.value }

    /// AutoV1 of all bytes so far (see `FileDigests`).
    public var autoV1: UInt32 { UInt32(checks.window.digest().words.0 >> 32) }

    /// Absorbs the bytes.
    public mutating func update(_ buffer: UnsafeRawBufferPointer) {
        checks.update(buffer, offset: byteCount)
        flat.update(buffer)
    }

    /// The state as bytes, at most 211 of them, to go on with after a restart.
    public func exported() -> [UInt8] {
        let window = checks.window.exported()
        return checks.crc.value.bigEndianBytes + [UInt8(window.count)] + window + flat.exported()
    }

    /// Goes on from `exported()`; nil for anything else.
    public init?(exported bytes: some Collection<UInt8>) {
        var reader = ByteReader(bytes)
        guard let crc = reader.integer(UInt32.self), let count = reader.integer(UInt8.self),
            let window = reader.bytes(Int(count)).flatMap({ SHA256Stream(exported: $0) }),
            let flat = reader.rest().flatMap({ SHA256Stream(exported: $0) })
        else { return nil }
        checks = Checks(crc: CRC32(value: crc), window: window)
        self.flat = flat
    }
}

/// All digests of a file in one pass: SHA-256, pieces root with the 1 MiB layer, CRC-32, AutoV1.
///
/// On one thread `update` hashes the stream and the leaves interleaved and the rest beside them. On two threads, whole
/// units can be shared: `unitDigester` on the one, `checksDigester` on the other, both pure, then `append` their results.
public struct FileHasher: Sendable {
    private var ordered = OrderedHasher()
    private var pieces = PiecesHasher()

    /// What the first thread computed of a run of units: the whole-file SHA-256 after them, and their hashes.
    public struct UnitDigests: Sendable {
        fileprivate var flat: SHA256Stream
        fileprivate var units: [Hash32]
    }

    /// What the second thread computed of the same run: CRC-32 and AutoV1 after it.
    public struct CheckDigests: Sendable {
        fileprivate var checks: OrderedHasher.Checks
    }

    /// An empty stream.
    public init() {}

    /// Bytes absorbed so far.
    public var byteCount: UInt64 { ordered.byteCount }

    /// Absorbs the bytes.
    public mutating func update(_ buffer: UnsafeRawBufferPointer) {
        ordered.checks.update(buffer, offset: byteCount)
        pieces.update(buffer, with: &ordered.flat)
    }

    /// For the first thread: makes a function that digests whole units that follow the bytes so far. It holds no layer,
    /// so that a long layer is not copied.
    public func unitDigester() -> @Sendable (UnsafeRawBufferPointer) -> UnitDigests {
        let flat = ordered.flat
        return { buffer in
            precondition(buffer.count % MerkleTree.unitBytes == 0, "only whole units can be shared")
            var after = UnitDigests(flat: flat, units: [])
            for start in stride(from: 0, to: buffer.count, by: MerkleTree.unitBytes) {
                let unit = UnsafeRawBufferPointer(rebasing: buffer[start..<start + MerkleTree.unitBytes])
                after.units.append(PiecesHasher.unitHash(unit, size: .max, with: &after.flat))
            }
            return after
        }
    }

    /// For the second thread: makes a function that checks bytes that follow the bytes so far.
    public func checksDigester() -> @Sendable (UnsafeRawBufferPointer) -> CheckDigests {
        let checks = ordered.checks
        let offset = byteCount
        return { buffer in
            var after = checks
            after.update(buffer, offset: offset)
            return CheckDigests(checks: after)
        }
    }

    /// Takes the results of both threads for the same whole units.
    public mutating func append(_ units: UnitDigests, _ checks: CheckDigests) {
        precondition(
            units.flat.byteCount == byteCount + UInt64(units.units.count) << 20, "the units follow the bytes so far")
        ordered.flat = units.flat
        ordered.checks = checks.checks
        pieces.append(units: units.units)
    }

    /// The digests of all bytes so far.
    public func finalize() -> FileDigests {
        let (root, layer) = pieces.finalize()
        return FileDigests(
            size: byteCount, sha256: ordered.sha256, piecesRoot: root, layer: layer, crc32: ordered.crc32,
            autoV1: ordered.autoV1)
    }

    /// The digests of bytes in memory.
    public static func digests(of buffer: UnsafeRawBufferPointer) -> FileDigests {
        if buffer.count <= MerkleTree.leafBytes {
            // One leaf: its hash is the name, the hash of the unit and the root.
            var ordered = OrderedHasher()
            ordered.update(buffer)
            let hash = ordered.sha256
            return FileDigests(
                size: UInt64(buffer.count), sha256: hash, piecesRoot: hash, layer: [hash], crc32: ordered.crc32,
                autoV1: ordered.autoV1)
        }
        var hasher = FileHasher()
        hasher.update(buffer)
        return hasher.finalize()
    }

    /// The state as bytes (32 a MiB, and a few hundred), to go on with after a restart.
    public func exported() -> [UInt8] {
        let first = ordered.exported()
        return [UInt8(first.count)] + first + pieces.exported()
    }

    /// Goes on from `exported()`; nil for anything else.
    public init?(exported bytes: some Collection<UInt8>) {
        var reader = ByteReader(bytes)
        guard let count = reader.integer(UInt8.self),
            let ordered = reader.bytes(Int(count)).flatMap({ OrderedHasher(exported: $0) }),
            let pieces = reader.rest().flatMap({ PiecesHasher(exported: $0) }),
            pieces.byteCount == ordered.byteCount
        else { return nil }
        self.ordered = ordered
        self.pieces = pieces
    }
}

extension OrderedHasher {
    /// Absorbs one verify unit of a blob of `size` bytes and gives its hash for the 1 MiB layer: one interleaved pass.
    public mutating func update(unit: UnsafeRawBufferPointer, size: UInt64) -> Hash32 {
        checks.update(unit, offset: byteCount)
        guard byteCount % 64 == 0 else {
            flat.update(unit)
            return MerkleTree.unitHash(unit, size: size)
        }
        return PiecesHasher.unitHash(unit, size: size, with: &flat)
    }
}
