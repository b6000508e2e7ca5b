/// How fast bytes come in: the mean of the last ten seconds, or of the time since the first when that is shorter.
struct TransferRate: Sendable {
    private static let window: UInt64 = 10
    private var began: UInt64?
    private var recent: [UInt64: UInt64] = [:]

    /// Bytes came.
    ///
    /// - Parameter second: the Unix second.
    mutating func add(_ bytes: UInt64, at second: UInt64) {
        began = began ?? second
        recent[second, default: 0] += bytes
        if recent.count > Int(Self.window) + 2 { recent = recent.filter { $0.key + Self.window >= second } }
    }

    /// Bytes a second; 0 when nothing came lately.
    func bytesPerSecond(at second: UInt64) -> UInt64 {
        guard let began else { return 0 }
        let bytes = recent.filter { $0.key + Self.window > second }.values.reduce(0, +)
        return bytes / min(Self.window, max(1, second - min(second, began) + 1))
    }
}
