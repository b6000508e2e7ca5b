import Accounts
import Digests
import Economy
import FoundationEssentials
import Generation
import Identity
import Ledger
import PostLog
import WaggleProtocol

/// Finds what members did, and pays for it.
struct RewardDesk {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    // MARK: Facts

    /// People whom this node admitted and who have an account.
    func members() async throws -> [RewardMember] {
        var members: [RewardMember] = []
        for account in try await context.accounts.all() where account.state == .active {
            guard let ledger = try await context.log.keyChain(of: account.author)?.ledgerAccount else { continue }
            members.append(RewardMember(author: account.author, account: ledger, admitted: account.created))
        }
        return members
    }

    /// What members said in the span of an epoch that can count.
    func facts(_ plan: RewardPlan, _ members: [RewardMember]) async throws -> [RewardFact] {
        let authors = Set(members.map(\.author))
        let households = try await context.accounts.households()
        var facts: [RewardFact] = []
        var counts: [Hash32: Int] = [:]
        var place: (created: UInt64, id: Hash32)?
        repeat {
            let (posts, next) = try await context.log.posts(
                created: plan.span, by: authors, after: place, limit: 1000)
            for post in posts {
                counts[post.author, default: 0] += 1
                guard counts[post.author, default: 0] <= Limits.Economy.factsPerMember else { continue }
                facts += try await self.facts(post, plan, authors, households)
            }
            place = next
        } while place != nil
        return facts
    }

    /// What one post shows: nothing that somebody does for themselves or their household.
    private func facts(
        _ post: LoggedPost, _ plan: RewardPlan, _ members: Set<Hash32>, _ households: Households
    ) async throws -> [RewardFact] {
        func isOther(_ author: Hash32) -> Bool { !households.areOne(post.author, author) }
        func fact(_ action: RewardAction, to recipient: Hash32? = nil, about subject: Hash32 = .zero) -> RewardFact {
            RewardFact(
                action, actor: post.author, recipient: recipient ?? post.author, post: post.id,
                created: post.created, subject: subject)
        }
        var facts: [RewardFact] = []
        if Self.isSaying(post.kind) { facts.append(fact(.dailyBoost)) }
        if Self.isPublishing(post.kind) { facts.append(fact(.firstPost)) }
        switch post.post.body {
        case .reaction(let body) where !body.withdrawn:
            guard let subject = Hash32(body.subject), let made = try await maker(of: subject, plan),
                isOther(made)
            else { break }
            facts += [fact(.reactionGiven, about: subject), fact(.reactionReceived, to: made, about: subject)]
        case .collection(let body):
            for item in body.items.compactMap({ Hash32($0) }) {
                guard let made = try await context.log.posts(ids: [item])[item]?.author, members.contains(made),
                    isOther(made)
                else { continue }
                facts.append(fact(.collected, to: made, about: item))
            }
        case .follows(let body):
            for author in body.follows.compactMap({ Hash32($0.author) }) where isOther(author) {
                facts.append(fact(.follow, about: author))
            }
        case .imagePost(let body):
            for model in try await models(of: body) where members.contains(model.author) && isOther(model.author) {
                facts.append(
                    fact(.imageForModel, to: model.author, about: RewardFact.model(model.author, slug: model.slug)))
            }
        case .drawingFeedback(let body):
            guard let picture = Hash32(body.picture),
                try await context.generation.hasDrawn(picture, for: post.author.hex)
            else { break }
            facts.append(fact(.generatorFeedback, about: picture))
        default: break
        }
        return facts
    }

    static func isSaying(_ kind: PostKind) -> Bool { (10...25).contains(kind.rawValue) }

    static func isPublishing(_ kind: PostKind) -> Bool {
        [.model, .release, .imagePost, .collection, .article, .workflow].contains(kind)
    }

    /// Who made something that is not too old to be reacted to.
    private func maker(of subject: Hash32, _ plan: RewardPlan) async throws -> Hash32? {
        guard let post = try await context.log.posts(ids: [subject])[subject] else { return nil }
        let age = Limits.Economy.reactedEpochs * plan.charter.epochSeconds
        guard post.created + age >= plan.span.lowerBound else { return nil }
        return post.author
    }

    /// The models that an image post names: by its releases.
    func models(of body: WireImagePost) async throws -> [(author: Hash32, slug: String)] {
        var found: [Hash32: (author: Hash32, slug: String)] = [:]
        let ids = body.releases.compactMap { Hash32($0) }
        for release in try await context.log.posts(ids: ids).values {
            guard case .release(let body) = release.post.body, Hash32(body.modelAuthor) == release.author else {
                continue
            }
            found[RewardFact.model(release.author, slug: body.modelSlug)] = (release.author, body.modelSlug)
        }
        return found.sorted { $0.key < $1.key }.map(\.value)
    }

    // MARK: Paying

