import Digests
import PostLog

/// The constants of Negentropy version 1.
enum NegentropyWire {
    static let version: UInt8 = 0x61
    static let versions: ClosedRange<UInt8> = 0x60...0x6f
    static let idBytes = 32
    static let fingerprintBytes = 16
    /// What a frame keeps free for a skip, a cut bound and the closing fingerprint.
    static let frameMargin = 200
    static let smallestFrame = 4096

    enum Mode: UInt64 {
        case skip = 0
        case fingerprint = 1
        case idList = 2
    }
}

/// The exclusive upper end of a range: a time and the first bytes of an id, the rest of which counts as zeros.
struct NegentropyBound: Equatable {
    /// The bound as a record, to compare records with.
    let record: ReconciliationRecord
    let prefixBytes: Int

    static let infinity = NegentropyBound(
        record: ReconciliationRecord(created: .max, id: .zero), prefixBytes: 0)

    /// The bound right at `record`.
    init(at record: ReconciliationRecord) {
        self.init(record: record, prefixBytes: NegentropyWire.idBytes)
    }

    init(record: ReconciliationRecord, prefixBytes: Int) {
        self.record = record
        self.prefixBytes = prefixBytes
    }

    /// The shortest bound above `left` and not above `right`, for neighbours `left` < `right`.
    init(between left: ReconciliationRecord, and right: ReconciliationRecord) {
        guard left.created == right.created else {
            self.init(record: ReconciliationRecord(created: right.created, id: .zero), prefixBytes: 0)
            return
        }
        let bytes = right.id.bytes
        let shared = zip(left.id.bytes, bytes).prefix { $0 == $1 }.count
        let kept = min(shared + 1, NegentropyWire.idBytes)
        let prefix = bytes[..<kept] + repeatElement(0, count: NegentropyWire.idBytes - kept)
        self.init(
            record: ReconciliationRecord(created: right.created, id: Hash32(prefix) ?? right.id), prefixBytes: kept)
    }
}

/// One range of a message as read. The lower bound is the upper bound of the range before it.
struct NegentropyRange {
    enum Payload {
        case skip
        case fingerprint(NegentropyFingerprint)
        case ids([Hash32])
    }

    let upper: NegentropyBound
    let payload: Payload
}

/// Reads the ranges of a message, whose version byte was read already.
struct NegentropyReader {
    private var rest: ArraySlice<UInt8>
    private var bound = NegentropyBound(record: ReconciliationRecord(created: 0, id: .zero), prefixBytes: 0)
    private var rangesLeft: Int
    private let rangeLimit: Int

    init(_ ranges: ArraySlice<UInt8>, rangeLimit: Int) {
        rest = ranges
        rangesLeft = rangeLimit
        self.rangeLimit = rangeLimit
    }

    /// Nil at the end of the message.
    mutating func next() throws(NegentropyError) -> NegentropyRange? {
        guard !rest.isEmpty else { return nil }
        guard rangesLeft > 0 else { throw .tooManyRanges(limit: rangeLimit) }
        rangesLeft -= 1
        let upper = try readBound()
        let mode = try number()
        switch NegentropyWire.Mode(rawValue: mode) {
        case .skip:
            return NegentropyRange(upper: upper, payload: .skip)
        case .fingerprint:
            let bytes = try take(NegentropyWire.fingerprintBytes)
            return NegentropyRange(upper: upper, payload: .fingerprint(NegentropyFingerprint(bytes: bytes)))
        case .idList:
            let count = try number()
            guard count <= UInt64(rest.count / NegentropyWire.idBytes) else { throw .truncated }
            let bytes = try take(Int(count) * NegentropyWire.idBytes)
            return NegentropyRange(upper: upper, payload: .ids(Self.ids(bytes)))
        case nil:
            throw .unknownMode(mode)
        }
    }

