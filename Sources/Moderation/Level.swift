/// A content level. The raw values are bits, as on Civitai; an item has one, a set of items has the OR of them.
public enum Level: UInt32, CaseIterable, Comparable, Sendable {
    case pg = 1
    case pg13 = 2
    case r = 4
    case x = 8
    case xxx = 16
    case blocked = 32

    /// The words that people type and read: "PG", "PG-13", "R", "X", "XXX", "Blocked".
    public var word: String {
        switch self {
        case .pg: "PG"
        case .pg13: "PG-13"
        case .r: "R"
        case .x: "X"
        case .xxx: "XXX"
        case .blocked: "Blocked"
        }
    }

    /// The words of the levels that something may be published at, or be filtered by, mildest first.
    public static var words: [String] { allCases.filter { $0 < .blocked }.map(\.word) }

    /// Reads the words in any case, with or without the dash.
    public init?(word: String) {
        let plain = word.lowercased().filter { $0 != "-" }
        guard let level = Level.allCases.first(where: { $0.word.lowercased().filter { $0 != "-" } == plain }) else {
            return nil
        }
        self = level
    }

    /// What a post says of an item. Nothing said counts as XXX: an author who leaves the level out must not reach more
    /// people than one who tells the truth.
    public init(declared: UInt32) {
        self = Level(rawValue: declared) ?? .xxx
    }

    public static func < (left: Level, right: Level) -> Bool {
        left.rawValue < right.rawValue
    }

    /// The bits of this level and all milder ones.
    public var upTo: UInt32 { (rawValue << 1) - 1 }
}
