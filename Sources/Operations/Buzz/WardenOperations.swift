import Digests
public import FoundationEssentials
import Identity
import Ledger
import PostLog
import WaggleProtocol

/// Who may freeze accounts of a new currency, and perhaps take back what a frozen one has.
public struct WardenChoice: Codable, Sendable {
    /// People, or accounts' 64 digits.
    public let accounts: [String]
    /// Whether those who decide are wardens, too.
    public let areOperators: Bool
    /// How many of them it takes to take something back.
    public let threshold: Int
    public let hasClawback: Bool
    /// Epochs that one freeze lasts at most.
    public let maxFreezeEpochs: UInt32

    public init(
        _ accounts: [String], areOperators: Bool, threshold: Int, hasClawback: Bool, maxFreezeEpochs: UInt32
    ) {
        (self.accounts, self.areOperators, self.threshold) = (accounts, areOperators, threshold)
        (self.hasClawback, self.maxFreezeEpochs) = (hasClawback, maxFreezeEpochs)
    }

    init(_ rules: CharterDraft.Wardens) {
        self.init(
            rules.accounts, areOperators: rules.areOperators, threshold: rules.threshold,
            hasClawback: rules.hasClawback, maxFreezeEpochs: rules.maxFreezeEpochs)
    }
}

extension BuzzDesk {
    /// Wardens by their accounts' 64 digits.
    func resolved(_ choice: WardenChoice?) async throws(OperationError) -> CharterDraft.Wardens? {
        guard let choice else { return nil }
        var accounts: [String] = []
        for text in choice.accounts { accounts.append(try await account(typed: text).hex) }
        return CharterDraft.Wardens(
            accounts, areOperators: choice.areOperators, threshold: choice.threshold, hasClawback: choice.hasClawback,
            maxFreezeEpochs: choice.maxFreezeEpochs)
    }

    /// The warden of a currency that is at home here: a person, else, for its operator, this node itself (nil).
    ///
    /// - Throws: `failed` where neither is one.
    fileprivate func warden(
        _ name: String, _ charter: Charter
    ) async throws(OperationError) -> (account: AccountID, key: SigningKey)? {
        if let found = try? await signer(name), charter.wardens.contains(found.account) {
            return (found.account, found.signer.device)
        }
        if context.mayActAsNode, let own = await currencies.publicKey, charter.wardens.contains(own) { return nil }
        throw OperationError(
            .failed,
            charter.wardens.isEmpty
                ? "\(charter.symbol) has no wardens: nobody can freeze anything"
                : "neither @\(name) nor this node is a warden of \(charter.symbol); `waggle buzz rules` names them",
            isRefused: true)
    }

    /// The post that says why something was done.
    fileprivate func reason(_ text: String?) async throws(OperationError) -> Hash32? {
        guard let text, !text.isEmpty else { return nil }
        return try await SubjectResolver(context).subject(text)
    }
}

/// Who is frozen in a currency, why, and what wardens took.
public struct ShowWardens: Operation {
    public static let name = "buzz wardens"
    public var currency: String?
    /// An account of this home, who may be a warden; nil for a visitor.
    public var account: String?

    public init(currency: String?, account: String?) {
        (self.currency, self.account) = (currency, account)
    }

    public struct Frozen: Codable, Sendable {
        /// 64 hexadecimal digits.
        public let account: String
        /// The last epoch in which it is frozen.
        public let until: Int64
        public let balance: Int64
        /// What froze it; nil where that is long ago.
        public let freeze: FinalReport?
        /// What wardens took of it lately, the newest first.
        public let taken: [FinalReport]
    }

