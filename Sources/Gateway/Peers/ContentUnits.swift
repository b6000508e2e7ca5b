import WaggleProtocol

/// The whole units that a `Content-Range` covers.
struct ContentUnits: Hashable, Sendable {
    let units: Range<Int>
    let byteCount: Int

    /// Reads `bytes FIRST-LAST/SIZE`; nil unless the size is right, and first and last are ends of units that may come at
    /// once.
    init?(_ field: String?, size: UInt64) {
        guard let field, let match = field.wholeMatch(of: #/bytes (\d{1,19})-(\d{1,19})/(\d{1,19})/#),
            let first = UInt64(match.1), let last = UInt64(match.2), UInt64(match.3) == size, first <= last, last < size
        else { return nil }
        let unit = UInt64(Limits.Blob.unitBytes)
        guard first % unit == 0, (last + 1) % unit == 0 || last + 1 == size else { return nil }
        let count = Int((last - first) / unit) + 1
        guard count <= Limits.Wire.uploadUnits else { return nil }
        units = Int(first / unit)..<Int(first / unit) + count
        byteCount = Int(last + 1 - first)
    }
}
