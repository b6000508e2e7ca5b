import GRDB
import Moderation
import Statements

/// The models on a viewer's shelves, of which only those blocks are read that somebody asks about: who looks at the last
/// few thousand models pays for these, however many there are.
struct VisibleModels {
    private let database: Database
    private let shelves: String
    private var blocks: [Int32: PostingBlock] = [:]

    init(_ filter: ViewerFilter, _ database: Database) {
        self.database = database
        shelves = filter.shelves.map(String.init).json
    }

    mutating func contains(_ place: Int32) throws -> Bool {
        let number = place / PostingBlock.size
        return try (blocks[number] ?? read(number))[Int(place % PostingBlock.size)]
    }

    private mutating func read(_ number: Int32) throws -> PostingBlock {
        var block = PostingBlock()
        try database.scan(
            """
            SELECT p.models FROM json_each(?) j CROSS JOIN term_names n ON n.kind = ? AND n.value = j.value
            CROSS JOIN postings p ON p.term = (n.id << 4 | n.kind) AND p.block = ?
            """, [shelves, TermKind.shelf.rawValue, number]
        ) { block.formUnion(PostingBlock($0.bytes(0))) }
        blocks[number] = block
        return block
    }

    /// Places of models whose text an expression of FTS5 matches: those that came here last, at most so many, downwards.
    mutating func matches(_ expression: String, limit: Int) throws -> [Int32] {
        var places: [Int32] = []
        try database.walk(
            "SELECT rowid FROM models_text WHERE models_text MATCH ? ORDER BY rowid DESC", [expression]
        ) { row in
            let place = Int32(truncatingIfNeeded: row.integer(0))
            if try contains(place) { places.append(place) }
            return places.count < limit
        }
        return places
    }
}
