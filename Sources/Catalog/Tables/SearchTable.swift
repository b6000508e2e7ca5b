import FoundationEssentials
import GRDB
import Moderation
import WaggleProtocol

/// Full text of models, at their places: name, slug, tags, and the trained words, versions and base models of their releases.
enum SearchTable {
    static let schema = """
        CREATE VIRTUAL TABLE models_text USING fts5 (
            shelf, name, slug, tags, words, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
        );
        """

    /// Releases of one model whose words are found.
    static let releases = 50

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
    let shelf: Int64
    let name: String
    let slug: String
    let tags: String
    let words: String

    init(shelf: Int64, name: String, slug: String, tags: String, words: String) {
        self.shelf = shelf
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
        left.shelf == right.shelf && left.name.utf8.elementsEqual(right.name.utf8)
            && left.slug.utf8.elementsEqual(right.slug.utf8) && left.tags.utf8.elementsEqual(right.tags.utf8)
            && left.words.utf8.elementsEqual(right.words.utf8)
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
        let row = try database.row("SELECT shelf, name, slug, tags, words FROM models_text WHERE rowid = ?", [place])
        if let row {
            let stored = SearchText(
                shelf: Int64((row[0] as String).dropFirst()) ?? 0, name: row[1], slug: row[2], tags: row[3],
                words: row[4])
            if stored == text { return }
            countWords(of: stored, by: -1)
            try database.run("DELETE FROM models_text WHERE rowid = ?", [place])
        }
        guard let text else { return }
        countWords(of: text, by: 1)
        try database.run(
            "INSERT INTO models_text (rowid, shelf, name, slug, tags, words) VALUES (?, ?, ?, ?, ?, ?)",
            [place, SearchExpression.word(shelf: text.shelf), text.name, text.slug, text.tags, text.words])
    }
}
