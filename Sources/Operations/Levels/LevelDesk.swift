import Accounts
import Catalog
import Digests
import FoundationEssentials
import Moderation
import PostLog
import WaggleProtocol

/// Brings what people and moderators say of levels to where levels act: the catalog, and with it every page, list, count and
/// byte.
public struct LevelDesk: Sendable {
    let context: OperationContext

    public init(_ context: OperationContext) {
        self.context = context
    }

    /// Who counts: whoever is at home here and may use their account. Keys are free and so is following them, so nobody
    /// counts for being followed.
    func people() async throws -> Set<Hash32> {
        try await context.catalog.residents().intersection(try await context.accounts.authors(.active))
    }

    // MARK: Following

    /// Reads what the log says of levels since the last time, and has it act.
    public func catchUp() async throws(OperationError) {
        try await changing { [self] in
            let people = try await people()
            let touched = try await read(by: people)
            if !touched.isEmpty { try await settle(touched, by: people) }
        }
    }

    /// Counts everything anew: people came to be at home here, or left.
    public func recount() async throws(OperationError) {
        try await changing { [self] in
            // Of a log that was never read nothing is known yet: what people agreed on before must not fall meanwhile.
            let people = try await people()
            _ = try await read(by: people)
            try await place()
            try await attach(by: people)
            try await settle(nil, by: people)
        }
    }

