import FoundationEssentials
import GRDB
import Moderation
import WaggleProtocol

/// What people type into the search field: words, "phrases", and -excluded words and phrases. Everything else is a gap
/// between words, so no text is wrong and no operator of the search language can be typed.
struct SearchExpression {
    struct Part: Hashable {
        /// Letters and digits only.
        var words: [String]
        var isPhrase = false
        var isExcluded = false
    }

    private(set) var parts: [Part] = []

    /// Reads at most `Limits.Text.searchBytes` of the text, and `Limits.Catalog.searchWords` words.
    init(_ text: String) {
        // A character that the limit cuts reads as a gap.
        let text = String(decoding: text.utf8.prefix(Limits.Text.searchBytes), as: UTF8.self)
        var part = ""
        var (isPhrase, isExcluded, isStart) = (false, false, true)
        func end() {
            add(part, isPhrase: isPhrase, isExcluded: isExcluded)
            (part, isExcluded, isStart) = ("", false, true)
        }
        for character in SearchTable.plain(text).unicodeScalars {
            if Self.isQuote(character) {
                let wasExcluded = isExcluded && part.isEmpty
                end()
                isPhrase.toggle()
                isExcluded = isPhrase && wasExcluded
            } else if !isPhrase, character.properties.isWhitespace {
                end()
            } else if !isPhrase, isStart, character == "-" {
                isExcluded = true
            } else {
                part.unicodeScalars.append(character)
                isStart = false
            }
        }
        end()
    }

    private static func isQuote(_ character: Unicode.Scalar) -> Bool {
        ["\"", "\u{201C}", "\u{201D}", "\u{201E}", "\u{00AB}", "\u{00BB}"].contains(character)
    }

    private mutating func add(_ text: String, isPhrase: Bool, isExcluded: Bool) {
        let room = Limits.Catalog.searchWords - parts.reduce(0) { $0 + $1.words.count }
        let words = Array(SearchTable.words(text).prefix(room))
        guard !words.isEmpty else { return }
        // An excluded text of several words without a gap, such as "-sci-fi", is meant as it is written.
        if isPhrase || isExcluded {
            parts.append(Part(words: words, isPhrase: isPhrase || words.count > 1, isExcluded: isExcluded))
        } else {
            parts += words.map { Part(words: [$0]) }
        }
    }

    /// The text that reads as this expression.
    var text: String {
        parts.map { part in
            let words = part.words.joined(separator: " ")
            return (part.isExcluded ? "-" : "") + (part.isPhrase ? "\"\(words)\"" : words)
        }.joined(separator: " ")
    }

    /// Replaces a word that was typed by itself.
    mutating func replace(_ index: Int, by word: String) {
        parts[index].words = [word]
    }

    /// An expression of FTS5: what a text has, or, because FTS5 finds nothing by what a text lacks alone, what it lacks.
    enum Match: Hashable {
        case having(String)
        case lacking(String)
    }

    /// Finds it in the texts of models, whoever may see them; nil when there is nothing to find.
    var match: Match? {
        guard !parts.isEmpty else { return nil }
        guard let wanted else { return unwanted.map(Match.lacking) }
        return .having(unwanted.map { "(\(wanted)) NOT (\($0))" } ?? wanted)
    }

    /// Finds it in the texts of collections, articles or workflows on the viewer's shelves; nil when nothing can match.
    /// Shelf and kind are words of that index, so that others cost no place among the matches.
    func query(_ filter: ViewerFilter, kind: PostKind) -> String? {
        let shelves = filter.shelves.map { Self.word(shelf: $0) }
        guard !parts.isEmpty, !shelves.isEmpty else { return nil }
        let columns = "{name tags}"
        var query = "shelf : (\(shelves.joined(separator: " OR "))) AND kind : \(Self.word(kind))"
        if let wanted { query += " AND \(columns) : (\(wanted))" }
        if let unwanted { query = "(\(query)) NOT \(columns) : (\(unwanted))" }
        return query
    }

    private var wanted: String? {
        let wanted = parts.filter { !$0.isExcluded }.map(Self.phrase)
        return wanted.isEmpty ? nil : wanted.joined(separator: " AND ")
    }

    private var unwanted: String? {
        let unwanted = parts.filter(\.isExcluded).map(Self.phrase)
        return unwanted.isEmpty ? nil : unwanted.joined(separator: " OR ")
    }

    /// A shelf as a word of an index.
    static func word(shelf: Int64) -> String { "s\(shelf)" }

    /// A kind of posts as a word of an index.
    static func word(_ kind: PostKind) -> String { "k\(kind.rawValue)" }

    /// Words hold letters and digits only, so they cannot leave their quotes. A word is found as typed so far, but one
    /// letter only by itself; what is excluded is whole words.
    private static func phrase(_ part: Part) -> String {
        let isPrefix = !part.isPhrase && !part.isExcluded && part.words[0].unicodeScalars.count > 1
        return "\"\(part.words.joined(separator: " "))\"" + (isPrefix ? "*" : "")
    }
}

extension SearchExpression {
    /// Words that are tried in the place of one that nothing has.
    private static let candidates = 20

    /// The same with the nearest known words in the place of those that no model on the viewer's shelves has; nil when
    /// there is nothing to replace, or nothing near.
    func corrected(_ filter: ViewerFilter, _ database: Database) throws -> SearchExpression? {
        var corrected = self
        var isChanged = false
        var visible = VisibleModels(filter, database)
        for (index, part) in parts.enumerated() where !part.isPhrase && !part.isExcluded {
            if try isKnown(part, &visible) { continue }
            let near = try WordTable.nearest(to: part.words[0], limit: Self.candidates, database)
            // The list of words holds those of all shelves.
            guard let word = try near.first(where: { try isKnown(Part(words: [$0]), &visible) }) else {
                return nil
            }
            corrected.replace(index, by: word)
            isChanged = true
        }
        return isChanged ? corrected : nil
    }

    private func isKnown(_ part: Part, _ visible: inout VisibleModels) throws -> Bool {
        try !visible.matches(Self.phrase(part), limit: 1).isEmpty
    }
}
