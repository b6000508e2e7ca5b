import FoundationEssentials
import GRDB
import Statements

/// What models are filtered by: types, tags, licences, base models and file formats of their releases.
enum TermTable {
    static let schema = """
        -- How many models (for the kinds below 100), releases or images stand on a shelf.
        CREATE TABLE facets (
            kind INTEGER NOT NULL, shelf INTEGER NOT NULL, label TEXT NOT NULL, n INTEGER NOT NULL,
            value TEXT NOT NULL,               -- the label, folded
            PRIMARY KEY (kind, shelf, label)
        ) WITHOUT ROWID;
        CREATE INDEX facets_value ON facets (kind, value, shelf, label, n);
        CREATE INDEX facets_top ON facets (kind, shelf, n, label);
        """

    /// The form in which values are compared: open vocabularies are typed in any case.
    static func folded(_ value: String) -> String {
        value.lowercased().trimmingWhitespace()
    }
}

/// The numbers are in the database of this version only.
enum TermKind: Int64 {
    /// Every model; counts only.
    case all = 0
    case type = 1
    case tag = 2
    case baseModel = 3
    /// Every model that has a release.
    case released = 4
    case format = 5
    case licence = 6
    /// Every model whose author is at home here.
    case here = 7

    /// A base model and a format of one release, joined by `Term.joint`.
    case baseFormat = 8
    /// A `Permission` of the licence.
    case permission = 9
    /// The `Shelf` where a model stands.
    case shelf = 10

    /// Whether a term without a value says something.
    var isMark: Bool { self == .released || self == .here }
    /// Whether people see how many models have it.
    var isFacet: Bool { self != .baseFormat && self != .permission && self != .shelf }
    /// Counts only.
    case releases = 100
    case images = 101
}

struct Term: Hashable {
    let kind: TermKind
    let value: String
    let label: String

    init(_ kind: TermKind, _ text: String) {
        self.kind = kind
        value = TermTable.folded(text)
        // Tags have no spelling of their own; types and base models are names.
        label = kind == .tag ? value : text.trimmingWhitespace()
    }
}

extension Term {
    static func joint(base: String, format: String) -> String {
        TermTable.folded(base) + "\n" + TermTable.folded(format)
    }
}

struct Facet: Hashable {
    let kind: TermKind
    let shelf: Int64
    let label: String
}

extension Projection {
    /// Replaces the terms of a model. Of two spellings the one that sorts first is kept.
    /// - Parameters:
    ///   - pairs: folded base models and formats that one release has together.
    ///   - place: of the model, see `model_owners`.
    ///   - shelf: nil for a model that is not here.
    func setTerms(
        _ terms: [Term], pairs: [(base: String, format: String)] = [], at place: Int32, shelf: Int64?
    ) throws {
        var wanted: [TermKey: Term] = [:]
        for term in terms where !term.value.isEmpty || term.kind.isMark {
            let key = TermKey(kind: term.kind.rawValue, value: term.value)
            if let other = wanted[key], !term.label.utf8.lexicographicallyPrecedes(other.label.utf8) { continue }
            wanted[key] = term
        }
        let stored = try facets(at: place)
        let row = try facetRow(Array(wanted.values), pairs: pairs)
        try setFacets(shelf.map { StoredFacets(shelf: $0, row: row) }, at: place)
        let (old, new) = (Set(stored?.row.terms ?? []), Set(row.terms))
        for term in old.subtracting(new) { post(term, place, false) }
        for term in new.subtracting(old) { post(term, place, true) }
        let isMoved = stored?.shelf != shelf
        if isMoved {
            try stand(place, onShelf: stored?.shelf, false)
            try stand(place, onShelf: shelf, true)
        }
        // What moves is counted anew with all terms.
        if let stored {
            for term in isMoved ? old : old.subtracting(new) {
                if let kind = TermKind(rawValue: term.kind) {
                    count(kind, shelf: stored.shelf, try label(term), by: -1)
                }
            }
        }
        guard let shelf else { return }
        for term in wanted.values {
            if !isMoved, let number = try termNumber(term), old.contains(number) { continue }
            count(term.kind, shelf: shelf, term.label, by: 1)
        }
    }

    private func stand(_ place: Int32, onShelf shelf: Int64?, _ isThere: Bool) throws {
        guard let shelf else { return }
        count(.all, shelf: shelf, by: isThere ? 1 : -1)
        if let term = try termNumber(Term(.shelf, String(shelf))) { post(term, place, isThere) }
    }

    func count(_ kind: TermKind, shelf: Int64, _ label: String = "", by change: Int64) {
        guard kind.isFacet else { return }
        facetChanges[Facet(kind: kind, shelf: shelf, label: label), default: 0] += change
    }

    func writeFacets() throws {
        for (facet, change) in facetChanges where change != 0 {
            let arguments: Database.Arguments = [
                facet.kind.rawValue, facet.shelf, facet.label, change, TermTable.folded(facet.label),
            ]
            let left = try database.integer(
                """
                INSERT INTO facets (kind, shelf, label, n, value) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET n = n + excluded.n RETURNING n
                """, arguments)
            if left == 0 {
                try database.run(
                    "DELETE FROM facets WHERE kind = ? AND shelf = ? AND label = ?",
                    [facet.kind.rawValue, facet.shelf, facet.label])
            }
        }
        facetChanges = [:]
    }
}

/// Values are compared by their bytes, as SQLite does.
private struct TermKey: Hashable {
    let kind: Int64
    let value: [UInt8]

    init(kind: Int64, value: String) {
        self.kind = kind
        self.value = Array(value.utf8)
    }
}

extension String {
    fileprivate func trimmingWhitespace() -> String {
        let start = drop(while: \.isWhitespace)
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...end])
    }
}
