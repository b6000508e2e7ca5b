import FoundationEssentials
import GRDB
import Moderation
import Statements
import WaggleProtocol

/// Full text of models, at their places: name, slug, tags, and the trained words, versions and base models of their
/// releases. Who may see a model is not in it: the bits of posting lists say that for less, see `VisibleModels`.
enum SearchTable {
    static let schema = """
        CREATE VIRTUAL TABLE models_text USING fts5 (
            name, slug, tags, words, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3 4'
        );
        """

    /// Releases of one model whose words are found.
    static let releases = 50
    /// Texts that are written at once where a catalog is filled. Each such lot is a tree of its own that every word of a
    /// query is looked up in, so lots are large.
    static let filledTexts = 100_000

    /// Bytes that the index gathers in memory before it writes a tree: FTS5's own number, or room for a lot.
    static func setWriteMemory(isFilling: Bool, _ database: Database) throws {
        try database.run(
            "INSERT INTO models_text (models_text, rank) VALUES ('hashsize', ?)", [isFilling ? 256 << 20 : 1 << 20])
    }

    /// A text without characters that nobody sees: zero-width ones, marks of direction, variation selectors and tags.
    /// A name that hides one is found by its plain spelling, and so is a plain name by a text with one.
    static func plain(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isInvisible) else { return text }
        var plain = String.UnicodeScalarView()
        plain.append(contentsOf: text.unicodeScalars.lazy.filter { !isInvisible($0) })
        return String(plain)
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value > 0x7f else { return scalar.value < 0x20 && !scalar.properties.isWhitespace }
        return scalar.properties.isDefaultIgnorableCodePoint || scalar.properties.generalCategory == .format
    }

    /// The words of a text, lower case: runs of letters and digits, marks left out.
    static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        for scalar in plain(text).lowercased().unicodeScalars {
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
                .letterNumber, .otherNumber:
                word.append(scalar)
            case .nonspacingMark, .spacingMark, .enclosingMark:
                break
            default:
                if !word.isEmpty { words.append(String(word)) }
                word = .init()
            }
        }
        if !word.isEmpty { words.append(String(word)) }
        return words
    }
}

/// What is found of one model; everything without invisible characters.
struct SearchText: Equatable {
    let name: String
    let slug: String
    let tags: String
    let words: String

    init(name: String, slug: String, tags: String, words: String) {
        self.name = SearchTable.plain(name)
        self.slug = slug
        self.tags = SearchTable.plain(tags)
        self.words = SearchTable.plain(words)
    }

    /// Words that others may have meant.
    var vocabulary: Set<SearchWord> {
        let all = [name, slug, tags, words].flatMap(SearchTable.words)
        return Set(all.filter { WordTable.lengths.contains($0.unicodeScalars.count) }.map(SearchWord.init))
    }

    static func == (left: SearchText, right: SearchText) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8) && left.slug.utf8.elementsEqual(right.slug.utf8)
            && left.tags.utf8.elementsEqual(right.tags.utf8) && left.words.utf8.elementsEqual(right.words.utf8)
    }
}

extension Projection {
    /// Writes the texts that wait, one after the other: between other statements the index would put each on the disk
    /// by itself.
    func writeTexts() throws {
        for (place, text) in searchTexts.sorted(by: { $0.key < $1.key }) { try setSearchText(text, at: place) }
        searchTexts = [:]
    }

    /// - Parameter place: of the model, see `model_owners`.
    private func setSearchText(_ text: SearchText?, at place: Int32) throws {
        let row = try database.row("SELECT name, slug, tags, words FROM models_text WHERE rowid = ?", [place])
        if let row {
            let stored = SearchText(name: row[0], slug: row[1], tags: row[2], words: row[3])
            if stored == text { return }
            countWords(of: stored, by: -1)
            try database.run("DELETE FROM models_text WHERE rowid = ?", [place])
        }
        guard let text else { return }
        countWords(of: text, by: 1)
        try database.run(
            "INSERT INTO models_text (rowid, name, slug, tags, words) VALUES (?, ?, ?, ?, ?)",
            [place, text.name, text.slug, text.tags, text.words])
    }
}
