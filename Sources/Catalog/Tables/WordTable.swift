import FoundationEssentials
import GRDB

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

    /// Known words near a mistyped one, the nearest first, then the most frequent; whoever may see them.
    static func nearest(to word: String, limit: Int, _ database: Database) throws -> [String] {
        let typed = Array(word.unicodeScalars)
        guard lengths.contains(typed.count) else { return [] }
        let distance = Spelling.distance(of: typed.count)
        // Those that share most are looked at letter by letter.
        let rows = try database.rows(
            """
            SELECT w.word, w.n FROM (
                SELECT k.word_id FROM json_each(?1) j JOIN word_keys k ON k.key = j.value
                WHERE k.length BETWEEN ?2 AND ?3 GROUP BY k.word_id ORDER BY COUNT(*) DESC LIMIT \(sharing)
            ) f JOIN words w ON w.id = f.word_id
            """,
            [Array(Spelling.keys(typed)).json, typed.count - distance, typed.count + distance])
        let found = rows.compactMap { row -> (word: String, distance: Int, n: Int64)? in
            let known: String = row[0]
            let edits = Spelling.edits(typed, Array(known.unicodeScalars))
            return edits > 0 && edits <= distance ? (known, edits, row[1]) : nil
        }
        let sorted = found.sorted {
            ($0.distance, -$0.n) != ($1.distance, -$1.n)
                ? ($0.distance, -$0.n) < ($1.distance, -$1.n)
                : $0.word.utf8.lexicographicallyPrecedes($1.word.utf8)
        }
        return sorted.prefix(limit).map(\.word)
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
        func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            return String(text)
        }
        var keys: Set<String> = []
        let padded = ["^"] + word + ["$"]
        for start in 0...(padded.count - 3) { keys.insert(text(padded[start..<start + 3])) }
        guard word.count <= 6 else { return keys }
        keys.insert("-" + text(word))
        for index in word.indices { keys.insert("-" + text(word[..<index] + word[(index + 1)...])) }
        return keys
    }

    /// Letters to add, drop, change or swap with a neighbour (optimal string alignment; Damerau 1964).
    static func edits(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var before: [Int] = []
        var last = Array(0...right.count)
        for row in 1...left.count {
            var line = [row] + Array(repeating: 0, count: right.count)
            for column in 1...right.count {
                let isSame = left[row - 1] == right[column - 1]
                line[column] = min(last[column] + 1, line[column - 1] + 1, last[column - 1] + (isSame ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    line[column] = min(line[column], before[column - 2] + 1)
                }
            }
            (before, last) = (last, line)
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
        for (word, change) in wordChanges where change != 0 {
            let scalars = Array(word.text.unicodeScalars)
            let row = try database.row(
                """
                INSERT INTO words (word, length, n) VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET n = n + excluded.n RETURNING id, n
                """, [word.text, scalars.count, change])
            guard let row, let id = row[0] as Int64?, let count = row[1] as Int64? else { continue }
            if count == 0 {
                try database.run("DELETE FROM words WHERE id = ?", [id])
                for key in Spelling.keys(scalars) {
                    try database.run(
                        "DELETE FROM word_keys WHERE key = ? AND length = ? AND word_id = ?", [key, scalars.count, id])
                }
            } else if count == change {
                for key in Spelling.keys(scalars) {
                    try database.run(
                        "INSERT INTO word_keys (key, length, word_id) VALUES (?, ?, ?)", [key, scalars.count, id])
                }
            }
        }
        wordChanges = [:]
    }
}
