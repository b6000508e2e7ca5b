import BlobStore
import Catalog
import Digests
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

    /// An entry of somebody's list, or a purge.
    struct Action {
        let post: Hash32
        let keeper: Hash32
        let entries: [ListEntry]
        let list: ListID
    }

    /// - Returns: nil for what is not here, and for posts of other kinds.
    func action(_ id: Hash32) async throws(OperationError) -> Action? {
        let found: LoggedPost?
        do {
            found = try await context.log.posts(ids: [id])[id]
        } catch {
            throw OperationError(error)
        }
        guard let post = found else { return nil }
        let said = Said.all(post)
        let entries = said.compactMap { one -> ListEntry? in
            if case .entry(let entry) = one.what { entry } else { nil }
        }
        guard let list = said.first?.list, !entries.isEmpty else { return nil }
        return Action(post: id, keeper: post.author, entries: entries, list: list)
    }

    /// Whether somebody made what an action is about.
    func isMaker(_ author: Hash32, of action: Action) async -> Bool {
        for entry in action.entries {
            switch entry.subject {
            case .exact(.blob(let hash)):
                let authors = (try? await context.catalog.blobReference(hash))?.authors ?? []
                if authors.contains(author) { return true }
            case .exact(.tensors(let hash)):
                for file in (try? await context.blobs.blobs(withTensorDigest: hash, blocked: true)) ?? [] {
                    let authors = (try? await context.catalog.blobReference(file))?.authors ?? []
                    if authors.contains(author) { return true }
                }
            case .exact(.post):
                if await CaseDesk(context).maker(of: entry.subject) == author { return true }
            default: continue
            }
        }
        return false
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

    /// Brings an appeal to the case that it is against, and to the queue; once.
    private func bring(_ appeal: PublicAppeal, against action: Action) async throws(OperationError) {
        guard let entry = action.entries.first, appeal.created < entry.created + Limits.Cases.appealSeconds else {
            return
        }
        let said = ModerationCase.Appeal(
            by: AuthorID.text(appeal.author), text: appeal.text, at: appeal.created, post: appeal.post.hex,
            action: action.post.hex)
        if let item = try await decided(entry.caseNumber) {
            _ = try await CaseDesk(context).change(item) { item in
                if CaseClock(now: said.at).canAppeal(item) { item.appeal = said }
            }
            return
        }
        do {
            // What was said on a list without a case has one from now on, so that it is answered as all others are.
            let known = try await context.moderation.cases(about: entry.subject)
            guard !known.contains(where: { $0.appeal?.action == said.action }) else { return }
            let decision = ModerationCase.Decision(
                action: entry.severity == .purge ? .purge : .block, reason: entry.reason,
                by: context.keyring.account(of: action.keeper) ?? "", at: entry.created, letter: "")
            _ = try await context.moderation.open(
                decided: decision, about: Array(action.entries.map(\.subject).prefix(Limits.Cases.subjects)),
                appeal: said)
        } catch {
            throw OperationError(error)
        }
    }

    /// The case that an entry names, where there is one here that was decided.
    private func decided(_ number: String) async throws(OperationError) -> ModerationCase? {
        guard let id = ModerationCase.id(number) else { return nil }
        do {
            let item = try await context.moderation.moderationCase(id)
            return item?.number == number && item?.decision != nil ? item : nil
        } catch {
            throw OperationError(error)
        }
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

    /// Signs the answer to an appeal that came from another node, so that it travels back.
    func answer(_ appeal: ModerationCase.Appeal, isUpheld: Bool, text: String) async throws(OperationError) {
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
        let standing = action.entries.filter { !$0.isWithdrawn && !$0.isPurge }
        guard !standing.isEmpty else { return }
        _ = try await OwnList(context, action.list.slug, account: account).say(
            [], withdrawing: Set(standing.map(\.subject)))
    }
}
