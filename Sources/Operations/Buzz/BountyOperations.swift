import Catalog
import Digests
import Economy
import FoundationEssentials
import Identity
import Ledger
import Moderation
import PostLog
import SwiftProtobuf
import WaggleProtocol

/// `waggle bounty new`: posts a bounty whose arbiter is this node, and backs it.
public struct NewBounty: Operation {
    public static let name = "bounty new"
    public var account: String
    public var title: String
    /// Markdown.
    public var text: String
    /// What is wished for: a model type such as "LORA", or "image".
    public var wanted: String
    public var tags: [String]
    public var level: String?
    public var currency: String?
    /// What the poster sets aside at once; 0 for nothing.
    public var amount: UInt64
    /// Unix seconds.
    public var deadline: UInt64
    public var decided: UInt64
    /// "refund", "first", "split" or "most-awarded".
    public var rule: String

    public init(
        account: String, title: String, text: String = "", wanted: String = "", tags: [String] = [],
        level: String? = nil, currency: String? = nil, amount: UInt64, deadline: UInt64, decided: UInt64,
        rule: String
    ) {
        (self.account, self.title, self.text, self.wanted) = (account, title, text, wanted)
        (self.tags, self.level, self.currency, self.amount) = (tags, level, currency, amount)
        (self.deadline, self.decided, self.rule) = (deadline, decided, rule)
    }

