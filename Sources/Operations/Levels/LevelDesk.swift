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

    // MARK: Following

    /// Reads what the log says of levels since the last time, and has it act.
    public func catchUp() async throws(OperationError) {
        try await changing { [self] in
            let touched = try await read()
            if !touched.isEmpty { try await settle(touched) }
        }
    }

    /// Counts everything anew: people came to be at home here, or left.
    public func recount() async throws(OperationError) {
        try await changing { [self] in
            // Of a log that was never read nothing is known yet: what people agreed on before must not fall meanwhile.
            _ = try await read()
            try await settle(Set(try await context.moderation.everySpokenOf()))
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
    private func read() async throws -> Set<LevelSubject> {
        let (log, moderation) = (context.log, context.moderation)
        var seq = try await moderation.levelSeq(log: log.logID)
        var touched: Set<LevelSubject> = []
        var waited: Set<Hash32>?
        while true {
            let entries = try await log.entries(after: seq, limit: Limits.Levels.linesAtOnce)
            guard let last = entries.last else { break }
            var waits = waited ?? []
            if waited == nil { waits = try await moderation.waitedFor() }
            var lines = LevelLines()
            for entry in entries {
                try await take(entry, &lines, &waits)
                // Appeals between nodes are read on the same way.
                try await AppealDesk(context).take(entry)
            }
            touched.formUnion(try await moderation.take(lines, log: log.logID, upTo: last.seq))
            // Whom somebody at home here follows counts from now on, and whom nobody follows any more does not.
            let own = Set(context.keyring.authors)
            if entries.contains(where: { $0.post.kind == .follows && own.contains($0.post.author) }) {
                touched.formUnion(try await moderation.everySpokenOf())
            }
            (seq, waited) = (last.seq, waits)
        }
        // Who made it and who is at home here is to be known before it is counted.
        if !touched.isEmpty { await context.catalog.waitUntilApplied(seq) }
        return touched
    }

    private func take(_ entry: LogEntry, _ lines: inout LevelLines, _ waits: inout Set<Hash32>) async throws {
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
                    waits.insert(id)
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

    // MARK: Counting

    private func settle(_ things: Set<LevelSubject>) async throws {
        for thing in things {
            try await context.moderation.setAgreed(try await votes(on: thing).agreed, on: thing)
        }
    }

    /// What people who count say.
    func votes(on thing: LevelSubject) async throws -> LevelVotes {
        let makers = try await makers(of: thing)
        var counts: [Level: Int] = [:]
        for vote in try await context.moderation.levelVotes(on: thing) where !makers.contains(vote.author) {
            if try await context.catalog.hasEarnedRoom(vote.author) { counts[vote.level, default: 0] += 1 }
        }
        return LevelVotes(counts)
    }

    func makers(of thing: LevelSubject) async throws -> Set<Hash32> {
        switch thing {
        case .picture(let hash): Set(try await context.catalog.blobReference(hash)?.authors ?? [])
        case .post(let id): Set([try await context.log.posts(ids: [id])[id]?.author].compactMap { $0 })
        case .work(let author, _, _): [author]
        }
    }
}
