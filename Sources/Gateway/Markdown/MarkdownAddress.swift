import WaggleProtocol

/// Addresses that links of strangers may have.
enum MarkdownAddress {
    /// An http or https address with a host; nil for any other scheme, for addresses with a name before the host (which
    /// are made to look like another host), and for characters that no address has.
    static func allowed(_ bytes: some Collection<UInt8>) -> String? {
        guard bytes.count <= Limits.Wire.urlBytes, bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        let lower = text.prefix(8).lowercased()
        let scheme = lower.hasPrefix("https://") ? 8 : lower.hasPrefix("http://") ? 7 : 0
        guard scheme > 0, !text.contains(where: { "\"<>\\^`{|}".contains($0) }) else { return nil }
        let host = text.dropFirst(scheme).prefix { !"/?#".contains($0) }
        guard let first = host.first, first.isLetter || first.isNumber || first == "[", !host.contains("@") else {
            return nil
        }
        return text
    }

    /// Reads what stands between the parentheses of a link.
    ///
    /// - Parameter start: after the opening parenthesis.
    /// - Returns: the address, nil when it is none that is allowed, and the place after the closing parenthesis; nil when
    ///   there is no link.
    static func target(_ source: [UInt8], from start: Int) -> (address: String?, end: Int)? {
        let limit = min(source.count, start + Limits.Wire.urlBytes + 256)
        var place = start
        var depth = 0
        var end: Int?
        while place < limit {
            switch source[place] {
            case UInt8(ascii: "\n"): return nil
            case UInt8(ascii: " "): end = end ?? place
            case UInt8(ascii: "("):
                depth += 1
                if depth > 8 { return nil }
            case UInt8(ascii: ")") where depth > 0: depth -= 1
            case UInt8(ascii: ")"):
                var bytes = source[start..<(end ?? place)]
                if bytes.first == UInt8(ascii: "<"), bytes.last == UInt8(ascii: ">") {
                    bytes = bytes.dropFirst().dropLast()
                }
                return (allowed(bytes), place + 1)
            default: break
            }
            place += 1
        }
        return nil
    }

    /// Where an address that stands in a text ends: before a space, and before the punctuation of the sentence.
    static func bareEnd(_ source: [UInt8], from start: Int) -> Int? {
        let head = source[start...].prefix(8).map { $0 | 0x20 }
        guard head.starts(with: scheme + slashes) || head == scheme + [UInt8(ascii: "s")] + slashes else { return nil }
        let limit = min(source.count, start + Limits.Wire.urlBytes)
        var address = source[start..<limit].prefix { $0 > 0x20 && !"<>\"`*[]\\".utf8.contains($0) }
        // A closing parenthesis belongs to the text unless the address opens it.
        var excess = address.reduce(0) { $0 + ($1 == UInt8(ascii: ")") ? 1 : $1 == UInt8(ascii: "(") ? -1 : 0) }
        while let last = address.last {
            if last == UInt8(ascii: ")"), excess > 0 {
                excess -= 1
            } else if !".,;:!?'_".utf8.contains(last) {
                break
            }
            address.removeLast()
        }
        return address.endIndex
    }

    private static let scheme = Array("http".utf8)
    /// As they read with the bit for lower case set.
    private static let slashes = Array("://".utf8).map { $0 | 0x20 }
}
