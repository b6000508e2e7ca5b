/// A span of time as people type it: "30d", "12h", "90m", "2w".
public struct TimeSpan: Sendable, Hashable {
    public let seconds: UInt64

    /// Nil for anything else, for nothing, and for more than a hundred years.
    public init?(_ text: String) {
        let units: [Character: UInt64] = ["s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400]
        guard let letter = text.last, let unit = units[letter], let number = UInt64(text.dropLast()), number > 0,
            number <= 100 * 365 * 86400 / unit
        else { return nil }
        seconds = number * unit
    }
}
