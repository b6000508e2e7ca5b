import Accounts
import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// `waggle mod queue`: what waits for a decision, the most urgent first.
public struct ShowQueue: Operation {
    public static let name = "mod queue"
    /// "mine", "unassigned", "overdue", "appeals", "decided", or nil for all that is open.
    public var show: String?

    public init(show: String? = nil) {
        self.show = show
    }

    public static let choices = ["mine", "unassigned", "overdue", "appeals", "decided"]

    public func run(in context: OperationContext) async throws(OperationError) -> CaseQueue {
        if let show, !Self.choices.contains(show) {
            throw OperationError(.usage, "show is one of \(Self.choices.joined(separator: ", "))")
        }
        let clock = CaseClock(now: context.now())
        let open: [ModerationCase]
        let decided: [ModerationCase]
        do {
            open = try await context.moderation.openCases()
            decided = try await context.moderation.decidedCases()
        } catch {
            throw OperationError(error)
        }
        let appeals = decided.filter { $0.appeal.map { $0.outcome == nil } ?? false }
        let chosen: [ModerationCase] =
            switch show {
            case "mine": clock.sorted(open.filter { $0.assigned == context.decider })
            case "unassigned": clock.sorted(open.filter(\.assigned.isEmpty))
            case "overdue": clock.sorted(open.filter { clock.urgency($0) == .overdue })
            case "appeals": appeals
            case "decided": decided
            default: clock.sorted(open)
            }
        return CaseQueue(
            cases: await CaseDesk(context).lines(chosen),
            counts: .init(
                open: open.count, unassigned: open.count(where: \.assigned.isEmpty),
                overdue: open.count { clock.urgency($0) == .overdue }, appeals: appeals.count,
                reasons: Dictionary(grouping: open, by: \.reason).mapValues(\.count)))
    }
}

