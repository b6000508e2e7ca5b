import Digests
import Identity
import Ledger
import Moderation
import PostLog
import WaggleProtocol

/// What a node says in public of how it moderates: numbers, and nothing that would tell who asked or what it was about.
public struct ShowTransparency: Operation {
    public static let name = "mod transparency"
    public init() {}

    public struct Reply: Codable, Sendable {
        /// Decisions by month ("2026-11"), action and reason.
        public let counts: [Count]
        /// Median seconds from the opening of a case to its decision; nil before the first.
        public let medianSeconds: UInt64?
        public let openCases: Int
        public let openAppeals: Int
        public let lists: [List]
        public let head: Head

        public struct Count: Codable, Sendable {
            public let month: String
            public let action: String
            public let reason: String
            public let count: Int
        }

        /// A list that this node listens to.
        public struct List: Codable, Sendable {
            public let list: String
            public let mode: String
            public let grant: String
            public let isShadow: Bool
        }

        /// Of the log of decisions.
        public struct Head: Codable, Sendable {
            public let size: UInt64
            /// RFC 6962.
            public let root: String
            /// The day and the post of the newest head that was signed; nil before the first.
            public let signedDay: String?
            public let post: String?
        }
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        do {
            let decisions = try await context.moderation.decisions()
            let tree = DecisionLog.tree(decisions)
            var counts: [[String]: Int] = [:]
            for line in decisions {
                counts[[DecisionLog.day(line.at).prefix(7).description, line.action, line.reason], default: 0] += 1
            }
            let seconds = decisions.filter { ["keep", "block", "purge"].contains($0.action) }.compactMap(\.seconds)
                .sorted()
            let decided = try await context.moderation.decidedCases(limit: Limits.Cases.queue)
            let head = try await DecisionLog(context).newestHead()
            return Reply(
                counts: counts.map { key, count in
                    Reply.Count(month: key[0], action: key[1], reason: key[2], count: count)
                }.sorted { ($1.month, $0.action, $0.reason) < ($0.month, $1.action, $1.reason) },
                medianSeconds: seconds.isEmpty ? nil : seconds[seconds.count / 2],
                openCases: try await context.moderation.openCases().count,
                openAppeals: decided.count { $0.appeal.map { $0.outcome == nil } ?? false },
                lists: context.moderation.withPolicy { $0.sources }.map { source in
                    Reply.List(
                        list: context.name(of: source.id), mode: source.mode.rawValue, grant: source.grant.word,
                        isShadow: source.isShadow)
                },
                head: Reply.Head(
                    size: tree.size, root: tree.root.hex, signedDay: head?.slot, post: head?.id.hex))
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

/// The log of decisions as a Merkle tree (RFC 6962), and the heads of it that are signed.
public struct DecisionLog: Sendable {
    private let context: OperationContext

    public init(_ context: OperationContext) {
        self.context = context
    }

    static func tree(_ decisions: [DecisionLine]) -> LogTree {
        var tree = LogTree()
        for line in decisions { _ = tree.append(LogTree.leaf(Array(line.text.utf8))) }
        return tree
    }

    /// Signs the head of a day, once: whoever keeps the heads of two days can prove that the log only grew.
    ///
    /// - Returns: whether there was one to sign.
    public func signHead() async throws(OperationError) -> Bool {
        guard context.keyring.accounts["me"] != nil else { return false }
        let posting = try Posting(context, as: "me")
        let day = Self.day(context.now())
        guard try await posting.standing(.transparencyHead, day) == nil else { return false }
        let decisions: [DecisionLine]
        do {
            decisions = try await context.moderation.decisions()
        } catch {
            throw OperationError(error)
        }
        guard !decisions.isEmpty else { return false }
        let tree = Self.tree(decisions)
        var head = WireTransparencyHead()
        (head.size, head.root, head.time) = (tree.size, tree.root.data, context.now())
        _ = try await posting.replace(.transparencyHead, slot: day, with: .transparencyHead(head))
        return true
    }

    func newestHead() async throws(OperationError) -> LoggedPost? {
        guard let author = context.keyring.accounts["me"]?.author else { return nil }
        do {
            // The days before this one, until one has a head.
            for back in 0..<UInt64(Self.daysBack) {
                let time = context.now() - min(context.now(), back * 86_400)
                if let post = try await context.log.post(author: author, kind: .transparencyHead, slot: Self.day(time))
                {
                    return post
                }
            }
            return nil
        } catch {
            throw OperationError(error)
        }
    }

    private static let daysBack = 31

    /// "2026-11-26" of unix seconds, in UTC (civil from days, Hinnant).
    static func day(_ seconds: UInt64) -> String {
        let days = Int(seconds / 86_400) + 719_468
        let era = days / 146_097
        let ofEra = days - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * ofYear + 2) / 153
        let day = ofYear - (153 * part + 2) / 5 + 1
        let month = part < 10 ? part + 3 : part - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day))"
    }
}
