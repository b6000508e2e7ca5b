import FoundationEssentials
import GRDB
import Statements

/// What each model is filtered and counted by, as numbers in one short row: counts over a thousand models of which no two
/// lie together are read from a table that stays in memory, however large the terms' own table is.
enum FacetRowTable {
    static let schema = """
        CREATE TABLE term_names (
            id INTEGER PRIMARY KEY, kind INTEGER NOT NULL,
            label TEXT NOT NULL,               -- as written: what people see
            value TEXT NOT NULL,               -- folded: what queries compare
            UNIQUE (kind, label)
        );
        CREATE INDEX term_names_value ON term_names (kind, value);
        CREATE TABLE facet_rows (
            place INTEGER PRIMARY KEY,         -- of the model, see model_owners
            shelf INTEGER NOT NULL,
            terms BLOB NOT NULL                -- FacetRow
        );
        """
}

/// The number of a kind of term and its spelling: the kind below, so that most need no look-up of names.
struct TermNumber: Hashable {
    let value: UInt32

    init(value: UInt32) { self.value = value }

    /// Nil beyond 2^28 names, which are then not counted.
    init?(id: Int64, kind: TermKind) {
        guard let value = UInt32(exactly: id << 4 | kind.rawValue) else { return nil }
        self.value = value
    }

    var id: Int64 { Int64(value >> 4) }
    var kind: Int64 { Int64(value & 15) }
}

/// The numbers of a model's terms, and which base models and formats one release has together.
struct FacetRow {
    var terms: [TermNumber] = []
    var releases: [Pair] = []

    struct Pair: Hashable {
        let base: TermNumber
        let format: TermNumber
    }

    /// Little-endian words of 32 bits: how many terms, these, then pairs.
    var bytes: Data {
        let words = [UInt32(terms.count)] + terms.map(\.value) + releases.flatMap { [$0.base.value, $0.format.value] }
        return words.reduce(into: Data(capacity: 4 * words.count)) { data, word in
            withUnsafeBytes(of: word.littleEndian) { data.append(contentsOf: $0) }
        }
    }

    init() {}

    init(_ bytes: UnsafeRawBufferPointer) {
        var words: [UInt32] = []
        let count = Self.read(bytes, into: &words)
        terms = words[..<count].map(TermNumber.init)
        releases = stride(from: count, to: words.count - 1, by: 2).map { pair in
            Pair(base: TermNumber(value: words[pair]), format: TermNumber(value: words[pair + 1]))
        }
    }

    /// Appends the words of a stored row, without the first, to others.
    /// - Returns: how many of them are terms; pairs follow.
    static func read(_ bytes: UnsafeRawBufferPointer, into words: inout [UInt32]) -> Int {
        func word(_ index: Int) -> UInt32 {
            UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
        }
        let count = bytes.count / 4
        guard count > 0, word(0) < count else { return 0 }
        for index in 1..<count { words.append(word(index)) }
        return Int(word(0))
    }
}

/// A spelling, compared by its bytes.
struct TermName: Hashable {
    let kind: Int64
    let label: [UInt8]

    init(_ kind: TermKind, _ label: String) {
        self.kind = kind.rawValue
        self.label = Array(label.utf8)
    }
}

/// A model's row.
struct StoredFacets {
    let shelf: Int64
    let row: FacetRow
}

extension Projection {
    func facets(at place: Int32) throws -> StoredFacets? {
        var facets: StoredFacets?
        try database.scan("SELECT shelf, terms FROM facet_rows WHERE place = ?", [place]) { row in
            facets = StoredFacets(shelf: row.integer(0), row: FacetRow(row.bytes(1)))
        }
        return facets
    }

    func setFacets(_ facets: StoredFacets?, at place: Int32) throws {
        guard let facets else {
            try database.run("DELETE FROM facet_rows WHERE place = ?", [place])
            return
        }
        try database.run(
            """
            INSERT INTO facet_rows (place, shelf, terms) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET shelf = excluded.shelf, terms = excluded.terms
                WHERE (shelf, terms) IS NOT (excluded.shelf, excluded.terms)
            """, [place, facets.shelf, facets.row.bytes])
    }

    /// The numbers of a model's terms.
    /// - Parameters:
    ///   - terms: one for each value.
    ///   - pairs: folded base models and formats of one release.
    func facetRow(_ terms: [Term], pairs: [(base: String, format: String)]) throws -> FacetRow {
        var row = FacetRow()
        var numbers: [TermName: TermNumber] = [:]
        for term in terms {
            guard let number = try termNumber(term) else { continue }
            row.terms.append(number)
            numbers[TermName(term.kind, term.value)] = number
        }
        row.terms.sort { $0.value < $1.value }
        var together: Set<FacetRow.Pair> = []
        for pair in pairs {
            guard let base = numbers[TermName(.baseModel, pair.base)],
                let format = numbers[TermName(.format, pair.format)]
            else { continue }
            together.insert(FacetRow.Pair(base: base, format: format))
        }
        row.releases = together.sorted { ($0.base.value, $0.format.value) < ($1.base.value, $1.format.value) }
        return row
    }

    func termNumber(_ term: Term) throws -> TermNumber? {
        let name = TermName(term.kind, term.label)
        if let known = known.termNumbers[name] { return known }
        let id =
            try database.integer(
                "SELECT id FROM term_names WHERE kind = ? AND label = ?", [term.kind.rawValue, term.label])
            ?? database.integer(
                "INSERT INTO term_names (kind, label, value) VALUES (?, ?, ?) RETURNING id",
                [term.kind.rawValue, term.label, term.value])
        let number = id.flatMap { TermNumber(id: $0, kind: term.kind) }
        known.termNumbers[name] = number
        return number
    }

    func label(_ term: TermNumber) throws -> String {
        try database.row("SELECT label FROM term_names WHERE id = ?", [term.id])?[0] ?? ""
    }

    /// Forgets a spelling that no model has any more.
    func removeTermName(_ term: TermNumber) throws {
        guard let kind = TermKind(rawValue: term.kind) else { return }
        known.termNumbers[TermName(kind, try label(term))] = nil
        try database.run("DELETE FROM term_names WHERE id = ?", [term.id])
    }
}
