import Digests
import FoundationEssentials
import GRDB
import Moderation
import Statements
import SwiftProtobuf
import WaggleProtocol

/// Cards for a whole page at once: the models of a page lie far apart, so what counts is how many rows are looked up.
extension ViewReader {
    /// The cards of the models among these that stand on the viewer's shelves.
    /// - Parameter choice: of releases: a card names the newest of these.
    func cards(_ ids: [Int32], choice: ReleaseChoice = ReleaseChoice()) throws -> [Int32: ModelCard] {
        guard !ids.isEmpty else { return [:] }
        let rows = try database.rows(
            """
            SELECT m.id, m.author_id, m.post, m.slug, m.name, m.type, m.level, m.updated, m.newest_release,
                m.newest_base, (
                    SELECT c.image_id FROM model_covers c WHERE c.model_id = m.id AND c.shelf IN \(shelves)
                    ORDER BY \(CoverTable.order) LIMIT 1),
                m.downloads, m.recommended, m.not_recommended, m.comments, m.reactions
            FROM json_each(?) j CROSS JOIN models m ON m.id = j.value WHERE m.shelf IN \(shelves)
            """, [ids.json])
        var parts = rows.map { row in
            CardParts(
                row: row, release: (row[8] as Int32?).map { CardRelease(id: $0, baseModel: row[9]) }, cover: row[10])
        }
        if filter.seesHidden || !choice.isEverything { try choose(choice, for: &parts) }
        let covers = try covers(parts.compactMap(\.cover))
        try loadCreators(rows.map { $0[1] })
        return try parts.reduce(into: [:]) { cards, part in
            let row = part.row
            guard let author = try creator(row[1]) else { return }
            cards[row[0]] = ModelCard(
                id: row[0], post: row.hash(2), author: author, slug: row[3], name: row[4], type: row[5],
                level: Level(declared: row[6]), updated: UInt64(row[7] as Int64), release: part.release,
                cover: part.cover.flatMap { covers[$0] }, counts: Self.counts(row, from: 11))
        }
    }

    /// Cards in the order of the numbers.
    func cardList(_ ids: [Int32], choice: ReleaseChoice = ReleaseChoice()) throws -> [ModelCard] {
        let cards = try cards(ids, choice: choice)
        return ids.compactMap { cards[$0] }
    }

    /// Nil when there is no such model on the viewer's shelves.
    func card(_ id: Int32) throws -> ModelCard? { try cards([id])[id] }

    /// A card under construction.
    private struct CardParts {
        let row: Row
        var release: CardRelease?
        var cover: Int32?
    }

    // MARK: Releases

    /// What the tables do not keep: names the newest release of each model that was chosen and that the viewer sees, and
    /// its cover where that is another release than the one whose cover is kept.
    private func choose(_ choice: ReleaseChoice, for parts: inout [CardParts]) throws {
        var arguments = choice.arguments
        arguments["models"] = parts.map { $0.row[0] as Int32 }.json
        let rows = try database.rows(
            """
            SELECT n.model_id, n.id, n.base_model, n.subject_id FROM json_each(:models) j CROSS JOIN releases n
            ON n.id = (
                SELECT r.id FROM releases r WHERE r.model_id = j.value AND r.shelf IN \(shelves) AND \(choice.condition)
                ORDER BY r.created DESC, r.tie DESC, r.id DESC LIMIT 1)
            """, StatementArguments(arguments))
        let chosen = Dictionary(rows.map { ($0[0] as Int32, $0) }) { first, _ in first }
        let isKept = !filter.seesHidden
        for index in parts.indices {
            let modelID: Int32 = parts[index].row[0]
            let kept = parts[index].release?.id
            let row = chosen[modelID]
            parts[index].release = row.map { CardRelease(id: $0[1], baseModel: $0[2]) }
            if isKept, parts[index].release?.id == kept { continue }
            parts[index].cover = try cover(
                model: modelID, author: parts[index].row[1], subject: row.map { $0[3] })
        }
    }

    // MARK: Covers

    /// The image that stands for a model, told from all of its images.
    private func cover(model: Int32, author: Int32, subject: Int64?) throws -> Int32? {
        for (rank, list, sql) in coverLists {
            var arguments: [String: any DatabaseValueConvertible] = [:]
            switch (rank, subject) {
            case (.model, _): arguments["model"] = model
            case (_, nil): continue
            case (.release, let subject?): arguments["subject"] = subject
            case (.own, let subject?): (arguments["subject"], arguments["author"]) = (subject, author)
            }
            if let key = try list.rows(database, over: levels, limit: 1, arguments: arguments, sql: sql).first {
                return OrderedList.id(key)
            }
        }
        return nil
    }

    private func covers(_ ids: [Int32]) throws -> [Int32: CoverView] {
        let rows = try database.rows(
            """
            SELECT i.id, i.author_id, i.part, i.body, p.post, p.title, i.level
            FROM json_each(?) j CROSS JOIN images i ON i.id = j.value CROSS JOIN image_posts p ON p.id = i.post_id
            """, [ids.json])
        try loadCreators(rows.map { $0[1] })
        return try rows.reduce(into: [:]) { covers, row in
            guard let author = try creator(row[1]) else { return }
            covers[row[0]] = CoverView(
                id: row[0], post: row.hash(4), index: row[2], author: author,
                image: try WireImage(serializedBytes: row[3] as Data), level: Level(declared: row[6]), title: row[5])
        }
    }
}
