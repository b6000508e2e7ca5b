import Accounts
import Catalog
import Digests
import Economy
import FoundationEssentials
import Identity
import Ledger
import Moderation
import PostLog
import WaggleProtocol

/// A bounty with everything that is known of it here.
struct KnownBounty {
    let bounty: Bounty
    /// Nil when the post was taken back, or is not for the eyes of whoever asks: its terms hold all the same.
    let post: BountyPostView?
    /// The currency; nil when it is not known here.
    let view: CurrencyView?
    let entries: [BountyEntryView]
    let awards: [BountyAwardView]
    /// Of people who entered or awarded, by account.
    let people: [AccountID: CreatorView]

    var terms: BountyTerms { bounty.terms }
}

/// What operations on bounties have in common: putting one together from posts and a ledger.
struct BountyDesk {
    let context: OperationContext
    let buzz: BuzzDesk

    init(_ context: OperationContext) {
        self.context = context
        buzz = BuzzDesk(context)
    }

    // MARK: Finding

    /// A bounty by the id of its post, the beginning of it (8 digits at least), or the address of its page here.
    func id(_ text: String) async throws(OperationError) -> Hash32 {
        if let id = Hash32(hex: text) { return id }
        var name = text.lowercased()
        if let base = context.urls.first(where: { text.hasPrefix($0 + "/bounties/") }) {
            name = String(text.dropFirst(base.count + "/bounties/".count).prefix { $0 != "?" && $0 != "#" })
            if let id = Hash32(hex: name) { return id }
        }
        guard name.utf8.count >= 8, name.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else {
            throw OperationError(
                .usage, "\"\(text)\" names no bounty: give the id of its post, or its first 8 digits at least")
        }
        do {
            let found = try await context.catalog.bounties(beginning: name, context.moderation.filter(for: .owner))
            guard found.count < 2 else {
                throw OperationError(.usage, "several bounties begin with \(name); give more digits")
            }
            if let only = found.first { return only }
        } catch let error as OperationError {
            throw error
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        throw OperationError(.notFound, "no bounty that begins with \(name) is here")
    }

    /// - Throws: `notFound` when there is neither a post that the caller may see nor terms that were kept.
    func known(_ id: Hash32) async throws(OperationError) -> KnownBounty {
        do {
            let filter = context.moderation.filter(for: context.viewer)
            var post = try await context.catalog.bounty(post: id, filter)
            let everything = context.moderation.filter(for: .owner)
            // What is taken back is known by its terms; what is not for these eyes is known to its poster alone.
            if post == nil, let hidden = try await context.catalog.bounty(post: id, everything) {
                guard let caller = context.caller, caller.author == hidden.author.author else {
                    throw OperationError(.notFound, "there is no bounty \(id.hex) here")
                }
                post = hidden
            }
            guard
                let terms = try await context.economy.terms(of: id)
                    ?? post.flatMap({ BountyTerms(post: id, poster: $0.author.author, $0.body) })
            else { throw OperationError(.notFound, "there is no bounty \(id.hex) here") }
            return try await known(terms, post)
        } catch {
            throw Self.words(error)
        }
    }

    /// From the operator's side: whatever viewers may see.
    func decided(_ id: Hash32) async throws(OperationError) -> KnownBounty? {
        do {
            let post = try await context.catalog.bounty(post: id, context.moderation.filter(for: .owner))
            if let terms = try await context.economy.terms(of: id) { return try await known(terms, post) }
            guard let post, let terms = BountyTerms(post: id, poster: post.author.author, post.body),
                terms.arbiter == context.keyring.node.device.publicKey
            else { return nil }
            try await context.economy.keep(post.body, of: id, by: terms.poster)
            return try await known(terms, post)
        } catch {
            throw Self.words(error)
        }
    }

    func known(_ terms: BountyTerms, _ post: BountyPostView?) async throws -> KnownBounty {
        let entries = try await context.catalog.entries(forBounty: terms.post)
        let awards = try await context.catalog.awards(forBounty: terms.post)
        var arrivals: [Hash32: UInt64] = [:]
        if terms.arbiter == context.keyring.node.device.publicKey {
            try await context.economy.noteArrivals(entries.map(\.post), of: terms.post, at: context.now())
            arrivals = try await context.economy.arrivals(of: terms.post)
        }
        var accounts: [Hash32: AccountID] = [:]
        var people: [AccountID: CreatorView] = [:]
        for person in entries.map(\.author) + awards.map(\.author) + (post.map { [$0.author] } ?? [])
        where accounts[person.author] == nil {
            guard let account = try await context.log.keyChain(of: person.author)?.ledgerAccount else { continue }
            accounts[person.author] = account
            people[account] = person
        }
        var view: CurrencyView?
        var backings: [BountyBacking] = []
        if let known = try await context.currencies.all().first(where: { $0.charter.currency == terms.currency }) {
            view = known
            let finals = try await context.currencies.store.mentions(
                of: terms.post, in: terms.currency, limit: Limits.Economy.bountyFinals)
            backings = BountyBacking.all(about: terms.post, in: finals.reversed().map(\.final.order.order))
        }
        let bounty = Bounty(
            terms,
            entries: entries.map { entry in
                BountyEntry(
                    post: entry.post, author: entry.author.author, account: accounts[entry.author.author],
                    created: entry.created, arrived: arrivals[entry.post])
            },
            awards: awards.map { award in
                BountyAward(
                    post: award.post, author: award.author.author, account: accounts[award.author.author],
                    created: award.created,
                    shares: award.body.shares.compactMap { share in
                        Hash32(share.entry).map { BountyAward.Share(entry: $0, weight: share.weight) }
                    })
            }, backings: backings)
        return KnownBounty(
            bounty: bounty, post: post, view: view, entries: entries, awards: awards, people: people)
    }

    // MARK: Trust

    /// Whether the key that resolves the holds is one of the node that the bounty names: anybody can name a node.
    func isArbiterKnown(_ terms: BountyTerms) async -> Bool {
        guard let device = try? await context.log.keyChain(of: terms.arbiterNode)?.devices[terms.arbiter] else {
            return false
        }
        return device.scopes.contains(.node) && device.revocation == nil
    }

    // MARK: Reporting

    func report(_ known: KnownBounty) async throws(OperationError) -> BountyReport {
        let line = await line(known)
        let terms = known.terms
        let symbol = known.view?.charter.symbol ?? ""
        func name(_ account: AccountID) -> String? { known.people[account].map(\.name) }
        let (now, filter) = (context.now(), context.moderation.filter(for: context.viewer))
        let counted = Set(known.bounty.entries.map(\.post))
        var entries: [BountyReport.Entry] = []
        for entry in known.entries where !entry.isHidden || filter.seesHidden {
            let account = known.people.first { $0.value.author == entry.author.author }?.key
            entries.append(
                BountyReport.Entry(
                    post: entry.post.hex, author: AuthorID.text(entry.author.author), handle: entry.author.handle,
                    name: entry.author.name, created: entry.created, text: entry.body.text,
                    works: entry.body.works.compactMap { Hash32($0)?.hex }, counts: counted.contains(entry.post),
                    won: account.map { won(known.bounty, $0) } ?? 0))
        }
        let backings = known.bounty.backings.map { backing in
            let isEscrow = known.bounty.isEscrow(backing)
            var next: UInt64?
            var decision = ""
            if let view = known.view {
                switch known.bounty.decision(on: backing, at: now, epoch: view.epoch, view.charter) {
                case .closed: decision = backing.paid > 0 ? "paid" : "returned"
                case .wait(let until): (decision, next) = ("open", until)
                case .pay: decision = "to be paid"
                case .giveBack: decision = "to be returned"
                case .expire: decision = "expired"
                }
            }
            return BountyReport.Backing(
                hold: backing.hold.hex, account: backing.payer.hex, name: name(backing.payer),
                amount: backing.amount, isPledge: !isEscrow, state: decision, paid: backing.paid,
                returned: backing.returned, expiry: backing.expiry, next: next)
        }
        let awards = known.awards.filter { !$0.isHidden || filter.seesHidden }.map { award in
            BountyReport.Award(
                post: award.post.hex, author: AuthorID.text(award.author.author), name: award.author.name,
                created: award.created, text: award.body.text,
                shares: award.body.shares.compactMap { share in
                    Hash32(share.entry).map { BountyReport.Share(entry: $0.hex, weight: share.weight) }
                })
        }
        return BountyReport(
            summary: line, text: known.post?.body.text ?? "", tags: known.post?.body.tags ?? [],
            arbiter: terms.arbiter.hex, arbiterNode: AuthorID.text(terms.arbiterNode),
            isArbiterKnown: await isArbiterKnown(terms), symbol: symbol, backings: backings, entries: entries,
            awards: awards, stopped: known.view?.stopped ?? "",
            answered: known.view.map { $0.role == .authority ? now : $0.answered } ?? 0,
            trust: await known.view.asyncMap { await buzz.trust($0) } ?? "")
    }

    private func won(_ bounty: Bounty, _ account: AccountID) -> Int64 {
        bounty.backings.reduce(0) { sum, backing in
            guard case .paid(let outputs) = backing.state else { return sum }
            return sum &+ outputs.reduce(0) { $0 &+ ($1.account == account ? $1.amount : 0) }
        }
    }

    func line(_ known: KnownBounty) async -> BountyLine {
        let bounty = known.bounty
        return BountyLine(
            bounty: known.terms.post.hex, title: known.post?.body.title ?? "",
            poster: AuthorID.text(known.terms.poster), handle: known.post?.author.handle ?? "",
            name: known.post?.author.name ?? "", wanted: known.post?.body.wanted ?? "",
            level: known.post?.level.word ?? "", created: known.post?.created ?? 0,
            currency: known.terms.currency.hex, symbol: known.view?.charter.symbol ?? "",
            phase: bounty.phase(at: context.now()).rawValue, deadline: known.terms.deadline,
            decided: known.terms.decided, rule: known.terms.rule.rawValue, escrowed: bounty.escrowed,
            pledged: bounty.pledged, paid: bounty.paid, returned: bounty.returned,
            backers: Set(bounty.backings.map(\.payer)).count, entries: bounty.entries.count)
    }

    static func words(_ error: any Error) -> OperationError {
        switch error {
        case let error as OperationError: error
        case let error as CatalogError: OperationError(error)
        case let error as PostLogError: OperationError(error)
        case let error as LedgerError: OperationError(error)
        case let error as EconomyError: OperationError(error)
        default: OperationError(.failed, "\(error)")
        }
    }
}

extension Optional {
    func asyncMap<Other>(_ body: (Wrapped) async -> Other) async -> Other? {
        guard let self else { return nil }
        return await body(self)
    }
}
