import Accounts
import Digests
import FoundationEssentials
import Identity
import Ledger
import PostLog
import Synchronization
import WaggleProtocol

/// `waggle buzz balance`.
public struct ShowBalance: Operation {
    public static let name = "buzz balance"
    /// A person, or an account's 64 digits.
    public var account: String
    /// Nil for all.
    public var currency: String?
    /// False for what is known here alone. What anybody may ask for must not make this node ask others.
    public var asksAuthority: Bool?

    public init(account: String, currency: String? = nil, asksAuthority: Bool = true) {
        self.account = account
        self.currency = currency
        self.asksAuthority = asksAuthority
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [BalanceReport] {
        let desk = BuzzDesk(context)
        let account = try await desk.account(typed: account)
        let views: [CurrencyView]
        if let currency {
            views = [try await desk.view(currency)]
        } else {
            views = try await desk.asking { () throws(LedgerError) in try await context.currencies.all() }
        }
        var reports: [BalanceReport] = []
        for view in views { reports.append(try await report(account, view, desk)) }
        return reports
    }

    private func report(_ account: AccountID, _ view: CurrencyView, _ desk: BuzzDesk) async throws(OperationError)
        -> BalanceReport
    {
        let currency = view.charter.currency
        let known = await desk.currencies.state(currency)?.ledger
        let local = known?.account(account)
        var standing: AccountStanding?
        // What is decided here alone is asked of nobody else.
        if asksAuthority != false || !view.isFollowed {
            do throws(LedgerError) {
                standing = try await desk.currencies.standing(account, in: currency)
            } catch {
                guard local != nil else { throw OperationError(error) }
            }
        }
        let frozen = standing?.frozenUntil ?? local?.frozenUntil ?? -1
        let pending = try await desk.asking { () throws(LedgerError) in
            try await desk.currencies.pending(in: currency)
        }
        let doubles = try await desk.asking { () throws(LedgerError) in
            view.charter.authorities.count > 1
                ? try await desk.currencies.store.doubleOrders(of: account, in: currency) : []
        }
        return BalanceReport(
            currency: currency.hex, symbol: view.charter.symbol, account: account.hex,
            balance: standing?.balance ?? local?.balance ?? 0,
            held: known?.holds.values.filter { $0.payer == account }.reduce(0) { $0 &+ $1.amount } ?? 0,
            orders: (standing?.nextSeq ?? local?.nextSeq ?? 1) - 1,
            pending: pending.count { order in
                if case .account(account, _) = order.order.slot { true } else { false }
            },
            frozenUntil: frozen >= view.epoch ? frozen : nil, doubleOrders: doubles.isEmpty ? nil : doubles,
            isCurrent: standing != nil,
            trust: await desk.trust(view))
    }
}

/// `waggle buzz tip`: pays whoever made something, with the post as the reason.
public struct TipSubject: Operation {
    public static let name = "buzz tip"
    public var account: String
    /// A model, release, image, article, … or a person: see `SubjectResolver`.
    public var subject: String
    public var amount: UInt64
    public var currency: String?

    public init(account: String, subject: String, amount: UInt64, currency: String? = nil) {
        self.account = account
        self.subject = subject
        self.amount = amount
        self.currency = currency
    }

    public func run(in context: OperationContext) async throws(OperationError) -> FinalReport {
        let desk = BuzzDesk(context)
        let view = try await desk.view(currency)
        let charter = view.charter
        let (signer, payer) = try await desk.signer(account)
        guard let amount = Int64(exactly: amount), amount > 0 else {
            throw OperationError(.usage, "a tip is 1 to \(Int64.max) \(charter.symbol)")
        }
        let (author, reference) = try await recipient(context)
        guard author != signer.author else { throw OperationError(.usage, "nobody tips themselves") }
        guard try await desk.accepts(author, charter.currency) else {
            throw OperationError(
                .failed,
                "\(subject) does not take \(charter.symbol): their profile does not list it (`waggle buzz accept` does)",
                isRefused: true)
        }
        let payee = try await desk.account(of: author)
        let isKept = Mutex(false)
        do throws(LedgerError) {
            let final = try await context.currencies.perform(
                .transfer([Output(account: payee, amount: amount)]), of: payer, by: signer.device, reference: reference,
                in: charter.currency, whenKept: { isKept.withLock { $0 = true } })
            let report = FinalReport(final, charter, time: context.now())
            // News of it may fail: what is paid is paid.
            try? await context.accounts.tell([
                NewNotification(
                    for: author, .tip, key: report.slot, subject: reference == author ? nil : reference,
                    actor: signer.author, detail: "\(amount) \(charter.symbol)", created: context.now())
            ])
            return report
        } catch {
            let plain = OperationError(error)
            guard isKept.withLock({ $0 }), plain.isRefused != true else { throw plain }
            throw OperationError(plain.code, plain.message, isUnderWay: true)
        }
    }

