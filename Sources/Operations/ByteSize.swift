/// A number of bytes as people write it: `500MB`, `1.5 GB`, `2GiB`, `1000`.
public struct ByteSize: Sendable, Hashable {
    public let bytes: UInt64

    /// Decimal units (kB, MB, GB, TB) and binary ones (KiB, MiB, GiB, TiB) in any case.
    public init?(_ text: String) {
        let plain = text.lowercased().filter { !$0.isWhitespace }
        let number = plain.prefix { $0.isNumber || $0 == "." }
        let scales: [String: Double] = [
            "": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12, "tb": 1e12,
            "kib": 1024, "mib": 1_048_576, "gib": 1_073_741_824, "tib": 1_099_511_627_776,
        ]
        guard let value = Double(number), let scale = scales[String(plain.dropFirst(number.count))],
            value >= 0, value * scale < 9e18
        else { return nil }
        bytes = UInt64(value * scale)
    }

    /// Three digits and a decimal unit: "1.23 GB".
    public static func text(_ bytes: UInt64) -> String {
        var value = Double(bytes)
        for unit in ["B", "kB", "MB", "GB", "TB"] {
            if value < 999.5 || unit == "TB" {
                let digits = unit == "B" || value >= 100 ? 0 : value >= 10 ? 1 : 2
                let scale = [1.0, 10, 100][digits]
                let rounded = (value * scale).rounded() / scale
                return (digits == 0 ? "\(Int(rounded))" : "\(rounded)") + " \(unit)"
            }
            value /= 1000
        }
        return "\(bytes) B"
    }
}
