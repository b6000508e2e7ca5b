/// The place of a tile below a log's address (C2SP tlog-tiles): `tile/0/x001/067`, `tile/entries/000.p/12`.
public struct LogTilePath: Hashable, Sendable {
    /// Nil for a bundle of entries.
    public let level: Int?
    public let index: UInt64
    /// Hashes or entries in it: 256, or fewer in the last one.
    public let width: Int

    public init(level: Int?, index: UInt64, width: Int = LogTree.tileHashes) {
        self.level = level
        self.index = index
        self.width = width
    }

    /// Reads what follows `tile/`, in its only form.
    public init?(_ text: some StringProtocol) {
        var parts = String(text).split(separator: Character("/"), omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 2, parts.count <= 10 else { return nil }
        let first = parts.removeFirst()
        if first == "entries" {
            level = nil
        } else {
            guard let number = Int(first), (0...63).contains(number), String(number) == first else { return nil }
            level = number
        }
        var width = LogTree.tileHashes
        if parts.count >= 2, parts[parts.count - 2].hasSuffix(".p") {
            guard let number = Int(parts[parts.count - 1]), (1..<LogTree.tileHashes).contains(number),
                String(number) == parts[parts.count - 1]
            else { return nil }
            width = number
            parts.removeLast()
            parts[parts.count - 1].removeLast(2)
        }
        var index: UInt64 = 0
        for (place, part) in parts.enumerated() {
            let isLast = place == parts.count - 1
            guard part.hasPrefix("x") == !isLast else { return nil }
            let digits = isLast ? part[...] : part.dropFirst()
            guard digits.utf8.count == 3, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = UInt64(digits), index <= UInt64(Int64.max) / 1000 - 1
            else { return nil }
            index = index * 1000 + number
        }
        guard parts.count == 1 || index >= 1000, Self.groups(index).count == parts.count else { return nil }
        self.index = index
        self.width = width
    }

    public var text: String {
        let groups = Self.groups(index)
        let path = groups.enumerated().map { place, group in
            (place == groups.count - 1 ? "" : "x") + group
        }.joined(separator: "/")
        let kind = level.map { "\($0)" } ?? "entries"
        return "\(kind)/\(path)" + (width == LogTree.tileHashes ? "" : ".p/\(width)")
    }

    private static func groups(_ index: UInt64) -> [String] {
        var (rest, groups) = (index, [String]())
        repeat {
            let digits = String(rest % 1000)
            groups.insert(String(repeating: "0", count: 3 - digits.count) + digits, at: 0)
            rest /= 1000
        } while rest > 0
        return groups
    }
}
