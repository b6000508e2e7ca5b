import FoundationEssentials
import GRDB
import Moderation
import Statements
import WaggleProtocol

/// What models are counted by, by their places, read once each, whatever is asked of them. The rows of thousands of
/// models lie in one array: an array for each would cost more than reading it.
struct FacetRows {
    let database: Database
    private var models: [Int32: Model] = [:]
    private var words: [UInt32] = []

    /// Where a model stands and its part of the words.
    private struct Model {
        let shelf: Int64
        let terms: Range<Int>
        let pairs: Range<Int>
    }

    init(_ database: Database) {
        self.database = database
    }

    mutating func load(_ places: some Sequence<Int32>) throws {
        for place in places where models[place] == nil {
            try database.scan("SELECT shelf, terms FROM facet_rows WHERE place = ?", [place]) { row in
                let start = words.count
                let termCount = FacetRow.read(row.bytes(1), into: &words)
                models[place] = Model(
                    shelf: row.integer(0), terms: start..<start + termCount, pairs: start + termCount..<words.count)
            }
        }
    }

    func shelf(_ place: Int32) -> Int64? { models[place]?.shelf }

    func terms(_ place: Int32) -> some Sequence<TermNumber> {
        words[models[place]?.terms ?? 0..<0].lazy.map(TermNumber.init)
    }

    /// Which base models and formats one release has together.
    func pairs(_ place: Int32) -> [FacetRow.Pair] {
        let range = models[place]?.pairs ?? 0..<0
        return stride(from: range.lowerBound, to: range.upperBound - 1, by: 2).map { pair in
            FacetRow.Pair(base: TermNumber(value: words[pair]), format: TermNumber(value: words[pair + 1]))
        }
    }
}

/// Counts over sets of models whose rows are read.
struct FacetCount {
    private let rows: FacetRows

    init(_ rows: FacetRows) {
        self.rows = rows
    }

    /// The values of one kind with the most models, at most `Limits.Catalog.facetValues`; all levels.
    /// - Parameter choice: of releases. A base model counts where one release has both it and a chosen format, and so does
    ///   a format.
    func values(_ kind: FacetKind, of models: [Int32], _ choice: ReleaseChoice) throws -> [FacetView] {
        switch kind {
        case .level: return levels(models.compactMap(rows.shelf))
        case .baseModel where !choice.formats.isEmpty:
            return try counted(
                models.map(rows.pairs), of: \.base, where: \.format, folded: choice.formats)
        case .format where !choice.baseModels.isEmpty:
            return try counted(
                models.map(rows.pairs), of: \.format, where: \.base, folded: choice.baseModels)
        default:
            let term = (kind.term ?? .all).rawValue
            var counts: [TermNumber: Int] = [:]
            for model in models {
                for number in rows.terms(model) where number.kind == term { counts[number, default: 0] += 1 }
            }
            return try views(counts, isFolded: kind == .tag)
        }
    }

    private func levels(_ shelves: [Int64]) -> [FacetView] {
        let counts = shelves.reduce(into: [Level: Int]()) { $0[Shelf.level($1), default: 0] += 1 }
        return counts.sorted { $0.key < $1.key }.map { FacetView(name: $0.key.word, count: $0.value) }
    }

    private func counted(
        _ releases: [[FacetRow.Pair]], of counted: (FacetRow.Pair) -> TermNumber,
        where tested: (FacetRow.Pair) -> TermNumber, folded: [String]
    ) throws -> [FacetView] {
        let names = try names(Set(releases.joined().map(tested)))
        let wanted = Set(folded.map { Array($0.utf8) })
        let chosen = names.filter { wanted.contains(Array(TermTable.folded($0.value).utf8)) }
        var counts: [TermNumber: Int] = [:]
        for pairs in releases {
            for number in Set(pairs.filter { chosen[tested($0)] != nil }.map(counted)) {
                counts[number, default: 0] += 1
            }
        }
        return try views(counts, isFolded: false)
    }

    /// - Parameter isFolded: there is one spelling of each value.
    private func views(_ counts: [TermNumber: Int], isFolded: Bool) throws -> [FacetView] {
        let limit = Limits.Catalog.facetValues
        guard !isFolded else {
            // Names of those that may be among the first.
            let least = counts.count > limit ? counts.values.sorted(by: >)[limit - 1] : 0
            let leaders = counts.filter { $0.value >= least }
            let names = try names(Set(leaders.keys))
            return FacetView.sorted(
                leaders.compactMap { leader in names[leader.key].map { FacetView(name: $0, count: leader.value) } },
                limit: limit)
        }
        let names = try names(Set(counts.keys))
        var sums: [[UInt8]: FacetView] = [:]
        for (number, count) in counts {
            guard let name = names[number] else { continue }
            let value = Array(TermTable.folded(name).utf8)
            let other = sums[value]
            let isFirst = other.map { name.utf8.lexicographicallyPrecedes($0.name.utf8) } ?? true
            sums[value] = FacetView(
                name: isFirst ? name : other?.name ?? name, count: count + (other?.count ?? 0))
        }
        return FacetView.sorted(Array(sums.values), limit: limit)
    }

    private func names(_ numbers: Set<TermNumber>) throws -> [TermNumber: String] {
        guard !numbers.isEmpty else { return [:] }
        let kinds = Dictionary(numbers.map { ($0.id, $0) }) { first, _ in first }
        return try rows.database.rows(
            "SELECT n.id, n.label FROM json_each(?) j CROSS JOIN term_names n ON n.id = j.value",
            [Array(kinds.keys).json]
        ).reduce(into: [:]) { names, row in
            if let number = kinds[row[0]] { names[number] = row[1] }
        }
    }
}