    public func run(in context: OperationContext) async throws(OperationError) -> BountyReport {
        let desk = BountyDesk(context)
        let posting = try Posting(context, as: account)
        let view = try await desk.buzz.view(currency)
        let charter = view.charter
        guard let rule = BountyRule(rawValue: rule) else {
            throw OperationError(
                .usage, "a rule is one of \(BountyRule.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        try check(charter, context.now())
        guard let amount = Int64(exactly: amount) else { throw OperationError(.usage, "that is no amount") }
        if amount > 0 {
            // Before anything is signed: a bounty without money is nothing to show.
            let payer = try await desk.buzz.account(of: posting.signer.author)
            let standing = try await desk.buzz.asking { () throws(LedgerError) in
                try await context.currencies.standing(payer, in: charter.currency)
            }
            guard standing.balance >= amount else {
                throw OperationError(
                    .failed,
                    "there is not enough: \(amount) \(charter.symbol) are needed and \(standing.balance) are there",
                    isRefused: true)
            }
        }
        var body = WireBounty()
        (body.title, body.text, body.wanted, body.tags) = (title, text, wanted, tags)
        body.level = try Level(typed: level ?? Level.pg.word).rawValue
        body.currency = charter.currency.data
        body.arbiter = context.keyring.node.device.publicKey.data
        body.arbiterNode = context.keyring.node.author.data
        (body.deadline, body.decided, body.rule) = (deadline, decided, rule.wire)
        do {
            try WirePost.OneOf_Body.bounty(body).check(slot: "")
        } catch {
            throw OperationError(.usage, error.what)
        }
        let post = try posting.sign { $0.bounty = body }
        try await posting.submit([post])
        // The terms hold from now on, whatever becomes of the post.
        let id = post.id
        guard try await desk.decided(id) != nil else { throw OperationError(.failed, "the bounty is not here") }
        if amount > 0 {
            return try await FundBounty(account: account, bounty: id.hex, amount: UInt64(amount)).run(in: context)
        }
        return try await desk.report(try await desk.known(id))
    }

    private func check(_ charter: Charter, _ now: UInt64) throws(OperationError) {
        guard deadline > now else { throw OperationError(.usage, "the deadline has passed") }
        guard decided >= deadline else {
            throw OperationError(.usage, "backers decide after the deadline, not before it")
        }
        let last = charter.epoch(at: now) + charter.maxHoldEpochs
        guard charter.expiry(forDecisionAt: decided) <= last else {
            let days = (charter.maxHoldEpochs - Limits.Economy.settlingEpochs) * Int64(charter.epochSeconds) / 86400
            throw OperationError(
                .usage,
                "\(charter.symbol) can be set aside for \(charter.maxHoldEpochs) epochs, so a bounty is decided within "
                    + "\(charter.maxHoldEpochs - Limits.Economy.settlingEpochs) of them (\(days) days)")
        }
    }
}

/// `waggle bounty fund`: sets Buzz aside for a bounty.
public struct FundBounty: Operation {
    public static let name = "bounty fund"
    public var account: String
    public var bounty: String
    public var amount: UInt64
    /// In the backer's own hand instead of the arbiter's.
    public var isPledge: Bool

    public init(account: String, bounty: String, amount: UInt64, isPledge: Bool = false) {
        (self.account, self.bounty, self.amount, self.isPledge) = (account, bounty, amount, isPledge)
    }

    public func run(in context: OperationContext) async throws(OperationError) -> BountyReport {
        try context.checkWritable()
        let desk = BountyDesk(context)
        let known = try await desk.known(try await desk.id(bounty))
        let terms = known.terms
        let view = try await desk.buzz.view(terms.currency.hex)
        guard known.bounty.phase(at: context.now()) == .open else {
            throw OperationError(
                .conflict, "the deadline of this bounty has passed; nothing is set aside for it any more")
        }
        guard let amount = Int64(exactly: amount), amount > 0 else {
            throw OperationError(.usage, "a backing is 1 to \(Int64.max) \(view.charter.symbol)")
        }
        let (signer, payer) = try await desk.buzz.signer(account)
        if !isPledge {
            guard await desk.isArbiterKnown(terms) else {
                throw OperationError(
                    .auth,
                    "nobody here knows whose key decides this bounty: no key document of its arbiter's node lists it. "
                        + "Wait until that node's key is here, or back it with --pledge, in your own hand")
            }
        }
        let resolver = isPledge ? signer.device.publicKey : terms.arbiter
        let expiry = view.charter.expiry(forDecisionAt: terms.decided)
        _ = try await desk.buzz.asking { () throws(LedgerError) in
            try await context.currencies.perform(
                .hold(amount: amount, resolver: resolver, payees: [], expiry: expiry), of: payer, by: signer.device,
                reference: terms.post, in: terms.currency)
        }
        await desk.follow(terms.currency)
        return try await desk.report(try await desk.known(terms.post))
    }
}

/// `waggle bounty enter`.
public struct EnterBounty: Operation {
    public static let name = "bounty enter"
    public var account: String
    public var bounty: String
    /// Models, releases, images, …: see `SubjectResolver`.
    public var works: [String]
    public var text: String

    public init(account: String, bounty: String, works: [String], text: String) {
        (self.account, self.bounty, self.works, self.text) = (account, bounty, works, text)
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        let desk = BountyDesk(context)
        let posting = try Posting(context, as: account)
        let known = try await desk.known(try await desk.id(bounty))
        guard context.now() <= known.terms.deadline else {
            throw OperationError(.conflict, "the deadline of this bounty has passed")
        }
        // Without an account there is nobody to pay.
        _ = try await desk.buzz.account(of: posting.signer.author)
        var entry = WireBountyEntry()
        entry.bounty = known.terms.post.data
        entry.text = text
        for work in works {
            let post = try await SubjectResolver(context).subject(work).data
            if !entry.works.contains(post) { entry.works.append(post) }
        }
        guard !entry.works.isEmpty || !text.isEmpty else {
            throw OperationError(.usage, "an entry shows something: a model, a release, an image, or a text")
        }
        if let same = known.entries.first(where: { $0.author.author == posting.signer.author && $0.body == entry }) {
            return PostReply(post: same.post.hex, isNew: false)
        }
        let post = try posting.sign { $0.bountyEntry = entry }
        try await posting.submit([post])
        return PostReply(post: post.id.hex, isNew: true)
    }
}

/// `waggle bounty award`: what a backer does with what the backer set aside.
public struct AwardBounty: Operation {
    public static let name = "bounty award"
    public struct Share: Codable, Sendable {
        /// Id of an entry, or the beginning of it.
        public var entry: String
        /// 1 to 1000.
        public var weight: UInt32

        public init(entry: String, weight: UInt32) {
            (self.entry, self.weight) = (entry, weight)
        }
    }

    public var account: String
    public var bounty: String
    public var shares: [Share]
    public var text: String

    public init(account: String, bounty: String, shares: [Share], text: String = "") {
        (self.account, self.bounty, self.shares, self.text) = (account, bounty, shares, text)
    }

    public func run(in context: OperationContext) async throws(OperationError) -> BountyReport {
        let desk = BountyDesk(context)
        let posting = try Posting(context, as: account)
        let known = try await desk.known(try await desk.id(bounty))
        guard !shares.isEmpty else { throw OperationError(.usage, "name an entry, or several with their weights") }
        let holds = try await desk.holds(of: posting.signer.author, known)
        guard context.now() <= known.terms.decided else {
            throw OperationError(
                .conflict, "it is too late to award: the rule \"\(known.terms.rule.rawValue)\" decides now")
        }
        var body = WireBountyAward()
        body.bounty = known.terms.post.data
        body.text = text
        for share in shares {
            let entry = try entry(share.entry, known)
            guard (1...Limits.Economy.weight).contains(share.weight) else {
                throw OperationError(.usage, "a weight is 1 to \(Limits.Economy.weight)")
            }
            body.shares.append(
                .with {
                    $0.entry = entry.data
                    $0.weight = share.weight
                })
        }
        let last = known.awards.last { $0.author.author == posting.signer.author }
        if last?.body != body {
            let post = try posting.sign(after: last?.created) { $0.bountyAward = body }
            try await posting.submit([post])
        }
        return try await desk.carryOut(known.terms, holds, posting.signer)
    }

    private func entry(_ text: String, _ known: KnownBounty) throws(OperationError) -> Hash32 {
        let found = known.bounty.entries.filter { $0.post.hex.hasPrefix(text.lowercased()) }
        guard text.utf8.count >= 8, found.count == 1 else {
            throw OperationError(
                found.count > 1 ? .usage : .notFound,
                "\"\(text)\" names \(found.count > 1 ? "several entries" : "no entry that counts") of this bounty; "
                    + "`waggle bounty show` lists them")
        }
        return found[0].post
    }
}

/// `waggle bounty refund`: a backer takes back what was set aside, where that is possible.
public struct RefundBounty: Operation {
    public static let name = "bounty refund"
    public var account: String
    public var bounty: String

    public init(account: String, bounty: String) {
        (self.account, self.bounty) = (account, bounty)
    }

    public func run(in context: OperationContext) async throws(OperationError) -> BountyReport {
        let desk = BountyDesk(context)
        let posting = try Posting(context, as: account)
        let known = try await desk.known(try await desk.id(bounty))
        let holds = try await desk.holds(of: posting.signer.author, known)
        let escrows = holds.filter(known.bounty.isEscrow)
        for pledge in holds where pledge.resolver == posting.signer.device.publicKey {
            try await desk.resolve(pledge.hold, .resolve([]), by: posting.signer.device, known.terms)
        }
        let view = try await desk.buzz.view(known.terms.currency.hex)
        let now = context.now()
        for escrow in escrows
        where known.bounty.decision(on: escrow, at: now, epoch: view.epoch, view.charter) == .expire {
            try await desk.resolve(escrow.hold, .expire, by: nil, known.terms)
        }
        let isWaiting = escrows.contains {
            if case .wait = known.bounty.decision(on: $0, at: now, epoch: view.epoch, view.charter) {
                true
            } else {
                false
            }
        }
        if isWaiting {
            guard known.bounty.entries.isEmpty else {
                throw OperationError(
                    .conflict,
                    "somebody entered, so what is in the arbiter's hand stays there: award it, or the rule "
                        + "\"\(known.terms.rule.rawValue)\" decides after the time for that")
            }
            var body = WireBountyAward()
            body.bounty = known.terms.post.data
            let last = known.awards.last { $0.author.author == posting.signer.author }
            if last?.body != body {
                let post = try posting.sign(after: last?.created) { $0.bountyAward = body }
                try await posting.submit([post])
            }
        }
        return try await desk.carryOut(known.terms, holds, posting.signer)
    }
}

/// `waggle bounty ls`.
public struct ListBounties: Operation {
    public static let name = "bounty ls"
    public var isOpenOnly: Bool
    /// `@handle` or an author id; nil for everybody's.
    public var poster: String?
    public var limit: Int
    public var cursor: String?

    public init(isOpenOnly: Bool = false, poster: String? = nil, limit: Int = 20, cursor: String? = nil) {
        (self.isOpenOnly, self.poster, self.limit, self.cursor) = (isOpenOnly, poster, limit, cursor)
    }

    public func run(in context: OperationContext) async throws(OperationError) -> BountyPage {
        let desk = BountyDesk(context)
        var query = BountyQuery()
        query.limit = min(max(1, limit), Limits.Catalog.pageItems)
        query.position = cursor.map { .after($0) } ?? .start
        if isOpenOnly { query.openAt = context.now() }
        if let poster { query.creator = .author(try await SubjectResolver(context).author(poster)) }
        do {
            let page = try await context.catalog.bounties(query, context.moderation.filter(for: context.viewer))
            var items: [BountyLine] = []
            for post in page.items {
                guard let terms = BountyTerms(post: post.post, poster: post.author.author, post.body) else { continue }
                items.append(await desk.line(try await desk.known(terms, post)))
            }
            return BountyPage(items: items, next: page.next)
        } catch {
            throw BountyDesk.words(error)
        }
    }
}

/// `waggle bounty show`.
public struct ShowBounty: Operation {
    public static let name = "bounty show"
    public var bounty: String

    public init(bounty: String) {
        self.bounty = bounty
    }

    public func run(in context: OperationContext) async throws(OperationError) -> BountyReport {
        let desk = BountyDesk(context)
        let id = try await desk.id(bounty)
        if let currency = try? await desk.known(id).terms.currency { await desk.follow(currency) }
        return try await desk.report(try await desk.known(id))
    }
}
