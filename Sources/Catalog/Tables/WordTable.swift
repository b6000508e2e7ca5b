import FoundationEssentials
import GRDB
import Statements

/// The words of all models' texts, found by how they might be mistyped.
enum WordTable {
    static let schema = """
        CREATE TABLE words (
            id INTEGER PRIMARY KEY,
            word TEXT NOT NULL UNIQUE,
            length INTEGER NOT NULL,           -- scalars
            n INTEGER NOT NULL                 -- models with the word
        );
        CREATE TABLE word_keys (
            key TEXT NOT NULL,                 -- Spelling.keys
            length INTEGER NOT NULL,
            word_id INTEGER NOT NULL,
            PRIMARY KEY (key, length, word_id)
        ) WITHOUT ROWID;
        """

    /// Lengths of words that are worth a correction, in scalars.
    static let lengths = 3...24
    /// Words that are compared with a mistyped one: those that share most of its keys.
    private static let sharing = 200
    /// Words of one key up to which it is looked at: one that very many have tells little.
    private static let sharingOfKey = 2000

    /// Known words near a mistyped one, the nearest first, then the most frequent; whoever may see them.
    static func nearest(to word: String, limit: Int, _ database: Database) throws -> [String] {
        let typed = Array(word.unicodeScalars)
        guard lengths.contains(typed.count) else { return [] }
        let distance = Spelling.distance(of: typed.count)
        var found: [(word: String, distance: Int, n: Int64)] = []
        // Those that share most are looked at letter by letter.
        for id in try sharing(Spelling.keys(typed), lengths: typed.count - distance...typed.count + distance, database)
        {
            try database.scan("SELECT word, n FROM words WHERE id = ?", [id]) { row in
                let known = String(decoding: row.bytes(0), as: UTF8.self)
                let edits = Spelling.edits(typed, Array(known.unicodeScalars))
                if edits > 0 && edits <= distance { found.append((known, edits, row.integer(1))) }
            }
        }
        let sorted = found.sorted {
            ($0.distance, -$0.n) != ($1.distance, -$1.n)
                ? ($0.distance, -$0.n) < ($1.distance, -$1.n)
                : $0.word.utf8.lexicographicallyPrecedes($1.word.utf8)
        }
        return sorted.prefix(limit).map(\.word)
    }

    /// The words that share most keys, most first, then those that came here first.
    private static func sharing(_ keys: Set<String>, lengths: ClosedRange<Int>, _ database: Database) throws -> [Int64]
    {
        var ids: [Int64] = []
        for key in keys {
            let known = ids.count
            try database.scan(
                """
                SELECT word_id FROM word_keys WHERE key = ? AND length BETWEEN ? AND ? LIMIT \(sharingOfKey + 1)
                """, [key, lengths.lowerBound, lengths.upperBound]
            ) { ids.append($0.integer(0)) }
            if ids.count - known > sharingOfKey { ids.removeSubrange(known...) }
        }
        ids.sort()
        var words: [(id: Int64, keys: Int)] = []
        for id in ids {
            if words.last?.id == id { words[words.count - 1].keys += 1 } else { words.append((id, 1)) }
        }
        words.sort { ($0.keys, $1.id) > ($1.keys, $0.id) }
        return words.prefix(sharing).map(\.id)
    }
}

/// A word compared by its bytes.
struct SearchWord: Hashable {
    let bytes: [UInt8]

    init(_ word: String) { bytes = Array(word.utf8) }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// How words resemble each other.
enum Spelling {
    /// Edits after which a word of this length is still taken for a mistyped one.
    static func distance(of length: Int) -> Int { length <= 5 ? 1 : 2 }

    /// What a word shares with its misspellings: its groups of three neighbours, ends included, and for a short word,
    /// in which one wrong letter may spoil them all, what is left without one letter.
    static func keys(_ word: [Unicode.Scalar]) -> Set<String> {
        func text(_ scalars: some Collection<Unicode.Scalar>) -> String {
            String(unsafeUninitializedCapacity: 4 * scalars.count) { bytes in
                var count = 0
                for scalar in scalars {
                    for byte in scalar.utf8 {
                        bytes[count] = byte
                        count += 1
                    }
                }
                return count
            }
        }
        var keys: Set<String> = []
        let padded = ["^"] + word + ["$"]
        for start in 0...(padded.count - 3) { keys.insert(text(padded[start..<start + 3])) }
        guard word.count <= 6 else { return keys }
        keys.insert(text(["-"] + word))
        for index in word.indices { keys.insert(text(["-"] + word[..<index] + word[(index + 1)...])) }
        return keys
    }

    /// Letters to add, drop, change or swap with a neighbour (optimal string alignment; Damerau 1964).
    static func edits(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var last = Array(0...right.count)
        var (before, line) = (last, last)
        for row in 1...left.count {
            line[0] = row
            for column in 1...right.count {
                let isSame = left[row - 1] == right[column - 1]
                line[column] = min(last[column] + 1, line[column - 1] + 1, last[column - 1] + (isSame ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    line[column] = min(line[column], before[column - 2] + 1)
                }
            }
            (before, last, line) = (last, line, before)
        }
        return last[right.count]
    }
}

extension Projection {
    /// A model's text changed.
    func countWords(of text: SearchText?, by change: Int64) {
        for word in text?.vocabulary ?? [] { wordChanges[word, default: 0] += change }
    }

    func writeWords() throws {
        // In their order, so that neighbours are written to the same pages.
        let changes = wordChanges.sorted { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }
        for (word, change) in changes where change != 0 {
            let scalars = Array(word.text.unicodeScalars)
            var (id, count): (Int64, Int64) = (0, 0)
            try database.scan(
                """
                INSERT INTO words (word, length, n) VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET n = n + excluded.n RETURNING id, n
                """, [word.text, scalars.count, change]
            ) { (id, count) = ($0.integer(0), $0.integer(1)) }
            if count == 0 {
                try database.run("DELETE FROM words WHERE id = ?", [id])
                for key in Spelling.keys(scalars) {
                    try database.run(
                        "DELETE FROM word_keys WHERE key = ? AND length = ? AND word_id = ?", [key, scalars.count, id])
                }
            } else if count == change {
                for key in Spelling.keys(scalars) {
                    try database.write(
                        "INSERT INTO word_keys (key, length, word_id) VALUES (?, ?, ?)", key, scalars.count, id)
                }
            }
        }
        wordChanges = [:]
    }
}
