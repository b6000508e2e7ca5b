import FoundationEssentials
import GRDB
import Moderation
import WaggleProtocol

/// Full text of models: name, slug, tags, and the trained words, versions and base models of their releases.
enum SearchTable {
    static let schema = """
        CREATE VIRTUAL TABLE models_text USING fts5 (
            shelf, name, slug, tags, words, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
        );
        """

    /// Releases of one model whose words are found.
    static let releases = 50

    /// An FTS5 expression that finds models with all the words, each as typed so far, on the viewer's shelves only; nil
    /// when there is no word. The shelf is a word of the index, so that what is hidden costs no place among the matches.
    static func expression(_ text: String, _ filter: ViewerFilter) -> String? {
        let words = String(decoding: text.utf8.prefix(Limits.Text.searchBytes), as: UTF8.self)
            .split { !$0.isLetter && !$0.isNumber }
            .prefix(Limits.Catalog.searchWords)
        let shelves = filter.shelves.map { "s\($0)" }
        guard !words.isEmpty, !shelves.isEmpty else { return nil }
        // Words hold letters and digits only, so they cannot leave their quotes.
        let phrases = words.map { $0.count > 1 ? "\"\($0)\"*" : "\"\($0)\"" }
        return "shelf : (\(shelves.joined(separator: " OR "))) AND {name slug tags words} : "
            + "(\(phrases.joined(separator: " AND ")))"
    }
}

struct SearchText: Equatable {
    let shelf: Int64
    let name: String
    let slug: String
    let tags: String
    let words: String
}

extension Projection {
    func setSearchText(_ text: SearchText?, ofModel id: Int32) throws {
        let row = try database.row("SELECT shelf, name, slug, tags, words FROM models_text WHERE rowid = ?", [id])
        if let row {
            let stored = SearchText(
                shelf: Int64((row[0] as String).dropFirst()) ?? 0, name: row[1], slug: row[2], tags: row[3],
                words: row[4])
            if stored == text { return }
            try database.run("DELETE FROM models_text WHERE rowid = ?", [id])
        }
        guard let text else { return }
        try database.run(
            "INSERT INTO models_text (rowid, shelf, name, slug, tags, words) VALUES (?, ?, ?, ?, ?, ?)",
            [id, "s\(text.shelf)", text.name, text.slug, text.tags, text.words])
    }
}