    public struct Reply: Codable, Sendable {
        public let report: CurrencyReport
        public let wardens: [String]
        public let threshold: Int
        public let hasClawback: Bool
        public let maxFreezeEpochs: Int64
        public let frozen: [Frozen]
        /// Whether the account can act as a warden.
        public let isWarden: Bool
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let desk = BuzzDesk(context)
        let view = try await desk.view(currency)
        let charter = view.charter
        let found = try await desk.asking { () async throws(LedgerError) in
            try await context.currencies.frozen(in: charter.currency, limit: Limits.Ledger.frozenShown)
        }
        var isWarden = false
        if let account {
            do throws(OperationError) {
                _ = try await desk.warden(account, charter)
                isWarden = true
            } catch {
                isWarden = false
            }
        }
        func report(_ logged: LoggedFinal, _ account: AccountID) -> FinalReport {
            FinalReport(logged.final, charter, time: logged.time, logged: logged, of: account)
        }
        return Reply(
            report: await desk.report(view), wardens: charter.wardens.map(\.hex), threshold: charter.wardenThreshold,
            hasClawback: charter.hasClawback, maxFreezeEpochs: charter.maxFreezeEpochs,
            frozen: found.map { one in
                Frozen(
                    account: one.account.hex, until: one.until, balance: one.balance,
                    freeze: one.freeze.map { report($0, one.account) },
                    taken: one.taken.map { report($0, one.account) })
            }, isWarden: isWarden)
    }
}

/// `waggle buzz freeze`: a warden stops an account for a while.
public struct FreezeAccount: AuditedOperation {
    public static let name = "buzz freeze"
    /// The warden: an account of this home, else this node's own.
    public var account: String
    /// Who is frozen: a person, or an account's 64 digits.
    public var subject: String
    /// Nil for as many as the charter allows.
    public var epochs: UInt32?
    /// The post that says why.
    public var reason: String?
    public var currency: String?

    public init(
        account: String, subject: String, epochs: UInt32? = nil, reason: String? = nil, currency: String? = nil
    ) {
        (self.account, self.subject, self.epochs) = (account, subject, epochs)
        (self.reason, self.currency) = (reason, currency)
    }

    public var auditSubject: String { subject }
    public var auditDetail: String { reason ?? "" }

    public func run(in context: OperationContext) async throws(OperationError) -> FinalReport {
        try context.checkWritable()
        let desk = BuzzDesk(context)
        let view = try await desk.view(currency)
        let charter = view.charter
        let warden = try await desk.warden(account, charter)
        let target = try await desk.account(typed: subject)
        let reference = try await desk.reason(reason)
        let most = charter.maxFreezeEpochs
        let span = epochs.map(Int64.init) ?? most
        guard span > 0, span <= most else {
            throw OperationError(.usage, "a freeze of \(charter.symbol) lasts 1 to \(most) epochs")
        }
        let final = try await desk.asking { () async throws(LedgerError) in
            try await context.currencies.freeze(
                target, until: view.epoch + span, by: warden, reference: reference, in: charter.currency)
        }
        return FinalReport(final, charter, time: context.now())
    }
}

/// What `waggle buzz clawback` gives back: the document to pass on, and what it says.
public struct ClawbackReport: Codable, Sendable {
    /// JSON.
    public let document: Data
    public let currency: String
    public let symbol: String
    public let account: String
    public let to: String
    public let amount: Int64
    public let reference: String?
    /// Keys of the wardens who signed, and how many have to.
    public let signed: [String]
    public let threshold: Int
    public let wardens: Int

    init(_ draft: ClawbackDraft, _ charter: Charter) throws(LedgerError) {
        let wish = try draft.wish()
        document = draft.json
        (currency, symbol) = (charter.currency.hex, charter.symbol)
        (account, to, amount) = (wish.account.hex, wish.to.hex, wish.amount)
        reference = wish.reference?.hex
        signed = try draft.signers(charter).map(\.hex)
        (threshold, wardens) = (charter.wardenThreshold, charter.wardens.count)
    }
}

/// `waggle buzz clawback draft`: begins to take back what a frozen account has.
public struct DraftClawback: AuditedOperation {
    public static let name = "buzz clawback draft"
    public var account: String
    /// Whose: a person, or an account's 64 digits.
    public var subject: String
    public var amount: UInt64
    /// Who gets it.
    public var to: String
    public var reason: String?
    public var currency: String?

