import FoundationEssentials
import GRDB

/// What models are filtered by: types, tags, licences, base models and file formats of their releases.
enum TermTable {
    static let schema = """
        CREATE TABLE model_terms (
            model_id INTEGER NOT NULL,
            kind INTEGER NOT NULL,             -- TermKind
            value TEXT NOT NULL,               -- folded: what queries compare
            label TEXT NOT NULL,               -- as written: what people see
            shelf INTEGER NOT NULL,
            published INTEGER NOT NULL,
            tie INTEGER NOT NULL,
            marks INTEGER NOT NULL,            -- TermMarks of all terms of the model
            PRIMARY KEY (model_id, kind, value)
        ) WITHOUT ROWID;
        CREATE INDEX model_terms_walk ON model_terms (kind, value, shelf, published, tie, model_id, marks);
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
    /// Every model.
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

    /// Whether a term without a value says something.
    var isMark: Bool { self == .all || self == .released || self == .here }
    /// Whether people see how many models have it.
    var isFacet: Bool { self != .baseFormat && self != .permission }
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

/// One bit of 62 for each term of a model: what lacks a term's bit lacks the term, so that most models which a filter
/// leaves out cost no look-up (B. H. Bloom 1970).
enum TermMarks {
    static func bit(_ kind: TermKind, _ value: String) -> Int64 {
        // FNV-1a, because the bits are stored.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        hash = (hash ^ UInt64(truncatingIfNeeded: kind.rawValue)) &* prime
        for byte in value.utf8 { hash = (hash ^ UInt64(byte)) &* prime }
        return 1 << Int64((hash ^ hash >> 32) % 62)
    }

    private static let prime: UInt64 = 0x100_0000_01b3
}

struct Facet: Hashable {
    let kind: TermKind
    let shelf: Int64
    let label: String
}

extension Projection {
    /// Replaces the terms of a model. Of two spellings the one that sorts first is kept.
    /// - Parameter pairs: folded base models and formats that one release has together.
    func setTerms(
        _ terms: [Term], pairs: [(base: String, format: String)] = [], ofModel id: Int32, at place: ModelPlace?
    ) throws {
        var wanted: [TermKey: Term] = [:]
        for term in terms where !term.value.isEmpty || term.kind.isMark {
            let key = TermKey(kind: term.kind.rawValue, value: term.value)
            if let other = wanted[key], !term.label.utf8.lexicographicallyPrecedes(other.label.utf8) { continue }
            wanted[key] = term
        }
        try setFacetRow(Array(wanted.values), pairs: pairs, ofModel: id, shelf: place?.shelf)
        let stored = try database.rows(
            "SELECT kind, value, label, shelf, published, tie, marks FROM model_terms WHERE model_id = ?", [id])
        for row in stored {
            let key = TermKey(kind: row[0], value: row[1])
            let at = ModelPlace(shelf: row[3], published: row[4], tie: row[5], marks: row[6])
            if at == place, wanted[key]?.label.utf8.elementsEqual((row[2] as String).utf8) == true {
                wanted[key] = nil
                continue
            }
            try database.run(
                "DELETE FROM model_terms WHERE model_id = ? AND kind = ? AND value = ?",
                [id, key.kind, row[1] as String])
            if let kind = TermKind(rawValue: key.kind) { count(kind, shelf: at.shelf, row[2], by: -1) }
        }
        guard let place else { return }
        for term in wanted.values {
            try database.run(
                """
                INSERT INTO model_terms (model_id, kind, value, label, shelf, published, tie, marks)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    id, term.kind.rawValue, term.value, term.label, place.shelf, place.published, place.tie,
                    place.marks,
                ])
            count(term.kind, shelf: place.shelf, term.label, by: 1)
        }
    }

    func count(_ kind: TermKind, shelf: Int64, _ label: String = "", by change: Int64) {
        guard kind.isFacet else { return }
        facetChanges[Facet(kind: kind, shelf: shelf, label: label), default: 0] += change
    }

    func writeFacets() throws {
        var emptied: [Facet] = []
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
                emptied.append(facet)
            }
        }
        // The models may have moved to another shelf.
        for facet in emptied where FacetRowTable.kinds.contains(facet.kind) {
            let isKnown = try database.exists(
                "SELECT 1 FROM facets WHERE kind = ? AND value = ? AND label = ?",
                [facet.kind.rawValue, TermTable.folded(facet.label), facet.label])
            if !isKnown { try removeTermName(facet.kind, facet.label) }
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
