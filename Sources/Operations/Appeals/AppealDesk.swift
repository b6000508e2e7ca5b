import BlobStore
import Catalog
import Digests
import Formats
import FoundationEssentials
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// Appeals and answers that travel between nodes (kinds 45 and 46): what the log brings of them, and where it goes.
struct AppealDesk {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    /// An entry of somebody's list, a purge, or a label.
    struct Action {
        enum Said {
            case entries([ListEntry], ListID)
            case label(WireLabel)
        }

        let post: Hash32
        let keeper: Hash32
        /// What it is about.
        let subjects: [ListSubject]
        let reason: String
        /// Unix seconds.
        let created: UInt64
        let said: Said

        /// What it comes to in a case of its own.
        var caseAction: CaseAction {
            switch said {
            case .entries(let entries, _): entries.first?.severity == .purge ? .purge : .block
            case .label: .label
            }
        }

        /// The case that it names, as it does.
        var caseNumber: String {
            if case .entries(let entries, _) = said { entries.first?.caseNumber ?? "" } else { "" }
        }
    }

    /// - Returns: nil for what is not here, for posts of other kinds, and for labels that nobody can have anything against.
    func action(_ id: Hash32) async throws(OperationError) -> Action? {
        let found: LoggedPost?
        do {
            found = try await context.log.posts(ids: [id])[id]
        } catch {
            throw OperationError(error)
        }
        guard let post = found else { return nil }
        if case .label(let body) = post.post.body { return Action(body, post) }
        let said = Said.all(post)
        let entries = said.compactMap { one -> ListEntry? in
            if case .entry(let entry) = one.what { entry } else { nil }
        }
        guard let list = said.first?.list, let first = entries.first else { return nil }
        return Action(
            post: id, keeper: post.author, subjects: entries.map(\.subject), reason: first.reason,
            created: first.created, said: .entries(entries, list))
    }

    /// Whether somebody made what an action is about, and published it before: whoever names it after that has no say in it.
    func isMaker(_ author: Hash32, of action: Action) async -> Bool {
        for subject in action.subjects {
            switch subject {
            case .exact(.blob(let hash)):
                if await showed(hash, author, before: action) { return true }
            case .exact(.tensors(let hash)):
                for file in (try? await context.blobs.blobs(withTensorDigest: hash, blocked: true)) ?? []
                where await showed(file, author, before: action) { return true }
            case .exact(.post):
                if await CaseDesk(context).maker(of: subject) == author { return true }
            default: continue
            }
        }
        return false
    }

    private func showed(_ blob: Hash32, _ author: Hash32, before action: Action) async -> Bool {
        guard let reference = try? await context.catalog.blobReference(blob), reference.authors.contains(author) else {
            return false
        }
        // Which was first the node of whoever keeps the list knows, and decides.
        guard context.keyring.authors.contains(action.keeper) else { return true }
        let desk = CaseDesk(context)
        let earlier = await desk.showing(reference, before: action.post)
        // A scanner says what a file is before anybody publishes it.
        if case .label = action.said, earlier.isEmpty { return await desk.showing(reference).first?.author == author }
        return earlier.contains { $0.author == author }
    }

    // MARK: What the log brings

    func take(_ entry: LogEntry) async throws(OperationError) {
        guard entry.event == .shown else { return }
        switch entry.post.post.body {
        case .appeal(let body):
            // Who made what it is about is to be known.
            await context.catalog.waitUntilApplied(entry.seq)
            try await take(body, entry.post)
        case .answer(let body): try await take(body, entry.post)
        default: return
        }
    }

