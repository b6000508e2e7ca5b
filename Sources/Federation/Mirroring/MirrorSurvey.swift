import BlobStore
import Catalog
import Digests
import Moderation
import WaggleProtocol

/// Gathers what a `MirrorPlanner` has to know: what the catalog has, how it stands here, who holds it, and the room.
struct MirrorSurvey: Sendable {
    let peers: PeerStore
    let catalog: Catalog
    let blobs: BlobStore
    let moderation: Moderation
    /// The peers that may be asked.
    let clients: @Sendable () async -> [(node: Hash32, client: NodeClient)]

    private static let candidatesAtOnce = 500
    /// Questions that a peer answers while others are on their way to it.
    private static let questionsAtOnce = 3
    /// How long peers that stall are waited for when others have answered; more for each thousand questions.
    private static let patience = Duration.seconds(3)

    /// The plan of this moment.
    ///
    /// - Parameters:
    ///   - asking: whether peers are asked what they hold. Without it everything absent counts as to be fetched.
    ///   - terms: of a rule that is thought to be there too.
    func plan(asking: Bool, adding terms: MirrorRule.Terms? = nil) async throws -> MirrorPlan {
        var rules = try await peers.mirrorRules()
        if let terms, !rules.contains(where: { $0.terms == terms }) {
            rules.append(
                MirrorRule(n: (rules.last?.n ?? 0) + 1, terms: terms, isPaused: false, lastRun: 0, lastError: ""))
        }
        var used: [Int64: UInt64] = [:]
        for rule in rules { used[rule.n] = try await blobs.pinnedBytes(rule.pin) }
        var items = rules.isEmpty ? [] : try await items(rules)
        var silent: Set<Hash32> = []
        var known: Set<Hash32> = []
        if asking {
            let absent = items.indices.filter { ![.kept, .cached].contains(items[$0].standing) }
            let answers = await ask(absent.map { items[$0].candidate.sha256 })
            for at in absent { items[at].holders = .known(answers.holders[items[at].candidate.sha256] ?? []) }
            (silent, known) = (answers.silent, answers.asked)
        }
        let room = try await blobs.storeRoom()
        var planner = MirrorPlanner(
            rules: rules, used: used, peers: known, silent: silent,
            room: .init(budgetLeft: room.budgetLeft, diskLeft: room.diskLeft, keepFree: room.keepFree))
        for item in items { planner.add(item) }
        return planner.finish()
    }

    /// Everything that some rule matches, each blob once, in the catalog's order. A SHA-256 that posts sign with different
    /// sizes or roots is a blob for each: which of them is right only its bytes tell.
    private func items(_ rules: [MirrorRule]) async throws -> [MirrorPlanner.Item] {
        let filter = moderation.filter(for: .peer)
        var items: [MirrorPlanner.Item] = []
        var place: [WantedBlob: Int] = [:]
        var next: Page<MirrorCandidate>? = try await catalog.mirrorCandidates(limit: Self.candidatesAtOnce, filter)
        while let page = next {
            try Task.checkCancellation()
            // The catalog looks on while the store is asked about this page.
            async let following = self.page(after: page.next, filter)
            var fresh: [MirrorPlanner.Item] = []
            for candidate in page.items where candidate.sha256 != .zero {
                let matching = rules.filter { $0.terms.matches(candidate) }.map(\.n)
                guard !matching.isEmpty else { continue }
                if let at = place[candidate.wanted] {
                    // Named by several posts: wanted by whom one of them fits.
                    if at < items.count {
                        items[at].want(by: matching)
                    } else {
                        fresh[at - items.count].want(by: matching)
                    }
                } else {
                    place[candidate.wanted] = items.count + fresh.count
                    fresh.append(.init(candidate: candidate, rules: matching, standing: .absent, holders: .notAsked))
                }
            }
            for (at, standing) in try await blobs.standing(fresh.map(\.candidate.sha256)).enumerated() {
                fresh[at].standing = .init(standing)
                fresh[at].pinnedTo = rules.first { standing.pins.contains($0.pin) }?.n
            }
            items += fresh
            next = try await following
        }
        return items
    }

    private func page(after cursor: String?, _ filter: ViewerFilter) async throws -> Page<MirrorCandidate>? {
        guard let cursor else { return nil }
        return try await catalog.mirrorCandidates(after: cursor, limit: Self.candidatesAtOnce, filter)
    }

    private struct Answers {
        var holders: [Hash32: Set<Hash32>] = [:]
        var asked: Set<Hash32> = []
        var silent: Set<Hash32> = []
    }

    /// Which peers hold which of these blobs, wholly or in part.
    private func ask(_ hashes: [Hash32]) async -> Answers {
        let clients = await clients()
        var answers = Answers(asked: Set(clients.map(\.node)))
        guard !hashes.isEmpty else { return answers }
        let batches = stride(from: 0, to: hashes.count, by: Limits.Wire.hashesPerHave).map { start in
            Array(hashes[start..<min(start + Limits.Wire.hashesPerHave, hashes.count)])
        }
        let held = await earlyAnswers(
            of: clients, patience: Self.patience + .milliseconds(200) * batches.count, isOfUse: { $0.held != nil }
        ) { peer in
            (node: peer.node, held: await Self.held(batches, by: peer.client))
        }
        for answer in held {
            for hash in answer.held ?? [] { answers.holders[hash, default: []].insert(answer.node) }
        }
        answers.silent = answers.asked.subtracting(held.filter { $0.held != nil }.map(\.node))
        return answers
    }

    /// Of these blobs, those that a peer holds; nil when it does not answer.
    private static func held(_ batches: [[Hash32]], by client: NodeClient) async -> [Hash32]? {
        await withTaskGroup(of: [Hash32]?.self) { group in
            defer { group.cancelAll() }
            var held: [Hash32] = []
            for (index, batch) in batches.enumerated() {
                if index >= questionsAtOnce {
                    guard case .some(.some(let more)) = await group.next() else { return nil }
                    held += more
                }
                group.addTask {
                    guard let presence = try? await client.have(batch) else { return nil }
                    return zip(batch, presence).filter { $0.1 == .whole || $0.1 == .partial }.map(\.0)
                }
            }
            for await more in group {
                guard let more else { return nil }
                held += more
            }
            return held
        }
    }
}

extension MirrorRule {
    /// Why what the rule fetched stays.
    var pin: PinReason { .mirrorRule("\(n)") }
}

extension MirrorPlanner.Item {
    fileprivate mutating func want(by more: [Int64]) {
        rules += more.filter { !rules.contains($0) }
    }
}

extension MirrorPlanner.Standing {
    fileprivate init(_ standing: Standing) {
        switch standing.extent {
        case .none: self = .absent
        case .partial(let held): self = .partial(heldBytes: held)
        case .own: self = standing.isHeld ? .kept : .cached
        case .adopted: self = .kept
        }
    }
}