/// The numbers of open cases in the order of the queue, for whoever goes from one to the next.
public struct ListQueueNumbers: Operation {
    public static let name = "mod queue numbers"

    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [String] {
        do {
            return CaseClock(now: context.now()).sorted(try await context.moderation.openCases()).map(\.number)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle mod show`: a case with its reports, how far it reaches, and what was done.
public struct ShowCase: Operation {
    public static let name = "mod show"
    public var number: String

    public init(number: String) {
        self.number = number
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CaseDetails {
        let desk = CaseDesk(context)
        let item = try await desk.find(number)
        let subjects = item.subjects.compactMap { ListSubject(text: $0) }
        // Material that nobody may look at is not spread out either.
        let isSealed = ReasonCode.sealed.contains(item.reason)
        let spread = isSealed ? [] : try await Spread(context).sets(of: subjects)
        let holders = isSealed ? [] : await Spread(context).holders(of: try await desk.everything(subjects))
        let acks = try await FederatedDecision(context).acks(of: item)
        let audit = try await AuditLine.all(of: item, in: context)
        do {
            let reports = try await context.moderation.reports(of: item.id).map { report in
                let words = desk.open(report.sealed)
                return CaseDetails.Report(
                    reporter: words.name.isEmpty ? report.reporter : "\(words.name) (\(words.right))",
                    reason: report.reason, text: words.shown, contact: words.contact, at: report.at)
            }
            let notes =
                isSealed || Attachments(context).count(item.number) == 0
                ? [] : try await context.moderation.reports(of: item.id).flatMap { desk.open($0.sealed).files ?? [] }
            var earlier: [String] = []
            for subject in subjects {
                earlier += try await context.moderation.cases(about: subject).filter { $0.id != item.id }.map(\.number)
            }
            var maker: Hash32?
            for subject in subjects where maker == nil { maker = await desk.maker(of: subject) }
            var strikes = 0
            if let maker { strikes = try await context.moderation.strikes(of: maker, now: context.now()) }
            return CaseDetails(
                line: await desk.line(item), subjects: item.subjects, reports: reports, spread: spread,
                holders: holders, decision: item.decision.map(CaseDetails.Decision.init),
                appeal: item.appeal.map(CaseDetails.Appeal.init), acks: acks,
                audit: audit, earlier: earlier,
                strikes: strikes, maker: maker.map(AuthorID.text) ?? "",
                canUndo: item.decision.map { CaseClock(now: context.now()).canUndo($0) } ?? false,
                letters: Letters.all(item),
                files: notes.enumerated().map { index, note in
                    CaseDetails.File(index: index, name: note.name, bytes: note.size, sha256: note.sha256)
                })
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle mod assign`: says who works on a case.
public struct AssignCase: Operation {
    public static let name = "mod assign"
    public var number: String
    /// An account; nil = whoever asks; empty = nobody.
    public var to: String?

    public init(number: String, to: String? = nil) {
        self.number = number
        self.to = to
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CaseLine {
        let desk = CaseDesk(context)
        let item = try await desk.find(number)
        let who = to ?? context.decider
        let changed = try await desk.change(item) { $0.assigned = who }
        return await desk.line(changed)
    }
}

/// `waggle mod hide`: hides at once what a case names, until somebody decides.
public struct HideCase: Operation {
    public static let name = "mod hide"
    public var number: String

    public init(number: String) {
        self.number = number
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CaseLine {
        let desk = CaseDesk(context)
        let item = try await desk.find(number)
        guard item.state != .decided else { throw OperationError(.conflict, "\(item.number) is decided already") }
        let subjects = try await desk.everything(item.subjects.compactMap { ListSubject(text: $0) })
        guard !subjects.isEmpty else {
            throw OperationError(.conflict, "\(item.number) names nothing that is known here: ask whoever sent it")
        }
        try await Evidence(context).lock(subjects, item, reason: item.reason)
        try await CaseEffects(context).block(subjects, item)
        let changed = try await desk.change(item) { $0.state = .hidden }
        return await desk.line(changed)
    }
}

/// `waggle mod decide`: keeps, blocks or purges what a case is about, here and on the lists that others subscribe to.
public struct DecideCase: Operation {
    public static let name = "mod decide"
    public var number: String
    public var action: String
    /// A code; the case's own when nil.
    public var reason: String?
    /// Sets of the spread that it is decided for; "named" when empty.
    public var sets: [String]
    public var letter: String
    /// Words for whoever made it, who never learns who asked; nil for the usual ones.
    public var makerLetter: String?
    /// The list that tells others; nil = "takedowns" of the owner; empty = nobody is told.
    public var list: String?
    /// Deletes other programs' files with these bytes, too.
    public var deletesAdopted: Bool

    public init(
        number: String, action: String, reason: String? = nil, sets: [String] = [], letter: String = "",
        makerLetter: String? = nil, list: String? = nil, deletesAdopted: Bool = false
    ) {
        self.number = number
        self.action = action
        self.reason = reason
        self.sets = sets
        self.letter = letter
        self.makerLetter = makerLetter
        self.list = list
        self.deletesAdopted = deletesAdopted
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CaseLine {
        guard let action = CaseAction.decisions.first(where: { $0.rawValue == action }) else {
            throw OperationError(
                .usage, "a decision is one of \(CaseAction.decisions.map(\.rawValue).joined(separator: ", "))")
        }
        let desk = CaseDesk(context)
        let item = try await desk.find(number)
        guard item.state != .decided else {
            throw OperationError(.conflict, "\(item.number) is decided already; `waggle mod undo` takes that back")
        }
        let reason = reason ?? item.reason
        guard ReasonCode.isValid(reason), letter.utf8.count <= Limits.Cases.textBytes,
            (makerLetter ?? "").utf8.count <= Limits.Cases.textBytes
        else {
            throw OperationError(.usage, "a reason is one of \(ReasonCode.all.joined(separator: ", "))")
        }
        let (subjects, lookalikes) = try await chosen(item, context)
        let effects = CaseEffects(context)
        if action != .keep { try await Evidence(context).lock(subjects + lookalikes, item, reason: reason) }
        switch action {
        case .keep: try await effects.lift(item)
        case .block: try await effects.block(subjects + lookalikes, item)
        case .purge:
            try await effects.purge(subjects, item, reason: reason, deletesAdopted: deletesAdopted)
            // How something looks is no reason to delete it.
            try await effects.block(lookalikes, item)
        // No decision, and refused above.
        case .label: break
        }
        let makers = await makers(item, context)
        if action != .keep {
            let told = FederatedDecision(context)
            try await told.publish(subjects, item, action, reason: reason, list: list)
            if !lookalikes.isEmpty { try await told.publish(lookalikes, item, .block, reason: reason, list: list) }
            try await strike(makers, item, context)
        }
        let now = context.now()
        let decision = ModerationCase.Decision(
            action: action, reason: reason, by: context.decider, at: now, letter: letter,
            makerLetter: makerLetter ?? (action == .keep ? nil : Letters.all(item)["maker-removed"]))
        let changed = try await desk.change(item) { item in
            item.state = .decided
            item.decision = decision
        }
        try await desk.log(action.rawValue, item, reason: reason)
        if action != .keep {
            try await CaseNews(context).tellMakers(makers, of: item, at: now)
            try await accept(item, makers, context, at: now)
        }
        return await desk.line(changed)
    }

    /// People here who reported it and were right: nobody who made it or decided it.
    private func accept(
        _ item: ModerationCase, _ makers: Set<Hash32>, _ context: OperationContext, at now: UInt64
    ) async throws(OperationError) {
        do {
            let reporters = Set(try await context.moderation.reports(of: item.id).map(\.reporter))
            let accounts = try await context.accounts.all().filter { account in
                reporters.contains(account.handle) && !makers.contains(account.author)
                    && account.handle != context.decider
            }
            guard !accounts.isEmpty else { return }
            let handles = accounts.map(\.handle).sorted()
            try await context.moderation.accept(handles, of: item.id, at: now) {
                SHA256.hash(SecureRandom.bytes(32))
            }
            try await CaseNews(context).thank(Set(handles), for: item, at: now)
        } catch let error as OperationError {
            throw error
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// What it is decided for, and of that what only looks alike.
    private func chosen(_ item: ModerationCase, _ context: OperationContext) async throws(OperationError)
        -> (subjects: [ListSubject], lookalikes: [ListSubject])
    {
        let named = item.subjects.compactMap { ListSubject(text: $0) }
        guard !sets.isEmpty, sets != ["named"] else { return (try await CaseDesk(context).everything(named), []) }
        let spread = try await Spread(context).sets(of: named)
        var subjects: [ListSubject] = []
        var lookalikes: [ListSubject] = []
        for name in sets {
            guard let set = spread.first(where: { $0.name == name }) else {
                throw OperationError(.notFound, "there is no set \"\(name)\" in \(item.number)")
            }
            let all = set.subjects.compactMap { ListSubject(text: $0) }
            if Spread.lookalikes.contains(name) { lookalikes += all } else { subjects += all }
        }
        return (subjects, lookalikes)
    }

    private func makers(_ item: ModerationCase, _ context: OperationContext) async -> Set<Hash32> {
        var makers: Set<Hash32> = []
        for subject in item.subjects.compactMap({ ListSubject(text: $0) }) {
            if let maker = await CaseDesk(context).maker(of: subject) { makers.insert(maker) }
        }
        return makers
    }

    private func strike(
        _ makers: Set<Hash32>, _ item: ModerationCase, _ context: OperationContext
    ) async throws(OperationError) {
        for maker in makers {
            do {
                try await context.moderation.strike(maker, case: item.id, at: context.now())
            } catch {
                throw OperationError(error)
            }
        }
    }
}

/// `waggle mod undo`: takes a decision back, here and everywhere that it was told.
public struct UndoCase: Operation {
    public static let name = "mod undo"
    public var number: String
    public var reason: String

    public init(number: String, reason: String = "") {
        self.number = number
        self.reason = reason
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CaseLine {
        let item = try await CaseDesk(context).find(number)
        guard let decision = item.decision, CaseClock(now: context.now()).canUndo(decision) else {
            throw OperationError(
                .conflict,
                "\(item.number) cannot be taken back: only blocks and keeps of the last 30 days can, and what was purged is gone"
            )
        }
        return try await CaseEffects(context).undo(item, reason: reason)
    }
}

/// One appeal against a decision, or against what this node says of something without a case: by whoever made what it is
/// about, or whoever asked for it.
public struct AppealCase: Operation {
    public static let name = "mod appeal"
    /// Of a case ("R-7") or of a lock ("L-7"), or the post of a label.
    public var number: String
    public var text: String
    /// Of somebody without an account: what the status page is asked by.
    public var secret: String?

    public init(number: String, text: String, secret: String? = nil) {
        self.number = number
        self.text = text
        self.secret = secret
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CaseLine {
        let desk = CaseDesk(context)
        guard (1...Limits.Cases.textBytes).contains(text.utf8.count) else {
            throw OperationError(.usage, "an appeal says why, in at most \(Limits.Cases.textBytes >> 10) KiB")
        }
        if let item = try await LabelAppeals(context).appeal(number, text) { return await desk.line(item) }
        let item = try await desk.find(number)
        try await Self.check(item, number, secret: secret, context)
        guard CaseClock(now: context.now()).canAppeal(item) else {
            throw OperationError(
                .conflict, "there is one appeal against a decision, within 20 days; \(item.number) has none left")
        }
        let appeal = ModerationCase.Appeal(by: context.decider, text: text, at: context.now())
        let changed = try await desk.change(item) { item in
            if item.appeal == nil { item.appeal = appeal }
        }
        return await desk.line(changed)
    }

    /// Whether somebody may appeal, or see what was decided: whoever asked, and whoever made it.
    static func check(
        _ item: ModerationCase, _ number: String, secret: String?, _ context: OperationContext
    ) async throws(OperationError) {
        if let secret {
            do {
                if try await context.moderation.moderationCase(secret: SHA256.hash(Array(secret.utf8)))?.id == item.id {
                    return
                }
            } catch {
                throw OperationError(error)
            }
            throw OperationError(.notFound, "there is no such request here")
        }
        guard let caller = context.caller else { return }
        for subject in item.subjects.compactMap({ ListSubject(text: $0) }) {
            if await CaseDesk(context).maker(of: subject) == caller.author { return }
        }
        // Whoever did not make it is told no more than that.
        throw OperationError(.notFound, "there is no case \(number) about something of yours")
    }
}

/// Answers an appeal, on the record: upheld, everything is as it was before the decision.
public struct AnswerCaseAppeal: Operation {
    public static let name = "mod answer"
    public var number: String
    public var isUpheld: Bool
    public var text: String

    public init(number: String, isUpheld: Bool, text: String) {
        self.number = number
        self.isUpheld = isUpheld
        self.text = text
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CaseLine {
        let desk = CaseDesk(context)
        let item = try await desk.find(number)
        guard let appeal = item.appeal, appeal.outcome == nil else {
            throw OperationError(.conflict, "\(item.number) has no appeal that waits for an answer")
        }
        guard !text.isEmpty, text.utf8.count <= Limits.Cases.textBytes else {
            throw OperationError(.usage, "an answer says why")
        }
        let (isUpheld, text, who, now) = (isUpheld, text, context.decider, context.now())
        // Whoever appealed from another node is answered there; said twice, the newer answer counts.
        try await AppealDesk(context).answer(appeal, isUpheld: isUpheld, text: text)
        var changed = try await desk.change(item) { item in
            item.appeal?.outcome = isUpheld ? "upheld" : "rejected"
            item.appeal?.answer = text
            item.appeal?.answeredBy = who
            item.appeal?.answeredAt = now
        }
        try await desk.log(isUpheld ? "appeal-upheld" : "appeal-rejected", item, reason: item.reason)
        if isUpheld, changed.decision?.undone == nil {
            switch changed.decision?.action {
            case .block:
                _ = try await CaseEffects(context).undo(changed, reason: "appeal upheld")
                changed = try await desk.find(number)
            case .label:
                // What was said is taken back by now.
                changed = try await desk.change(changed) { $0.decision?.undone = now }
            case .keep, .purge, nil: break
            }
        }
        return await desk.line(changed)
    }
}
