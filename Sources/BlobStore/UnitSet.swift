public import FoundationEssentials

/// A set of verify units of one blob, as a bitmap: unit n is bit n % 8 (the lowest first) of byte n / 8.
public struct UnitSet: Hashable, Sendable {
    private var bytes: [UInt8]
    /// Units of the blob.
    public let capacity: Int
    /// Units in the set.
    public private(set) var count: Int

    /// The empty set of a blob with so many units.
    public init(capacity: Int) {
        self.capacity = capacity
        bytes = [UInt8](repeating: 0, count: (capacity + 7) / 8)
        count = 0
    }

    /// Reads a bitmap; bytes too few count as zero, bits beyond the last unit are ignored.
    public init(_ data: Data, count capacity: Int) {
        self.init(capacity: capacity)
        for (index, byte) in data.prefix(bytes.count).enumerated() {
            for bit in 0..<8 where byte >> UInt8(bit) & 1 == 1 && index * 8 + bit < capacity {
                insert(index * 8 + bit)
            }
        }
    }

    /// The bitmap.
    public var data: Data { Data(bytes) }

    /// Whether all units are in the set.
    public var isFull: Bool { count == capacity }

    /// Whether the unit is in the set.
    public func contains(_ unit: Int) -> Bool {
        unit >= 0 && unit < capacity && bytes[unit / 8] >> UInt8(unit % 8) & 1 == 1
    }

    /// Whether all units of the range are in the set.
    public func contains(_ units: Range<Int>) -> Bool {
        units.allSatisfy { contains($0) }
    }

    /// Adds a unit of the blob.
    public mutating func insert(_ unit: Int) {
        precondition(unit >= 0 && unit < capacity, "a unit of the blob")
        guard !contains(unit) else { return }
        bytes[unit / 8] |= 1 << UInt8(unit % 8)
        count += 1
    }

    /// The runs of units that are not in the set, in order.
    public var missing: [Range<Int>] {
        var runs: [Range<Int>] = []
        var unit = 0
        while unit < capacity {
            guard !contains(unit) else {
                unit += 1
                continue
            }
            let start = unit
            while unit < capacity && !contains(unit) { unit += 1 }
            runs.append(start..<unit)
        }
        return runs
    }
}
