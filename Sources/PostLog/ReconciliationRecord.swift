public import Digests

/// What two nodes compare of a post: when it was made and its name.
///
/// Ordered by (`created`, `id` bytewise), which is the order of Negentropy v1. Seconds, not milliseconds: some
/// implementations of Negentropy break on time differences of 2³¹ and more.
public struct ReconciliationRecord: Hashable, Comparable, Sendable {
    /// Unix seconds. `UInt64.max` means infinity in Negentropy and is the time of no record.
    public let created: UInt64
    public let id: Hash32

    @inlinable
    public init(created: UInt64, id: Hash32) {
        self.created = created
        self.id = id
    }

    @inlinable
    public static func < (left: ReconciliationRecord, right: ReconciliationRecord) -> Bool {
        left.created == right.created ? left.id < right.id : left.created < right.created
    }
}

/// A sum of ids, each read as a 256-bit little-endian number, modulo 2²⁵⁶.
///
/// It does not depend on the order of its terms, and a term can be taken out again: that is what makes the fingerprint of
/// any range of a sorted set a difference of two prefix sums.
public struct ReconciliationSum: Hashable, Sendable {
    private var low: UInt128
    private var high: UInt128

    private init(low: UInt128, high: UInt128) {
        self.low = low
        self.high = high
    }

    public static let zero = ReconciliationSum(low: 0, high: 0)

    /// The one id as a number.
    public init(_ id: Hash32) {
        let words = id.words
        low = UInt128(words.1.byteSwapped) << 64 | UInt128(words.0.byteSwapped)
        high = UInt128(words.3.byteSwapped) << 64 | UInt128(words.2.byteSwapped)
    }

    public static func += (sum: inout ReconciliationSum, other: ReconciliationSum) {
        let (low, carry) = sum.low.addingReportingOverflow(other.low)
        sum.low = low
        sum.high = sum.high &+ other.high &+ (carry ? 1 : 0)
    }

    public static func -= (sum: inout ReconciliationSum, other: ReconciliationSum) {
        let (low, borrow) = sum.low.subtractingReportingOverflow(other.low)
        sum.low = low
        sum.high = sum.high &- other.high &- (borrow ? 1 : 0)
    }

    public static func += (sum: inout ReconciliationSum, id: Hash32) {
        sum += ReconciliationSum(id)
    }

    public static func -= (sum: inout ReconciliationSum, id: Hash32) {
        sum -= ReconciliationSum(id)
    }

    /// Calls `body` with the 32 bytes of the number, least significant first.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        var little = (low.littleEndian, high.littleEndian)
        return try Swift.withUnsafeBytes(of: &little) { try body($0) }
    }
}