    /// Of appeals only those matter that are by people of this node, or against what it says.
    private func take(_ body: WireAppeal, _ post: LoggedPost) async throws(OperationError) {
        guard let id = Hash32(body.action), let action = try await action(id) else { return }
        let own = Set(context.keyring.authors)
        guard own.contains(action.keeper) || own.contains(post.author) else { return }
        // Whoever did not make it has no say in it.
        guard await isMaker(post.author, of: action) else { return }
        do {
            try await context.moderation.keep(
                PublicAppeal(
                    post: post.id, action: id, keeper: action.keeper, author: post.author, text: body.text,
                    created: post.created))
            guard own.contains(action.keeper),
                let first = try await context.moderation.appeal(against: id, by: post.author)
            else { return }
            try await bring(first, against: action)
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// Brings an appeal to the case that it is against, and to the queue; once, and in time by this node's clock: what it says
    /// of its own time is its author's word.
    private func bring(_ appeal: PublicAppeal, against action: Action) async throws(OperationError) {
        let now = context.now()
        guard now < action.created + Limits.Cases.appealSeconds else { return }
        let said = ModerationCase.Appeal(
            by: AuthorID.text(appeal.author), text: appeal.text, at: now, post: appeal.post.hex,
            action: action.post.hex)
        if let item = try await decided(by: action) {
            _ = try await CaseDesk(context).change(item) { item in
                if CaseClock(now: now).canAppeal(item) { item.appeal = said }
            }
            return
        }
        do {
            // What was said without a case has one from now on, so that it is answered as all others are.
            guard try await context.moderation.cases(appealing: action.post.hex).isEmpty else { return }
            let decision = ModerationCase.Decision(
                action: action.caseAction, reason: action.reason,
                by: context.keyring.account(of: action.keeper) ?? "", at: action.created, letter: "")
            _ = try await context.moderation.open(
                decided: decision, about: Array(action.subjects.prefix(Limits.Cases.subjects)), appeal: said)
        } catch {
            throw OperationError(error)
        }
    }

    /// The case that an action carries out. Anybody may write its number: only a list of the operator's, who decides cases,
    /// tells of them, and only of what they are about.
    private func decided(by action: Action) async throws(OperationError) -> ModerationCase? {
        guard action.keeper == context.keyring.accounts[FederatedDecision.account]?.author,
            let id = ModerationCase.id(action.caseNumber)
        else { return nil }
        let found: ModerationCase?
        do {
            found = try await context.moderation.moderationCase(id)
        } catch {
            throw OperationError(error)
        }
        guard let item = found, item.number == action.caseNumber, item.decision != nil else { return nil }
        let about = await CaseDesk(context).reach(of: item)
        return action.subjects.contains { about.contains($0) } ? item : nil
    }

    private func take(_ body: WireAppealAnswer, _ post: LoggedPost) async throws(OperationError) {
        guard let id = Hash32(body.appeal) else { return }
        do {
            try await context.moderation.keep(
                PublicAppeal.Answer(
                    post: post.id, isUpheld: body.outcome == .upheld, text: body.text, created: post.created),
                to: id, by: post.author)
        } catch {
            throw OperationError(error)
        }
    }

    // MARK: Answering

    /// Signs the answer to an appeal that was signed, so that it travels back; upheld, what was said is taken back.
    func answer(_ appeal: ModerationCase.Appeal, isUpheld: Bool, text: String) async throws(OperationError) {
        if isUpheld, let action = appeal.action { try await LabelAppeals(context).unlock(action) }
        guard let post = appeal.post.flatMap({ Hash32(hex: $0) }),
            let action = appeal.action.flatMap({ Hash32(hex: $0) })
        else { return }
        // The entry itself may be gone by then; who keeps the list is known from the appeal.
        let keeper: Hash32?
        do {
            keeper = try await context.moderation.appeal(post)?.keeper
        } catch {
            throw OperationError(error)
        }
        guard let keeper, let account = context.keyring.account(of: keeper) else { return }
        if isUpheld { try await withdraw(action, of: keeper, as: account) }
        let posting = try Posting(context, as: account)
        var body = WireAppealAnswer()
        (body.appeal, body.text, body.outcome) = (post.data, text, isUpheld ? .upheld : .rejected)
        try await posting.submit([try posting.sign { $0.answer = body }])
    }

    /// Takes back what was appealed against; a purge stays, because nothing brings bytes back.
    private func withdraw(_ id: Hash32, of keeper: Hash32, as account: String) async throws(OperationError) {
        guard let action = try await action(id), action.keeper == keeper else { return }
        switch action.said {
        case .entries(let entries, let list):
            let standing = entries.filter { !$0.isWithdrawn && !$0.isPurge }
            guard !standing.isEmpty else { return }
            _ = try await OwnList(context, list.slug, account: account).say(
                [], withdrawing: Set(standing.map(\.subject)))
        case .label(var label):
            label.withdrawn = true
            guard let name = label.subject.slotName else { return }
            _ = try await Posting(context, as: account).replace(
                .label, slot: "\(name) \(label.label)", with: .label(label))
            try await ScanDesk(context).take(back: label, of: account)
        }
    }
}

extension AppealDesk.Action {
    /// - Returns: nil for a label that was withdrawn, that says that a file is safe, or that is one person's word on a level,
    ///   which is counted with the words of others.
    init?(_ label: WireLabel, _ post: LoggedPost) {
        guard !label.withdrawn, LevelVote.read(label) == nil, let subject = ListSubject(label.subject),
            label.label != ScanDesk.label || label.value != ScanVerdict.safe.rawValue
        else { return nil }
        self.init(
            post: post.id, keeper: post.author, subjects: [subject], reason: label.label, created: post.created,
            said: .label(label))
    }
}