    /// Who made the subject, and what the tip is about: the post, or the person.
    private func recipient(_ context: OperationContext) async throws(OperationError) -> (author: Hash32, about: Hash32)
    {
        let resolver = SubjectResolver(context)
        let isPerson =
            AuthorID.parse(subject.hasPrefix("@") ? String(subject.dropFirst()) : subject) != nil
            || (subject.hasPrefix("@") && !subject.contains("/"))
        if isPerson {
            let author = try await resolver.author(subject)
            return (author, author)
        }
        let post = try await resolver.subject(subject)
        do {
            guard let logged = try await context.log.posts(ids: [post])[post] else {
                throw OperationError(.notFound, "nothing that is shown here is named \"\(subject)\"")
            }
            return (logged.author, post)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

/// `waggle buzz grant`: the node issues within its charter's cap.
public struct GrantBuzz: Operation {
    public static let name = "buzz grant"
    public var recipient: String
    public var amount: UInt64
    public var currency: String?

    public init(recipient: String, amount: UInt64, currency: String? = nil) {
        self.recipient = recipient
        self.amount = amount
        self.currency = currency
    }

    public func run(in context: OperationContext) async throws(OperationError) -> FinalReport {
        let desk = BuzzDesk(context)
        let view = try await desk.view(currency)
        let account = try await desk.account(typed: recipient)
        guard let amount = Int64(exactly: amount), amount > 0 else {
            throw OperationError(.usage, "a grant is 1 to \(Int64.max) \(view.charter.symbol)")
        }
        let finals = try await desk.asking { () throws(LedgerError) in
            try await context.currencies.grant(
                [Output(account: account, amount: amount)], reference: nil, in: view.charter.currency)
        }
        return FinalReport(finals[0], view.charter, time: context.now())
    }
}

/// `waggle buzz history`: what an account paid and got, or what was paid about a post; the newest first.
public struct ShowHistory: Operation {
    public static let name = "buzz history"
    /// A person, an account, or a post.
    public var subject: String
    public var currency: String?
    public var limit: Int
    /// Only what is before this place in the log.
    public var before: UInt64?
    /// False for what is here already. What anybody may ask for must not make this node ask others.
    public var asksAuthority: Bool?

    public init(
        subject: String, currency: String? = nil, limit: Int = 50, before: UInt64? = nil, asksAuthority: Bool = true
    ) {
        self.asksAuthority = asksAuthority
        self.subject = subject
        self.currency = currency
        self.limit = limit
        self.before = before
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [FinalReport] {
        let desk = BuzzDesk(context)
        let view = try await desk.view(currency)
        let currency = view.charter.currency
        // A copy is brought up to date first; where the authority does not answer, what is here is shown.
        if asksAuthority != false {
            do throws(LedgerError) {
                try await context.currencies.follow(currency)
            } catch {
                if case .untrusted = error { throw OperationError(error) }
            }
        }
        let name: Hash32
        if subject.contains("/"), Hash32(hex: subject) == nil {
            name = try await SubjectResolver(context).subject(subject)
        } else {
            name = try await desk.account(typed: subject)
        }
        let (limit, before) = (min(max(1, limit), Limits.Ledger.historyPage), before)
        let found = try await desk.asking { () throws(LedgerError) in
            try await context.currencies.store.mentions(of: name, in: currency, before: before, limit: limit)
        }
        return found.map { FinalReport($0.final, view.charter, logged: $0, of: name) }
    }
}