    public init(
        account: String, subject: String, amount: UInt64, to: String, reason: String? = nil, currency: String? = nil
    ) {
        (self.account, self.subject, self.amount) = (account, subject, amount)
        (self.to, self.reason, self.currency) = (to, reason, currency)
    }

    public var auditSubject: String { subject }
    public var auditDetail: String { "\(amount) to \(to)" }

    public func run(in context: OperationContext) async throws(OperationError) -> ClawbackReport {
        try context.checkWritable()
        let desk = BuzzDesk(context)
        let charter = try await desk.view(currency).charter
        let warden = try await desk.warden(account, charter)
        guard let amount = Int64(exactly: amount), amount > 0 else {
            throw OperationError(.usage, "an amount is 1 to \(Int64.max) \(charter.symbol)")
        }
        let (from, payee) = (try await desk.account(typed: subject), try await desk.account(typed: to))
        let reference = try await desk.reason(reason)
        return try await desk.asking { () async throws(LedgerError) in
            let draft = try await context.currencies.draftClawback(
                of: from, to: payee, amount: amount, reference: reference, in: charter.currency)
            return try ClawbackReport(try await context.signed(draft, warden, charter), charter)
        }
    }
}

/// `waggle buzz clawback sign`: agrees to it as a warden.
public struct SignClawback: AuditedOperation {
    public static let name = "buzz clawback sign"
    public var account: String
    public var document: Data

    public init(account: String, document: Data) {
        (self.account, self.document) = (account, document)
    }

    public var auditSubject: String { (try? ClawbackDraft(json: document).wish().account.hex) ?? "" }

    public func run(in context: OperationContext) async throws(OperationError) -> ClawbackReport {
        try context.checkWritable()
        let desk = BuzzDesk(context)
        let document = document
        let draft = try await desk.asking { () throws(LedgerError) in try ClawbackDraft(json: document) }
        let charter = try await desk.asking { () async throws(LedgerError) in
            try await context.currencies.charter(try draft.wish().currency)
        }
        let warden = try await desk.warden(account, charter)
        return try await desk.asking { () async throws(LedgerError) in
            try ClawbackReport(try await context.signed(draft, warden, charter), charter)
        }
    }
}

extension OperationContext {
    /// Signs for the warden who is at home here, and, where the operator asks, for this node if that is one.
    fileprivate func signed(
        _ draft: ClawbackDraft, _ warden: (account: AccountID, key: SigningKey)?, _ charter: Charter
    ) async throws(LedgerError) -> ClawbackDraft {
        var signed = draft
        if let warden {
            // Wardens sign with the keys that the charter names.
            guard charter.wardens.contains(warden.key.publicKey) else {
                throw .wrongKey("the charter names another key of this warden than the one that is here")
            }
            try signed.sign(warden.key)
        }
        return mayActAsNode ? try await currencies.sign(signed, charter) : signed
    }
}

/// `waggle buzz clawback show`: what a document says.
public struct ShowClawback: Operation {
    public static let name = "buzz clawback show"
    public var document: Data

    public init(document: Data) {
        self.document = document
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ClawbackReport {
        let desk = BuzzDesk(context)
        let document = document
        return try await desk.asking { () async throws(LedgerError) in
            let draft = try ClawbackDraft(json: document)
            return try ClawbackReport(draft, try await context.currencies.charter(try draft.wish().currency))
        }
    }
}

/// `waggle buzz clawback send`: gives the order, once enough wardens have signed it.
public struct SendClawback: AuditedOperation {
    public static let name = "buzz clawback send"
    public var document: Data

    public init(document: Data) {
        self.document = document
    }

    public var auditSubject: String { (try? ClawbackDraft(json: document).wish().account.hex) ?? "" }

    public func run(in context: OperationContext) async throws(OperationError) -> FinalReport {
        try context.checkWritable()
        let desk = BuzzDesk(context)
        let document = document
        return try await desk.asking { () async throws(LedgerError) in
            let draft = try ClawbackDraft(json: document)
            let charter = try await context.currencies.charter(try draft.wish().currency)
            let final = try await context.currencies.clawBack(draft)
            return FinalReport(final, charter, time: context.now())
        }
    }
}