    /// Runs a change of rules and shows what it comes to, one after another.
    func changing<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws(OperationError) -> Value {
        do {
            return try await context.moderation.changingLevels { [context] in
                let before = context.moderation.levelRules
                let value = try await body()
                try await context.catalog.setLevels(context.moderation.levelRules)
                try await CaseNews(context).tellMakers(ofLevelsThatChangedSince: before)
                return value
            }
        } catch let error as OperationError {
            throw error
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// - Returns: what has to be counted anew.
    private func read(by people: Set<Hash32>) async throws -> Set<LevelSubject> {
        let (log, moderation) = (context.log, context.moderation)
        var seq = try await moderation.levelSeq(log: log.logID)
        var touched: Set<LevelSubject> = []
        var waited: Set<Hash32>?
        while true {
            let entries = try await log.entries(after: seq, limit: Limits.Levels.linesAtOnce)
            guard let last = entries.last else { break }
            var waits = waited ?? []
            if waited == nil { waits = try await moderation.waitedFor(by: people) }
            var lines = LevelLines()
            for entry in entries {
                try await take(entry, by: people, &lines, &waits)
                // Appeals between nodes are read on the same way.
                try await AppealDesk(context).take(entry)
            }
            touched.formUnion(try await moderation.take(lines, by: people, log: log.logID, upTo: last.seq))
            (seq, waited) = (last.seq, waits)
        }
        // Who made it is to be known before it is counted.
        if !touched.isEmpty { await context.catalog.waitUntilApplied(seq) }
        return touched
    }

    private func take(
        _ entry: LogEntry, by people: Set<Hash32>, _ lines: inout LevelLines, _ waits: inout Set<Hash32>
    ) async throws {
        let post = entry.post
        guard entry.event == .shown else {
            if post.kind == .label { lines.gone.append(post.id) }
            return
        }
        if case .label(let body) = post.post.body {
            guard let (subject, level) = LevelVote.read(body) else { return }
            let thing: LevelSubject?
            switch subject {
            case .blob(let hash): thing = .picture(hash)
            case .tensors: return
            case .post(let id):
                if let found = try await self.post(id) {
                    guard
                        let named = LevelSubject(
                            post: id, author: found.author, kind: found.kind, slot: found.slot)
                    else { return }
                    thing = named
                } else {
                    thing = nil
                    if people.contains(post.author) { waits.insert(id) }
                }
            }
            lines.votes.append(
                LevelVote(
                    post: post.id, author: post.author, subject: subject, level: level, created: post.created,
                    thing: thing))
        } else if waits.contains(post.id),
            let thing = LevelSubject(post: post.id, author: post.author, kind: post.kind, slot: post.slot)
        {
            lines.arrived.append((post.id, thing))
            waits.remove(post.id)
        }
    }

    /// The post, or the newest version of what it is an older one of.
    private func post(_ id: Hash32) async throws -> LoggedPost? {
        if let post = try await context.log.posts(ids: [id])[id] { return post }
        return try await context.log.newerVersion(of: id)
    }

    /// Names reviews by their places in what was said of them before that was how they are named.
    private func place() async throws {
        for case .post(let id) in try await context.moderation.unplacedLevels() {
            guard let post = try await post(id),
                let place = LevelSubject(post: id, author: post.author, kind: post.kind, slot: post.slot)
            else { continue }
            try await context.moderation.placeLevels(of: id, at: place)
        }
    }

    /// Words that waited for posts while nobody who spoke of them counted.
    private func attach(by people: Set<Hash32>) async throws {
        var lines = LevelLines()
        for id in try await context.moderation.waitedFor(by: people) {
            guard let post = try await post(id),
                let thing = LevelSubject(post: id, author: post.author, kind: post.kind, slot: post.slot)
            else { continue }
            lines.arrived.append((id, thing))
        }
        if lines.isEmpty { return }
        let log = context.log.logID
        _ = try await context.moderation.take(
            lines, by: people, log: log, upTo: try await context.moderation.levelSeq(log: log))
    }

    // MARK: Counting

    /// Counts one thing anew, inside `changing`: what counts beside a lock is not what counts without.
    func settle(_ thing: LevelSubject) async throws {
        try await settle([thing], by: try await people())
    }

    /// - Parameter things: nil for all that people who count spoke of or agreed on.
    private func settle(_ things: Set<LevelSubject>?, by people: Set<Hash32>) async throws {
        let moderation = context.moderation
        let agreed = try await moderation.agreedLevels()
        var words: [LevelSubject: [LevelVote]] = [:]
        if let things {
            for thing in things { words[thing] = try await moderation.levelVotes(on: thing, by: people) }
        } else {
            for thing in agreed.keys { words[thing] = [] }
            for vote in try await moderation.levelVotes(by: people) {
                if let thing = vote.thing { words[thing, default: []].append(vote) }
            }
        }
        let locks = Dictionary(try await moderation.levelLocks().map { ($0.subject, $0) }) { first, _ in first }
        var changes: [LevelSubject: Level?] = [:]
        for (thing, said) in words {
            var votes = said
            if case .work = thing, let lock = locks[thing] { votes = votes.filter(lock.leavesOpen) }
            var level: Level?
            if votes.count >= Limits.Levels.votes {
                // What is not here keeps what was agreed on: it must not come back without that.
                guard let counted = try await count(votes, on: thing) else { continue }
                level = counted.agreed
            }
            if level != agreed[thing] { changes.updateValue(level, forKey: thing) }
        }
        try await moderation.setAgreed(changes)
    }

    /// What people who count say.
    func votes(on thing: LevelSubject, by people: Set<Hash32>) async throws -> LevelVotes {
        try await count(try await context.moderation.levelVotes(on: thing, by: people), on: thing) ?? LevelVotes()
    }

    /// Nil for what is not here: anybody can make up a hash.
    private func count(_ votes: [LevelVote], on thing: LevelSubject) async throws -> LevelVotes? {
        guard let makers = try await makers(of: thing) else { return nil }
        return LevelVotes(
            votes.filter { !makers.contains($0.author) }.reduce(into: [:]) { $0[$1.level, default: 0] += 1 })
    }

    private func makers(of thing: LevelSubject) async throws -> Set<Hash32>? {
        switch thing {
        case .picture(let hash): (try await context.catalog.blobReference(hash)?.authors).map { Set($0) }
        case .post(let id): (try await context.log.posts(ids: [id])[id]?.author).map { [$0] }
        case .work(let author, _, _): [author]
        }
    }
}
