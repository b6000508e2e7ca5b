import FoundationEssentials
import GRDB
public import Moderation
import Statements

/// Why a model stands where it does in one order, with everything that is needed to compute the number again.
public struct RankingExplanation: Sendable, Hashable {
    public struct Fact: Sendable, Hashable {
        public let name: String
        public let value: String
    }

    public let sort: ModelQuery.Sort
    /// One or two sentences with the formula. Models with the same number are ordered by publication, newest first.
    public let rule: String
    public let facts: [Fact]
    /// The number that models are ordered by.
    public let score: String
}

extension Catalog {
    /// Nil when the viewer may not see the model.
    public func explanation(ofModel id: Int32, sort: ModelQuery.Sort, _ filter: ViewerFilter)
        async throws(CatalogError) -> RankingExplanation?
    {
        try await read { database in
            let row = try database.row(
                """
                SELECT published, updated, downloads, recommended, not_recommended, comments, score, trending, level
                FROM models WHERE id = ? AND shelf IN \(filter.shelfList)
                """, [id])
            guard let row else { return nil }
            let days = sort == .trending ? try Trending.days(ofModel: id, upTo: Level(declared: row[8]), database) : []
            return RankingExplanation(sort, row, days)
        }
    }
}

extension RankingExplanation {
    fileprivate init(_ sort: ModelQuery.Sort, _ row: Row, _ days: [(day: Int64, count: Int64)]) {
        func count(_ column: Int) -> String { String(row[column] as Int64) }
        self.sort = sort
        switch sort {
        case .newest, .oldest:
            rule = "By the time at which the model's first release was signed, in seconds since 1970."
            facts = [Fact(name: "First release", value: "\(count(0)) (\(Self.date(row[0])))")]
            score = count(0)
        case .updated:
            rule = "By the time at which the model's newest release was signed, in seconds since 1970."
            facts = [Fact(name: "Newest release", value: "\(count(1)) (\(Self.date(row[1])))")]
            score = count(1)
        case .mostDownloaded:
            rule = "By downloads from this node, which counts its own only."
            facts = [Fact(name: "Downloads here", value: count(2))]
            score = count(2)
        case .highestRated:
            rule = """
                The lower bound of the Wilson score interval at 95 %: with p = recommended / n and z = 1.96, \
                (p + z²/2n − z·√((p(1 − p) + z²/4n) / n)) / (1 + z²/n). It is what the share of recommendations is at \
                least, given how few people said so; 0 without reviews.
                """
            facts = [
                Fact(name: "Recommended", value: count(3)), Fact(name: "Not recommended", value: count(4)),
                Fact(name: "n", value: String((row[3] as Int64) + (row[4] as Int64))),
            ]
            score = Self.decimal(row[6])
        case .mostDiscussed:
            rule = "By comments on the model and its releases."
            facts = [Fact(name: "Comments", value: count(5))]
            score = count(5)
        case .trending:
            rule = """
                log2 of the sum over all days of count × 2^(day / 7), where a day is a number of days since 1970 and the \
                count is of reviews, comments, reactions and images that others than the model's author signed on it. \
                Each is worth half as much a week later.
                """
            facts = days.map { day in
                Fact(name: "Day \(day.day) (\(Self.date(day.day * Trending.daySeconds)))", value: String(day.count))
            }
            score = row[7] == Trending.none ? "none" : Self.decimal(row[7])
        }
    }

    /// Millionths as a decimal number.
    private static func decimal(_ millionths: Int64) -> String {
        let digits = String(millionths.magnitude)
        let padded = String(repeating: "0", count: max(0, 7 - digits.count)) + digits
        return (millionths < 0 ? "-" : "") + padded.dropLast(6) + "." + padded.suffix(6)
    }

    /// The day of a time in UTC: "2026-03-01".
    private static func date(_ seconds: Int64) -> String {
        // Days since 1970 to the calendar that repeats every 400 years, counted from a March (H. Hinnant 2013).
        let days = seconds / Trending.daySeconds + 719_468
        let era = days / 146_097
        let day = days % 146_097
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * year + year / 4 - year / 100)
        let month = (5 * dayOfYear + 2) / 153
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let date = dayOfYear - (153 * month + 2) / 5 + 1
        return "\(year + era * 400 + (month >= 10 ? 1 : 0))-\(two(month < 10 ? month + 3 : month - 9))-\(two(date))"
    }
}
