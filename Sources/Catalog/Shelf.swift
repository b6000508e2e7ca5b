import Moderation

/// Where an item stands in the tables: the bit of its level, plus 64 when moderation hides it here.
///
/// One small integer, so that every list has one index for every viewer: a list is the ordered merge of the shelves
/// that the viewer may see, and costs the same however much stands on the others.
enum Shelf {
    static let hidden: Int64 = 64

    static func number(_ level: Level, isHidden: Bool) -> Int64 {
        Int64(level.rawValue) | (isHidden ? hidden : 0)
    }

    static func level(_ shelf: Int64) -> Level {
        Level(declared: UInt32(truncatingIfNeeded: shelf & (hidden - 1)))
    }

    /// A shelf as a set of one, for what stands on several: the bit of its level, six places higher when hidden.
    static func set(_ shelf: Int64) -> Int64 {
        shelf < hidden ? shelf : (shelf & (hidden - 1)) << 6
    }
}

extension ViewerFilter {
    /// The shelves that the viewer may see, mildest first.
    var shelves: [Int64] {
        let open = Level.allCases.filter(contains).map { Shelf.number($0, isHidden: false) }
        return seesHidden ? open + open.map { $0 | Shelf.hidden } : open
    }

    /// The same as a set, in the form of `Shelf.set`.
    var shelfSet: Int64 {
        shelves.reduce(0) { $0 | Shelf.set($1) }
    }

    /// The same as a list for SQL: `(1, 2, 4)`.
    var shelfList: String {
        "(" + shelves.map(String.init).joined(separator: ", ") + ")"
    }
}