    /// Pays what is due in a currency that this node grants. How many orders became final.
    ///
    /// The list of an epoch is on disk before the first grant, and each grant names it: after a crash what is final already
    /// is found in the log.
    func pay(_ view: CurrencyView) async throws -> Int {
        let charter = view.charter
        guard let key = await context.currencies.publicKey, let granter = charter.granters[key],
            !granter.rewards.isEmpty, view.stopped == nil
        else { return 0 }
        try await list(charter, granter)
        let unpaid = try await context.economy.unpaid(in: charter.currency)
        guard !unpaid.isEmpty else { return 0 }
        // What others decided has to be here, and an order that has no answer yet may become final: found too late, it would be
        // paid twice.
        if view.isFollowed { try await context.currencies.follow(charter.currency) }
        try await context.currencies.settlePending()
        guard try await !context.currencies.pending(in: charter.currency).contains(where: { $0.order.slot.isOf(key) })
        else { return 0 }
        var count = 0
        for epoch in unpaid {
            guard let stored = try await context.economy.evidence(of: charter.currency, epoch: epoch) else { continue }
            count += try await pay(stored.evidence, charter)
            try await context.economy.notePaid(stored.evidence)
        }
        return count
    }

    /// Makes the lists of the epochs that have ended.
    private func list(_ charter: Charter, _ granter: Charter.Granter) async throws {
        let now = context.now()
        let last = charter.epoch(at: now - min(now, Limits.Economy.factSeconds)) - 1
        let newest = try await context.economy.newestEvidence(of: charter.currency) ?? -1
        let first = max(newest + 1, last - Limits.Economy.latestEpochs + 1, 0)
        guard first <= last else { return }
        let members = try await members()
        for epoch in first...last {
            let plan = RewardPlan(charter, granter: granter, epoch: epoch)
            let facts = try await facts(plan, members)
            let counted = try await context.economy.counted(facts.compactMap(\.key), in: charter.currency)
            _ = try await context.economy.keep(plan.evidence(facts, members: members, counted: counted))
        }
    }

    private func pay(_ evidence: RewardEvidence, _ charter: Charter) async throws -> Int {
        let outputs = evidence.outputs
        let paid = try await grants(evidence)
        var count = 0
        for start in stride(from: 0, to: outputs.count, by: charter.maxOutputs) {
            let part = Array(outputs[start..<min(start + charter.maxOutputs, outputs.count)])
            guard !paid.contains(part) else { continue }
            _ = try await context.currencies.grant(part, reference: evidence.hash, in: charter.currency)
            count += 1
        }
        return count
    }

    /// What the log says was granted for a list, order by order.
    func grants(_ evidence: RewardEvidence) async throws -> [[Output]] {
        try await context.currencies.store.mentions(
            of: evidence.hash, in: evidence.currency, limit: Limits.Economy.bountyFinals
        ).compactMap { final in
            guard final.final.order.order.reference == evidence.hash,
                case .grant(_, let outputs) = final.final.order.order.operation,
                final.final.order.order.slot.isOf(evidence.granter)
            else { return nil }
            return outputs
        }
    }

    // MARK: Counting again

    /// What of a list the posts that are here contradict, and how many of its posts are not here.
    func check(_ evidence: RewardEvidence) async throws -> (faults: [String], missing: Int) {
        var faults: [String] = []
        for member in evidence.members {
            guard let chain = try await context.log.keyChain(of: member.author) else { continue }
            if chain.ledgerAccount != member.account {
                faults.append("\(AuthorID.text(member.author)) has another account")
            }
        }
        var missing: Set<Hash32> = []
        for line in evidence.lines {
            let fact = line.fact
            guard let post = try await context.log.posts(ids: [fact.post])[fact.post] else {
                missing.insert(fact.post)
                continue
            }
            let isShown = try await shows(post, fact)
            if post.author != fact.actor || post.created != fact.created || !isShown {
                faults.append("the post \(fact.post.hex) does not show a \(fact.action.rawValue)")
            }
        }
        return (faults, missing.count)
    }

    private func shows(_ post: LoggedPost, _ fact: RewardFact) async throws -> Bool {
        switch (fact.action, post.post.body) {
        case (.dailyBoost, _): return Self.isSaying(post.kind)
        case (.firstPost, _): return Self.isPublishing(post.kind)
        case (.reactionGiven, .reaction(let body)), (.reactionReceived, .reaction(let body)):
            guard Hash32(body.subject) == fact.subject, !body.withdrawn else { return false }
            guard let subject = try await context.log.posts(ids: [fact.subject])[fact.subject] else { return true }
            return fact.action == .reactionGiven ? subject.author != post.author : subject.author == fact.recipient
        case (.collected, .collection(let body)):
            guard body.items.contains(fact.subject.data) else { return false }
            return try await context.log.posts(ids: [fact.subject])[fact.subject].map { $0.author == fact.recipient }
                ?? true
        // That it was drawn for its author is the granter's word.
        case (.generatorFeedback, .drawingFeedback(let body)): return body.picture == fact.subject.data
        case (.follow, .follows(let body)): return body.follows.contains { $0.author == fact.subject.data }
        case (.imageForModel, .imagePost(let body)):
            let ids = body.releases.compactMap { Hash32($0) }
            // What the image names may not be here.
            if try await context.log.posts(ids: ids).count < Set(ids).count { return true }
            return try await models(of: body).contains {
                $0.author == fact.recipient && RewardFact.model($0.author, slug: $0.slug) == fact.subject
            }
        default: return false
        }
    }
}

extension Slot {
    /// Whether it is a place of this account.
    func isOf(_ account: AccountID) -> Bool {
        if case .account(account, _) = self { true } else { false }
    }
}