    private mutating func readBound() throws(NegentropyError) -> NegentropyBound {
        let delta = try number()
        let length = try number()
        guard length <= UInt64(NegentropyWire.idBytes) else { throw .malformedBound }
        let prefix = try take(Int(length))
        let id = Hash32(prefix + repeatElement(0, count: NegentropyWire.idBytes - prefix.count))
        guard let id else { throw .malformedBound }

        // Zero is infinity; times count from the bound before; what overflows is infinity too.
        let (sum, overflow) = bound.record.created.addingReportingOverflow(delta &- 1)
        let created = delta == 0 || overflow ? UInt64.max : sum
        let next = NegentropyBound(record: ReconciliationRecord(created: created, id: id), prefixBytes: prefix.count)
        guard created != .max || prefix.isEmpty else { throw .malformedBound }
        guard next.record >= bound.record else { throw .boundsDescend }
        bound = next
        return next
    }

    /// Base 128, most significant digit first, the high bit on all digits but the last.
    private mutating func number() throws(NegentropyError) -> UInt64 {
        var value: UInt64 = 0
        var isFirst = true
        while let byte = rest.popFirst() {
            guard !isFirst || byte != 0x80, value >> 57 == 0 else { throw .malformedNumber }
            value = value << 7 | UInt64(byte & 0x7f)
            guard byte & 0x80 != 0 else { return value }
            isFirst = false
        }
        throw .truncated
    }

    private mutating func take(_ count: Int) throws(NegentropyError) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw .truncated }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private static func ids(_ bytes: ArraySlice<UInt8>) -> [Hash32] {
        bytes.withUnsafeBytes { buffer in
            stride(from: 0, to: buffer.count, by: NegentropyWire.idBytes).map { start in
                Hash32(copying: UnsafeRawBufferPointer(rebasing: buffer[start..<start + NegentropyWire.idBytes]))
            }
        }
    }
}

/// Writes a message. A range that turns out not to fit can be taken back.
struct NegentropyWriter {
    private(set) var bytes = [NegentropyWire.version]
    private(set) var ranges = 0
    private var created: UInt64 = 0

    mutating func skip(to upper: NegentropyBound) {
        range(to: upper, .skip)
    }

    mutating func fingerprint(_ fingerprint: NegentropyFingerprint, to upper: NegentropyBound) {
        range(to: upper, .fingerprint)
        fingerprint.append(to: &bytes)
    }

    /// The ids of `set` at `ranks`.
    mutating func ids(of set: some ReconciliationSet, _ ranks: Range<Int>, to upper: NegentropyBound) {
        range(to: upper, .idList)
        Self.append(UInt64(ranks.count), to: &bytes)
        bytes.reserveCapacity(bytes.count + ranks.count * NegentropyWire.idBytes)
        set.forEachID(in: ranks) { id in
            id.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
    }

    private mutating func range(to upper: NegentropyBound, _ mode: NegentropyWire.Mode) {
        ranges += 1
        if upper.record.created == .max {
            Self.append(0, to: &bytes)
        } else {
            // Below infinity, and not below the bound before: neither step can overflow.
            Self.append(upper.record.created - created + 1, to: &bytes)
        }
        created = upper.record.created
        Self.append(UInt64(upper.prefixBytes), to: &bytes)
        upper.record.id.withUnsafeBytes { bytes.append(contentsOf: $0.prefix(upper.prefixBytes)) }
        Self.append(mode.rawValue, to: &bytes)
    }

    static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        let digits = max(1, (64 - number.leadingZeroBitCount + 6) / 7)
        for digit in (1..<digits).reversed() {
            bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(7 * digit)) | 0x80)
        }
        bytes.append(UInt8(number & 0x7f))
    }

    /// A point to return to.
    struct Mark {
        fileprivate let bytes: Int
        fileprivate let ranges: Int
        fileprivate let created: UInt64
    }

    var mark: Mark { Mark(bytes: bytes.count, ranges: ranges, created: created) }

    mutating func takeBack(to mark: Mark) {
        bytes.removeSubrange(mark.bytes...)
        ranges = mark.ranges
        created = mark.created
    }
}
